"""What the engine asks of the other rows: whom an order keeps busy, who comes and goes, what happened since."""

from __future__ import annotations

from dataclasses import dataclass

from peewee import fn

from hived.records.events import Event
from hived.records.node import DEAD, NODE
from hived.records.steering import VERBS
from hived.records.uplink import WITH_MASTER
from hived.store import daemon_rows, events
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Event as EventRow
from hived.store.schema import MinerOrder, Node, OrderTarget, Uplink

SETTLE_S = 600.0
"""So long after an order a miner may still be on its way."""
MAX_EVENTS = 2000
_DONE = ("confirmed", "unconfirmed")
_POWER = tuple(name for name, verb in VERBS.items() if verb.power != "none")
_SILENT = tuple(name for name, verb in VERBS.items() if verb.silent)
_POINTER, _FIRST = "alerts_event", "alerts_since"


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node of the fleet as alerts look at it."""

    node_id: str
    name: str
    is_dead: bool
    contact_at: float | None
    skew_s: float | None
    health: str
    """JSON, as the node told it."""
    is_full: bool


@dataclass(frozen=True, slots=True)
class Ordered:
    """The numbers of the miners that orders are at work on."""

    changed: frozenset[int]
    """It was changed just now, or is being changed: what it gives says nothing yet."""
    silent: frozenset[int]
    """It may be off the network, since it was asked for something that can cause that and has not shown it yet."""


def ordered(db: Database, at: float) -> Ordered:
    """Return which miners an order excuses, and from what.

    hive-controld gives up on a miner when its family's patience is over; without hive-controld it is excused no longer
    than one that was changed.
    """
    query = (
        OrderTarget.select(OrderTarget.num, OrderTarget.state, MinerOrder.verb, OrderTarget.at)
        .join(MinerOrder, on=(MinerOrder.id == OrderTarget.order))
        .where(MinerOrder.verb.in_(_POWER))
        .where((OrderTarget.state == "running") | (OrderTarget.state.in_(_DONE) & (OrderTarget.at > at - SETTLE_S)))
    )
    found = tuples(query, db)
    silent = (
        num for num, state, verb, asked_at in found
        if state == "running" and verb in _SILENT and asked_at > at - SETTLE_S
    )  # fmt: skip
    return Ordered(frozenset(int(num) for num, *_ in found), frozenset(map(int, silent)))


def unsteady(db: Database, since: float) -> dict[int, int]:
    """Return how often each miner was lost or rebooted since a time."""
    query = (
        EventRow.select(EventRow.num, fn.COUNT(EventRow.id))
        .where(EventRow.at > since, EventRow.num.is_null(False), EventRow.kind.in_(("miner_offline", "reboot")))
        .group_by(EventRow.num)
    )
    return {int(num): int(count) for num, count in tuples(query, db)}


def news(db: Database) -> tuple[list[Event], int]:
    """Return what happened since the last round, oldest first, and the number of the newest: see `seen`."""
    last = daemon_rows.noted(db, _POINTER)
    if last is None:  # what was before the first round is history
        newest = EventRow.select(fn.MAX(EventRow.id)).bind(db).scalar()
        return [], int(newest or 0)
    found = events.newest(db, limit=MAX_EVENTS, after=int(last))[::-1]
    return found, int(found[-1].id or last) if found else int(last)


def seen(db: Database, event_id: int) -> None:
    """Remember how far the events were looked at."""
    if daemon_rows.noted(db, _POINTER) != event_id:
        daemon_rows.note(db, _POINTER, event_id)


def first_round(db: Database) -> float | None:
    """Return when the engine ran for the first time on this database."""
    return daemon_rows.noted(db, _FIRST)


def begin(db: Database, at: float) -> None:
    """Remember when the engine ran for the first time."""
    if daemon_rows.first_time(db, _FIRST):
        daemon_rows.note(db, _FIRST, at)


@dataclass(frozen=True, slots=True)
class Master:
    """The master of this node: when it was last heard of, how far its clock is ahead."""

    name: str
    ok_at: float | None
    skew_s: float | None
    url: str | None


def master(db: Database) -> Master | None:
    """Return this node's master; None for a box without one."""
    columns = (Uplink.state, Uplink.master_name, Uplink.ok_at, Uplink.since, Uplink.skew_s, Uplink.url)
    for state, name, ok_at, since, skew_s, url in tuples(Uplink.select(*columns), db):
        if state in WITH_MASTER:
            return Master(name or "the master", ok_at if ok_at is not None else since, skew_s, url)
    return None


def nodes(db: Database) -> list[NodeRow]:
    """Return the nodes that were in contact once."""
    query = Node.select(Node.id, Node.name, Node.state, Node.contact_at, Node.skew_s, Node.health, Node.full)
    return [
        NodeRow(
            row["id"], row["name"], row["state"] == DEAD, row["contact_at"], row["skew_s"], row["health"],
            row["full"] != "{}",
        )
        for row in dicts(query.where(Node.role == NODE, Node.contact_at.is_null(False), Node.status == "approved"), db)
    ]  # fmt: skip
