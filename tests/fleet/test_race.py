"""Nodes that tell of one new URL at the same moment make one artifact with a bubble each."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import aiohttp
import pytest

from hived.records.canonical import url_key
from hived.store import Database
from hived.store.engine.db import tuples
from hived.store.schema import Artifact, Contribution
from tests.fleet.world import Master, database_of, free_port, hivectl

pytestmark = [pytest.mark.system]

ROUNDS = 1000 if os.environ.get("LONG") == "1" else 200
RACERS = 4
AT_ONCE = 4  # rounds under way together


def _spelling(number: int, racer: int) -> str:
    """Return one URL as different nodes spell it."""
    host = ("museum.example", "MUSEUM.example", "museum.example:443", "museum.example.")[racer]
    return f"https://{host}/race/{number}" + ("?utm_source=a", "", "#top", "?")[racer]


def _counts(db: Database) -> tuple[dict[str, int], int]:
    bubbles: dict[str, int] = {}
    for (key,) in tuples(Contribution.select(Artifact.url_key).join(Artifact), db):
        bubbles[key] = bubbles.get(key, 0) + 1
    return bubbles, int(Artifact.select().bind(db).count())


async def test_a_race_for_a_new_url_makes_one_artifact(tmp_path: Path, master_url: str | None) -> None:
    apids = 1 if master_url is None else 2
    master = Master(tmp_path / "master", master_url, [free_port() for _ in range(apids)])
    try:
        for which in range(apids):
            master.start(which)
        await master.listens()
        keys = [(await hivectl(master.box, "nodes", "add", f"racer-{n}", "--name", f"racer {n}"))["key"]
                for n in range(RACERS)]  # fmt: skip
        places = asyncio.Semaphore(AT_ONCE)

        async def race(http: aiohttp.ClientSession, number: int) -> None:
            async with places:
                replies = await asyncio.gather(*(tell(http, number, racer) for racer in range(RACERS)))
            assert replies == [(200, {"status": "ok"})] * RACERS

        async def tell(http: aiohttp.ClientSession, number: int, racer: int) -> tuple[int, object]:
            port = master.ports[racer % apids]
            content = json.dumps({"title": f"Race {number}", "summary": f"Seen by {racer}."})
            body = {"url": _spelling(number, racer), "content": content, "node_id": f"racer-{racer}"}
            headers = {"Authorization": f"Bearer {keys[racer]}"}
            async with http.post(f"http://127.0.0.1:{port}/master/ingest", json=body, headers=headers) as reply:
                return reply.status, await reply.json()

        async with aiohttp.ClientSession() as http:
            await asyncio.gather(*(race(http, number) for number in range(ROUNDS)))
        async with database_of(master.box) as store:
            bubbles, artifacts = await store.read(_counts)
        expected = {url_key(f"https://museum.example/race/{number}"): RACERS for number in range(ROUNDS)}
        assert (bubbles, artifacts) == (expected, ROUNDS)
    finally:
        master.box.close()
