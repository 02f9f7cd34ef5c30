"""Miners as people see them: the row, how polling goes and the latest status, in one query."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from peewee import JOIN

from hived.records import measures
from hived.records.miner_rules import MinerRules, hold_from_text
from hived.records.miner_view import MinerView
from hived.store import commands
from hived.store.engine.database import Database, dicts
from hived.store.miners import readings
from hived.store.schema import Counter, Health, Miner, Model, Node, Status
from hived.store.schema import MinerRules as RulesRow

_ROW = (
    "num", "mac", "ip", "last_ip", "model_alias", "model_name", "hostname", "firmware", "firmware_version", "features",
    "serial", "platform", "node_id", "doubted_ip", "state", "seen_at", "last_error", "last_error_code", "last_error_at",
    "error_count", "created_at", "updated_at", "rev", "failures", "chips_at", "max_preset",
    "node_name", "min_preset",
)  # fmt: skip

AT_ONCE = 200
"""Rows with their statuses, of those that are read bit by bit."""


def miners(db: Database, *, newer_than_rev: int | None = None, mac: str | None = None) -> list[MinerView]:
    """Return miners by number: all, those changed after a rev, or the one with this MAC (in any case)."""
    query = _query()
    if newer_than_rev is not None:
        query = query.where(Health.rev > newer_than_rev)
    if mac is not None:
        query = query.where(Miner.mac == mac.lower())
    rows = dicts(query, db)
    waiting = commands.pending(db) if any(row["remote"] for row in rows) else {}
    return [_view(row, tuple(waiting.get(row["mac"], ()))) for row in rows]


def one_by_one(db: Database) -> Iterator[MinerView]:
    """Yield all miners by number, one by one, without what their nodes are asked to change.

    Few of them are in memory at a time.
    """
    last = 0
    while rows := dicts(_query().where(Miner.num > last).limit(AT_ONCE), db):
        yield from (_view(row, ()) for row in rows)
        last = rows[-1]["num"]


def own(db: Database) -> Iterator[MinerView]:
    """Yield the miners that this node watches, one by one: all statuses of a large fleet at once would take much."""
    return (_view(row, ()) for row in dicts(_query().where(~Miner.remote), db))


def grouped(db: Database) -> Iterator[MinerView]:
    """Yield the miners that the operator put into a group, those of other nodes among them."""
    return (_view(row, ()) for row in dicts(_query().where(RulesRow.group.is_null(False)), db))


def _query() -> Any:
    return (
        Miner.select(
            Miner, Node.name.alias("node_name"),
            Health.state.alias("health_state"), Health.seen_at, Health.last_error, Health.last_error_code,
            Health.last_error_at, Health.error_count, Health.rev, Health.failures, Health.chips_at, Health.tuned,
            Model.max_preset, Model.min_preset, RulesRow.group, RulesRow.tags, RulesRow.locked, RulesRow.protected,
            RulesRow.min_preset.alias("own_min_preset"),
            Status.at, Status.state, Status.preset, Status.partial, Status.detail,
            *(getattr(Status, name) for name in measures.COLUMNS),
        )
        .join(Health, on=(Health.num == Miner.num))
        .switch(Miner)
        .join(Node, JOIN.LEFT_OUTER, on=(Node.id == Miner.node_id))
        .switch(Miner)
        .join(Model, JOIN.LEFT_OUTER, on=(Model.short == Miner.model_alias))
        .switch(Miner)
        .join(RulesRow, JOIN.LEFT_OUTER, on=(RulesRow.num == Miner.num))
        .switch(Miner)
        .join(Status, JOIN.LEFT_OUTER, on=((Status.num == Miner.num) & (Status.at == Health.status_at)))
        .order_by(Miner.num)
    )  # fmt: skip


def newest_rev(db: Database) -> int:
    """Return the mark of the last transaction that changed a miner."""
    return int(Counter.select(Counter.value).where(Counter.name == "rev").bind(db).scalar() or 0)


def _view(row: dict[str, Any], pending: tuple[str, ...]) -> MinerView:
    status = readings.from_row(row) if row["at"] is not None else None
    values = {name: row[name] for name in _ROW if name != "state"}
    return MinerView(
        **values, state=row["health_state"], online=bool(row["online"]), managed=bool(row["managed"]),
        has_key=bool(row["node_has_key"]) if row["remote"] else row["api_key"] is not None, status=status,
        remote=bool(row["remote"]), pending=pending, rules=_rules(row),
        tuned=tuple(json.loads(row["tuned"])) if row["tuned"] else None,
    )  # fmt: skip


def _rules(row: dict[str, Any]) -> MinerRules:
    if row["tags"] is None:
        return MinerRules()
    return MinerRules(
        row["group"], tuple(json.loads(row["tags"])), hold_from_text(row["locked"]),
        hold_from_text(row["protected"]), row["own_min_preset"],
    )  # fmt: skip
