"""What is laid down for single miners and for models, which bounds all that hived does to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from hived.errors import BadRequest, Conflict, Forbidden
from hived.records import laws
from hived.records.access import By, Role, is_enough, least_role
from hived.records.commands import word_or_none
from hived.records.miner_rules import Hold, HoldWish, hold, tags
from hived.records.miner_view import MinerView, ModelView
from hived.store import Database, audit
from hived.store.miners import models, rules, views

ELSEWHERE = "another node watches it: set this there"

RULES: Mapping[str, Callable[[str, Any], Any]] = {
    "group": word_or_none, "tags": tags, "locked": hold, "protected": hold, "min_preset": word_or_none,
}  # fmt: skip
"""What can be laid down for a miner, and how it is read."""


def must_be_allowed(role: Role, setting: str, value: Any) -> None:
    """Raise Forbidden when a role may not give a setting this value; see `records.access.NARROWS`."""
    least = least_role(setting, value)
    if not is_enough(role, least):
        raise Forbidden(f"{setting}: only an {least} may do this")


def set_rules(db: Database, mac: str, wishes: Mapping[str, Any], by: By) -> None:
    """Lay down for a miner of this node what is asked for, each change with its audit row. Conflict for any other's.

    BadRequest for a preset that its model has not, and for a hold that is over already.
    """
    view = views.miners(db, mac=mac)[0]
    if view.remote:
        raise Conflict(ELSEWHERE)
    wanted = {name: _wanted(db, view, name, value, by) for name, value in wishes.items()}
    before = view.rules.in_force(by["at"])
    after = replace(before, **wanted)
    if after == view.rules:
        return
    rules.save(db, view.num, after, by["at"])
    for name in wanted:
        told = [{name: _plain(getattr(one, name))} for one in (before, after)]
        if told[0] != told[1]:
            audit.note(db, **by, action=f"miner.{name}", target=view.mac, before=told[0], after=told[1])


def set_limits(db: Database, alias: str, wishes: Mapping[str, str | None], by: By, role: Role) -> ModelView | None:
    """Set the highest and/or lowest preset that hived may choose for a model; None when there is no such model.

    BadRequest for what is none of its presets, Forbidden for what only an admin may set.
    """
    found = models.views(db, alias)
    if not found:
        return None
    view = found[0]
    wanted = {name: models.named(view, preset) for name, preset in wishes.items()}
    if "max_preset" in wanted:
        must_be_allowed(role, "max_preset", _is_lower(view, wanted["max_preset"]))
    if "min_preset" in wanted:
        must_be_allowed(role, "min_preset", wanted["min_preset"])
    _must_leave_some(view, wanted.get("min_preset", view.min_preset), wanted.get("max_preset", view.max_preset))
    after = models.set_limits(db, alias, wanted)
    for name, preset in wanted.items():
        if preset != getattr(view, name):
            audit.note(
                db, **by, action=f"model.{name}", target=alias, before={name: getattr(view, name)}, after={name: preset}
            )
    return after


def _wanted(db: Database, view: MinerView, name: str, value: Any, by: By) -> Any:
    if isinstance(value, HoldWish):
        made = Hold(value.why, by["who"][:200], by["at"], value.until)
        if not made.holds(by["at"]):
            raise BadRequest(f"{name}.until: this time is over")
        return made
    if name == "min_preset" and value is not None:
        model = next(iter(models.views(db, view.model_alias)), None) if view.model_alias else None
        if model is None:
            raise BadRequest(f"min_preset: the presets of {view.mac} are not known yet")
        value = models.named(model, value)
        _must_leave_some(model, value, model.max_preset)
    return tuple(value) if name == "tags" else value


def _is_lower(view: ModelView, name: str | None) -> bool:
    """Tell whether a preset, as the ladder has it, allows no more than the highest one of now."""
    order = [str(preset["name"]) for preset in view.presets]
    if name is None or name in laws.unranked(view.presets):
        return False
    return view.max_preset is None or (view.max_preset in order and order.index(name) <= order.index(view.max_preset))


def _must_leave_some(view: ModelView, lowest: str | None, highest: str | None) -> None:
    order = [str(preset["name"]) for preset in view.presets]
    if lowest in order and highest in order and order.index(lowest) > order.index(highest):
        raise BadRequest(f"min_preset {lowest} is above max_preset {highest}: no preset would be left")


def _plain(value: Any) -> Any:
    return asdict(value) if isinstance(value, Hold) else value
