"""Mail delivery: over TLS if there is a password, and without delaying requests."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from portal.container import smtp_mailer
from portal.mail import SmtpMailer, SmtpServer
from portal.settings import Settings, SettingsError, settings_from_environment
from resolvers.services import Mail
from tests.databases import free_port

HERE = "127.0.0.1"
ELSEWHERE = "0.0.0.0"  # noqa: S104  # reaches this machine, but does not say so
MAIL = Mail(recipients=("bob@example.org", "eve@example.org"), subject="Hello", text="Hello, Bob")


class Server:
    """A mail server that keeps what it gets; with `hangs` it never answers to mail."""

    def __init__(self) -> None:
        self.recipients: list[str] = []
        self.secure: list[bool] = []
        self.passwords: list[bytes] = []
        self.refused: set[str] = set()
        self.hangs = False
        self.port = free_port()

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self.hangs:
            await asyncio.sleep(3600)
        if address in self.refused:
            return "550 nobody here"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.recipients += envelope.rcpt_tos
        self.secure.append(session.ssl is not None)
        return "250 taken"

    def authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.passwords.append(data.password)
        return AuthResult(success=True)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for both names of this machine, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.example.org")])
    now = datetime.now(UTC)
    addresses = [x509.IPAddress(ip_address(host)) for host in (HERE, ELSEWHERE)]
    signed = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "mail.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def server() -> Server:
    return Server()


Start = Callable[..., None]


@pytest.fixture
def start(server: Server) -> Iterator[Start]:
    """Starts the server; `tls_context` is for STARTTLS, `ssl_context` for TLS from the start."""
    with ExitStack() as stack:

        def begin(**options: Any) -> None:
            controller = Controller(
                server,
                hostname=HERE,
                port=server.port,
                authenticator=server.authenticate,
                auth_require_tls=False,
                **options,
            )
            controller.start()
            stack.callback(controller.stop)

        yield begin


async def sent(url: str, mail: Mail = MAIL) -> None:
    mailer = SmtpMailer(SmtpServer.parse(url), name="Portal", address="portal@example.org")
    mailer.send(mail)
    await mailer.close()


async def test_where_the_server_offers_tls_it_is_used(
    server: Server, start: Start, context: ssl.SSLContext
) -> None:
    start(tls_context=context)
    await sent(f"smtp://{ELSEWHERE}:{server.port}")
    assert server.secure == [True, True]


async def test_a_password_is_not_sent_in_the_clear(
    server: Server, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    start()
    await sent(f"smtp://user:hunter2@{ELSEWHERE}:{server.port}")
    assert (server.passwords, server.recipients) == ([], [])
    assert "was not sent" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_password_requires_a_valid_certificate(
    server: Server,
    start: Start,
    context: ssl.SSLContext,
    scheme: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    start(**{"ssl_context" if scheme == "smtps" else "tls_context": context})
    await sent(f"{scheme}://user:hunter2@{ELSEWHERE}:{server.port}")
    assert (server.passwords, server.recipients) == ([], [])
    assert "certificate verify failed" in caplog.text


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_password_is_sent_over_trusted_tls(
    server: Server,
    start: Start,
    context: ssl.SSLContext,
    certificate: Path,
    scheme: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    start(**{"ssl_context" if scheme == "smtps" else "tls_context": context})
    await sent(f"{scheme}://user:p%40ss@{ELSEWHERE}:{server.port}")
    assert server.passwords == [b"p@ss"]
    assert server.recipients == list(MAIL.recipients)


async def test_to_this_machine_a_password_needs_no_tls(server: Server, start: Start) -> None:
    start()
    await sent(f"smtp://user:hunter2@{HERE}:{server.port}")
    assert server.passwords == [b"hunter2"]
    assert server.recipients == list(MAIL.recipients)


async def test_refused_recipient_does_not_affect_others(
    server: Server, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    start()
    server.refused.add("bob@example.org")
    await sent(f"smtp://{HERE}:{server.port}")
    assert server.recipients == ["eve@example.org"]
    assert caplog.text.count("was not sent to one of its recipients") == 1


async def test_a_server_that_hangs_is_given_up_in_time(
    server: Server, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    start()
    server.hangs = True
    mailer = SmtpMailer(
        SmtpServer.parse(f"smtp://{HERE}:{server.port}"),
        name="Portal",
        address="portal@example.org",
        timeout=0.3,
    )
    mailer.send(MAIL)
    await mailer.close()
    assert "TimeoutError" in caplog.text


async def test_shutdown_does_not_wait_for_the_server(
    server: Server, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    start()
    server.hangs = True
    mailer = SmtpMailer(
        SmtpServer.parse(f"smtp://{HERE}:{server.port}"), name="P", address="portal@example.org"
    )
    mailer.send(MAIL)
    await mailer.close(patience=0.2)
    assert "the portal shuts down" in caplog.text


@pytest.mark.parametrize(
    ("configured", "sender"),
    [
        ({"mail_from": "a@example.org"}, "a@example.org"),
        ({}, "user@example.org"),
        ({"smtp_url": "smtp://127.0.0.1"}, "kubeportal@portal.example.org"),
        ({"smtp_url": "smtp://u:p@127.0.0.1", "external_url": None}, "kubeportal@localhost"),
    ],
)
async def test_sender_is_configured_or_default(
    server: Server, start: Start, configured: dict[str, str | None], sender: str
) -> None:
    settings = Settings.model_validate(
        {
            "smtp_url": "smtp://user%40example.org:p@127.0.0.1",
            "external_url": "https://portal.example.org",
            **configured,
        }
    )
    mailer = smtp_mailer(settings)
    assert mailer is not None
    assert mailer._address == sender


def test_mail_is_off_without_a_server() -> None:
    assert smtp_mailer(Settings()) is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KUBEPORTAL_SMTP_URL", "smtp://user:hunter2@mail:x"),
        ("KUBEPORTAL_SMTP_URL", "https://user:hunter2@mail"),
        ("KUBEPORTAL_MAIL_FROM", "hunter2"),
    ],
)
def test_invalid_setting_is_named_without_value(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as refused:
        settings_from_environment()
    assert str(refused.value).startswith(f"{variable}: use ")
    assert "hunter2" not in str(refused.value)
