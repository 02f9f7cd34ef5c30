"""All that a simulated miner shows at one moment, as numbers: a pure function of its character, its plan and the time.

Units as in the firmware: GH/s, W, mV, MHz, degrees C. Sums are taken over the rounded parts, so that they hold exactly
in the replies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hived.simulator.miners.lifecycle import FAILURES, Phase, full_seconds, ramp
from hived.simulator.miners.models import CHAINS, DISABLED, Model, Preset
from hived.simulator.miners.traits import BoardTraits, Traits

HEADROOM = 1.02
"""Ideal over labelled hashrate: a captured S19j Pro on "2500 watt ~ 92 TH" had 93.6 TH/s nominal."""

TUNING_YIELD = 0.90
"""Share of the ideal rate that a tuning S21 Pro had (174 of 196 TH/s)."""

BLIND_S = 85.0
"""So long after the start of mining the chips still show no rate and grade red (seen up to 80 s)."""

IDLE_BOARD_W = 49
"""A captured unit drew 146 W with three boards initializing."""

WARM_S = 150.0
"""Time constant of heating up and cooling down."""

DEAD_BOARD = 3
LOST_FAN = 2

BoardTemps = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One hashboard (the firmware says chain)."""

    number: int
    """From 1."""
    state: str
    message: str | None
    base_mhz: int
    tuned: bool
    """Each chip runs at its own offset from base_mhz."""
    frequency: float
    voltage_mv: int
    power_w: int
    ideal_ghs: float
    rate_ghs: float
    percentage: float
    error_ghs: float
    errors: int
    sensors_c: BoardTemps
    red: int
    orange: int
    grey: int
    graded: bool
    """False: chips show no rate and grade red."""


@dataclass(frozen=True, slots=True)
class Fan:
    rpm: int
    lost: bool


@dataclass(frozen=True, slots=True)
class Pool:
    """One entry of the pool list."""

    url: str
    user: str
    devfee: bool
    status: str
    difficulty: int
    accepted: int
    rejected: int
    stale: int
    last_share_s: float | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One miner at one moment."""

    at: float
    phase: Phase
    state_seconds: int
    elapsed: int
    """Seconds of hashing."""
    boards: tuple[Board, ...]
    average_ghs: float
    stock_ghs: float
    devfee_percent: float
    fans: tuple[Fan, ...]
    fan_duty: int
    pools: tuple[Pool, ...]
    best_share: int
    warmth: float
    """0 cold, 1 at the temperature of full load."""

    @property
    def realtime_ghs(self) -> float:
        return round(sum(board.rate_ghs for board in self.boards), 3)

    @property
    def nominal_ghs(self) -> float:
        return round(sum(board.ideal_ghs for board in self.boards), 3)

    @property
    def power_w(self) -> int:
        return sum(board.power_w for board in self.boards)

    @property
    def pcb_range(self) -> tuple[int, int]:
        """Lowest and highest board temperature; 0 and 0 without boards."""
        temps = [temp for board in self.boards for temp in board.sensors_c]
        return (min(temps), max(temps)) if temps else (0, 0)

    @property
    def failure(self) -> tuple[int, str] | None:
        return FAILURES[self.phase.failure] if self.phase.failure else None


@dataclass(frozen=True, slots=True)
class Running:
    """The preset in force, and the one before it while the change still shows."""

    preset: Preset
    before: Preset
    since: float
    blend_s: float
    tuned: bool
    throttle: float = 1.0
    """Share of full power (1.3.x)."""

    def level(self, now: float) -> tuple[float, float]:
        """Return the hashrate (TH/s) and power (W) that the clocks aim at."""
        done = min(max((now - self.since) / self.blend_s, 0.0), 1.0) if self.blend_s > 0 else 1.0
        done = done * done * (3 - 2 * done)
        ths = self.before.ths + (self.preset.ths - self.before.ths) * done
        watts = self.before.watts + (self.preset.watts - self.before.watts) * done
        return ths * self.throttle, watts * self.throttle


@dataclass(frozen=True, slots=True)
class Condition:
    """What is set or broken on the unit, as far as it shows in the numbers."""

    running: Running
    pools: Sequence[tuple[str, str]]
    """Url and user of each configured pool that is not blank."""
    switches: Sequence[tuple[float, int]]
    """When which pool became the active one."""
    fan_mode: str = "auto"
    fan_param: int = 0
    dead_board: bool = False
    lost_fan: bool = False


def take(model: Model, traits: Traits, phase: Phase, condition: Condition, now: float) -> Snapshot:
    """Return what the miner shows now."""
    hashing = phase.hashing_since
    share = ramp(hashing, now) if hashing is not None else 0.0
    work_s = full_seconds(hashing, now) if hashing is not None else 0.0
    elapsed = max(now - hashing, 0.0) if hashing is not None else 0.0
    ths, watts = condition.running.level(now)
    warmth = _warmth(model, phase, watts, now)
    configured = phase.failure != "bad-config"
    boards = tuple(
        _board(model, traits, phase, condition, number, now=now, ths=ths, watts=watts, share=share, warmth=warmth)
        for number in (range(1, CHAINS + 1) if configured else ())
    )
    duty, fans = _fans(model, traits, phase, condition, boards) if configured else (0, ())
    return Snapshot(
        at=now,
        phase=phase,
        state_seconds=int(now - phase.since),
        elapsed=int(elapsed),
        boards=boards,
        average_ghs=round(sum(board.ideal_ghs * board.percentage / 100 for board in boards), 3),
        stock_ghs=model.hr_stock_ghs if phase.state != "failure" else 0.0,
        devfee_percent=round(2.8 * min(work_s / 600.0, 1.0) + 0.012 * traits.day.at(now), 3) if work_s > 120 else 0.0,
        fans=fans,
        fan_duty=duty,
        pools=_pools(model, traits, phase, condition, now),
        best_share=_best_share(traits, work_s),
        warmth=warmth,
    )


def _warmth(model: Model, phase: Phase, watts: float, now: float) -> float:
    """Follow the power with the lag of the metal."""
    load = watts / model.disabled.watts
    if phase.hashing_since is not None:
        return load * (1.0 - math.exp(-max(now - phase.hashing_since, 0.0) / WARM_S))
    if phase.state in ("stopped", "shutting-down", "restarting"):
        return load * math.exp(-max(now - phase.since, 0.0) / WARM_S)
    return 0.1


def _clock(model: Model, phase: Phase, running: Running, ths: float) -> tuple[int, bool]:
    """Return the boards' MHz, and whether each chip has its own tuned offset from it."""
    if running.preset.name == DISABLED:
        return round(model.default_mhz * running.throttle), False
    mean = ths * 1000 * HEADROOM / (CHAINS * model.chips * model.ghs_per_mhz)
    if phase.state == "auto-tuning" or not running.tuned:
        return 5 * round(mean / 5), False
    return round(mean), True


def _voltage_mv(model: Model, running: Running, ths: float) -> int:
    if running.preset.name == DISABLED:
        return model.default_10mv * 10
    return 5 * round(model.default_10mv * 10 * (0.82 + 0.15 * ths * 1000 / model.hr_stock_ghs) / 5)


def _temps(traits: Traits, board: BoardTraits, warmth: float, now: float) -> BoardTemps:
    hottest = traits.ambient_c + 3.0 * traits.day.at(now) + 34.0 * warmth + board.warmth_c + board.wobble.at(now)
    spread = 0.15 + 0.85 * min(warmth, 1.0)
    return tuple(round(hottest + offset * spread) for offset in board.sensor_offsets_c)


def _board(
    model: Model,
    traits: Traits,
    phase: Phase,
    condition: Condition,
    number: int,
    *,
    now: float,
    ths: float,
    watts: float,
    share: float,
    warmth: float,
) -> Board:
    character = traits.boards[number - 1]
    temps = _temps(traits, character, warmth, now)
    if phase.hashing_since is None:
        return _idle_board(model, phase, number, temps)
    running = condition.running
    base, tuned = _clock(model, phase, running, ths)
    total = base * model.chips + (character.steps_sum_mhz if tuned else 0)
    dead = condition.dead_board and number == DEAD_BOARD
    ideal = 0.0 if dead else round(model.ghs_per_mhz * total, 3)
    good = TUNING_YIELD if phase.state == "auto-tuning" else character.yield_
    rate = 1.756 if dead else round(ideal * good * share * (1 + 0.012 * character.wobble.at(now)), 3)
    metered = model.platform != "xil" or running.preset.name != DISABLED
    power = traits.power_factor * watts * (1 + 0.0015 * traits.power_wobble.at(now))
    power *= 0.925 if phase.state == "auto-tuning" else 1.0
    power = IDLE_BOARD_W + (power / CHAINS - IDLE_BOARD_W) * share
    work_s = full_seconds(phase.hashing_since, now)
    graded = not dead and now - phase.hashing_since > BLIND_S
    mean_share = work_s / max(now - phase.hashing_since, 1.0)
    return Board(
        number=number,
        state="mining",
        message=None,
        base_mhz=base,
        tuned=tuned,
        frequency=round(total / model.chips, 5),
        voltage_mv=_voltage_mv(model, running, ths),
        power_w=0 if not metered else IDLE_BOARD_W if dead else round(power),
        ideal_ghs=ideal,
        rate_ghs=rate,
        percentage=0.0 if dead else round(100 * good * mean_share, 2),
        error_ghs=round(character.error_rate * 13000, 3) if graded else 0.0,
        errors=int(character.error_rate * work_s),
        sensors_c=temps,
        red=character.red if graded else model.chips,
        orange=character.orange if graded else 0,
        grey=character.grey if graded else 0,
        graded=graded,
    )


def _idle_board(model: Model, phase: Phase, number: int, temps: BoardTemps) -> Board:
    """Return a board that does not hash. While initializing it already has its voltage."""
    initializing = phase.state == "initializing"
    failed = phase.state == "failure" and number == DEAD_BOARD
    state = "initializing" if phase.state in ("initializing", "starting", "restarting") else "stopped"
    return Board(
        number=number,
        state="failure" if failed else state,
        message="Failed to start" if failed else None,
        base_mhz=0,
        tuned=False,
        frequency=0.0,
        voltage_mv=15000 if initializing else 0,
        power_w=IDLE_BOARD_W if initializing else 0,
        ideal_ghs=0.0,
        rate_ghs=0.0,
        percentage=0.0,
        error_ghs=0.0,
        errors=0,
        sensors_c=temps,
        red=model.chips,
        orange=0,
        grey=0,
        graded=False,
    )


def _fans(
    model: Model, traits: Traits, phase: Phase, condition: Condition, boards: Sequence[Board]
) -> tuple[int, tuple[Fan, ...]]:
    if phase.state == "failure":
        return 0, tuple(Fan(0, lost=False) for _ in traits.fan_offsets_rpm)
    immersed = condition.fan_mode in ("immers", "immersion")  # all fans are told as lost then
    hottest = max(max(board.sensors_c) for board in boards)
    duty = min(max(30 + 3 * (hottest - 42), 30), 100)
    if phase.state == "stopped":
        duty = 10
    if condition.fan_mode == "manual":
        duty = condition.fan_param
    elif immersed:
        duty = 0
    fans = []
    for index, offset in enumerate(traits.fan_offsets_rpm):
        rpm = min(max(60 * round((model.max_rpm * duty / 100 + offset) / 60), 0), model.max_rpm) if duty else 0
        lost = immersed or (condition.lost_fan and index == LOST_FAN)
        fans.append(Fan(0 if lost else rpm, lost=lost))
    return duty, tuple(fans)


def _best_share(traits: Traits, work_s: float) -> int:
    """Grow in steps with the work done; the unit's own luck is the end of it."""
    halvings = max(0, 16 - int(math.log2(work_s + 1)))
    return traits.best_share >> halvings if work_s else 0


def _pools(model: Model, traits: Traits, phase: Phase, condition: Condition, now: float) -> tuple[Pool, ...]:
    configured = condition.pools if phase.failure != "bad-config" else ()
    difficulty = 131072 if model.hr_stock_ghs < 150_000 else 262144
    shares_per_s = model.hr_stock_ghs * 0.9e9 / (difficulty * 2**32)
    active = condition.switches[-1][1] if condition.switches else 0
    pools = []
    for index, (url, user) in enumerate(configured):
        work = _work_on(index, phase, condition.switches, now)
        accepted = int(shares_per_s * work)
        idle = not (phase.hashing_since is not None and index == active)
        used = accepted > 0 or not idle
        last = (shares_per_s * work - accepted) / shares_per_s if accepted and not idle else None
        status = "working" if idle else "active"
        pools.append(
            Pool(
                url=url,
                user=user,
                devfee=False,
                status=status if phase.hashing_since is not None else "unknown",
                difficulty=difficulty if used else 0,
                accepted=accepted,
                rejected=int(accepted * traits.rejects),
                stale=int(accepted * traits.rejects / 2),
                last_share_s=last,
            )
        )
    work = full_seconds(phase.hashing_since, now) if phase.hashing_since is not None else 0.0
    accepted = int(0.028 * shares_per_s * difficulty / 16384 * work)
    serving = work > 0 and now % 3600 < 100  # the fee is taken in slices: about 2.8 % of each hour
    pools.append(
        Pool(
            url="DevFee",
            user="DevFee",
            devfee=True,
            status="active" if serving else "working",
            difficulty=16384 if accepted else 0,
            accepted=accepted,
            rejected=int(accepted * traits.rejects),
            stale=0,
            last_share_s=(now % 3600 if not serving else 5.0) if accepted else None,
        )
    )
    return tuple(pools)


def _work_on(index: int, phase: Phase, switches: Sequence[tuple[float, int]], now: float) -> float:
    """Return the full-rate seconds spent on one pool since hashing began."""
    began = phase.hashing_since
    if began is None:
        return 0.0
    total, active, since = 0.0, 0, began
    for moment, pool in [*switches, (now, -1)]:
        moment = min(max(moment, began), now)
        if active == index:
            total += full_seconds(began, moment) - full_seconds(began, since)
        active, since = pool, moment
    return total
