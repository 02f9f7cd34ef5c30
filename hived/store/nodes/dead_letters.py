"""Rows that the master does not take: set aside with the reason, listed, sent again or given up by a person."""

from __future__ import annotations

from collections.abc import Iterable

import peewee as pw

from hived.records.bubbles import KINDS
from hived.records.streams import EVENTS, MINERS, STATUS, Item
from hived.records.uplink import DeadLetter
from hived.store.engine.counters import next_number
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Contribution, Miner
from hived.store.schema import DeadLetter as Row
from hived.store.schema import Event as EventRow


def set_aside(db: Database, stream: str, refused: Iterable[tuple[Item, str]], at: float) -> None:
    """Keep items that the master does not take, with the reasons."""
    for item, reason in refused:
        Row.insert(stream=stream, seq=item.seq, what=item.what[:200], reason=reason[:500], at=at).on_conflict(
            conflict_target=[Row.stream, Row.seq], update={"reason": reason[:500], "at": at, "dropped_at": None}
        ).execute(db)


def numbers(db: Database, stream: str) -> set[int]:
    """Return the numbers that are not sent, those that were given up included."""
    return {seq for (seq,) in tuples(Row.select(Row.seq).where(Row.stream == stream), db)}


def counts(db: Database) -> dict[str, int]:
    """Return how many of each stream wait for a person."""
    waiting = Row.select(Row.stream, pw.fn.COUNT(Row.seq)).where(Row.dropped_at.is_null())
    return dict(tuples(waiting.group_by(Row.stream), db))


def rows(db: Database, *, limit: int = 1000) -> list[DeadLetter]:
    """Return what waits for a person, oldest first."""
    query = Row.select().where(Row.dropped_at.is_null()).order_by(Row.at, Row.stream, Row.seq).limit(limit)
    return [DeadLetter(row["stream"], row["seq"], row["what"], row["reason"], row["at"]) for row in dicts(query, db)]


def drop(db: Database, at: float, stream: str | None = None, seq: int | None = None) -> int:
    """Give up all, those of a stream, or one; return how many. The rows stay here, the master never gets them."""
    return int(Row.update(dropped_at=at).where(Row.dropped_at.is_null(), *_those(stream, seq)).execute(db))


def retry(
    db: Database, *, node_id: str, held: dict[str, int], stream: str | None = None, seq: int | None = None
) -> tuple[int, int]:
    """Send again: all, those of a stream, or one; return how many, and how many cannot be.

    What the master has passed over already gets a new number. A summary's number is its time: it stays behind.
    """
    sent = stuck = 0
    for name, number in tuples(
        Row.select(Row.stream, Row.seq).where(Row.dropped_at.is_null(), *_those(stream, seq)), db
    ):
        if number <= held.get(name, 0):
            if name == STATUS:
                stuck += 1
                continue
            _renumber(db, name, number, node_id)
        Row.delete().where(Row.stream == name, Row.seq == number).execute(db)
        sent += 1
    return sent, stuck


def forget(db: Database) -> None:
    """Forget all: everything is sent anew."""
    Row.delete().execute(db)


def _those(stream: str | None, seq: int | None) -> list[pw.Expression]:
    found = [] if stream is None else [Row.stream == stream]
    return found if seq is None else [*found, Row.seq == seq]


def _renumber(db: Database, stream: str, seq: int, node_id: str) -> None:
    if stream in KINDS:
        mine = (Contribution.node_id == node_id) & (Contribution.kind == KINDS[stream])
        Contribution.update(seq=next_number(db, stream)).where(mine, Contribution.seq == seq).execute(db)
    elif stream == MINERS:
        Miner.update(seq=next_number(db, "miners")).where(Miner.seq == seq, ~Miner.remote).execute(db)
    elif stream == EVENTS:
        row = (EventRow.at, EventRow.num, EventRow.kind, EventRow.detail)
        EventRow.insert_from(EventRow.select(*row).where(EventRow.id == seq), row).execute(db)
        EventRow.delete().where(EventRow.id == seq).execute(db)
