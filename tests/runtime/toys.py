"""Tiny daemons that the system tests start as real processes: python -m tests.runtime.toys NAME [flags]."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading

from hived.errors import BadConfig, Refused, SchemaMismatch, Transient
from hived.runtime import runner
from hived.runtime.config import Config
from hived.runtime.launch import launch
from hived.runtime.runner import Beat, Life


def say(text: str) -> None:
    """Tell the test, which reads standard output."""
    print(text, flush=True)


async def _nothing() -> None:
    pass


def _beat(tick: object = _nothing, every: float = 3600.0, limit: float = 60.0) -> Beat:
    assert callable(tick)
    return Beat("work", tick, every, limit, spread=0.0)


async def steady(config: Config, life: Life) -> None:
    """Open, tick, close, and say so."""
    say(f"open {config.network.port}")

    async def tick() -> None:
        say(f"tick {config.network.port}")

    try:
        await life.run([_beat(tick)], lambda: f"port {config.network.port}")
    finally:
        say("closed")


async def picky(config: Config, life: Life) -> None:
    """Cannot work with port 99."""
    if config.network.port == 99:
        raise Refused("port 99 is taken")
    await steady(config, life)


async def failing(_config: Config, life: Life) -> None:
    """Two beats, the first of which meets a broken world."""

    async def broken() -> None:
        raise Transient("the world is broken")

    async def fine() -> None:
        say("second beat")

    await life.run([_beat(broken), _beat(fine)])


async def buggy(_config: Config, life: Life) -> None:
    async def tick() -> None:
        raise KeyError("a bug")

    try:
        await life.run([_beat(tick), Beat("other", _nothing, 1, 1)])
    finally:
        say("closed")


async def refused_later(_config: Config, life: Life) -> None:
    """Two tasks of one beat are refused for the same reason, one for another."""

    async def no(text: str) -> None:
        raise Refused(text)

    async def tick() -> None:
        async with asyncio.TaskGroup() as group:
            for text in ("the file\nis closed", "the file\nis closed", "the port is taken"):
                group.create_task(no(text))

    await life.run([_beat(tick)])


async def self_cancelled(_config: Config, life: Life) -> None:
    async def tick() -> None:
        raise asyncio.CancelledError

    await life.run([_beat(tick)])


async def refused_start(_config: Config, _life: Life) -> None:
    raise Refused("the port\nis taken")


async def wrong_schema(_config: Config, _life: Life) -> None:
    raise SchemaMismatch("the database has schema 7, this program needs 8: run hivectl migrate")


async def bad_config(_config: Config, _life: Life) -> None:
    raise BadConfig("http.tls: the certificate does not exist")


async def broken_start(_config: Config, _life: Life) -> None:
    raise KeyError("a bug at start")


async def slow_start(_config: Config, _life: Life) -> None:
    say("starting")
    try:
        await asyncio.Event().wait()
    finally:
        say("given up")


async def quiet(_config: Config, life: Life) -> None:
    """No beat at all, as hive-apid may be."""
    await life.run([])


async def stubborn(_config: Config, life: Life) -> None:
    """A tick that swallows every cancellation."""

    async def tick() -> None:
        say("tick")
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                say("swallowed")

    try:
        await life.run([_beat(tick)])
    finally:
        say("closed")


async def hard_of_hearing(_config: Config, life: Life) -> None:
    """A tick that swallows its first cancellation."""

    async def tick() -> None:
        say("tick")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            say("swallowed")
        await asyncio.Event().wait()

    await life.run([_beat(tick)])


async def slow(_config: Config, life: Life) -> None:
    """A tick that waits for something that does not come."""

    async def tick() -> None:
        say("tick")
        await asyncio.Event().wait()

    await life.run([_beat(tick)])


async def blocked(_config: Config, life: Life) -> None:
    """A tick that holds the loop itself."""

    async def tick() -> None:
        say("tick")
        threading.Event().wait()

    await life.run([_beat(tick)])


async def hung(_config: Config, life: Life) -> None:
    """A beat that stops giving signs of life once SIGUSR1 came; its clock runs away, the loop turns on."""
    late = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, late.set)
    beat = _beat()
    beat.clock = lambda: 1e9 if late.is_set() else 0.0
    await life.run([beat])


def main() -> int:
    name = sys.argv.pop(1)
    # A test that waits for the whole of every deadline is a slow one: shrink all of them alike.
    haste = float(os.environ.get("HIVED_TEST_HASTE", "1"))
    runner.STOP_S, runner.CANCEL_S, runner.NUDGE_S = (
        s / haste for s in (runner.STOP_S, runner.CANCEL_S, runner.NUDGE_S)
    )
    return launch(f"hive-{name}", f"tests.runtime.toys:{name}", extra_flags=["--addr"])


if __name__ == "__main__":
    sys.exit(main())
