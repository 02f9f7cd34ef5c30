"""Everything that SQLite and PostgreSQL say differently in SQL: here and nowhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from hived.errors import Transient
from hived.store.engine.database import Database

POSTGRES_TYPES = {
    # As in SQLite: whole numbers of 64 bits, and texts that are compared by their bytes, in every language.
    "INT": "BIGINT", "AUTO": "BIGSERIAL", "TEXT": 'TEXT COLLATE "C"',
}  # fmt: skip
SAMPLE_ROWS = 64
"""So many rows of a table tell how large the others are."""
INDEXED = 1.3
"""What a row takes with its share of indexes and of pages that are not full, for each byte of its values."""
SAMPLE_PAGES = 1_000
"""So many pages of a table are looked at to tell how full it is: 3 % of error, 8 MB of reading."""


def rows(db: Database, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run a statement that both understand, with `?` for each value, and return its rows."""
    return list(db.execute_sql(sql.replace("?", db.param), values or None).fetchall())


def changed(db: Database) -> int:
    """Return a number that differs whenever another connection has committed since the last call."""
    if db.kind == "sqlite":
        return _pragma(db, "data_version")
    # Who commits leaves the set of transactions that are under way. Other databases of the server move it too, which
    # costs a look in vain.
    ((snapshot,),) = rows(db, "SELECT pg_current_snapshot()::text")
    return int.from_bytes(hashlib.blake2b(snapshot.encode(), digest_size=7).digest())


def require_writes(db: Database) -> None:
    """Raise Transient while the server takes no writes: a standby, or one that was made read-only."""
    if db.kind == "sqlite":
        return
    ((on, standby),) = rows(db, "SELECT current_setting('default_transaction_read_only'), pg_is_in_recovery()")
    if standby or on == "on":
        raise Transient(f"the database {db.name} is read-only just now")


def used_bytes(db: Database) -> int:
    """Return what the tables take without what is free in them."""
    if db.kind == "sqlite":
        size, pages, free = (_pragma(db, name) for name in ("page_size", "page_count", "freelist_count"))
        return size * (pages - free)
    return sum(_sizes_of_tables(db).values())


def bytes_of(db: Database, tables: Collection[str]) -> int:
    """Return about what some tables take, told from a few of their rows: SQLite would have to read all of them."""
    if db.kind == "postgresql":
        return sum(size for name, size in _sizes_of_tables(db).items() if name in tables)
    return sum(_estimate(db, name) for name in tables)


def _sizes_of_tables(db: Database) -> dict[str, int]:
    # PostgreSQL keeps what was freed and fills it again: the sizes of its files tell nothing of that.
    sizes_of = (
        "SELECT relname, pg_total_relation_size(oid), pg_relation_size(oid) / current_setting('block_size')::int"
        " FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
    )
    return {name: int(whole * _fullness(db, name, pages)) for name, whole, pages in rows(db, sizes_of)}


def _estimate(db: Database, table: str) -> int:
    ((count,),) = rows(db, f'SELECT COUNT(*) FROM "{table}"')  # noqa: S608 - a table of our own
    if not count:
        return 0
    names = [column.name for column in db.get_columns(table)]
    length = " + ".join(f'COALESCE(LENGTH(CAST("{name}" AS BLOB)), 0)' for name in names)
    if count <= SAMPLE_ROWS or not _has_rowid(db, table):
        found = rows(db, f'SELECT {length} FROM "{table}" LIMIT {SAMPLE_ROWS}')  # noqa: S608
    else:  # over all of them: those that came last may be unlike the others
        ((low, high),) = rows(db, f'SELECT MIN(rowid), MAX(rowid) FROM "{table}"')  # noqa: S608
        nearest = f'SELECT {length} FROM "{table}" WHERE rowid >= ? ORDER BY rowid LIMIT 1'  # noqa: S608
        places = [low + (high - low) * i // (SAMPLE_ROWS - 1) for i in range(SAMPLE_ROWS)]
        found = [row for place in places for row in rows(db, nearest, place)]
    mean = sum(size for (size,) in found) / len(found)
    return int(count * (mean + 2 * len(names)) * INDEXED)


def _has_rowid(db: Database, table: str) -> bool:
    return "WITHOUT ROWID" not in rows(db, "SELECT sql FROM sqlite_master WHERE name = ?", table)[0][0].upper()


def _fullness(db: Database, table: str, pages: int) -> float:
    """Return the share of a table's pages that hold a row: deleted history leaves whole pages empty."""
    if not pages:
        return 1.0
    share = min(1.0, SAMPLE_PAGES / pages)
    ((filled,),) = rows(
        db,
        f'SELECT COUNT(DISTINCT (ctid::text::point)[0]) FROM "{table}"'  # noqa: S608 - a table of our own
        f" TABLESAMPLE SYSTEM ({share * 100:.6f})",
    )
    return float(min(1.0, filled / (pages * share)))


def give_back(db: Database, pages: int) -> None:
    """Return up to so many free pages to the file system. PostgreSQL's autovacuum needs no word from us."""
    if db.kind == "sqlite":
        for _ in db.execute_sql(f"PRAGMA incremental_vacuum({int(pages)})"):
            pass


def sizes(db: Database) -> tuple[int, int | None]:
    """Return the bytes of the database and of the log beside it; None: the log belongs to the whole server."""
    if db.kind == "sqlite":
        wal = Path(f"{db.name}-wal")
        return Path(db.name).stat().st_size, wal.stat().st_size if wal.exists() else 0
    ((size,),) = rows(db, "SELECT pg_database_size(current_database())")
    return int(size), None


def integrity(db: Database) -> str:
    """Return "ok", or what is broken. PostgreSQL is asked for every row, which reads and checks every page."""
    if db.kind == "sqlite":
        return str(db.execute_sql("PRAGMA integrity_check").fetchone()[0])
    for table in db.get_tables():
        rows(db, f'SELECT COUNT(*) FROM (SELECT * FROM "{table}" OFFSET 0) AS every_row')  # noqa: S608
    return "ok"


def forget_old_pages(db: Database, table: str) -> None:
    """Write a table anew, so that nothing it once held is left in the file: called outside a transaction.

    SQLite leaves what was overwritten or deleted in its pages unless it is told otherwise. In PostgreSQL there is
    nothing to forget: what is secret has never been there in plain.
    """
    if db.kind != "sqlite":
        return
    for pragma in ("secure_delete = ON", "foreign_keys = OFF"):  # others' rows must not go with the old ones
        db.execute_sql(f"PRAGMA {pragma}").fetchall()
    try:
        with db.atomic("IMMEDIATE"):
            db.execute_sql(f'CREATE TEMP TABLE kept AS SELECT * FROM "{table}"')  # noqa: S608 - temp_store is memory
            db.execute_sql(f'DELETE FROM "{table}"')  # noqa: S608
            db.execute_sql(f'INSERT INTO "{table}" SELECT * FROM kept')  # noqa: S608
            db.execute_sql("DROP TABLE kept")
        db.execute_sql("PRAGMA incremental_vacuum").fetchall()
        busy, *_ = db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise Transient(f"{db.name} is in use: stop the daemons and run `hivectl migrate` again")
    finally:
        for pragma in ("foreign_keys = ON", "secure_delete = OFF"):
            db.execute_sql(f"PRAGMA {pragma}").fetchall()


def _pragma(db: Database, name: str) -> int:
    return int(db.execute_sql(f"PRAGMA {name}").fetchone()[0])
