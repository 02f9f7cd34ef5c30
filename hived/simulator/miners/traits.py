"""What makes one unit differ from the next of its model: drawn once from its seed, never changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from hived.simulator.miners.models import CHAINS, Model

SENSORS = 4
"""Temperature sensors of a hashboard."""


@dataclass(frozen=True, slots=True)
class Wave:
    """A smooth wobble between -1 and 1: two sines whose periods do not fit."""

    phase: float
    period: float

    def at(self, now: float) -> float:
        turn = 2 * math.pi * now / self.period
        return 0.65 * math.sin(turn + self.phase) + 0.35 * math.sin(2.3 * turn + 2 * self.phase)


@dataclass(frozen=True, slots=True)
class BoardTraits:
    """One hashboard's character."""

    yield_: float
    """Hashrate as a share of the ideal one when mining."""
    wobble: Wave
    warmth_c: float
    sensor_offsets_c: tuple[float, ...]
    """Relative to the board's hottest spot."""
    sensor_locs: tuple[int, ...]
    chip_weights: tuple[float, ...]
    """Share of the board's rate, 1.0 on average."""
    chip_phases: tuple[float, ...]
    chip_steps_mhz: tuple[int, ...]
    """Offset of each chip's tuned clock."""
    steps_sum_mhz: int
    grades: tuple[str, ...]
    red: int
    orange: int
    grey: int
    error_rate: float
    """Hardware errors per second."""
    serial: str


@dataclass(frozen=True, slots=True)
class Traits:
    """One unit's character."""

    boards: tuple[BoardTraits, ...]
    power_factor: float
    power_wobble: Wave
    ambient_c: float
    day: Wave
    fan_offsets_rpm: tuple[int, ...]
    ping_ms: int
    best_share: int
    memory_used: float
    rejects: float


def _board(model: Model, rng: Random, number: int) -> BoardTraits:
    grades = ["grey"] * model.chips
    for chip in rng.sample(range(model.chips), rng.choice((0, 0, 1, 2, 4))):
        grades[chip] = "orange"
    if rng.random() < 0.15:
        grades[rng.randrange(model.chips)] = "red"
    share = {"grey": (0.97, 1.04), "orange": (0.78, 0.9), "red": (0.2, 0.6)}
    weights = [rng.uniform(*share[grade]) for grade in grades]
    mean = sum(weights) / len(weights)
    locs = (
        (17, 60, 38, 39)
        if model.alias == "s19"
        else tuple(round(model.chips * (index + 0.5) / SENSORS) for index in range(SENSORS))
    )
    steps = tuple(rng.choice((-10, -5, 0, 0, 5, 10)) for _ in grades)
    return BoardTraits(
        yield_=rng.uniform(0.972, 1.004),
        wobble=Wave(rng.uniform(0, 2 * math.pi), rng.uniform(180, 420)),
        warmth_c=rng.uniform(-2.0, 2.0),
        sensor_offsets_c=(rng.uniform(-3, -1), rng.uniform(-11, -8), 0.0, rng.uniform(-1.5, -0.2)),
        sensor_locs=locs,
        chip_weights=tuple(weight / mean for weight in weights),
        chip_phases=tuple(rng.uniform(0, 2 * math.pi) for _ in grades),
        chip_steps_mhz=steps,
        steps_sum_mhz=sum(steps),
        grades=tuple(grades),
        red=grades.count("red"),
        orange=grades.count("orange"),
        grey=grades.count("grey"),
        error_rate=rng.choice((0.0, 1e-5, 1e-4, 2e-3)),
        serial=f"SIMTEST{rng.randrange(10**8):08d}B{number}",
    )


def draw(model: Model, seed: str) -> Traits:
    """Return the character of the unit with this seed: the same seed gives the same unit."""
    rng = Random(seed)
    return Traits(
        boards=tuple(_board(model, rng, number) for number in range(1, CHAINS + 1)),
        power_factor=rng.uniform(0.995, 1.004),
        power_wobble=Wave(rng.uniform(0, 2 * math.pi), rng.uniform(90, 200)),
        ambient_c=rng.uniform(18.0, 27.0),
        day=Wave(rng.uniform(0, 0.4), 86400.0),
        fan_offsets_rpm=tuple(rng.choice((-120, -60, 0, 60)) for _ in range(4)),
        ping_ms=rng.randrange(8, 60),
        best_share=int(2 ** rng.uniform(27, 36)),
        memory_used=rng.uniform(0.0, 0.15),
        rejects=rng.uniform(0.0005, 0.004),
    )
