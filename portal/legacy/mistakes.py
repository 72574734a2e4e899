from __future__ import annotations

from portal.errors import OperatorError


class LegacyError(OperatorError):
    """Nothing was taken over and nothing was changed; one line says why."""


class ReportError(OperatorError):
    """Everything was taken over, but its report can't be written; one line says why."""
