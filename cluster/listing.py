"""Lists of the API server: counted without being fetched, or read page by page."""

from collections.abc import AsyncIterator
from typing import Any, TypeVar

from cluster.answers import NodeList, ObjectList
from cluster.connection import Caller, Method

PAGE_SIZE = 500
_METADATA_ONLY = {
    "Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"
}

Page = TypeVar("Page", NodeList, ObjectList)


async def pages(
    caller: Caller, method: Method, page_type: type[Page], **arguments: Any
) -> AsyncIterator[Page]:
    """A whole list. Raises ClusterError."""
    continuation: str | None = None
    while True:
        page = await caller.call(
            method, page_type, limit=PAGE_SIZE, _continue=continuation, **arguments
        )
        yield page
        continuation = page.metadata.continuation
        if not continuation:
            return


async def count(caller: Caller, method: Method) -> int:
    """How many objects a list has; the cost does not grow with them where the server counts.

    A server may leave out the number of remaining objects; then metadata is paged through.
    Raises ClusterError.
    """
    # Not as metadata: some servers leave out the number there.
    first = await caller.call(method, ObjectList, limit=1)
    remaining = first.metadata.remaining_item_count
    if remaining is not None or not first.metadata.continuation:
        return len(first.items or []) + (remaining or 0)
    total = 0
    async for page in pages(caller, method, ObjectList, _headers=dict(_METADATA_ONLY)):
        total += len(page.items or [])
    return total
