"""Where a miner was last seen stays known: when it goes offline, loses its address to another one, or comes back."""

from __future__ import annotations

import pytest

from hived.records.events import sentence
from hived.records.ingest import SentMiner
from hived.records.miner import MinerIdentity
from hived.store import Store, create, events
from hived.store.engine.database import Database
from hived.store.miners import miners, views
from hived.store.nodes import ingest_miners, streams
from tests.store.engine.test_store import run
from tests.store.miners.test_history import START

A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"


def seen(db: Database, mac: str, ip: str, at: float = START) -> int:
    return miners.saw(db, miners.Sighting(MinerIdentity(mac, "Antminer S19", "s19"), ip, at), node_id="node-1").num


def told(db: Database) -> list[str]:
    return [sentence(event) for event in reversed(events.newest(db))]


def places(db: Database) -> dict[str, tuple[str | None, str | None, str]]:
    return {view.mac: (view.ip, view.last_ip, view.name) for view in views.miners(db)}


async def test_an_offline_miner_keeps_its_last_address_and_its_events_tell_it(store: Store) -> None:
    def play(db: Database) -> None:
        num = seen(db, A, "10.0.0.5")
        miners.missed(db, [num], START + 60, offline_after=1)

    await store.write(play)
    assert await store.read(places) == {A: (None, "10.0.0.5", "10.0.0.5")}
    assert (await store.read(told))[-1] == "went offline, was at 10.0.0.5"
    await store.write(seen, A, "10.0.0.6", START + 90)
    assert await store.read(places) == {A: ("10.0.0.6", "10.0.0.6", "10.0.0.6")}
    assert (await store.read(told))[-1] == "is back online, moved here from 10.0.0.5"


async def test_two_that_exchange_addresses_move_from_somewhere(store: Store) -> None:
    def play(db: Database) -> None:
        seen(db, A, "10.0.0.5")
        seen(db, B, "10.0.0.6")
        seen(db, B, "10.0.0.5", START + 30)
        assert places(db)[A] == (None, "10.0.0.5", "10.0.0.5")
        seen(db, A, "10.0.0.6", START + 31)

    await store.write(play)
    assert (await store.read(told))[2:] == ["moved from 10.0.0.6 to 10.0.0.5", "moved from 10.0.0.5 to 10.0.0.6"]


async def test_one_whose_address_was_taken_goes_offline_from_there_and_one_that_gets_it_back_has_not_moved(
    store: Store,
) -> None:
    def play(db: Database) -> None:
        num = seen(db, A, "10.0.0.5")
        seen(db, B, "10.0.0.5", START + 30)
        seen(db, A, "10.0.0.5", START + 60)
        seen(db, B, "10.0.0.5", START + 90)
        miners.missed(db, [num], START + 120, offline_after=1)

    await store.write(play)
    told_of = [text for text in await store.read(told) if "offline" in text or "moved" in text]
    assert told_of == ["went offline, was at 10.0.0.5"]


@pytest.mark.parametrize("says", [True, False], ids=["new", "older"])
async def test_a_master_knows_where_a_miner_of_a_node_was(store: Store, says: bool) -> None:
    def tell(mac: str, ip: str | None, last_ip: str | None, seq: int) -> SentMiner:
        return SentMiner(
            seq, mac, ip, ip is not None, False, "s19", None, None, None, None, None, None, None, True, START, START,
            last_ip=last_ip if says else None,
        )  # fmt: skip

    def take(db: Database, one: SentMiner) -> None:
        ingest_miners.take(db, "node-1", [one], START)

    await store.write(take, tell(A, "10.0.0.5", "10.0.0.5", 1))
    await store.write(take, tell(A, None, "10.0.0.5", 2))
    assert await store.read(places) == {A: (None, "10.0.0.5", "10.0.0.5")}
    await store.write(take, tell(B, None, "10.0.0.6", 3))  # never seen online by the master
    assert (await store.read(places))[B][1] == ("10.0.0.6" if says else None)


async def test_a_node_tells_it(store: Store) -> None:
    def play(db: Database) -> str:
        miners.missed(db, [seen(db, A, "10.0.0.5")], START + 60, offline_after=1)
        return streams.batch(db, "miners", node_id="node-1", after=0, items=9, size=99_999).items[-1].text

    assert '"ip":null,"last_ip":"10.0.0.5"' in await store.write(play)


async def test_an_update_finds_the_last_address_in_the_events(url: str) -> None:
    async with Store.open(url) as store:

        def play(db: Database) -> None:
            for mac in (A, B):
                num = seen(db, mac, f"10.0.0.{mac[-1:]}".replace("a", "1").replace("b", "2"))
            seen(db, B, "10.0.0.9", START + 30)
            miners.missed(db, [num], START + 60, offline_after=1)

        await store.write(play)
    run(url, "ALTER TABLE miner DROP COLUMN last_ip")
    run(url, "DELETE FROM schema_migration WHERE name = '0012_last_address'")
    run(url, "UPDATE event SET detail = '{}' WHERE kind = 'miner_offline'")  # as after its address was taken
    assert create(url) == ["0012_last_address"]
    async with Store.open(url) as store:
        assert await store.read(places) == {A: ("10.0.0.1", "10.0.0.1", "10.0.0.1"), B: (None, "10.0.0.9", "10.0.0.9")}
