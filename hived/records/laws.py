"""What may be done to a miner, and what it would change: judged before an order is given, and again before it is done.

One table of laws for a person's order and for what is done by a plan; a reason is a key of `orders.REASONS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hived.records.miner import HASHING_STATES, ON_THE_WAY
from hived.records.miner_rules import is_held
from hived.records.miner_view import READ_WITHIN_S, MinerView
from hived.records.pools import AllowedPool
from hived.records.steering import IDLE_W, VERBS

ACTS = ("pause", "resume", "locate")
"""What a person's order does at once, whatever a miner settles after."""


@dataclass(frozen=True, slots=True)
class History:
    """What was done to a miner lately, by orders."""

    settles_until: float = 0.0
    reboots: int = 0
    """Within the last hour."""
    touched_at: float = 0.0
    """When an order last changed it: a status of before says nothing any more."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, and by which rules of the site. `automatic`: nobody gave it by hand."""

    at: float
    reboots_per_hour: int
    force: bool = False
    automatic: bool = False
    undoes: bool = False
    """It brings back what an order changed: nothing settles before that."""
    stored: bool = True
    """Whether its last status tells that it is so already; right before the act the miner itself is looked at."""

    @property
    def waits(self) -> bool:
        """Whether it waits until a miner has settled, where it is given: the way back of a plan never falls out."""
        return self.automatic and self.undoes and self.stored


def reason(
    view: MinerView, verb: str, args: Mapping[str, Any], ladder: Sequence[Mapping[str, Any]], asking: Asking,
    history: History = History(), *, seen: bool = True,
) -> str | None:  # fmt: skip
    """Return why a miner is left out of an order, None when it may be done. `seen`: somebody can tell how it is."""
    for judge in (_whose(view, asking), _reach(view, seen), _presets(view, verb, args, ladder)):
        if judge is not None:
            return judge
    if verb == "reboot" and history.reboots >= asking.reboots_per_hour and not asking.force:
        return "reboot_limit"
    waits = asking.automatic or not (verb in ACTS or asking.undoes)
    rests = VERBS[verb].rests or asking.automatic
    if waits and rests and not asking.force and asking.at < history.settles_until:
        return "settling"
    told_since = view.status is not None and view.status.at - READ_WITHIN_S > history.touched_at
    return "same_already" if asking.stored and told_since and _is_so(view, verb, args, ladder) else None


def _whose(view: MinerView, asking: Asking) -> str | None:
    if view.remote and view.features is None:
        return "node_too_old"
    if not view.managed:
        return "not_managed"
    if is_held(view.rules.locked, asking.at):
        return "locked"
    if asking.automatic and not asking.undoes and is_held(view.rules.protected, asking.at):
        return "protected"  # the way back of a plan is promised from its beginning: nothing stays off by it
    return None


def _reach(view: MinerView, seen: bool) -> str | None:
    if not view.online:
        return "offline"
    if view.doubted_ip is not None and view.doubted_ip == view.ip:
        return "doubted"
    if not view.has_key:
        return "no_access"
    if seen:
        return None
    return "node_away" if view.remote else "unseen"


def can(view: MinerView, verb: str) -> bool:
    """Tell whether a miner's firmware can do a verb; one that never said what it can do cannot."""
    return bool(VERBS[verb].needs & set((view.features or "").split()))


def verbs_of(view: MinerView) -> list[str]:
    """Return what a miner's firmware can do, in the order of the table."""
    return [name for name in VERBS if can(view, name)]


def _presets(view: MinerView, verb: str, args: Mapping[str, Any], ladder: Sequence[Mapping[str, Any]]) -> str | None:
    if not can(view, verb):
        return "cannot"
    part = args.get("preset") if verb == "restore" else args
    if verb not in ("preset", "power", "restore") or not part:
        return None
    step = chosen(view, "power" if verb == "power" else "preset", part, ladder)
    if step is None:
        return _why_no_watts(part, ladder) if verb == "power" else "unknown_preset"
    order = {str(one["name"]): place for place, one in enumerate(ladder)}
    place = order[str(step["name"])]
    # A limit that this miner's own ladder does not name lets nothing pass: ladders differ by firmware and boards.
    highest = view.max_preset
    if highest not in (None, step["name"]) and (place > order.get(highest, -1) or step["name"] in unranked(ladder)):
        return "above_max_preset"
    if any(place < order.get(name, len(order)) for name in (view.min_preset, view.rules.min_preset) if name):
        return "below_min_preset"
    if verb != "restore" and not part.get("untuned") and view.tuned is not None and step["name"] not in view.tuned:
        return "not_tuned"
    return None


def open_presets(view: MinerView, ladder: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the presets that an order may give a miner by its limits, lowest first; none where it takes no presets."""
    if not can(view, "preset"):
        return ()
    names = (str(one["name"]) for one in ladder)
    return tuple(name for name in names if _presets(view, "preset", {"name": name}, ladder) is None)


def unranked(ladder: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Return the presets of which nobody knows what they take, among others that tell it: "disabled" is stock clocks.

    They stand first in a ladder, and are under no limit for it.
    """
    blank = frozenset(str(one["name"]) for one in ladder if not one.get("power_w"))
    return blank if len(blank) < len(ladder) else frozenset()


def _why_no_watts(args: Mapping[str, Any], ladder: Sequence[Mapping[str, Any]]) -> str:
    known = [float(one["power_w"]) for one in ladder if one.get("power_w")]
    if not known:
        return "no_power"
    return "not_tuned" if min(known) <= args["watts"] else "no_such_low"


def chosen(
    view: MinerView, verb: str, args: Mapping[str, Any], ladder: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """Return the step of the ladder that an order for a preset or for watts means; None when there is none.

    Watts of a firmware that takes presets only: the highest step that takes no more, of those that it has tuned.
    """
    if verb == "preset":
        name = str(args["name"]).lower()
        return next((one for one in ladder if str(one["name"]).lower() == name), None)
    usable = [
        one for one in ladder
        if one.get("power_w") and one["power_w"] <= args["watts"]
        and (args.get("untuned") or view.tuned is None or one["name"] in view.tuned)
    ]  # fmt: skip
    return max(usable, key=lambda one: float(one["power_w"]), default=None)


def _is_so(view: MinerView, verb: str, args: Mapping[str, Any], ladder: Sequence[Mapping[str, Any]]) -> bool:
    now = view.status
    if now is None or now.state is None:
        return False
    if verb == "pause":
        return now.state == "stopped"
    if verb == "resume":
        return now.state in HASHING_STATES | (ON_THE_WAY - {"shutting-down"})
    if verb in ("preset", "power"):
        step = chosen(view, verb, args, ladder)
        return step is not None and now.preset == step["name"]
    if verb == "dimmer":
        throttle = now.extra.get("throttle_percent", 100.0)
        return bool(throttle == args["percent"])
    return False


def effect(
    view: MinerView, verb: str, args: Mapping[str, Any], ladder: Sequence[Mapping[str, Any]]
) -> tuple[float | None, float | None]:
    """Return what an order changes for a miner: (W, H/s), negative for less; None where nobody can tell.

    From what it draws now and from the ladder of its presets.
    """
    now = view.status
    watts = now.power_w if now else None
    rate = now.hashrate_hs if now else None
    if verb == "pause":
        return (None if watts is None else -max(watts - IDLE_W, 0.0)), (None if rate is None else -rate)
    if verb == "resume":
        step = next((one for one in ladder if now is not None and one["name"] == now.preset), None)
        expected = now.target_hashrate_hs if now else None
        if step is None:
            return None, expected
        full = step.get("power_w")
        return (None if full is None else full - (watts or 0.0)), step.get("hashrate_hs") or expected
    if verb in ("preset", "power"):
        return _from_step(view, chosen(view, verb, args, ladder))
    if verb == "dimmer" and now is not None:
        share = args["percent"] / float(now.extra.get("throttle_percent") or 100.0) - 1.0
        return (None if watts is None else watts * share), (None if rate is None else rate * share)
    return 0.0, 0.0


def _from_step(view: MinerView, step: Mapping[str, Any] | None) -> tuple[float | None, float | None]:
    now = view.status
    if step is None or now is None or now.state not in HASHING_STATES or now.preset == step["name"]:
        # One that runs it already draws more by itself where it warms up: no order changes that.
        return (0.0, 0.0) if step is not None else (None, None)
    power, rate = step.get("power_w"), step.get("hashrate_hs")
    return (
        None if power is None or now.power_w is None else power - now.power_w,
        None if rate is None or now.hashrate_hs is None else rate - now.hashrate_hs,
    )


def forbidden_pools(args: Mapping[str, Any], allowed: Iterable[AllowedPool]) -> list[str]:
    """Return the pools of an order that no allowed pattern covers, in words. Nothing is allowed by an empty list."""
    entries = list(allowed)
    return [
        f"{one['url']} as {one['user'] or 'nobody'}"
        for one in args.get("pools", ())
        if one["url"] and not any(entry.allows(one["url"], one["user"]) for entry in entries)
    ]
