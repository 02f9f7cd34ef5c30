"""Records as JSON documents: what the HTTP API says, so that a script may take either; its names are chosen there."""

from __future__ import annotations

from collections.abc import Sequence

from hived.api import dto
from hived.api.dto import Json
from hived.cli.fleet import Totals
from hived.records.discovery import Sweep
from hived.records.miner import HashboardChips
from hived.records.miner_view import MinerView, ModelView
from hived.records.units import ths


def miner(view: MinerView, model: ModelView | None, boards: Sequence[HashboardChips] = ()) -> Json:
    """Return *miner*; `boards` are the chips to show in its latest status."""
    return dto.miner(view, dto.model_in_miner(model) if model else dto.unknown_model(view), boards)


def totals(sums: Totals, strangers: dict[str, int], last_sweep: Sweep | None) -> Json:
    """Return the totals of the fleet."""
    return {
        "miners": sums.miners, "online": sums.online, "managed": sums.managed, "hashing": sums.hashing,
        "failing": sums.failing, "silent": sums.silent, "hashrate_ths": ths(sums.hashrate_hs),
        "hashrate_nominal_ths": ths(sums.expected_hashrate_hs),
        "hashrate_nominal_lost_ths": ths(sums.lost_hashrate_hs), "power_w": sums.power_w,
        "efficiency_j_per_th": sums.efficiency_j_per_th, "states": sums.states, "models": sums.models,
        "strangers": strangers, "last_sweep": dto.sweep(last_sweep) if last_sweep else None,
    }  # fmt: skip
