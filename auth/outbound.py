"""Requests to a sign-in provider: bounded answers, faults told apart, no secrets in the log."""

import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

REFUSAL_STATUSES = frozenset({400, 401, 403, 422})
REFUSAL_ERRORS = frozenset({"invalid_grant", "invalid_request"})
MAXIMUM_RESPONSE_BYTES = 256 * 1024


class CredentialRefused(Exception):
    """The provider, or a check of ours, says no; the message is safe for the user."""


class ProviderUnavailable(Exception):
    """The provider cannot be reached or does not keep to its protocol."""


class Outbound:
    """Speaks to the provider as the application `client_id`.

    timeout: seconds to wait for a connection, and for each part of an answer.
    """

    def __init__(self, *, client_id: str, client_secret: str, timeout: float) -> None:
        self._client = AsyncOAuth2Client(
            client_id, client_secret, timeout=timeout, event_hooks={"response": [_limit_size]}
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def read(
        self, url: str, *, bearer: str | None = None, refusal: str | None = None
    ) -> dict[str, Any]:
        """The JSON object at an address, asked for with an access token where one is given.

        Raises ProviderUnavailable, and CredentialRefused with the text of `refusal` when the
        provider blames the credential.
        """
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        with _faults_told_apart(), _queries_kept_from_logs():
            response = await self._client.request("GET", url, headers=headers, withhold_token=True)
            if refusal and response.status_code in REFUSAL_STATUSES:
                raise CredentialRefused(refusal)
            if response.status_code != httpx2.codes.OK:
                raise ProviderUnavailable(f"The provider answered {response.status_code}.")
            return json_object(response.content)

    async def exchange(
        self, url: str, *, auth_method: str, **parameters: str | None
    ) -> Mapping[str, Any]:
        """What the token endpoint gives for an authorization code.

        Raises CredentialRefused, ProviderUnavailable.
        """
        with _faults_told_apart():
            answer: Mapping[str, Any] = await self._client.fetch_token(
                url,
                grant_type="authorization_code",
                auth=self._client.client_auth(auth_method),
                **parameters,
            )
            return answer


def json_object(content: bytes) -> dict[str, Any]:
    """The JSON object that the bytes spell. Raises ValueError, RecursionError."""
    value = json.loads(content)
    if not isinstance(value, dict):
        raise ValueError("This is no JSON object.")
    return value


@contextmanager
def _faults_told_apart() -> Iterator[None]:
    try:
        yield
    except OAuthError as error:
        if error.error in REFUSAL_ERRORS:
            raise CredentialRefused("The provider refuses the authorization code.") from None
        raise ProviderUnavailable("The provider refuses this application.") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise ProviderUnavailable(
            f"No answer from the provider: {type(error).__name__}."
        ) from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ProviderUnavailable("The provider's answer makes no sense.") from error


class _LimitedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MAXIMUM_RESPONSE_BYTES:
                raise ProviderUnavailable("The provider's answer is too long.")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _limit_size(response: httpx2.Response) -> None:
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _LimitedStream(response.stream)


class _WithoutQueries(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                argument.copy_with(query=None) if isinstance(argument, httpx2.URL) else argument
                for argument in record.args
            )
        return True


@contextmanager
def _queries_kept_from_logs() -> Iterator[None]:
    # httpx2 logs each address that it asks, and one of them holds an access token.
    log = logging.getLogger("httpx2")
    without_queries = _WithoutQueries()
    log.addFilter(without_queries)
    try:
        yield
    finally:
        log.removeFilter(without_queries)
