"""The database file and the one thread of this process that touches it.

peewee is never called on the event loop. A function of this room takes the database first and does its work in one
go; `Store.write` wraps it in one IMMEDIATE transaction, `Store.read` runs it on a second, read-only connection with a
time limit, so that a long list in the dashboard never holds up a writer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import peewee as pw

from hived.errors import HivedError, SchemaMismatch, Transient
from hived.store import migrations

log = logging.getLogger(__name__)
# At DEBUG peewee writes every statement with its values, the miners' keys and passwords among them.
logging.getLogger("peewee").setLevel(logging.INFO)

P = ParamSpec("P")
T = TypeVar("T")

READ_LIMIT_S = 10.0
"""Longest time one read may take; a dashboard query takes milliseconds, a runaway one must not pin the WAL."""

_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "normal",  # with WAL: a power cut may lose the last transactions, never the file
    "foreign_keys": 1,
    "busy_timeout": 5000,
    "journal_size_limit": 64 * 1024 * 1024,  # the WAL shrinks again after a burst
    "cache_size": -8 * 1024,  # 8 MiB a connection: fits the hot tables of 5,000 miners
    "temp_store": "memory",
}


class Database(pw.SqliteDatabase):
    """A SQLite file with our pragmas."""

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        pragmas = dict(_PRAGMAS)
        if read_only:
            del pragmas["journal_mode"]
            pragmas["query_only"] = 1
        super().__init__(str(path), pragmas=pragmas, autoconnect=False)
        self.path = Path(path)


def sqlite_path(url: str) -> Path:
    """Return the file of a `sqlite:///` URL; HivedError for another kind of database."""
    prefix = "sqlite:///"
    if not url.startswith(prefix):
        scheme = url.split(":", 1)[0]
        raise HivedError(f"database.url: {scheme} cannot be used by this program, only sqlite:///FILE")
    return Path(url[len(prefix) :])


class Store:
    """The open database of one process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = Database(path)
        self._reader = Database(path, read_only=True)
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._read_thread = ThreadPoolExecutor(1, thread_name_prefix="store-read")

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Store]:
        """Open the database, check its schema, close it cleanly at the end.

        SchemaMismatch when `hivectl migrate` has to run first, HivedError when the file cannot be used.
        """
        store = cls(sqlite_path(url))
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(store._write_thread, store._connect)
            await loop.run_in_executor(store._read_thread, store._connect_reader)
            yield store
        finally:
            await asyncio.shield(store._close())

    async def write(self, fn: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(database, ...)` in one transaction on the DB thread. Transient when locked or the disk is full."""
        return await self._submit(self._write_thread, self._transact, fn, args, kwargs)

    async def read(self, fn: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(database, ...)` on the read-only connection, in one snapshot, within READ_LIMIT_S."""
        return await self._submit(self._read_thread, self._query, fn, args, kwargs)

    async def changed(self) -> int:
        """Return a number that differs whenever another connection has committed since the last call."""
        return await self._submit(self._read_thread, self._data_version)

    async def _submit(self, thread: ThreadPoolExecutor, call: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, call, *args)

    def _transact(self, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        with _as_ours(self.path), self._writer.atomic("IMMEDIATE"):
            return fn(self._writer, *args, **kwargs)

    def _query(self, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        deadline = time.monotonic() + READ_LIMIT_S
        connection: sqlite3.Connection = self._reader.connection()  # type: ignore[no-untyped-call]
        connection.set_progress_handler(lambda: int(time.monotonic() > deadline), 20_000)
        try:
            with _as_ours(self.path), self._reader.atomic():
                return fn(self._reader, *args, **kwargs)
        finally:
            connection.set_progress_handler(None, 0)

    def _data_version(self) -> int:
        with _as_ours(self.path):
            return int(_pragma(self._reader, "data_version"))

    def _connect(self) -> None:
        if not self.path.exists():
            raise SchemaMismatch(f"there is no database at {self.path}: run `hivectl migrate` first")
        with _as_ours(self.path):
            self._writer.connect()
            migrations.check(self._writer)

    def _connect_reader(self) -> None:
        with _as_ours(self.path):
            self._reader.connect()

    async def _close(self) -> None:
        loop = asyncio.get_running_loop()
        for thread, database in ((self._read_thread, self._reader), (self._write_thread, self._writer)):
            await loop.run_in_executor(thread, database.close)
            thread.shutdown(wait=False)


_PASSING = ("locked", "busy", "is full", "disk I/O")


class _as_ours:  # noqa: N801 - reads as a word in a with statement
    """Turn peewee's errors into ours: what passes by itself is Transient, a broken file is not."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, _trace: object) -> None:
        if isinstance(err, pw.OperationalError):
            text = str(err)
            if "unable to open" in text or "readonly" in text:
                raise HivedError(f"cannot use the database {self.path}: {text}") from err
            if "interrupted" in text:
                raise Transient(f"a query took longer than {READ_LIMIT_S:g} s and was stopped") from err
            if any(word in text for word in _PASSING):
                raise Transient(f"database: {text}") from err
            return  # a statement that SQLite does not understand is our bug
        if isinstance(err, pw.DatabaseError) and not isinstance(err, pw.IntegrityError | pw.ProgrammingError):
            raise HivedError(f"the database {self.path} is damaged: {err}") from err


def _pragma(database: Database, name: str) -> Any:
    return database.execute_sql(f"PRAGMA {name}").fetchone()[0]  # type: ignore[no-untyped-call]


def tuples(query: Any, database: Database) -> list[tuple[Any, ...]]:
    """Run a query and return its rows as tuples."""
    return list(query.tuples().bind(database))


def dicts(query: Any, database: Database) -> list[dict[str, Any]]:
    """Run a query and return its rows as dicts by column name."""
    return list(query.dicts().bind(database))


def create(url: str) -> list[str]:
    """Create the database when it is missing and bring its schema up to date; return the names of applied changes.

    The file is readable by its owner only: it holds the miners' keys and passwords.
    """
    path = sqlite_path(url)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists()
    if fresh:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)
    database = Database(path)
    with _as_ours(path):
        if fresh:
            # Must be set before the first table: lets the file shrink again when old history is pruned.
            connection = sqlite3.connect(path)
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("VACUUM")
            connection.close()
        database.connect()
        try:
            return migrations.migrate(database)
        finally:
            database.close()


def integrity(url: str) -> str:
    """Return what `PRAGMA integrity_check` says: "ok", or what is broken."""
    database = Database(sqlite_path(url))
    database.connect()
    try:
        return str(_pragma(database, "integrity_check"))
    finally:
        database.close()
