"""Peers as rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hived.records.events import Event
from hived.records.peers import ALIVE, DEAD, LEFT, SIGHTED, SUSPECT, Master, Peer
from hived.store import Store, events
from hived.store.nodes import peers
from hived.store.schema import Daemon
from hived.store.schema.nodes import Node


def peer(name: str = "rig", **changes: Any) -> Peer:
    given: dict[str, Any] = {
        "name": name, "id": f"id-{name}", "role": "node", "version": "1.0", "addresses": ("192.0.2.7",), "port": 0,
        "path": None, "tls": False, "fingerprint": None, "state": ALIVE, "since": 5.0, "seen_at": 6.0,
        "verified_at": 6.0,
    }  # fmt: skip
    return Peer(**(given | changes))


def master(name: str = "head", **changes: Any) -> Peer:
    return peer(name, **({"role": "master", "port": 8080, "path": "/api/v1"} | changes))


async def test_a_peer_comes_back_as_it_was_stored(store: Store) -> None:
    one = master(tls=True, fingerprint="ab" * 32, addresses=("192.0.2.7", "fd00::7"), misses=2, reason="no answer")
    await store.write(peers.save, [one], [Event("peer_found", 6.0, {"id": one.id})])
    assert await store.read(peers.rows) == [one]
    moved = replace(one, addresses=("192.0.2.8",), since=7.0)
    await store.write(peers.save, [moved])
    assert await store.read(peers.rows) == [moved]
    assert [event.kind for event in await store.read(events.newest)] == ["peer_found"]


async def test_only_proven_masters_that_are_alive_are_masters(store: Store) -> None:
    good = master(addresses=("192.0.2.9",))
    others = [
        master("a", state=SIGHTED, verified_at=None), master("b", state=SUSPECT), master("c", state=DEAD),
        master("d", state=LEFT), peer("e"), master("f", verified_at=None),
    ]  # fmt: skip
    await store.write(peers.save, [*others, good])
    found = await store.read(peers.masters)
    assert found == [Master("id-head", "head", "http://192.0.2.9:8080", None, False)]


async def test_a_master_under_two_names_is_one_and_the_newest_proof_counts(store: Store) -> None:
    await store.write(
        peers.save, [master("old", id="x", verified_at=1.0), master("new", id="x", verified_at=2.0, tls=True)]
    )
    (found,) = await store.read(peers.masters)
    assert (found.name, found.url) == ("new", "https://192.0.2.7:8080")


async def test_an_ipv6_address_makes_a_url_with_brackets(store: Store) -> None:
    await store.write(peers.save, [master(addresses=("fd00::7",))])
    assert [one.url for one in await store.read(peers.masters)] == ["http://[fd00::7]:8080"]


def test_the_unproven_leave_first_then_the_dead_then_the_rest_and_always_the_oldest() -> None:
    known = [
        peer("alive", seen_at=1.0), peer("dead", state=DEAD, seen_at=2.0), peer("left", state=LEFT, seen_at=1.5),
        peer("new", state=SIGHTED, seen_at=9.0), peer("old", state=SIGHTED, seen_at=8.0),
    ]  # fmt: skip
    assert [one.name for one in peers.surplus(known, 0)] == ["old", "new", "left", "dead", "alive"]
    assert [one.name for one in peers.surplus(known, 3)] == ["old", "new"]
    assert peers.surplus(known, 5) == []


def test_of_the_unproven_those_leave_first_whose_address_has_most_names() -> None:
    ghosts = [
        peer(f"ghost{n}", state=SIGHTED, seen_at=100.0 + n, misses=n % 2, addresses=("192.0.2.66",)) for n in range(9)
    ]
    known = [peer("true", state=SIGHTED, seen_at=1.0, misses=3, addresses=("192.0.2.9",)), *ghosts]
    place = "/".join
    left = [one.name for one in peers.surplus(known, 2, place=place)]
    assert len(left) == 8
    assert {"true", "ghost8"} & set(left) == set()


async def test_rows_are_forgotten_by_name_and_id(store: Store) -> None:
    twins = [peer("rig", id="a"), peer("rig", id="b")]
    await store.write(peers.save, twins)
    await store.write(peers.forget, [("rig", "a")])
    assert await store.read(peers.rows) == twins[1:]


async def test_this_box_is_a_master_when_its_row_says_so_and_its_api_runs(store: Store) -> None:
    def put(db: Any, role: str, beat_at: float) -> None:
        Node.delete().execute(db)
        Daemon.delete().execute(db)
        Node.insert(id="me", name="me", role=role, status="approved").execute(db)
        Daemon.insert(name="hive-apid", pid=1, version="1", started_at=0.0, beat_at=beat_at).execute(db)

    assert not await store.read(peers.is_master, "me", fresh_after=0.0)
    for role, beat_at, expected in (("master", 9.0, True), ("master", 5.0, False), ("node", 9.0, False)):
        await store.write(put, role, beat_at)
        assert await store.read(peers.is_master, "me", fresh_after=5.0) is expected
        assert not await store.read(peers.is_master, "other", fresh_after=5.0)
