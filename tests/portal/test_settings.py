"""The environment says what it means, or is refused in words that help."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from portal.container import signing_keys
from portal.settings import (
    PREFIX,
    Settings,
    SettingsError,
    settings_from_environment,
    warn_of_unknown_variables,
)

VARIABLES = {
    name: "KUBECONFIG" if name == "kubeconfig" else f"{PREFIX}{name.upper()}"
    for name in Settings.model_fields
}
ADDRESS = "use an address like https://HOST/PATH"
DOMAIN = "use domains like example.org, without an @"
DURATION = "use a duration like 12h, 90m or 10s"
RANGE = "use a duration of more than 0s and at most 87600h"
ROLE = "use names of cluster roles, like edit"
TOKEN = "use at least 10m: Kubernetes issues no tokens for less"
KEY = "use keys of at least 16 characters"
NONSENSE = [
    ("NAMESPACE", "Kube Portal", "use the name of a namespace, like kubeportal"),
    ("API_SERVER_CA", "no certificate", "use certificates in PEM format"),
    ("NAMESPACE_CLUSTERROLES", "Not A Role!", ROLE),
    ("NAMESPACE_CLUSTERROLES", "edit, -view", ROLE),
    ("API_SERVER_EXTERNAL", "not a url", ADDRESS),
    ("API_SERVER_EXTERNAL", "api.example.org:6443", ADDRESS),
    ("AUTH_GOOGLE_DISCOVERY_URL", "foo", ADDRESS),
    ("AUTH_GOOGLE_DISCOVERY_URL", "https://user:hush@example.org/", ADDRESS),
    ("AUTH_GOOGLE_TOKENINFO_URL", "ftp://example.org/tokeninfo", ADDRESS),
    ("AUTH_GOOGLE_DOMAINS", "http://x, @example.org", DOMAIN),
    ("AUTH_GOOGLE_DOMAINS", "example.org, @example.com", DOMAIN),
    ("AUTH_GOOGLE_DOMAINS", "*.example.org", DOMAIN),
    ("TOKEN_LIFETIME", "1m", TOKEN),
    ("TOKEN_LIFETIME", "599s", TOKEN),
    ("TOKEN_LIFETIME", "0s", RANGE),
    ("SESSION_LIFETIME", "soon", DURATION),
    ("SESSION_LIFETIME", "12", DURATION),
    ("SESSION_LIFETIME", "99999999999999h", DURATION),
    ("SESSION_LIFETIME", "999999999h", RANGE),
    ("SESSION_IDLE_LIFETIME", "-1h", RANGE),
    ("FACTS_INTERVAL", "0s", RANGE),
    ("SECRET_KEY", "short", KEY),
    ("SECRET_KEY", f"{'long' * 8},short", KEY),
]
SENSE = [
    ("NAMESPACE", "kubeportal"),
    ("NAMESPACE_CLUSTERROLES", "edit, system:aggregate-to-view"),
    ("API_SERVER_EXTERNAL", "https://api.example.org:6443"),
    ("API_SERVER_EXTERNAL", "https://[2001:db8::1]:6443/"),
    ("AUTH_GOOGLE_DISCOVERY_URL", "https://login.example.org/v2/openid?appid=7"),
    ("AUTH_GOOGLE_DOMAINS", "example.org, Cs.Example.org, bücher.example, corp"),
    ("TOKEN_LIFETIME", "10m"),
    ("SESSION_LIFETIME", "87600h"),
    ("SECRET_KEY", "sixteen letters!"),
]


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.delenv("KUBECONFIG", raising=False)


@pytest.mark.parametrize("name", VARIABLES)
def test_an_empty_variable_is_like_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLES[name], "")
    monkeypatch.setenv(f"{VARIABLES[name]}_FILE", "")
    assert settings_from_environment() == Settings.model_construct()


@pytest.mark.parametrize(("name", "value", "advice"), NONSENSE)
def test_invalid_setting_is_named_with_advice(
    name: str, value: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{PREFIX}{name}", value)
    with pytest.raises(SettingsError) as refused:
        settings_from_environment()
    assert str(refused.value) == f"{PREFIX}{name}: {advice}"


@pytest.mark.parametrize(("name", "value"), SENSE)
def test_valid_setting_is_accepted(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}{name}", value)
    assert settings_from_environment() != Settings.model_construct()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r": cannot read .*key: No such file or directory$"),
        (b"\xff\xfe\x00", r": .*key is not UTF-8 text$"),
        (b"", r": .*key is empty$"),
        (b" \n", r": .*key is empty$"),
        (b"short\n", r"^KUBEPORTAL_SECRET_KEY: use keys"),
    ],
)
def test_invalid_secret_file_is_an_error(
    content: bytes | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("KUBEPORTAL_SECRET_KEY_FILE", str(file))
    with pytest.raises(SettingsError, match=message):
        settings_from_environment()


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64])
def test_invalid_stored_signing_key_is_not_used(content: bytes, tmp_path: Path) -> None:
    kept = tmp_path / "portal.secret"
    kept.write_bytes(content)
    with pytest.raises(SettingsError, match=r"portal.secret: not a signing key; delete it"):
        signing_keys(Settings(), tmp_path / "portal.sqlite3")
    kept.unlink()
    [key] = signing_keys(Settings(), tmp_path / "portal.sqlite3")
    assert signing_keys(Settings(), tmp_path / "portal.sqlite3") == [key]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("KUBEPORTAL_SESION_LIFETIME", ": did you mean KUBEPORTAL_SESSION_LIFETIME?"),
        ("kubeportal_databse_url", ": did you mean KUBEPORTAL_DATABASE_URL?"),
        ("KUBEPORTAL_SECRETKEY_FILE", ": did you mean KUBEPORTAL_SECRET_KEY_FILE?"),
        ("KUBEPORTAL_ROOT_PASSWORD", ", and is ignored."),
    ],
)
def test_unknown_variable_is_reported(
    name: str, advice: str, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_unknown_variables({name: "hush", "KUBEPORTAL_BRANDING": "Acme"})
    [record] = caplog.records
    assert (record.levelname, record.getMessage()) == (
        "WARNING",
        f"{name} is not a setting{advice}",
    )


def test_known_variables_are_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    """Those of a Kubernetes service that is called `kubeportal` among them."""
    service = {
        "KUBEPORTAL_SERVICE_HOST": "10.0.0.7",
        "KUBEPORTAL_SERVICE_PORT": "80",
        "KUBEPORTAL_SERVICE_PORT_HTTP": "80",
        "KUBEPORTAL_PORT": "tcp://10.0.0.7:80",
        "KUBEPORTAL_PORT_80_TCP": "tcp://10.0.0.7:80",
        "KUBEPORTAL_PORT_80_TCP_ADDR": "10.0.0.7",
        "KUBEPORTAL_DB_SERVICE_HOST": "10.0.0.8",
    }
    files = {f"{variable}_FILE": "/run/secrets/x" for variable in VARIABLES.values()}
    settings = dict.fromkeys(VARIABLES.values(), "x")
    others = {"KUBEPORTAL_ACCESS_TOKEN": "x", "PATH": "/bin", "_KUBEPORTAL_COMPLETE": "bash_source"}
    warn_of_unknown_variables({**service, **files, **settings, **others})
    assert caplog.records == []
