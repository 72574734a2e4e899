"""The tables of the former portal, and the release that a database belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portal.legacy.source import LegacyError, Source
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
CONSTANTS = frozenset(state for state in STATES if state.isupper())  # since release 0.6


# The columns that the import reads and that every release has
REQUIRED = {
    USERS: "id password last_login is_superuser username first_name last_name email is_staff"
    " is_active date_joined service_account_id state",
    GROUPS: "id name can_admin",
    WEBAPPS: "id name link_name link_url link_show",
    MEMBERSHIPS: "user_id portalgroup_id",
    GRANTS: "portalgroup_id webapplication_id",
    NAMESPACES: "id name",
    ACCOUNTS: "id name namespace_id",
}
# Tables of libraries, which not every installation uses
OPTIONAL = {IDENTITIES: "provider uid user_id", ADDRESSES: "email verified user_id"}


@dataclass(frozen=True, slots=True)
class Release:
    name: str
    columns: Mapping[str, set[str]]

    def has(self, table: str, column: str | None = None) -> bool:
        return table in self.columns and (column is None or column in self.columns[table])


async def recognise(source: Source) -> Release:
    """Raises LegacyError for anything but releases 0.3 to 0.6."""
    columns = await source.columns()
    if USERS not in columns:
        raise LegacyError(
            f"{source.label}: not a database of the former KubePortal: there is no table {USERS}"
        )
    if missing := sorted(_missing(columns)):
        raise LegacyError(
            f"{source.label}: unknown release (known are 0.3 to 0.6): {', '.join(missing)}"
        )
    rows = await source.rows(f'SELECT DISTINCT "state" FROM "{USERS}"')
    states = {str(row["state"]) for row in rows}
    if unknown := sorted(states - STATES.keys()):
        words = ", ".join(f'"{printable(word)}"' for word in unknown)
        raise LegacyError(f"{source.label}: unknown release: {USERS}.state is {words}")
    return Release(_name(columns, states), columns)


def _missing(columns: Mapping[str, set[str]]) -> Iterable[str]:
    for table, names in (REQUIRED | OPTIONAL).items():
        if table in columns:
            missing = set(names.split()) - columns[table]
            yield from (f"no column {table}.{column}" for column in missing)
        elif table in REQUIRED:
            yield f"no table {table}"


def _name(columns: Mapping[str, set[str]], states: set[str]) -> str:
    """As exactly as columns and states reveal it."""
    if "category" in columns[WEBAPPS] or NEWS in columns or states & CONSTANTS:
        return "0.6"
    return "0.4 or 0.5" if "alt_mails" in columns[USERS] else "0.3"
