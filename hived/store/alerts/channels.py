"""The ways to people that were added on the page or by hivectl: their URLs hold passwords, and are sealed."""

from __future__ import annotations

from typing import Any

from hived.errors import BadRequest, NotFound
from hived.records.alerts import Channel
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import AlertChannel as Row

MAX_CHANNELS = 50


def listing(db: Database) -> list[Channel]:
    """Return the channels by name, each with its URL opened; one whose URL cannot be opened has none."""
    return [_channel(db, row) for row in dicts(Row.select().order_by(Row.name), db)]


def one(db: Database, name: str) -> Channel:
    """Return a channel; NotFound."""
    found = dicts(Row.select().where(Row.name == name), db)
    if not found:
        raise NotFound(f"there is no channel {name[:40]!r}")
    return _channel(db, found[0])


def put(db: Database, channel: Channel) -> None:
    """Store a channel under its name. BadRequest for one too many."""
    if not tuples(Row.select(Row.name).where(Row.name == channel.name), db) and (
        Row.select().bind(db).count() >= MAX_CHANNELS
    ):
        raise BadRequest(f"there are {MAX_CHANNELS} channels already")
    fields: dict[str, Any] = {
        "url": None if channel.url is None else db.box.seal(channel.url, _about(channel.name)),
        "least": channel.least, "enabled": channel.enabled, "created_at": channel.created_at, "by": channel.by[:200],
    }  # fmt: skip
    Row.insert(name=channel.name, **fields).on_conflict(conflict_target=[Row.name], update=fields).execute(db)


def remove(db: Database, name: str) -> None:
    """Forget a channel, its URL with it. NotFound. What was told by it stays."""
    if not Row.delete().where(Row.name == name).execute(db):
        raise NotFound(f"there is no channel {name[:40]!r}")


def _about(name: str) -> str:
    return f"channel:{name}:url"


def _channel(db: Database, row: dict[str, Any]) -> Channel:
    url = db.box.open_or_none(row["url"], _about(row["name"]))
    return Channel(**row | {"url": url, "enabled": bool(row["enabled"])})
