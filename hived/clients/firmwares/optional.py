"""Parts of a reading that a miner may do without: one that fails costs itself, and is asked for ever more rarely."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar

from hived.errors import Refused, Transient
from hived.runtime import backoff

FIRST_PAUSE_S = 10.0  # shorter than the usual interval of polls: what fails once is asked for in the next one
LONGEST_PAUSE_S = 900.0
MAX_REMEMBERED = 8192  # more than a site of 5,000 has

T = TypeVar("T")


@dataclass(slots=True)
class _Failing:
    failures: int
    until: float
    why: Transient | Refused


class OptionalParts:
    """Remembers which parts fail, by whatever names them."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._failing: OrderedDict[Hashable, _Failing] = OrderedDict()

    async def get(self, part: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what `ask` brings; while the part is left alone, raise the Transient or Refused of its last try."""
        failing = self._failing.get(part)
        if failing is not None and self._monotonic() < failing.until:
            raise failing.why
        try:
            told = await ask()
        except (Transient, Refused) as err:
            failures = failing.failures if failing else 0
            pause = backoff.pause(failures, FIRST_PAUSE_S, LONGEST_PAUSE_S, spread=0.1)
            self._failing[part] = _Failing(failures + 1, self._monotonic() + pause, err.with_traceback(None))
            self._failing.move_to_end(part)
            while len(self._failing) > MAX_REMEMBERED:
                self._failing.popitem(last=False)
            raise
        self._failing.pop(part, None)
        return told
