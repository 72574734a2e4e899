"""How the audit log is read."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from tests.callers import Caller

NODE = """id kind outcome actorType actorId actorName subjectType subjectId subjectName
          address client requestId details"""
ALL = f"""query ($filter: AuditEventFilter, $first: Int, $after: String) {{ admin {{
  auditEvents(filter: $filter, first: $first, after: $after) {{
    totalCount pageInfo {{ endCursor hasNextPage }} edges {{ node {{ {NODE} }} }} }} }} }}"""
OWN = f"{{ viewer {{ auditEvents {{ edges {{ node {{ {NODE} }} }} }} }} }}"


async def events(admin: Caller, **wanted: Any) -> list[dict[str, Any]]:
    """What happened last, the newest first."""
    page = (await admin.data(ALL, filter=wanted))["admin"]["auditEvents"]
    return [edge["node"] for edge in page["edges"]]


async def own_events(caller: Caller) -> list[dict[str, Any]]:
    page = (await caller.data(OWN))["viewer"]["auditEvents"]
    return [edge["node"] for edge in page["edges"]]


def global_id(type_name: str, row_id: int) -> str:
    return b64encode(f"{type_name}:{row_id}".encode()).decode()
