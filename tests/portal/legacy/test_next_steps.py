"""What an import cannot do, and somebody has to."""

from __future__ import annotations

from tests.portal.legacy.conftest import TakeOver
from tests.portal.legacy.former import (
    CLIENTS,
    USERS,
    WEBAPPS,
    Rows,
    find,
)


async def test_users_without_any_way_in_are_named(rows: Rows, take_over: TakeOver) -> None:
    find(rows, USERS, 3)["password"] = "!unusable"
    find(rows, USERS, 4)["password"] = "!unusable"
    report = await take_over(rows)
    [step] = [step for step in report.next_steps if "password" in step]
    assert step.endswith(": carol.")


async def test_what_has_no_home_here_is_named(rows: Rows, take_over: TakeOver) -> None:
    rows[CLIENTS] = [{"id": 1, "client_id": "grafana"}]
    find(rows, WEBAPPS, 1)["oidc_client_id"] = 1
    find(rows, WEBAPPS, 2)["can_subauth"] = True
    report = await take_over(rows)
    text = "\n".join(report.next_steps)
    assert "sign users in: Grafana." in text
    assert "another guard for these web apps: Hidden." in text
    assert "exist in the cluster: default." in text


async def test_long_names_are_cut(rows: Rows, take_over: TakeOver) -> None:
    find(rows, WEBAPPS, 2).update(name="h" * 5000, can_subauth=True)
    report = await take_over(rows)
    [step] = [step for step in report.next_steps if "guard" in step]
    assert step.endswith(f": {'h' * 50}.")
