"""What counts as a fault of an answer, so that the search for leaks finds them and no others."""

from __future__ import annotations

import pytest

from tests.security.answers import SAFE, asked, fault

HEADERS = {**dict.fromkeys(SAFE, "x"), "Content-Type": "application/json"}
ECHO = '{"detail": "not to include unknown field \'postgres\'"}'


@pytest.mark.parametrize(
    ("text", "question", "expected"),
    [
        (ECHO, '{"query": "{ postgres }"}', None),
        (ECHO, '{"query": "{ viewer }"}', "tells postgres"),
        ('{"detail": "postgres: KeyError"}', '{"query": "{ postgres }"}', "tells KeyError"),
        ('{"code": "INTERNAL_SERVER_ERROR"}', "", "tells INTERNAL_SERVER_ERROR"),
    ],
)
def test_answers_repeat_only_what_was_sent(text: str, question: str, expected: str | None) -> None:
    request = asked("http://portal/graphql", {}, question.encode())
    assert fault(400, HEADERS, text, request) == expected


def test_answers_may_repeat_the_path() -> None:
    request = asked("http://portal/graphql?query=%7B%20postgres+%7D", {}, None)
    assert fault(400, HEADERS, ECHO, request) is None
