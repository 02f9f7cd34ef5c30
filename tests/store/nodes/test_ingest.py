"""Batches of nodes in the database: repeats, any order, racing nodes, bounds; on both kinds of database."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from peewee import fn

from hived.api.nodes import ingest_parse
from hived.records.ingest import Batch, SentContribution, Taken
from hived.records.streams import rollup_seq
from hived.store import Store
from hived.store.engine.database import dicts, tuples
from hived.store.miners import history, miners, readings, views
from hived.store.nodes import contacts, ingest, ingest_artifacts, nodes
from hived.store.schema import (
    Artifact,
    Contribution,
    Event,
    Health,
    Miner,
    Model,
    Rollup1h,
    Rollup5m,
    Status,
    SyncPoint,
)
from tests import collected
from tests import nodes as fleet
from tests.api import farm
from tests.nodes import NOW

HOUR = NOW // 3600 * 3600 - 3600


def read(node_id: str, stream: str, first: int, last: int, items: Sequence[Any], **more: Any) -> Batch:
    return ingest_parse.batch(fleet.batch(node_id, stream, first, last, list(items), **more), node_id, NOW)


async def take(
    store: Store, node_id: str, stream: str, first: int, last: int, items: Sequence[Any], **more: Any
) -> Taken:
    return await store.merge(ingest.take, node_id, read(node_id, stream, first, last, items, **more), NOW)


def outcomes(taken: Taken) -> list[str]:
    return [one.outcome for one in taken.results]


def everything(db: Any) -> dict[str, Any]:
    """All that batches bring, without numbers and times of arrival, which are not the nodes' matter."""
    urls = dict(tuples(Artifact.select(Artifact.id, Artifact.url), db))
    macs = dict(tuples(Miner.select(Miner.num, Miner.mac), db))
    gone = {"id", "changed_at", "collected_at", "received_at", "rev", "num", "artifact"}

    def rows(table: Any, *more: str) -> list[Any]:
        found = []
        for row in dicts(table.select(), db):
            named = {"url": urls.get(row.get("artifact")), "mac": macs.get(row.get("num"))}
            kept = {name: value for name, value in row.items() if name not in gone | set(more)}
            found.append(tuple(sorted((name, repr(value)) for name, value in {**named, **kept}.items())))
        return sorted(found)

    return {
        # Whose word the facts are is a matter of who came first.
        "artifact": rows(Artifact, "told_by", "licence_read_at"), "contribution": rows(Contribution),
        "miner": rows(Miner), "health": rows(Health),
        "status": rows(Status), "rollup": rows(Rollup5m), "hour": rows(Rollup1h), "event": rows(Event),
        "point": rows(SyncPoint, "at"), "model": rows(Model, "told_by"),
    }  # fmt: skip


def days_of(node: int) -> list[tuple[str, Batch]]:
    """The batches of one node: ten objects, half of them every node's, some told twice; two miners of its own."""
    name = f"n{node}"
    objects = [n if n < 6 else 100 * node + n for n in range(10)]
    said = [fleet.said(seq, n, f"{name} says {seq}", NOW - 50 * node - seq) for seq, n in enumerate(objects, 1)]
    said += [fleet.said(seq, seq - 10, f"{name} says {seq} anew", NOW - node) for seq in range(11, 14)]
    mine = [10 * node, 10 * node + 1]
    rigs = [fleet.miner(i, n, hostname=f"{name}-{i}") for i, n in enumerate(mine, 1)]
    rolled = [fleet.rollup(n, HOUR - 3600 + 300 * i, hashrate_mean_hs=i * 1e12) for i in range(4) for n in mine]
    rolled.sort(key=lambda one: one["seq"])
    half = rolled[3]["seq"]
    told = [fleet.event(i, mine[i % 2]) for i in range(1, 5)]
    facts = [fleet.read_of(seq, n, NOW - 50 * node) for seq, n in enumerate(objects, 1)]
    models = [{"alias": "s19", "name": "Antminer S19", "presets": [], "chips_per_chain": 3, "chains": 3,
               "topology": None, "series": None}]  # fmt: skip
    batches = [
        read(name, "contributions", 1, 5, said[:5]), read(name, "contributions", 6, 13, said[5:]),
        read(name, "miners", 1, 1, rigs[:1], models=models), read(name, "miners", 2, 2, rigs[1:]),
        read(name, "status", 1, half, rolled[:4], latest=[fleet.latest(mine[0], NOW - 20)]),
        read(name, "status", half + 1, rolled[-1]["seq"], rolled[4:], latest=[fleet.latest(n, NOW - 5) for n in mine]),
        read(name, "events", 1, 2, told[:2]), read(name, "events", 3, 4, told[2:]),
        read(name, "facts", 1, 4, facts[:4]), read(name, "facts", 5, 10, facts[4:]),
    ]  # fmt: skip
    # Miners are told of before anything else of them, as hive-syncd does.
    order = [2, 3, 8, 0, 1, 4, 9, 5, 6, 7]
    return [(name, batches[i]) for i in order]


def shuffled(lanes: Iterable[list[tuple[str, Batch]]], random: Random) -> list[tuple[str, Batch]]:
    """Any order that keeps each node's own, with any number of repeats of what was sent before."""
    left = [list(lane) for lane in lanes]
    sent: list[tuple[str, Batch]] = []
    while any(left):
        lane = random.choice([one for one in left if one])
        sent.append(lane.pop(0))
        while random.random() < 0.4:
            sent.append(random.choice(sent))
    return sent


@pytest.mark.parametrize("seed", range(6))
async def test_any_interleaving_with_any_repeats_ends_in_the_same_rows(
    store: Store, other_store: Store, seed: int
) -> None:
    lanes = [days_of(node) for node in (1, 2, 3)]
    for where in (store, other_store):
        for node in (1, 2, 3):
            await where.write(fleet.let_in, f"n{node}", NOW)
    for name, batch in itertools.chain(*lanes):
        assert not (await store.merge(ingest.take, name, batch, NOW)).gap
    for name, batch in shuffled(lanes, Random(seed)):
        await other_store.merge(ingest.take, name, batch, NOW)
    one, other = await store.read(everything), await other_store.read(everything)
    for table, rows in one.items():
        assert rows == other[table], table
    assert {table: len(rows) for table, rows in one.items()} == {
        "artifact": 18, "contribution": 60, "miner": 6, "health": 6, "status": 6, "rollup": 24, "hour": 6, "event": 15,
        "point": 15, "model": 1,
    }  # fmt: skip


async def test_nodes_that_send_at_once_lose_nothing_and_make_nothing_twice(store: Store) -> None:
    lanes = [days_of(node) for node in (1, 2, 3)]
    for node in (1, 2, 3):
        await store.write(fleet.let_in, f"n{node}", NOW)

    async def run(lane: list[tuple[str, Batch]]) -> None:
        for name, batch in lane:
            await asyncio.gather(*(store.merge(ingest.take, name, batch, NOW) for _ in range(2)))

    await asyncio.gather(*(run(lane) for lane in lanes))
    found = await store.read(everything)
    assert (len(found["artifact"]), len(found["contribution"]), len(found["rollup"])) == (18, 60, 24)


async def test_racing_nodes_on_one_new_url_make_one_artifact(store: Store) -> None:
    for n in range(20):
        batches = [(f"n{i}", read(f"n{i}", "contributions", n + 1, n + 1, [fleet.said(n + 1, n)])) for i in range(5)]
        results = await asyncio.gather(*(store.merge(ingest.take, name, batch, NOW) for name, batch in batches))
        assert sorted(outcomes(one)[0] for one in results) == ["created"] + ["merged"] * 4
        assert len({one.results[0].artifact_id for one in results}) == 1
    found = await store.read(everything)
    assert (len(found["artifact"]), len(found["contribution"])) == (20, 100)


async def test_every_outcome_of_a_contribution(store: Store) -> None:
    first = [fleet.said(1, 1, "one"), fleet.said(2, 2, "two")]
    assert outcomes(await take(store, "n1", "contributions", 1, 2, first)) == ["created", "created"]
    assert outcomes(await take(store, "n2", "contributions", 1, 1, [fleet.said(1, 1, "one")])) == ["merged"]
    assert outcomes(await take(store, "n1", "contributions", 1, 2, first)) == ["duplicate", "duplicate"]
    same_again = [fleet.said(3, 1, "one"), fleet.said(4, 2, "two and a half")]
    assert outcomes(await take(store, "n1", "contributions", 3, 4, same_again)) == ["duplicate", "superseded"]
    assert outcomes(await take(store, "n1", "contributions", 1, 2, first)) == ["duplicate", "stale"]
    taken = await take(store, "n1", "contributions", 5, 5, [fleet.said(5, 3, kind="poem")])
    assert (taken.results, [one.reason for one in taken.rejected], taken.seq) == ((), ["kind"], 5)
    assert (await take(store, "n1", "contributions", 9, 9, [fleet.said(9, 9)])).gap


async def test_a_restored_node_sends_all_anew_and_changes_nothing(store: Store) -> None:
    items = [fleet.said(seq, seq) for seq in (1, 2, 3)]
    await take(store, "n1", "contributions", 1, 3, items)
    before = await store.read(everything)
    taken = await take(store, "n1", "contributions", 1, 3, items, epoch="e2")
    assert (outcomes(taken), taken.seq) == (["duplicate"] * 3, 3)
    after = await store.read(everything)
    assert {**before, "point": 0} == {**after, "point": 0}
    newer = await take(store, "n1", "contributions", 4, 4, [fleet.said(4, 1, "other words")], epoch="e2")
    assert outcomes(newer) == ["superseded"]


async def test_only_so_many_epochs_of_a_node_are_remembered(store: Store) -> None:
    for n in range(ingest.MAX_EPOCHS + 5):
        batch = read("n1", "events", 1, 1, [fleet.event(1)], epoch=f"e{n}")
        await store.merge(ingest.take, "n1", batch, NOW + n)
    points = await store.read(lambda db: dicts(SyncPoint.select(), db))
    assert len(points) <= ingest.MAX_EPOCHS + 1
    assert f"e{ingest.MAX_EPOCHS + 4}" in {point["epoch"] for point in points}


async def facts(store: Store) -> tuple[str, str, str | None]:
    (row,) = await store.read(lambda db: dicts(Artifact.select(), db))
    return row["title"], row["licence_uri"][-4:], row["image_url"]


def painted(title: str, at: float = NOW, **changes: Any) -> list[dict[str, Any]]:
    told = {"title": title, "image_url": f"https://{title.lower()}.example/1.jpg"}
    return [fleet.said(1, 1, title, at, artifact=told | changes)]


async def test_only_who_told_of_an_object_first_changes_its_facts(store: Store) -> None:
    await take(store, "n1", "contributions", 1, 1, painted("First", NOW - 99))
    kept = ("First", "1.0/", "https://first.example/1.jpg")
    for seq, at in enumerate((NOW - 200, NOW - 50, NOW, NOW + 86_400 * 3650), 1):
        taken = await take(store, "n2", "contributions", 1, 1, painted("Defaced", at), epoch=f"e{seq}")
        assert outcomes(taken)[0] in ("merged", "superseded", "duplicate"), "its words are taken all the same"
        assert await facts(store) == kept
    await take(store, "n1", "contributions", 1, 1, painted("Older", NOW - 100), epoch="e8")
    assert await facts(store) == kept
    await take(store, "n1", "contributions", 1, 1, painted("Newer", NOW - 9), epoch="e9")
    assert await facts(store) == ("Newer", "1.0/", "https://newer.example/1.jpg")


async def test_facts_that_were_told_with_a_time_to_come_are_corrected_by_the_next(store: Store) -> None:
    await take(store, "n1", "contributions", 1, 1, painted("Early", NOW + 86_400 * 365))
    sent = read("n1", "contributions", 2, 2, [{**painted("Right", NOW + 20)[0], "seq": 2}])
    later = replace(sent, items=(replace(sent.items[0], facts_at=NOW + 20),))
    await store.merge(ingest.take, "n1", later, NOW + 30)
    assert (await facts(store))[0] == "Right"


@pytest.mark.parametrize("is_ours", [True, False])
async def test_a_licence_replaces_none_but_not_by_a_collector(store: Store, is_ours: bool) -> None:
    await take(store, "n1", "contributions", 1, 1, painted("Bare", NOW, licence=None))
    licensed = read("n2", "contributions", 1, 1, painted("Licensed", NOW - 99))
    await store.merge(ingest.take, "n2", licensed, NOW, is_ours=is_ours)
    assert (await facts(store))[:2] == (("Licensed", "1.0/") if is_ours else ("Bare", ""))
    await take(store, "n3", "contributions", 1, 1, painted("Unlicensed", NOW, licence=None))
    await take(store, "n4", "contributions", 1, 1, painted("Other", NOW))
    assert (await facts(store))[0] == ("Licensed" if is_ours else "Other")


async def test_a_collector_changes_its_own_words_alone(store: Store) -> None:
    def one(node_id: str, title: str) -> SentContribution:
        words = json.dumps({"title": title, "summary": title})
        return ingest_parse.legacy({"url": "https://museum.example/objects/1", "content": words}, node_id, NOW)

    await take(store, "n1", "contributions", 1, 1, painted("First", NOW - 99))
    await store.merge(ingest_artifacts.take_legacy, "histo", one("histo", "Mine"), NOW)
    assert (await facts(store))[0] == "First"
    (count,) = (await store.read(lambda db: tuples(Contribution.select(fn.COUNT(Contribution.id)), db)))[0]
    assert count == 2


async def test_of_a_node_that_was_removed_the_next_one_may_correct_the_facts(store: Store) -> None:
    await store.write(fleet.let_in, "n1", NOW)
    await take(store, "n1", "contributions", 1, 1, painted("Defaced", NOW))
    await store.write(nodes.remove, "n1")
    await take(store, "n2", "contributions", 1, 1, painted("Right", NOW))
    await take(store, "n3", "contributions", 1, 1, painted("Wrong", NOW))
    assert (await facts(store))[0] in ("Right", "Defaced")
    sent = read("n2", "contributions", 2, 2, [{**painted("Right", NOW)[0], "seq": 2}])
    await store.merge(ingest.take, "n2", replace(sent, items=(replace(sent.items[0], facts_at=NOW + 1),)), NOW + 1)
    assert (await facts(store))[0] == "Right"


@pytest.mark.parametrize("gone", [False, True])
async def test_nobody_changes_what_was_collected_here(store: Store, gone: bool) -> None:
    source = await store.write(collected.add_source, NOW)
    await store.write(collected.collect, source, 1, NOW - 3600)
    if gone:  # what its source brought stays
        await store.write(lambda db: Artifact.update(source=None).execute(db))
    before = await facts(store)
    await take(store, "n1", "contributions", 1, 1, painted("Defaced"))
    assert await facts(store) == before


async def test_what_the_master_collected_itself_keeps_its_facts_and_its_wait(store: Store) -> None:
    source = await store.write(collected.add_source, NOW)
    number = await store.write(collected.collect, source, 1, NOW - 3600)
    taken = await take(store, "n1", "contributions", 1, 1, [fleet.said(1, 1)])
    assert outcomes(taken) == ["merged"]
    (row,) = await store.read(lambda db: dicts(Artifact.select(), db))
    assert (row["id"], row["title"], row["state"]) == (number, "Terracotta amphora 1", "awaiting_description")
    await store.write(collected.describe, number, NOW)
    assert len((await store.read(everything))["contribution"]) == 2


async def test_facts_wait_for_a_description_and_wait_again_when_they_change(store: Store) -> None:
    async def state() -> str:
        ((found,),) = await store.read(lambda db: tuples(Artifact.select(Artifact.state), db))
        return str(found)

    assert outcomes(await take(store, "n1", "facts", 1, 1, [fleet.read_of(1, 1)])) == ["created"]
    assert await state() == "awaiting_description"
    assert outcomes(await take(store, "n2", "facts", 1, 1, [fleet.read_of(1, 1, title="Other words")])) == ["merged"]
    assert (await facts(store))[0] == "Amphora 1"
    await take(store, "n1", "contributions", 1, 1, [fleet.said(1, 1)])
    assert await state() == "described"
    await take(store, "n1", "facts", 2, 2, [fleet.read_of(2, 1, NOW - 1, title="Older")])
    await take(store, "n2", "facts", 2, 2, [fleet.read_of(2, 1, title="Not theirs")])
    assert ((await facts(store))[0], await state()) == ("Amphora 1", "described")
    early = [fleet.said(2, 2, at=NOW - 9), fleet.said(3, 2, "anew", at=NOW - 8, artifact={"title": "Newer"})]
    await take(store, "n1", "contributions", 2, 3, early)
    await take(store, "n1", "facts", 3, 3, [fleet.read_of(3, 2, NOW - 8, title="Newer")])
    described = Artifact.select(Artifact.title, Artifact.state).where(Artifact.title == "Newer")
    assert await store.read(lambda db: tuples(described, db)) == [("Newer", "described")], "told of in this order, too"
    await take(store, "n1", "facts", 4, 4, [fleet.read_of(4, 2, NOW, title="Newest")])
    waits = Artifact.select(Artifact.state).where(Artifact.title == "Newest")
    assert await store.read(lambda db: tuples(waits, db)) == [("awaiting_description",)]


async def test_facts_without_a_licence_are_refused(store: Store) -> None:
    taken = await take(store, "n1", "facts", 1, 2, [fleet.read_of(1, 1, licence=None), fleet.read_of(2, 2)])
    assert [(one.seq, one.reason) for one in taken.rejected] == [(1, "artifact")]
    assert outcomes(taken) == ["created"]


async def test_what_others_told_first_becomes_our_own_when_we_collect_it(store: Store) -> None:
    taken = await take(store, "n1", "contributions", 1, 1, [fleet.said(1, 1)])
    source = await store.write(collected.add_source, NOW)
    number = await store.write(collected.collect, source, 1, NOW)
    assert number == taken.results[0].artifact_id
    await store.write(collected.describe, number, NOW)
    (row,) = await store.read(lambda db: dicts(Artifact.select(), db))
    assert (row["title"], row["state"]) == ("Terracotta amphora 1", "described")


async def test_an_artifact_takes_no_more_nodes_than_are_kept(store: Store) -> None:
    for n in range(ingest_artifacts.MAX_STORED):
        await take(store, f"n{n}", "contributions", 1, 1, [fleet.said(1, 1, f"words {n}")])
    taken = await take(store, "late", "contributions", 1, 1, [fleet.said(1, 1)])
    assert [(one.outcome, one.reason) for one in taken.results] == [("rejected", "full")]
    assert outcomes(await take(store, "n7", "contributions", 2, 2, [fleet.said(2, 1, "others")])) == ["superseded"]


async def test_of_two_last_words_of_a_collector_one_stays(store: Store) -> None:
    def one(words: str) -> SentContribution:
        return ingest_parse.legacy({"url": "https://museum.example/objects/1", "content": words}, "histo", NOW)

    same = await asyncio.gather(*(store.merge(ingest_artifacts.take_legacy, "histo", one("A"), NOW) for _ in range(5)))
    assert sorted(result.outcome for result in same) == ["created"] + ["duplicate"] * 4
    await store.merge(ingest_artifacts.take_legacy, "histo", one("B"), NOW)
    await store.merge(ingest_artifacts.take_legacy, "histo", one("A"), NOW)
    ((content,),) = await store.read(lambda db: tuples(Contribution.select(Contribution.content), db))
    assert content == '"A"'


async def test_rollups_of_a_miner_nobody_told_of_are_refused_by_their_number(store: Store) -> None:
    item = fleet.rollup(7, HOUR)
    taken = await take(store, "n1", "status", 1, item["seq"], [item])
    assert [(one.seq, one.reason) for one in taken.rejected] == [(item["seq"], "unknown_miner")]
    assert taken.seq == item["seq"]


async def test_hours_are_made_anew_when_their_stretches_come_late_and_in_pieces(store: Store) -> None:
    await take(store, "n1", "miners", 1, 1, [fleet.miner(1, 7)])
    for i in range(12):
        item = fleet.rollup(7, HOUR + 300 * i, hashrate_mean_hs=i * 1e12, power_mean_w=None if i % 2 else 100.0)
        await take(store, "n1", "status", rollup_seq(HOUR + 300 * i - 300, 8) if i else 1, item["seq"], [item])
    (hour,) = await store.read(lambda db: dicts(Rollup1h.select(), db))
    assert (hour["at"], hour["n"], hour["hashrate_mean_hs"], hour["power_mean_w"]) == (HOUR, 240, 5.5e12, 100.0)


async def test_an_hour_is_never_made_anew_from_less_than_it_was_made_from(store: Store) -> None:
    await take(store, "n1", "miners", 1, 1, [fleet.miner(1, 7)])
    items = [fleet.rollup(7, HOUR + 300 * i) for i in range(12)]
    await take(store, "n1", "status", 1, items[-1]["seq"], items)
    await store.write(lambda db: Rollup5m.delete().execute(db))  # they grow old before their hour does
    await take(store, "n1", "status", 1, items[0]["seq"], items[:1], epoch="another")
    assert await store.read(lambda db: tuples(Rollup1h.select(Rollup1h.at, Rollup1h.n), db)) == [(HOUR, 240)]


async def test_a_rollup_over_more_statuses_corrects_one_over_fewer(store: Store) -> None:
    await take(store, "n1", "miners", 1, 1, [fleet.miner(1, 7)])
    for n, kept in ((5, 5), (4, 5), (8, 8)):
        item = fleet.rollup(7, HOUR, n=n)
        await take(store, "n1", "status", 1, item["seq"], [item], epoch=f"e{n}")
        assert await store.read(lambda db: tuples(Rollup5m.select(Rollup5m.n), db)) == [(kept,)]


async def test_our_own_daemons_leave_other_nodes_miners_alone(store: Store) -> None:
    await take(store, "n1", "miners", 1, 1, [fleet.miner(1, 7, ip="127.20.0.1")])
    await take(store, "n1", "status", 0, 0, [], latest=[fleet.latest(7)])
    assert await store.read(miners.known) == []
    assert await store.read(readings.due, NOW + 1, limit=9, unmanaged=True) == []
    (view,) = await store.read(views.miners)
    assert await store.write(miners.missed, [view.num], NOW, offline_after=1) == []
    await store.write(history.roll_up, 300.0, NOW + 3600)
    await store.write(history.roll_up, 3600.0, NOW + 7200)
    found = await store.read(everything)
    assert (found["rollup"], found["hour"], len(found["status"])) == ([], [], 1)
    await store.write(miners.saw, miners.Sighting(farm.identity(1), "127.20.0.1", NOW), node_id="id-1")
    there = {one.mac: one.ip for one in await store.read(miners.known, everywhere=True)}
    assert there == {fleet.mac_of(7): "127.20.0.1", farm.mac_of(1): "127.20.0.1"}  # two sites may use one address


async def test_a_miner_that_we_see_ourselves_is_ours_again(store: Store) -> None:
    item = fleet.miner(1, 1, mac=farm.mac_of(1))
    await take(store, "n1", "miners", 1, 1, [item])
    await store.write(miners.saw, miners.Sighting(farm.identity(1), "127.20.0.1", NOW), node_id="id-1")
    await take(store, "n1", "miners", 2, 2, [{**item, "seq": 2, "hostname": "theirs"}])
    (view,) = await store.read(views.miners)
    assert (view.node_id, view.remote, view.hostname, view.has_key) == ("id-1", False, "rig-1", False)


async def test_a_batch_is_stored_whole_or_not_at_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = read("n1", "contributions", 1, 1, [fleet.said(1, 1)])
    broken = replace(batch, items=(replace(batch.items[0], content=object()),))
    with pytest.raises(TypeError):
        await store.merge(ingest.take, "n1", broken, NOW)
    found = await store.read(everything)
    assert (found["artifact"], found["point"]) == ([], [])


async def test_the_lag_of_a_node_counts_what_is_not_here_yet(store: Store) -> None:
    await store.write(fleet.let_in, "n1", NOW)
    newest = {"contributions": 9, "miners": 2, "events": 0, "status": rollup_seq(HOUR, 5)}
    await store.write(fleet.touch, "n1", NOW, newest=newest, oldest_at={"contributions": NOW - 60})
    await take(store, "n1", "contributions", 1, 4, [fleet.said(4, 4)])
    await take(store, "n1", "miners", 1, 2, [fleet.miner(2, 5)])
    early = rollup_seq(HOUR - 900, 5)
    await take(store, "n1", "status", 1, early, [])
    (one,) = await store.read(contacts.listing)
    assert one.lag == {
        "contributions": (5, NOW - 60),
        "miners": (0, None),
        "status": (3, None),
        "events": (0, None),
        "fleet": (0, None),
        "facts": (0, None),
    }
