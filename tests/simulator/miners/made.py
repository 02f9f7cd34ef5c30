"""Simulated miners of every model, each at a moment of its own clock."""

from __future__ import annotations

from hived.simulator.miners.miner import SimulatedMiner
from hived.simulator.miners.models import MODELS
from tests.clock import FakeClock

START = 1_790_000_000.0
ALIASES = sorted(MODELS)


def make(alias: str, clock: FakeClock, *, index: int = 7, seed: int = 3) -> SimulatedMiner:
    return SimulatedMiner(index, "127.31.0.9", MODELS[alias], seed=seed, clock=clock)
