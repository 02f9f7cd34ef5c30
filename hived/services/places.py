"""Work on many devices, so many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

SLOW_AFTER_S = 1.0
"""A device that has not answered by now is waited for without a place: its place goes to the next one."""


class Places:
    """So many work at a time; who takes long goes on without a place, so that a hundred hung devices delay nobody."""

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work as soon as there is a place, and return when it is done."""
        task: asyncio.Task[None] | None = None
        try:
            async with self._free:
                task = asyncio.create_task(work)
                await asyncio.wait({task}, timeout=SLOW_AFTER_S)
            await task
        finally:
            if task is None:
                work.close()
            elif not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
