"""What failed on a miner is left alone for longer each time, part by part."""

from __future__ import annotations

import time
from collections.abc import Callable

from hived.runtime import backoff

FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 600.0
"""A try costs a miner that does not answer one place for a second; ten minutes are what its repair may go unnoticed."""


class Pauses:
    """Who is left alone with what. By monotonic time: a clock that is set neither ends a pause nor draws it out."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._kept: dict[int, dict[str, tuple[int, float]]] = {}
        """Failures in a row and the end of the pause, by the miner's number and the part."""

    def is_over(self, num: int, part: str) -> bool:
        """Tell whether the part may be tried."""
        return self._kept.get(num, {}).get(part, (0, 0.0))[1] <= self._monotonic()

    def failed(self, num: int, part: str) -> int:
        """Note a failure; return how many there were in a row."""
        failures = self._kept.get(num, {}).get(part, (0, 0.0))[0]
        until = self._monotonic() + backoff.pause(failures, FIRST_PAUSE_S, LONGEST_PAUSE_S, spread=0.1)
        self._kept.setdefault(num, {})[part] = failures + 1, until
        return failures + 1

    def end(self, num: int, part: str | None = None) -> None:
        """Forget the failures of a part, or of all of them."""
        if part is None:
            self._kept.pop(num, None)
        else:
            self._kept.get(num, {}).pop(part, None)
