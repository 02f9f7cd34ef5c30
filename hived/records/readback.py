"""What became of an order to a miner: judged by what it shows, never by what it answered.

Where there are two signals both have to agree: a paused miner still draws 5 to 60 W, a miner without power metering
reports 0 W while it mines. Cases: docs/steering.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from hived.records.miner import HASHING_STATES, ON_THE_WAY
from hived.records.pools import bare
from hived.records.steering import IDLE_W, Seen

Verdict = Literal["done", "waits", "half", "other", "waits_for_restart", "unreadable", "restarted"]
"""`done`: it shows what was asked for. The others: not yet, and why it is unconfirmed if it stays so."""

STANDS_W = 0.5
"""A miner that still draws more than this share of before is not paused."""
RUNS_W = 0.3
"""A miner that draws less than this share of what it should does not mine: it was sent on its way."""
NEAR = 0.15
"""How far the power may be from that of a preset: a preset is a figure for one temperature (7 % in a day measured)."""


def judge(
    verb: str, args: Mapping[str, Any], before: Seen, now: Seen, *, sent_at: float, step_w: float | None = None
) -> Verdict:
    """Return what a miner shows of an order that was sent at `sent_at`. `step_w`: what the wished preset takes, W."""
    if verb in ("pause", "resume", "restart", "preset", "power", "dimmer") and now.state is None:
        return "unreadable"
    verdict = _JUDGES[verb](args, before, now, sent_at, step_w)
    starts = now.state in ON_THE_WAY - {"shutting-down"} or now.state == before.state == "mining"
    if verdict == "waits" and verb not in _STARTS and starts and _began_anew(before, now, sent_at):
        return "restarted"
    return verdict


def _began_anew(before: Seen, now: Seen, sent_at: float) -> bool:
    """Tell whether its present state began after it was asked, or it counts more restarts than before."""
    began = None if now.state_s is None else now.at - now.state_s
    counted = None not in (before.restarts, now.restarts) and now.restarts != before.restarts
    return counted or (began is not None and began >= sent_at - 1.0)


def _pause(_args: Mapping[str, Any], before: Seen, now: Seen, _sent_at: float, _step_w: float | None) -> Verdict:
    stands = now.state == "stopped"
    idle = not now.hashrate_hs
    metered = before.power_w and now.power_w is not None
    drawn = bool(metered) and (now.power_w or 0.0) > max(IDLE_W, STANDS_W * (before.power_w or 0.0))
    if stands and idle and not drawn:
        return "done"
    if now.state in ON_THE_WAY - {"shutting-down"}:
        return "restarted"
    return "half" if stands or (idle and now.state not in HASHING_STATES) else "waits"


def _resume(_args: Mapping[str, Any], before: Seen, now: Seen, _sent_at: float, step_w: float | None) -> Verdict:
    if now.state in HASHING_STATES and now.hashrate_hs:
        full = step_w or before.power_w
        return "half" if full and now.power_w and now.power_w < RUNS_W * full else "done"
    if now.state in HASHING_STATES:
        return "half"
    return "other" if now.state == "failure" else "waits"


def _restart(args: Mapping[str, Any], before: Seen, now: Seen, sent_at: float, step_w: float | None) -> Verdict:
    if now.state in ON_THE_WAY or not _began_anew(before, now, sent_at):
        return "waits"
    return _resume(args, before, now, sent_at, step_w)


def _reboot(_args: Mapping[str, Any], before: Seen, now: Seen, sent_at: float, _step_w: float | None) -> Verdict:
    if now.uptime_s is None:
        return "unreadable"
    # An uptime is told in whole minutes.
    fell = before.uptime_s is None or now.uptime_s + 60.0 < before.uptime_s + (now.at - before.at)
    return "done" if fell and now.uptime_s <= now.at - sent_at + 60.0 else "waits"


def _locate(args: Mapping[str, Any], _before: Seen, now: Seen, _sent_at: float, _step_w: float | None) -> Verdict:
    if now.finding is None:
        return "unreadable"
    return "done" if now.finding == args["on"] else "waits"


def _preset(args: Mapping[str, Any], before: Seen, now: Seen, _sent_at: float, step_w: float | None) -> Verdict:
    wanted = args["name"]
    if now.preset != wanted:
        if now.asked_preset == wanted and now.restart_required:
            return "waits_for_restart"
        changed = before.preset is not None and now.preset not in (None, before.preset)
        return "other" if changed else "waits"
    if now.asked_preset not in (None, wanted):
        return "half"
    if now.state not in HASHING_STATES or step_w is None or not now.power_w:
        return "done"  # nothing tells more while it stands
    share = 1.0 if now.throttle_percent is None else now.throttle_percent / 100.0
    return "done" if abs(now.power_w - step_w * share) <= NEAR * step_w or _moved(before, now, step_w) else "half"


def _power(args: Mapping[str, Any], before: Seen, now: Seen, sent_at: float, step_w: float | None) -> Verdict:
    if "name" in args:  # a firmware without watts: the step of the ladder that was taken for them
        return _preset(args, before, now, sent_at, step_w)
    if now.state not in HASHING_STATES or now.power_w is None:
        return "unreadable"
    return "done" if abs(now.power_w - args["watts"]) <= NEAR * args["watts"] else "waits"


def _moved(before: Seen, now: Seen, step_w: float) -> bool:
    """Whether the power has gone at least half the way: units differ, and so do the rooms that they stand in."""
    if not before.power_w or now.power_w is None:
        return False
    way = step_w - before.power_w
    return bool(way) and (now.power_w - before.power_w) / way >= 0.5


def _dimmer(args: Mapping[str, Any], before: Seen, now: Seen, _sent_at: float, _step_w: float | None) -> Verdict:
    shown = 100.0 if now.throttle_percent is None else now.throttle_percent
    if shown != args["percent"]:
        return "waits"
    was = 100.0 if before.throttle_percent is None else before.throttle_percent
    hashed = {now.state, before.state} <= HASHING_STATES
    if not (hashed and was and before.power_w and now.power_w):
        return "done"
    way = before.power_w * (args["percent"] / was - 1.0)
    return "done" if not way or (now.power_w - before.power_w) / way >= 0.5 else "half"


def _pools(args: Mapping[str, Any], _before: Seen, now: Seen, _sent_at: float, _step_w: float | None) -> Verdict:
    if now.pools is None:
        return "unreadable"
    shown = {one["slot"]: (bare(one["url"]), one["user"]) for one in now.pools}
    fits = [shown.get(one["slot"]) == (bare(one["url"]), one["user"]) for one in args["pools"]]
    if not all(fits):
        return "half" if any(fits) else "waits"
    return "waits_for_restart" if now.restart_required else "done"


def _cooling(args: Mapping[str, Any], _before: Seen, now: Seen, _sent_at: float, _step_w: float | None) -> Verdict:
    if now.cooling is None:
        return "unreadable"
    if now.cooling.get("mode") != args["mode"]:
        return "waits"
    exact = {name: args.get(name) for name in ("percent", "target_c")}
    if any(value is not None and now.cooling.get(name) != value for name, value in exact.items()):
        return "half"
    return "waits_for_restart" if now.restart_required else "done"


def _restore(args: Mapping[str, Any], before: Seen, now: Seen, sent_at: float, step_w: float | None) -> Verdict:
    """Every part that the version has to agree: `args` are those of the single verbs."""
    verdicts = [
        judge(verb, args[verb], before, now, sent_at=sent_at, step_w=step_w)
        for verb in ("pools", "preset", "cooling") if args.get(verb)
    ]  # fmt: skip
    if all(verdict == "done" for verdict in verdicts):
        return "done"
    waiting = [verdict for verdict in verdicts if verdict != "done"]
    return "half" if len(waiting) < len(verdicts) and waiting[0] == "waits" else waiting[0]


_STARTS = ("resume", "restart", "reboot")
_JUDGES = {
    "pause": _pause, "resume": _resume, "restart": _restart, "reboot": _reboot, "locate": _locate, "preset": _preset,
    "power": _power, "dimmer": _dimmer, "pools": _pools, "cooling": _cooling, "restore": _restore,
}  # fmt: skip
