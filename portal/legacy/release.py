"""Which release of the former portal a database is of, from its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portal.legacy.mistakes import LegacyError
from portal.legacy.source import Source
from portal.legacy.values import text
from portal.logs import printable

USERS = "kubeportal_user"
GROUPS = "kubeportal_portalgroup"
WEBAPPS = "kubeportal_webapplication"
MEMBERSHIPS = "kubeportal_user_portal_groups"
GRANTS = "kubeportal_portalgroup_can_web_applications"
NAMESPACES = "kubeportal_kubernetesnamespace"
ACCOUNTS = "kubeportal_kubernetesserviceaccount"
NEWS = "kubeportal_news"
IDENTITIES = "socialaccount_socialaccount"
ADDRESSES = "account_emailaddress"
CLIENTS = "oidc_provider_client"

STATES = {
    "not requested": "NEW",
    "requested": "REQUESTED",
    "rejected": "REJECTED",
    "approved": "APPROVED",
    "NEW": "NEW",
    "ACCESS_REQUESTED": "REQUESTED",
    "ACCESS_REJECTED": "REJECTED",
    "ACCESS_APPROVED": "APPROVED",
}
CONSTANTS = frozenset(state for state in STATES if state.isupper())  # instead of words, since 0.6


@dataclass(frozen=True, slots=True)
class Table:
    """`required` columns are in every release, `known` ones only in some."""

    required: frozenset[str]
    known: frozenset[str] = frozenset()


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


TABLES = {
    USERS: Table(
        _names(
            "id password last_login is_superuser username first_name last_name email is_staff"
            " is_active date_joined service_account_id state"
        ),
        _names("approval_id answered_by_id comments alt_mails"),
    ),
    GROUPS: Table(
        _names("id name can_admin"),
        _names(
            "special_all_accounts special_k8s_accounts auto_add_new auto_add_approved can_subauth"
        ),
    ),
    WEBAPPS: Table(
        _names("id name link_name link_url link_show"),
        _names("can_subauth oidc_client_id category"),
    ),
    MEMBERSHIPS: Table(_names("id user_id portalgroup_id")),
    GRANTS: Table(_names("id portalgroup_id webapplication_id")),
    NAMESPACES: Table(_names("id name uid visible")),
    ACCOUNTS: Table(_names("id name uid namespace_id")),
}
OF_LIBRARIES = {
    IDENTITIES: _names("provider uid user_id"),
    ADDRESSES: _names("email verified user_id"),
}


@dataclass(frozen=True, slots=True)
class Release:
    name: str
    columns: Mapping[str, set[str]]

    def has(self, table: str, column: str | None = None) -> bool:
        return table in self.columns and (column is None or column in self.columns[table])

    def select(self, table: str, end: str = "") -> str:
        """A query for all columns that this project knows."""
        known = TABLES[table].required | TABLES[table].known
        names = ", ".join(f'"{name}"' for name in sorted(known & self.columns[table]))
        return f'SELECT {names} FROM "{table}" {end}'  # noqa: S608


async def recognise(source: Source) -> Release:
    """Raises LegacyError for anything but releases 0.3 to 0.6."""
    columns = await source.columns()
    if USERS not in columns:
        raise LegacyError(
            f"{source.label}: this is no database of the former KubePortal: it has no {USERS}"
        )
    puzzles = sorted(_puzzles(columns))
    if puzzles:
        raise LegacyError(
            f"{source.label}: of an unknown release, known are 0.3 to 0.6: {', '.join(puzzles)}"
        )
    states = await _states(source)
    return Release(_name(columns, states), columns)


def _puzzles(columns: Mapping[str, set[str]]) -> list[str]:
    puzzles = [f"no table {table}" for table in TABLES if table not in columns]
    for name, table in TABLES.items():
        found = columns.get(name, set(table.required))
        puzzles += [f"no column {name}.{column}" for column in table.required - found]
        unknown = found - table.required - table.known
        puzzles += [f"unknown column {name}.{printable(column)}" for column in unknown]
    for name, required in OF_LIBRARIES.items():
        missing = required - columns.get(name, required)
        puzzles += [f"no column {name}.{column}" for column in missing]
    return puzzles


async def _states(source: Source) -> set[str]:
    rows = await source.rows(f'SELECT DISTINCT "state" FROM "{USERS}"')  # noqa: S608
    states = {text(row["state"]) for row in rows}
    unknown = sorted(states - STATES.keys())
    if unknown:
        words = ", ".join(f'"{printable(word)}"' for word in unknown)
        raise LegacyError(f"{source.label}: of an unknown release: {USERS}.state is {words}")
    return states


def _name(columns: Mapping[str, set[str]], states: set[str]) -> str:
    """As exactly as columns and states tell it."""
    if "category" in columns[WEBAPPS] or NEWS in columns or states & CONSTANTS:
        return "0.6"
    return "0.4 or 0.5" if "alt_mails" in columns[USERS] else "0.3"
