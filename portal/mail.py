"""Sends mail through an SMTP server, in the background."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as MAIL_POLICY
from email.utils import localtime, make_msgid
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException

from resolvers.services import Mail

PORTS = {"smtp": 25, "smtps": 465}
FORM = (
    "use smtp://HOST:PORT, smtp://USER:PASSWORD@HOST:PORT or smtps://…,"
    " with special characters of the password as %XX"
)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """The server that takes our mail; `tls` means from the first byte, not by STARTTLS."""

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> SmtpServer:
        """Raises ValueError, without any part of the URL in its message."""
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
    def is_local(self) -> bool:
        """Whether the connection stays on this machine."""
        with suppress(ValueError):
            return ip_address(self.host).is_loopback
        return self.host == "localhost"

    def connection(self, *, seconds: float, local_hostname: str) -> SMTP:
        """A password is only sent over verified TLS, unless the server is on this machine."""
        has_password = self.username is not None and not self.is_local
        return SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            use_tls=self.tls,
            # None means that STARTTLS is used if the server offers it
            start_tls=False if self.tls else has_password or None,
            # Without a password TLS is opportunistic, as between mail servers: an attacker who
            # could forge a certificate could as well suppress STARTTLS
            validate_certs=self.tls or has_password,
            timeout=seconds,
            local_hostname=local_hostname,
        )


logger = logging.getLogger(__name__)
CONNECTIONS = 4
REJECTED = (ValueError, SMTPRecipientsRefused, SMTPResponseException)


class SmtpMailer:
    """Sends mails in tasks, a few at once. A failure is logged, and there is no second attempt.

    `timeout` is in seconds, for all recipients of a mail together.
    """

    def __init__(
        self, server: SmtpServer, *, name: str, address: str, timeout: float = 30.0
    ) -> None:
        self._server = server
        self._name = name
        self._address = address
        self._domain = address.rpartition("@")[2]
        self._timeout = timeout
        self._connections = asyncio.Semaphore(CONNECTIONS)
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, mail: Mail) -> None:
        if mail.recipients:
            task = asyncio.create_task(self._deliver(mail))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self, *, patience: float = 5.0) -> None:
        """Waits `patience` seconds for mails that are being sent, and cancels the rest."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=patience)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _deliver(self, mail: Mail) -> None:
        try:
            async with self._connections, asyncio.timeout(self._timeout):
                await self._send(mail)
        except asyncio.CancelledError:
            logger.warning("Mail %r was not sent: the portal shuts down.", mail.subject)
            raise
        # Servers and libraries fail in many ways, none of which may disturb anything else
        except Exception as error:
            logger.warning("Mail %r was not sent: %s: %r", mail.subject, _kind(error), str(error))

    async def _send(self, mail: Mail) -> None:
        connection = self._server.connection(seconds=self._timeout, local_hostname=self._domain)
        # Not as a context manager, which waits for the server's QUIT after a cancellation
        try:
            await connection.connect()
            for recipient in mail.recipients:
                await self._send_to(connection, mail, recipient)
            with suppress(SMTPException):
                await connection.quit()
        finally:
            connection.close()

    async def _send_to(self, connection: SMTP, mail: Mail, recipient: str) -> None:
        try:
            await connection.send_message(self._message(mail, recipient))
        except REJECTED as error:
            logger.warning(
                "Mail %r was not sent to one of its recipients: %s: %r",
                mail.subject,
                _kind(error),
                str(error),
            )

    def _message(self, mail: Mail, recipient: str) -> EmailMessage:
        """Raises ValueError for a header with a line break, so that no header can add another."""
        message = EmailMessage(policy=MAIL_POLICY)
        message["Subject"] = mail.subject
        message["From"] = Address(self._name, addr_spec=self._address)
        message["To"] = Address(addr_spec=recipient)
        message["Date"] = localtime()
        message["Message-ID"] = make_msgid(domain=self._domain)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        return message


def _kind(error: Exception) -> str:
    return type(error).__name__
