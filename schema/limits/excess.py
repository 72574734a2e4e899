from __future__ import annotations

from graphql import GraphQLError

from resolvers.errors import ErrorCode

# JSON numbers beyond this are not exact everywhere
LARGEST = 2**53 - 1

SUBJECTS = {
    "characters": "The document has {found} characters",
    "tokens": "The document has at least {found} tokens",
    "definitions": "The document has {found} operations and fragments",
    "fields": "The operation selects {found} fields",
    "repeats": "The operation has {found} pairs of fields that share a place in the answer",
    "depth": "The operation nests fields {found} levels deep",
    "aliases": "The operation has {found} aliases",
    "directives": "The operation has {found} directives",
    "rootFields": "The operation selects {found} fields at its root",
    "mutations": "The operation makes {found} changes",
    "values": "The arguments or variables hold at least {found} values",
    "digits": "A number of the document has {found} characters",
    "introspection": "The operation reads at least {found} fields of the schema",
    "cost": "The operation costs {found}",
}


def excess(limit: str, found: int, maximum: int) -> GraphQLError:
    """The error that names a limit which is exceeded."""
    shown = min(found, LARGEST)
    subject = SUBJECTS[limit].format(found=shown)
    return GraphQLError(
        f"{subject}; at most {maximum} are allowed.",
        extensions={
            "code": ErrorCode.LIMIT_EXCEEDED.value,
            "limit": limit,
            "found": shown,
            "maximum": maximum,
        },
    )
