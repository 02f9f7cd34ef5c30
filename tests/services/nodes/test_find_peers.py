"""Boxes that find each other over the real mDNS of the loopback interface, and what forged packets come to."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hived.clients.mdns import ask
from hived.errors import Transient
from hived.records.peers import ALIVE, LEFT, SIGHTED, Announcement, Peer
from hived.services.nodes import find_peers
from hived.services.nodes.announce import Announcer
from hived.services.nodes.find_peers import PeerFinder
from hived.store import Store, create, events
from hived.store.nodes import peers
from tests import mdns
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("mdns")  # all of them hear each other: one after the other they are quicker

PATIENCE_S = 40.0


class Box:
    """One node: its store, its announcement, its beats run by hand."""

    def __init__(self, store: Store, name: str, node_id: str) -> None:
        self.store, self.name, self.id = store, name, node_id
        self.own = Announcement(node_id, name, "node", "1.0")
        self.announcer = Announcer(self._own, only=["127.0.0.1"])
        self.ahead = 0.0
        self.finder = PeerFinder(
            store, self.announcer, node_id=node_id, monotonic=lambda: time.monotonic() + self.ahead
        )

    async def _own(self) -> Announcement:
        return self.own

    async def peer(self, node_id: str, name: str | None = None) -> Peer | None:
        await self.finder.look()
        found = [one for one in await self.store.read(peers.rows) if one.id == node_id and name in (None, one.name)]
        return found[0] if found else None

    async def comes_to_see(self, node_id: str, state: str, name: str | None = None) -> Peer:
        found: list[Peer] = []

        async def there() -> bool:
            peer = await self.peer(node_id, name)
            found[:] = [peer] if peer else []
            return peer is not None and peer.state == state

        await until(there, within_s=PATIENCE_S)
        return found[0]

    async def events(self, node_id: str) -> list[str]:
        told = await self.store.read(events.newest)
        return [event.kind for event in reversed(told) if event.detail.get("id") == node_id]

    def passes(self, seconds: float) -> None:
        """Let time pass for the pauses between questions."""
        self.ahead += seconds


MakeBox = Callable[..., Awaitable[Box]]


@pytest.fixture
async def make_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeBox]:
    """`await make_box(name)`: a box on loopback that is announced; nobody is left afterwards."""
    # Nothing gets lost on loopback, and nobody there needs half a second to object to a name.
    monkeypatch.setattr(ask, "ANSWER_S", (0.2, 0.3, 0.3))
    monkeypatch.setattr("hived.clients.mdns.client.PROBE_EVERY_S", 0.05)
    monkeypatch.setattr("zeroconf._core._REGISTER_TIME", 50)
    numbers = itertools.count()
    async with AsyncExitStack() as stack:

        async def make(name: str, node_id: str | None = None, **more: Any) -> Box:
            url = f"sqlite:///{tmp_path / f'{next(numbers)}.db'}"
            create(url)
            store = await stack.enter_async_context(Store.open(url))
            box = Box(store, name, node_id or unique("id"))
            for key, value in more.items():
                setattr(box, key, value)
            stack.push_async_callback(box.announcer.close, goodbye=True)
            await stack.enter_async_context(box.finder)
            await box.announcer.keep()
            return box

        yield make


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


async def test_two_boxes_prove_each_other_and_a_goodbye_is_left_at_once(make_box: MakeBox) -> None:
    one, other = await make_box(unique("one")), await make_box(unique("other"))
    seen = await one.comes_to_see(other.id, ALIVE)
    assert (seen.name, seen.role, seen.version, seen.addresses) == (other.name, "node", "1.0", ("127.0.0.1",))
    await other.comes_to_see(one.id, ALIVE)
    await other.announcer.close(goodbye=True)
    await one.comes_to_see(other.id, LEFT)
    assert await one.events(other.id) == ["peer_found", "peer_left"]
    assert await one.peer(one.id) is None, "its own echo is no peer"
    assert "peer" in one.finder.summary()


async def test_a_forged_goodbye_is_healed_by_the_next_answer(make_box: MakeBox) -> None:
    one, other = await make_box(unique("one")), await make_box(unique("other"))
    await one.comes_to_see(other.id, ALIVE)

    async def is_believed() -> bool:
        mdns.send([mdns.announcement(other.name, "127.0.0.1", ttl=0, id=other.id)])
        await one.finder.look()
        return "peer_left" in await one.events(other.id)

    await until(is_believed, within_s=PATIENCE_S)
    one.passes(find_peers.AFTER_GOODBYE_S)
    await one.comes_to_see(other.id, ALIVE)


async def test_two_boxes_of_one_name_are_told_apart_and_it_is_said_once(
    make_box: MakeBox, caplog: pytest.LogCaptureFixture
) -> None:
    name = unique("same")
    one, other = await make_box(name), await make_box(name)

    async def told_apart() -> bool:
        for box in (one, other):  # where several programs share port 5353, an objection may reach the wrong one
            await box.finder.look()
            await box.announcer.keep()
        return {one.announcer.label, other.announcer.label} == {name, f"{name} (2)"}

    await until(told_apart, within_s=PATIENCE_S)
    await one.comes_to_see(other.id, ALIVE, other.announcer.label)
    await other.comes_to_see(one.id, ALIVE, one.announcer.label)
    for _ in range(3):
        await told_apart()
    assert [r.levelname for r in caplog.records if "another box on this network is named" in r.message] == ["WARNING"]


async def test_a_name_that_two_got_on_separate_networks_is_given_up_by_one(make_box: MakeBox) -> None:
    name = unique("same")
    low, high = await make_box(name, unique("a")), await make_box(unique("free"), unique("b"))
    # The networks were joined later: nobody probed for the other.
    assert high.announcer.mdns is not None
    high.own = Announcement(high.id, name, "node", "1.0")
    high.announcer.mdns.label = None
    info = high.announcer.mdns._made(high.own, name)
    stack = high.announcer.mdns._running()
    stack.zeroconf.registry.async_add(info)
    high.announcer.mdns.label, high.announcer.mdns._info = name, info
    high.announcer.mdns.labels.add(name)

    async def renamed() -> bool:
        await low.finder.look()
        await high.finder.look()
        mdns.send([mdns.announcement(name, "127.0.0.1", id=low.id)])
        await high.announcer.keep()
        return high.announcer.label not in (None, name)

    await until(renamed, within_s=PATIENCE_S)
    assert low.announcer.label == name


async def test_a_copied_node_id_is_never_a_peer_and_told_once(
    make_box: MakeBox, caplog: pytest.LogCaptureFixture
) -> None:
    node_id = unique("clone")
    one, copy = await make_box(unique("one"), node_id), await make_box(unique("copy"), node_id)

    async def told() -> bool:
        assert await one.peer(node_id) is None
        return await one.events(node_id) == ["peer_twice"]

    await until(told, within_s=PATIENCE_S)
    mdns.send([mdns.announcement(copy.name, "127.0.0.1", id=node_id)])
    for _ in range(5):
        await one.finder.look()
    assert await one.events(node_id) == ["peer_twice"]
    warnings = [r for r in caplog.records if r.levelno == logging.WARNING and node_id in r.getMessage()]
    assert len([r for r in warnings if "this node" in r.getMessage()]) >= 1


async def test_two_others_with_one_id_are_an_event_once(make_box: MakeBox) -> None:
    watcher, node_id = await make_box(unique("watcher")), unique("twin")
    await make_box(unique("twin-a"), node_id)
    await make_box(unique("twin-b"), node_id)

    async def told() -> bool:
        await watcher.finder.look()
        watcher.passes(8.0)  # longer than between two questions
        return "peer_twice" in await watcher.events(node_id)

    await until(told, within_s=PATIENCE_S)
    for _ in range(5):
        watcher.passes(8.0)
        await watcher.finder.look()
    assert (await watcher.events(node_id)).count("peer_twice") == 1


async def hello_server(stack: AsyncExitStack, asked: list[str] | None = None, **told: Any) -> int:
    """A master's listener on 127.0.0.1; returns its port. `asked` notes who came."""

    async def hello(request: web.Request) -> web.Response:
        if asked is not None:
            asked.append(request.path)
        return web.json_response({"product": "hived", "role": "master", **told})

    app = web.Application()
    app.router.add_get("/api/v1/hello", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return int(runner.addresses[0][1])


async def test_a_node_that_becomes_a_master_is_believed_when_its_door_says_so(make_box: MakeBox) -> None:
    one, other = await make_box(unique("one")), await make_box(unique("other"))
    await one.comes_to_see(other.id, ALIVE)
    async with AsyncExitStack() as stack:
        port = await hello_server(stack, node_id=other.id)
        other.own = Announcement(other.id, other.name, "master", "1.0", port, "/api/v1")
        await other.announcer.keep()

        async def is_master() -> bool:
            await one.finder.look()
            return other.id in {found.id for found in await one.store.read(peers.masters)}

        await until(is_master, within_s=PATIENCE_S)
    (found,) = [m for m in await one.store.read(peers.masters) if m.id == other.id]
    assert (found.name, found.url, found.tls) == (other.name, f"http://127.0.0.1:{port}", False)
    assert await one.events(other.id) == ["peer_found", "peer_moved"]


async def test_a_master_whose_door_says_another_id_stays_sighted(make_box: MakeBox) -> None:
    one, liar = await make_box(unique("one")), unique("liar")
    async with AsyncExitStack() as stack:
        port = await hello_server(stack, node_id="somebody-else")
        mdns.send([mdns.announcement(liar, "127.0.0.1", role="master", port=port, path="/api/v1", id=liar)])

        async def refused() -> bool:
            peer = await one.peer(liar)
            return peer is not None and peer.misses > 0

        await until(refused, within_s=PATIENCE_S)
    peer = await one.peer(liar)
    assert peer is not None
    assert (peer.state, peer.verified_at) == (SIGHTED, None)
    assert liar not in {found.id for found in await one.store.read(peers.masters)}
    assert await one.events(liar) == []


async def test_a_forged_announcement_does_not_move_a_proven_master(make_box: MakeBox) -> None:
    one, name = await make_box(unique("one")), unique("head")
    async with AsyncExitStack() as stack:
        port = await hello_server(stack, node_id=name)
        asked: list[str] = []
        thief = await hello_server(stack, asked, node_id="thief")
        mdns.send([mdns.announcement(name, "127.0.0.1", role="master", port=port, path="/api/v1", id=name)])
        await one.comes_to_see(name, ALIVE)

        async def the_thief_was_asked() -> bool:
            mdns.send([mdns.announcement(name, "127.0.0.1", role="master", port=thief, path="/api/v1", id=name)])
            one.passes(12.0)
            peer = await one.peer(name)
            assert peer is not None
            assert peer.state == ALIVE, peer.reason
            return len(asked) > 2

        await until(the_thief_was_asked, within_s=PATIENCE_S)
        (found,) = [m for m in await one.store.read(peers.masters) if m.id == name]
        assert found.url == f"http://127.0.0.1:{port}"
        assert await one.events(name) == ["peer_found"]


async def test_more_names_than_there_is_room_for_push_out_the_unproven(make_box: MakeBox) -> None:
    one, other, tag = await make_box(unique("one")), await make_box(unique("other")), unique("ghost")
    one.finder._most = 8
    await one.comes_to_see(other.id, ALIVE)
    ghosts = [f"{tag}-{number}" for number in range(40)]
    mdns.send(mdns.announcement(name, "127.0.0.1", id=name) for name in ghosts)

    async def some_came() -> bool:
        await one.finder.look()
        rows = await one.store.read(peers.rows)
        assert len(rows) <= 8
        return any(row.id in ghosts for row in rows)

    await until(some_came, within_s=PATIENCE_S)
    await one.comes_to_see(other.id, ALIVE)


@pytest.mark.parametrize("places", [1, 200], ids=["one address", "every address of the network"])
@pytest.mark.parametrize("role", ["node", "master"])
async def test_a_true_box_is_found_while_invented_ones_go_on_being_announced(
    make_box: MakeBox, role: str, places: int
) -> None:
    one, tag = await make_box(unique("one")), unique("ghost")
    told = {"role": role, "path": "/api/v1"} if role == "master" else {}
    addresses, stop = [f"127.9.0.{n + 1}" for n in range(places)], threading.Event()
    flood = asyncio.create_task(asyncio.to_thread(mdns.send, mdns.unending(stop, tag, addresses, **told)))
    try:
        began = time.monotonic()
        while time.monotonic() - began < 3.0:  # by now all places are taken by names that are not there
            await one.finder.look()
            await asyncio.sleep(find_peers.NEWS_GAP_S)
        other = await make_box(unique("other"))

        async def found() -> bool:
            await asyncio.sleep(find_peers.NEWS_GAP_S)
            peer = await one.peer(other.id)
            return peer is not None and peer.state == ALIVE

        await until(found, within_s=2 * PATIENCE_S)
    finally:
        stop.set()
        await flood
    assert len(await one.store.read(peers.rows)) <= peers.MAX_PEERS


async def test_packets_without_any_sense_end_nothing(make_box: MakeBox) -> None:
    one = await make_box(unique("one"))
    mdns.send(mdns.nonsense(50))
    other = await make_box(unique("other"))
    await one.comes_to_see(other.id, ALIVE)


async def test_what_was_found_out_while_the_database_was_busy_is_not_lost(
    make_box: MakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await make_box(unique("one")), await make_box(unique("other"))
    write, failures = one.store.write, itertools.count()

    async def busy(*args: Any, **kwargs: Any) -> Any:
        if next(failures) < 3:
            raise Transient("database is locked")
        return await write(*args, **kwargs)

    monkeypatch.setattr(one.store, "write", busy)

    async def found() -> bool:
        try:
            peer = await one.peer(other.id)
        except Transient:
            return False
        return peer is not None and peer.state == ALIVE

    await until(found, within_s=PATIENCE_S)
    assert await one.events(other.id) == ["peer_found"]


async def test_a_bug_in_a_question_ends_the_beat(make_box: MakeBox, monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = await make_box(unique("one")), await make_box(unique("other"))

    async def broken(*_: Any, **__: Any) -> str:
        raise KeyError("a bug")

    monkeypatch.setattr(ask, "ask", broken)

    async def look_for_ever() -> None:
        while True:
            await one.finder.look()
            await asyncio.sleep(0)

    with pytest.raises(KeyError, match="a bug"):
        await asyncio.wait_for(look_for_ever(), PATIENCE_S)
