"""Lists in order, page by page, while rows come and go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest

from models import Group, User, WebApp
from tests.callers import Caller, People

pytestmark = pytest.mark.database

USERS = """
query ($order: UserOrder, $first: Int, $after: String, $last: Int, $before: String) {
  admin { list: users(
      orderBy: $order, first: $first, after: $after, last: $last, before: $before) {
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { databaseId } } } }
}
"""
LAST_NAMES = ["", "anders", "Anders", "Ångström", "ångström", "de Vries", "Zimmer", "_", "Émile"]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
KEYS: dict[str, Callable[[User], Any]] = {
    "ID": lambda user: user.id,
    "USERNAME": lambda user: alphabetical(user.username_key),
    "LAST_NAME": lambda user: alphabetical(user.last_name),
    "CREATED_AT": lambda user: user.created_at,
    "LAST_LOGIN_AT": lambda user: user.last_login_at or LONG_AGO,
}


def alphabetical(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


class Crowd:
    """Users who come and go, many of them alike in what they are put in order by."""

    def __init__(self) -> None:
        self._random = Random(7)  # noqa: S311  # the same in every run
        self._number = count()

    async def comes(self) -> None:
        moment = LONG_AGO + timedelta(days=self._random.randrange(1, 4), microseconds=1)
        name = self._random.choice("aAbBäÄzZ0")
        await User.create(
            username=f"{name}{next(self._number)}",
            last_name=self._random.choice(LAST_NAMES),
            last_login_at=self._random.choice([None, moment]),
        )

    async def goes(self) -> None:
        users = await User.exclude(username="admin").only("id")
        await self._random.choice(users).delete()


@pytest.fixture
async def crowd(people: People) -> Crowd:
    crowd = Crowd()
    for _ in range(20):
        await crowd.comes()
    return crowd


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("field", KEYS)
async def test_pages_are_stable_under_changes(
    admin: Caller, crowd: Crowd, field: str, direction: str, backwards: bool
) -> None:
    order = {"field": field, "direction": direction}
    before = {user.id for user in await User.all()}
    rows: dict[int, User] = {}
    seen: list[int] = []
    cursor, more = None, True
    while more:
        rows |= {user.id: user for user in await User.all()}
        page = {"last": 4, "before": cursor} if backwards else {"first": 4, "after": cursor}
        answer = (await admin.data(USERS, order=order, **page))["admin"]["list"]
        found = [edge["node"]["databaseId"] for edge in answer["edges"]]
        seen = found + seen if backwards else seen + found
        info = answer["pageInfo"]
        cursor = info["startCursor"] if backwards else info["endCursor"]
        more = info["hasPreviousPage"] if backwards else info["hasNextPage"]
        await crowd.comes()
        await crowd.goes()
        await crowd.goes()
    stayed = before & {user.id for user in await User.all()}
    assert len(stayed) < len(before)
    assert len(seen) == len(set(seen))
    assert stayed <= set(seen)
    key = KEYS[field]
    places = [(key(rows[user_id]), user_id) for user_id in seen]
    assert places == sorted(places, reverse=direction == "DESC")


async def test_pages_are_adjacent(admin: Caller, crowd: Crowd) -> None:
    order = {"field": "LAST_NAME", "direction": "DESC"}
    whole = (await admin.data(USERS, order=order))["admin"]["list"]["edges"]
    middle = whole[10]["cursor"]
    for page, expected, (more_before, more_after) in (
        ({"first": 3, "after": middle}, whole[11:14], (True, True)),
        ({"last": 3, "before": middle}, whole[7:10], (True, True)),
        ({"first": 3, "before": whole[3]["cursor"]}, whole[:3], (False, False)),
        ({"last": 100, "after": middle}, whole[11:], (False, False)),
        ({"after": whole[4]["cursor"], "before": whole[8]["cursor"]}, whole[5:8], (True, False)),
        ({"first": 3, "after": whole[-1]["cursor"]}, [], (True, False)),
    ):
        answer = (await admin.data(USERS, order=order, **page))["admin"]["list"]
        assert answer["edges"] == expected
        info = answer["pageInfo"]
        assert (info["hasPreviousPage"], info["hasNextPage"]) == (more_before, more_after)


@pytest.mark.parametrize(
    ("model", "field"), [(Group, "groups"), (WebApp, "webapps")], ids=["groups", "webapps"]
)
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_order_by_name(
    admin: Caller, people: People, model: type[Group | WebApp], field: str, direction: str
) -> None:
    query = f"""query ($after: String) {{ admin {{
      list: {field}(first: 2, after: $after, orderBy: {{field: NAME, direction: {direction}}}) {{
        pageInfo {{ hasNextPage endCursor }} edges {{ node {{ name }} }} }} }} }}"""
    for name in ("alpha", "Ähre", "Zulu", "zulu", "9"):
        await model.create(name=name)
    names, cursor, more = [], None, True
    while more:
        answer = (await admin.data(query, after=cursor))["admin"]["list"]
        names += [edge["node"]["name"] for edge in answer["edges"]]
        cursor, more = answer["pageInfo"]["endCursor"], answer["pageInfo"]["hasNextPage"]
    places = [(alphabetical(row.name), row.id, row.name) for row in await model.all()]
    assert names == [name for *_, name in sorted(places, reverse=direction == "DESC")]
