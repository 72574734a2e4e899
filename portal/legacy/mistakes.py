from __future__ import annotations


class LegacyError(Exception):
    """Nothing was taken over and nothing was changed; one line says why."""


class ReportError(Exception):
    """Everything was taken over, but its report can't be written; one line says why."""
