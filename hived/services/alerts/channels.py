"""The ways to people: those of the configuration, and those that an admin added. Their URLs never leave this room."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from hived.clients.outgoing.kinds import kind_of, masked
from hived.errors import BadRequest, Conflict, NotFound, Severity
from hived.records.access import By
from hived.records.alerts import SEVERITIES, Channel
from hived.records.outgoing import Answered, Message
from hived.runtime.named_urls import NamedUrl
from hived.services.alerts.outgoing import Outgoing
from hived.store import Database, Store, audit
from hived.store.alerts import channels

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


def every(db: Database, configured: Sequence[NamedUrl]) -> list[Channel]:
    """Return all channels by name, with their URLs. A row of a configured one only says what goes there."""
    rows = {row.name: row for row in channels.listing(db)}
    for name, url in configured:
        rows[name] = replace(rows.get(name, Channel(name)), url=url, configured=True)
    return sorted(rows.values(), key=lambda channel: channel.name)


def listing(db: Database, configured: Sequence[NamedUrl]) -> list[Channel]:
    """Return all channels by name, as they may be shown: of a URL its kind and its server."""
    return [replace(one, url=None if one.url is None else masked(one.url)) for one in every(db, configured)]


def one(db: Database, configured: Sequence[NamedUrl], name: str) -> Channel:
    """Return a channel with its URL; NotFound."""
    for channel in every(db, configured):
        if channel.name == name:
            return channel
    raise NotFound(f"there is no channel {name[:40]!r}")


async def add(store: Store, outgoing: Outgoing, name: str, url: str, by: By, least: Severity = "warn") -> Channel:
    """Add a channel and return it as it may be shown. BadRequest says what is wrong with it, Conflict that it is there.

    Nothing is sent: `test` does.
    """
    if not NAME.fullmatch(name):
        raise BadRequest("the name of a channel has small letters, digits, - and _, at most 32")
    _require_severity(least)
    kind_of(url)
    answered = await outgoing.sender.check(url)
    if not answered.ok:
        raise BadRequest(answered.said)
    await store.write(_add, outgoing.channels, Channel(name, url, least, created_at=by["at"], by=by["who"]), by)
    return replace(await store.read(one, outgoing.channels, name), url=masked(url))


def _add(db: Database, configured: Sequence[NamedUrl], channel: Channel, by: By) -> None:
    if any(there.name == channel.name for there in every(db, configured)):
        raise Conflict(f"there is a channel {channel.name} already")
    channels.put(db, channel)
    after = {"url": masked(channel.url or ""), "least": channel.least}
    audit.note(db, **by, action="channel.add", target=channel.name, after=after)


def change(
    db: Database, configured: Sequence[NamedUrl], name: str, by: By,
    least: Severity | None = None, enabled: bool | None = None,
) -> Channel:  # fmt: skip
    """Change what goes to a channel, also to one of the configuration; return it as it may be shown. NotFound."""
    before = one(db, configured, name)
    _require_severity(least or before.least)
    wanted = before.enabled if enabled is None else enabled
    after = replace(before, least=least or before.least, enabled=wanted)
    if after != before:
        stored = replace(after, url=None) if after.configured else after
        if not before.created_at:
            stored = replace(stored, created_at=by["at"], by=by["who"])
        channels.put(db, stored)
        audit.note(
            db, **by, action="channel.change", target=name, before={"least": before.least, "enabled": before.enabled},
            after={"least": after.least, "enabled": after.enabled},
        )  # fmt: skip
    return next(channel for channel in listing(db, configured) if channel.name == name)


def remove(db: Database, configured: Sequence[NamedUrl], name: str, by: By) -> None:
    """Forget a channel. NotFound; Conflict for one of the configuration: only its file can."""
    if one(db, configured, name).configured:
        raise Conflict(f"the channel {name} is one of the configuration (alerts.channels): take it away there")
    channels.remove(db, name)
    audit.note(db, **by, action="channel.remove", target=name)


async def test(store: Store, outgoing: Outgoing, name: str, by: By, node_name: str) -> Answered:
    """Send a message to a channel now and return what was answered. NotFound; Transient: no process to send with."""
    channel = await store.read(one, outgoing.channels, name)
    words = f"This is what a message of {node_name} looks like. {by['who']} asked for it, and nothing is wrong."
    answered = await send(store, outgoing, channel, Message(f"Test from {node_name}", words))
    after = {"ok": answered.ok, "status": answered.status}
    await store.write(audit.note, **by, action="channel.test", target=name, after=after)
    return answered


async def send(store: Store, outgoing: Outgoing, channel: Channel, message: Message) -> Answered:
    """Send a message to a channel now. Transient: no process to send with, or the database is busy."""
    if channel.url is None:
        return Answered(False, None, "its URL is not in the configuration any more, or cannot be opened with this key")
    places = await outgoing.egress(store, configured=channel.configured)
    return await outgoing.sender.notify(channel.url, message, places, configured=channel.configured)


def _require_severity(least: str) -> None:
    if least not in SEVERITIES:
        raise BadRequest(f"a severity is one of {', '.join(SEVERITIES)}")
