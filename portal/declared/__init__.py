"""Declared state: users, groups and web apps as a YAML file names them."""

from portal.declared.apply import apply_file
from portal.declared.mistakes import DeclarationError

__all__ = ["DeclarationError", "apply_file"]
