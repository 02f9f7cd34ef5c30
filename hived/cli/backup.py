"""`hivectl backup` and `restore`: one file that brings this node back."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import IO

from hived import __version__
from hived.cli.context import CommandContext, WrongUsage, may_use
from hived.cli.output.text import clean, counted, size
from hived.documents.shared import rfc3339
from hived.errors import HivedError
from hived.records.daemon import alive
from hived.runtime.outlet import Outlet
from hived.services.appliance.backup import SECRETS, make
from hived.services.appliance.restore import restore as bring_back
from hived.store import daemon_rows, database_of
from hived.store.engine.database import as_ours
from hived.store.engine.locks import in_use

ENDING_S = 6.0
"""By then a daemon that was asked to stop has ended."""
LOOK_S = 0.2


async def backup(context: CommandContext) -> int:
    """Write the backup while everything runs, and say what is in it."""
    database = _file(context, "pg_dump -Fc DATABASE > FILE, with secret.key of the state folder")
    out = str(context.args.file)
    may_use(database)
    if out == "-" and (context.json or sys.stdout.isatty()):
        raise WrongUsage("- writes the backup itself to standard output: send it to a file or a program")
    outlet = context.file
    there = isinstance(outlet, Outlet) and outlet.replaces
    if there and not context.args.force and not context.confirm(f"{out} is there already: replace it?"):
        raise WrongUsage(f"{out} is there already: add --force to replace it")
    made = make(
        database, context.config.state_dir, outlet, version=__version__, at=context.clock(),
        node_id=context.node_id(), name=context.config.node.effective_name, keys=not context.args.without_keys,
    )  # fmt: skip
    with suppress(HivedError):  # it is made all the same where the database takes no more rows
        async with context.store() as store:
            await store.write(daemon_rows.note, daemon_rows.BACKUP_AT, context.clock())
    keys = bool(set(made.members) & set(SECRETS))
    line = f"{out}: {size(made.bytes)}, {size(made.database_bytes)} of it the database, which is whole"
    if out == "-":
        context.note(line)
        return 0
    about = "it holds no keys: restored elsewhere, miners have to be unlocked and the master joined again"
    if keys:
        about = "it holds the keys of this node: keep it where nobody else can read it"
    document = {"file": out, "bytes": made.bytes, "members": made.members, "keys": keys}
    return context.answer(document, clean(line), about)


async def restore(context: CommandContext) -> int:
    """Replace the database by that of a backup; what was there is kept beside it."""
    database, name = _file(context, "pg_restore -c -d DATABASE FILE"), str(context.args.file)
    may_use(database)
    database.parent.mkdir(parents=True, exist_ok=True)
    async with _alone(context, database):
        try:
            done = bring_back(context.file, database, context.config.state_dir, by=context.by())
        except HivedError as err:
            raise type(err)(f"{name}: {err}; nothing was changed") from err
    made = done.manifest
    lines = [f"restored {name}"]
    if made:
        lines.append(f"node {made.name} as it was at {rfc3339(made.at)}, with hived {made.version}")
    if done.applied:
        lines.append(f"{counted(len(done.applied), 'schema change')} applied")
    lines += [f"kept {path}" for path in done.kept]
    if done.key_missing:
        lines.append("there is no key file: miners have to be unlocked and the master joined again (`hivectl join`)")
    document = {
        "file": name, "made_at": rfc3339(made.at) if made else None, "node_id": made.node_id if made else None,
        "members": done.members, "applied": done.applied, "kept": [str(path) for path in done.kept],
    }  # fmt: skip
    return context.answer(document, *map(clean, lines), "next: systemctl start hived.target")


def _file(context: CommandContext, instead: str) -> Path:
    path = context.config.database.sqlite_path
    if path is None:
        raise HivedError(f"the database is PostgreSQL, which has a tool of its own: {instead}")
    return path


@asynccontextmanager
async def _alone(context: CommandContext, path: Path) -> AsyncIterator[None]:
    """Have the database while no daemon does. `systemctl stop hived.target` returns before the daemons have ended."""
    for left in reversed(range(round(ENDING_S / LOOK_S) + 1)):
        with in_use(path, alone=True) as free:
            if free:
                yield
                return
        if not left:
            raise HivedError(f"{_who(context, path)}: stop them first, with `systemctl stop hived.target`")
        await asyncio.sleep(LOOK_S)


def _who(context: CommandContext, path: Path) -> str:
    """Say who is in the way; of a damaged database only that somebody is."""
    database = database_of(f"sqlite:///{path}", context.config.state_dir, read_only=True)
    names: list[str] = []
    with suppress(HivedError), as_ours(database), closing(database), database.session():
        names = [row.name for row in daemon_rows.daemons(database) if alive(row.beat_at, context.clock())]
    return f"{' and '.join(names)} run" if names else "daemons have the database open"


@contextmanager
def writable(name: str) -> Iterator[Outlet | IO[bytes]]:
    """Open what a backup is written to."""
    if name != "-":
        with Outlet(Path(name)) as outlet:
            yield outlet
        return
    sys.stdout.flush()
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
        yield out


@contextmanager
def readable(name: str) -> Iterator[IO[bytes]]:
    """Open what a backup is read from."""
    if name == "-":
        yield sys.stdin.buffer
        return
    with closing(Path(name).open("rb")) as file:
        yield file
