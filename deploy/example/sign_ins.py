"""Prints the sign-ins of a declared state, for demos."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml


def main() -> None:
    declared = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print("Sign-ins of this demo:")  # noqa: T201
    for user in declared["users"]:
        if "password" in user:
            print(f"  {user['username']:<12} {user['password']}")  # noqa: T201


main()
