"""What has to change so that the database is as declared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeVar

from models import (
    AccessState,
    Grant,
    Group,
    Membership,
    ServiceAccount,
    User,
    VerifiedEmail,
    WebApp,
    username_key,
)
from portal.declared import words
from portal.declared.changes import Change, Ends
from portal.declared.declaration import (
    Declaration,
    DeclaredGroup,
    DeclaredServiceAccount,
    DeclaredUser,
    DeclaredWebApp,
)
from portal.declared.ledger import Ledger
from portal.declared.passwords import Comparisons, secret
from portal.declared.state import State, account_key

T = TypeVar("T")


def plan(declaration: Declaration, state: State, comparisons: Comparisons) -> list[Change]:
    """Raises Outdated."""
    planner = _Planner(state, comparisons)
    for group in declaration.groups:
        planner.group(group)
    for webapp in declaration.webapps:
        planner.webapp(webapp)
    for group in declaration.groups:
        planner.grants(group)
    for user in declaration.users:
        planner.user(user)
    return planner.ledger.changes


class _Planner:
    def __init__(self, state: State, comparisons: Comparisons) -> None:
        self.ledger = Ledger()
        self._comparisons = comparisons
        self._session_counts = state.session_counts
        self._groups = dict(state.groups)
        self._webapps = dict(state.webapps)
        self._users = dict(state.users)
        self._accounts = dict(state.accounts)
        self._grants = _grouped((grant.group_id, grant) for grant in state.grants)
        self._memberships = _grouped((member.user_id, member) for member in state.memberships)
        self._verified = _grouped((v.user.id, v) for v in state.verified_emails.values())

    def group(self, declared: DeclaredGroup) -> None:
        row = self._groups.setdefault(declared.name, Group(name=declared.name))
        self.ledger.put(f"group {row.name}", row, declared.named("can_admin", "membership"))

    def webapp(self, declared: DeclaredWebApp) -> None:
        row = self._webapps.setdefault(declared.name, WebApp(name=declared.name))
        given = declared.named("link_name", "link_url", "link_show", "category")
        self.ledger.put(f"web app {row.name}", row, given)

    def grants(self, declared: DeclaredGroup) -> None:
        if declared.names("webapps"):
            group = self._groups[declared.name]
            self.ledger.link(
                lambda name: f"grant {name} to {group.name}",
                {grant.webapp.name: grant for grant in self._grants[group.id]},
                declared.webapps,
                lambda name: Ends(self._webapps[name], group),
                lambda name: Grant(group_id=group.id, webapp_id=self._webapps[name].id),
            )

    def user(self, declared: DeclaredUser) -> None:
        key = username_key(declared.username)
        row = self._users.get(key) or User(username=declared.username, service_account=None)
        password = secret(declared, row, self._comparisons.get(key))
        given = {**_person(declared), **self._access(declared, row), **password.values}
        # a closed account is refused without ending sessions, which says better what is wrong
        reopened = not row.is_active and given.get("is_active") is True
        ends_sessions = password.is_new or reopened
        notes = [password.note] if password.note else []
        count = self._session_counts.get(row.id, 0) if ends_sessions else 0
        if count:
            notes.append(f"sessions ended: {count}")
        signed_out = row if ends_sessions else None
        self.ledger.put(f"user {row.username}", row, given, notes, signed_out, count)
        self._put_into_groups(declared, row)
        self._verify_emails(declared, row)

    def _access(self, declared: DeclaredUser, row: User) -> dict[str, Any]:
        if not declared.names("service_account"):
            return {}
        if declared.service_account:
            account = self._account(declared.service_account)
            approved = {"service_account": account, "access_state": AccessState.APPROVED}
            return {**approved, "access_expires_at": None}
        was_approved = row.access_state == AccessState.APPROVED
        state = AccessState.NEW if was_approved else row.access_state
        return {"service_account": None, "access_state": state, "access_expires_at": None}

    def _account(self, declared: DeclaredServiceAccount) -> ServiceAccount:
        key = account_key(declared)
        if key not in self._accounts:
            row = self._accounts[key] = ServiceAccount(**declared.model_dump())
            self.ledger.put(f"service account {words.account(row)}", row, {})
        return self._accounts[key]

    def _put_into_groups(self, declared: DeclaredUser, row: User) -> None:
        if declared.names("groups"):
            self.ledger.link(
                lambda name: f"membership {row.username} in {name}",
                {member.group.name: member for member in self._memberships[row.id]},
                declared.groups,
                lambda name: Ends(row, self._groups[name]),
                lambda name: Membership(user_id=row.id, group_id=self._groups[name].id),
            )

    def _verify_emails(self, declared: DeclaredUser, row: User) -> None:
        if declared.names("verified_emails"):
            self.ledger.link(
                lambda address: f"verified e-mail {address} of {row.username}",
                {verified.address: verified for verified in self._verified[row.id]},
                declared.verified_emails,
                lambda address: Ends(row, address),
                lambda address: VerifiedEmail(user_id=row.id, address=address),
            )


def _person(declared: DeclaredUser) -> dict[str, Any]:
    given = declared.named("first_name", "last_name", "primary_email", "alternative_emails")
    if declared.names("superuser"):
        given["is_superuser"] = declared.superuser
    if declared.names("active"):
        given["is_active"] = declared.active
    return given


def _grouped(pairs: Iterable[tuple[int, T]]) -> defaultdict[int, list[T]]:
    grouped: defaultdict[int, list[T]] = defaultdict(list)
    for key, value in pairs:
        grouped[key].append(value)
    return grouped
