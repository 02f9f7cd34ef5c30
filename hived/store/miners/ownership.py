"""Which node had a miner, and when: what a node says of a miner counts for the time in which it was that node's.

A stretch ends when the master hears that somebody else has the miner. The next one begins when the node before last saw
it, so nothing of a move between two sites is lost however late either of them tells; where both speak of the same time,
the one that had the miner first is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hived.records.streams import ROLLUP_S
from hived.store.engine.counters import next_rev
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Health, Miner, Node, Ownership

MOST = 16  # stretches that are remembered of one miner: it is not carried about more often
_CHUNK = 5_000  # values in one statement


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which a node had a miner, as `schema.Ownership`. Whoever has it now has `until` None."""

    since: float
    sure_from: float
    sure_until: float | None
    until: float | None

    def holds(self, at: float) -> bool:
        """Tell whether it covers a moment, or some of the five minutes from there on."""
        return at + ROLLUP_S > self.since and (self.until is None or at < self.until)

    def may_correct(self, at: float) -> bool:
        """Tell whether nobody else has a word about these five minutes, or a lesser one."""
        return at >= self.sure_from

    def is_last_word(self, at: float) -> bool:
        """Tell whether another node may have told of these five minutes, which it only had afterwards."""
        return self.sure_until is not None and at + ROLLUP_S > self.sure_until


def first_told(db: Database, nums: Iterable[int], node_id: str) -> None:
    """Note that a node has miners that nobody had before: all that it knows of them counts."""
    rows = [{"num": num, "node_id": node_id, "since": 0.0, "sure_from": 0.0} for num in nums]
    if rows:
        Ownership.insert_many(rows).execute(db)


def handed_over(db: Database, nums: Sequence[int], node_id: str, now: float) -> None:
    """Note that a node has these miners, whose rows are locked: the stretches of others end."""
    seen = dict(tuples(Health.select(Health.num, Health.seen_at).where(Health.num.in_(nums)), db))
    others = tuples(
        Ownership.select(Ownership.num).where(
            Ownership.num.in_(nums), Ownership.until.is_null(), Ownership.node_id != node_id
        ),
        db,
    )
    for (num,) in others:
        last = min(seen.get(num) or now, now)
        _end(db, Ownership.num == num, sure_until=last, until=now)
        Ownership.insert(num=num, node_id=node_id, since=last, sure_from=now).execute(db)
        old = Ownership.select(Ownership.id).where(Ownership.num == num).order_by(Ownership.id.desc()).offset(MOST)
        Ownership.delete().where(Ownership.id.in_([one for (one,) in tuples(old.limit(MOST), db)])).execute(db)


def ours(db: Database, nums: Sequence[int], now: float) -> None:
    """Note that the master itself watches these miners: nobody else has them any more."""
    _end(db, Ownership.num.in_(nums), sure_until=None, until=now)


def give_back(db: Database, node_id: str, own_id: str | None) -> list[int]:
    """Let the miners of a node that leaves be those of who had them before; return the others: it brought them."""
    mine = Miner.select(Miner.num).where(Miner.remote, Miner.node_id == node_id)
    brought = {num for (num,) in tuples(mine, db)}
    there = Node.select(Node.id).where(Node.id != node_id)
    before = Ownership.select(Ownership.id, Ownership.num, Ownership.node_id).where(
        Ownership.num.in_(mine), Ownership.node_id.is_null() | Ownership.node_id.in_(there)
    )
    for row, num, heir in tuples(before.order_by(Ownership.id.desc()), db):
        if num not in brought:
            continue
        brought.discard(num)
        _end(db, Ownership.num == num, until=0.0)
        if heir is not None:
            Ownership.update(until=None, sure_until=None).where(Ownership.id == row).execute(db)
        Miner.update(node_id=heir or own_id, remote=heir is not None, online=False, ip=None).where(
            Miner.num == num
        ).execute(db)
        Health.update(rev=next_rev(db)).where(Health.num == num).execute(db)
    return sorted(brought)


def stretches(db: Database, node_id: str, nums: Iterable[int]) -> dict[int, list[Stretch]]:
    """Return when a node had each of some miners."""
    wanted = sorted(set(nums))
    found: dict[int, list[Stretch]] = {}
    for start in range(0, len(wanted), _CHUNK):
        query = Ownership.select().where(
            Ownership.num.in_(wanted[start : start + _CHUNK]), Ownership.node_id == node_id
        )
        for row in dicts(query.order_by(Ownership.id), db):
            stretch = Stretch(row["since"], row["sure_from"], row["sure_until"], row["until"])
            found.setdefault(row["num"], []).append(stretch)
    return found


def covering(stretches: Iterable[Stretch], at: float) -> Stretch | None:
    """Return the newest of these stretches that covers a time."""
    return next((one for one in reversed([*stretches]) if one.holds(at)), None)


def _end(db: Database, which: Any, **fields: float | None) -> None:
    Ownership.update(**fields).where(which, Ownership.until.is_null()).execute(db)
