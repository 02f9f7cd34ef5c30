"""Whatever an approved node sends: no error of ours, and not one row of the master or of another node is changed."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import Any

import pytest
from backports import zstd

from hived.api.nodes.intake import INTAKE
from hived.records.streams import STREAMS
from hived.store import Database
from hived.store.engine.database import dicts
from hived.store.schema import (
    Artifact,
    Chips,
    Contribution,
    Event,
    Fleet1h,
    Fleet5m,
    Health,
    Miner,
    Model,
    NodeKey,
    Ownership,
    Rollup1h,
    Rollup5m,
    Status,
    SyncPoint,
    Table,
)
from tests import access
from tests import nodes as fleet
from tests.api import farm
from tests.api.farm import KEY, MAC, NOW, PASSWORD, Api
from tests.api.http.test_fuzzed_requests import BODIES, CONTACT
from tests.api.nodes.test_ingest import Node
from tests.api.nodes.test_tolerance import MODEL
from tests.mutated import LONG, Mutator, count, watched

CASES = count(100, 4_000)
KEPT: tuple[type[Table], ...] = (
    Miner, Health, Status, Chips, Rollup5m, Rollup1h, Ownership, Fleet5m, Fleet1h, Event, Contribution, SyncPoint,
    Model,
)  # fmt: skip
FACTS = (Artifact.id, Artifact.url, Artifact.title, Artifact.facts, Artifact.licence_uri, Artifact.image_url)
THEIRS, OURS, MINE = (901, 902, 903), (1, 2), (501, 502, 503)
WORDS = (
    "n1", "n2", "id-1", "e1", MAC, *(fleet.mac_of(n) for n in (*THEIRS, *MINE)), "s19", "reboot", "met", "events",
    NOW, "2027-01-15T08:00:00Z", "2027-01-15T09:00:00Z", "https://museum.example/objects/1",
)  # fmt: skip
PATHS = ("/api/v1/ingest",) * 8 + (
    "/api/v1/nodes/me/contact",
    "/api/v1/nodes/me/lent",
    "/api/v1/nodes/me/keys",
    "/master/ingest",
    "/api/v1/join",
)


def rows(db: Database) -> dict[str, set[frozenset[tuple[str, str]]]]:
    """Return the rows of every table without what is empty in them."""
    found: dict[str, Any] = {table.__name__: table.select() for table in KEPT} | {"Artifact": Artifact.select(*FACTS)}
    found |= {"NodeKey": NodeKey.select().where(NodeKey.node != "n1")}
    return {
        name: {
            frozenset((column, repr(value)) for column, value in row.items() if value is not None)
            for row in dicts(query, db)
        }
        for name, query in found.items()
    }


def is_kept(name: str, row: frozenset[tuple[str, str]], after: set[frozenset[tuple[str, str]]]) -> bool:
    """Tell whether a row is still there as it was. What nobody knows of a model every node may say."""
    return row in after or (name == "Model" and any(row < one for one in after))


def batch_of(one: Mutator, number: int) -> dict[str, Any]:
    """Return a good batch that goes on where the node is, about miners of its own and of everybody else."""
    stream, seq = one.random.choice((*STREAMS, "miners")), 4 * number + 10
    whose = sorted(one.random.choice(those) for those in (MINE, THEIRS, OURS))
    at = NOW - 300 * one.random.choice((2, 3, 200))
    items = {
        "contributions": [fleet.said(seq + n, one.random.choice((1, 2, 3))) for n in range(3)],
        "facts": [fleet.read_of(seq + n, one.random.choice((1, 2, 3))) for n in range(3)],
        "miners": [fleet.miner(seq + n, who) for n, who in enumerate(whose)],
        "status": [fleet.rollup(who, at) for who in whose],
        "events": [fleet.event(seq + n, who) for n, who in enumerate(whose)], "fleet": [fleet.fleet_sums(seq)],
    }[stream]  # fmt: skip
    more: dict[str, Any] = {"latest": [fleet.latest(who) for who in whose]} if one.often(0.3) else {}
    more |= {"models": [MODEL]} if one.often(0.2) else {}
    epoch = f"e{number // 4}"  # one that took a huge number takes nothing any more
    return fleet.batch("n1", stream, 1, items[-1]["seq"], items, epoch=epoch, **more)


def sent_by(one: Mutator, number: int, path: str) -> tuple[bytes, dict[str, str]]:
    """Return a body and its headers."""
    good = batch_of(one, number) if path == "/api/v1/ingest" else BODIES.get(f"POST {path}", [CONTACT])[0]
    body = json.dumps(good).encode() if one.often(0.3) else one.body(good)
    if not one.often(0.2):
        return body, {}
    kind = one.random.choice(("gzip", "zstd"))
    packed = gzip.compress(body) if kind == "gzip" else zstd.compress(body)
    return one.bytes(packed) if one.often(0.4) else packed, {"Content-Encoding": kind}


async def another(api: Api) -> Node:
    """A node at work, with miners, history, events and objects."""
    other = Node(api, "n2", await api.store.write(fleet.let_in, "n2", NOW))
    await api.store.write(fleet.touch, "n2", NOW)
    await api.store.write(_lose_one)
    await other.batch("miners", 1, 9, [fleet.miner(n - 900, n) for n in THEIRS], models=[MODEL | {"alias": "s21"}])
    await other.batch("status", 1, fleet.rollup(950, NOW - 300)["seq"], [fleet.rollup(n, NOW - 600) for n in THEIRS],
                      latest=[fleet.latest(n) for n in THEIRS])  # fmt: skip
    await other.batch("events", 1, 3, [fleet.event(n - 900, n) for n in THEIRS])
    await other.batch("contributions", 1, 2, [fleet.said(1, 1), fleet.said(2, 2)])
    await other.batch("fleet", 1, 1, [fleet.fleet_sums(1)])
    return other


def _lose_one(db: Database) -> None:
    """Give the master a second miner, which is off: nobody takes that over, either."""
    num = farm.find(db, 2, NOW - 600)
    farm.poll(db, num, NOW - 60)
    Miner.update(online=False, ip=None).where(Miner.num == num).execute(db)


@pytest.mark.timeout(3600 if LONG else 120)
async def test_nothing_that_a_node_sends_makes_a_mistake_of_ours_or_touches_the_others(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(_seconds: float) -> None:
        """A node that sends too fast is slowed down, which test_intake shows."""

    monkeypatch.setattr(api.app[INTAKE], "_sleep", at_once)
    await another(api)
    node = Node(api, "n1", await api.store.write(fleet.let_in, "n1", NOW))
    await api.store.write(fleet.touch, "n1", NOW)
    before, codes, wrong = await api.store.read(rows), Counter[int](), list[Any]()
    with watched([PASSWORD, KEY, node.key.secret, access.TOKEN.secret]):
        for number in range(CASES):
            case = f"node {number}"
            one = Mutator(case, WORDS)
            path = one.random.choice(PATHS)
            body, headers = sent_by(one, number, path)
            code, answer = await node.send(path, body, **headers)
            if not 200 <= code < 500:
                wrong.append((case, path, code, body[:600], answer))
            codes[code] += 1
        assert not wrong, (len(wrong), wrong[:5])
    await api.fleet.beat()
    print(f"{CASES} messages: {sorted(codes.items())}")
    assert codes[200] > CASES / 3, "most went wrong before they came anywhere"
    after = await api.store.read(rows)
    gone = [(name, row) for name, kept in before.items() for row in kept if not is_kept(name, row, after[name])]
    assert not gone, gone[:3]
    assert len(after["Miner"]) > len(before["Miner"]), "what is its own was taken"
    assert (await api.get("/healthz"))["status"] in ("ok", "degraded")
