"""What is said to the portal about access."""

from __future__ import annotations

from typing import Any

from tests.callers import Caller

REQUEST = """
mutation ($input: RequestAccessInput!) {
  answer: requestAccess(input: $input) {
    user { accessState accessRequest { state reason } }
    accessRequest { state reason }
    errors { code field message } } }
"""
APPROVE = """
mutation ($input: ApproveAccessInput!) {
  answer: approveAccess(input: $input) {
    user { accessState accessExpiresAt serviceAccount { qualifiedName cluster { name } }
           groups { name } }
    accessRequest {
      state decidedAt decidedBy decisionReason cluster namespace serviceAccount expiresAt endedAt }
    errors { code field message } } }
"""
REJECT = """
mutation ($input: RejectAccessInput!) {
  answer: rejectAccess(input: $input) {
    user { accessState }
    accessRequest { state decidedBy decisionReason }
    errors { code field message } } }
"""
REVOKE = """
mutation ($input: RevokeAccessInput!) {
  answer: revokeAccess(input: $input) {
    user { accessState accessExpiresAt serviceAccount { name } groups { name } }
    accessRequest {
      state decidedBy endedAt endedBy endReason namespace bindingsRemovedAt remainingBindings }
    errors { code field message } } }
"""
VIEWER = """
{ viewer { accessState serviceAccount { qualifiedName } groups { name } accessRequest {
    id state reason createdAt decidedAt decidedBy decisionReason cluster namespace serviceAccount
    expiresAt endedAt endedBy endReason user { username } } } }
"""
REQUESTS = """
query ($state: AccessRequestState) {
  admin { accessRequests(state: $state) {
    totalCount edges { node { databaseId state reason decidedBy user { username } } } } } }
"""
ROLES = ("edit", "view")


async def answer(caller: Caller, mutation: str, **values: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await caller.data(mutation, input=values))["answer"]
    return payload


async def done(caller: Caller, mutation: str, **values: Any) -> dict[str, Any]:
    payload = await answer(caller, mutation, **values)
    assert payload["errors"] == []
    return payload


async def refusal(caller: Caller, mutation: str, **values: Any) -> tuple[str, str | None, str]:
    """Code, field and message of the only error."""
    payload = await answer(caller, mutation, **values)
    [error] = payload["errors"]
    assert payload["user"] is payload["accessRequest"] is None
    return error["code"], error["field"], error["message"]


async def asked(caller: Caller, reason: str = "For my thesis") -> None:
    await done(caller, REQUEST, reason=reason)
