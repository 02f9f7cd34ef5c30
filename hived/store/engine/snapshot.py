"""A copy of a SQLite database as it is at one moment, while others write; and what must be true of a copy."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from hived.errors import Damaged, HivedError, Transient
from hived.store.engine import migrations
from hived.store.engine.database import Database, as_ours
from hived.store.engine.db import create, database_of
from hived.store.engine.sqlite import is_damage

STEP_PAGES, PAUSE_S = 1024, 0.002
"""4 MiB at a time, then the disk is somebody else's for a moment."""


def copy(path: Path, target: Path) -> int:
    """Write a copy of the database as it is now, in one file, and return its bytes. Writers are not held up.

    Damaged when the copy is not whole, Transient when the database is locked or the disk is full.
    """
    # The snapshot is what keeps it short: without it, each commit of a daemon would let the copying begin again.
    with (
        reading(path),
        closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, isolation_level=None)) as source,
        closing(sqlite3.connect(target, isolation_level=None)) as copied,
    ):
        source.execute("PRAGMA query_only = 1")
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(copied, pages=STEP_PAGES, sleep=PAUSE_S)
        copied.execute("PRAGMA journal_mode = delete")
    check(target)
    return target.stat().st_size


def check(path: Path) -> None:
    """Read every page of a copy. Damaged when it is not whole, HivedError when it is no database of hived."""
    with reading(path), closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
        (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if said != "ok":
            raise Damaged(f"{path.name} is damaged: {' '.join(str(said).split())[:200]}")
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_migration'").fetchone():
            raise HivedError(f"{path.name} is no database of hived")


def make_ready(path: Path, keys: Path, change: Callable[[Database], None]) -> list[str]:
    """Bring a copy to this program's schema and change it, so that it is one file to go on with.

    Returns the schema changes that were applied. SchemaMismatch when a newer hived wrote it.
    """
    url = f"sqlite:///{path}"
    database = database_of(url, keys)
    with as_ours(database):
        try:
            with database.session():
                migrations.refuse_newer(database)
            applied = create(url, keys)
            with database.session():
                with database.transact("write"):
                    change(database)
                database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            database.shut()
    return applied


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what SQLite says of a file into an error of ours."""
    try:
        yield
    except sqlite3.Error as err:
        if is_damage(err):
            raise Damaged(f"{path} is damaged: {err}") from err
        if isinstance(err, sqlite3.OperationalError) and ("locked" in str(err) or "full" in str(err)):
            raise Transient(f"{path}: {err}") from err
        raise HivedError(f"cannot read {path}: {err}") from err
