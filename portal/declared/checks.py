"""What a declaration can't say, given what is in the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from models import GroupMembership, username_key
from portal.declared.declaration import Declaration
from portal.declared.document import Document
from portal.declared.mistakes import Location, suggestion
from portal.declared.state import State
from portal.declared.texts import phrase
from portal.logs import printable
from resolvers.rules import membership_error

Place = tuple[Location, str]


def check(document: Document, declaration: Declaration, state: State) -> None:
    """Raises DeclarationError with all mistakes."""
    _check_names(document, declaration)
    _check_lists(document, declaration)
    _check_webapps(document, declaration, state)
    _check_groups(document, declaration, state)
    _check_verified_emails(document, declaration, state)
    document.check()


def _check_names(document: Document, declaration: Declaration) -> None:
    groups = ((("groups", i, "name"), g.name) for i, g in enumerate(declaration.groups))
    webapps = ((("webapps", i, "name"), w.name) for i, w in enumerate(declaration.webapps))
    users = (
        (("users", i, "username"), username_key(u.username))
        for i, u in enumerate(declaration.users)
    )
    for places in (groups, webapps, users):
        _check_unique(document, places)


def _check_lists(document: Document, declaration: Declaration) -> None:
    for number, group in enumerate(declaration.groups):
        _check_unique(document, _items(("groups", number, "webapps"), group.webapps))
    for number, user in enumerate(declaration.users):
        _check_unique(document, _items(("users", number, "groups"), user.groups))
        emails = _items(("users", number, "alternativeEmails"), user.alternative_emails)
        _check_unique(document, emails)
    _check_unique(document, _verified_emails(declaration))


def _check_unique(document: Document, places: Iterable[Place]) -> None:
    seen: dict[str, Location] = {}
    for location, value in places:
        first = seen.setdefault(value, location)
        if first != location:
            document.add(location, f"is there twice, first in line {document.line(first)}")


def _check_webapps(document: Document, declaration: Declaration, state: State) -> None:
    known = state.webapps.keys() | {webapp.name for webapp in declaration.webapps}
    for number, group in enumerate(declaration.groups):
        for location, name in _items(("groups", number, "webapps"), group.webapps):
            if name not in known:
                document.add(location, f"there is no web app {name}{suggestion(name, known)}")


def _check_groups(document: Document, declaration: Declaration, state: State) -> None:
    kinds = {name: group.membership for name, group in state.groups.items()}
    for number, group in enumerate(declaration.groups):
        if group.names("membership") or group.name not in kinds:
            kinds[group.name] = group.membership
        if group.can_admin and (complaint := membership_error(group.can_admin, kinds[group.name])):
            document.add(("groups", number, "canAdmin"), phrase(complaint))
    for number, user in enumerate(declaration.users):
        for location, name in _items(("users", number, "groups"), user.groups):
            if name not in kinds:
                document.add(location, f"there is no group {name}{suggestion(name, kinds)}")
            elif kinds[name] != GroupMembership.MANUAL:
                message = f"the group {name} fills itself ({kinds[name]}): leave it out"
                document.add(location, message)


def _check_verified_emails(document: Document, declaration: Declaration, state: State) -> None:
    """Somebody else's address is free only when the same file takes it from them."""
    named = {username_key(u.username) for u in declaration.users if u.names("verified_emails")}
    for location, address in _verified_emails(declaration):
        verified = state.verified_emails.get(address)
        if verified and verified.user.username_key not in named:
            owner = printable(verified.user.username)
            document.add(location, f"is a verified address of {owner} already")


def _verified_emails(declaration: Declaration) -> Iterator[Place]:
    for number, user in enumerate(declaration.users):
        yield from _items(("users", number, "verifiedEmails"), user.verified_emails)


def _items(location: Location, items: list[str]) -> Iterator[Place]:
    return (((*location, number), item) for number, item in enumerate(items))
