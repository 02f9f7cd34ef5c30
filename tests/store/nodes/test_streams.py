"""What a node tells its master is read from the rows, in order, within bounds, and by index."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from hived.api.nodes import ingest_parse
from hived.records.events import Event
from hived.records.miner import MinerIdentity, ModelInfo, Preset
from hived.records.miner_view import PollOutcome, StoredStatus
from hived.records.streams import CONTRIBUTIONS, EVENTS, FACTS, FLEET, MINERS, STATUS, STREAMS, rollup_seq
from hived.store import Database, Store, events
from hived.store.collecting import facts, sources
from hived.store.miners import discovery, miners, models, readings, trust
from hived.store.miners.miners import Sighting
from hived.store.nodes import streams
from hived.store.schema import Artifact, Contribution, Counter, Health, Miner, Rollup5m
from hived.store.schema import Event as EventRow
from tests import collected
from tests import nodes as fleet

START = 1_800_000_000.0
OWN = "node-1"
MAC = "02:00:00:00:00:01"


def saw(db: Database, /, n: int, at: float = START, ip: str | None = None) -> int:
    identity = MinerIdentity(f"02:00:00:00:00:{n:02x}", model_alias="s19", hostname=f"rig-{n}")
    return miners.saw(db, Sighting(identity, ip or f"10.0.0.{n}", at), node_id=OWN).num


def a_site(db: Database, /, count: int = 3) -> list[int]:
    return [saw(db, n) for n in range(1, count + 1)]


def rollup(db: Database, /, num: int, at: float) -> None:
    Rollup5m.insert(at=at, num=num, n=20, hashing_n=19, hashrate_mean_hs=1e14, power_mean_w=3000.5).execute(db)


def contribute(db: Database, count: int) -> None:
    source = collected.add_source(db, START)
    for n in range(count):
        collected.describe(db, collected.collect(db, source, n, START), START + n, node_id=OWN)


def read(db: Database, /, stream: str, after: int = 0, *, items: int = 500, size: int = 1 << 20, **more: Any) -> Any:
    return streams.batch(db, stream, node_id=OWN, after=after, items=items, size=size, **more)


def told(db: Database, stream: str, after: int = 0) -> list[dict[str, Any]]:
    return [json.loads(item.text) for item in read(db, stream, after).items]


async def test_a_contribution_travels_with_its_artifact(store: Store) -> None:
    await store.write(contribute, 1)
    (item,) = await store.read(told, CONTRIBUTIONS)
    assert item["seq"] == 1
    assert item["url"] == "https://museum.example/objects/0"
    assert item["content"]["title"]
    assert item["collected_at"] == "2027-01-15T08:00:00.000000Z"
    assert item["artifact"]["title"] == "Terracotta amphora 0"
    assert item["artifact"]["licence"]["uri"].startswith("https://creativecommons.org/")
    assert item["artifact"]["facts"]["culture"] == "Greek, Attic"
    assert "text" not in item["artifact"]["facts"], "the page's own words are for our prompt alone"
    assert len(item["id"]) == 64


async def test_a_later_description_replaces_the_one_that_waits(store: Store) -> None:
    await store.write(contribute, 3)

    def again(db: Database) -> None:
        source_row = collected.thing(0, START, title="Another title")
        from hived.store.collecting import artifacts

        artifact_id, changed = artifacts.save(db, source_row, source_id=1, source_name="The Met", at=START + 50)
        assert changed
        collected.describe(db, artifact_id, START + 60, node_id=OWN)

    await store.write(again)
    seqs = [(item["seq"], item["url"][-1]) for item in await store.read(told, CONTRIBUTIONS)]
    assert seqs == [(2, "1"), (3, "2"), (4, "0")]


async def test_facts_travel_before_anything_is_said_of_them_and_again_when_they_change(store: Store) -> None:
    def read_it(db: Database, /, at: float, **changes: Any) -> None:
        source = sources.every(db)[0] if sources.every(db) else collected.add_source(db, START)
        facts.tell(db, [collected.collect(db, source, 0, at, **changes)], node_id=OWN, at=at)

    await store.write(read_it, START)
    (item,) = await store.read(told, FACTS)
    assert (item["seq"], item["kind"], item["url"]) == (1, "facts", "https://museum.example/objects/0")
    assert item["artifact"]["facts"]["culture"] == "Greek, Attic"
    assert item["artifact"]["licence"]["uri"].startswith("https://creativecommons.org/")
    assert "text" not in item["artifact"]["facts"], "the page's own words are for our prompt alone"
    assert item.keys() == fleet.read_of(1, 1).keys(), "no model, no words"
    assert await store.read(told, CONTRIBUTIONS) == []
    await store.write(read_it, START + 50)
    assert await store.read(told, FACTS, 1) == [], "the same facts are not told again"
    await store.write(read_it, START + 60, title="Another title")
    (again,) = await store.read(told, FACTS)
    assert again["artifact"]["title"] == "Another title"
    assert (again["seq"] > 1, again["id"] != item["id"]) == (True, True)
    sent = ingest_parse.batch(fleet.batch(OWN, FACTS, 1, again["seq"], [again]), OWN, START + 99)
    assert [one.id for one in sent.items] == [again["id"]], "the master calls it as the node does"


async def test_what_was_collected_before_facts_travelled_is_told_of_bit_by_bit_newest_first(store: Store) -> None:
    def before(db: Database) -> None:
        source = collected.add_source(db, START)
        numbers = [collected.collect(db, source, n, START + n) for n in range(7)]
        Artifact.update(told_by="another").where(Artifact.id == numbers[5]).execute(db)
        Counter.insert(name=facts.BEFORE, value=numbers[-1]).execute(db)
        facts.tell(db, numbers[:1], node_id=OWN, at=START)

    await store.write(before)
    parts = 0
    while await store.write(facts.tell_of_before, node_id=OWN, at_once=3):
        parts += 1
    items = await store.read(told, FACTS)
    assert [item["url"][-1] for item in items] == ["0", "6", "4", "3", "2", "1"]
    assert parts == 3
    assert not await store.write(facts.tell_of_before, node_id=OWN), "and never again"


async def test_a_miner_travels_without_its_key_and_password(store: Store) -> None:
    num = await store.write(saw, 1)
    await store.write(miners.keep_access, num, "k" * 32, START + 1, password="secret")
    (item,) = await store.read(told, MINERS)
    assert item["has_key"] is True
    assert item["online"] is True
    assert item["mac"] == MAC
    assert not {"api_key", "unlock_password"} & item.keys()
    assert "secret" not in json.dumps(item)


async def test_rollups_go_by_time_and_then_by_miner(store: Store) -> None:
    def some(db: Database) -> None:
        a, b, _ = a_site(db)
        for at in (START, START + 300):
            rollup(db, b, at)
            rollup(db, a, at)

    await store.write(some)
    first = await store.read(read, STATUS, items=3)
    assert [item.seq for item in first.items] == sorted(item.seq for item in first.items)
    assert first.more
    rest = await store.read(read, STATUS, first.last_seq, items=3)
    assert [json.loads(item.text)["mac"][-1] for item in rest.items] == ["2"]
    assert rest.first_seq == first.last_seq + 1
    (item,) = [json.loads(item.text) for item in rest.items]
    assert item["seq"] == rollup_seq(START + 300, 2)
    assert (item["n"], item["hashing_n"], item["hashrate_mean_hs"], item["hashrate_min_hs"]) == (20, 19, 1e14, None)


async def test_an_event_names_its_miner_and_keeps_its_detail(store: Store) -> None:
    num = await store.write(saw, 1)
    await store.write(events.add, [Event("reboot", START, {"uptime_s": 60}, num=num), Event("master_refused", START)])
    found = await store.read(told, EVENTS)
    assert [(e["kind"], e["mac"]) for e in found] == [("miner_found", MAC), ("reboot", MAC), ("master_refused", None)]
    assert found[1]["detail"] == {"uptime_s": 60}


async def test_rows_of_other_nodes_are_not_ours_to_tell(store: Store) -> None:
    def mixed(db: Database) -> None:
        own, other, _ = a_site(db)
        Miner.update(remote=True, node_id="other").where(Miner.num == other).execute(db)
        EventRow.insert(at=START, num=other, kind="reboot", node_id="other", node_epoch="e", node_seq=1).execute(db)
        for num in (own, other):
            rollup(db, num, START)
        contribute(db, 2)
        Contribution.update(node_id="other").where(Contribution.seq == 1).execute(db)
        Health.update(rev=1).execute(db)

    await store.write(mixed)
    assert {m["mac"][-1] for m in await store.read(told, MINERS)} == {"1", "3"}
    assert [r["mac"][-1] for r in await store.read(told, STATUS)] == ["1"]
    assert {e["kind"] for e in await store.read(told, EVENTS)} == {"miner_found"}
    assert [c["seq"] for c in await store.read(told, CONTRIBUTIONS)] == [2]
    page = await store.read(streams.latest, after=(0, 0), items=10, size=1 << 20)
    assert {item.what[-1] for item in page.items} == {"1", "3"}


@pytest.mark.parametrize("size", [1, 700, 2_000, 1 << 20])
async def test_a_batch_is_bounded_by_bytes_and_the_next_one_goes_on_after_it(store: Store, size: int) -> None:
    await store.write(a_site, 9)
    after, found = 0, []
    while True:
        batch = await store.read(read, MINERS, after, items=4, size=size)
        if not batch.items:
            break
        bytes_taken = sum(len(item.text) + 1 for item in batch.items)
        assert len(batch.items) == 1 or bytes_taken <= size
        assert len(batch.items) <= 4
        assert batch.first_seq == after + 1, "the master takes a batch only when it follows what it holds"
        found += [item.what for item in batch.items]
        after = batch.last_seq
    assert len(found) == len(set(found)) == 9


async def test_rows_that_were_set_aside_are_passed_over_however_many(store: Store) -> None:
    await store.write(a_site, 9)
    batch = await store.read(read, MINERS, items=2, without=set(range(1, 8)))
    assert [item.seq for item in batch.items] == [8, 9]
    assert batch.first_seq == 1
    nothing = await store.read(read, MINERS, items=2, without=set(range(1, 10)))
    assert (nothing.items, nothing.last_seq, nothing.more) == ([], 0, False)


async def test_the_latest_status_comes_by_change_and_pages_within_one_change(store: Store) -> None:
    nums = await store.write(a_site, 5)
    polled = [
        PollOutcome(num, START + 9, status=StoredStatus(num=num, at=START + 9, state="mining", hashrate_hs=1e14))
        for num in nums
    ]
    await store.write(readings.save, polled)
    cursor, found = (0, 0), []
    while True:
        page = await store.read(streams.latest, after=cursor, items=2, size=1 << 20)
        found += [json.loads(item.text) for item in page.items]
        cursor = page.cursor
        if not page.more:
            break
    assert [row["mac"][-1] for row in found] == ["1", "2", "3", "4", "5"]
    assert found[0]["status"]["hashrate_hs"] == 1e14
    assert found[0]["status"]["hashboards"] == []
    assert (await store.read(streams.latest, after=cursor, items=2, size=1 << 20)).items == []
    await store.write(miners.failed, nums[3], START + 20, "timeout", "no answer")
    page = await store.read(streams.latest, after=cursor, items=2, size=1 << 20)
    (item,) = page.items
    told = json.loads(item.text)
    assert (item.what[-1], told["last_error"], told["last_error_code"]) == ("4", "no answer", "timeout")


async def test_a_status_whose_record_is_broken_is_told_by_its_columns(store: Store) -> None:
    num = await store.write(saw, 1)
    outcome = PollOutcome(num, START, status=StoredStatus(num=num, at=START, state="mining", power_w=3000.0))
    await store.write(readings.save, [outcome])

    def break_it(db: Database) -> None:
        from hived.store.schema import Status

        Status.update(detail=b"\x07nonsense").execute(db)

    await store.write(break_it)
    (item,) = (await store.read(streams.latest, after=(0, 0), items=9, size=1 << 20)).items
    status = json.loads(item.text)["status"]
    assert (status["power_w"], status["partial"], status["hashboards"]) == (3000.0, True, [])


async def test_models_travel_with_their_ladder(store: Store) -> None:
    info = ModelInfo("s19", "Antminer S19", 76, 3, ((0, 1), (2, -1)), "x19")
    await store.write(models.save, info, [Preset("1200", 1200.0, 6e13)], "1.2.6", START)
    (item,) = await store.read(streams.models)
    assert json.loads(item.text) == {
        "alias": "s19", "name": "Antminer S19", "chips_per_chain": 76, "chains": 3, "topology": [[0, 1], [2, -1]],
        "series": "x19", "presets": [{"name": "1200", "power_w": 1200.0, "hashrate_hs": 6e13,
                                      "modded_psu_required": None}],
    }  # fmt: skip


async def test_what_waits_is_counted_with_the_time_of_the_oldest(store: Store) -> None:
    def some(db: Database) -> None:
        for num in a_site(db):
            rollup(db, num, START + 300)
        contribute(db, 2)

    await store.write(some)
    newest = await store.read(streams.newest)
    assert newest == {CONTRIBUTIONS: 2, MINERS: 3, STATUS: rollup_seq(START + 300, 3), EVENTS: 3, FLEET: 0, FACTS: 0}
    lags = await store.read(streams.lags, node_id=OWN, held={CONTRIBUTIONS: 1}, count=True)
    assert {name: lag.behind for name, lag in lags.items()} == {
        CONTRIBUTIONS: 1,
        MINERS: 3,
        STATUS: 3,
        EVENTS: 3,
        FLEET: 0,
        FACTS: 0,
    }
    assert lags[STATUS].oldest_at == START + 300
    assert lags[CONTRIBUTIONS].oldest_at == START + 1
    done = await store.read(streams.lags, node_id=OWN, held=newest, count=True)
    assert {(lag.behind, lag.oldest_at) for lag in done.values()} == {(0, None)}


@pytest.mark.sqlite_only("asks how SQLite goes about a query")
@pytest.mark.parametrize("stream", STREAMS)
async def test_a_batch_is_found_by_index_and_never_sorted(store: Store, stream: str) -> None:
    assert await store.read(plan_of, lambda: streams._QUERIES[stream][0](OWN, 10**12).limit(500)) == []


@pytest.mark.sqlite_only("asks how SQLite goes about a query")
async def test_the_latest_status_is_found_by_index_and_never_sorted(store: Store) -> None:
    assert await store.read(plan_of, lambda: streams._latest(10, 3).limit(500)) == []


def plan_of(db: Database, query: Callable[[], Any]) -> list[str]:
    """Return the steps of a query's plan that cost more with more rows."""
    sql, values = query().bind(db).sql()
    steps = [row[3] for row in db.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()]
    assert steps
    return [step for step in steps if step.startswith("SCAN") or "TEMP B-TREE" in step]


# What every function of the store does to the rows of the stream `miners`: a row that reads otherwise than before must
# have a new number, else the master never hears of it.
CALLS: dict[str, Callable[[Database, list[int]], object]] = {
    "miners.saw": lambda db, _: saw(db, 1, START + 9, ip="10.0.0.2"),  # takes the address of another one, too
    "miners.saw_all": lambda db, _: miners.saw_all(
        db, [Sighting(MinerIdentity(MAC), "10.0.0.9", START + 9)], node_id=OWN
    ),
    "miners.still_there": lambda db, nums: miners.still_there(db, [(nums[0], 9.0)], START + 9),
    "miners.missed": lambda db, nums: miners.missed(db, nums, START + 9, offline_after=1),
    "miners.keep_access": lambda db, nums: miners.keep_access(db, nums[0], "k", START + 9, password="p"),
    "miners.drop_access": lambda db, nums: miners.drop_access(db, nums[0], START + 9),
    "miners.unlock_failed": lambda db, nums: miners.unlock_failed(
        db, nums[0], START + 9, "wrong_password", "wrong", not_before=0.0, position=1
    ),
    "miners.unanswered": lambda db, nums: miners.unanswered(db, nums[0], START + 9, "timeout", "no answer"),
    "miners.poll_soon": lambda db, nums: miners.poll_soon(db, nums[0]),
    "miners.failed": lambda db, nums: miners.failed(db, nums[0], START + 9, "timeout", "no answer"),
    "miners.set_managed": lambda db, _: miners.set_managed(db, MAC, True, START + 9),
    "miners.set_password": lambda db, _: miners.set_password(db, MAC, "p", START + 9),
    "trust.refused": lambda db, nums: trust.refused(db, nums[0], "10.0.0.1", START + 9),
    "trust.doubt": lambda db, nums: trust.doubt(db, nums[0], "10.0.0.1", START + 9, "not_agreed", "a move"),
    "trust.doubt_twin": lambda db, nums: trust.doubt_twin(db, nums[0], "10.0.0.1", START + 9),
    "trust.twins_left": lambda db, _: trust.twins_left(db, ["10.0.0.1"], START + 9),
    "trust.agree": lambda db, _: trust.agree(db, miners.known(db)[0], "10.0.0.1", START + 9),
    "readings.save": lambda db, nums: readings.save(db, [PollOutcome(nums[0], START + 9, error="x", failed=True)]),
    "models.save": lambda db, _: models.save(db, ModelInfo("s19", "S19"), [Preset("1")], "1.2.6", START + 9),
    "models.set_limits": lambda db, _: models.set_limits(db, "s19", {"min_preset": None}),
    "site.forget_other_devices": lambda db, _: discovery.forget_other_devices(db, ["10.0.0.1"], START + 9),
}
READ_ONLY = {"miners.known", "miners.one", "miners.watched_by",
             "miners.by_mac", "miners.rebooted", "readings.due", "readings.newest", "readings.columns",
             "readings.baselines", "readings.from_row",
             "models.with_ladder", "models.ladder", "models.ladder_of_miner", "models.views",
             "models.named"}  # fmt: skip
CHANGES_A_ROW = {"miners.saw", "miners.saw_all", "miners.missed",
                 "miners.keep_access", "miners.drop_access", "miners.unlock_failed",
                 "miners.set_managed", "miners.set_password",
                 "trust.refused", "trust.doubt", "trust.doubt_twin", "trust.agree"}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
async def test_whatever_changes_a_miner_gives_it_a_new_number(store: Store, name: str) -> None:
    def before(db: Database) -> list[int]:
        nums = a_site(db)
        miners.keep_access(db, nums[0], "old", START + 1)
        return nums

    nums = await store.write(before)
    old = {row["mac"]: row for row in await store.read(told, MINERS)}
    newest = (await store.read(streams.newest))[MINERS]
    await store.write(lambda db: CALLS[name](db, nums))
    new = {row["mac"]: row for row in await store.read(told, MINERS)}
    for mac, row in new.items():
        same = {k: v for k, v in row.items() if k != "seq"} == {k: v for k, v in old[mac].items() if k != "seq"}
        assert same == (row["seq"] == old[mac]["seq"]), mac
        assert same or row["seq"] > newest, mac
    changed = [row for row in new.values() if row["seq"] > newest]
    assert bool(changed) == (name in CHANGES_A_ROW)
    assert len({row["seq"] for row in new.values()}) == len(new), "two rows of one number could be cut apart"


OF_OTHERS = {"readings.put_latest"}
"""What is told of other nodes' miners does not travel on."""


@pytest.mark.parametrize("module", [miners, readings, models, trust], ids=lambda m: m.__name__)
def test_no_function_of_the_store_is_forgotten_above(module: ModuleType) -> None:
    room = module.__name__.rpartition(".")[2]
    public = {
        f"{room}.{name}"
        for name, thing in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and thing.__module__ == module.__name__
    }
    assert public - CALLS.keys() - READ_ONLY - OF_OTHERS == set()
