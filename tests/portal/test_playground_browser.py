"""The playground in a real browser, against a real server."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.databases import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

sync_api: Any = pytest.importorskip("playwright.sync_api", reason="no browser: install playwright")

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
KUBEPORTAL = [sys.executable, "-c", "from portal.cli import main; main()"]
PASSWORD = "correct horse"
LOGIN = """mutation {
  login(input: {username: "alice", password: "correct horse"}) { user { username } }
}"""


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[str]:
    """The address of a running portal, where Alice has an account."""
    environment = {
        "HOME": str(tmp_path),
        "KUBEPORTAL_DATABASE_URL": f"sqlite://{tmp_path}/portal.sqlite3",
    }
    create = [*KUBEPORTAL, "user", "create", "alice", "--first-name", "Alice", "--password-stdin"]
    subprocess.run(create, input=PASSWORD, text=True, env=environment, check=True)
    port = free_port()
    server = subprocess.Popen([*KUBEPORTAL, "serve", "--port", str(port)], env=environment)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/healthz", server)
        yield address
    finally:
        server.terminate()
        server.wait()


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            httpx2.get(address).raise_for_status()
            return
        except httpx2.HTTPError:
            time.sleep(0.1)
    pytest.fail("the portal does not start")


@pytest.fixture
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no browser: install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, portal: str) -> Iterator[Page]:
    """The playground; everything that it complains about or asks of other hosts fails the test."""
    complaints: list[str] = []
    page = browser.new_page()

    def guard(route: Route) -> None:
        if route.request.url.startswith(f"{portal}/"):
            route.continue_()
        else:
            complaints.append(f"asks {route.request.url}")
            route.abort()

    page.route("**/*", guard)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{portal}/graphql")
    yield page
    assert complaints == []


def test_one_signs_in_runs_the_examples_reads_the_documentation_and_signs_out(page: Page) -> None:
    sign_in(page)
    run_examples(page)
    see_problems(page)
    read_documentation(page)
    page.reload()
    expect(page, "#viewer", "alice")
    write_with_the_keyboard(page)
    keep_no_secrets(page)
    sign_out(page)


def sign_in(page: Page) -> None:
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page, "#account-message", "Unable to log in")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page, "#viewer", "alice")


def run_examples(page: Page) -> None:
    page.get_by_text("Examples").click()
    titles = page.locator("#examples button").all_inner_texts()
    page.keyboard.press("Escape")
    assert len(titles) >= 5
    for title in titles:
        choose_example(page, title)
        page.keyboard.press("Control+Enter")
        expect(page, "#status", re.compile(r"HTTP 200 · \d+ ms"))
        expect(page, "#answer", '"data"')


def choose_example(page: Page, title: str) -> None:
    page.get_by_text("Examples").click()
    page.get_by_role("button", name=title).click()


def see_problems(page: Page) -> None:
    choose_example(page, "Administrators: a page of users")
    page.get_by_label("Variables").fill('{"first": }')
    page.get_by_role("button", name="Run").click()
    expect(page, "#variables-problem", "The variables are not JSON")
    page.get_by_label("Variables").fill('{"first": 5}')
    expect(page, "#variables-problem", re.compile("^$"))
    page.get_by_role("button", name="Run").click()
    expect(page, "#status", "1 error")
    expect(page, "#answer", "FORBIDDEN")


def read_documentation(page: Page) -> None:
    page.get_by_role("link", name="Query", exact=True).click()
    expect(page, "#page h3", "type Query")
    page.locator("#page").get_by_role("link", name="User", exact=True).first.click()
    expect(page, "#page h3", "type User")
    page.go_back()
    expect(page, "#page h3", "type Query")
    page.get_by_label("Find a type or field").fill("primaryemail")
    page.get_by_role("link", name="User.primaryEmail").click()
    expect(page, ".target", "primaryEmail: String")


def write_with_the_keyboard(page: Page) -> None:
    query = page.get_by_label("Query", exact=True)
    query.fill("")
    query.press("Tab")
    page.keyboard.type("{")
    page.keyboard.press("Enter")
    page.keyboard.type("viewer")
    assert query.input_value() == "  {\n    viewer"
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    sync_api.expect(page.get_by_label("Variables")).to_be_focused()


def keep_no_secrets(page: Page) -> None:
    page.get_by_label("Query", exact=True).fill(LOGIN)
    page.get_by_role("button", name="Run").click()
    expect(page, "#answer", '"username": "alice"')
    kept = page.evaluate("JSON.stringify(localStorage)")
    token = page.evaluate("Object.values(sessionStorage).join()")
    assert "query Users" in kept
    assert "login" not in kept
    assert PASSWORD not in kept
    assert token
    assert token not in kept + page.url + page.content()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    sync_api.expect(page.get_by_label("User name")).to_be_focused()
    assert page.evaluate("Object.values(sessionStorage).join()") == ""


def expect(page: Page, selector: str, text: str | re.Pattern[str]) -> None:
    # the first of them: several, as before a page has changed, would fail without waiting
    sync_api.expect(page.locator(selector).first).to_contain_text(text)
