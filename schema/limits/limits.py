from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document and an operation may ask for. A fragment counts wherever it is spread.

    characters: the length of a document.
    tokens: the names, signs and values of a document, and its comments.
    definitions: the operations and fragments of a document.
    fields: the fields that an operation selects.
    repeats: the pairs among fields of an operation that share a place in its answer.
    depth: how deep the fields of an operation are nested.
    aliases: the fields that an operation renames.
    directives: the directives of an operation.
    root_fields: the fields that an operation selects at its root.
    mutations: the changes that an operation makes.
    values: the values within the arguments of a document, and within the variables of a request.
    digits: the length of a number that is written in a document.
    cost: the fields that the answer may hold, as far as that is known before.
    introspection: those of them that describe the schema.
    list_size: how many items are expected of a list that has no pages.
    errors: how many problems of a document are told.
    time: how long an operation may take; a subscription, until it begins.
    """

    characters: int = 100_000
    tokens: int = 2_000
    definitions: int = 75
    fields: int = 500
    repeats: int = 2_000
    depth: int = 20
    aliases: int = 30
    directives: int = 50
    root_fields: int = 20
    mutations: int = 1
    values: int = 500
    digits: int = 40
    cost: int = 50_000
    introspection: int = 12_000
    list_size: int = 100
    errors: int = 20
    time: timedelta = timedelta(seconds=10)
