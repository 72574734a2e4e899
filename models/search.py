"""Searches for a text anywhere in a column, and the indexes that serve them.

The indexes need PostgreSQL with its extension pg_trgm. Without it, on SQLite, and for less than
three letters, a search reads rows until it has found enough of them.
"""

from __future__ import annotations

import logging

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import Q

logger = logging.getLogger(__name__)
SEARCHED = {
    "users": ("username_key", "first_name", "last_name", "primary_email"),
    "groups": ("name",),
    "webapps": ("name", "link_name", "link_url"),
    "credential_issues": ("username", "namespace", "service_account", "address", "fingerprint"),
}
EXISTING = "SELECT tablename FROM pg_indexes WHERE indexname = 'idx_' || tablename || '_search'"
# A failed statement would abort the transaction; what fails in a block is rolled back alone.
CREATE = """
    DO $$ BEGIN
        CREATE EXTENSION IF NOT EXISTS pg_trgm;
        {statements}
    EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_file
        OR undefined_object THEN NULL;
    END $$
"""
MISSING = (
    "PostgreSQL's extension pg_trgm is missing, or not in the search path, and the portal may not"
    " create it: searches read whole tables."
)


def containing(table: str, text: str) -> Q:
    """The condition that a searched column contains the text. Case-insensitive."""
    conditions = (Q(**{f"{column}__icontains": text}) for column in SEARCHED[table])
    return Q(*conditions, join_type=Q.OR)


async def create_search_indexes(connection: BaseDBAsyncClient) -> None:
    """Creates missing ones. Logs when the database can't have them."""
    if connection.capabilities.dialect != "postgres":
        return
    if missing := await _missing(connection):
        statements = " ".join(map(_index, sorted(missing)))
        await connection.execute_query(CREATE.format(statements=statements))
        if await _missing(connection):
            logger.info(MISSING)


async def _missing(connection: BaseDBAsyncClient) -> set[str]:
    rows = await connection.execute_query_dict(EXISTING)
    return SEARCHED.keys() - {row["tablename"] for row in rows}


def _index(table: str) -> str:
    """For the expression to which Tortoise translates `icontains`."""
    keys = ", ".join(f'UPPER("{column}") gin_trgm_ops' for column in SEARCHED[table])
    return f'CREATE INDEX "idx_{table}_search" ON "{table}" USING gin ({keys});'
