"""Chips of hashboards over time: one packed row for each board and time."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from hived.errors import HivedError
from hived.records.miner import HashboardChips
from hived.store.engine.database import Database, dicts, tuples
from hived.store.miners import packing
from hived.store.schema import Chips, Health


def save(db: Database, num: int, at: float, boards: Iterable[HashboardChips]) -> None:
    """Store every board that a miner told of at one time; the caller moves `health.chips_at` afterwards."""
    before = Health.select(Health.chips_at).where(Health.num == num).bind(db).scalar()
    rows: list[tuple[Any, ...]] = [(at, num, board.index, before, packing.pack_chips(board)) for board in boards]
    if rows:
        fields = [Chips.at, Chips.num, Chips.board, Chips.before, Chips.body]
        Chips.insert_many(rows, fields=fields).on_conflict_ignore().execute(db)


def newest(db: Database, num: int, *, limit: int) -> list[tuple[float, HashboardChips]]:
    """Return (time, board) pairs, newest time first and boards in order; at most `limit` pairs."""
    found: list[tuple[float, HashboardChips]] = []
    at = Health.select(Health.chips_at).where(Health.num == num).bind(db).scalar()
    while at is not None and len(found) < limit:
        query = Chips.select().where(Chips.at == at, Chips.num == num).order_by(Chips.board)
        rows = dicts(query, db)
        if not rows:
            # Thinned out since: the next older one that was kept is near, or there is none.
            at = kept_before(db, num, at)
            continue
        for row in rows:
            with suppress(HivedError):  # one bad record must not hide the others
                found.append((at, packing.unpack_chips(row["board"], bytes(row["body"]))))
        at = rows[0]["before"]
    return found[:limit]


THINNED_GAP_S = 4 * 3600.0
"""How far back the next kept row is looked for; thinning leaves one every half hour."""


def kept_before(db: Database, num: int, at: float) -> float | None:
    """Return the time of a miner's next older chips that were not thinned out."""
    query = Chips.select(Chips.at).where(Chips.at < at, Chips.at > at - THINNED_GAP_S, Chips.num == num)
    rows = tuples(query.order_by(Chips.at.desc()).limit(1), db)
    return float(rows[0][0]) if rows else None
