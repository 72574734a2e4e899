"""Small databases of the former portal, as SQLite files or in PostgreSQL, and edits of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

Row = dict[str, Any]
Rows = dict[str, list[Row]]
Edit = Callable[[Rows], object]

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

JOINED = datetime(2026, 11, 24, 1, 38, tzinfo=UTC)
HASHES = {
    "root": "pbkdf2_sha256$150000$Vdsa1AN3R5Dz$2kjczVfGYbK1lUmZ0jx7h4V+YtgASXK1MnciFlBblVo=",
    "alice": "pbkdf2_sha256$150000$yNteGoLEF5rg$5B5k1+cGA8ip44Ng1EXg1YbJW61Kxay187YwD1aLaFA=",
    "bob": "pbkdf2_sha256$150000$47rF8gIFxXUK$3aOqwY4VuHBYEkgAozED5JCSbswRjQ2883Orl6VOi6w=",
    "jürgen": "pbkdf2_sha256$150000$e2XHHeTbCpIO$kdSaNtPDFr6QLn4XqjWoub4dx1esWCSyeTE2pjz0juU=",
}
PASSWORDS = {"root": "rootpw", "alice": "alicepw", "bob": "bobpw", "jürgen": "pässwörd✓"}

TYPES = {
    "sqlite": {"key": "integer PRIMARY KEY AUTOINCREMENT", "time": "datetime"},
    "postgres": {"key": "bigserial PRIMARY KEY", "time": "timestamptz", "number": "bigint"},
}
COLUMNS = {
    USERS: {
        "id": "key",
        "username": "text",
        "password": "text",
        "first_name": "text",
        "last_name": "text",
        "email": "text",
        "alt_mails": "text",
        "comments": "text",
        "is_superuser": "boolean",
        "is_staff": "boolean",
        "is_active": "boolean",
        "date_joined": "time",
        "last_login": "time",
        "state": "text",
        "approval_id": "text",
        "answered_by_id": "number",
        "service_account_id": "number",
    },
    GROUPS: {
        "id": "key",
        "name": "text",
        "can_admin": "boolean",
        "special_all_accounts": "boolean",
        "special_k8s_accounts": "boolean",
    },
    WEBAPPS: {
        "id": "key",
        "name": "text",
        "link_name": "text",
        "link_url": "text",
        "link_show": "boolean",
        "can_subauth": "boolean",
        "oidc_client_id": "number",
    },
    MEMBERSHIPS: {"id": "key", "user_id": "number", "portalgroup_id": "number"},
    GRANTS: {"id": "key", "portalgroup_id": "number", "webapplication_id": "number"},
    NAMESPACES: {"id": "key", "name": "text", "uid": "text", "visible": "boolean"},
    ACCOUNTS: {"id": "key", "name": "text", "uid": "text", "namespace_id": "number"},
    IDENTITIES: {"id": "key", "provider": "text", "uid": "text", "user_id": "number"},
    ADDRESSES: {"id": "key", "email": "text", "verified": "boolean", "user_id": "number"},
    CLIENTS: {"id": "key", "client_id": "text"},
}
LATER = {NEWS: {"id": "key", "title": "text"}}


def user(key: int, username: str, **values: Any) -> Row:
    return {
        "id": key,
        "username": username,
        "password": HASHES.get(username, HASHES["bob"]),
        "first_name": username.title(),
        "last_name": "",
        "email": f"u{key}@example.org",
        "alt_mails": None,
        "comments": "",
        "is_superuser": False,
        "is_staff": False,
        "is_active": True,
        "date_joined": JOINED + timedelta(minutes=key),
        "last_login": None,
        "state": "not requested",
        "approval_id": None,
        "answered_by_id": None,
        "service_account_id": None,
    } | values


def group(key: int, name: str, **values: Any) -> Row:
    flags = {"can_admin": False, "special_all_accounts": False, "special_k8s_accounts": False}
    return {"id": key, "name": name} | flags | values


def webapp(key: int, name: str, **values: Any) -> Row:
    return {
        "id": key,
        "name": name,
        "link_name": name,
        "link_url": f"https://{name.lower()}.example.org/",
        "link_show": True,
        "can_subauth": False,
        "oidc_client_id": None,
    } | values


def former() -> Rows:
    """Alice develops and has access, Carol administrates, Dave waits, Eve's account is closed."""
    return {
        NAMESPACES: [
            {"id": 1, "name": "default", "uid": "d70a738b", "visible": True},
            {"id": 2, "name": "monitoring", "uid": None, "visible": True},
        ],
        ACCOUNTS: [
            {"id": 1, "name": "default", "uid": "240d92bc", "namespace_id": 1},
            {"id": 2, "name": "ci", "uid": None, "namespace_id": 2},
        ],
        USERS: [
            user(1, "root", is_superuser=True, is_staff=True),
            user(
                2,
                "alice",
                last_name="Anders",
                email="alice@example.org",
                alt_mails="alice@alt.example.org\na@example.org",
                comments="For her thesis",
                state="approved",
                answered_by_id=1,
                service_account_id=1,
                last_login=JOINED + timedelta(days=1),
            ),
            user(3, "bob"),
            user(4, "carol", is_staff=True),
            user(5, "eve", is_active=False, state="rejected", answered_by_id=4),
            user(6, "jürgen", email="", state="requested"),
        ],
        GROUPS: [
            group(1, "All users", special_all_accounts=True),
            group(2, "Kubernetes users", special_k8s_accounts=True),
            group(3, "Developers"),
            group(5, "Admins", can_admin=True),
        ],
        WEBAPPS: [
            webapp(1, "Grafana"),
            webapp(2, "Hidden", link_show=False),
            webapp(
                4,
                "Dashboard",
                link_name="Dashboard of {{namespace}}",
                link_url="https://dashboard.example.org/?account={{serviceaccount}}",
            ),
            webapp(5, "Bare", link_name=None, link_url=None),
        ],
        MEMBERSHIPS: [
            {"id": 1, "user_id": 2, "portalgroup_id": 1},
            {"id": 2, "user_id": 2, "portalgroup_id": 2},
            {"id": 3, "user_id": 2, "portalgroup_id": 3},
            {"id": 4, "user_id": 4, "portalgroup_id": 5},
        ],
        GRANTS: [
            {"id": 1, "portalgroup_id": 3, "webapplication_id": 1},
            {"id": 2, "portalgroup_id": 3, "webapplication_id": 2},
            {"id": 3, "portalgroup_id": 2, "webapplication_id": 4},
        ],
        IDENTITIES: [{"id": 1, "provider": "google", "uid": "sub-of-bob", "user_id": 3}],
        ADDRESSES: [
            {"id": 1, "email": "Alice@Example.org", "verified": True, "user_id": 2},
            {"id": 2, "email": "b@example.org", "verified": False, "user_id": 3},
        ],
        CLIENTS: [],
    }


def find(rows: Rows, table: str, key: int) -> Row:
    return next(row for row in rows[table] if row["id"] == key)


def add(table: str, *rows: Row) -> Edit:
    return lambda all_rows: all_rows[table].extend(rows)


def change(table: str, key: int, **values: Any) -> Edit:
    return lambda rows: find(rows, table, key).update(values)


def remove(table: str, key: int) -> Edit:
    return lambda rows: rows[table].remove(find(rows, table, key))


def both(*edits: Edit) -> Edit:
    return lambda rows: [edit(rows) for edit in edits]


def without(rows: Rows, table: str, *columns: str) -> None:
    for row in rows[table]:
        for column in columns:
            row.pop(column, None)


def with_column(rows: Rows, table: str, column: str, value: Any) -> None:
    for row in rows[table]:
        row.setdefault(column, value)


def write_sqlite(file: Path, rows: Rows) -> Path:
    file.unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as connection:
        for statement in _definitions("sqlite", rows):
            connection.execute(statement)
        for table, row in _each(rows):
            names = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join("?" for _ in row)
            values = [_as_django_writes(value) for value in row.values()]
            statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608
            connection.execute(statement, values)
        connection.commit()
    return file


async def write_postgres(url: str, rows: Rows) -> str:
    connection = await asyncpg.connect(url)
    for statement in _definitions("postgres", rows):
        await connection.execute(statement)
    for table, row in _each(rows):
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608
        await connection.execute(statement, *row.values())
    await connection.close()
    return url


def _definitions(dialect: str, rows: Rows) -> list[str]:
    """Tables with the columns of the first row, or with all of them where there is none."""
    statements = []
    for table, all_rows in rows.items():
        known = (COLUMNS | LATER)[table]
        names = list(all_rows[0]) if all_rows else list(known)
        kinds = {name: known.get(name, "text") for name in names}
        columns = ", ".join(
            f'"{name}" {TYPES[dialect].get(kind, "integer" if kind == "number" else kind)}'
            for name, kind in kinds.items()
        )
        statements.append(f'CREATE TABLE "{table}" ({columns})')
    return statements


def _each(rows: Rows) -> list[tuple[str, Row]]:
    return [(table, row) for table, all_rows in rows.items() for row in all_rows]


def _as_django_writes(value: Any) -> Any:
    """Without a time zone, in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    return value
