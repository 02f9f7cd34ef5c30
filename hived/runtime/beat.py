"""One piece of work that a daemon repeats, and how it waits when something outside fails."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import islice

from hived.errors import Transient, leaves
from hived.runtime.backoff import pause
from hived.runtime.tally import Tally
from hived.runtime.waits import first_of

log = logging.getLogger(__name__)

MOST_REASONS = 10  # a sweep can fail in thousands of tasks for one reason
SLACK_S = 10.0  # what a cancelled tick may need to close its connections before it counts as hung


@dataclass(slots=True, eq=False)
class Beat:
    """One piece of work repeated for ever. A tick must be safe to cancel at any await.

    The next tick starts `every` seconds after the last one started; beats that were missed meanwhile (a long tick, a
    suspended machine) are skipped, never made up. `limit`: seconds a tick may take without a sign of progress.
    """

    name: str
    tick: Callable[[], Awaitable[object]]
    every: float
    limit: float
    backoff_max: float = 300.0
    """The longest pause after failures, s; an `every` beyond it is the pause itself."""
    spread: float = 1.0
    """The first tick waits up to so many seconds: no herd after a power cut."""
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    random: Callable[[float, float], float] = field(default=random.uniform, repr=False)
    sleep: Callable[[float], Awaitable[object]] = field(default=asyncio.sleep, repr=False)
    wake: asyncio.Event = field(default_factory=asyncio.Event, init=False, repr=False)
    """Set it and the next tick starts at once, or as soon as the running one is done."""
    failures: int = field(default=0, init=False)
    """Failed ticks in a row."""
    last_error: str | None = field(default=None, init=False)
    tally: Tally = field(default_factory=Tally, init=False, repr=False)
    """How long its ticks took, how many failed, and when one last worked."""
    _began: float = field(default=-math.inf, init=False, repr=False)
    _due: float = field(default=math.inf, init=False, repr=False)
    _timer: asyncio.Timeout | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if not (self.every > 0 and self.limit > 0):
            raise ValueError(f"beat {self.name}: every and limit must be above 0")

    async def attempt(self) -> bool:
        """Tick once; return whether it worked. A broken world is counted and logged, a bug raises."""
        self._began = self.clock()
        self._due = self._began + self.limit
        try:
            async with asyncio.timeout(self.limit) as self._timer:
                await self.tick()
        except (Transient, TimeoutError) as err:  # the world is broken: wait. The rest is our bug: crash.
            self._failed(self._reason(err))
        except ExceptionGroup as group:  # the same, from the tasks of a tick
            if group.split((Transient, TimeoutError))[1] is not None:
                raise
            self._failed(", ".join(self._reason(err) for err in islice(leaves(group), MOST_REASONS)))
        else:
            if self.failures:
                log.info("%s recovered after %d failure%s", self.name, self.failures, "s" if self.failures > 1 else "")
            self.failures, self.last_error = 0, None
            self.tally.put("beat_last_success_timestamp_seconds", time.time(), self.name)
        finally:
            self._timer = None
            self.tally.took("beat_duration_seconds", self.clock() - self._began, self.name)
        return not self.failures

    async def repeat(self) -> None:
        """Tick for ever, until cancelled or a tick meets a bug."""
        await self._rest(self.random(0.0, self.spread))
        while True:
            await self.attempt()
            await self._rest(self.pause())

    def pause(self) -> float:
        """Return the seconds to the next tick: up to the next beat, after failures doubled each time (+-10 %)."""
        if self.failures:
            longest = max(self.every, self.backoff_max)
            return pause(self.failures, self.every, longest, spread=0.1, uniform=self.random)
        return self.every - (self.clock() - self._began) % self.every

    def touch(self) -> None:
        """Report progress from within a long tick: its limit counts from here again."""
        if self._timer is None or self._timer.expired():
            return
        self._due = self.clock() + self.limit
        self._timer.reschedule(asyncio.get_running_loop().time() + self.limit)

    def hung(self) -> bool:
        """Tell whether a sign of life is overdue: a tick that ignores its limit, or a pause that does not end."""
        return self.clock() > self._due + SLACK_S

    async def _rest(self, seconds: float) -> None:
        self._due = self.clock() + seconds
        await first_of(self.sleep(seconds), self.wake.wait())
        self.wake.clear()

    def _failed(self, reason: str) -> None:
        self.failures += 1
        self.last_error = reason
        self.tally.count("beat_failures_total", self.name)
        level = logging.WARNING if self.failures == 1 else logging.DEBUG
        log.log(level, "%s failed (%d): %s", self.name, self.failures, reason)

    def _reason(self, err: BaseException) -> str:
        if self._timer is not None and self._timer.expired() and isinstance(err, TimeoutError):
            return f"no progress within {self.limit:g} s"
        return f"{type(err).__name__}: {err}" if str(err) else type(err).__name__
