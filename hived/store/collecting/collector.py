"""What the operator wants of the auto-miner, and what it says it does: one row."""

from __future__ import annotations

from typing import Any

from hived.records.artifact import CollectorState
from hived.store.engine.database import Database, dicts
from hived.store.schema import Collector

_NAME = "auto-miner"


def state(db: Database) -> CollectorState:
    """Return the row; before the first time, the one that wants nothing."""
    rows = dicts(Collector.select().where(Collector.name == _NAME), db)
    if not rows:
        return CollectorState()
    row = rows[0]
    status = (row["status"], row["current_source"])
    if status[0] == "Idle" and (row["wanted"] or row["only_source"] is not None):
        status = "Starting", "Initializing"  # the loop has not seen the order yet
    return CollectorState(
        wanted=bool(row["wanted"]), only_source=row["only_source"], status=status[0], current_source=status[1],
        model_state=row["model_state"], describer=row["describer"], changed_at=row["changed_at"],
        request=row["request"],
    )  # fmt: skip


def start(db: Database, at: float, *, only_source: int | None = None) -> bool:
    """Want the auto-miner to run, for ever or for one source once; False when it is wanted already."""
    now = state(db)
    if now.wanted or now.only_source is not None:
        return False
    _put(db, at, wanted=only_source is None, only_source=only_source, request=now.request + 1)
    return True


def start_first_time(db: Database, at: float) -> None:
    """Want it to run if nobody has ever said anything about it: what the operator said since counts more."""
    if not dicts(Collector.select(Collector.request).where(Collector.name == _NAME), db):
        start(db, at)


def stop(db: Database, at: float) -> bool:
    """Want it to stop; False when it was not wanted."""
    now = state(db)
    _put(db, at, wanted=False, only_source=None, request=now.request + 1)
    return now.wanted or now.only_source is not None


def single_run_ended(db: Database, at: float, request: int) -> None:
    """End a single-source run, unless other orders came meanwhile."""
    if state(db).request == request:
        _put(db, at, only_source=None)


def tell(
    db: Database, at: float, *, status: str, current_source: str | None, model_state: str | None,
    describer: str | None = None,
) -> None:  # fmt: skip
    """Store what the loop does. Only the loop itself calls this: who gives an order writes what is wanted."""
    _put(db, at, status=status, current_source=current_source, model_state=model_state, describer=describer)


def _put(db: Database, at: float, **fields: Any) -> None:
    fields["changed_at"] = at
    Collector.insert(name=_NAME, **fields).on_conflict(conflict_target=[Collector.name], update=fields).execute(db)
