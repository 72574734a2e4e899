from __future__ import annotations


class ContractError(Exception):
    """A schema or a document can't be read, or clients would break."""
