"""A clock that moves only when a test says so."""

from __future__ import annotations


class FakeClock:
    """Call it for the time, s. Stands in for time.time and time.monotonic alike."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += seconds

    async def sleep(self, seconds: float) -> None:
        """Let the seconds pass at once: what a beat or a service takes as its sleep."""
        self.advance(seconds)
