"""What stored documents say to the REST layer; stripped before the schema sees them."""

from __future__ import annotations

from typing import Any

from graphql import (
    REMOVE,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    OperationDefinitionNode,
    Visitor,
    build_schema,
    visit,
)
from graphql.execution import get_argument_values

SDL = '''
"""The operation answers these requests; a path may hold {variable} and {name=constant}."""
directive @rest(
  method: Method!
  path: String!
  "Open to everyone: a missing or bad access token does not matter."
  public: Boolean! = false
) repeatable on QUERY | MUTATION

"""The fields of the object become fields of its parent; where it is null, they are too."""
directive @flatten on FIELD

"""Without a value there is no answer: the message says what to do."""
directive @required(message: String!) on FIELD

"""The value is sent as a cookie as well."""
directive @cookie(name: String!) on FIELD

"""The operation is about to go: days or times in ISO 8601, for the headers of these names."""
directive @retires(deprecation: String, sunset: String) on QUERY | MUTATION

enum Method { GET POST PATCH }

type Query { unused: Boolean }
'''

NAMES = ("rest", "flatten", "required", "cookie", "retires")


class ClientDirectives:
    """Reads the directives of a document. Raises GraphQLError where one is used wrongly."""

    def __init__(self) -> None:
        known = build_schema(SDL).directives
        self._definitions = {directive.name: directive for directive in known}

    def all(self, name: str, node: OperationDefinitionNode | FieldNode) -> list[dict[str, Any]]:
        """The arguments of each directive of that name."""
        return [
            get_argument_values(self._definitions[name], directive)
            for directive in node.directives or ()
            if directive.name.value == name
        ]

    def first(self, name: str, node: OperationDefinitionNode | FieldNode) -> dict[str, Any] | None:
        return next(iter(self.all(name, node)), None)


class _Stripper(Visitor):
    def enter_directive(self, node: DirectiveNode, *_: Any) -> Any:
        return REMOVE if node.name.value in NAMES else None


def strip(document: DocumentNode) -> DocumentNode:
    """The document as any GraphQL server takes it."""
    stripped: DocumentNode = visit(document, _Stripper())
    return stripped
