"""What a miner should give: by its catalogue, by its own boards and by its own best day, never by what is left of it.

The rate of a preset is the catalogue's. Where there is none (no ladder, "disabled", clocks set by hand) it is the
firmware's nominal rate, which is a sum over the boards that run, scaled up to the boards that are there. The maker's
figure for the model counts only where nothing else is known: it stays high when a miner is slowed down on purpose.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from hived.records.miner import HASHING_STATES, MinerReading

RUN = 10
"""A number of boards counts when so many readings in a row had it: one reading may miss a board that is there."""
DAY_S = 86_400
FULL_DAY_S = 0.9 * DAY_S
KEPT_DAYS = 30
MOST_ABOVE = 1.05
"""A miner's own best day raises what is expected by 5 % at most: a good day is no reason to call the next one weak."""
NO_PRESET = "disabled"


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody set on purpose, and what the catalogue says of it."""

    preset: str | None = None
    """As the settings have it; the running one may be another."""
    clocks: str | None = None
    """Voltage and frequency set by hand, as text."""
    firmware_version: str | None = None
    ladder: Mapping[str, float] = field(default_factory=dict)
    """Rate of each preset of this model, H/s."""
    boards: int | None = None
    """How many boards the model has."""
    at: float | None = None
    """When the settings were last read; None: never."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is remembered of one miner between two readings."""

    key: str = ""
    """What was asked for: with something else the days and the nominal rate start over."""
    at: float = 0.0
    run: tuple[int, ...] = ()
    """Boards of the last readings while it hashed, at most RUN."""
    boards: int | None = None
    """The most boards in RUN readings in a row."""
    nominal_hs: float | None = None
    """The firmware's nominal rate with all boards."""
    day: int = 0
    """Days since 1970, UTC; of that day:"""
    seen_s: float = 0.0
    mean_hs: float = 0.0
    best: tuple[tuple[int, float], ...] = ()
    """(day, mean H/s) of full days, the best first, none older than KEPT_DAYS and none that a later one beats."""

    def to_text(self) -> str:
        """Return it for storage."""
        return json.dumps(asdict(self), separators=(",", ":"))


def from_text(text: str | None) -> Baseline:
    """Return what was stored; an empty one for what another version wrote."""
    try:
        told = json.loads(text or "{}")
        return Baseline(**told | {"run": tuple(told.get("run", ())), "best": tuple(map(tuple, told.get("best", ())))})
    except (ValueError, TypeError, AttributeError):
        return Baseline()


@dataclass(frozen=True, slots=True)
class Expected:
    """What one reading was measured against."""

    hashrate_hs: float | None
    boards: int | None
    """How many boards should run."""
    limit_hs: float | None
    """What is left of it by a limit: the dimmer, or a preset below the one asked for. None: there is no limit."""


def follow(
    before: Baseline, reading: MinerReading, asked: Asked, at: float, every_s: float
) -> tuple[Baseline, Expected]:
    """Return what is expected of a miner at this reading, and what to remember for the next.

    `every_s` is how often it is asked: a longer silence was not seen. Times are UTC epoch seconds.
    """
    key = _key(asked, reading)
    if key != before.key:
        before = replace(Baseline(), key=key, at=before.at, run=before.run, boards=before.boards)
    after = _with_boards(before, reading)
    boards = _boards(after, asked.boards)
    after = replace(after, nominal_hs=_nominal(reading, boards) or after.nominal_hs)
    rate = _catalogued(asked, asked.preset or reading.tuning.preset)
    base = rate or after.nominal_hs or reading.nameplate_hashrate_hs
    limit = _limit(asked, reading, base)
    after = _with_day(after, reading, at, every_s, counts=limit is None and (boards or 0) <= _running(reading))
    best = max((hs for _, hs in after.best), default=0.0)
    expected = None if base is None else max(base, min(best, base * MOST_ABOVE))
    return after, Expected(expected, boards, limit)


def _key(asked: Asked, reading: MinerReading) -> str:
    rate = _catalogued(asked, asked.preset)
    wish = (asked.preset, asked.clocks, reading.throttle_percent, rate, asked.firmware_version)
    return "|".join("" if part is None else str(part) for part in wish)


def _catalogued(asked: Asked, preset: str | None) -> float | None:
    return None if preset in (None, NO_PRESET) else asked.ladder.get(preset) or None


def _running(reading: MinerReading) -> int:
    return sum(board.works is not False for board in reading.hashboards)


def _boards(known: Baseline, model: int | None) -> int | None:
    if known.boards is None:
        return model or max(known.run, default=None)
    return min(known.boards, model) if model else known.boards


def _with_boards(before: Baseline, reading: MinerReading) -> Baseline:
    if reading.state not in HASHING_STATES or not reading.hashboards:
        return before
    run = (*before.run, len(reading.hashboards))[-RUN:]
    steady = min(run) if len(run) == RUN else 0
    return replace(before, run=run, boards=max(before.boards or 0, steady) or None)


def _nominal(reading: MinerReading, boards: int | None) -> float | None:
    """Return the firmware's nominal rate as it would be with all boards; None while it says none."""
    running = _running(reading)
    if reading.state != "mining" or not reading.expected_hashrate_hs or not running:
        return None
    return reading.expected_hashrate_hs * max(boards or 0, running) / running


def _limit(asked: Asked, reading: MinerReading, base: float | None) -> float | None:
    if base is None:
        return None
    limits = []
    if reading.throttle_percent is not None and reading.throttle_percent < 100:
        limits.append(base * reading.throttle_percent / 100)
    running = _catalogued(asked, reading.tuning.preset)
    if asked.preset and running is not None and running < base:
        limits.append(running)
    return min(limits, default=None)


def _with_day(before: Baseline, reading: MinerReading, at: float, every_s: float, *, counts: bool) -> Baseline:
    """Add one reading to the mean of its day; a day that ended is kept when it was full."""
    day = int(at // DAY_S)
    passed_s = min(max(at - before.at, 0.0), 2 * every_s) if before.at else 0.0
    after = replace(before, at=at)
    if day != before.day:
        ended = ((before.day, before.mean_hs),) if before.seen_s >= FULL_DAY_S else ()
        after = replace(after, day=day, seen_s=0.0, mean_hs=0.0, best=_best((*before.best, *ended), day))
    if counts and reading.state == "mining" and reading.hashrate_hs is not None and passed_s:
        seen_s = after.seen_s + passed_s
        mean_hs = after.mean_hs + (reading.hashrate_hs - after.mean_hs) * passed_s / seen_s
        after = replace(after, seen_s=seen_s, mean_hs=mean_hs)
    return after


def _best(days: tuple[tuple[int, float], ...], today: int) -> tuple[tuple[int, float], ...]:
    recent = sorted((day for day in days if 0 <= today - day[0] <= KEPT_DAYS), key=lambda day: (-day[1], -day[0]))
    kept: list[tuple[int, float]] = []
    for day in recent:
        if not kept or day[0] > kept[-1][0]:
            kept.append(day)
    return tuple(kept)
