from __future__ import annotations

import logging

from graphql import DocumentNode, OperationDefinitionNode

from portal.graphql_request import digest

logger = logging.getLogger(__name__)

MAXIMUM_REPORTED = 1000
LONGEST_NAME = 100


class Report:
    """Logs each document that is not trusted, once: its text may hold secrets, its hash does not.

    After MAXIMUM_REPORTED documents it says so and is silent.
    """

    def __init__(self) -> None:
        self._reported: set[str] = set()

    def note(self, text: str, document: DocumentNode, client: str) -> None:
        sha256 = digest(text)
        if len(self._reported) > MAXIMUM_REPORTED or sha256 in self._reported:
            return
        self._reported.add(sha256)
        if len(self._reported) > MAXIMUM_REPORTED:
            logger.warning("Further documents that are not trusted are not reported.")
            return
        name = _operation_name(document)
        logger.warning("Not trusted: operation %s, sha256:%s, from %s", name, sha256, client)


def _operation_name(document: DocumentNode) -> str:
    names = (
        each.name.value
        for each in document.definitions
        if isinstance(each, OperationDefinitionNode) and each.name
    )
    return next(names, "without a name")[:LONGEST_NAME]
