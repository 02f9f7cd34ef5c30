"""How the miners of other nodes are and were: one status row for each, rollups, and the hours made from them.

The latest status is state: the newest counts and the one before goes. It is the one place where a node's clock is put
right: its age is what tells a silent miner from a working one, so a node that is more than SKEW_S ahead or behind has
its difference taken off. Rollups keep the times that the node gave them, for these times are their keys: shifted by a
difference that is measured anew each time, a repeat would be another row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any

import peewee as pw

from hived.records import measures
from hived.records.ingest import Rejected, SentLatest, SentRollup
from hived.records.streams import NOT_ITS_TIME, OTHER_OWNER, ROLLUP_S, UNKNOWN_MINER
from hived.store.engine import bulk
from hived.store.engine.counters import next_rev
from hived.store.engine.database import Database, tuples
from hived.store.miners import history, ownership, readings
from hived.store.schema import Health, Miner, Node, Rollup5m, Status

SKEW_S = 5.0  # what a request may take on a bad line; a difference below says nothing about the clock


def take_rollups(db: Database, node_id: str, items: Sequence[SentRollup]) -> list[Rejected]:
    """Store 5-minute rollups of the times in which their miners were this node's; return what is not taken.

    Within such a time a node may correct what is there with a rollup over more statuses. Where it had the miner last
    before another one, its word replaces that one's; where it had it next, it only fills gaps. So it does where the
    miner is the master's own by now, and only up to when the master found it.
    """
    owners = owners_of(db, {one.mac for one in items})
    had = ownership.stretches(db, node_id, (num for num, _ in owners.values()))
    rows: dict[_Way, dict[tuple[float, int], tuple[Any, ...]]] = {way: {} for way in _Way}
    rejected = []
    for one in items:
        if one.mac not in owners:
            rejected.append(Rejected(one.seq, UNKNOWN_MINER))
            continue
        num, owner = owners[one.mac]
        way = _way(ownership.covering(had.get(num, ()), one.at), one.at, is_own=owner is None)
        if way is None:
            rejected.append(Rejected(one.seq, NOT_ITS_TIME if owner == node_id else OTHER_OWNER))
        else:
            rows[way][(one.at, num)] = (one.at, num, *one.values)
    for way, of in rows.items():
        if of:
            _put_rollups(db, way, of)
    return rejected


class _Way(Enum):
    FILL = "fill"
    CORRECT = "correct"
    REPLACE = "replace"


def _way(stretch: ownership.Stretch | None, at: float, *, is_own: bool) -> _Way | None:
    if stretch is None:
        return None
    if is_own:
        return _Way.FILL if stretch.until is not None and at + ROLLUP_S <= stretch.until else None
    if stretch.is_last_word(at):
        return _Way.REPLACE
    return _Way.CORRECT if stretch.may_correct(at) else _Way.FILL


def _put_rollups(db: Database, way: _Way, rows: dict[tuple[float, int], tuple[Any, ...]]) -> None:
    values = [getattr(Rollup5m, name) for name in measures.ROLLUP]
    fields = [Rollup5m.at, Rollup5m.num, *values]
    new = pw.EXCLUDED
    ordered = [rows[key] for key in sorted(rows)]
    statement = Rollup5m.insert_many(ordered[:1], fields=fields)
    if way is _Way.FILL:
        statement = statement.on_conflict_ignore()
    else:
        change = {column: getattr(new, column.name) for column in values}
        more = (new.n > Rollup5m.n) if way is _Way.CORRECT else None
        statement = statement.on_conflict(conflict_target=[Rollup5m.at, Rollup5m.num], update=change, where=more)
    bulk.upsert(db, statement, len(fields), ordered)
    hours: dict[float, set[int]] = defaultdict(set)
    for at, num in rows:
        hours[at // history.HOUR_S * history.HOUR_S].add(num)
    for start in sorted(hours):
        history.remake_hour(db, start, sorted(hours[start]), replace=way is _Way.REPLACE)


def take_latest(db: Database, node_id: str, items: Sequence[SentLatest], now: float) -> None:
    """Let the latest status of a node's miners replace the one before; what others say of them is ignored."""
    newest = {one.mac: one for one in items}
    if not newest:
        return
    rev = next_rev(db)
    owners = owners_of(db, newest)
    skew = _skew(db, node_id)
    told = {owners[mac][0]: one for mac, one in newest.items() if mac in owners and owners[mac][1] == node_id}
    if not told:
        return
    nums = sorted(told)
    old = [at for (at,) in tuples(Health.select(Health.status_at).where(Health.num.in_(nums)), db) if at is not None]
    rows = [_health(num, told[num], rev, skew) for num in nums]
    accepted = _replace(db, rows, now)
    statuses = [
        (num, replace(one.status, num=num, at=_right(one.status.at, skew)))
        for num, one in sorted(told.items())
        if num in accepted and one.status is not None
    ]
    if old and accepted:
        # A remote miner has one row, so a time of another one's meets nothing of it.
        Status.delete().where(Status.at.in_(sorted(set(old))), Status.num.in_(sorted(accepted))).execute(db)
    if statuses:
        readings.put_latest(db, [status for _, status in statuses])


def _replace(db: Database, rows: list[dict[str, Any]], now: float) -> set[int]:
    """Store how polling goes where it is newer, and return whose was. A time ahead of us holds nothing up."""
    new = pw.EXCLUDED

    def later(column: Any, told: Any) -> Any:
        return (pw.fn.COALESCE(told, 0.0) > pw.fn.COALESCE(column, 0.0)) | (column > now + SKEW_S)

    newer = (
        later(Health.status_at, new.status_at) | later(Health.seen_at, new.seen_at)
        | later(Health.last_error_at, new.last_error_at) | (new.error_count > Health.error_count)
    )  # fmt: skip
    change = {getattr(Health, name): getattr(new, name) for name in rows[0] if name != "num"}
    statement = Health.insert_many(rows).on_conflict(
        conflict_target=[Health.num], update=change,
        where=newer & (pw.fn.COALESCE(new.status_at, 0.0) >= pw.fn.COALESCE(Health.status_at, 0.0))
        | (Health.status_at > now + SKEW_S),
    )  # fmt: skip
    return {int(num) for (num,) in statement.returning(Health.num).tuples().execute(db)}


def _health(num: int, one: SentLatest, rev: int, skew: float) -> dict[str, Any]:
    return {
        "num": num, "state": one.state, "preset": one.preset, "failures": one.failures, "last_error": one.last_error,
        "last_error_code": one.last_error_code,
        "error_count": one.error_count, "rev": rev, "seen_at": _right(one.seen_at, skew),
        "last_error_at": _right(one.last_error_at, skew),
        "status_at": _right(one.status.at, skew) if one.status else None,
    }  # fmt: skip


def _right(at: Any, skew: float) -> Any:
    return None if at is None else at - skew


def _skew(db: Database, node_id: str) -> float:
    skew = Node.select(Node.skew_s).where(Node.id == node_id).bind(db).scalar()
    return float(skew) if skew is not None and abs(skew) > SKEW_S else 0.0


def owners_of(db: Database, macs: Iterable[str]) -> dict[str, tuple[int, str | None]]:
    """Return {mac: (number, the node that has it now)}; our own miners belong to nobody who sends."""
    wanted = sorted(macs)
    if not wanted:
        return {}
    query = Miner.select(Miner.mac, Miner.num, Miner.node_id, Miner.remote).where(Miner.mac.in_(wanted))
    return {mac: (num, node_id if remote else None) for mac, num, node_id, remote in tuples(query, db)}
