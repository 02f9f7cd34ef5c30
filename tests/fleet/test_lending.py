"""Boxes without a model are described by the one that has one: each object once, whatever is killed meanwhile."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hived.simulator.collection.museum import Collection
from hived.simulator.ollama.models import MODEL
from hived.simulator.ollama.server import SimulatedOllama
from hived.store import Database, Store
from hived.store.collecting import artifacts, facts, sources
from hived.store.engine.database import tuples
from hived.store.schema import Artifact, Contribution
from tests.fleet import objects
from tests.fleet.world import NodeBox, World, database_of, world
from tests.system.appliance import Program, until

WITHIN_S = 200.0
OWN, THEIRS = 12, 24
"""Objects in the museums of the box with a model, and of one without."""
BY_HAND = 6


def collects(node: NodeBox, museum: Collection, model: str) -> Program:
    node.box.configure(
        minerd={"autostart": True, "allow_hosts": ["127.0.0.0/8"], "own_pace_ms": 1, "cooldown_seconds": 1},
        ollama={"host": model, "model": MODEL},
    )
    return node.box.start("hive-minerd")


def read_by_hand(db: Database, node_id: str) -> None:
    source = sources.add(db, name="museum", base_url=objects.BASE_URL, kind="met", at=time.time())
    for n in range(BY_HAND):
        obj = replace(objects.an_object(n), makers=("Exekias",), date_text="ca. 530 B.C.", medium="Terracotta")
        number, _ = artifacts.save(db, obj, source_id=source.id, source_name=source.name, at=time.time())
        facts.tell(db, [number], node_id=node_id, at=time.time())


def _states(db: Database) -> dict[str, int]:
    return Counter(state for (state,) in tuples(Artifact.select(Artifact.state), db))


def bubbles(db: Database) -> dict[str, Counter[tuple[str, str]]]:
    """{kind: {(URL, node): how often}}."""
    query = Contribution.select(Contribution.kind, Artifact.url, Contribution.node_id).join(Artifact)
    found: dict[str, Counter[tuple[str, str]]] = {"facts": Counter(), "description": Counter()}
    for kind, url, node_id in tuples(query, db):
        found[kind][url, node_id] += 1
    return found


async def add(node: NodeBox, museum: Collection) -> None:
    async with database_of(node.box) as store:
        await store.write(sources.add, name="museum", base_url=museum.met_url, kind="met", at=time.time())


def open_works(museum: Collection) -> int:
    return sum(1 for i in museum.ids if museum.catalogue.has_record(i) and museum.objects(i).open)


async def shake(place: World, minerd: Program, node: NodeBox, museum: Collection, model: str) -> Program:
    """Kill, one after the other, who describes, who carries and who lends."""
    minerd.kill()
    minerd = collects(node, museum, model)
    node.kill()
    node.start()
    place.master.kill()
    place.master.start()
    await place.master.listens()
    node.wake()
    return minerd


@pytest.mark.system
@pytest.mark.timeout(900)
@pytest.mark.sqlite_only("a minute of real boxes; the rows are tried on both in tests/store/collecting/test_lending.py")
async def test_what_boxes_without_a_model_collect_is_described_once_by_the_one_that_has_one(
    tmp_path: Path, master_url: str | None
) -> None:
    async with (
        Collection(OWN, crawl_delay_s=None) as own,
        Collection(THEIRS, crawl_delay_s=None) as theirs,
        SimulatedOllama(installed=(MODEL,), tokens_per_second=0, load_s=0) as model,
        world(tmp_path, nodes=3, seed=1, master_url=master_url) as place,
        database_of(place.master.box) as store,
    ):
        describer, without, by_hand = place.nodes
        await add(without, theirs)
        minerd_without = collects(without, theirs, "http://127.0.0.1:9")
        async with database_of(by_hand.box) as its:
            await its.write(read_by_hand, by_hand.name)
        lendable = open_works(theirs) + BY_HAND

        async def all_told() -> bool:
            return sum((await store.read(_states)).values()) == lendable

        await until_(all_told)
        assert await store.read(_states) == {"awaiting_description": lendable}, "shown with its facts, without a model"
        shown = await store.read(artifacts.newest, limit=1000)
        assert all(one.facts for one in shown)
        assert {bubble["kind"] for one in shown for bubble in one.bubbles} == {"facts"}

        await add(describer, own)
        minerd = collects(describer, own, model.url)
        total = lendable + open_works(own)
        for enough in (open_works(own) + 2, open_works(own) + 8, open_works(own) + 14):
            await until_(lambda enough=enough: _described(store, enough))
            minerd = await shake(place, minerd, describer, own, model.url)
        await until_(lambda: _described(store, total))
        found = await store.read(bubbles)
        assert set(found["description"].values()) == {1}
        assert {node_id for _, node_id in found["description"]} == {describer.name}
        assert {url for url, _ in found["description"]} == {url for url, _ in found["facts"]}
        assert len(found["description"]) == total
        assert Counter(node_id for _, node_id in found["facts"]) == {
            describer.name: open_works(own), without.name: open_works(theirs), by_hand.name: BY_HAND
        }  # fmt: skip
        async with database_of(describer.box) as its:
            assert (await its.read(artifacts.stats))["artifact_count"] == open_works(own), "what is lent is none of its"
        for program in (minerd, minerd_without):
            assert "Traceback" not in program.log


async def until_(done: Any) -> None:
    await until(done, within_s=WITHIN_S)


async def _described(store: Store, least: int) -> bool:
    return (await store.read(_states)).get("described", 0) >= least
