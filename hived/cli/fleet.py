"""How a miner is doing in one word, and sums over the fleet that count only what is known now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from hived.documents import miners as documents
from hived.documents.shared import Json
from hived.records import miner_view, units
from hived.records.discovery import Sweep
from hived.records.miner import HASHING_STATES, HashboardReading
from hived.records.miner_view import MinerView

_ON_THE_WAY = frozenset({"initializing", "starting", "restarting", "shutting-down"})


@dataclass(frozen=True, slots=True)
class Condition:
    """`rank` orders the worst first: 0 needs a look, 4 is well."""

    word: str
    tone: str
    rank: int


def condition(view: MinerView, now: float, silent_after_s: float) -> Condition:
    """Return how a miner is doing."""
    if not view.online:
        return Condition("offline", "dim", 1)
    if view.state == "failure":
        return Condition("failure", "bad", 0)
    if view.failures:
        return Condition("failing", "bad", 0)
    if not fresh(view, now, silent_after_s):
        return Condition("silent", "warn", 2)
    mute = view.status is None or view.status.state is None  # it answers, and tells nothing that can be read
    rank = 3 if mute or broken_boards(view) or lost_fans(view) else 4
    if view.state in _ON_THE_WAY or view.state == "auto-tuning":
        return Condition(view.state or "", "tune", rank)
    if view.state in HASHING_STATES:
        return Condition(view.state or "", "good" if rank == 4 else "warn", rank)
    return Condition(view.state or "unknown", "dim", rank)


def fresh(view: MinerView, now: float, silent_after_s: float) -> bool:
    """Tell whether a miner's last status still says how it is doing."""
    return view.status is not None and now - view.status.at < miner_view.silent_after_s(
        silent_after_s, remote=view.remote
    )


def broken_boards(view: MinerView) -> tuple[HashboardReading, ...]:
    """Return the boards that the miner says are broken or gone."""
    return tuple(b for b in view.status.hashboards if not b.works) if view.status else ()


def lost_fans(view: MinerView) -> tuple[int, ...]:
    """Return the numbers of the fans that the miner misses."""
    return tuple(f.index for f in view.status.fans if f.status == "lost") if view.status else ()


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the fleet: H/s, W, J/TH. None: nobody told."""

    miners: int
    online: int
    managed: int
    hashing: int
    failing: int
    silent: int
    hashrate_hs: float | None
    expected_hashrate_hs: float | None
    lost_hashrate_hs: float | None
    power_w: float | None
    efficiency_j_per_th: float | None
    states: dict[str, int]
    models: dict[str, int]


def totals(views: Iterable[MinerView], now: float, silent_after_s: float) -> Totals:
    """Return the sums.

    Only online miners with a fresh status count into hashrate and power; online ones without are `silent`. `failing`:
    online, and the last poll failed. `lost_hashrate_hs`: what silent and offline ones should give by their last
    status. Efficiency is over those that told both watts and hashrate.
    """
    views = list(views)
    online = [v for v in views if v.online]
    told = [v.status for v in online if v.status is not None and fresh(v, now, silent_after_s)]
    others = [v.status for v in views if v.status is not None and not (v.online and fresh(v, now, silent_after_s))]
    both = [(s.power_w, s.hashrate_hs) for s in told if s.power_w is not None and s.hashrate_hs is not None]
    return Totals(
        miners=len(views),
        online=len(online),
        managed=sum(v.managed for v in views),
        hashing=sum(v.state in HASHING_STATES and fresh(v, now, silent_after_s) for v in online),
        failing=sum(v.failures > 0 for v in online),
        silent=len(online) - len(told),
        hashrate_hs=_sum(s.hashrate_hs for s in told),
        expected_hashrate_hs=_sum(s.expected_hashrate_hs for s in told),
        lost_hashrate_hs=_sum(s.expected_hashrate_hs for s in others),
        power_w=_sum(s.power_w for s in told),
        efficiency_j_per_th=units.efficiency(sum(w for w, _ in both), sum(rate for _, rate in both)),
        states=dict(sorted(Counter((v.state or "unknown") if v.online else "offline" for v in views).items())),
        models=dict(sorted(Counter(v.model_alias or "unknown" for v in views).items())),
    )


def document(sums: Totals, strangers: dict[str, int], last_sweep: Sweep | None) -> Json:
    """Return the totals of the fleet."""
    return {
        "miners": sums.miners, "online": sums.online, "managed": sums.managed, "hashing": sums.hashing,
        "failing": sums.failing, "silent": sums.silent, "hashrate_ths": units.ths(sums.hashrate_hs),
        "hashrate_nominal_ths": units.ths(sums.expected_hashrate_hs),
        "hashrate_nominal_lost_ths": units.ths(sums.lost_hashrate_hs), "power_w": sums.power_w,
        "efficiency_j_per_th": sums.efficiency_j_per_th, "states": sums.states, "models": sums.models,
        "strangers": strangers, "last_sweep": documents.sweep(last_sweep) if last_sweep else None,
    }  # fmt: skip


def _sum(values: Iterable[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return sum(told) if told else None
