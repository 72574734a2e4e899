"""Groups, web apps and what connects them that do not fit."""

from __future__ import annotations

from models import (
    Group,
    Membership,
)
from portal.legacy.report import Rule
from tests.portal.legacy.cases import Case, of_user, of_webapp
from tests.portal.legacy.edits import add, both, change
from tests.portal.legacy.former import (
    GRANTS,
    GROUPS,
    MEMBERSHIPS,
    USERS,
    WEBAPPS,
    group,
    webapp,
    with_column,
)
from tests.portal.legacy.state import groups_of, value

THINGS: dict[str, Case] = {
    "group names": Case(
        add(GROUPS, group(9, "Developers")),
        Rule.NAME_TAKEN,
        "group 9 (Developers)",
        lambda: value(Group, 9, "name"),
        "Developers-2",
    ),
    "web app names": Case(
        add(WEBAPPS, webapp(9, "Grafana")),
        Rule.NAME_TAKEN,
        "web app 9 (Grafana)",
        of_webapp(9, "name"),
        "Grafana-2",
    ),
    "a membership in no group": Case(
        add(MEMBERSHIPS, {"id": 9, "user_id": 3, "portalgroup_id": 404}),
        Rule.DANGLING,
        "user 3 (bob)",
        lambda: groups_of(3),
        {"All users"},
    ),
    "a membership of nobody": Case(
        add(MEMBERSHIPS, {"id": 9, "user_id": 404, "portalgroup_id": 3}),
        Rule.DANGLING,
        "memberships",
        lambda: Membership.all().count(),
        2,
    ),
    "a grant of nothing": Case(
        add(GRANTS, {"id": 9, "portalgroup_id": 3, "webapplication_id": 404}),
        Rule.DANGLING,
        "grant 9",
        lambda: value(Group, 3, "name"),
        "Developers",
    ),
    "an empty name": Case(
        change(WEBAPPS, 2, name="\x07"),
        Rule.TEXT_ADAPTED,
        "web app 2 (\\x07)",
        of_webapp(2, "name"),
        "webapp-2",
    ),
    "a group without a name": Case(
        change(GROUPS, 3, name=None),
        Rule.TEXT_ADAPTED,
        "group 3 ()",
        lambda: value(Group, 3, "name"),
        "group-3",
    ),
    "a web app with a blank name": Case(
        change(WEBAPPS, 2, name=" "),
        Rule.TEXT_ADAPTED,
        "web app 2 ( )",
        of_webapp(2, "name"),
        "webapp-2",
    ),
    "a link to a script": Case(
        change(WEBAPPS, 1, link_url="javascript:alert(1)"),
        Rule.LINK_UNFIT,
        "web app 1 (Grafana)",
        of_webapp(1, "link_url"),
        None,
    ),
    "a category that is new": Case(
        both(
            lambda rows: with_column(rows, WEBAPPS, "category", "GENERIC"),
            change(WEBAPPS, 1, category="GAMES"),
        ),
        Rule.CATEGORY_UNKNOWN,
        "web app 1 (Grafana)",
        of_webapp(1, "category"),
        None,
    ),
    "staff without a group": Case(
        change(USERS, 3, is_staff=True),
        Rule.STAFF_WITHOUT_GROUP,
        "user 3 (bob)",
        of_user(3, "is_superuser"),
        False,
    ),
    "everybody administrates": Case(
        change(GROUPS, 1, can_admin=True),
        Rule.ADMINISTRATORS_BY_RULE,
        "group 1 (All users)",
        lambda: value(Group, 1, "can_admin"),
        True,
    ),
    "members by rule": Case(
        lambda rows: None,
        Rule.MEMBERS_BY_RULE,
        "group 1",
        lambda: Membership.filter(group_id=1).count(),
        0,
    ),
    "a rule of former releases": Case(
        both(
            lambda rows: with_column(rows, GROUPS, "auto_add_new", False),
            change(GROUPS, 3, auto_add_new=True),
        ),
        Rule.MEMBERSHIP_RULE_UNKNOWN,
        "group 3 (Developers)",
        lambda: groups_of(2),
        {"All users", "Kubernetes users", "Developers"},
    ),
}
