"""What others rely on: the GraphQL schema and the description of the REST API."""

from __future__ import annotations

from pathlib import Path

import orjson
from graphql import BreakingChange, GraphQLError, build_schema, find_schema_changes

from portal.app import REST_DOCUMENTS
from rest_compat.openapi import describe
from rest_compat.operations import load
from schema.executor import Executor
from schema.portal import REST_API_VERSION
from schema.root import build_schema as our_schema


class ContractError(Exception):
    """The committed schema can't be read, or its clients would break."""


def print_schema() -> str:
    return Executor(our_schema()).sdl


def check_schema(committed: Path) -> str:
    """Says what changed against the committed schema. Raises ContractError when clients break."""
    try:
        theirs = build_schema(committed.read_text(encoding="utf-8"))
    except GraphQLError as error:
        raise ContractError(f"{committed} is no schema: {error.message}") from None
    changes = find_schema_changes(theirs, build_schema(print_schema()))
    breaking = [change for change in changes if isinstance(change, BreakingChange)]
    if breaking:
        raise ContractError("breaking: " + "; ".join(change.description for change in breaking))
    return "\n".join(change.description for change in changes) or "Nothing changed."


def openapi_json() -> str:
    operations = load(REST_DOCUMENTS, Executor(our_schema()).graphql_schema)
    description = describe(operations, version=REST_API_VERSION)
    return orjson.dumps(description, option=orjson.OPT_INDENT_2).decode()
