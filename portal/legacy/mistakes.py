from __future__ import annotations


class LegacyError(Exception):
    """Nothing was taken over and nothing was changed; one line says why."""
