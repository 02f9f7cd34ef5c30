"""From a command line to an exit code: 0 stopped or done, 1 failed, 2 wrong usage, 78 bad config or wrong schema."""

from __future__ import annotations

# What is imported up here is paid for by every --version and --help; the rest comes when it is needed.
import argparse
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hived import __version__

if TYPE_CHECKING:
    from hived.errors import Damaged, Replaced
    from hived.runtime.config import Config
    from hived.runtime.runner import Life

    Daemon = Callable[[Config, Life], Awaitable[None]]

EXIT_FAILED = 1
EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h; the units do not restart on it

# flag -> option, metavar, help. hive-apid alone has an address.
_COMMON = {"--log-level": ("log.level", "LEVEL", "debug, info, warning, error or critical")}
_EXTRA = {"--addr": ("http.addr", "HOST:PORT", "where to listen")}


def launch(name: str, daemon: str, argv: Sequence[str] | None = None, extra_flags: Sequence[str] = ()) -> int:
    """Run a daemon and return its exit code.

    `daemon` is "module:function" of an `async def daemon(config: Config, life: Life) -> None`, imported only when it
    is to run. `extra_flags`: flags beyond the common ones, such as "--addr".
    """
    flags = _flags(extra_flags)
    try:
        args = parser(name, extra_flags).parse_args(argv)
    except SystemExit as end:  # --help, --version, wrong usage
        return end.code if isinstance(end.code, int) else EXIT_FAILED
    given = {option: getattr(args, option) for option, _, _ in flags.values() if getattr(args, option) is not None}
    return _Launch(name, daemon, args.config, given).go(check=args.check, once=args.once)


def _flags(extra: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    return _COMMON | {flag: _EXTRA[flag] for flag in extra}


def parser(name: str, extra_flags: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Build the command line of a daemon."""
    parser = argparse.ArgumentParser(prog=name, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"{name} {__version__}")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="configuration (default: $HIVED_CONFIG, else /etc/hived/hived.yaml); conf.d beside it is read, too",
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--once", action="store_true", help="do one round of the work, then exit")
    way.add_argument("--check", action="store_true", help="print the effective configuration without secrets, exit")
    for flag, (option, metavar, text) in _flags(extra_flags).items():
        parser.add_argument(flag, dest=option, metavar=metavar, help=text)
    return parser


class _Launch:
    """What a daemon was started with; enough to read its configuration again."""

    def __init__(self, name: str, daemon: str, path: Path | None, flags: dict[str, str]) -> None:
        self.name = name
        self.daemon = daemon
        self.path = path
        self.flags = flags

    def load(self) -> Config:
        from hived.runtime import config

        return config.load(self.path, env=os.environ, flags=self.flags)

    def go(self, *, check: bool, once: bool) -> int:
        from hived.errors import BadConfig
        from hived.runtime import log
        from hived.runtime.config import show

        try:
            config = self.load()
        except BadConfig as err:
            return self._say(err, EXIT_CONFIG)
        if not check:
            return self._run(config, once=once)
        log.tolerate(sys.stdout)
        sys.stdout.write(show(config))
        return 0

    def _run(self, config: Config, *, once: bool) -> int:
        import asyncio
        import faulthandler
        import logging

        from hived.runtime import log
        from hived.runtime.limits import raise_file_limit

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
        import logging

        from hived.runtime.runner import Life, signals

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
        import asyncio
        import logging

        from hived.errors import Damaged, HivedError, Replaced
        from hived.runtime import log

        logger = logging.getLogger(self.name)
        before: Config | None = None
        while not life.stopping:
            log.setup(config.log.level)
            if before is not None:
                logger.info("reloaded, changed: %s", ", ".join(before.changes(config)) or "nothing")
            # The daemon is called again with the new configuration and wires itself anew: every option takes effect
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
        """Let a damaged database be replaced; the daemon then begins anew, as it does when another one replaced it."""
        import asyncio
        import faulthandler
        import logging

        from hived.errors import Damaged

        said = str(err)
        if isinstance(err, Damaged):
            if err.mend is None:
                raise err
            faulthandler.cancel_dump_traceback_later()  # reading the file once may take longer than an end
            said = await asyncio.to_thread(err.mend)
        logging.getLogger(self.name).warning("%s: beginning anew", said)

    async def _serve(self, config: Config, life: Life) -> None:
        from importlib import import_module

        from hived.errors import HivedError
        from hived.runtime.imports import choose_driver

        if not choose_driver(config.database.url):
            raise HivedError(f"database.url is of another kind now: restart {self.name} to take it")
        module, _, function = self.daemon.partition(":")
        daemon: Daemon = getattr(import_module(module), function)
        await daemon(config, life)

    def _failed(self, err: BaseException, life: Life) -> int:
        import logging

        from hived.errors import BadConfig, HivedError, SchemaMismatch

        if isinstance(err, BadConfig | SchemaMismatch):
            return self._say(err, EXIT_CONFIG)
        if isinstance(err, HivedError) and not life.started:
            return self._say(err, EXIT_FAILED)
        logging.getLogger(self.name).critical("ended by %s: %s", type(err).__name__, err, exc_info=err)
        return EXIT_FAILED

    def _say(self, err: BaseException, code: int) -> int:
        """Print why, on one line of standard error, also when no log is set up."""
        from hived.runtime.log import is_journal

        priority = "<3>" if is_journal(sys.stderr) else ""
        sys.stderr.write(f"{priority}{self.name}: {' '.join(str(err).split())}\n")
        return code
