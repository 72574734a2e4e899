"""Mail about access, handed in to a real SMTP server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from cluster.cluster import Clusters
from models import User
from portal.mail import SmtpMailer, SmtpServer
from portal.settings import Settings
from resolvers.services import Mail
from tests.callers import Caller, People
from tests.databases import free_port
from tests.provisioned import Provisioned
from tests.schema.access.calls import APPROVE, REJECT, REVOKE, asked, done
from tests.stand_in import clusters_of


class Inbox:
    """What the server was handed in; `refusal` is what it answers instead of taking it."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.refusal: str | None = None

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refusal:
            return self.refusal
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 taken"

    async def wait(self, number: int) -> list[EmailMessage]:
        for _ in range(200):
            if len(self.messages) >= number:
                break
            await asyncio.sleep(0.02)
        return sorted(self.messages, key=lambda message: str(message["To"]))


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def smtp(inbox: Inbox) -> Iterator[Controller]:
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller
    controller.stop()


def url(smtp: Controller) -> str:
    return f"smtp://127.0.0.1:{smtp.port}"


@pytest.fixture
def clusters() -> Clusters:
    return clusters_of(Provisioned("main"))


@pytest.fixture
def settings(settings: Settings, smtp: Controller) -> Settings:
    return settings.model_copy(
        update={"smtp_url": SecretStr(url(smtp)), "mail_from": "portal@example.org"}
    )


@pytest.fixture
async def addresses(people: People) -> None:
    await User.filter(id=people.admin.id).update(primary_email="admin@example.org")
    await User.filter(id=people.bob.id).update(primary_email="bob@example.org")
    await User.create(username="root", is_superuser=True, primary_email="root@example.org")
    await User.create(
        username="gone", is_superuser=True, is_active=False, primary_email="gone@example.org"
    )


async def test_administrators_hear_of_a_request(bob: Caller, addresses: None, inbox: Inbox) -> None:
    await asked(bob, "For my thesis")
    messages = await inbox.wait(2)
    assert [message["To"] for message in messages] == ["admin@example.org", "root@example.org"]
    assert messages[0]["From"] == "KubePortal <portal@example.org>"
    assert messages[0]["Subject"] == 'Request for access to "KubePortal"'
    text = messages[0].get_content()
    assert "Bob (bob) requests access" in text
    assert "For my thesis" in text


async def test_a_user_hears_of_the_decision(
    bob: Caller, admin: Caller, addresses: None, people: People, inbox: Inbox
) -> None:
    await asked(bob)
    await inbox.wait(2)
    inbox.messages.clear()
    terms = {"databaseId": people.bob.id, "namespace": "team"}
    await done(admin, APPROVE, **terms, expiresAt="2099-05-06T07:08:00+01:00")
    [message] = await inbox.wait(1)
    assert message["To"] == "bob@example.org"
    assert "ends at 2099-05-06 06:08 UTC" in message.get_content()
    assert "bob in namespace team" in message.get_content()


async def test_new_request_is_mailed_to_administrators(
    admin: Caller, addresses: None, people: People, inbox: Inbox
) -> None:
    await asked(admin, "First")
    await inbox.wait(1)
    await asked(admin, "Second")
    await asked(admin, "Third")
    await asyncio.sleep(0.3)
    assert [message["To"] for message in inbox.messages] == ["root@example.org"]
    assert "First" in inbox.messages[0].get_content()


@pytest.mark.parametrize(
    ("mutation", "words"),
    [(REJECT, "admin has rejected your request"), (REVOKE, "admin has withdrawn your access")],
    ids=["reject", "revoke"],
)
async def test_a_user_reads_why_there_is_no_access(
    alice: Caller,
    bob: Caller,
    admin: Caller,
    addresses: None,
    people: People,
    inbox: Inbox,
    mutation: str,
    words: str,
) -> None:
    if mutation is REJECT:
        await asked(bob)
        await inbox.wait(2)
        inbox.messages.clear()
    user = people.bob if mutation is REJECT else people.alice
    await done(admin, mutation, databaseId=user.id, reason="The term is over")
    await done(admin, mutation, databaseId=user.id, reason="The term is over")
    await asyncio.sleep(0.3)
    [message] = inbox.messages
    assert words in message.get_content()
    assert "The term is over" in message.get_content()


async def test_a_failing_mail_loses_no_decision(
    bob: Caller,
    admin: Caller,
    addresses: None,
    people: People,
    inbox: Inbox,
    caplog: pytest.LogCaptureFixture,
) -> None:
    inbox.refusal = "550 no"
    await asked(bob)
    await done(admin, REJECT, databaseId=people.bob.id)
    assert (await User.get(id=people.bob.id)).access_state == "REJECTED"
    for _ in range(200):
        if caplog.text.count("was not sent") >= 3:
            break
        await asyncio.sleep(0.02)
    assert caplog.text.count("was not sent") >= 3
    assert inbox.messages == []


async def test_unreachable_server_delays_no_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = SmtpServer.parse("smtp://user:hunter2-secret@127.0.0.1:9")
    mailer = SmtpMailer(server, name="KubePortal", address="portal@example.org")
    with caplog.at_level(logging.DEBUG):
        mailer.send(Mail(recipients=("bob@example.org",), subject="Hello", text="Hello"))
        await mailer.close()
    assert "was not sent" in caplog.text
    assert "hunter2-secret" not in caplog.text
    assert "hunter2-secret" not in repr(server)


async def test_headers_can_not_be_injected(
    smtp: Controller, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    mailer = SmtpMailer(SmtpServer.parse(url(smtp)), name="X", address="portal@example.org")
    hostile = "a\r\nBcc: evil@example.org"
    mailer.send(Mail(recipients=("bob@example.org",), subject=hostile, text="Hello"))
    mailer.send(Mail(recipients=("b\r\nc@example.org",), subject="Hello", text="Hello"))
    mailer.send(Mail(recipients=("bob@example.org",), subject="Hello", text=hostile))
    await mailer.close()
    [message] = inbox.messages
    assert message["Bcc"] is None
    assert caplog.text.count("was not sent") == 2


@pytest.mark.parametrize(
    "text",
    [
        "http://mail",
        "smtp://",
        "mail.example.org",
        "smtp://host:port",
        "smtp://h/path",
        "smtp://[x",
    ],
)
def test_invalid_server_url_is_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="smtp://HOST:PORT") as refused:
        SmtpServer.parse(text)
    assert text == "smtp://" or text not in str(refused.value)


def test_a_password_may_hold_anything() -> None:
    server = SmtpServer.parse("smtps://user%40example.org:p%40ss%2Fw@mail.example.org")
    assert (server.username, server.password) == ("user@example.org", "p@ss/w")
    assert (server.port, server.tls) == (465, True)
