"""A machine with a new control board goes on as one miner: by its serial number, or on the operator's word."""

from __future__ import annotations

from typing import Any

import pytest

from hived.errors import Conflict
from hived.records.events import sentence
from hived.records.ingest import SentMiner
from hived.records.miner import HashboardChips, MinerIdentity, MinerSettings
from hived.records.miner_view import PollOutcome, StoredStatus
from hived.store import Store, events
from hived.store.engine.database import Database
from hived.store.miners import errors, history, miners, readings, replaced, settings, telemetry, views
from hived.store.nodes import ingest_miners
from hived.store.schema import Health, Rollup1h, Rollup5m
from tests.store.miners.test_history import START

OLD, NEW, OTHER = "02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:00:0c"
SERIAL = "SIM8812345B7"
DAY = 86_400.0


def seen(db: Database, mac: str, ip: str = "10.0.0.5", at: float = START, **facts: Any) -> int:
    told = {"model_name": "Antminer S19", "model_alias": "s19", "serial": SERIAL} | facts
    return miners.saw(db, miners.Sighting(MinerIdentity(mac, **told), ip, at), node_id="node-1").num


def gone(db: Database, num: int, at: float) -> None:
    miners.missed(db, [num], at, offline_after=1)


def told_status(db: Database, num: int, at: float) -> None:
    boards = (HashboardChips(1, chips=()), HashboardChips(2, chips=()))
    readings.save(db, [PollOutcome(num, at, status=StoredStatus(num=num, at=at, state="mining"), boards=boards)])


def kinds(db: Database) -> list[str]:
    return [event.kind for event in reversed(events.newest(db))]


@pytest.mark.parametrize("offline", [True, False], ids=["offline", "at its address"])
async def test_the_same_serial_and_model_is_the_same_machine(store: Store, offline: bool) -> None:
    def play(db: Database) -> None:
        num = seen(db, OLD)
        miners.keep_access(db, num, "key", START, password="own")
        miners.set_managed(db, OLD, True, START)
        told_status(db, num, START + 15)
        if offline:
            gone(db, num, START + 60)
        assert seen(db, NEW, "10.0.0.9" if offline else "10.0.0.5", START + 600) == num

    await store.write(play)
    (view,) = await store.read(views.miners)
    assert (view.mac, view.online, view.managed, view.has_key, view.created_at) == (NEW, True, True, False, START)
    known = await store.read(miners.by_mac, NEW)
    assert known is not None
    assert known.unlock_password == "own"
    assert await store.read(readings.newest, view.num, limit=9)
    assert "board_replaced" in await store.read(kinds)
    (told,) = [e for e in await store.read(events.newest) if e.kind == "board_replaced"]
    assert (told.mac, sentence(told)) == (NEW, f"has a new control board: {NEW} in place of {OLD}")


@pytest.mark.parametrize(
    ("old", "new", "extra"),
    [
        ({}, {"serial": "SIM8812345B8"}, False),
        ({}, {"serial": None}, False),
        ({"serial": None}, {"serial": None}, False),
        ({"serial": "000000000"}, {"serial": "000000000"}, False),
        ({"serial": "N/A"}, {"serial": "N/A"}, False),
        ({}, {"model_alias": "s21"}, False),
        ({"model_alias": None}, {"model_alias": None}, False),
        ({}, {}, True),
    ],
    ids=["serial", "new untold", "untold", "zeros", "word", "model", "no model", "shared"],
)
async def test_what_is_not_sure_stays_apart(
    store: Store, old: dict[str, Any], new: dict[str, Any], extra: bool
) -> None:
    def play(db: Database) -> None:
        gone(db, seen(db, OLD, **old), START + 60)
        if extra:
            seen(db, OTHER, "10.0.0.77", START + 61)  # takes its place, and then there is a third one
            seen(db, OLD, "10.0.0.5", START + 62)
            gone(db, 1, START + 63)
        seen(db, NEW, "10.0.0.9", START + 600, **new)

    await store.write(play)
    assert NEW in {view.mac for view in await store.read(views.miners)}
    assert len(await store.read(views.miners)) >= 2


async def test_one_that_is_there_is_another_machine_whatever_its_serial(store: Store) -> None:
    def play(db: Database) -> None:
        seen(db, OLD)
        seen(db, NEW, "10.0.0.6", START + 30)

    await store.write(play)
    assert len(await store.read(views.miners)) == 2


@pytest.mark.parametrize("serial", [None, "N/A", "0000000"])
@pytest.mark.parametrize("first", [True, False], ids=["went first", "taken first"])
async def test_the_same_address_and_model_is_the_same_machine_where_none_tells_a_serial(
    store: Store, serial: str | None, first: bool
) -> None:
    def play(db: Database) -> int:
        num = seen(db, OLD, serial=serial)
        told_status(db, num, START + 15)
        if first:
            gone(db, num, START + 60)
        other = seen(db, NEW, at=START + 120, serial=serial)
        if not first:
            assert other != num  # the old one may have moved: the next sweeps tell
            told_status(db, other, START + 135)
            gone(db, num, START + 180)
        return num

    num = await store.write(play)
    (view,) = await store.read(views.miners)
    assert (view.num, view.mac, view.online, view.ip) == (num, NEW, True, "10.0.0.5")
    assert len(await store.read(readings.newest, num, limit=9)) == (1 if first else 2)
    assert (await store.read(kinds)).count("board_replaced") == 1


@pytest.mark.parametrize(
    ("facts", "after_s"),
    [
        ({"serial": None}, replaced.KEPT_S + 120),  # its address may be another one's by now
        ({"serial": None, "model_alias": "s21"}, 600),
        ({"serial": None, "model_alias": None}, 600),
        ({"serial": "SIM8812345B8"}, 600),
    ],
    ids=["long gone", "model", "no model", "serial"],
)
async def test_another_machine_at_the_address_of_one_that_is_gone_stays_another(
    store: Store, facts: dict[str, Any], after_s: float
) -> None:
    def play(db: Database) -> None:
        gone(db, seen(db, OLD), START + 60)
        seen(db, NEW, at=START + after_s, **facts)

    await store.write(play)
    assert {view.mac for view in await store.read(views.miners)} == {OLD, NEW}


async def test_one_that_moved_in_the_same_sweep_in_which_a_new_one_took_its_address_is_not_that(store: Store) -> None:
    def play(db: Database) -> None:
        seen(db, OLD, serial=None)
        num = seen(db, NEW, at=START + 30, serial=None)
        seen(db, OLD, "10.0.0.6", START + 31, serial=None)
        gone(db, num, START + 90)
        gone(db, 1, START + 120)

    await store.write(play)
    assert {view.mac for view in await store.read(views.miners)} == {OLD, NEW}


async def test_where_it_is_not_sure_an_event_names_the_command(store: Store) -> None:
    def play(db: Database) -> None:
        gone(db, seen(db, OLD, serial=None), START + 60)
        seen(db, NEW, at=START + DAY, serial=None)

    await store.write(play)
    (told,) = [e for e in await store.read(events.newest) if e.kind == "maybe_replaced"]
    assert f"hivectl miners merge {OLD} {NEW}" in sentence(told)


async def test_merging_makes_one_miner_with_the_history_of_both(store: Store) -> None:
    def play(db: Database) -> tuple[int, int]:
        old, new = START, START + 2 * DAY
        num = seen(db, OLD, serial=None)
        miners.set_managed(db, OLD, True, START)
        for i in range(40):
            told_status(db, num, old + 15 * i)
        settings.save(db, num, MinerSettings({"pools": [1]}), old, due_at=None)
        gone(db, num, old + 900)
        other = seen(db, NEW, at=new, serial=None)
        miners.keep_access(db, other, "new key", new)
        for i in range(40):
            told_status(db, other, new + 15 * i)
        settings.save(db, other, MinerSettings({"pools": [2]}), new, due_at=None)
        row = {"n": 1, "hashing_n": 1}
        for table, width in ((Rollup5m, 300), (Rollup1h, 3600)):
            for at in (old, new):
                start = at // width * width
                table.insert(at=start, num=num if at == old else other, **row).execute(db)
            table.insert(at=start, num=num, **row).execute(db)  # both have one of this time
        replaced.merge(db, OLD, NEW, new + 900)
        return num, other

    num, other = await store.write(play)
    (view,) = await store.read(views.miners)
    assert (view.num, view.mac, view.online, view.ip, view.managed) == (num, NEW, True, "10.0.0.5", True)
    assert (view.created_at, view.has_key) == (START, True)
    known = await store.read(miners.by_mac, NEW)
    assert known is not None
    assert known.access == "new key"
    assert len(await store.read(readings.newest, num, limit=999)) == 80
    assert len(await store.read(telemetry.newest, num, limit=999)) == 160
    assert len(await store.read(readings.columns, num, since=0.0, limit=999)) == 80
    for width in (300.0, 3600.0):
        assert len(await store.read(history.rollups, num, since=0.0, width_s=width)) == 2
    versions = await store.read(settings.versions, num, limit=9)
    assert [one.document["pools"] for one in versions] == [[2], [1]]
    assert {event.num for event in await store.read(events.newest) if event.num is not None} == {num}
    (told,) = [e for e in await store.read(events.newest) if e.kind == "board_replaced"]
    assert told.mac == NEW
    await store.write(told_status, num, START + 3 * DAY)
    assert len(await store.read(readings.newest, num, limit=999)) == 81
    assert await store.read(lambda db: Health.select().where(Health.num == other).bind(db).count()) == 0


async def test_merging_one_that_was_never_read_keeps_the_history(store: Store) -> None:
    def play(db: Database) -> int:
        num = seen(db, OLD, serial=None)
        told_status(db, num, START + 15)
        gone(db, num, START + 900)
        seen(db, NEW, at=START + DAY, serial=None)
        replaced.merge(db, OLD, NEW, START + DAY)
        return num

    num = await store.write(play)
    assert len(await store.read(readings.newest, num, limit=9)) == 1
    assert len(await store.read(telemetry.newest, num, limit=9)) == 2


async def test_two_that_were_there_at_one_time_are_not_merged(store: Store) -> None:
    def play(db: Database) -> None:
        num = seen(db, OLD, serial=None)
        seen(db, NEW, "10.0.0.6", START + 30, serial=None)
        with pytest.raises(Conflict, match="is there"):
            replaced.merge(db, OLD, NEW, START + 60)
        told_status(db, num, START + 45)
        gone(db, num, START + 60)
        with pytest.raises(Conflict, match="two machines"):
            replaced.merge(db, OLD, NEW, START + 60)

    await store.write(play)
    assert len(await store.read(views.miners)) == 2


async def test_a_removed_miner_leaves_nothing_to_the_next_with_its_number(store: Store) -> None:
    def play(db: Database) -> None:
        num = seen(db, OLD)
        told_status(db, num, START + 15)
        for table, width in ((Rollup5m, 300), (Rollup1h, 3600)):
            for at in (START, START + 7200):
                table.insert(at=at // width * width, num=num, n=1, hashing_n=1).execute(db)
        gone(db, num, START + 60)
        replaced.remove(db, [num])
        assert views.miners(db) == []
        after = seen(db, NEW, at=START + DAY, serial=None)
        for width_s in (300.0, 3600.0):
            assert history.rollups(db, after, since=0.0, width_s=width_s) == []
        assert readings.newest(db, after, limit=9) == []

    await store.write(play)


async def test_what_a_daemon_still_stores_of_a_removed_miner_is_nothing(store: Store) -> None:
    def play(db: Database) -> None:
        num = seen(db, OLD)
        gone(db, num, START + 60)
        replaced.remove(db, [num])
        told_status(db, num, START + 61)
        miners.failed(db, num, START + 61, "timeout", "no answer")
        miners.keep_access(db, num, "key", START + 61)
        miners.still_there(db, [(num, 5.0)], START + 61)
        errors.told_status(db, num, START + 61)
        settings.save(db, num, MinerSettings({"pools": []}), START + 61, due_at=None)

    await store.write(play)
    assert await store.read(views.miners) == []


@pytest.mark.parametrize("met", [False, True], ids=["renamed", "merged"])
async def test_a_master_follows_its_node(store: Store, met: bool) -> None:
    def tell(
        db: Database, mac: str, seq: int, former: str | None = None, *, there: bool = True, node: str = "n1"
    ) -> None:
        at, untold = START + seq, (None,) * 7
        one = SentMiner(
            seq, mac, "10.0.0.5" if there else None, there, False, "s19", *untold, True, at, at, None, former
        )
        ingest_miners.take(db, node, [one], START + seq)

    def play(db: Database) -> None:
        tell(db, OLD, 1)
        tell(db, OLD, 2, there=False)
        if met:
            tell(db, NEW, 3)
        tell(db, OTHER, 4, OLD, node="n2")  # another node has no say
        assert OLD in {view.mac for view in views.miners(db)}
        tell(db, NEW, 5, OLD)

    await store.write(play)
    found = await store.read(views.miners)
    assert [view.mac for view in found if view.node_id == "n1"] == [NEW]
