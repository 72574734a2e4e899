from __future__ import annotations

import pytest
from graphql import is_input_object_type

from resolvers.errors import ErrorCode
from schema.executor import Executor, InvalidDocument
from schema.root import build_schema


@pytest.fixture(scope="module")
def executor() -> Executor:
    return Executor(build_schema(), cache_characters=10_000)


def test_a_document_is_prepared_once(executor: Executor) -> None:
    assert executor.prepare("{ __typename }") is executor.prepare("{ __typename }")


def test_long_documents_are_not_kept(executor: Executor) -> None:
    source = "{ __typename }" + " " * 1000
    assert executor.prepare(source) is not executor.prepare(source)


def test_what_is_kept_has_a_limit_and_the_oldest_goes_first(executor: Executor) -> None:
    sources = [f"{{ a{number:080}: __typename }}" for number in range(150)]
    oldest = executor.prepare(sources[0])
    prepared = [executor.prepare(source) for source in sources[1:]]
    assert executor.prepare(sources[-1]) is prepared[-1]
    assert executor.prepare(sources[0]) is not oldest


def test_what_is_wrong_with_a_document_is_told_up_to_a_length(executor: Executor) -> None:
    with pytest.raises(InvalidDocument) as refused:
        executor.prepare(f"{{ {'x' * 5000} }}")
    [error] = refused.value.errors
    assert error.extensions == {"code": ErrorCode.GRAPHQL_VALIDATION_FAILED.value}
    assert len(error.message) == 501


def test_introspection_tells_which_inputs_take_one_of_their_fields(executor: Executor) -> None:
    one_of = {
        name
        for name, kind in executor.graphql_schema.type_map.items()
        if is_input_object_type(kind) and kind.is_one_of
    }
    assert one_of == {"LoginWithGoogleInput"}
