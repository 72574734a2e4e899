"""The takeover from the former portal: its users, groups, web apps and accounts."""

from portal.legacy.command import run_import
from portal.legacy.mistakes import LegacyError, ReportError
from portal.legacy.report_file import report_file

__all__ = ["LegacyError", "ReportError", "report_file", "run_import"]
