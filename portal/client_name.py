from __future__ import annotations

import re

from starlette.datastructures import Headers

ORIGIN = re.compile(r"https?://[\w.:\[\]-]{1,80}", re.ASCII)
PRODUCT = re.compile(r"[\w!#$%&'*+.^`|~-]{1,100}", re.ASCII)


def client_name(headers: Headers) -> str:
    """Which program sends a request: the origin of a page, else the product of the User-Agent.

    Without the version, and empty where the client does not say.
    """
    if origin := ORIGIN.fullmatch(headers.get("origin", "")):
        return origin[0]
    product = PRODUCT.match(headers.get("user-agent", ""))
    return product[0] if product else ""
