"""Takes over the web applications."""

from __future__ import annotations

from typing import Any

from models import LegacyKind, WebApp, WebAppCategory
from models.webapps import LINK_URL_LENGTH, WEBAPP_NAME_LENGTH
from portal.legacy.incoming import Incoming
from portal.legacy.names import Ids, Names, texts_of
from portal.legacy.release import WEBAPPS
from portal.legacy.report import Rule
from portal.legacy.run import Run
from portal.legacy.source import Row
from portal.legacy.taking import Taking
from portal.legacy.texts import Texts, subject
from portal.legacy.values import flag, text

CATEGORIES = frozenset(WebAppCategory)


class TakingWebApps(Taking[WebApp]):
    kind = LegacyKind.WEBAPP
    title = "web apps"
    noun = "web app"


async def take_webapps(run: Run) -> None:
    """Notes their ids in the run."""
    rows = await run.source.rows(run.release.select(WEBAPPS, 'ORDER BY "id"'))
    incoming = [_incoming(run, row) for row in rows]
    taking = TakingWebApps(
        run,
        WebApp,
        Names(
            str,
            WEBAPP_NAME_LENGTH,
            taken=await texts_of(WebApp.all(), "name"),
            wanted=[one.values["name"] for one in incoming],
        ),
        await Ids.of(LegacyKind.WEBAPP, WebApp, run.source, WEBAPPS),
    )
    await taking.release({one.source_id: one.values["name"] for one in incoming})
    taken = await taking.take(incoming)
    await taking.finish()
    run.webapps_there = {one.source_id for one in incoming}
    run.webapp_ids = {one.incoming.source_id: one.target_id for one in taken}


def _incoming(run: Run, row: Row) -> Incoming:
    texts = Texts(run.report, subject("web app", row["id"], row["name"]))
    name = texts.name("name", row["name"], WEBAPP_NAME_LENGTH, f"webapp-{row['id']}")
    link_name = texts.line("link_name", row["link_name"], WEBAPP_NAME_LENGTH)
    values = {
        "name": name,
        "link_name": None if row["link_name"] is None else link_name,
        "link_url": texts.link(row["link_url"], LINK_URL_LENGTH),
        "link_show": flag(row["link_show"]),
        "category": _category(row.get("category"), texts),
    }
    return Incoming(row["id"], texts, values)


def _category(value: Any, texts: Texts) -> WebAppCategory | None:
    word = text(value)
    if not word:
        return None
    if word not in CATEGORIES:
        texts.note(Rule.CATEGORY_UNKNOWN, word)
        return None
    return WebAppCategory(word)
