"""Who has access to the cluster, who waits for it, and who has decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from models import AccessRequest, AccessRequestState, AccessState
from portal.legacy.accounts import ForeignAccount
from portal.legacy.memory import Memory
from portal.legacy.release import STATES
from portal.legacy.report import Rule
from portal.legacy.source import Row
from portal.legacy.texts import Texts
from portal.legacy.values import number, text

NOTE = "Taken over from the former portal, at the time that is given here."
BATCH = 1000
OUTCOMES = {
    AccessState.REQUESTED: AccessRequestState.OPEN,
    AccessState.REJECTED: AccessRequestState.REJECTED,
    AccessState.APPROVED: AccessRequestState.APPROVED,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What has become of a user's wish for access; `by` is the id there of who has decided."""

    user_id: int
    state: AccessState
    account_id: int | None
    by: int | None


def access_of(
    row: Row, accounts: Mapping[int, ForeignAccount], texts: Texts
) -> tuple[str, str | None]:
    """State and account, which here are only together."""
    state = AccessState(STATES[text(row["state"])])
    account = _account(number(row["service_account_id"]), accounts, texts)
    if state == AccessState.APPROVED and account is None:
        texts.note(Rule.ACCESS_WITHOUT_ACCOUNT)
        return AccessState.NEW.value, None
    if state != AccessState.APPROVED and account is not None:
        texts.note(Rule.ACCOUNT_WITHOUT_ACCESS, account)
        return state.value, None
    return state.value, account


def _account(key: int | None, accounts: Mapping[int, ForeignAccount], texts: Texts) -> str | None:
    if key is None:
        return None
    if key not in accounts:
        texts.note(Rule.DANGLING, f"service account {key}")
        return None
    if not accounts[key].fits:
        texts.note(Rule.ACCOUNT_UNFIT, accounts[key].name)
        return None
    return accounts[key].name


async def note_decisions(decisions: Sequence[Decision], users: Memory, now: datetime) -> None:
    """Writes the requests to which the decisions belong; all users are here by now."""
    for start in range(0, len(decisions), BATCH):
        batch = decisions[start : start + BATCH]
        people = await users.targets({one.by for one in batch if one.by is not None})
        waiting = await _settle(batch, now)
        new: list[AccessRequest] = []
        for one in batch:
            if one.state not in OUTCOMES:
                continue
            request = waiting.get(one.user_id)
            answered = _answer(one, people, now)
            if request is None:
                new.append(AccessRequest(user_id=one.user_id, created_at=now, **answered))
            else:
                await request.update_from_dict(answered).save(update_fields=list(answered))
        await AccessRequest.bulk_create(new)


async def _settle(batch: Sequence[Decision], now: datetime) -> dict[int, AccessRequest]:
    """Ends what is in force and no longer wanted. Returns the requests that are open."""
    requests = AccessRequest.filter(user_id__in=[one.user_id for one in batch])
    given_up = [one.user_id for one in batch if one.state not in OUTCOMES]
    ended = {"state": AccessRequestState.REVOKED, "ended_at": now, "end_reason": NOTE}
    await requests.filter(state=AccessRequestState.APPROVED).update(**ended)
    opened = requests.filter(state=AccessRequestState.OPEN)
    await opened.filter(user_id__in=given_up).update(**ended)
    return {request.user_id: request for request in await opened}


def _answer(
    decision: Decision, people: Mapping[int, int], now: datetime
) -> dict[str, AccessRequestState | datetime | int | str | None]:
    state = OUTCOMES[decision.state]
    if state == AccessRequestState.OPEN:
        return {"state": state}
    return {
        "state": state,
        "decided_at": now,
        "decided_by_id": None if decision.by is None else people.get(decision.by),
        "decision_reason": NOTE,
        "service_account_id": decision.account_id,
    }
