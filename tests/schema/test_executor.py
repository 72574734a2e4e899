from __future__ import annotations

import pytest
from graphql import is_input_object_type

from resolvers.errors import ErrorCode
from schema.executor import Executor, InvalidDocument
from schema.root import build_schema


@pytest.fixture(scope="module")
def executor() -> Executor:
    return Executor(build_schema())


def test_document_is_cached(executor: Executor) -> None:
    assert executor.prepare("{ __typename }") is executor.prepare("{ __typename }")


def test_long_document_is_not_cached(executor: Executor) -> None:
    source = "{ __typename }" + " " * 5000
    assert executor.prepare(source) is not executor.prepare(source)


def test_error_message_is_cut(executor: Executor) -> None:
    with pytest.raises(InvalidDocument) as refused:
        executor.prepare(f"{{ {'x' * 5000} }}")
    [error] = refused.value.errors
    assert error.extensions == {"code": ErrorCode.GRAPHQL_VALIDATION_FAILED.value}
    assert len(error.message) == 501


def test_one_of_inputs_are_marked(executor: Executor) -> None:
    one_of = {
        name
        for name, kind in executor.graphql_schema.type_map.items()
        if is_input_object_type(kind) and kind.is_one_of
    }
    assert one_of == {"LoginWithGoogleInput"}
