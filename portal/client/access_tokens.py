"""The access tokens of portals, in a file that is for its owner only."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from stat import S_IMODE
from tempfile import NamedTemporaryFile

from portal.client.errors import ClientError


class AccessTokenFile:
    """Holds one access token for each portal, by its address."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> AccessTokenFile:
        """`kubeportal/token` in XDG_CONFIG_HOME, which is `~/.config` where it is unset."""
        folder = environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return cls(Path(folder) / "kubeportal" / "token")

    def read(self) -> dict[str, str]:
        """Empty where there is no file. Raises ClientError when others could read it as well."""
        try:
            with self.path.open(encoding="utf-8") as file:
                if S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                    raise ClientError(f"{self.path} is open to others: run chmod 600 {self.path}")
                tokens: dict[str, str] = json.load(file)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ClientError(f"{self.path} can't be read, remove it: {error}") from error
        return tokens

    def write(self, address: str, access_token: str) -> None:
        """Keeps the tokens of other portals. Raises ClientError."""
        tokens = {**self.read(), address: access_token}
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Nobody ever sees half a file: the name moves to a complete one, with mode 600
            with NamedTemporaryFile("w", dir=self.path.parent, delete=False) as file:
                json.dump(tokens, file)
            Path(file.name).replace(self.path)
        except OSError as error:
            raise ClientError(f"{self.path} can't be written: {error.strerror}") from error
