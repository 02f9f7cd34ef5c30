"""Webhooks as rows: URL and secret sealed, and a cursor on the numbers of events."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

import peewee as pw

from hived.errors import BadRequest, Conflict, NotFound
from hived.records.events import Event
from hived.records.outgoing import MAX_SAID
from hived.records.webhooks import Webhook
from hived.store import events
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Event as EventRow
from hived.store.schema import Miner
from hived.store.schema import Webhook as Row

MAX_WEBHOOKS = 20


def listing(db: Database) -> list[Webhook]:
    """Return all by name, with their secrets opened."""
    return [_webhook(db, row) for row in dicts(Row.select().order_by(Row.name), db)]


def one(db: Database, name: str) -> Webhook:
    """Return one with its secrets opened; NotFound."""
    found = dicts(Row.select().where(Row.name == name), db)
    if not found:
        raise NotFound(f"there is no webhook {name[:40]!r}")
    return _webhook(db, found[0])


def add(db: Database, webhook: Webhook) -> None:
    """Store a new one; it gets what happens from now on. Conflict when it is there, BadRequest for one too many."""
    names = [name for (name,) in tuples(Row.select(Row.name), db)]
    if webhook.name in names:
        raise Conflict(f"there is a webhook {webhook.name} already")
    if len(names) >= MAX_WEBHOOKS:
        raise BadRequest(f"there are {MAX_WEBHOOKS} webhooks already")
    fields = asdict(webhook) | {
        "url": db.box.seal(webhook.url or "", _about(webhook.name, "url")),
        "secret": db.box.seal(webhook.secret or "", _about(webhook.name, "secret")),
        "kinds": json.dumps(webhook.kinds),
        "after": newest(db),
    }
    Row.insert(fields).execute(db)


def save(db: Database, /, name: str, **fields: Any) -> None:
    """Change columns of one; one that was removed meanwhile stays so."""
    if isinstance(fields.get("said"), str):
        fields["said"] = fields["said"][:MAX_SAID]
    Row.update(fields).where(Row.name == name).execute(db)


def remove(db: Database, name: str) -> None:
    """Forget one, its secrets with it. NotFound."""
    if not Row.delete().where(Row.name == name).execute(db):
        raise NotFound(f"there is no webhook {name[:40]!r}")


def newest(db: Database) -> int:
    """Return the number of the newest event, 0 when there is none."""
    return int(EventRow.select(pw.fn.MAX(EventRow.id)).bind(db).scalar() or 0)


def following(
    db: Database, after: int, kinds: Collection[str], limit: int
) -> tuple[list[tuple[Event, str | None, str | None]], int]:
    """Return events above a number in their order, each with address and name of its miner, and up to which one.

    `kinds`: those wanted; none: all. There may be more when as many as `limit` came.
    """
    upto = newest(db)
    places = (pw.fn.COALESCE(Miner.ip, Miner.last_ip).alias("ip"), Miner.hostname)
    query = events.with_names().select_extend(*places).where(EventRow.id > after, EventRow.id <= upto)
    if kinds:
        query = query.where(EventRow.kind.in_(list(kinds)))
    rows = dicts(query.order_by(EventRow.id).limit(limit), db)
    found = [(row.pop("ip"), row.pop("hostname"), events.from_row(row)) for row in rows]
    return [(event, ip, hostname) for ip, hostname, event in found], upto if len(rows) < limit else int(rows[-1]["id"])


def _about(name: str, column: str) -> str:
    return f"webhook:{name}:{column}"


def _webhook(db: Database, row: dict[str, Any]) -> Webhook:
    opened = {column: db.box.open_or_none(row[column], _about(row["name"], column)) for column in ("url", "secret")}
    return Webhook(**row | opened | {"kinds": tuple(json.loads(row["kinds"])), "enabled": bool(row["enabled"])})
