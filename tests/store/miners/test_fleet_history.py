"""What a site gave and lost is kept with its reasons, on the node and at its master alike."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hived.api.nodes import ingest_parse
from hived.records.condition import Moment
from hived.records.fleet_history import COLUMNS
from hived.records.losses import PLANNED
from hived.records.miner import MinerIdentity
from hived.records.miner_rules import MinerRules
from hived.records.miner_view import PollOutcome, StoredStatus
from hived.records.streams import FLEET
from hived.store import Database, Store
from hived.store.miners import fleet_history, miners, readings, rules
from hived.store.nodes import ingest, streams

START = 1_800_000_000.0
OWN = "node-1"
TH = 1e12


def mac_of(n: int) -> str:
    return f"02:00:00:00:00:{n:02x}"


def tell(
    db: Database,
    n: int,
    at: float,
    hashrate_ths: float,
    *,
    state: str = "mining",
    model: str | None = "s19",
    planned: bool = False,
) -> None:  # fmt: skip
    """A miner tells its rate; 100 TH/s are expected of each."""
    row = miners.by_mac(db, mac_of(n))
    if row is None:
        identity = MinerIdentity(mac_of(n), model_alias=model)
        row = miners.saw(db, miners.Sighting(identity, f"10.0.0.{n}", at), node_id=OWN)
    status = StoredStatus(num=row.num, at=at, state=state, hashrate_hs=hashrate_ths * TH, target_hashrate_hs=100 * TH,
                          power_w=3000.0, extra={PLANNED: True} if planned else {})  # fmt: skip
    readings.save(db, [PollOutcome(row.num, at, status=status)])


def look(db: Database, at: float) -> None:
    fleet_history.look(db, Moment(at, 15.0), OWN)


def group(db: Database, n: int, name: str) -> None:
    row = miners.by_mac(db, mac_of(n))
    assert row is not None
    rules.save(db, row.num, MinerRules(group=name), START)


def columns(db: Database, /, width_s: float = 300.0, **group: Any) -> dict[float, dict[str, float | None]]:
    found = fleet_history.columns(db, since=START, until=START + 86_400, width_s=width_s, **group)
    return {
        at: {name: value / TH if name.endswith("_hs") and value else value for name, value in sums.items()}
        for at, sums in found.items()
    }


def an_hour(db: Database) -> None:
    """Two models; after half an hour one of three miners fails, and the S21 goes offline."""
    for minute in range(60):
        at = START + 60 * minute
        tell(db, 1, at, 98)
        if minute < 30:
            tell(db, 2, at, 98)
            tell(db, 3, at, 95, model="s21")
        else:
            tell(db, 2, at, 0, state="failure")
            if minute == 30:
                miners.missed(db, [3], at, offline_after=1)
        look(db, at + 1)


async def test_five_minutes_are_means_with_reasons_that_add_up(store: Store) -> None:
    await store.write(an_hour)
    site = await store.read(columns)
    assert list(site) == [START + 300 * i for i in range(12)]
    healthy, broken = site[START], site[START + 3300]
    assert (healthy["hashrate_hs"], healthy["lost_weak_hs"], healthy["lost_failure_hs"]) == (291, 9, 0)
    assert (broken["hashrate_hs"], broken["lost_failure_hs"], broken["lost_offline_hs"]) == (98, 100, 100)
    assert (broken["miners"], broken["online"], broken["hashing"], broken["power_w"]) == (3, 2, 1, 6000)
    for sums in site.values():
        lost = sum(sums[name] or 0 for name in COLUMNS if name.startswith("lost_"))
        assert (sums["expected_hs"] or 0) - (sums["hashrate_hs"] or 0) == pytest.approx(lost)


async def test_a_model_and_a_node_have_a_history_of_their_own(store: Store) -> None:
    await store.write(an_hour)
    (first, *_), (last, *_) = (
        list(sums.values())[::step] for sums in [await store.read(columns, model="s21")] for step in (1, -1)
    )
    assert (first["hashrate_hs"], first["miners"]) == (95, 1)
    assert (last["hashrate_hs"], last["lost_offline_hs"], last["online"]) == (None, 100, 0)
    assert await store.read(columns, node_id=OWN) == await store.read(columns)
    assert await store.read(columns, node_id="another") == {}


async def test_an_hour_is_the_mean_of_its_stretches(store: Store) -> None:
    await store.write(an_hour)
    await store.write(look, START + 3601)
    (sums,) = (await store.read(columns, 3600.0)).values()
    assert sums["lost_failure_hs"] == pytest.approx(50)
    assert sums["expected_hs"] == pytest.approx(300)


async def test_nothing_is_told_of_a_time_when_nobody_looked(store: Store) -> None:
    await store.write(tell, 1, START, 98)
    await store.write(look, START + 1)
    await store.write(tell, 1, START + 900, 98)
    await store.write(look, START + 901)
    assert list(await store.read(columns)) == [START, START + 900]


async def test_a_clock_set_back_changes_nothing_that_was_told(store: Store) -> None:
    await store.write(an_hour)
    before = await store.read(columns)
    await store.write(tell, 1, START + 10, 5)
    await store.write(look, START + 11)
    assert (await store.read(columns))[START] == before[START]


async def test_a_miner_without_a_model_counts_too(store: Store) -> None:
    await store.write(tell, 1, START, 98, model=None)
    await store.write(look, START + 1)
    assert [sums["miners"] for sums in (await store.read(columns, model="")).values()] == [1]


def carry(db: Database, /, after: int = 0) -> list[dict[str, Any]]:
    batch = streams.batch(db, FLEET, node_id=OWN, after=after, items=500, size=1 << 20)
    return [json.loads(item.text) for item in batch.items]


def take(db: Database, /, items: list[dict[str, Any]], node_id: str = "node-2", epoch: str = "a") -> Any:
    document = {"wire": 2, "node_id": node_id, "epoch": epoch, "stream": FLEET, "first_seq": 1,
                "last_seq": items[-1]["seq"], "items": items}  # fmt: skip
    return ingest.take(db, node_id, ingest_parse.batch(document, node_id, START + 7200), START + 7200)


async def test_the_master_has_what_the_node_had(store: Store) -> None:
    await store.write(an_hour)
    told = await store.read(carry)
    assert {row["at"][11:16] for row in told} == {f"08:{minute:02d}" for minute in range(0, 55, 5)}, "ended stretches"
    assert [row["seq"] for row in told] == list(range(1, 23))
    own = await store.read(columns, node_id=OWN)
    for epoch in ("a", "a", "b"):  # once more after a lost answer, and from a database that was restored
        taken = await store.write(take, told, epoch=epoch)
        assert (taken.seq, taken.rejected) == (22, ())
        held = await store.read(columns, node_id="node-2")
        assert held == {at: sums for at, sums in own.items() if at in held}
        assert len(held) == 11
    both = await store.read(columns)
    assert both[START]["hashrate_hs"] == 2 * 291
    hours = await store.read(columns, 3600.0, node_id="node-2")
    assert hours[START]["expected_hs"] == pytest.approx(300)
    assert await store.read(carry, 22) == [], "what another node told is not ours to tell"


@pytest.mark.parametrize(
    ("change", "stored"),
    [
        ({}, True), ({"power_w": None}, True), ({"lost_weak_hs": -5e13}, True), ({"lost_of_tomorrow_hs": 1.0}, True),
        ({"hashrate_hs": "much"}, True), ({"model": None}, True), ({"expected_hs": 1e300}, True),
        ({"n": 0}, False), ({"n": None}, False), ({"at": "2027-01-15T08:00:01Z"}, False),
        ({"at": "2035-01-15T08:00:00Z"}, False), ({"model": ["s19"]}, False), ({"model": "x" * 65}, False),
    ],
)  # fmt: skip
async def test_what_a_node_sends_is_checked(store: Store, change: dict[str, Any], stored: bool) -> None:
    await store.write(an_hour)
    (first, *_) = await store.read(carry)
    taken = await store.write(take, [{**first, **change}])
    assert len(taken.rejected) == (not stored)
    assert len(await store.read(columns, node_id="node-2")) == stored


async def test_a_group_of_the_operator_has_a_history_of_its_own(store: Store) -> None:
    def two_of_three(db: Database) -> None:
        tell(db, 1, START, 98)
        group(db, 1, "row a")
        tell(db, 2, START, 98, model="s21")
        group(db, 2, "row a")
        tell(db, 3, START, 98)
        for minute in range(1, 61):
            at = START + 60 * minute
            for n in (1, 2, 3):
                tell(
                    db,
                    n,
                    at,
                    98 if n != 2 or minute < 30 else 0,
                    state="mining" if n != 2 or minute < 30 else "failure",
                )
            look(db, at)

    await store.write(two_of_three)
    site = await store.read(columns)
    row = await store.read(columns, node_id=f"{fleet_history.GROUP}row a")
    assert [(sums["miners"], sums["hashrate_hs"]) for sums in row.values()][:2] == [(2, 196), (2, 196)]
    assert [sums["lost_failure_hs"] for sums in row.values()][-2:] == pytest.approx([100, 100])
    assert [sums["miners"] for sums in site.values()] == [3] * len(site), "a group is counted with the site as well"
    hours = await store.read(columns, width_s=3600.0, node_id=f"{fleet_history.GROUP}row a")
    assert [sums["miners"] for sums in hours.values()] == [2]


async def test_what_an_order_paused_is_a_planned_loss(store: Store) -> None:
    def paused(db: Database) -> None:
        tell(db, 1, START, 0, state="stopped", planned=True)
        tell(db, 2, START, 0, state="stopped")
        look(db, START)

    await store.write(paused)
    sums = (await store.read(columns))[START]
    assert (sums["lost_planned_hs"], sums["lost_stopped_hs"]) == (100, 100)
