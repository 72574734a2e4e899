from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from portal.settings import Settings
from portal.web.app import Contract
from portal.web.documents import OWN_DOCUMENTS
from portal.web.playground import BUILT, Playground
from schema.executor import Executor
from tests.callers import Caller, MakeApp, called

SOURCES = Path(__file__).parents[2] / "playground"
EXAMPLES = sorted(path.name for path in SOURCES.glob("src/examples/*"))
PREFIX = "/behind/a/proxy"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PAGE = """<link rel="stylesheet" href="graphql/assets/page-1.css" nonce="NONCE">
<script type="module" src="graphql/assets/page-1.js"></script>"""
SCRIPT = "export const answer = 42;\n"
built = pytest.mark.skipif(not BUILT.exists(), reason="no playground: run make playground")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a build leaves, in small."""
    folder = tmp_path / "playground"
    assets = folder / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "index.html").write_text(PAGE)
    (assets / "page-1.css").write_text("body {}")
    (assets / "page-1.js").write_text(SCRIPT)
    (assets / "page-1.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    return folder


@pytest.fixture
async def browser(folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser_of(Playground(folder)) as client:
        yield client


def browser_of(playground: Playground) -> httpx2.AsyncClient:
    routes = [Route("/graphql", playground.page), *playground.routes()]
    app = Starlette(routes=[*routes, Mount(PREFIX, routes=routes)])
    transport = httpx2.ASGITransport(app)
    return httpx2.AsyncClient(transport=transport, base_url="http://portal", headers=BROWSER)


def policy_of(response: httpx2.Response) -> dict[str, str]:
    directives = response.headers["content-security-policy"].split("; ")
    return dict(directive.split(" ", 1) for directive in directives)


async def test_the_page_is_html_with_strict_headers(browser: httpx2.AsyncClient) -> None:
    page = await browser.get("/graphql")

    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["vary"] == "Accept"


async def test_policy_forbids_other_hosts_and_inline(
    browser: httpx2.AsyncClient,
) -> None:
    policy = policy_of(await browser.get("/graphql"))

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["worker-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    lax = [name for name, sources in policy.items() if "unsafe" in sources]
    assert lax == ["style-src-attr"]
    assert not re.search(r"[*.]|//|https?:|wss?:|blob:", " ".join(policy.values()))


async def test_each_page_has_a_nonce_of_its_own(browser: httpx2.AsyncClient) -> None:
    pages = [await browser.get("/graphql") for _ in range(2)]

    nonces = {re.findall(r'nonce="([^"]{20,})"', page.text)[0] for page in pages}
    assert len(nonces) == 2
    for page in pages:
        [nonce] = re.findall(r'nonce="([^"]+)"', page.text)
        assert policy_of(page)["style-src"] == f"'self' 'nonce-{nonce}'"


@pytest.mark.parametrize("page", ["/graphql", f"{PREFIX}/graphql"])
async def test_the_links_of_the_page_lead_to_its_files(
    browser: httpx2.AsyncClient, page: str
) -> None:
    links = re.findall(r'(?:href|src)="([^"]+)"', (await browser.get(page)).text)

    assert len(links) == 2
    for link in links:
        answer = await browser.get(urljoin(f"http://portal{page}", link))
        assert answer.status_code == 200, link


@pytest.mark.parametrize(
    ("accepted", "encoding"), [("gzip, br", "gzip"), ("identity", None), ("br", None)]
)
async def test_files_are_cached_and_compressed(
    browser: httpx2.AsyncClient, accepted: str, encoding: str | None
) -> None:
    answer = await browser.get("/graphql/assets/page-1.js", headers={"Accept-Encoding": accepted})

    assert answer.text == SCRIPT
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["content-type"].startswith(("text/javascript", "application/javascript"))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-security-policy"] == "default-src 'none'"


async def test_cached_file_is_not_modified(browser: httpx2.AsyncClient) -> None:
    first = await browser.get("/graphql/assets/page-1.js")
    known = {"If-None-Match": first.headers["etag"]}
    again = await browser.get("/graphql/assets/page-1.js", headers=known)

    assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "../index.html",
        "%2e%2e/%2e%2e/secret.txt",
        "..%2f..%2fsecret.txt",
        "..%5c..%5csecret.txt",
        "%2fetc%2fpasswd",
        "page-1.js/../../../secret.txt",
        "page-1.js%00",
        "",
    ],
)
async def test_only_the_files_of_the_folder_are_served(
    browser: httpx2.AsyncClient, path: str
) -> None:
    assert (await browser.get(f"/graphql/assets/{path}")).status_code == 404


async def test_files_are_only_read(browser: httpx2.AsyncClient) -> None:
    assert (await browser.post("/graphql/assets/page-1.js")).status_code == 405


async def test_missing_build_page_names_the_command(tmp_path: Path) -> None:
    async with browser_of(Playground(tmp_path / "missing")) as browser:
        page = await browser.get("/graphql")
        script = await browser.get("/graphql/assets/page-1.js")

    assert page.status_code == 200
    assert "make playground" in page.text
    assert 'href="graphql/schema.graphql"' in page.text
    assert not re.search(r"<script|<style|\sstyle=|//", page.text)
    assert policy_of(page)["default-src"] == "'none'"
    assert script.status_code == 404


async def test_browsers_get_the_page_clients_get_json(anonymous: Caller) -> None:
    page = await anonymous.client.get("/graphql", headers=BROWSER)
    head = await anonymous.client.head("/graphql", headers=BROWSER)
    answer = await anonymous.client.get("/graphql", params={"query": "{ portal { name } }"})

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert policy_of(head)["default-src"] == "'none'"
    assert head.content == b""
    assert answer.json()["data"] == {"portal": {"name": "KubePortal"}}


@pytest.mark.parametrize(("accept", "status"), [(BROWSER["Accept"], 400), ("text/html", 406)])
async def test_disabled_playground_serves_no_page(
    settings: Settings, make_app: MakeApp, accept: str, status: int
) -> None:
    app = make_app(settings.model_copy(update={"playground": False}))
    async with called(app) as client:
        answer = await client.get("/graphql", headers={"Accept": accept})
        file = await client.get(f"/graphql/assets/{a_built_file()}")

    assert answer.status_code == status
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert file.status_code == 404


def a_built_file() -> str:
    return next((path.name for path in BUILT.glob("assets/licences-*.txt")), "none.txt")


@built
def test_built_page_uses_existing_local_files() -> None:
    page = (BUILT / "index.html").read_text(encoding="utf-8")
    links = re.findall(r'(?:href|src)="graphql/assets/([^"]+)"', page)

    assert len(links) == 4
    for link in links:
        assert (BUILT / "assets" / link).exists()
        assert re.search(r"-[A-Z0-9]{8}\.\w+$", link), "the name does not change with the content"
    assert re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL) == [""]
    assert not re.search(r"//|<style|\sstyle=|\son\w+=|javascript:", page)


@built
def test_styles_load_no_other_host() -> None:
    [styles] = BUILT.glob("assets/*.css")
    targets = re.findall(r"url\(\"?([^\")]+)", styles.read_text(encoding="utf-8"))

    assert targets
    for target in targets:
        assert target.startswith(("data:", "#")) or (BUILT / "assets" / target).exists(), target


@built
def test_bundled_licences_are_included() -> None:
    [file] = BUILT.glob("assets/licences-*.txt")
    licences = file.read_text(encoding="utf-8")

    for name in ("graphiql", "monaco-editor", "react-dom", "@fontsource/roboto"):
        assert re.search(rf"^{name} \d+\.\d+\.\d+ \(\S+\)$", licences, re.MULTILINE), name


@pytest.fixture(scope="module")
def executor(contract: Contract) -> Executor:
    return Executor(contract.schema)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_valid_and_offered(executor: Executor, name: str) -> None:
    executor.prepare((SOURCES / "src" / "examples" / name).read_text(encoding="utf-8"))
    assert f'from "./examples/{name}"' in (SOURCES / "src" / "examples.js").read_text()


def test_sign_in_operations_are_valid(executor: Executor) -> None:
    source = (SOURCES / "src" / "session.js").read_text(encoding="utf-8")
    names = re.findall(r'"(playground-[\w-]+)"', source)
    assert sorted(names) == sorted(each.stem for each in OWN_DOCUMENTS.glob("playground-*"))
    for name in names:
        executor.prepare((OWN_DOCUMENTS / f"{name}.graphql").read_text())


def test_lock_file_names_no_host() -> None:
    assert '"resolved"' not in (SOURCES / "package-lock.json").read_text(encoding="utf-8")
