"""What others rely on: the GraphQL schema and the description of the REST API."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson
from graphql import GraphQLError, GraphQLSchema, build_schema

from portal.app import REST_DOCUMENTS
from portal.compatibility import Compatibility, ContractError, compare, read_documents
from rest_compat.openapi import describe
from rest_compat.operations import load
from schema.executor import Executor
from schema.portal import REST_API_VERSION
from schema.root import build_schema as our_schema


def print_schema() -> str:
    return Executor(our_schema()).sdl


def check_schema(committed: Path, paths: Sequence[Path] = ()) -> Compatibility:
    """Compares with the committed schema; the documents of REST and of the paths are known.

    Raises ContractError where a file can't be read.
    """
    documents = [document for path in (REST_DOCUMENTS, *paths) for document in read_documents(path)]
    return compare(_read_schema(committed), build_schema(print_schema()), documents)


def openapi_json() -> str:
    operations = load(REST_DOCUMENTS, Executor(our_schema()).graphql_schema)
    description = describe(operations, version=REST_API_VERSION)
    return orjson.dumps(description, option=orjson.OPT_INDENT_2).decode()


def _read_schema(file: Path) -> GraphQLSchema:
    try:
        return build_schema(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ContractError(
            f"{file}: there is no such file; name the schema that clients rely on with --against"
        ) from None
    except (GraphQLError, TypeError) as error:
        raise ContractError(f"{file} is no schema: {error}") from None
