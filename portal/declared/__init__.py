"""Declared state: users, groups and web apps as a YAML file names them."""

from portal.declared.apply import run_apply
from portal.declared.file import DeclarationError

__all__ = ["DeclarationError", "run_apply"]
