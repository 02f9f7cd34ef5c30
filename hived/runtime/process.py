"""A daemon from its configuration to its exit code, over reloads and a database that is replaced."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path

from hived import __version__
from hived.errors import BadConfig, Damaged, HivedError, Replaced, SchemaMismatch, leaves
from hived.runtime import log, privileges
from hived.runtime.config import Config, load, show
from hived.runtime.imports import choose_driver
from hived.runtime.limits import raise_file_limit
from hived.runtime.runner import Life, signals

Daemon = Callable[[Config, Life], Awaitable[None]]

EXIT_FAILED = 1
EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h; the units do not restart on it


class Process:
    """What a daemon was started with; enough to read its configuration again."""

    def __init__(self, name: str, daemon: str, path: Path | None, flags: dict[str, str]) -> None:
        self.name, self.daemon, self.path, self.flags = name, daemon, path, flags

    def load(self) -> Config:
        return load(self.path, env=os.environ, flags=self.flags)

    def go(self, *, check: bool, once: bool) -> int:
        try:
            config = self.load()
        except BadConfig as err:
            return self._say(err, EXIT_CONFIG)
        if not check:
            try:
                if (whom := privileges.to_become(*config.folders)) is not None:
                    privileges.become(whom)
            except (HivedError, OSError) as err:
                return self._say(err, EXIT_FAILED)
            return self._run(config, once=once)
        for line in config.ignored:
            sys.stderr.write(f"{self.name}: {line}\n")
        log.tolerate(sys.stdout)
        sys.stdout.write(show(config))
        return 0

    def _run(self, config: Config, *, once: bool) -> int:
        log.setup(config.log.level)
        if sys.__stderr__ is not None:
            faulthandler.enable(sys.__stderr__)  # the watchdog's SIGABRT then shows where the loop hangs
        logging.getLogger(self.name).info("%s starts, %d files may be open", __version__, raise_file_limit())
        try:
            return asyncio.run(self._live(config, once=once))
        finally:
            faulthandler.cancel_dump_traceback_later()

    async def _live(self, config: Config, *, once: bool) -> int:
        """Run the daemon, again after each reload; return the exit code."""
        life = Life(once=once, reload=self.load)
        with signals(life):
            try:
                code = await self._generations(config, life)
            finally:
                life.close()
            if life.hanging:
                # asyncio would wait for them for ever; the daemon has closed what it opened.
                logging.shutdown()
                os._exit(EXIT_FAILED)
            return code

    async def _generations(self, config: Config, life: Life) -> int:
        logger = logging.getLogger(self.name)
        before: Config | None = None
        while not life.stopping:
            log.setup(config.log.level)
            if before is not None:
                logger.info("reloaded, changed: %s", ", ".join(before.changes(config)) or "nothing")
            for line in config.ignored:
                logger.warning("%s", line)
            # The daemon is called again with the new configuration and wires itself again: every option takes effect
            # on a reload, and no option needs code for it.
            task = asyncio.create_task(self._serve(config, life), name=self.name)
            life.begin(task, reloaded=before is not None)
            await asyncio.wait({task})
            if task.cancelled():
                if life.stopping:
                    break
                return self._failed(RuntimeError("the daemon was cancelled from inside"), life)
            err = task.exception()
            if isinstance(err, Damaged | Replaced) and not life.hanging and not life.stopping:
                try:
                    await self._mend(err)
                except (HivedError, OSError) as worse:
                    return self._failed(worse, life)
                before = None
                continue
            if isinstance(err, HivedError | OSError) and not life.started and before is not None:
                logger.error("the new configuration does not work, back to the old one: %s", err)
                config, before = before, None
                continue
            if err is not None:
                return self._failed(err, life)
            if life.new_config is None or life.hanging:
                break
            config, before = life.new_config, config
        return life.exit_code

    async def _mend(self, err: Damaged | Replaced) -> None:
        """Let a damaged database be replaced; the daemon then starts over, as it does when another one replaced it."""
        outcome = str(err)
        if isinstance(err, Damaged):
            if err.mend is None:
                raise err
            faulthandler.cancel_dump_traceback_later()  # reading the file once may take longer than an end
            outcome = await asyncio.to_thread(err.mend)
        logging.getLogger(self.name).warning("%s: starting over", outcome)

    async def _serve(self, config: Config, life: Life) -> None:
        if not choose_driver(config.database.url):
            raise HivedError(f"database.url is of another kind now: restart {self.name} to take it")
        module, _, function = self.daemon.partition(":")
        daemon: Daemon = getattr(import_module(module), function)
        await daemon(config, life)

    def _failed(self, err: BaseException, life: Life) -> int:
        if isinstance(err, BadConfig | SchemaMismatch):
            return self._say(err, EXIT_CONFIG)
        known = list(dict.fromkeys(str(one) for one in leaves(err) if isinstance(one, HivedError)))
        if known and (not life.started or all(isinstance(one, HivedError) for one in leaves(err))):
            return self._say("; ".join(known), EXIT_FAILED)  # what it says is for people; where it came from is not
        logging.getLogger(self.name).critical("ended by %s: %s", type(err).__name__, err, exc_info=err)
        return EXIT_FAILED

    def _say(self, err: BaseException | str, code: int) -> int:
        """Print why, on one line of standard error, also when no log is set up."""
        priority = "<3>" if log.is_journal(sys.stderr) else ""
        sys.stderr.write(f"{priority}{self.name}: {' '.join(str(err).split())}\n")
        return code
