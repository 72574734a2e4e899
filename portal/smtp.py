"""A mail server and how to talk to it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP

PORTS = {"smtp": 25, "smtps": 465}
FORM = (
    "use smtp://HOST:PORT, smtp://USER:PASSWORD@HOST:PORT or smtps://…,"
    " with special characters of the password as %XX"
)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in; `tls` is from the first byte, otherwise by STARTTLS."""

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> SmtpServer:
        """Raises ValueError with a text that holds nothing of the URL."""
        try:
            parts = urlsplit(url)
            port, host = parts.port, parts.hostname
        except ValueError:
            raise ValueError(FORM) from None
        if parts.scheme not in PORTS or not host or parts.path.strip("/") or parts.query:
            raise ValueError(FORM)
        return cls(
            host=host,
            port=port or PORTS[parts.scheme],
            tls=parts.scheme == "smtps",
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    @property
    def is_here(self) -> bool:
        """Whether mail to it never leaves this machine."""
        with suppress(ValueError):
            return ip_address(self.host).is_loopback
        return self.host == "localhost"

    def connection(self, *, seconds: float, local_hostname: str) -> SMTP:
        """A password goes over verified TLS only, unless the server is on this machine."""
        secret = self.username is not None and not self.is_here
        return SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            use_tls=self.tls,
            start_tls=False if self.tls else secret or None,
            # As between mail servers: where anybody could turn TLS off, its names prove nothing
            validate_certs=self.tls or secret,
            timeout=seconds,
            local_hostname=local_hostname,
        )
