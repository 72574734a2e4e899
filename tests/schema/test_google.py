"""Sign-in with Google, against a real OpenID Connect provider."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from auth.errors import ProviderUnavailable
from auth.google import GoogleSignIn
from models import AttemptCount, ExternalIdentity, User, VerifiedEmail
from portal.settings import Settings
from tests.callers import Caller, Clock, People
from tests.openid import OpenIdProvider
from tests.schema.test_rate_limits import CAFE, HOME, at

LOGIN = """
mutation ($input: LoginWithGoogleInput!) {
  loginWithGoogle(input: $input) {
    accessToken
    user { databaseId username firstName lastName primaryEmail allEmails isAdmin }
    errors { code message }
  }
}
"""


@pytest.fixture
def settings(settings: Settings, openid_provider: OpenIdProvider) -> Settings:
    update = google(openid_provider, trusted_proxies=("127.0.0.1",))
    return settings.model_copy(update=update)


def google(provider: OpenIdProvider, **more: Any) -> dict[str, Any]:
    return {
        "auth_google_key": provider.client_id,
        "auth_google_secret": SecretStr(provider.client_secret),
        "auth_google_discovery_url": provider.discovery_url,
        "auth_google_tokeninfo_url": provider.tokeninfo_url,
        **more,
    }


async def login(caller: Caller, **credential: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await caller.data(LOGIN, input=credential))["loginWithGoogle"]
    return answer


def google_user(provider: OpenIdProvider, name: str = "grace", **claims: object) -> str:
    """Create an account at the provider; returns its subject."""
    subject = f"{name}-{uuid4().hex}"
    profile = {
        "email": f"{name}@example.org",
        "email_verified": True,
        "given_name": name.title(),
        "family_name": "Hopper",
    }
    provider.set_user(subject, **{**profile, **claims})
    return subject


async def test_first_sign_in_creates_user(
    anonymous: Caller, openid_provider: OpenIdProvider
) -> None:
    subject = google_user(openid_provider)
    first = await login(anonymous, idToken=openid_provider.tokens(subject).id_token)
    assert first["errors"] == []
    assert first["user"] == {
        "databaseId": first["user"]["databaseId"],
        "username": "grace",
        "firstName": "Grace",
        "lastName": "Hopper",
        "primaryEmail": "grace@example.org",
        "allEmails": ["grace@example.org"],
        "isAdmin": False,
    }
    caller = Caller(anonymous.client, {"Authorization": f"Bearer {first['accessToken']}"})
    assert (await caller.data("{ viewer { username } }"))["viewer"] == {"username": "grace"}
    again = await login(anonymous, accessToken=openid_provider.tokens(subject).access_token)
    assert again["user"]["databaseId"] == first["user"]["databaseId"]
    assert await User.all().count() == 1


async def test_every_credential_signs_in_the_same_user(
    anonymous: Caller, openid_provider: OpenIdProvider
) -> None:
    subject = google_user(openid_provider)
    tokens = openid_provider.tokens(subject, nonce="n")
    code = openid_provider.code(subject)
    with_nonce = {"idToken": tokens.id_token, "nonce": "n"}
    by_code = {
        "code": code,
        "redirectUri": openid_provider.redirect_uri,
        "codeVerifier": "v" * 43,
    }
    users = [
        (await login(anonymous, **credential))["user"]
        for credential in (
            {"accessToken": tokens.access_token},
            {"idTokenWithNonce": with_nonce},
            {"code": by_code},
        )
    ]
    assert users[0] is not None
    assert users == [users[0]] * 3


@pytest.mark.parametrize("path", ["/login_google/", "/google_login/"])
async def test_rest_accepts_every_credential(
    anonymous: Caller, openid_provider: OpenIdProvider, path: str
) -> None:
    subject = google_user(openid_provider)
    tokens = openid_provider.tokens(subject, nonce="n")
    for body in (
        {"access_token": tokens.access_token},
        {"id_token": tokens.id_token, "nonce": "n"},
        {"id_token": openid_provider.tokens(subject).id_token},
        {"code": openid_provider.code(subject), "redirect_uri": openid_provider.redirect_uri},
    ):
        response = await anonymous.rest("POST", path, json=body)
        assert response.status_code == 200, response.text
        assert set(response.json()) == {"id", "firstname", "access_token"}
        assert response.json()["firstname"] == "Grace"
    assert await User.all().count() == 1


@pytest.mark.parametrize("kind", ["idToken", "accessToken"])
async def test_a_token_of_another_application_is_refused(
    anonymous: Caller, openid_provider: OpenIdProvider, kind: str
) -> None:
    tokens = openid_provider.tokens(google_user(openid_provider), client_id="other")
    credential = {"idToken": tokens.id_token, "accessToken": tokens.access_token}[kind]
    answer = await login(anonymous, **{kind: credential})
    assert [error["code"] for error in answer["errors"]] == ["INVALID_CREDENTIALS"]
    assert answer["accessToken"] is None
    assert await User.all().count() == 0
    rest = await anonymous.rest("POST", "/login_google/", json={"access_token": credential})
    assert rest.status_code == 400
    assert set(rest.json()) == {"non_field_errors"}


async def test_unverified_address_proves_nothing(
    anonymous: Caller, bob: Caller, people: People, openid_provider: OpenIdProvider
) -> None:
    change = "mutation ($id: Int!) { updateUser(input: {databaseId: $id, primaryEmail: "
    change += '"victim@example.org"}) { errors { message } } }'
    await bob.data(change, id=people.bob.id)
    subject = google_user(openid_provider, "victim")
    victim = await login(anonymous, idToken=openid_provider.tokens(subject).id_token)
    assert victim["user"]["databaseId"] != people.bob.id
    assert victim["user"]["username"] == "victim"


async def test_verified_address_finds_its_user(
    anonymous: Caller, people: People, openid_provider: OpenIdProvider
) -> None:
    await VerifiedEmail.create(address="alice@example.org", user=people.alice)
    subject = google_user(openid_provider, "alice", email="Alice@Example.org")
    signed_in = await login(anonymous, idToken=openid_provider.tokens(subject).id_token)
    assert signed_in["user"]["databaseId"] == people.alice.id
    openid_provider.set_user(subject, email="other@example.org", email_verified=True)
    signed_in = await login(anonymous, idToken=openid_provider.tokens(subject).id_token)
    assert signed_in["user"]["databaseId"] == people.alice.id
    assert await ExternalIdentity.all().count() == 1


async def test_address_unverified_by_google_finds_no_user(
    anonymous: Caller, people: People, openid_provider: OpenIdProvider
) -> None:
    await VerifiedEmail.create(address="alice@example.org", user=people.alice)
    subject = google_user(openid_provider, "alice", email_verified=False)
    signed_in = await login(anonymous, idToken=openid_provider.tokens(subject).id_token)
    assert signed_in["user"]["databaseId"] != people.alice.id
    assert signed_in["user"]["username"] == "alice-2"


@pytest.mark.parametrize(
    ("email", "username"),
    [
        ("x" * 64 + "@example.org", "x" * 64),
        ("ﷺ" * 60 + "@example.org", "google-user"),
        (" @example.org", "google-user"),
        ("a\tb@example.org", "google-user"),
    ],
    ids=lambda text: text[:12],
)
async def test_new_user_gets_a_valid_name(
    anonymous: Caller, openid_provider: OpenIdProvider, email: str, username: str
) -> None:
    subject = google_user(openid_provider, email=email, given_name="")
    signed_in = await login(anonymous, idToken=openid_provider.tokens(subject).id_token)
    assert signed_in["user"]["username"] == username


async def test_a_closed_account_stays_closed(
    anonymous: Caller, people: People, openid_provider: OpenIdProvider
) -> None:
    subject = google_user(openid_provider, "carol")
    await ExternalIdentity.create(provider="google", subject=subject, user=people.carol)
    answer = await login(anonymous, idToken=openid_provider.tokens(subject).id_token)
    assert [error["code"] for error in answer["errors"]] == ["INVALID_CREDENTIALS"]


class TestWithoutNewUsers:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"auth_google_creates_users": False})

    async def test_only_known_users_sign_in(
        self, anonymous: Caller, people: People, openid_provider: OpenIdProvider
    ) -> None:
        await VerifiedEmail.create(address="alice@example.org", user=people.alice)
        known = google_user(openid_provider, "alice")
        answer = await login(anonymous, idToken=openid_provider.tokens(known).id_token)
        assert answer["user"]["databaseId"] == people.alice.id
        stranger = google_user(openid_provider)
        answer = await login(anonymous, idToken=openid_provider.tokens(stranger).id_token)
        assert [error["code"] for error in answer["errors"]] == ["INVALID_CREDENTIALS"]
        assert "administrator" in answer["errors"][0]["message"]


class TestWithDomains:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"auth_google_domains": ("Example.org",)})

    @pytest.mark.parametrize(
        ("claims", "welcome"),
        [
            ({}, True),
            ({"email": "grace@EXAMPLE.ORG"}, True),
            ({"email": "grace@example.org.evil.net"}, False),
            ({"email": "example.org@evil.net"}, False),
            ({"email_verified": False}, False),
        ],
        ids=str,
    )
    async def test_only_verified_addresses_of_the_domains(
        self,
        anonymous: Caller,
        openid_provider: OpenIdProvider,
        claims: dict[str, object],
        welcome: bool,
    ) -> None:
        subject = google_user(openid_provider, "grace", **claims)
        answer = await login(anonymous, idToken=openid_provider.tokens(subject).id_token)
        assert bool(answer["user"]) == welcome


class TestWithAProviderThatIsDown:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        nowhere = {"auth_google_discovery_url": "http://127.0.0.1:9/discovery"}
        return settings.model_copy(update=nowhere)

    async def test_outage_leaves_passwords_alone(
        self, anonymous: Caller, people: People, openid_provider: OpenIdProvider
    ) -> None:
        token = openid_provider.tokens(google_user(openid_provider)).id_token
        answer = await login(anonymous, idToken=token)
        assert [error["code"] for error in answer["errors"]] == ["UNAVAILABLE"]
        rest = await anonymous.rest("POST", "/login_google/", json={"id_token": token})
        assert rest.status_code == 503
        assert set(rest.json()) == {"detail"}
        await anonymous.sign_in("alice", "correct horse")


async def test_google_limit_per_network(
    anonymous: Caller, openid_provider: OpenIdProvider, clock: Clock
) -> None:
    cafe, home = at(CAFE, anonymous), at(HOME, anonymous)
    token = openid_provider.tokens(google_user(openid_provider)).id_token
    assert await code(cafe, "nonsense") == "INVALID_CREDENTIALS"
    assert await code(cafe, token) == "OK"
    [counted] = await AttemptCount.all()
    assert counted.count == 1
    await AttemptCount.all().update(count=60)
    assert await code(cafe, token) == "RATE_LIMITED"
    response = await cafe.rest("POST", "/login_google/", json={"id_token": token})
    assert response.status_code == 429
    assert response.headers["retry-after"] == "60"
    assert await code(home, token) == "OK"
    clock.advance(minutes=1)
    assert await code(cafe, token) == "OK"


async def test_google_and_password_limits_are_separate(
    anonymous: Caller, people: People, openid_provider: OpenIdProvider
) -> None:
    cafe = at(CAFE, anonymous)
    token = openid_provider.tokens(google_user(openid_provider)).id_token
    assert await code(cafe, "nonsense") == "INVALID_CREDENTIALS"
    await AttemptCount.all().update(count=60)
    await cafe.sign_in("alice", "correct horse")
    await AttemptCount.filter(key__startswith="google/").delete()
    assert await AttemptCount.all().update(count=1000) >= 3
    assert await code(cafe, token) == "OK"


async def code(caller: Caller, id_token: str) -> str:
    errors = (await login(caller, idToken=id_token))["errors"]
    return str(errors[0]["code"]) if errors else "OK"


async def test_outage_is_not_counted(
    anonymous: Caller, openid_provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise ProviderUnavailable("Google does not answer.")

    monkeypatch.setattr(GoogleSignIn, "by_id_token", away)
    assert (await login(anonymous, idToken="any"))["errors"][0]["code"] == "UNAVAILABLE"
    assert {counted.count for counted in await AttemptCount.all()} == {0}
