"""From a document to a declaration, in words for people who write YAML."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from portal.declared.declaration import (
    Declaration,
    DeclaredGroup,
    DeclaredServiceAccount,
    DeclaredUser,
    DeclaredWebApp,
    Entry,
)
from portal.declared.document import Document
from portal.declared.mistakes import suggestion

FORMS: dict[tuple[str, ...], type[Entry]] = {
    (): Declaration,
    ("groups",): DeclaredGroup,
    ("webapps",): DeclaredWebApp,
    ("users",): DeclaredUser,
    ("users", "serviceAccount"): DeclaredServiceAccount,
}
MESSAGES = {
    "missing": "is required",
    "string_type": "must be a text: put it in quotes",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "model_type": "must have keys and values",
}


def validate(document: Document, knows_hash: Callable[[str], bool]) -> Declaration:
    """Raises DeclarationError with all mistakes of the document, else of the format."""
    document.check()
    declaration = Declaration()
    try:
        declaration = Declaration.model_validate(document.value, context=knows_hash)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            document.add(problem["loc"], _message(problem))
    document.check()
    return declaration


def _message(problem: ErrorDetails) -> str:
    kind = problem["type"]
    if kind == "extra_forbidden":
        return _unknown_key(problem)
    if kind == "value_error":
        return str(problem["ctx"]["error"])
    if kind == "enum":
        return f"must be {problem['ctx']['expected'].replace(chr(39), '')}"
    if problem["input"] is None and kind != "list_type":
        return "may not be null"
    if kind == "string_type" and isinstance(problem["input"], list | dict):
        return "must be a text"
    return MESSAGES[kind]


def _unknown_key(problem: ErrorDetails) -> str:
    *path, key = problem["loc"]
    form = FORMS[tuple(step for step in path if isinstance(step, str))]
    known = [str(field.alias) for field in form.model_fields.values()]
    name, colon, _ = str(key).partition(":")
    if colon and name in known:
        return "put a space behind the colon"
    return f"unknown key{suggestion(name, known) or ': known are ' + ', '.join(known)}"
