"""A portal somewhere in the network."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx2

from portal.client.errors import ClientError

TIMEOUT = httpx2.Timeout(15.0, connect=5.0)


class RemotePortal:
    """Raises ClientError for an address that would not keep secrets: `https` or this machine."""

    def __init__(self, address: str, *, access_token: str | None = None) -> None:
        self.address = _checked(address)
        self._headers = {"Accept": "application/json", "User-Agent": "kubeportal"}
        if access_token is not None:
            self._headers["Authorization"] = f"Bearer {access_token}"

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of the answer. Raises ClientError, with the portal's words where it has some."""
        answer = self._post({"query": query, "variables": variables})
        errors = answer.get("errors")
        if errors:
            raise ClientError(" ".join(error["message"] for error in errors))
        data: dict[str, Any] = answer["data"]
        return data

    def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        try:
            response = httpx2.post(
                f"{self.address}/graphql", json=body, headers=self._headers, timeout=TIMEOUT
            )
        except httpx2.HTTPError as error:
            problem = str(error) or type(error).__name__
            raise ClientError(f"{self.address} can't be reached: {problem}") from error
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not answer.keys() & {"data", "errors"}:
            status = response.status_code
            raise ClientError(f"{self.address} does not answer like a portal: status {status}")
        return answer


def _checked(address: str) -> str:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.username or parts.query or parts.fragment:
        raise ClientError(f"{address!r} is no address of a portal: use https://HOST")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_this_machine(host)):
        raise ClientError(f"{address}: use https, as secrets are sent; http is for this machine")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
