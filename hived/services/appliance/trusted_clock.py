"""Whether the clock can be believed: what is deleted because it is old must be old.

A clock that jumps, ahead or back, is in doubt until it has gone on for an hour without another jump, or is back where
it was. A box without a battery for its clock starts years ago and jumps when the first time server answers; one with a
wrong time server may live next year for a minute.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

JUMP_S = 900.0
"""A clock that is put right by less changes no history that is worth a doubt."""
DOUBT_S = 3600.0
OFF_S = 2 * 86_400.0
"""A box that was off for so long is believed at once; after a longer rest it waits the hour."""


class TrustedClock:
    """The wall clock beside the one that only goes on. `seen`: when this box was last sure of the time."""

    def __init__(self, wall: Callable[[], float], monotonic: Callable[[], float], seen: float | None) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._ahead = wall() - monotonic()
        """The wall clock less the other one, as it was last looked at."""
        self._good = self._ahead if seen is None or -JUMP_S <= wall() - seen < OFF_S else None
        self._seen_ahead = None if seen is None else seen - monotonic()
        self._since = monotonic()
        self._doubted = False
        if self._good is None:
            self._doubt(wall() - (seen or 0.0))

    def sure(self) -> float | None:
        """Return the time, None while it is in doubt."""
        now, elapsed = self._wall(), self._monotonic()
        ahead = now - elapsed
        if abs(ahead - self._ahead) > JUMP_S:
            if self._good is not None and abs(self._ahead - self._good) <= JUMP_S:
                self._doubt(ahead - self._ahead)
            self._since = elapsed
        self._ahead = ahead
        if not self._is_good(ahead) and elapsed - self._since < DOUBT_S:
            return None
        if self._doubted:
            log.info("the clock is trusted again")
        self._doubted = False
        self._good = ahead
        return now

    def likely(self) -> float | None:
        """Return the time as it would be without the jump; None when this box never knew it."""
        ahead = self._good if self._good is not None else self._seen_ahead
        return None if ahead is None else self._monotonic() + ahead

    def _is_good(self, ahead: float) -> bool:
        if self._good is not None:
            return abs(ahead - self._good) <= JUMP_S
        return self._seen_ahead is not None and -JUMP_S <= ahead - self._seen_ahead < OFF_S

    def _doubt(self, by_s: float) -> None:
        self._doubted = True
        log.warning(
            "the clock jumped %s by %.1f h: nothing is summed up or deleted by age until it is steady for an hour",
            "ahead" if by_s > 0 else "back", abs(by_s) / 3600,
        )  # fmt: skip
