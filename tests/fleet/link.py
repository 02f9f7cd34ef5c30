"""A network link between a node and its master that can be cut in the ways real ones are."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from enum import Enum

CHUNK_BYTES = 16 * 1024


class State(Enum):
    """What the link does."""

    WHOLE = "whole"
    REFUSED = "refused"
    """Nobody listens: the cable is fine, the host is not there."""
    SILENT = "silent"
    """Connections are taken and nothing comes through."""
    DEAF = "deaf"
    """What the node says arrives, the answer is lost: the worst moment for "exactly once"."""


class Link:
    """Forwards one local port to another. `async with` it; `set` changes what it does and breaks what is open."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.state = State.WHOLE
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Transport] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Link:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._close_all()
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def set(self, state: State) -> None:
        """Be whole or broken from now on; open connections are reset."""
        self.state = state
        self._close_all()
        if state is State.REFUSED and self._server is not None:
            self._server.close()
            self._server = None
        elif state is not State.REFUSED and self._server is None:
            await self._listen()

    async def shake(self, rng: random.Random) -> None:
        """Change to a random state, more often whole than not."""
        await self.set(rng.choice([State.WHOLE, State.WHOLE, State.WHOLE, State.REFUSED, State.SILENT, State.DEAF]))

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _close_all(self) -> None:
        for transport in list(self._open):
            transport.abort()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer.transport)  # type: ignore[arg-type]
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._forward(reader, writer)
        finally:
            self._tasks.discard(task)
            self._open.discard(writer.transport)
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.state is State.SILENT:
            await reader.read()  # until it is reset
            return
        far_reader, far_writer = await asyncio.open_connection(*self.target)
        self._open.add(far_writer.transport)  # type: ignore[arg-type]
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, far_writer, answers=False))
                group.create_task(self._pump(far_reader, writer, answers=True))
        except* OSError:
            pass
        finally:
            self._open.discard(far_writer.transport)
            far_writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        while data := await reader.read(CHUNK_BYTES):
            if answers and self.state is State.DEAF:
                raise ConnectionResetError("the answer is lost")
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError("the other side has closed")
