"""What every command works with: its arguments, the configuration, the screen, the clock and the database."""

from __future__ import annotations

import argparse
import asyncio
import os
import pwd
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hived.cli.output.screen import Screen
from hived.cli.output.tables import Column, draw
from hived.cli.output.text import one_line
from hived.errors import BadConfig, HivedError, SchemaMismatch
from hived.records.access import By
from hived.runtime import config as configuration
from hived.runtime import privileges
from hived.runtime.config import Config
from hived.runtime.disk import own_user
from hived.runtime.imports import choose_driver
from hived.runtime.outlet import Outlet

if TYPE_CHECKING:
    from hived.store import Store

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h


class WrongUsage(HivedError):
    """The command line asks for something that makes no sense."""


class NotPermitted(HivedError):
    """This user may not use the database."""


@dataclass(frozen=True, slots=True)
class CommandContext:
    """One command's surroundings. `clock` gives UTC epoch seconds.

    `user`: who gave the command. `file`: what they named on the command line, opened by them.
    """

    args: argparse.Namespace
    config: Config
    screen: Screen
    clock: Callable[[], float]
    user: str
    file: Any = None

    @property
    def json(self) -> bool:
        return bool(self.args.json)

    @property
    def config_file(self) -> Path:
        """The main file of the configuration, whether it exists or not."""
        return Path(self.args.config or os.environ.get("HIVED_CONFIG") or configuration.DEFAULT_PATH)

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """Open the database. NotPermitted for another user's, SchemaMismatch when it is missing or too old."""
        from hived.store import Store
        from hived.store.engine.secret_box import NAME as KEY_FILE

        may_use(self.config.database.sqlite_path or self.config.state_dir / KEY_FILE)
        async with Store.open(self.config.database.url, self.config.state_dir) as store:
            yield store

    def node_id(self) -> str:
        """Return this node's id; made when hivectl is the first to ask."""
        from hived.store.engine.node_id import node_id

        return node_id(self.config.state_dir, self.config.node.id)

    def by(self) -> By:
        """Return who makes a change, for its audit row: the user of this system."""
        return By(at=self.clock(), who=self.user, via="command", address=None)

    def answer(self, document: Any, *lines: str) -> int:
        """Print what came of a command, as JSON or in lines for people; return the exit code."""
        if self.json:
            self.screen.document(document)
        else:
            for line in lines:
                self.screen.say(line)
        return 0

    def listed(
        self, things: Sequence[Any], document: Callable[[Any], Any], columns: Sequence[Column], nothing: str
    ) -> int:
        """Print a list, as JSON or as a table, or the note that says what to do while there is `nothing`."""
        if self.json:
            self.screen.document([document(thing) for thing in things])
        elif things:
            draw(self.screen, columns, things, self.clock())
        else:
            self.note(nothing)
        return 0

    def confirm(self, question: str) -> bool:
        """Ask the person at the terminal; False for a no, and where nobody can be asked."""
        if not sys.stdin.isatty():
            return False
        sys.stderr.write(f"{one_line(question)} [y/N] ")
        sys.stderr.flush()
        with interruptible():
            return sys.stdin.readline().strip().lower() in ("y", "yes")

    def note(self, text: str) -> None:
        """Tell the person something beside the result, on standard error."""
        sys.stderr.write(f"{one_line(text)}\n")
        sys.stderr.flush()


Command = Callable[[CommandContext], Coroutine[Any, Any, int]]


def serve(args: argparse.Namespace, clock: Callable[[], float]) -> int:
    """Run the command that was asked for; whatever goes wrong is one line on standard error and an exit code."""
    screen = Screen.on(sys.stdout, os.environ)
    try:
        config = configuration.load(args.config, env=os.environ, flags={})
        choose_driver(config.database.url)
        command: Command = _function(args.run)
        with ExitStack() as opened:
            user, file = own_user(), opened.enter_context(_function(args.opens)(args.file)) if args.opens else None
            if (whom := privileges.to_become(*config.folders)) is not None:
                if isinstance(file, Outlet):
                    file.keep()
                privileges.become(whom)
            code = asyncio.run(command(CommandContext(args, config, screen, clock, user, file)))
        screen.flush()
    except BrokenPipeError:
        screen.abandon()  # the reader has seen enough, as `head` does
        return 0
    except BadConfig as err:
        hint = "; run it with sudo, or as the user hived" if isinstance(err.__cause__, PermissionError) else ""
        return _failed(f"{err}{hint}", EXIT_CONFIG)
    except SchemaMismatch as err:
        return _failed(str(err), EXIT_CONFIG)
    except WrongUsage as err:
        return _failed(str(err), EXIT_USAGE)
    except HivedError as err:
        return _failed(str(err), EXIT_FAILED)
    except OSError as err:
        return _failed(f"{err.filename or 'the output'}: {err.strerror or err}", EXIT_FAILED)
    except KeyboardInterrupt:
        return _failed("stopped", EXIT_FAILED)
    return code


def _function(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(import_module(f"hived.cli.{module}"), function)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C end a read of standard input at once: asyncio would only cancel the task, which never gets to know."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Ctrl-C does not come here
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _failed(text: str, code: int) -> int:
    sys.stderr.write(f"hivectl: {one_line(text)}\n")
    return code


def may_use(path: Path) -> None:
    """Raise NotPermitted when this user may not read and write the database; its absence is not decided here.

    Reading alone is not enough: readers of a database in WAL mode share a file with the writers.
    """
    try:
        path.stat()
        permitted = os.access(path, os.R_OK | os.W_OK, effective_ids=True)
    except PermissionError:
        permitted = False
    except OSError:
        return
    if not permitted:
        raise NotPermitted(not_permitted(path))


def not_permitted(path: Path) -> str:
    """Return the line that says who may use a database, or the key file that goes with one of a server."""
    from hived.store.engine.secret_box import NAME as KEY_FILE

    user = owner(path)
    what = "key file" if path.name == KEY_FILE else "database"
    return f"not permitted to use the {what} {path}: run this as `sudo -u {user} hivectl ...`, or be root"


def owner(path: Path) -> str:
    """Return the name of whom the file belongs to, or the nearest folder above it that can be seen."""
    for place in (path, *path.parents):
        try:
            return pwd.getpwuid(place.stat().st_uid).pw_name
        except PermissionError:
            continue
        except (KeyError, OSError):
            break
    return "hived"
