"""Statuses into SQLite and into PostgreSQL: the product's way, beside the bare driver with the same rows."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from benchmarks import sample
from benchmarks.report import Result
from hived.records.miner_view import PollOutcome
from hived.store import Database, create, database_of
from hived.store.miners import readings
from tests.databases import MISSING, Cluster, programs

NAME = "store_postgres"
MINERS, BATCH = 1000, 500
TURNS = 8
START = 1_800_000_000.0
_COLUMNS = (
    "at", "num", "before", "state", "preset", "hashrate_hs", "average_hashrate_hs", "expected_hashrate_hs", "power_w",
    "state_s", "chip_temp_max_c", "pcb_temp_max_c", "partial", "detail",
)  # fmt: skip

Rows = list[tuple[Any, ...]]


def run(seconds: float | None = None) -> Result:
    """Measure both in turn; `seconds` scales the number of polls."""
    turns = max(2, round(TURNS * (seconds or 6.0) / 6.0))
    result = Result(NAME, f"{turns} statuses of each of {MINERS} miners, {BATCH} a transaction, one connection")
    folder = Path(tempfile.mkdtemp(prefix="hived-bench-"))
    try:
        file = f"sqlite:///{folder / 'ours.db'}"
        _measure(result, "SQLite", file, turns, lambda rows: _sqlite(folder / "bare.db", rows))
        found = programs()
        if found is None:
            result.add("PostgreSQL", None, "rows/s", MISSING)
            return result.done()
        place = folder / "server"
        place.mkdir()
        folder.chmod(0o755)
        cluster = Cluster(place, found, durable=True)
        try:
            ours, bare = (cluster.url(cluster.empty()) for _ in range(2))
            create(bare, folder)
            _measure(result, "PostgreSQL", ours, turns, lambda rows: _psycopg(bare, rows))
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder)
    return result.done()


def _measure(result: Result, kind: str, url: str, turns: int, bare: Callable[[Rows], float]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="hived-bench-keys-"))
    create(url, folder)
    database, random = database_of(url, folder), Random(1)
    with database.session():
        with database.transact("write"):
            nums = sample.find(database, MINERS, START)
        polls = [list(sample.outcomes(nums, START + t * 15, random, chips_of_every=MINERS + 1)) for t in range(turns)]
        told = [outcome for turn in polls for outcome in turn if outcome.status is not None]
        statuses = [outcome.status for outcome in told if outcome.status is not None]
        upsert = _timed(database, statuses, readings.put_latest)
        rows = _stored(database)
        with database.transact("write"):
            database.execute_sql("DELETE FROM status")
        whole = _timed(database, told, _save)
    database.shut()
    shutil.rmtree(folder)
    floor = bare(rows)
    count = len(statuses)
    result.add(f"{kind}: statuses upserted", count / upsert, "rows/s", "packed, through peewee")
    result.add(f"{kind}: floor, the bare driver's executemany", len(rows) / floor, "rows/s", "packed already")
    result.add(f"{kind}: ratio of the floor to ours", upsert / floor, "x")
    result.add(f"{kind}: whole polls stored", count / whole, "polls/s", "status, head of the miner, rev")


def _save(db: Database, outcomes: Sequence[PollOutcome]) -> None:
    readings.save(db, outcomes)


def _timed(database: Database, things: Sequence[Any], store: Callable[[Database, Sequence[Any]], None]) -> float:
    began = time.perf_counter()
    for part in _parts(things):
        with database.transact("write"):
            store(database, part)
    return time.perf_counter() - began


def _stored(database: Database) -> Rows:
    return list(database.execute_sql(f"SELECT {', '.join(_COLUMNS)} FROM status ORDER BY at, num").fetchall())


def _sqlite(path: Path, rows: Rows) -> float:
    create(f"sqlite:///{path}")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = 1"):
            connection.execute(f"PRAGMA {pragma}")
        began = time.perf_counter()
        for part in _parts(rows):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_upsert("?"), part)
            connection.execute("COMMIT")
        return time.perf_counter() - began


def _psycopg(url: str, rows: Rows) -> float:
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        began = time.perf_counter()
        for part in _parts(rows):
            with connection.transaction():
                cursor.executemany(_upsert("%s"), part)
        return time.perf_counter() - began


def _upsert(mark: str) -> str:
    marks = ", ".join([mark] * len(_COLUMNS))
    changes = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[2:])
    return f"INSERT INTO status ({', '.join(_COLUMNS)}) VALUES ({marks}) ON CONFLICT (at, num) DO UPDATE SET {changes}"


def _parts(things: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(things), BATCH):
        yield things[start : start + BATCH]
