"""Sends hostile requests, and looks at each answer and at the portal afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar
from uuid import uuid4

import anyio.from_thread
import anyio.to_thread
import httpx2
from hypothesis import given, settings
from hypothesis.strategies import SearchStrategy

from auth.tokens import AccessTokens
from models import Membership, Session, SignInMethod, User
from tests.callers import SECRET, Caller, Clock, People
from tests.security.answers import asked, fault

Example = TypeVar("Example")
ROLES = ("anonymous", "ordinary", "admin")
DAY = timedelta(days=1)
WELL = "{ __typename viewer { username } }"


@dataclass
class Probe:
    """One caller. Who is signed out by what was sent, or whose account is gone, gets a new one."""

    client: httpx2.Client
    caller: Caller
    renewed: Callable[[], Any]

    @property
    def address(self) -> str:
        return str(self.client.base_url).rstrip("/")

    @property
    def headers(self) -> dict[str, str]:
        return self.caller.headers

    def send(self, method: str, path: str, **request: Any) -> httpx2.Response:
        headers = {**self.headers, **request.pop("headers", {})}
        response = self.client.request(method, f"{self.address}{path}", headers=headers, **request)
        sent = response.request
        question = asked(sent.url, sent.headers, sent.read())
        self.judge(response.status_code, response.headers, response.text, question)
        return response

    def post_json(self, path: str, content: bytes) -> httpx2.Response:
        headers = {"Content-Type": "application/json"}
        return self.send("POST", path, content=content, headers=headers)

    def judge(self, status: int, headers: httpx2.Headers, text: str, question: str) -> None:
        """Of an answer that was got in whatever way."""
        assert fault(status, headers, text, question) is None, text
        self.be_well()

    def be_well(self) -> None:
        """The portal goes on, and the caller is who it was."""
        answer = self.client.post("/graphql", json={"query": WELL}, headers=self.headers).json()
        assert answer["data"]["__typename"] == "Query", answer
        if self.headers and answer["data"]["viewer"] is None:
            self.caller = anyio.from_thread.run(self.renewed)


@asynccontextmanager
async def probing(
    role: str, anonymous: Caller, people: People, clock: Clock
) -> AsyncIterator[Probe]:
    numbers = count()

    async def renewed() -> Caller:
        user = await new_account(f"{role}-{next(numbers)}", role, people)
        return await signed_in(user, anonymous, clock)

    caller = anonymous if role == "anonymous" else await renewed()
    with httpx2.Client(base_url=anonymous.client.base_url) as client:
        yield Probe(client, caller, renewed)


async def new_account(name: str, role: str, people: People) -> User:
    user = await User.create(
        username=name,
        is_superuser=role == "admin",
        password_hash=people.alice.password_hash,
        service_account_id=people.alice.service_account_id,
    )
    if role == "ordinary":
        await Membership.create(user=user, group=people.developers)
    return user


async def signed_in(user: User, anonymous: Caller, clock: Clock) -> Caller:
    """Not by `login`, which is rate-limited after failed attempts."""
    now = clock()
    session = await Session.create(
        id=uuid4(),
        user=user,
        method=SignInMethod.PASSWORD,
        created_at=now,
        last_used_at=now,
        expires_at=now + DAY,
    )
    tokens = AccessTokens(keys=[SECRET], clock=clock)
    token = tokens.issue(session_id=session.id, user_id=user.id, expires_at=session.expires_at)
    return Caller(anonymous.client, {"Authorization": f"Bearer {token}"})


async def try_all(
    examples: SearchStrategy[Example], check: Callable[[Example], object], *, times: int = 1
) -> None:
    """In a thread, so that the portal can answer meanwhile; `times` as many as usual."""

    @settings(max_examples=settings().max_examples * times)
    @given(examples)
    def each(example: Example) -> None:
        check(example)

    await anyio.to_thread.run_sync(each)
