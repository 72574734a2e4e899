"""The page at the root of the portal."""

from __future__ import annotations

import re
import shutil
from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from portal.settings import Settings
from portal.web.home import home
from portal.web.playground import Playground
from tests.callers import Caller, MakeApp, called, serving

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PREFIX = "/behind/a/proxy"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)


@pytest.fixture
def built(tmp_path: Path) -> Playground:
    (tmp_path / "index.html").write_text("")
    return Playground(tmp_path)


@pytest.fixture
def unbuilt(tmp_path: Path) -> Playground:
    return Playground(tmp_path / "missing")


@pytest.fixture
async def below_a_prefix(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    outer = Starlette(routes=[Mount(PREFIX, app)])
    outer.router.lifespan_context = app.router.lifespan_context
    async with called(outer) as client:
        yield client


def hrefs(page: str) -> list[str]:
    return re.findall(r'href="([^"]+)"', page)


async def test_browsers_get_a_page_others_get_json(anonymous: Caller) -> None:
    page = await anonymous.client.get("/", headers=BROWSER)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Accept" in page.headers["vary"].split(", ")
    for accept in ("*/*", "application/json", "application/json, text/html;q=0.5", "image/png", ""):
        answer = await anonymous.client.get("/", headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/json", accept
        assert "Accept" in answer.headers["vary"].split(", ")
        assert answer.json()["name"] == "KubePortal"


async def test_page_and_json_have_the_same_links(anonymous: Caller) -> None:
    page = (await anonymous.client.get("/", headers=BROWSER)).text
    links = (await anonymous.client.get("/")).json()["links"]
    assert set(links.values()) == {"./graphql", *hrefs(page)}


async def test_links_work_below_a_prefix(below_a_prefix: httpx2.AsyncClient) -> None:
    page = await below_a_prefix.get(f"{PREFIX}/", headers=BROWSER)
    links = hrefs(page.text)
    assert "./api/v1.4.0/explain/" in links
    for link in links:
        answer = await below_a_prefix.get(urljoin(str(page.url), link), headers=BROWSER)
        assert answer.status_code == 200, link


async def test_schema_link_needs_sign_in_where_introspection_does(
    settings: Settings, make_app: MakeApp
) -> None:
    app = make_app(settings.model_copy(update={"graphql_introspection": "signed-in"}))
    async with called(app) as client:
        link = (await client.get("/")).json()["links"]["schema"]
        assert (await client.get(urljoin("/", link))).status_code == 401


@pytest.mark.parametrize(
    ("kind", "is_linked"), [("built", True), ("unbuilt", False), (None, False)]
)
async def test_playground_is_linked_if_it_is_built_and_on(
    request: pytest.FixtureRequest, kind: str | None, is_linked: bool
) -> None:
    playground = request.getfixturevalue(kind) if kind else None
    app = Starlette(routes=[Route("/", home("Portal", "1.0", playground))])
    async with called(app) as client:
        page = (await client.get("/", headers=BROWSER)).text
        links = (await client.get("/")).json()["links"]
    assert ("./graphql" in hrefs(page)) == is_linked
    assert ("at the playground" in page) == is_linked
    assert ("playground" in links) == is_linked
    assert links["graphql"] == "./graphql"


async def test_name_is_escaped(settings: Settings, make_app: MakeApp) -> None:
    app = make_app(settings.model_copy(update={"branding": "<script>R&D"}))
    async with called(app) as client:
        page = (await client.get("/", headers=BROWSER)).text
        assert (await client.get("/")).json()["name"] == "<script>R&D"
    assert "<title>&lt;script&gt;R&amp;D</title>" in page
    assert "<script" not in page


async def test_policy_allows_the_style_of_the_page_only(anonymous: Caller) -> None:
    page = await anonymous.client.get("/", headers=BROWSER)
    style = page.text.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert page.headers["content-security-policy"].split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    assert not re.search(r"<script|\sstyle=|\son\w+=", page.text)
    assert page.headers["cache-control"] == "no-store"


async def test_page_is_accessible_markup(anonymous: Caller) -> None:
    page = (await anonymous.client.get("/", headers=BROWSER)).text
    assert page.count("<h1>") == page.count("<main>") == 1
    assert '<html lang="en">' in page
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page


async def test_page_fits_a_narrow_screen(app: Starlette) -> None:
    playwright = pytest.importorskip("playwright.async_api", reason="no browser: no playwright")
    if CHROMIUM is None:
        pytest.skip("no browser: install chromium")
    async with serving(app) as address, playwright.async_playwright() as manager:
        browser = await manager.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 320, "height": 640})
        messages: list[str] = []
        page.on("console", lambda message: messages.append(message.text))
        await page.goto(f"{address}/")
        width = await page.evaluate("document.documentElement.scrollWidth")
        size = await page.evaluate("getComputedStyle(document.body).maxWidth")
        await browser.close()
    assert width == 320
    assert size == "640px", "the policy blocks the style"
    assert messages == []
