"""Declared state: users, groups and web apps as a YAML file names them."""

from portal.declared.command import run_apply
from portal.declared.mistakes import DeclarationError

__all__ = ["DeclarationError", "run_apply"]
