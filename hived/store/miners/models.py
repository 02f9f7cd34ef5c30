"""Models: chips, boards and the ladder of presets, as the firmware of such a miner told them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import peewee as pw
from peewee import JOIN

from hived.errors import BadRequest
from hived.records.miner import ModelInfo, Preset
from hived.records.miner_view import ModelView
from hived.store.engine.counters import next_rev
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Health, Miner, Model

MAX_VERSIONS = 50  # firmware versions remembered for one model


def catalogued(db: Database) -> dict[str, frozenset[str]]:
    """Return which firmware versions of each model have been read: {alias: versions}."""
    return {
        alias: frozenset(json.loads(versions))
        for alias, versions in tuples(Model.select(Model.short, Model.firmware_versions), db)
    }


def save(db: Database, info: ModelInfo, presets: Sequence[Preset] | None, version: str | None, at: float) -> None:
    """Store what a miner with this firmware version said of its model; `presets` None keeps the known ladder.

    The version counts as read only with its presets: those that could not be had are asked for later.
    """
    row = next(iter(dicts(Model.select().where(Model.short == info.alias), db)), None)
    if row is None:
        Model.insert(short=info.alias, name=info.name, created_at=at, refreshed_at=at).execute(db)
    versions: list[str] = json.loads(row["firmware_versions"]) if row else []
    change: dict[str, Any] = {
        name: value
        for name, value in (
            ("name", info.name), ("chips_per_chain", info.chips_per_chain), ("chains", info.chains),
            ("topology", json.dumps(info.topology) if info.topology else None), ("series", info.series),
        )
        if value is not None
    }  # fmt: skip
    if presets is not None:
        change["presets"] = json.dumps([_preset(p) for p in presets], separators=(",", ":"))
        if version and version not in versions:
            change["firmware_versions"] = json.dumps([*versions, version][-MAX_VERSIONS:])
    Model.update(refreshed_at=at, **change).where(Model.short == info.alias).execute(db)


def views(db: Database, alias: str | None = None) -> list[ModelView]:
    """Return all models by alias, or the one asked for (an empty list when there is none)."""
    count = pw.fn.COUNT(Miner.num).alias("miners")
    query = (
        Model.select(Model, count)
        .join(Miner, JOIN.LEFT_OUTER, on=(Miner.model_alias == Model.short))
        .group_by(Model.short)
    )
    if alias is not None:
        query = query.where(Model.short == alias)
    return [_view(row) for row in dicts(query.order_by(Model.short), db)]


def set_max_preset(db: Database, alias: str, name: str | None) -> ModelView | None:
    """Set the highest preset that hived may choose for a model; None removes the limit.

    The name is compared without regard to case and stored as the ladder has it. BadRequest when it is not a preset of
    the model; returns None when there is no such model.
    """
    found = views(db, alias)
    if not found:
        return None
    if name is not None:
        ladder = {str(p["name"]).lower(): str(p["name"]) for p in found[0].presets}
        if name.lower() not in ladder:
            known = ", ".join(ladder.values()) or "none known yet"
            raise BadRequest(f"{name!r} is not a preset of {alias}; its presets are: {known}")
        name = ladder[name.lower()]
    Model.update(max_preset=name).where(Model.short == alias).execute(db)
    owners = Miner.select(Miner.num).where(Miner.model_alias == alias)
    Health.update(rev=next_rev(db)).where(Health.num.in_(owners)).execute(db)
    return views(db, alias)[0]


def _preset(preset: Preset) -> dict[str, Any]:
    return {
        "name": preset.name, "power_w": preset.power_w, "hashrate_hs": preset.hashrate_hs,
        "modded_psu_required": preset.modded_psu_required,
    }  # fmt: skip


def _view(row: dict[str, Any]) -> ModelView:
    topology = json.loads(row["topology"]) if row["topology"] else None
    return ModelView(
        alias=row["short"], name=row["name"], max_preset=row["max_preset"], presets=tuple(json.loads(row["presets"])),
        chips_per_chain=row["chips_per_chain"], chains=row["chains"],
        topology=tuple(tuple(line) for line in topology) if topology else None,
        firmware_versions=tuple(json.loads(row["firmware_versions"])), created_at=row["created_at"],
        refreshed_at=row["refreshed_at"], miners=row["miners"],
    )  # fmt: skip
