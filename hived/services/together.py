"""Writes that come at the same time go into one transaction: each commit waits for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from hived.errors import Transient
from hived.store import Database, Store

T = TypeVar("T")
R = TypeVar("R")


class Together(Generic[T, R]):
    """Passes on what several tasks have to write, all that waits at a time, and gives each its own result."""

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[Sequence[R]]]) -> None:
        self._write = write
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._turn = asyncio.Lock()

    async def write(self, item: T) -> R:
        """Write one item; raises what the transaction raises in which it is."""
        result: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, result))
        async with self._turn:
            if not result.done():  # else it went with those of another task
                await self._write_waiting()
        return await result

    async def _write_waiting(self) -> None:
        items, self._waiting = self._waiting, []
        try:
            results = await self._write([item for item, _ in items])
        except BaseException as err:
            for _, future in items:
                if not future.done():
                    future.set_exception(err if isinstance(err, Exception) else Transient("broken off"))
                    future.exception()  # whoever waits no longer need not hear it
            if not isinstance(err, Exception):
                raise
        else:
            for (_, future), one in zip(items, results, strict=True):
                if not future.done():
                    future.set_result(one)


def calls(store: Store) -> Together[Callable[[Database], Any], Any]:
    """Return what runs functions of the database in one transaction, as many as come at the same time."""
    return Together(lambda several: store.write(_call_all, several))


def _call_all(db: Database, several: Sequence[Callable[[Database], Any]]) -> list[Any]:
    return [one(db) for one in several]
