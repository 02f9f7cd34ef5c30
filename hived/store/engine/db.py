"""The database of this process, SQLite or PostgreSQL, and the threads that touch it.

peewee is never called on the event loop. A function of this room takes the database first and does its work in one
go; `Store.write` wraps it in one transaction that is alone among writers, `Store.merge` in one that may run beside
others, `Store.read` runs it on a read-only connection with a time limit, so that a long list in the dashboard never
holds up a writer.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import peewee as pw

from hived.errors import Damaged, HivedError, Transient
from hived.runtime.config import STATE_DIR
from hived.store.engine import dialect, migrations, sealing
from hived.store.engine.database import Database, Purpose, as_ours, dicts, tuples
from hived.store.engine.secret_box import SecretBox
from hived.store.engine.sqlite import SqliteFile, prepare

__all__ = ["Database", "Store", "create", "database_of", "dicts", "integrity", "sqlite_path", "tuples"]

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 5
"""How often a transaction that got in another's way is run before the caller is told to come again."""


def sqlite_path(url: str) -> Path | None:
    """Return the file of a `sqlite:///` URL, None for PostgreSQL; HivedError for another kind of database."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        return Path(rest.removeprefix("/"))
    if scheme != "postgresql":
        raise HivedError(f"database.url: {scheme[:20]} is no database that hived knows: sqlite or postgresql")
    return None


def database_of(url: str, state_dir: Path | None = None, *, read_only: bool = False, connections: int = 1) -> Database:
    """Return a database that is not connected yet. `state_dir`: where the key file is, as in `Store.open`."""
    path = sqlite_path(url)
    box = SecretBox(state_dir or (path.parent if path is not None else STATE_DIR))
    if path is not None:
        return SqliteFile(path, box, read_only=read_only)
    from hived.store.engine.postgres import PostgresServer  # a box on SQLite does not pay for the driver

    return PostgresServer(url, box, read_only=read_only, connections=connections)


_LANES = ("read", "admit", "search")
"""Ways to read beside each other. A daemon that does not use one has no thread and no connection for it."""


@dataclass(frozen=True, slots=True)
class _Lane:
    database: Database
    thread: ThreadPoolExecutor


class Store:
    """The open database of one process."""

    def __init__(self, writer: Database, *readers: Database, connections: int = 1) -> None:
        self.name = writer.name
        self.path = writer.path if isinstance(writer, SqliteFile) else None
        self._writer = writer
        self.damage: str | None = None
        """What SQLite said of a damaged file, once it has: from then on every call raises Damaged."""
        self._write_thread = ThreadPoolExecutor(connections, thread_name_prefix="store")
        self._lanes = [
            _Lane(database, ThreadPoolExecutor(connections, thread_name_prefix=f"store-{name}"))
            for name, database in zip(_LANES, readers, strict=True)
        ]
        self._read, self._admit, self._search = self._lanes

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, state_dir: Path | None = None, *, connections: int = 1) -> AsyncIterator[Store]:
        """Open the database, check its schema, close it cleanly at the end.

        `state_dir`: the folder of the key file; None: that of the SQLite file, else /var/lib/hived. `connections`: so
        many at once for reading, and so many for writing; SQLite has one of each.
        SchemaMismatch when `hivectl migrate` has to run first, HivedError when the database cannot be used.
        """
        if sqlite_path(url) is not None:
            connections = 1
        writer = database_of(url, state_dir, connections=connections)
        readers = [database_of(url, state_dir, read_only=True, connections=connections) for _ in _LANES]
        for reader in readers:
            reader.box = writer.box
        store = cls(writer, *readers, connections=connections)
        try:
            await store._submit(store._write_thread, store._prepare)
            await store._submit(store._read.thread, store._prepare_reader)
            yield store
        finally:
            await asyncio.shield(store._close())

    async def write(self, fn: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(database, ...)` in one transaction, alone among writers, on a DB thread.

        It may run more than once: it must do nothing but read and write the database. Transient when the database is
        locked, away or out of space.
        """
        return await self._change("write", fn, args, kwargs)

    async def merge(self, fn: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(database, ...)` in one transaction beside those of other processes (SQLite: as `write`).

        For functions that stay right then: single upserts by unique keys, in the order of the keys, after `next_rev`.
        """
        return await self._change("merge", fn, args, kwargs)

    async def read(self, fn: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(database, ...)` on a read-only connection, in one snapshot, within READ_LIMIT_S."""
        return await self._look(self._read, fn, args, kwargs)

    async def admit(self, fn: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`read` on a connection of its own, for what lets people in: nothing that somebody reads holds it up."""
        return await self._look(self._admit, fn, args, kwargs)

    async def search(self, fn: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`read` on a connection of its own, for what may take seconds."""
        return await self._look(self._search, fn, args, kwargs)

    async def changed(self) -> int:
        """Return a number that differs whenever another connection has committed since the last call."""
        return await self._submit(self._read.thread, self._mark)

    async def _look(self, lane: _Lane, fn: Callable[..., T], args: Any, kwargs: Any) -> T:
        return await self._submit(lane.thread, self._run, lane.database, "read", fn, args, kwargs)

    async def _change(self, purpose: Purpose, fn: Callable[..., T], args: Any, kwargs: Any) -> T:
        if any(isinstance(one, Iterator) for one in (*args, *kwargs.values())):
            raise TypeError("what can be read only once would be empty when the transaction is run again")
        return await self._submit(self._write_thread, self._run, self._writer, purpose, fn, args, kwargs)

    async def _submit(self, thread: ThreadPoolExecutor, call: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, call, *args)

    def _run(self, database: Database, purpose: Purpose, fn: Callable[..., T], args: Any, kwargs: Any) -> T:
        if self.damage is not None:
            raise Damaged(self.damage)
        for left in reversed(range(TRIES)):
            try:
                with database.session(), database.transact(purpose):
                    return fn(database, *args, **kwargs)
            except pw.PeeweeException as err:
                if left and database.collided(err):
                    time.sleep(random.uniform(0.01, 0.05))  # else both would meet again
                    continue
                ours = database.translate(err)
                if ours is None:
                    raise
                if isinstance(ours, Damaged):
                    self.damage = str(ours)
                raise ours from err
        raise AssertionError("the last try either returns or raises")

    def _mark(self) -> int:
        database = self._read.database
        with as_ours(database), database.session():
            return dialect.changed(database)

    def _prepare(self) -> None:
        self._writer.box.check()
        try:
            with as_ours(self._writer), self._writer.session():
                migrations.check(self._writer)
        except Transient as err:  # nothing of ours runs yet: who started us decides about waiting
            raise HivedError(f"cannot use the database {self.name}: {str(err).removeprefix('database: ')}") from err

    def _prepare_reader(self) -> None:
        with as_ours(self._read.database), self._read.database.session():
            pass

    async def _close(self) -> None:
        for lane in (*self._lanes, _Lane(self._writer, self._write_thread)):
            await self._submit(lane.thread, lane.database.shut)
            lane.thread.shutdown(wait=False)


def create(url: str, state_dir: Path | None = None) -> list[str]:
    """Make the database ready: its file, its schema, and sealed what is secret; return the names of applied changes."""
    path = sqlite_path(url)
    if path is not None:
        prepare(path)
    database = database_of(url, state_dir)
    with as_ours(database):
        try:
            with database.session(), database.migrating():
                applied = migrations.migrate(database)
                sealing.seal_all(database)
                return applied
        finally:
            database.shut()


def integrity(url: str) -> str:
    """Return "ok", or what is broken in the database."""
    database = database_of(url)
    with as_ours(database):
        try:
            with database.session():
                return dialect.integrity(database)
        finally:
            database.shut()
