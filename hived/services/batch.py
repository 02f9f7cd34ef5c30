"""Many small results, few transactions."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from hived.errors import Transient

log = logging.getLogger(__name__)

T = TypeVar("T")

FLUSH_EVERY_S = 0.5
"""How long a result waits for company; a page shows it within a second all the same."""

MAX_WAITING = 20_000
"""Results kept while the database takes none (disk full, locked): a minute and a half of a site of 1,000."""


class Batch(Generic[T]):
    """Collects results and writes them together; when writing fails they wait, and the oldest are lost first."""

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[None]], *, most: int = MAX_WAITING) -> None:
        self._write = write
        self._waiting: deque[T] = deque(maxlen=most)
        self._lock = asyncio.Lock()
        self.lost = 0
        """Since it last could be written."""
        self.lost_in_all = 0

    def add(self, item: T) -> None:
        """Keep one more result for the next flush."""
        if len(self._waiting) == self._waiting.maxlen:
            self.lost += 1
            self.lost_in_all += 1
            if self.lost == 1:
                log.error("the database takes no writes: the oldest of %d waiting results are lost", len(self._waiting))
        self._waiting.append(item)

    async def flush(self) -> None:
        """Write all that waits in one transaction. Transient, with everything kept, when the database is busy."""
        async with self._lock:
            items = list(self._waiting)
            if not items:
                return
            self._waiting.clear()
            try:
                await self._write(items)
            except (Transient, asyncio.CancelledError):
                self._waiting.extendleft(reversed(items))
                raise
            if self.lost:
                log.warning("the database takes writes again; %d results were lost", self.lost)
                self.lost = 0

    def __len__(self) -> int:
        return len(self._waiting)
