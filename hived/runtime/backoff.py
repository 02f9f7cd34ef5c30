"""How long to leave alone what failed."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable

SHORTEST_S = 5.0
LONGEST_S = 900.0  # 15 minutes: a master that is back is used soon, also by nodes that hear nothing of it


def pause(
    failures: int,
    first_s: float,
    longest_s: float,
    *,
    spread: float = 0.0,
    uniform: Callable[[float, float], float] = random.uniform,
) -> float:
    """Return `first_s` doubled for each of the failures before this one, at most `longest_s`.

    `spread`: the part of it by which it may be shorter or longer, so that what failed together does not come back
    together.
    """
    wait: float = min(first_s * 2.0 ** min(failures, 64), longest_s)
    return wait * uniform(1 - spread, 1 + spread) if spread else wait


class Backoff:
    """Growing pauses with full jitter: a hundred nodes whose master was away do not come back at one time.

    Monotonic time: a wall clock that jumps neither stalls it nor hurries it.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._monotonic, self._uniform = monotonic, uniform
        self.failures = 0
        """In a row."""
        self._until = -math.inf

    def ready(self) -> bool:
        """Tell whether the pause is over."""
        return self._monotonic() >= self._until

    def failed(self, retry_after_s: float | None = None) -> float:
        """Count a failure and return how long to wait, s; what the other side asked for wins."""
        self.failures += 1
        if retry_after_s is None:
            return self.rest(self._uniform(SHORTEST_S, pause(self.failures, SHORTEST_S, LONGEST_S)))
        return self.rest(retry_after_s)

    def rest(self, seconds: float) -> float:
        """Wait so long."""
        self._until = self._monotonic() + seconds
        return seconds

    def clear(self) -> None:
        """Forget the failures; the next try is due at once."""
        self.failures, self._until = 0, -math.inf
