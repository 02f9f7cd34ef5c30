"""Models: chips, boards and the ladder of presets, as the firmware of such a miner told them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import peewee as pw
from peewee import JOIN

from hived.errors import BadRequest, Refused
from hived.records.miner import ModelInfo, Preset
from hived.records.miner_view import ModelView
from hived.store.engine.counters import next_rev
from hived.store.engine.database import Database, dicts, tuples
from hived.store.miners import strangers
from hived.store.schema import Health, Ladder, Miner, Model

MAX_VERSIONS = 50  # firmware versions remembered for one model, and ladders of presets
MAX_MODELS = 500  # ten times what all makers sell; for one more a model goes that no miner has any more


class Make(NamedTuple):
    """What miners with the same presets have in common."""

    alias: str
    version: str
    """Of the firmware."""
    boards: str
    """As the miner's full name tells them; empty when it tells none."""


def with_ladder(db: Database) -> set[Make]:
    """Return which kinds of miners have told their presets."""
    return {Make(*row) for row in tuples(Ladder.select(Ladder.short, Ladder.firmware_version, Ladder.boards), db)}


def ladder_of_miner() -> Any:
    """Return the condition under which a ladder is a miner's own."""
    return (
        (Ladder.short == Miner.model_alias)
        & (Ladder.firmware_version == pw.fn.COALESCE(Miner.firmware_version, "?"))
        & (Ladder.boards == pw.fn.COALESCE(Miner.model_name, ""))
    )


def ladder(db: Database, make: Make) -> tuple[dict[str, Any], ...] | None:
    """Return the presets of the miners of a kind, None when none of them has told any."""
    rows = tuples(Ladder.select(Ladder.presets).where(_is(make)), db)
    return tuple(json.loads(rows[0][0])) if rows else None


def save(
    db: Database, info: ModelInfo, presets: Sequence[Preset] | None, version: str | None, at: float, *, boards: str = ""
) -> None:
    """Store what a miner with this firmware version and these boards said of its model; None keeps what is known.

    What most miners of a model say counts. What a kind of miners says of its model that has fewer miners than another
    kind only fills what is not known. A model's own presets are those of all its ladders, of one name those of the
    kind that has most miners, else those that were read first.
    """
    row = next(iter(dicts(Model.select().where(Model.short == info.alias), db)), None)
    make = Make(info.alias, version or "?", boards)
    is_new = row is None or row["told_by"] is not None  # what nodes tell of takes no room from what is here
    own = Model.select().where(Model.told_by.is_null())
    if is_new and own.bind(db).count() >= MAX_MODELS and not strangers.forget_models(db, at, most=1, only_own=True):
        raise Refused(f"more than {MAX_MODELS} models on this site", code="too_many_models")
    if row is None:
        Model.insert(short=info.alias, name=info.name, created_at=at, refreshed_at=at).execute(db)
    leads = _leads(_miners_of(db, info.alias), make)
    versions: list[str] = json.loads(row["firmware_versions"]) if row else []
    change: dict[str, Any] = {
        name: value
        for name, value in (
            ("name", info.name), ("chips_per_chain", info.chips_per_chain), ("chains", info.chains),
            ("topology", json.dumps(info.topology) if info.topology else None), ("series", info.series),
        )
        if value is not None and (leads or is_new or row is None or row[name] is None)
    }  # fmt: skip
    if presets is not None:
        _save_ladder(db, make, presets, at)
        change["presets"] = _dump(_together(db, info.alias))
        if version and version not in versions:
            told, kept = [*versions, version], {ladder.version for ladder, _ in _ladders(db, info.alias)}
            change["firmware_versions"] = json.dumps([v for v in told if v in kept or len(told) <= MAX_VERSIONS])
    Model.update(refreshed_at=at, told_by=None, **change).where(Model.short == info.alias).execute(db)


def _save_ladder(db: Database, make: Make, presets: Sequence[Preset], at: float) -> None:
    """Store a ladder; when there are too many those go whose kind has fewest miners, of these the newest."""
    Ladder.delete().where(_is(make)).execute(db)
    Ladder.insert(
        short=make.alias, firmware_version=make.version, boards=make.boards, read_at=at,
        presets=_dump([_preset(preset) for preset in presets]),
    ).execute(db)  # fmt: skip
    for surplus, _ in _ladders(db, make.alias)[MAX_VERSIONS:]:
        Ladder.delete().where(_is(surplus)).execute(db)


def _ladders(db: Database, alias: str) -> list[tuple[Make, str]]:
    """Return a model's ladders: those of most miners first, then those that were read first."""
    query = Ladder.select(Ladder.short, Ladder.firmware_version, Ladder.boards, Ladder.presets)
    told = [(Make(*row[:3]), row[3]) for row in tuples(query.where(Ladder.short == alias).order_by(Ladder.read_at), db)]
    count = _miners_of(db, alias)
    return sorted(told, key=lambda ladder: -count.get(ladder[0], 0))


def _miners_of(db: Database, alias: str) -> dict[Make, int]:
    """Return how many miners each kind of a model has; what was never opened may be no miner."""
    columns = (Miner.firmware_version, Miner.model_name)
    opened = (Miner.model_alias == alias) & Miner.api_key.is_null(False)
    counted = Miner.select(*columns, pw.fn.COUNT(Miner.num)).where(opened).group_by(*columns)
    return {Make(alias, version or "?", boards or ""): int(count) for version, boards, count in tuples(counted, db)}


def _leads(count: Mapping[Make, int], make: Make) -> bool:
    """Tell whether no other kind of the model has more miners."""
    return count.get(make, 0) >= max(count.values(), default=0)


def _together(db: Database, alias: str) -> list[dict[str, Any]]:
    by_name: dict[str, dict[str, Any]] = {}
    for _, presets in _ladders(db, alias):
        for preset in json.loads(presets):
            by_name.setdefault(preset["name"], preset)
    return sorted(by_name.values(), key=lambda preset: preset["power_w"] or 0)


def _is(make: Make) -> Any:
    return (Ladder.short == make.alias) & (Ladder.firmware_version == make.version) & (Ladder.boards == make.boards)


def _dump(presets: list[dict[str, Any]]) -> str:
    return json.dumps(presets, separators=(",", ":"))


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


def named(view: ModelView, name: str | None) -> str | None:
    """Return a preset as a model's ladder has it, whatever case it is asked for in; None stays None. BadRequest."""
    if name is None:
        return None
    ladder = {str(p["name"]).lower(): str(p["name"]) for p in view.presets}
    if name.lower() not in ladder:
        known = ", ".join(ladder.values()) or "none known yet"
        raise BadRequest(f"{name!r} is not a preset of {view.alias}; its presets are: {known}")
    return ladder[name.lower()]


def set_limits(db: Database, alias: str, limits: Mapping[str, str | None]) -> ModelView | None:
    """Set the highest and/or lowest preset (max_preset, min_preset) that hived may choose; None removes a limit.

    Names in any case. BadRequest for what is not a preset of the model; returns None when there is no such model.
    """
    found = views(db, alias)
    if not found:
        return None
    Model.update({name: named(found[0], preset) for name, preset in limits.items()}).where(
        Model.short == alias
    ).execute(db)
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
        refreshed_at=row["refreshed_at"], miners=row["miners"], min_preset=row["min_preset"],
    )  # fmt: skip
