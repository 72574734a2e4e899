from __future__ import annotations

from typing import Any

import pytest

from models import Grant, Group, WebApp
from tests.callers import Caller, People
from tests.schema.management.calls import done, field_errors

WIKI = {
    "name": "Wiki",
    "linkNameTemplate": "Wiki of {{namespace}}",
    "linkUrlTemplate": "https://wiki.example.org/{{serviceaccount}}",
    "linkShow": True,
    "category": "DOCUMENTATION",
}
LINK = {"linkName": WIKI["linkNameTemplate"], "linkUrl": WIKI["linkUrlTemplate"]}


async def test_a_web_app_is_made_changed_and_deleted(admin: Caller) -> None:
    given = {**LINK, "linkShow": True, "category": "DOCUMENTATION"}
    made = (await done(admin, "createWebApp", name="Wiki", **given))["webapp"]
    target = {"databaseId": made["databaseId"]}
    assert made == {**target, **WIKI, "version": 1}
    changes = {"name": "Handbook", "linkUrl": None, "category": None}
    changed = (await done(admin, "updateWebApp", **target, version=1, **changes))["webapp"]
    nulls = {"linkUrlTemplate": None, "category": None}
    expected = {**made, "name": "Handbook", **nulls, "version": 2}
    assert changed == expected
    payload = await done(admin, "deleteWebApp", **target, version=2)
    assert payload["deletedId"]
    assert not await WebApp.exists(id=made["databaseId"])


async def test_with_a_web_app_go_its_grants(admin: Caller, people: People) -> None:
    await done(admin, "deleteWebApp", databaseId=people.grafana.id, version=1)
    assert not await Grant.exists(webapp_id=people.grafana.id)
    assert await Group.exists(id=people.developers.id)


BAD: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"name": "Grafana"}, {"name": "There is a web app of this name."}),
    ({"name": ""}, {"name": "This field may not be blank."}),
    ({"linkName": " "}, {"linkName": "This field may not be blank."}),
    (
        {"linkName": "{{user}}", "linkUrl": "ftp://example.org"},
        {
            "linkName": "The only placeholders are {{namespace}} and {{serviceaccount}}.",
            "linkUrl": "Enter a URL that begins with http:// or https://.",
        },
    ),
    (
        {"linkUrl": "javascript:alert(1)"},
        {"linkUrl": "Enter a URL that begins with http:// or https://."},
    ),
    (
        {"linkUrl": "https://example.org/" + "x" * 2000},
        {"linkUrl": "Ensure this field has no more than 2000 characters."},
    ),
    ({"linkUrl": "https://a\u0000"}, {"linkUrl": "Control characters are not allowed."}),
]


@pytest.mark.parametrize(
    ("given", "expected"), BAD, ids=lambda value: "; ".join(map(str, value.values()))[:40]
)
async def test_all_errors_are_returned_together(
    admin: Caller, people: People, given: dict[str, Any], expected: dict[str, str]
) -> None:
    target = {"databaseId": people.hidden.id, "version": 1}
    assert dict(await field_errors(admin, "createWebApp", **{"name": "Wiki", **given})) == expected
    assert dict(await field_errors(admin, "updateWebApp", **target, **given)) == expected
