"""The import of users, groups, web apps and access from the former portal."""

from portal.legacy.command import run_import
from portal.legacy.report import Report, report_file

__all__ = ["Report", "report_file", "run_import"]
