"""`kubeportal serve` from nothing to a signed-in user."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

import httpx2
import pytest

from portal.web.playground import BUILT
from tests.cluster.proxy import kubeconfig_of
from tests.live.processes import KUBEPORTAL, kubeportal, running, serving

pytestmark = pytest.mark.database

SECRET = "a secret of tests which is long enough"
CREATE = ("user", "create", "alice", "--superuser", "--email", "alice@example.org")


def login(address: str, password: str = "correct horse") -> httpx2.Response:  # noqa: S107
    credentials = {"username": "ALICE", "password": password}
    return httpx2.post(f"{address}/api/v1.4.0/login/", json=credentials)


def test_new_portal_has_no_account(tmp_path: Path) -> None:
    with serving(folder=tmp_path) as address:
        for username in ("admin", "root", "alice"):
            credentials = {"username": username, "password": username}
            response = httpx2.post(f"{address}/api/v1.4.0/login/", json=credentials)
            assert response.status_code == 400
        made = kubeportal(*CREATE, "--password-stdin", folder=tmp_path, stdin="correct horse\n")
        assert made.stdout == "created alice with id 1\n"
        token = login(address).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        user = httpx2.get(f"{address}/api/v1.4.0/users/1/", headers=headers).json()
        assert (user["username"], user["admin"]) == ("alice", True)


def test_signing_key_is_kept_private(tmp_path: Path) -> None:
    kubeportal(*CREATE, "--password-stdin", folder=tmp_path, stdin="correct horse\n")
    with serving(folder=tmp_path) as address:
        token = login(address).json()["access_token"]
    secret = tmp_path / "kubeportal.secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    with serving(folder=tmp_path) as address:
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx2.get(f"{address}/api/v1.4.0/users/1/", headers=headers).status_code == 200


@pytest.mark.parametrize(("mode", "count"), [(0o600, 0), (0o660, 0), (0o644, 1)])
def test_readable_database_is_reported(tmp_path: Path, mode: int, count: int) -> None:
    kubeportal("migrate", folder=tmp_path)
    database = tmp_path / "kubeportal.sqlite3"
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    database.chmod(mode)
    with serving(folder=tmp_path):
        pass
    [log] = tmp_path.glob("*.log")
    assert log.read_text().count("run chmod o-rwx kubeportal.sqlite3*") == count


@pytest.fixture
def replicas(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {"KUBEPORTAL_DATABASE_URL": database_url, "KUBEPORTAL_SECRET_KEY": SECRET}


async def test_concurrent_replicas_share_sessions(tmp_path: Path, replicas: dict[str, str]) -> None:
    with ExitStack() as stack, ThreadPoolExecutor() as executor:
        starting = [
            executor.submit(stack.enter_context, serving(folder=tmp_path, **replicas))
            for _ in range(3)
        ]
        addresses = [start.result() for start in starting]
        made = kubeportal(
            *CREATE, "--password-stdin", folder=tmp_path, stdin="correct horse\n", **replicas
        )
        assert made.returncode == 0, made.stderr
        token = login(addresses[0]).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        path = "/api/v1.4.0/users/1/"
        statuses = [httpx2.get(f"{a}{path}", headers=headers).status_code for a in addresses]
        assert statuses == [200, 200, 200]
        httpx2.post(f"{addresses[1]}/api/v1.4.0/logout/", headers=headers)
        statuses = [httpx2.get(f"{a}{path}", headers=headers).status_code for a in addresses]
        assert statuses == [401, 401, 401]


def test_workers_share_a_port_and_warn_once(tmp_path: Path) -> None:
    """Not forked like the others, as the workers are made of a command's own program."""
    kubeportal(*CREATE, "--password-stdin", folder=tmp_path, stdin="correct horse\n")
    command = [KUBEPORTAL, "serve", "--workers", "2"]
    variables = {
        "KUBEPORTAL_SECRET_KEY": "sixteen letters!",
        "KUBECONFIG": unused_cluster(tmp_path),
    }
    with running(command, folder=tmp_path, **variables) as address:
        assert login(address).status_code == 200
    [log] = tmp_path.glob("*.log")
    for once in ("KUBEPORTAL_SECRET_KEY", "KubePortal ", "cluster proxy does not answer", "Open "):
        assert log.read_text().count(once) == 1, once


def unused_cluster(folder: Path) -> str:
    """The path of a kubeconfig for a port without a server."""
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(kubeconfig_of("http://127.0.0.1:1"))
    return str(kubeconfig)


async def test_start_logs_what_is_served(tmp_path: Path, replicas: dict[str, str]) -> None:
    with serving(folder=tmp_path, KUBECONFIG=unused_cluster(tmp_path), **replicas) as address:
        lines = logged_lines(tmp_path)
    url = replicas["KUBEPORTAL_DATABASE_URL"]
    database = url if url.startswith("sqlite") else f"postgres://{url.rpartition('@')[2]}"
    release = version("kubeportal")
    assert f"INFO portal.cli.serve KubePortal {release}, database {database}" in lines
    assert (
        "WARNING portal.cli.serve cluster proxy does not answer: Cluster 'proxy' cannot be reached:"
        " connection refused."
    ) in lines
    path = "graphql" if BUILT.exists() else ""
    assert lines[-1].endswith(f" Open {address}/{path} (Press CTRL+C to quit)")


def logged_lines(folder: Path) -> list[str]:
    """Without date and time."""
    [log] = folder.glob("*.log")
    return [line.split(" ", 2)[2] for line in log.read_text().splitlines()]


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        (["serve"], {"KUBEPORTAL_DATABASE_URL": "mysql://x"}, "KUBEPORTAL_DATABASE_URL"),
        (
            ["serve"],
            {
                "KUBEPORTAL_DATABASE_URL": "postgres://nobody:hush@127.0.0.1:9/nothing",
                "KUBEPORTAL_SECRET_KEY": SECRET,
            },
            "KUBEPORTAL_DATABASE_URL: postgres://127.0.0.1:9/nothing can't be reached: Con",
        ),
        (
            ["migrate"],
            {"KUBEPORTAL_DATABASE_URL": "postgres://nobody:hush@no.invalid/nothing"},
            "KUBEPORTAL_DATABASE_URL: postgres://no.invalid/nothing can't be reached: ",
        ),
        (
            ["serve"],
            {"KUBEPORTAL_DATABASE_URL": "sqlite:///nowhere/portal.sqlite3"},
            "KUBEPORTAL_DATABASE_URL: /nowhere/portal.sqlite3: there is no such folder",
        ),
        (["serve", "--no-migrate"], {}, "kubeportal migrate"),
        (["serve", "--host", "999.1.1.1"], {}, "999.1.1.1"),
        (["serve"], {"KUBEPORTAL_SESSION_LIFETIME": "999999999h"}, "KUBEPORTAL_SESSION_LIFETIME"),
        (["serve"], {"KUBEPORTAL_ALLOWED_URLS": "*"}, "KUBEPORTAL_ALLOWED_URLS"),
        (["serve"], {"KUBEPORTAL_ALLOWED_URLS": "null"}, "KUBEPORTAL_ALLOWED_URLS"),
        (["serve"], {"KUBEPORTAL_ALLOWED_URLS": "https://*.example.org"}, "KUBEPORTAL_ALLOWED"),
        (["migrate"], {"KUBEPORTAL_DATABASE_URL": "postgres://u@h:port/x"}, "DATABASE_URL"),
        (["migrate"], {"KUBEPORTAL_DATABASE_URL": "postgres://u:1/x@h/x"}, "%2F for /"),
        (["migrate"], {"KUBEPORTAL_DATABASE_URL": "postgres:/u:x@h/x"}, "use postgres://USER"),
        (["user", "create", "a", "--password-stdin"], {}, "Password"),
        (["serve"], {"KUBEPORTAL_SESSION_LIFETIME": "soon"}, "KUBEPORTAL_SESSION_LIFETIME"),
        (["serve"], {"KUBEPORTAL_SESSION_LIFETIME": "-1h"}, "KUBEPORTAL_SESSION_LIFETIME"),
        (["serve"], {"KUBEPORTAL_REST_PATCH_RETURNS": "x"}, "KUBEPORTAL_REST_PATCH_RETURNS"),
        (["serve"], {"KUBEPORTAL_SECRET_KEY_FILE": "/nowhere"}, "KUBEPORTAL_SECRET_KEY_FILE"),
        (["serve"], {"KUBEPORTAL_AUTH_GOOGLE_KEY": "x"}, "KUBEPORTAL_AUTH_GOOGLE_SECRET"),
        (["serve"], {"KUBECONFIG": "/nowhere"}, "/nowhere"),
        (["apply", "-f", "/nowhere"], {}, "/nowhere"),
        (["schema", "check"], {}, "schema.graphql: there is no such file"),
        (["schema", "check", "--against", "/nowhere"], {}, "/nowhere"),
        (["user", "create", "a\tb"], {}, "USERNAME"),
        (["user", "create", "ﷺ" * 150], {}, "USERNAME"),
        (["user", "create", "a", "--email", "b"], {}, "--email"),
    ],
    ids=str,
)
def test_operator_error_is_one_line(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], message: str
) -> None:
    outcome = kubeportal(*arguments, folder=tmp_path, **variables)
    assert outcome.returncode == 1
    assert outcome.stdout == ""
    [line] = outcome.stderr.splitlines()
    assert line.startswith("kubeportal: ")
    assert message in line
    assert "hush" not in line
    assert "Errno" not in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "nonsense"),
        (["serve", "--port", "x"], "--port"),
        (["user", "create"], "USERNAME"),
        (["audit", "prune", "--before", "soon"], "--before"),
    ],
    ids=str,
)
def test_usage_error_is_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    outcome = kubeportal(*arguments, folder=tmp_path)
    assert (outcome.returncode, outcome.stdout) == (2, "")
    [line] = outcome.stderr.splitlines()
    assert line.startswith("kubeportal: ")
    assert message in line


def test_portal_name_is_no_password(tmp_path: Path) -> None:
    outcome = kubeportal(
        *CREATE,
        "--password-stdin",
        folder=tmp_path,
        stdin="Acme Cloud 26\n",
        KUBEPORTAL_BRANDING="Acme Cloud",
    )
    assert outcome.returncode == 1
    assert "too easy" in outcome.stderr


def test_used_port_is_an_error(tmp_path: Path) -> None:
    with serving(folder=tmp_path) as address:
        port = address.rpartition(":")[2]
        outcome = kubeportal("serve", "--port", port, folder=tmp_path)
    assert outcome.returncode == 1
    assert outcome.stderr == (
        f"kubeportal: can't listen on 127.0.0.1 port {port}: Address already in use;"
        " choose others with --host and --port\n"
    )


@pytest.mark.parametrize("command", [["migrate"], ["serve"], ["user", "create", "alice"]])
def test_unknown_database_user_is_an_error(
    command: list[str], postgres_url: str, tmp_path: Path
) -> None:
    """As with a wrong password, which a server of tests may not ask for."""
    host = postgres_url.rpartition("@")[2]
    url = f"postgres://stranger:hush@{host}/postgres"
    outcome = kubeportal(*command, folder=tmp_path, KUBEPORTAL_DATABASE_URL=url)
    assert outcome.returncode == 1
    [line] = outcome.stderr.splitlines()
    assert "stranger" in line
    assert "hush" not in line


def test_file_without_database_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "kubeportal.sqlite3").write_text("something else " * 100)
    outcome = kubeportal("migrate", folder=tmp_path)
    assert outcome.returncode == 1
    [line] = outcome.stderr.splitlines()
    assert "not a database" in line


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{SECRET}\n")
    kubeportal(*CREATE, "--password-stdin", folder=tmp_path, stdin="correct horse\n")
    with serving(folder=tmp_path, KUBEPORTAL_SECRET_KEY_FILE=str(tmp_path / "key")) as address:
        token = login(address).json()["access_token"]
    assert not (tmp_path / "kubeportal.secret").exists()
    with serving(folder=tmp_path, KUBEPORTAL_SECRET_KEY=f"another {SECRET},{SECRET}") as address:
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx2.get(f"{address}/api/v1.4.0/users/1/", headers=headers).status_code == 200
    assert not any("SECRET_KEY" in log.read_text() for log in tmp_path.glob("*.log"))


async def test_missing_database_is_named(tmp_path: Path, postgres_url: str) -> None:
    url = f"{postgres_url}/missing"
    outcome = kubeportal("migrate", folder=tmp_path, KUBEPORTAL_DATABASE_URL=url)
    assert outcome.returncode == 1
    [line] = outcome.stderr.splitlines()
    assert line.startswith("kubeportal: KUBEPORTAL_DATABASE_URL: PostgreSQL refuses: ")
    assert "missing" in line


def test_secrets_are_not_logged(tmp_path: Path) -> None:
    kubeportal(*CREATE, "--password-stdin", folder=tmp_path, stdin="correct horse\n")
    with serving(folder=tmp_path) as address:
        token = login(address).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        httpx2.get(f"{address}/api/v1.4.0/users/1/", headers=headers)
        login(address, "a wrong password")
    logged = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    secret = (tmp_path / "kubeportal.secret").read_text()
    assert logged
    for planted in ("correct horse", "a wrong password", token, secret):
        assert planted not in logged
