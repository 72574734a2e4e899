"""Whose address a request has, by who sends it, what it says, and whom the operator trusts."""

from __future__ import annotations

import pytest
from starlette.types import Scope

from portal.settings import Settings
from portal.web.middleware import ClientAddresses

PROXY = "10.0.0.7"
ADDRESSES = [
    # peer, headers, trusted proxies, expected address
    ("192.0.2.1", [], (), "192.0.2.1"),
    ("192.0.2.1", ["203.0.113.5"], (), "192.0.2.1"),
    ("192.0.2.1", ["203.0.113.5"], (PROXY,), "192.0.2.1"),
    (PROXY, ["203.0.113.5"], (), PROXY),
    (PROXY, [], (PROXY,), PROXY),
    (PROXY, ["203.0.113.5"], (PROXY,), "203.0.113.5"),
    (PROXY, ["203.0.113.5"], ("10.0.0.0/8",), "203.0.113.5"),
    (PROXY, ["203.0.113.5"], ("10.1.0.0/16",), PROXY),
    (PROXY, ["198.51.100.9, 203.0.113.5"], (PROXY,), "203.0.113.5"),
    (PROXY, ["198.51.100.9", "203.0.113.5"], (PROXY,), "203.0.113.5"),
    (PROXY, ["203.0.113.5, 10.0.0.8"], ("10.0.0.0/8",), "203.0.113.5"),
    (PROXY, ["203.0.113.5, 10.0.0.8"], (PROXY,), "10.0.0.8"),
    (PROXY, ["203.0.113.5, 10.0.0.8"], (PROXY, "10.0.0.8"), "203.0.113.5"),
    (PROXY, ["10.0.0.9, 10.0.0.8"], ("10.0.0.0/8",), "10.0.0.9"),
    (PROXY, ["203.0.113.5:51234"], (PROXY,), "203.0.113.5"),
    (PROXY, ["2001:DB8::5"], (PROXY,), "2001:db8::5"),
    (PROXY, ["[2001:db8::5]:443"], (PROXY,), "2001:db8::5"),
    (PROXY, ["2001:db8:0:0:0:0:0:5"], (PROXY,), "2001:db8::5"),
    (PROXY, ["::ffff:203.0.113.5"], (PROXY,), "203.0.113.5"),
    (PROXY, ["203.0.113.5, ::ffff:10.0.0.8"], ("10.0.0.0/8",), "203.0.113.5"),
    ("::ffff:10.0.0.7", ["203.0.113.5"], (PROXY,), "203.0.113.5"),
    ("::ffff:192.0.2.1", [], (), "192.0.2.1"),
    ("fd00::7", ["203.0.113.5"], ("fd00::/8",), "203.0.113.5"),
    ("2001:db8::1", ["203.0.113.5"], ("fd00::/8",), "2001:db8::1"),
    # what no proxy sends
    (PROXY, [""], (PROXY,), PROXY),
    (PROXY, [","], (PROXY,), PROXY),
    (PROXY, ["203.0.113.5, unknown"], (PROXY,), PROXY),
    (PROXY, ["203.0.113.5, _hidden"], (PROXY,), PROXY),
    (PROXY, ["localhost"], (PROXY,), PROXY),
    (PROXY, ["203.0.113.999"], (PROXY,), PROXY),
    (PROXY, ["[2001:db8::5"], (PROXY,), PROXY),
    (PROXY, ["203.0.113.5:port"], (PROXY,), PROXY),
    (PROXY, ["203.0.113.5:" + "9" * 5000], (PROXY,), PROXY),
    (PROXY, ["fe80::1%" + "x" * 5000], (PROXY,), "fe80::1"),
    (PROXY, ["\xff\x00\r\n"], (PROXY,), PROXY),
    (PROXY, ["x" * 60_000], (PROXY,), PROXY),
    (PROXY, ["1.1.1.1," * 5000 + PROXY], (PROXY,), "1.1.1.1"),
]


async def seen(peer: str | None, headers: list[tuple[str, str]], proxies: tuple[str, ...]) -> Scope:
    """The scope of a request, as the application gets it."""
    scope: Scope = {
        "type": "http",
        "scheme": "http",
        "client": (peer, 50000) if peer else None,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }
    await ClientAddresses(proxies).set_client(scope)
    return scope


@pytest.mark.parametrize(
    ("peer", "headers", "proxies", "expected"), ADDRESSES, ids=lambda value: str(value)[:40]
)
async def test_address_is_last_untrusted_hop(
    peer: str, headers: list[str], proxies: tuple[str, ...], expected: str
) -> None:
    scope = await seen(peer, [("x-forwarded-for", header) for header in headers], proxies)
    assert scope["client"][0] == expected


async def test_headers_give_no_address_to_a_local_peer() -> None:
    scope = await seen(None, [("x-forwarded-for", "203.0.113.5")], ("0.0.0.0/0",))
    assert scope["client"] is None


@pytest.mark.parametrize(
    ("peer", "scheme", "expected"),
    [
        (PROXY, "https", "https"),
        (PROXY, "gopher", "http"),
        ("192.0.2.1", "https", "http"),
    ],
)
async def test_scheme_comes_from_trusted_proxies_only(
    peer: str, scheme: str, expected: str
) -> None:
    scope = await seen(peer, [("x-forwarded-proto", scheme)], (PROXY,))
    assert scope["scheme"] == expected


async def test_other_headers_do_not_set_the_address() -> None:
    headers = [("forwarded", "for=203.0.113.5"), ("x-real-ip", "203.0.113.5")]
    assert (await seen(PROXY, headers, (PROXY,)))["client"][0] == PROXY


@pytest.mark.parametrize("proxies", ["*", "10.0.0.1/8", "proxy.example.org", "10.0.0.0/33"])
def test_trusted_proxies_are_addresses_or_networks(proxies: str) -> None:
    with pytest.raises(ValueError, match="use addresses and networks"):
        Settings(trusted_proxies=(proxies,))


def test_trusted_proxies_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEPORTAL_TRUSTED_PROXIES", "10.0.0.7, fd00::/8")
    assert Settings().trusted_proxies == ("10.0.0.7/32", "fd00::/8")
