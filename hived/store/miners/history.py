"""How history ages: raw statuses become 5-minute and hourly rollups, chips are thinned, the oldest goes.

All work comes in slices of bounded size, each a transaction of its own, so that polling never waits for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import peewee as pw

from hived.records import measures
from hived.records.bounds import EVENTS
from hived.records.measures import MAX, MEAN, MIN
from hived.records.miner import HASHING_STATES
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import (
    Chips,
    Counter,
    Event,
    Fleet1h,
    Fleet5m,
    Health,
    Miner,
    Rollup,
    Rollup1h,
    Rollup5m,
    Status,
)

FIVE_MINUTES_S = 300.0
HOUR_S = 3600.0
CHIP_SLOT_S = 1800.0
SETTLE_S = 120.0
"""A stretch is summed up this long after its end: by then all its results are written."""

_SUMMED_UP = {Status: "rolled_300", Rollup5m: "rolled_3600"}
"""The mark up to which each table has been summed up into the next one."""

_SURE = "sure_of_the_time"
AHEAD_S = HOUR_S
"""A mark that is farther ahead was set under a wrong clock."""

MAX_EVENTS = 500_000  # about 100 MB; the oldest leave first


def roll_up(db: Database, width_s: float, now: float, *, most: int = 12) -> int:
    """Sum up to `most` ended stretches of 300 s or 3,600 s that are not summed up yet; return how many it did.

    A stretch without a status leaves no row: a gap stays a gap.
    """
    mark = f"rolled_{width_s:g}"
    done_until = _mark(db, mark)
    if done_until is None:
        first = _oldest(db, Status if width_s == FIVE_MINUTES_S else Rollup5m)
        if first is None:
            return 0
        done_until = first // width_s * width_s
    count = 0
    # The clock may have been set back: then there is nothing to do until it is there again.
    while count < most and done_until + width_s + SETTLE_S <= now:
        if width_s == FIVE_MINUTES_S:
            _five_minutes(db, done_until)
        else:
            _hour(db, done_until)
        done_until += width_s
        count += 1
        nothing_for_days = count == most and done_until < now - 100 * width_s
        if nothing_for_days:
            done_until = _skip_gap(db, width_s, done_until)
    if count:
        _set_mark(db, mark, done_until)
    return count


def _five_minutes(db: Database, start: float) -> None:
    hashing = pw.fn.SUM(pw.Case(None, [(Status.state.in_(tuple(HASHING_STATES)), 1)], 0))
    sums = [
        {MIN: pw.fn.MIN, MEAN: pw.fn.AVG, MAX: pw.fn.MAX}[rolled.how](getattr(Status, rolled.measure.name))
        for rolled in measures.ROLLED
    ]
    query = (
        Status.select(pw.Value(start), Status.num, pw.fn.COUNT(Status.num), hashing, *sums)
        .where(Status.at >= start, Status.at < start + FIVE_MINUTES_S, Status.num.not_in(_remote()))
        .group_by(Status.num)
    )
    Rollup5m.insert_from(query, _columns(Rollup5m)).on_conflict_ignore().execute(db)


def _hour(db: Database, start: float) -> None:
    of = (Rollup5m.at >= start) & (Rollup5m.at < start + HOUR_S) & Rollup5m.num.not_in(_remote())
    Rollup1h.insert_from(_hour_of(start, of), _columns(Rollup1h)).on_conflict_ignore().execute(db)


def remake_hour(db: Database, start: float, nums: Sequence[int], *, replace: bool = False) -> None:
    """Make an hour of some miners anew from its stretches: other nodes send these late and in pieces.

    `replace`: also from fewer statuses than it was made from. Else it stays then: of an old hour some stretches may be
    gone by now.
    """
    stretches = [start + FIVE_MINUTES_S * i for i in range(int(HOUR_S / FIVE_MINUTES_S))]
    columns = _columns(Rollup1h)
    change = {
        column: getattr(pw.EXCLUDED, column.column_name) for column in columns if column.name not in ("at", "num")
    }
    query = _hour_of(start, Rollup5m.at.in_(stretches) & Rollup5m.num.in_(nums))
    Rollup1h.insert_from(query, columns).on_conflict(
        conflict_target=[Rollup1h.at, Rollup1h.num], update=change,
        where=None if replace else pw.EXCLUDED.n >= Rollup1h.n,
    ).execute(db)  # fmt: skip


def _remote() -> Any:
    """The miners of other nodes: a master holds one status of each, and finished rollups."""
    return Miner.select(Miner.num).where(Miner.remote)


def _hour_of(start: float, of: Any) -> Any:
    fn, small = pw.fn, Rollup5m

    def weighted(column: Any) -> Any:
        """The mean of means: each counts as often as it has statuses; a silent stretch does not count."""
        weight = pw.Case(None, [(column.is_null(), None)], small.n)
        return fn.SUM(column * small.n) / fn.NULLIF(fn.SUM(weight), 0)

    sums = [
        {MIN: fn.MIN, MEAN: weighted, MAX: fn.MAX}[rolled.how](getattr(small, rolled.column))
        for rolled in measures.ROLLED
    ]
    query = small.select(pw.Value(start), small.num, fn.SUM(small.n), fn.SUM(small.hashing_n), *sums)
    return query.where(of).group_by(small.num)


def rollups(db: Database, num: int, *, since: float, width_s: float, limit: int = 5_000) -> list[dict[str, Any]]:
    """Return a miner's rollups of 300 s or 3,600 s from `since` on, oldest first, as rows by column name."""
    table = Rollup5m if width_s == FIVE_MINUTES_S else Rollup1h
    query = table.select().where(table.at >= since, table.num == num).order_by(table.at).limit(limit)
    return dicts(query, db)


def prune(db: Database, table: Any, before: float, *, slice_s: float = HOUR_S) -> bool:
    """Delete what is older than `before`, at most `slice_s` of it; return whether more is left to delete.

    What is not summed up yet stays, and so does each miner's latest status, however old: it is all that is known.
    """
    if table in _SUMMED_UP:
        before = min(before, _mark(db, _SUMMED_UP[table]) or -math.inf)
    oldest = _end(db, table, table.at)
    if oldest is None or oldest >= before:
        return False
    until = min(before, oldest + slice_s)
    return _delete_before(db, table, until) > 0 and until < before


def _delete_before(db: Database, table: Any, until: float, node_id: str | None = None) -> int:
    return int(table.delete().where(table.at < until, _may_go(table, node_id)).execute(db))


def _may_go(table: Any, node_id: str | None = None) -> Any:
    """Of a miner that left long ago the latest row stays: it must not be taken for where the history begins."""
    if node_id is not None and table in (Fleet5m, Fleet1h):
        return table.node_id == node_id
    if node_id is not None:
        return table.num.in_(Miner.select(Miner.num).where(Miner.remote, Miner.node_id == node_id))
    if table not in (Status, Chips):
        return pw.SQL("1 = 1")
    head = Health.status_at if table is Status else Health.chips_at
    return ~pw.fn.EXISTS(Health.select(Health.num).where(head == table.at, Health.num == table.num))


def _end(db: Database, table: Any, order: Any, node_id: str | None = None) -> float | None:
    """Return the first time in an order of what may go; None when there is nothing."""
    rows = tuples(table.select(table.at).where(_may_go(table, node_id)).order_by(order).limit(1), db)
    return float(rows[0][0]) if rows else None


def thin_chips(db: Database, before: float) -> bool:
    """Leave one chip record for each miner and half hour of what is older than `before`; return whether to go on."""
    start = _mark(db, "thinned_chips")
    if start is None:
        oldest = _oldest(db, Chips)
        if oldest is None:
            return False
        start = oldest // CHIP_SLOT_S * CHIP_SLOT_S
    if start + CHIP_SLOT_S > before:
        return False
    end = start + CHIP_SLOT_S
    first = Chips.select(Chips.num, pw.fn.MIN(Chips.at)).where(Chips.at >= start, Chips.at < end).group_by(Chips.num)
    keep = dict(tuples(first, db))
    for (at,) in tuples(Chips.select(Chips.at).where(Chips.at >= start, Chips.at < end).distinct(), db):
        kept = [num for num, kept_at in keep.items() if kept_at == at]
        Chips.delete().where(Chips.at == at, Chips.num.not_in(kept)).execute(db)
    following = tuples(Chips.select(Chips.at).where(Chips.at >= end).order_by(Chips.at).limit(1), db)
    _set_mark(db, "thinned_chips", max(end, following[0][0] // CHIP_SLOT_S * CHIP_SLOT_S if following else end))
    return bool(following)


def drop_oldest(db: Database, now: float | None = None, *, share: float = 0.05, node_id: str | None = None) -> bool:
    """Delete the oldest twentieth of the raw history, or of the sums when no raw is left; False: nothing left.

    `now`: what a clock that was ahead put after it does not count: else a twentieth of a year would be all there is.
    `node_id`: only of what this node told.
    """
    tiers = (
        ((Rollup5m,), (Rollup1h,))
        if node_id is not None
        else ((Status, Chips), (Rollup5m, Fleet5m), (Rollup1h, Fleet1h))
    )
    for tables in tiers:
        spans = [(t, _end(db, t, t.at, node_id), _end(db, t, t.at.desc(), node_id)) for t in tables]
        known = [(t, old, new) for t, old, new in spans if old is not None and new is not None and new > old]
        if not known:
            continue
        oldest = min(old for _, old, _ in known)
        newest = max(new for _, _, new in known)
        if now is not None and now > oldest:
            newest = min(newest, now)
        until = oldest + max((newest - oldest) * share, 60.0)
        for table, _, _ in known:
            _delete_before(db, table, until, node_id)
        return True
    return False


def prune_events(db: Database) -> None:
    """Keep the newest MAX_EVENTS events, and of one node no more than are kept of it."""
    counted = Event.select(Event.node_id, pw.fn.COUNT(Event.id)).where(Event.node_id.is_null(False))
    for node_id, count in tuples(counted.group_by(Event.node_id), db):
        if count > EVENTS:
            told = Event.select(Event.id).where(Event.node_id == node_id).order_by(Event.id.desc())
            ((oldest,),) = tuples(told.offset(EVENTS - 1).limit(1), db)
            Event.delete().where(Event.node_id == node_id, Event.id < oldest).execute(db)
    newest = tuples(Event.select(Event.id).order_by(Event.id.desc()).limit(1), db)
    if newest:
        Event.delete().where(Event.id <= newest[0][0] - MAX_EVENTS).execute(db)


def sure_until(db: Database) -> float | None:
    """Return when this box was last sure of the time; None: never."""
    return _mark(db, _SURE)


def be_sure(db: Database, now: float) -> None:
    """Note that the time is right. Marks that a clock set while it was ahead come back, else no hour would be summed up
    until it is there again."""
    for name, width_s in (*((f"rolled_{w:g}", w) for w in (FIVE_MINUTES_S, HOUR_S)), ("thinned_chips", CHIP_SLOT_S)):
        mark = _mark(db, name)
        if mark is not None and mark > now + AHEAD_S:
            _set_mark(db, name, (now - width_s) // width_s * width_s)
    _set_mark(db, _SURE, now)


def _columns(table: type[Rollup]) -> list[Any]:
    return list(table._meta.sorted_fields)  # noqa: SLF001 - peewee's documented metadata


def _oldest(db: Database, table: Any) -> float | None:
    rows = tuples(table.select(table.at).order_by(table.at).limit(1), db)
    return float(rows[0][0]) if rows else None


def _skip_gap(db: Database, width_s: float, start: float) -> float:
    """Go on where the next row is: a node that was off for a year must not sum up a year of nothing."""
    table = Status if width_s == FIVE_MINUTES_S else Rollup5m
    rows = tuples(table.select(table.at).where(table.at >= start).order_by(table.at).limit(1), db)
    return max(start, float(rows[0][0]) // width_s * width_s) if rows else start


def _mark(db: Database, name: str) -> float | None:
    rows = tuples(Counter.select(Counter.value).where(Counter.name == name), db)
    return float(rows[0][0]) if rows else None


def _set_mark(db: Database, name: str, value: float) -> None:
    Counter.insert(name=name, value=int(value)).on_conflict(
        conflict_target=[Counter.name], update={Counter.value: int(value)}
    ).execute(db)
