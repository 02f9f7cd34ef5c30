"""How a daemon lives: beats that repeat, signals that end or reload it, systemd that is told."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from hived.errors import BadConfig, Damaged, Replaced
from hived.runtime import notify
from hived.runtime.beat import Beat
from hived.runtime.config import Config
from hived.runtime.retry import retry
from hived.runtime.tally import Numbers, together
from hived.runtime.waits import first_of

__all__ = ["Beat", "Life"]

log = logging.getLogger(__name__)

STOP_S = 4.5  # the promise is 5 s; the rest is for the interpreter's own end
CANCEL_S = 3.0  # what beats get of it; closing the store and the sockets needs the rest
NUDGE_S = 1.5  # a tick that swallowed its cancellation gets another one
STATUS_S = 10.0  # how old the line in `systemctl status` may be
PINGS = 3  # per watchdog period: one may be late, one may be lost

Status = Callable[[], str]
T = TypeVar("T")


class Life:
    """One run of a daemon. The daemon opens what it needs, then awaits `run`, then closes what it opened.

    `once`: every beat has one tick and `run` returns. `reload` reads the configuration anew (raises BadConfig).
    """

    def __init__(self, *, once: bool = False, reload: Callable[[], Config] | None = None) -> None:
        self.once = once
        self.exit_code = 0
        self.new_config: Config | None = None
        """Set when `run` returned because of a reload."""
        self.retries = not once
        """Whether the start waits for what is missing. After a reload it does not: the old configuration works."""
        self.started = False
        """Whether `run` was reached: what fails before is the start."""
        self.hanging: list[str] = []
        """Beats that ignored their cancellation: the process cannot end by itself."""
        self._reload = reload
        self._stop = asyncio.Event()
        self._hangup = asyncio.Event()
        self.stopping = False
        """Whether the end was asked for. A signal handler sets it at once, also while the loop hangs."""
        self._main: asyncio.Task[None] | None = None
        self._notifier = notify.Notifier()
        self._beats: Sequence[Beat] = ()

    def stop(self) -> None:
        """Ask for the end: `run` returns. Before `run` was reached, the start is given up."""
        self.stopping = True
        self._stop.set()
        if self._main is not None and not self.started:
            self._main.cancel()

    def hangup(self) -> None:
        """Ask for a reload of the configuration."""
        self._hangup.set()

    def begin(self, main: asyncio.Task[None], *, reloaded: bool = False) -> None:
        """Belong to this task from here: the first one, or the one after a reload."""
        self.retries = not self.once and not reloaded
        if not self.stopping:
            faulthandler.cancel_dump_traceback_later()
        self._main, self.started, self.new_config = main, False, None

    def close(self) -> None:
        """Give the notification socket back."""
        self._notifier.close()

    def words(self, status: Status) -> Status:
        """Return a status that first says which beats fail, and why: what the daemon's own row and systemd tell."""
        return lambda: "; ".join([*_failing(self._beats), status()])

    def numbers(self, *more: Callable[[], Numbers]) -> Callable[[], Numbers]:
        """Return what gives all that the daemon counts about itself: of its beats, and `more`."""
        return lambda: together([*(beat.tally.numbers() for beat in self._beats), *(part() for part in more)])

    async def retry(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do what the start needs, and retry until it works unless `retries` is False."""
        return await (retry(work, self.waiting) if self.retries else work())

    def waiting(self, why: str) -> None:
        """Tell systemd that the daemon is well and waits for something outside.

        Call it every few seconds: systemd ends a start that takes too long, and a reload without a sign of life.
        """
        self._notifier.send("READY=1", notify.status(why), "WATCHDOG=1")

    async def run(self, beats: Sequence[Beat], status: Status | None = None) -> None:
        """Repeat the beats until the end or a reload is asked for; raise what a beat raised that is a bug.

        Call it when everything is open: systemd is told that the daemon is ready. `status` is the line for
        `systemctl status`, asked for every few seconds.
        """
        self.started, self._beats = True, beats
        try:
            if self.once:
                await self._round(beats)
            else:
                await self._repeat(beats, status or (lambda: "working"))
        finally:
            if self._main is not None:
                arm()  # from here only the daemon's own closing is left, which must not hang either

    async def _round(self, beats: Sequence[Beat]) -> None:
        async def one_after_the_other() -> None:
            for beat in beats:
                if not await beat.attempt():
                    self.exit_code = 1

        await self._until_first({asyncio.create_task(one_after_the_other(), name="round")}, self._stop.wait())

    async def _repeat(self, beats: Sequence[Beat], status: Status) -> None:
        tasks = {asyncio.create_task(beat.repeat(), name=beat.name) for beat in beats}
        tasks.add(asyncio.create_task(self._tell(beats, status), name="systemd"))
        await self._until_first(tasks, self._ended())

    async def _until_first(self, tasks: Collection[asyncio.Task[Any]], end: Coroutine[Any, Any, object]) -> None:
        """Wait for the end or the first task that ends by itself; end the rest; raise a bug."""
        ending: asyncio.Task[object] = asyncio.create_task(end, name="end")
        try:
            await asyncio.wait([*tasks, ending], return_when=asyncio.FIRST_COMPLETED)
            lost = [task.get_name() for task in tasks if task.cancelled()]
        finally:
            if self.stopping:
                self._notifier.send("STOPPING=1", notify.status("stopping"))
            await self._end([*tasks, ending])
        bugs = [err for task in (*tasks, ending) if task.done() and not task.cancelled() and (err := task.exception())]
        for bug in bugs[1:]:
            if not isinstance(bug, Damaged | Replaced):  # of the database, which several beats use, one says enough
                log.error("another failure while stopping", exc_info=bug)
        if bugs:
            raise bugs[0]
        if lost:  # a tick that lets a foreign cancellation through would else end its beat in silence
            raise RuntimeError(f"{', '.join(lost)}: cancelled from inside")

    async def _end(self, tasks: Collection[asyncio.Task[Any]]) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CANCEL_S
        pending = {task for task in tasks if not task.done()}
        while pending and (left := deadline - loop.time()) > 0:
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=min(left, NUDGE_S))
        self.hanging = sorted(task.get_name() for task in pending)
        if self.hanging:
            self.exit_code = 1
            log.error("%s: did not stop within %g s, exiting without it", ", ".join(self.hanging), CANCEL_S)

    async def _ended(self) -> None:
        """Return when the end was asked for, or when a new and good configuration is there."""
        while self.new_config is None:
            await first_of(self._stop.wait(), self._hangup.wait())
            if self._stop.is_set():
                return
            self._hangup.clear()
            self._try_reload()

    def _try_reload(self) -> None:
        if self._reload is None:
            return
        self._notifier.send(*notify.reloading())
        try:
            # Short and bounded, so it may stay on the loop: no beat sees half of a change.
            self.new_config = self._reload()
        except BadConfig as err:
            log.error("reload refused, keeping the old configuration: %s", err)
            self._notifier.send("READY=1", notify.status(f"reload refused: {err}"))

    async def _tell(self, beats: Sequence[Beat], status: Status) -> None:
        """Tell systemd that we are ready, then how we are; ping only while no beat is hung."""
        period = STATUS_S
        if self._notifier.watchdog_s is not None:
            period = min(period, self._notifier.watchdog_s / PINGS)
        ready, hung = False, list[str]()
        while True:
            was, hung = hung, [beat.name for beat in beats if beat.hung()]
            if hung and hung != was:
                log.error("%s: no sign of progress, the watchdog gets no more pings", ", ".join(hung))
            elif was and not hung:
                log.warning("%s: making progress again", ", ".join(was))
            line = notify.status(f"hung: {', '.join(hung)}" if hung else self.words(status)())
            ping = () if hung else ("WATCHDOG=1",)
            sent = self._notifier.send(*(() if ready else ("READY=1",)), line, *ping)
            ready = ready or sent
            # A dropped READY must not wait: systemd gives up on a start that does not say it.
            await asyncio.sleep(period if ready else min(period, 0.2))


def _failing(beats: Sequence[Beat]) -> list[str]:
    return [
        f"{beat.name} failed {beat.failures} time{'s' if beat.failures > 1 else ''}: {beat.last_error}"
        for beat in beats
        if beat.failures
    ]


def arm() -> None:
    """Make sure that the process is gone in 4.5 s, whatever hangs; its stacks then are the last words on stderr."""
    faulthandler.dump_traceback_later(STOP_S, exit=True, file=2)


@contextmanager
def signals(life: Life) -> Iterator[None]:
    """Hand SIGTERM, SIGINT and SIGHUP to a life while this lasts."""
    loop = asyncio.get_running_loop()

    # Not loop.add_signal_handler: that one is served by the loop, which may be what hangs.
    def on_end(_signum: int, _frame: FrameType | None) -> None:
        if life.stopping:
            os.set_blocking(2, False)
            os.write(2, b"second signal: leaving at once\n")
            os._exit(1)
        life.stopping = True
        arm()
        loop.call_soon_threadsafe(life.stop)

    def on_hangup(_signum: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(life.hangup)

    handlers = {signal.SIGTERM: on_end, signal.SIGINT: on_end, signal.SIGHUP: on_hangup}
    before = {signum: signal.signal(signum, handler) for signum, handler in handlers.items()}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
