"""Storing polls: the product's way from records to rows, against SQLite alone with the same rows."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from benchmarks import sample
from benchmarks.report import Result
from hived.records.miner_view import PollOutcome
from hived.store import Database, create, database_of
from hived.store.miners import readings

NAME = "store"
MINERS = 1000
BATCH = 500
CHIPS_OF_EVERY = 4  # chips are read every fourth time
SECONDS = 6.0
START = 1_800_000_000.0


def run(seconds: float | None = None) -> Result:
    """Measure it for about `seconds`, made-up readings not included."""
    result = Result(NAME, f"polls of {MINERS} miners, batches of {BATCH}, every {CHIPS_OF_EVERY}th with chips")
    with tempfile.TemporaryDirectory(prefix="hived-bench-") as name:
        folder = Path(name)
        ours, bare = folder / "ours.db", folder / "bare.db"
        for path in (ours, bare):
            create(f"sqlite:///{path}")
        wall, cpu, stored = _save(ours, seconds or SECONDS)
        rows = {table: _rows(ours, table) for table in ("status", "chips")}
        result.add("polls stored", stored / wall, "polls/s", f"{stored} in {wall:.1f} s")
        result.add("CPU per poll", cpu / stored * 1e6, "us", "head, status, events, a quarter of the chips")
        count = sum(map(len, rows.values()))
        result.add("rows stored", count / wall, "rows/s", f"{len(rows['status'])} status, {len(rows['chips'])} chips")
        floor_wall, floor_cpu = _insert(bare, rows)
        result.add("floor: the same rows with executemany", count / floor_wall, "rows/s", "packed already")
        result.add("floor: CPU per poll", floor_cpu / stored * 1e6, "us")
        result.add("ratio: CPU of ours to that", cpu / floor_cpu, "x")
        _only_statuses(folder, result)
    return result.done()


def _save(path: Path, seconds: float) -> tuple[float, float, int]:
    """Store polls through the product for about so long; return seconds by the clock, of CPU, and the polls stored."""
    database, random = database_of(f"sqlite:///{path}"), Random(1)
    database.connect()
    with closing(database):
        with database.atomic("IMMEDIATE"):
            nums = sample.find(database, MINERS, START)
        wall, cpu, stored, turn = 0.0, 0.0, 0, 0
        while wall < seconds:
            at = START + turn * 15
            polls = list(sample.outcomes(nums, at, random, chips_of_every=CHIPS_OF_EVERY))
            turn += 1
            spent = _store(database, polls)
            wall, cpu, stored = wall + spent[0], cpu + spent[1], stored + len(nums)
    return wall, cpu, stored


def _store(database: Database, polls: Sequence[PollOutcome]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(polls), BATCH):
        with database.atomic("IMMEDIATE"):
            readings.save(database, polls[start : start + BATCH])
    return time.perf_counter() - wall, time.process_time() - cpu


def _rows(path: Path, table: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY at").fetchall()


def _insert(path: Path, rows: dict[str, list[tuple[Any, ...]]]) -> tuple[float, float]:
    """Insert rows as they are, in transactions of the same size; return seconds by the clock and of CPU."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = 1"):
            connection.execute(f"PRAGMA {pragma}")
        wall, cpu = time.perf_counter(), time.process_time()
        for table, tuples in rows.items():
            marks = ", ".join("?" * len(tuples[0]))
            for start in range(0, len(tuples), BATCH):
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(f"INSERT INTO {table} VALUES ({marks})", tuples[start : start + BATCH])
                connection.execute("COMMIT")
        return time.perf_counter() - wall, time.process_time() - cpu


def _only_statuses(folder: Path, result: Result) -> None:
    """One turn of the site without chips: what most transactions are made of."""
    path = folder / "statuses.db"
    create(f"sqlite:///{path}")
    database, random = database_of(f"sqlite:///{path}"), Random(2)
    database.connect()
    with closing(database):
        with database.atomic("IMMEDIATE"):
            nums = sample.find(database, MINERS, START)
        turns = [list(sample.outcomes(nums, START + t * 15, random, chips_of_every=MINERS + 1)) for t in range(3)]
        spent = [_store(database, polls) for polls in turns]
    polls_stored = sum(map(len, turns))
    result.add("CPU per poll without chips", sum(cpu for _, cpu in spent) / polls_stored * 1e6, "us")
