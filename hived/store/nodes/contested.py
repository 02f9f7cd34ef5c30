"""Miners that the master has from another node: what it does not take of them waits here until it does.

The rows themselves stay where they are; kept is only from where on they are to be sent again. The miner is told of anew
from time to time, as all state is, and once the master takes it from this node, what waited follows once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import peewee as pw

from hived.records.streams import EVENTS, STATUS, Item, rollup_key
from hived.store.engine.database import Database, tuples
from hived.store.schema import Contested, Miner
from hived.store.schema import Event as EventRow

AGAIN_S = 7 * 86_400.0
"""What is sent again at most: two nodes that see the same miners for good must not send a year twice."""


def note(db: Database, stream: str, refused: Sequence[Item]) -> None:
    """Keep from where on the master lacks what this node knows of these miners."""
    first: dict[int, float] = {}
    for num, number in _places(db, stream, refused):
        first[num] = min(number, first.get(num, number))
    if not first:
        return
    column = {STATUS: "rollup_at", EVENTS: "event_id"}.get(stream)
    known = {num for (num,) in tuples(Miner.select(Miner.num).where(Miner.num.in_(list(first))), db)}
    rows = [{"num": num} | ({column: first[num]} if column else {}) for num in sorted(known)]
    statement = Contested.insert_many(rows)
    if column is None:
        statement = statement.on_conflict_ignore()
    else:
        held, told = getattr(Contested, column), getattr(pw.EXCLUDED, column)
        statement = statement.on_conflict(
            conflict_target=[Contested.num], update={held: told}, where=held.is_null() | (held > told)
        )
    if rows:
        statement.execute(db)


def _places(db: Database, stream: str, refused: Sequence[Item]) -> list[tuple[int, float]]:
    if stream == STATUS:
        return [(num, at) for at, num in (rollup_key(item.seq) for item in refused)]
    if stream == EVENTS:
        told = EventRow.select(EventRow.num, EventRow.id)
        return tuples(told.where(EventRow.id.in_([item.seq for item in refused]), EventRow.num.is_null(False)), db)
    return tuples(Miner.select(Miner.num, Miner.num).where(Miner.mac.in_([item.what for item in refused])), db)


def settle(db: Database, macs: Iterable[str]) -> None:
    """Note that the master takes these miners from this node."""
    nums = Miner.select(Miner.num).where(Miner.mac.in_(list(macs)))
    Contested.update(settled=True).where(Contested.num.in_(nums), ~Contested.settled).execute(db)


def waiting(db: Database) -> list[int]:
    """Return the miners that this node sees and the master has from another one."""
    query = Contested.select(Contested.num).join(Miner, on=(Miner.num == Contested.num))
    return [num for (num,) in tuples(query.where(~Contested.settled, Miner.online, ~Miner.remote), db)]


def macs(db: Database) -> list[str]:
    """Return the MACs of the same, for people."""
    query = Miner.select(Miner.mac).where(Miner.num.in_(waiting(db)))
    return [mac for (mac,) in tuples(query.order_by(Miner.mac), db)]


def settled(db: Database) -> list[tuple[int, float | None, int | None]]:
    """Return the miners of which more can follow now, each with its first rollup and event that the master lacks."""
    query = Contested.select(Contested.num, Contested.rollup_at, Contested.event_id).where(Contested.settled)
    return [(int(num), at, event) for num, at, event in tuples(query, db)]


def done(db: Database, num: int) -> None:
    """Forget that a miner was another node's."""
    Contested.delete().where(Contested.num == num).execute(db)


def count(db: Database) -> int:
    """Return how many miners the master has from another node."""
    return int(Contested.select(Contested.num).bind(db).count())


def forget(db: Database) -> None:
    """Forget all: another master, or everything is sent anew."""
    Contested.delete().execute(db)
