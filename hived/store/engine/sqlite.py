"""The SQLite engine: one file, a connection for each thread that uses it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import peewee as pw

from hived.errors import Damaged, HivedError, Replaced, SchemaMismatch, Transient
from hived.runtime.disk import unwritable
from hived.store.engine import database as room
from hived.store.engine.database import Database, Purpose
from hived.store.engine.locks import swap_lock
from hived.store.engine.secret_box import SecretBox

_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "full",  # a commit is on the disk: what was told to a node, an operator or a page is not taken back
    "foreign_keys": 1,
    "busy_timeout": int(room.LOCK_LIMIT_S * 1000),
    "journal_size_limit": 64 * 1024 * 1024,  # the WAL shrinks again after a burst
    "cache_size": -8 * 1024,  # 8 MiB a connection: fits the hot tables of 5,000 miners
    "temp_store": "memory",
}
_PASSING = ("locked", "busy", "is full")
_UNWRITABLE = ("unable to open", "readonly", "disk I/O")
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class SqliteFile(Database, pw.SqliteDatabase):
    """A SQLite file with our pragmas."""

    kind = "sqlite"

    def __init__(self, path: Path, box: SecretBox, *, read_only: bool = False) -> None:
        pragmas = dict(_PRAGMAS)
        if read_only:
            del pragmas["journal_mode"]
            pragmas["query_only"] = 1
        super().__init__(str(path), pragmas=pragmas, autoconnect=False)
        self.path, self.name, self.box, self.read_only = path, str(path), box, read_only
        self.file: tuple[int, int] | None = None
        """Which file was opened under the name, None when none was yet."""

    @contextmanager
    def session(self) -> Iterator[None]:
        if self.is_closed():
            with swap_lock(self.path, fcntl.LOCK_SH):
                self.file = self._file()
                if self.file is None:
                    raise SchemaMismatch(f"there is no database at {self.path}: run `hivectl migrate` first")
                self.connect()
        elif self.file != self._file():
            raise Replaced(f"{self.path} is another file than the one that was opened")
        try:
            yield
        except pw.OperationalError as err:
            if any(word in str(err) for word in _UNWRITABLE):
                self.close()  # what was opened read-only stays so
            raise

    def _file(self) -> tuple[int, int] | None:
        try:
            return file_of(self.path)
        except OSError as err:
            raise Transient(f"database: {self.path}: {err.strerror}") from err

    @contextmanager
    def transact(self, purpose: Purpose) -> Iterator[None]:
        if purpose != "read":
            with self.atomic("IMMEDIATE"):
                yield
            return
        deadline = time.monotonic() + room.READ_LIMIT_S
        connection: sqlite3.Connection = self.connection()
        connection.set_progress_handler(lambda: int(time.monotonic() > deadline), 20_000)
        try:
            with self.atomic():
                yield
        finally:
            connection.set_progress_handler(None, 0)

    def rollback(self) -> None:
        # On a full disk SQLite takes the transaction back by itself, and the first error is the one that counts.
        if self.connection().in_transaction:
            super().rollback()

    @contextmanager
    def migrating(self) -> Iterator[None]:
        descriptor = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # A table that is written anew is dropped first, which must not take the rows that point to it along. It is
            # switched outside of a transaction or not at all.
            self.pragma("foreign_keys", 0)
            yield
        finally:
            self.pragma("foreign_keys", 1)
            os.close(descriptor)

    def shut(self) -> None:
        self.close()

    def translate(self, err: pw.PeeweeException) -> HivedError | None:
        if isinstance(err, pw.OperationalError):
            text = str(err)
            if any(word in text for word in _UNWRITABLE):
                return self._unusable(text)
            if "interrupted" in text:
                return Transient(f"a query took longer than {room.READ_LIMIT_S:g} s and was stopped")
            if any(word in text for word in _PASSING):
                return Transient(f"database: {text}")
            return None  # a statement that SQLite does not understand is our bug
        if is_damage(getattr(err, "orig", None)):
            return Damaged(f"the database {self.name} is damaged: {err}")
        if isinstance(err, pw.DatabaseError) and not isinstance(err, pw.IntegrityError | pw.ProgrammingError):
            return HivedError(f"cannot use the database {self.name}: {err}")
        return None

    def _unusable(self, text: str) -> HivedError:
        """Return why the file cannot be used: where it may be mended under us, that is worth waiting for."""
        why = None if self.read_only and "readonly" in text else unwritable(self.path)
        if why is not None:
            return Transient(f"database: {why.text}", code=why.code)
        if "unable to open" in text or (self.read_only and "readonly" in text):
            return HivedError(f"cannot use the database {self.name}: {text}")
        return Transient(f"database: {text}")

    def collided(self, err: pw.PeeweeException) -> bool:  # noqa: ARG002
        return False  # there is one writer at a time: who comes later waits


def prepare(path: Path) -> None:
    """Make the file when it is missing. It is readable by its owner only: it tells of everything on the site."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists()
    if fresh:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)
    if fresh:
        # Must be set before the first table: lets the file shrink again when old history is pruned.
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("VACUUM")
        connection.close()


def file_of(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one that takes its name; None when there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def is_damage(err: object) -> bool:
    """Tell whether SQLite says that the file itself is broken, not that it is locked, full or closed to us."""
    code = getattr(err, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGED
