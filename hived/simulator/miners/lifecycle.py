"""What state a simulated miner is in: a plan of dated phases, so that the state is a function of time alone.

No timer runs. A command replaces the future of the plan; reading it never changes it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal

State = Literal[
    "mining", "initializing", "starting", "auto-tuning", "restarting", "shutting-down", "stopped", "failure"
]
Outcome = Literal["mining", "auto-tuning", "bad-config", "failed-board"]
"""Where a start leads to."""

HASHING: frozenset[str] = frozenset({"mining", "auto-tuning"})

FAILURES: dict[str, tuple[int, str]] = {
    "bad-config": (1002, "Failed to parse miner configuration"),
    "failed-board": (1003, "Chain 3 failed to start"),  # code and words are ours: only 1002 is public
}

RAMP_S = 50.0
"""Time constant of the start: a captured S19 had 79 % of its rate after 80 s."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds that the miner takes for things. Shorten them where a person or a test waits."""

    shutting_down: float = 5.0
    restarting: float = 18.0
    starting: float = 10.0
    initializing: float = 60.0
    tuning: float = 3 * 3600.0
    preset_blend: float = 30.0
    """From the old preset's power to the new one's."""
    reboot_after: float = 3.0
    reboot_away: float = 40.0

    def hastened(self, factor: float) -> Timings:
        """Return the same course of events, factor times as fast."""
        return Timings(*(getattr(self, name) / factor for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Phase:
    """One state from one moment (clock seconds) on."""

    state: State
    since: float
    hashing_since: float | None = None
    failure: str | None = None
    """Key of FAILURES."""


class Lifecycle:
    """The plan of one miner."""

    def __init__(self, timings: Timings, now: float, *, hashing_for: float, outcome: Outcome = "mining") -> None:
        self.timings = timings
        self.outcome: Outcome = outcome
        self.paused = False
        since = now - hashing_for
        self._phases: list[Phase] = [Phase("mining", since, hashing_since=since)]

    def at(self, now: float) -> Phase:
        """Return the phase in force at a moment; before all phases, the first."""
        index = bisect_right(self._phases, now, key=lambda phase: phase.since) - 1
        return self._phases[max(index, 0)]

    def start(self, now: float) -> None:
        """Begin to mine, unless the miner already does or is about to."""
        if self.at(now).state in ("stopped", "failure", "shutting-down"):
            self.paused = False
            self._go(now, ("starting", self.timings.starting), ("initializing", self.timings.initializing))

    def stop(self, now: float) -> None:
        if self.at(now).state not in ("stopped", "shutting-down"):
            self.paused = False
            self._replace(
                now,
                Phase("shutting-down", now),
                Phase("stopped", now + self.timings.shutting_down),
            )

    def restart(self, now: float) -> None:
        self.paused = False
        self._go(
            now,
            ("restarting", self.timings.restarting),
            ("initializing", self.timings.initializing),
        )

    def reboot(self, now: float, *, stay_stopped: bool = False) -> None:
        """Begin again after a reboot of the control board that is over now."""
        if stay_stopped and self.at(now).state == "stopped":
            self._replace(now, Phase("stopped", now))
            return
        self.paused = False
        self._go(now, ("starting", self.timings.starting), ("initializing", self.timings.initializing))

    def pause(self, now: float) -> bool:
        """Stop hashing at once. Return False when the miner does not hash."""
        if self.at(now).state not in HASHING:
            return False
        self.paused = True
        self._replace(now, Phase("stopped", now))
        return True

    def resume(self, now: float) -> bool:
        """Go on after a pause, without initialising again. Return False when the miner is not paused."""
        if not self.paused:
            return False
        self.paused = False
        self._go(now)
        return True

    def tune(self, now: float) -> None:
        """Tune the preset for hours, then mine. Hashing goes on meanwhile."""
        self.outcome = "auto-tuning"
        current = self.at(now)
        if current.state not in HASHING:
            return
        began = current.hashing_since
        self._replace(
            now,
            Phase("auto-tuning", now, hashing_since=began),
            Phase("mining", now + self.timings.tuning, hashing_since=began),
        )

    def settle(self, now: float) -> None:
        """End a tuning run before its time: another preset was chosen."""
        current = self.at(now)
        if current.state == "auto-tuning":
            self._replace(now, Phase("mining", now, hashing_since=current.hashing_since))

    def force(self, state: State, now: float, *, since: float | None = None, failure: str | None = None) -> None:
        """Be in a state from now on (or, for a fleet that starts, as if since then), whatever came before."""
        since = now if since is None else since
        self.paused = False
        hashing = since if state in HASHING else None
        phase = Phase(state, since, hashing_since=hashing, failure=failure)
        if state == "auto-tuning":
            self._replace(since, phase, Phase("mining", since + self.timings.tuning, hashing_since=hashing))
        elif state == "starting":
            self._go(since, ("starting", self.timings.starting), ("initializing", self.timings.initializing))
        elif state == "initializing":
            self._go(since, ("initializing", self.timings.initializing))
        elif state == "restarting":
            self.restart(since)
        elif state == "shutting-down":
            self._replace(since, phase, Phase("stopped", since + self.timings.shutting_down))
        else:
            self._replace(since, phase)

    def _go(self, now: float, *steps: tuple[State, float]) -> None:
        """Plan the way through the given states to the outcome."""
        phases, moment = [], now
        for state, seconds in steps:
            phases.append(Phase(state, moment))
            moment += seconds
        if self.outcome == "mining":
            phases.append(Phase("mining", moment, hashing_since=moment))
        elif self.outcome == "auto-tuning":
            phases.append(Phase("auto-tuning", moment, hashing_since=moment))
            phases.append(Phase("mining", moment + self.timings.tuning, hashing_since=moment))
        else:
            phases.append(Phase("failure", moment, failure=self.outcome))
        self._replace(now, *phases)

    def _replace(self, now: float, *phases: Phase) -> None:
        self._phases = [*[phase for phase in self._phases if phase.since < now][-1:], *phases]


def ramp(hashing_since: float, now: float) -> float:
    """Return the share of the full rate that is reached (0 to 1)."""
    return 1.0 - math.exp(-max(now - hashing_since, 0.0) / RAMP_S)


def full_seconds(hashing_since: float, now: float) -> float:
    """Return how long the miner would have needed at its full rate for the work done so far: the ramp's integral."""
    seconds = max(now - hashing_since, 0.0)
    return seconds - RAMP_S * (1.0 - math.exp(-seconds / RAMP_S))
