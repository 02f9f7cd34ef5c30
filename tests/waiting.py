"""Waiting for something that another process or connection does, without sleeping longer than it takes."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import time
from collections.abc import Awaitable, Callable

LOOK_EVERY_S = 0.02


async def until(condition: Callable[[], object] | Callable[[], Awaitable[object]], within_s: float = 10.0) -> None:
    """Return as soon as `condition()` is true; AssertionError with its source when it is not in time."""
    deadline = time.monotonic() + within_s
    while True:
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {inspect.getsource(condition).strip()}"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY_S):
                await asyncio.Event().wait()
