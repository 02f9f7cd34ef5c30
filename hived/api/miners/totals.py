"""Sums over the fleet. Honest ones: what is not known now does not count, and how many that are is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hived.documents import miners as documents
from hived.documents.shared import rfc3339
from hived.records import units
from hived.records.daemon import FEEDERS, alive
from hived.records.discovery import Sweep
from hived.records.miner import HASHING_STATES
from hived.records.miner_view import MinerView, silent_after_s

FRESH_INTERVALS = 3  # polls that may be missed before a number is old
VIEW_OLD_S = 10.0  # ten missed looks at the database


@dataclass(slots=True)
class MinerSummary:
    """What totals need to know of a miner. `model` is its model as JSON while the catalogue does not have it."""

    num: int
    mac: str
    ip: str | None
    hostname: str | None
    online: bool
    managed: bool
    failing: bool
    state: str | None
    alias: str | None
    max_preset: str | None
    updated_at: float
    seen_at: float | None
    status_at: float | None
    hashrate_hs: float | None
    expected_hashrate_hs: float | None
    power_w: float | None
    node_id: str | None
    remote: bool
    model: bytes

    @classmethod
    def of(cls, view: MinerView, model: bytes) -> MinerSummary:
        now = view.status
        return cls(
            num=view.num, mac=view.mac, ip=view.ip, hostname=view.hostname, online=view.online, managed=view.managed,
            failing=view.failures > 0, state=view.state, alias=view.model_alias, max_preset=view.max_preset,
            updated_at=view.updated_at, seen_at=view.seen_at, status_at=now.at if now else None,
            hashrate_hs=now.hashrate_hs if now else None,
            expected_hashrate_hs=now.expected_hashrate_hs if now else None,
            power_w=now.power_w if now else None, node_id=view.node_id, remote=view.remote,
            model=model,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class News:
    """What else the page of the fleet shows: the last sweep, who else answers, when each daemon last wrote its row."""

    last_sweep: Sweep | None = None
    strangers: dict[str, int] = field(default_factory=dict)
    beats: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Sum:
    """A sum of what was told: None until somebody told anything."""

    value: float | None = None

    def add(self, more: float | None) -> None:
        if more is not None:
            self.value = more + (self.value or 0.0)


def totals(
    fleet: Iterable[MinerSummary],
    news: News,
    *,
    now: float,
    rev: int,
    refreshed_at: float | None,
    status_seconds: float,
) -> dict[str, Any]:
    """Return the totals of /api/v1/fleet.

    Only online miners with a status of the last FRESH_INTERVALS polls (of another node: of the last minutes) count into
    hashrate, nominal and power; online ones without are `silent`. `hashrate_nominal_lost_ths`: what the others (silent
    or offline) should give by their last status. Efficiency is over those counted that told both watts and hashrate.
    """
    miners = online = managed = hashing = failing = silent = 0
    states: Counter[str] = Counter()
    models: Counter[str] = Counter()
    rate, nominal, lost, power, paired_rate, paired_power = (_Sum() for _ in range(6))
    for one in fleet:
        miners += 1
        managed += one.managed
        failing += one.failing and one.online
        models[one.alias or "unknown"] += 1
        states[(one.state or "unknown") if one.online else "offline"] += 1
        online += one.online
        # Nor is a status from the future fresh: the clock was set back, and nobody knows when it was.
        old_s = silent_after_s(FRESH_INTERVALS * status_seconds, remote=one.remote)
        fresh = one.status_at is not None and abs(now - one.status_at) < old_s
        if not (one.online and fresh):
            silent += one.online
            lost.add(one.expected_hashrate_hs)
            continue
        hashing += one.state in HASHING_STATES
        rate.add(one.hashrate_hs)
        nominal.add(one.expected_hashrate_hs)
        power.add(one.power_w)
        if one.hashrate_hs is not None and one.power_w is not None:
            paired_rate.add(one.hashrate_hs)
            paired_power.add(one.power_w)
    because = _stale(news, miners, now, refreshed_at)
    return {
        "at": rfc3339(now), "rev": rev, "miners": miners, "online": online, "managed": managed, "hashing": hashing,
        "failing": failing, "silent": silent, "hashrate_ths": units.ths(rate.value),
        "hashrate_nominal_ths": units.ths(nominal.value), "hashrate_nominal_lost_ths": units.ths(lost.value),
        "power_w": power.value, "efficiency_j_per_th": units.efficiency(paired_power.value, paired_rate.value),
        "states": dict(sorted(states.items())), "models": dict(sorted(models.items())), "strangers": news.strangers,
        "last_sweep": documents.sweep(news.last_sweep) if news.last_sweep else None, "stale": because is not None,
        "stale_because": because, "silent_after_s": FRESH_INTERVALS * status_seconds,
    }  # fmt: skip


def _stale(news: News, miners: int, now: float, refreshed_at: float | None) -> str | None:
    """Return why what is shown may be old, None when it is not."""
    if refreshed_at is None or abs(now - refreshed_at) > VIEW_OLD_S:
        return "the database cannot be read"
    silent = [name for name in FEEDERS if not alive(news.beats.get(name), now)]
    if not silent or (not miners and not news.beats):  # a node that nobody has started yet shows nothing old
        return None
    return f"{' and '.join(silent)} {'do' if len(silent) > 1 else 'does'} not run"
