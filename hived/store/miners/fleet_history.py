"""What groups of miners gave, should have given and lost, in stretches of five minutes and of an hour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import peewee as pw

from hived.records.bounds import BOUNDS, MODELS
from hived.records.condition import Moment, condition, essence
from hived.records.fleet_history import COLUMNS, FleetSums, figures
from hived.records.ingest import Rejected
from hived.records.miner_view import MinerView
from hived.records.streams import FLEET
from hived.records.totals import Judged, totals_by
from hived.store.engine import bulk
from hived.store.engine.counters import next_number
from hived.store.engine.database import Database, dicts, tuples
from hived.store.miners import views
from hived.store.miners.history import FIVE_MINUTES_S, HOUR_S
from hived.store.schema import Fleet1h, Fleet5m

_FIELDS = [Fleet5m.at, Fleet5m.node_id, Fleet5m.model, Fleet5m.n, *(getattr(Fleet5m, name) for name in COLUMNS)]


GROUP = "group:"
"""What stands before a group's name where other rows name their node: it is summed up on the box that knows it."""


def look(db: Database, moment: Moment, node_id: str) -> None:
    """Take how this node's own miners are now into the means of the present stretch, and close those before it.

    The groups of the operator are summed up beside them, with the miners of other nodes that are in one.
    """
    start = moment.now // FIVE_MINUTES_S * FIVE_MINUTES_S
    _close(db, node_id, before=start)
    own = totals_by(lambda view: view.model_alias or "", _judged(views.own(db), moment))
    groups = totals_by(lambda view: view.rules.group, _judged(views.grouped(db), moment))
    for group in groups:
        _make_hours(db, f"{GROUP}{group}", [start - FIVE_MINUTES_S])
    rows = [(start, node_id, model, 1, *figures(sums).values()) for model, sums in own.items()]
    rows += [(start, f"{GROUP}{group}", "", 1, *figures(sums).values()) for group, sums in groups.items()]
    if not rows:
        return
    new = pw.EXCLUDED
    mean = {}
    for name in COLUMNS:
        held, told = getattr(Fleet5m, name), getattr(new, name)
        mean[held] = pw.fn.COALESCE(held + (told - held) / (Fleet5m.n + 1), told, held)
    statement = Fleet5m.insert_many(rows, fields=_FIELDS).on_conflict(
        conflict_target=[Fleet5m.at, Fleet5m.node_id, Fleet5m.model], update={**mean, Fleet5m.n: Fleet5m.n + 1},
        where=Fleet5m.seq.is_null(),  # a clock that was set back changes nothing that was told
    )  # fmt: skip
    statement.execute(db)


def _judged(found: Iterable[MinerView], moment: Moment) -> Iterator[Judged]:
    return ((essence(view), condition(view, moment)) for view in found)


def take(db: Database, node_id: str, items: Sequence[FleetSums]) -> list[Rejected]:
    """Store what another node told of its miners; return what is of more models than it can have.

    The same once more changes nothing.
    """
    rejected = _too_many(db, node_id, items)
    beyond = {one.seq for one in rejected}
    rows = [(told.at, node_id, told.model, told.n, *told.values) for told in items if told.seq not in beyond]
    if not rows:
        return rejected
    new = pw.EXCLUDED
    change = {column: getattr(new, column.name) for column in _FIELDS[3:]}
    statement = Fleet5m.insert_many(rows[:1], fields=_FIELDS).on_conflict(
        conflict_target=[Fleet5m.at, Fleet5m.node_id, Fleet5m.model], update=change, where=(new.n >= Fleet5m.n)
    )
    unique = {row[:3]: row for row in rows}
    bulk.upsert(db, statement, len(_FIELDS), list(unique.values()))
    _make_hours(db, node_id, {told.at for told in items if told.seq not in beyond})
    return rejected


def _too_many(db: Database, node_id: str, items: Sequence[FleetSums]) -> list[Rejected]:
    bound = BOUNDS[MODELS]
    models: dict[float, set[str]] = {}
    known = Fleet5m.select(Fleet5m.at, Fleet5m.model).where(
        Fleet5m.at.in_(sorted({told.at for told in items})), Fleet5m.node_id == node_id
    )
    for at, model in tuples(known, db) if items else ():
        models.setdefault(at, set()).add(model)
    rejected = []
    for told in items:
        there = models.setdefault(told.at, set())
        if told.model in there or len(there) <= bound.most:  # one more: the miners of no model
            there.add(told.model)
        else:
            rejected.append(Rejected(told.seq, bound.code))
    return rejected


def columns(
    db: Database, *, since: float, until: float, width_s: float, node_id: str | None = None, model: str | None = None
) -> dict[float, dict[str, float | None]]:
    """Return the sums over a site, or one of its nodes, groups or models: {start of a stretch: {column: value}}.

    A group is asked for as `node_id`, with GROUP before its name.
    """
    table = Fleet5m if width_s == FIVE_MINUTES_S else Fleet1h
    query = table.select().where(table.at >= since // width_s * width_s, table.at < until)
    of_group = table.node_id.startswith(GROUP)
    query = query.where(~of_group if node_id is None else table.node_id == node_id)
    if model is not None:
        query = query.where(table.model == model)
    sums: dict[float, dict[str, float | None]] = {}
    for row in dicts(query.order_by(table.at), db):
        of = sums.setdefault(row["at"], dict.fromkeys(COLUMNS))
        for name in COLUMNS:
            if row[name] is not None:
                of[name] = (of[name] or 0.0) + row[name]
    return sums


def _close(db: Database, node_id: str, *, before: float) -> None:
    """Number the stretches that have ended, which sends them to the master, and sum up their hours."""
    open_rows = Fleet5m.select(Fleet5m.at, Fleet5m.model).where(
        Fleet5m.seq.is_null(), Fleet5m.node_id == node_id, Fleet5m.at < before
    )
    ended = tuples(open_rows.order_by(Fleet5m.at, Fleet5m.model), db)
    for at, model in ended:
        number = next_number(db, FLEET)
        Fleet5m.update(seq=number).where(Fleet5m.at == at, Fleet5m.node_id == node_id, Fleet5m.model == model).execute(
            db
        )
    _make_hours(db, node_id, (at for at, _ in ended))


def _make_hours(db: Database, node_id: str, stretches: Iterable[float]) -> None:
    """Sum up the hours of these stretches, each as often as one of its stretches comes in."""
    for start in sorted({at // HOUR_S * HOUR_S for at in stretches}):
        small = Fleet5m
        of = (small.at >= start) & (small.at < start + HOUR_S) & (small.node_id == node_id)
        sums = [_weighted(getattr(small, name)) for name in COLUMNS]
        query = small.select(pw.Value(start), small.node_id, small.model, pw.fn.SUM(small.n), *sums)
        change = {getattr(Fleet1h, column.name): getattr(pw.EXCLUDED, column.name) for column in _FIELDS[3:]}
        Fleet1h.insert_from(
            query.where(of).group_by(small.node_id, small.model), [getattr(Fleet1h, column.name) for column in _FIELDS]
        ).on_conflict(
            conflict_target=[Fleet1h.at, Fleet1h.node_id, Fleet1h.model], update=change,
            where=(pw.EXCLUDED.n >= Fleet1h.n),  # of an old hour some stretches may be gone by now
        ).execute(db)  # fmt: skip


def _weighted(column: Any) -> Any:
    weight = pw.Case(None, [(column.is_null(), None)], Fleet5m.n)
    return pw.fn.SUM(column * Fleet5m.n) / pw.fn.NULLIF(pw.fn.SUM(weight), 0)
