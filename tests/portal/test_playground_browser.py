"""The playground in a real browser, against a real server behind a path prefix."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from cluster.cluster import Clusters
from portal.settings import Settings
from portal.web.playground import BUILT
from tests.callers import Clock, People, serving
from tests.stand_in import StandIn, clusters_of

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page, Route

playwright: Any = pytest.importorskip("playwright.async_api", reason="no browser: no playwright")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PREFIX = "/behind/a/proxy"
PASSWORD = "correct horse"
LOGIN = (
    'mutation SecretLogin { login(input: {username: "alice", password: "correct horse"})'
    " { user { username } } }"
)
EXAMPLES = Path(__file__).parents[2] / "playground" / "src" / "examples"
OPERATION = re.compile(r"^(?:query|mutation|subscription) (\w+)", re.MULTILINE)

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: install chromium"),
    pytest.mark.skipif(not BUILT.exists(), reason="no playground: run make playground"),
]


@pytest.fixture
def database_kind() -> str:
    """Nothing here depends on the kind of database."""
    return "sqlite"


@pytest.fixture
def introspection() -> str:
    return "everyone"


@pytest.fixture
def documents() -> str:
    return "any"


@pytest.fixture
def settings(settings: Settings, introspection: str, documents: str) -> Settings:
    changes = {"graphql_introspection": introspection, "graphql_documents": documents}
    return settings.model_copy(update=changes)


@pytest.fixture
def main() -> StandIn:
    return StandIn()


@pytest.fixture
def clusters(main: StandIn) -> Clusters:
    return clusters_of(main)


@pytest.fixture
async def address(app: Starlette, people: People) -> AsyncIterator[str]:
    """Of the page, on a portal that knows nothing of the prefix before it."""
    lifespan = app.router.lifespan_context
    async with serving(Starlette(routes=[Mount(PREFIX, app)], lifespan=lifespan)) as origin:
        yield f"{origin}{PREFIX}/graphql"


@pytest.fixture
def complaints() -> list[str]:
    """What the page says to the console, and what it asks of other hosts."""
    return []


@pytest.fixture
async def page(address: str, complaints: list[str]) -> AsyncIterator[Page]:
    """The page; a complaint that the test does not take away fails it."""

    async def guard(route: Route) -> None:
        if route.request.url.startswith(address):
            await route.continue_()
        else:
            complaints.append(f"asks {route.request.url}")
            await route.abort()

    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = await browser.new_page()
        await page.context.route("**/*", guard)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(address)
        yield page
        await browser.close()
    assert complaints == []


async def test_user_runs_every_example(page: Page) -> None:
    await sign_in(page, "admin", "wrong")
    await see(account_of(page), "Unable to log in")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await see(account_of(page), re.compile("Signed in as admin *administrator"))

    await run_every_example(page)

    await page.reload()
    await sign_out(page, "admin")
    assert await page.evaluate("sessionStorage.length") == 0


async def run_every_example(page: Page) -> None:
    await show(page, "Examples")
    examples = await page.get_by_role("region", name="Examples").locator("li").all()
    names = {await run_example(page, example) for example in examples}
    files = {OPERATION.findall(path.read_text())[0] for path in EXAMPLES.iterdir()}
    assert len(files) >= 6
    assert names | {"FollowCluster"} == files


async def run_example(page: Page, example: Locator) -> str:
    """The name of the operation, which had an answer without errors."""
    tab = tab_of(page)
    before = await tab.inner_text()
    if await example.inner_text() in ("The portal", "Follow the cluster"):
        return before
    await example.get_by_role("button").click()
    await playwright.expect(tab).not_to_have_text(before)
    name = await tab.inner_text()
    async with page.expect_response(
        lambda response: f'"{name}"' in (response.request.post_data or "")
    ) as response:
        await page.keyboard.press("Control+Enter")
    answer = await (await response.value).json()
    assert answer["data"]
    assert "errors" not in answer
    await see(answer_of(page), '"data"')
    return name


async def test_subscription_runs_until_stopped(page: Page, main: StandIn) -> None:
    await sign_in(page, "bob")
    await show(page, "Examples")
    await choose(page, "Follow the cluster", "FollowCluster")
    await page.keyboard.press("Control+Enter")
    await see(answer_of(page), '"podCount": 1,')
    main.tell(pod_count=2)
    await see(answer_of(page), '"podCount": 2,')
    await page.get_by_role("button", name="Stop").click()
    await playwright.expect(page.get_by_role("button", name="Execute")).to_be_visible()


async def test_session_end_is_shown(page: Page, clock: Clock) -> None:
    await sign_in(page, "bob")
    clock.advance(hours=13)
    await show(page, "Examples")
    await choose(page, "Me, my groups", "Me")
    await page.keyboard.press("Control+Enter")
    await see(page.get_by_role("status"), "Your session has ended")
    await playwright.expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0


async def test_documentation_and_history_are_available(page: Page) -> None:
    await show(page, "Documentation Explorer")
    documentation = documentation_of(page)
    await documentation.get_by_role("link", name="Query", exact=True).click()
    await documentation.get_by_role("link", name="viewer", exact=True).click()
    await see(documentation, "User")

    await show(page, "Examples")
    await choose(page, "The types of the schema", "Types")
    await page.keyboard.press("Control+Enter")
    await see(answer_of(page), "__schema")
    await choose(page, "The portal", "Portal")
    await show(page, "History")
    await history_of(page).get_by_text("Types").click()
    await see(tab_of(page), "Types")


@pytest.mark.parametrize("introspection", ["signed-in"])
async def test_private_schema_loads_after_sign_in(page: Page, complaints: list[str]) -> None:
    await show(page, "Documentation Explorer")
    await see(documentation_of(page), "Error fetching schema")
    await sign_in(page, "bob")
    await show(page, "Documentation Explorer")
    await see(documentation_of(page), "Root Types")
    assert all("401 (Unauthorized)" in complaint for complaint in complaints)
    complaints.clear()


@pytest.mark.parametrize("documents", ["trusted"])
async def test_sign_in_works_with_trusted_documents_only(page: Page) -> None:
    await sign_in(page, "bob")
    await page.reload()
    await sign_out(page, "bob")


async def test_the_editor_completes_and_tidies_up(page: Page) -> None:
    await write(page, "query Short { portal { na", "Short")
    await see(page.get_by_role("listbox", name="Suggest"), "name")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Prettify").click()
    lines = page.get_by_label("Operation Editor").locator(".view-line")
    await playwright.expect(lines).to_have_text(["query Short {", "portal {", "name", "}", "}", ""])


async def test_no_secret_is_stored(page: Page) -> None:
    await sign_in(page, "bob")
    await write(page, LOGIN, "SecretLogin")
    await page.keyboard.press("Control+Enter")
    await see(answer_of(page), '"username": "Alice"')
    await page.get_by_role("button", name="New tab").click()
    await write(page, "query Harmless { viewer { isAdmin } }", "Harmless")
    await page.keyboard.press("Control+Enter")
    await see(answer_of(page), '"isAdmin": false')

    kept = await kept_with(page, "query Harmless")
    token = await page.evaluate("Object.values(sessionStorage).join()")
    assert PASSWORD not in kept
    assert len(token) > 20
    assert token not in kept + page.url + await page.content()
    assert await page.context.cookies() == []

    await page.reload()
    await see(page.get_by_label("Operation Editor"), "Harmless")
    await show(page, "History")
    await see(history_of(page), "Harmless")
    assert "SecretLogin" not in await history_of(page).inner_text()


async def sign_in(page: Page, username: str, password: str = PASSWORD) -> None:
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("User name").fill(username)
    await page.get_by_label("Password").fill(password)
    await page.keyboard.press("Enter")
    if password == PASSWORD:
        await see(account_of(page), f"Signed in as {username}")


async def sign_out(page: Page, username: str) -> None:
    await page.get_by_role("button", name=username, exact=True).click()
    await page.get_by_role("button", name="Sign out").click()
    await see(account_of(page), "User name")


async def show(page: Page, panel: str) -> None:
    await page.get_by_role("button", name=f"Show {panel}").click()


async def choose(page: Page, example: str, operation: str) -> None:
    await page.get_by_role("button", name=example).click()
    await see(tab_of(page), operation)


async def write(page: Page, text: str, operation: str) -> None:
    await page.get_by_label("Operation Editor").locator(".view-lines").click()
    await page.keyboard.press("Control+A")
    await page.keyboard.type(text)
    await see(tab_of(page), operation)


def account_of(page: Page) -> Locator:
    return page.get_by_role("region", name="Account")


def documentation_of(page: Page) -> Locator:
    return page.get_by_role("region", name="Documentation Explorer")


def history_of(page: Page) -> Locator:
    return page.get_by_role("region", name="History")


def tab_of(page: Page) -> Locator:
    return page.get_by_role("tab", selected=True)


def answer_of(page: Page) -> Locator:
    return page.locator(".graphiql-response .view-lines")


async def kept_with(page: Page, text: str) -> str:
    """What the browser keeps, once it keeps this: GraphiQL lets half a second pass first."""
    kept = ""
    async with asyncio.timeout(30):
        while text not in kept:
            await asyncio.sleep(0.1)
            kept = await page.evaluate("String(localStorage['kubeportal:graphiql:tabState'])")
    everything: str = await page.evaluate("JSON.stringify(localStorage)")
    return everything


async def see(where: Locator, text: str | re.Pattern[str]) -> None:
    await playwright.expect(where).to_contain_text(text)
