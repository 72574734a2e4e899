from __future__ import annotations

import re
from collections.abc import AsyncIterator
from urllib.parse import urljoin

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from portal.playground import CONTENT_SECURITY_POLICY, STATIC, assets, playground
from schema.executor import Executor
from schema.root import build_schema
from tests.callers import Caller

PREFIX = "/behind/a/proxy"
FILES = sorted(path.name for path in STATIC.iterdir())
SVG_NAMESPACE = "http://www.w3.org/2000/svg"


@pytest.fixture
async def browser() -> AsyncIterator[httpx2.AsyncClient]:
    routes = [Route("/graphql", playground), *assets()]
    app = Starlette(routes=[*routes, Mount(PREFIX, routes=routes)])
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://portal") as client:
        yield client


def text_of(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def links_of_page() -> list[str]:
    return re.findall(r'(?:href|src)="([^"]+)"', text_of("playground.html"))


async def test_the_page_is_html_with_strict_headers(browser: httpx2.AsyncClient) -> None:
    page = await browser.get("/graphql")

    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["vary"] == "Accept"


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'; ")
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY
    assert "*" not in CONTENT_SECURITY_POLICY


async def test_head_describes_the_page_without_sending_it(browser: httpx2.AsyncClient) -> None:
    head = await browser.head("/graphql")

    assert head.status_code == 200
    assert head.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert head.content == b""


@pytest.mark.parametrize("name", FILES)
async def test_every_file_is_served_with_strict_headers(
    browser: httpx2.AsyncClient, name: str
) -> None:
    answer = await browser.get(f"/graphql/assets/{name}")

    assert answer.status_code == 200
    assert answer.text == text_of(name)
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


async def test_modules_have_a_type_that_browsers_run(browser: httpx2.AsyncClient) -> None:
    answer = await browser.get("/graphql/assets/app.js")

    media_type = answer.headers["content-type"].partition(";")[0]
    assert media_type in ("text/javascript", "application/javascript")


async def test_a_file_that_a_browser_has_is_not_sent_again(browser: httpx2.AsyncClient) -> None:
    first = await browser.get("/graphql/assets/app.js")
    again = await browser.get(
        "/graphql/assets/app.js", headers={"If-None-Match": first.headers["etag"]}
    )

    assert again.status_code == 304


@pytest.mark.parametrize("page", ["/graphql", f"{PREFIX}/graphql"])
async def test_the_links_of_the_page_lead_to_its_files(
    browser: httpx2.AsyncClient, page: str
) -> None:
    links = [link for link in links_of_page() if "/assets/" in link]

    assert links
    for link in links:
        answer = await browser.get(urljoin(f"http://portal{page}", link))
        assert answer.status_code == 200, link


@pytest.mark.parametrize(
    "path",
    [
        "../playground.py",
        "%2e%2e/playground.py",
        "..%2fplayground.py",
        "..%5cplayground.py",
        "%2fetc%2fpasswd",
        "app.js/../../playground.py",
        "app.js%00",
        "",
    ],
)
async def test_only_the_files_of_the_folder_are_served(
    browser: httpx2.AsyncClient, path: str
) -> None:
    answer = await browser.get(f"/graphql/assets/{path}")

    assert answer.status_code == 404


async def test_files_are_only_read(browser: httpx2.AsyncClient) -> None:
    assert (await browser.post("/graphql/assets/app.js")).status_code == 405


@pytest.mark.parametrize("name", FILES)
def test_no_file_names_another_host(name: str) -> None:
    text = text_of(name).replace(SVG_NAMESPACE, "")

    assert not re.search(r"\w://|[\"'(]//", text)


@pytest.mark.parametrize("name", FILES)
def test_no_script_turns_data_into_markup_or_code(name: str) -> None:
    dangerous = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function"

    assert not re.search(dangerous, text_of(name))


def test_the_page_holds_no_inline_script_or_style() -> None:
    page = text_of("playground.html")

    assert re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL) == [""]
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)


def test_the_sign_in_form_never_puts_secrets_into_an_address() -> None:
    forms = re.findall(r"<form[^>]*>", text_of("playground.html"))

    assert forms == ['<form id="sign-in" method="post" action="graphql">']


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".js")])
def test_modules_import_files_that_exist(name: str) -> None:
    imported = re.findall(r'from "\./([^"]+)"', text_of(name))

    assert set(imported) <= set(FILES)


def test_every_query_of_the_page_fits_the_schema() -> None:
    executor = Executor(build_schema())
    texts = [text_of(name) for name in ("client.js", "documentation.js", "examples.js")]
    queries = re.findall(r"[`\"]((?:query|mutation)\s[^`\"]+)[`\"]", "\n".join(texts))

    assert len(queries) > 9
    for query in queries:
        executor.prepare(query)


async def test_browsers_get_the_page_and_clients_get_answers(anonymous: Caller) -> None:
    page = await anonymous.client.get("/graphql", headers={"Accept": "text/html,*/*;q=0.8"})
    script = await anonymous.client.get("/graphql/assets/app.js")
    answer = await anonymous.client.get("/graphql", params={"query": "{ portal { name } }"})

    assert page.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert script.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.json() == {"data": {"portal": {"name": "KubePortal"}}}
