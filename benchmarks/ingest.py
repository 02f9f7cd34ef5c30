"""What nodes send, through hive-apid's real API, beside the bare driver's own batched upsert of the same rows."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import psycopg

from benchmarks.programs import configuration, free_port, program, usage
from benchmarks.report import Result
from hived.records.ingest import MAX_CONTRIBUTIONS, MAX_ITEMS
from hived.records.joining import NodeKey
from hived.store import create, database_of
from tests import nodes as fleet
from tests.databases import MISSING, Cluster, programs

NAME = "ingest"
NODES = 2
CONTRIBUTIONS, SHARED = 4000, 0.2  # of each node, and which share every node speaks of
MINERS, STRETCHES = 500, 12  # of each node: an hour of rollups
START_S = 20.0

Rows = list[tuple[Any, ...]]
Bare = Callable[[str, Rows, Sequence[str], Sequence[str], str], float]
"""Upserts rows into a database: URL, rows, names of the columns, those of the key, table; returns the seconds."""


@dataclass(frozen=True, slots=True)
class Sent:
    items: int
    wall_s: float
    cpu_s: float


def run(seconds: float | None = None) -> Result:
    """Measure both databases; `seconds` scales the number of items."""
    scale = (seconds or 6.0) / 6.0
    result = Result(
        NAME, f"{NODES} nodes at once: batches of {MAX_CONTRIBUTIONS} contributions, {SHARED:.0%} about common URLs,"
        f" and of {MAX_ITEMS} rollups",
    )  # fmt: skip
    folder = Path(tempfile.mkdtemp(prefix="hived-bench-"))
    try:
        for kind, ours, bare, upsert in _databases(result, folder):
            _measure(result, kind, folder / kind, ours, partial(upsert, bare), scale)
    finally:
        shutil.rmtree(folder)
    return result.done()


def _databases(result: Result, folder: Path) -> Iterator[tuple[str, str, str, Bare]]:
    yield "SQLite", f"sqlite:///{folder / 'ours.db'}", f"sqlite:///{folder / 'bare.db'}", _sqlite
    found = programs()
    if found is None:
        result.add("PostgreSQL", None, "rows/s", MISSING)
        return
    place = folder / "server"
    place.mkdir()
    folder.chmod(0o755)
    cluster = Cluster(place, found, durable=True)
    try:
        yield "PostgreSQL", cluster.url(cluster.empty()), cluster.url(cluster.empty()), _psycopg
    finally:
        cluster.stop()


def _measure(result: Result, kind: str, folder: Path, url: str, bare: Callable[..., float], scale: float) -> None:
    folder.mkdir()
    keys = _prepare(url, folder)
    port = free_port()
    file = configuration(folder, http={"addr": f"127.0.0.1:{port}"}, node={"state_dir": str(folder)})
    text = file.read_text("utf-8").splitlines()
    text = [line for line in text if not line.startswith("database:")]
    file.write_text("\n".join([*text, f"database: {{url: '{url}'}}\n"]), "utf-8")
    with program("hive-apid", "--config", str(file), folder=folder) as apid:
        said, _, rolled = (asyncio.run(_send(apid, port, keys, bodies)) for bodies in _bodies(scale))
    told = (("contributions", said, ("artifact", "contribution")), ("rollups", rolled, ("rollup_5m",)))
    for name, sent, tables in told:
        each = sent.cpu_s / sent.items * 1e6
        result.add(f"{kind}: {name} taken", sent.items / sent.wall_s, "items/s", f"{each:.0f} us of server CPU each")
        floor = 0.0
        for table in tables:
            names, keys_of, rows = _stored(url, folder, table)
            floor += bare(rows, names, keys_of, table)
        result.add(f"{kind}: floor, {name} as rows with executemany", sent.items / floor, "items/s")
        result.add(f"{kind}: ratio of the floor to ours", sent.wall_s / floor, "x")


def _prepare(url: str, folder: Path) -> list[NodeKey]:
    create(url, folder)
    database = database_of(url, folder)
    with database.session(), database.transact("write"):
        keys = [fleet.let_in(database, f"n{node}", time.time()) for node in range(NODES)]
    database.shut()
    return keys


def _bodies(scale: float) -> Iterator[list[list[tuple[int, bytes]]]]:
    """Yield for each stream what each node sends: (number of items, body), made before the clock runs."""
    count = max(MAX_CONTRIBUTIONS, round(CONTRIBUTIONS * scale))
    hour = time.time() // 3600 * 3600 - 7200
    said, rigs, rolled = [], [], []
    for node in range(NODES):
        objects = [n if n < count * SHARED else n + (node + 1) * 10_000_000 for n in range(count)]
        words = f"Node {node} says: a tall vase of clay. " * 8
        items = [fleet.said(i, n, words, hour) for i, n in enumerate(objects, 1)]
        said.append(_batches(node, "contributions", items, MAX_CONTRIBUTIONS))
        nums = range(node * MINERS + 1, (node + 1) * MINERS + 1)
        mine = [fleet.miner(i, n, hour) for i, n in enumerate(nums, 1)]
        rigs.append(_batches(node, "miners", mine, MAX_ITEMS))
        stretches = range(max(1, round(STRETCHES * scale)))
        values = [fleet.rollup(n, hour + 300 * i) for i in stretches for n in nums]
        rolled.append(_batches(node, "status", values, MAX_ITEMS))
    yield said
    yield rigs
    yield rolled


def _batches(node: int, stream: str, items: list[Any], most: int) -> list[tuple[int, bytes]]:
    found, held = [], 0
    for start in range(0, len(items), most):
        part = items[start : start + most]
        told = fleet.batch(f"n{node}", stream, held + 1, part[-1]["seq"], part)
        held = part[-1]["seq"]
        found.append((len(part), json.dumps(told).encode()))
    return found


async def _send(apid: Any, port: int, keys: list[NodeKey], lanes: list[list[tuple[int, bytes]]]) -> Sent:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        await up(session)

        async def node(key: NodeKey, batches: list[tuple[int, bytes]]) -> int:
            headers = {**fleet.bearer(key), "Content-Type": "application/json"}
            taken = 0
            for count, body in batches:
                async with session.post("/api/v1/ingest", data=body, headers=headers) as reply:
                    answer = await reply.json()
                    assert reply.status == 200, answer
                    assert "outcome" not in answer, answer
                    assert not answer.get("rejected"), answer
                taken += count
            return taken

        before, began = usage(apid).cpu_s, time.perf_counter()
        counts = await asyncio.gather(*(node(key, lane) for key, lane in zip(keys, lanes, strict=True)))
        return Sent(sum(counts), time.perf_counter() - began, usage(apid).cpu_s - before)


async def up(session: aiohttp.ClientSession, within_s: float = START_S) -> None:
    """Wait until hive-apid answers."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            async with session.get("/api/v1/hello") as reply:
                reply.raise_for_status()
                return
        except aiohttp.ClientConnectorError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


_KEYS = {"artifact": ("url_key",), "contribution": ("artifact_id", "node_id", "kind"), "rollup_5m": ("at", "num")}


def _stored(url: str, folder: Path, table: str) -> tuple[list[str], Sequence[str], Rows]:
    database = database_of(url, folder)
    with database.session():
        cursor = database.execute_sql(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        rows = [tuple(row) for row in cursor.fetchall()]
    database.shut()
    return names, _KEYS[table], rows


def _upsert(table: str, names: Sequence[str], keys: Sequence[str], mark: str) -> str:
    marks = ", ".join([mark] * len(names))
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in (*keys, "id"))
    head = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"
    return f"{head} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}"


def _sqlite(url: str, rows: Rows, names: Sequence[str], keys: Sequence[str], table: str) -> float:
    if not Path(url.removeprefix("sqlite:///")).exists():
        create(url)
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        for pragma in ("journal_mode = wal", "synchronous = full"):
            connection.execute(f"PRAGMA {pragma}")
        began = time.perf_counter()
        for part in _parts(rows):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_upsert(table, names, keys, "?"), part)
            connection.execute("COMMIT")
        return time.perf_counter() - began


def _psycopg(url: str, rows: Rows, names: Sequence[str], keys: Sequence[str], table: str) -> float:
    create(url, Path(tempfile.gettempdir()))
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        began = time.perf_counter()
        for part in _parts(rows):
            with connection.transaction():
                cursor.executemany(_upsert(table, names, keys, "%s"), part)
        return time.perf_counter() - began


def _parts(rows: Rows) -> Iterator[Rows]:
    for start in range(0, len(rows), MAX_CONTRIBUTIONS):
        yield rows[start : start + MAX_CONTRIBUTIONS]
