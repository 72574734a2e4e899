"""Print the user names and passwords in a file for `kubeportal apply`, for demos."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml


def main() -> None:
    document = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print("Users of this demo:")  # noqa: T201
    for user in document["users"]:
        if "password" in user:
            print(f"  {user['username']:<12} {user['password']}")  # noqa: T201


main()
