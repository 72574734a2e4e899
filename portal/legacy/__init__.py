"""The takeover from the former portal: its users, groups, web apps and accounts."""

from portal.legacy.command import run_import
from portal.legacy.mistakes import LegacyError

__all__ = ["LegacyError", "run_import"]
