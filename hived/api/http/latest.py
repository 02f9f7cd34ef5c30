"""What a query of the database says, for many who want to know it all the time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from hived.errors import Transient
from hived.store import Database, Store

T = TypeVar("T")
LOOK_S = 1.0


class Latest(Generic[T]):
    """Asked at most every `LOOK_S` seconds, and only when something was committed."""

    def __init__(self, store: Store, query: Callable[[Database], T]) -> None:
        self._store, self._query = store, query
        self._lock = asyncio.Lock()
        self._mark: int | None = None
        self._looked_at: float | None = None
        self._found: T | None = None

    async def now(self) -> T | None:
        """Return the answer; while the database is busy the one before, None when there was none."""
        async with self._lock:
            at = asyncio.get_running_loop().time()
            if self._looked_at is None or at - self._looked_at >= LOOK_S:
                self._looked_at = at
                with suppress(Transient):
                    await self._look()
        return self._found

    async def _look(self) -> None:
        mark = await self._store.changed()
        if mark != self._mark:
            self._found = await self._store.read(self._query)
            self._mark = mark
