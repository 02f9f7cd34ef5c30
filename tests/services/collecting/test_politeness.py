"""One request at a time for each host, at its pace, and only where robots.txt allows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from yarl import URL

from hived.errors import NotAllowed, Throttled, Transient
from hived.records.hosts import OwnHosts
from hived.services.collecting import politeness as room
from hived.services.collecting.politeness import Politeness
from hived.store import Store
from tests.clock import FakeClock
from tests.databases import Databases

PAGE = URL("https://museum.example/object/1")
API = URL("https://api.museum.example/v1/objects/1")
OWN = URL("http://192.168.7.9:8181/objects/1")


class World:
    """A politeness whose robots.txt files are given by the test."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store, self.clock = store, clock
        self.robots: dict[str, tuple[int | None, str, bytes] | Exception] = {}
        self.asked: list[str] = []

    async def make(self) -> Politeness:
        """One that knows what the database knows, as after a start."""
        made = Politeness(
            self.store, own=OwnHosts.of(["192.168.7.0/24"]), own_pace_s=0.2, clock=self.clock, sleep=self.clock.sleep
        )
        made.read_robots = self._read
        await made.load()
        return made

    async def _read(self, url: URL) -> tuple[int | None, str, bytes]:
        self.asked.append(str(url))
        answer = self.robots.get(url.host or "", (404, "", b""))
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
async def world(databases: Databases, clock: FakeClock) -> AsyncIterator[World]:
    async with Store.open(databases.make()) as store:
        yield World(store, clock)


async def visit(gate: Politeness, url: URL, kind: room.Kind = "page", *, seconds: float = 0.1) -> None:
    await gate.admit(url, kind=kind)
    gate.note(url, status=200, seconds=seconds, retry_after_s=None)


async def waited(world: World, gate: Politeness, url: URL, kind: room.Kind = "page", *, seconds: float = 0.1) -> float:
    """How long the second visit of two waits."""
    await visit(gate, url, kind, seconds=seconds)
    began = world.clock()
    await visit(gate, url, kind)
    return world.clock() - began


async def test_pages_five_seconds_apis_one_own_hosts_as_told(world: World) -> None:
    gate = await world.make()
    assert await waited(world, gate, PAGE) == pytest.approx(5.0)
    assert await waited(world, gate, API, "api") == pytest.approx(1.0)
    assert await waited(world, gate, OWN, "api") == pytest.approx(0.2)


async def test_slow_hosts_are_asked_less_and_crawl_delay_counts(world: World) -> None:
    gate = await world.make()
    assert await waited(world, gate, API, "api", seconds=3.0) == pytest.approx(15.0)
    assert await waited(world, gate, URL("https://slow.example/v1"), "api", seconds=60.0) == pytest.approx(30.0)
    world.robots["museum.example"] = (200, "text/plain", b"User-agent: *\nCrawl-delay: 20\n")
    assert await waited(world, gate, PAGE) == pytest.approx(20.0)


async def test_hosts_do_not_wait_for_each_other(world: World) -> None:
    gate = await world.make()
    began = world.clock()
    for i in range(5):
        await visit(gate, URL(f"https://host{i}.example/v1"), "api")
    assert world.clock() == began


async def test_robots_are_read_once_a_day_for_each_host_and_survive_a_restart(world: World) -> None:
    world.robots["museum.example"] = (200, "text/plain", b"User-agent: *\nDisallow: /private/\n")
    gate = await world.make()
    for _ in range(3):
        await visit(gate, PAGE)
    with pytest.raises(NotAllowed, match="robots"):
        await gate.admit(PAGE.with_path("/private/x"), kind="page")
    await gate.save()
    again = await world.make()
    with pytest.raises(NotAllowed):
        await again.admit(PAGE.with_path("/private/x"), kind="page")
    assert world.asked == ["https://museum.example/robots.txt"]
    world.clock.advance(86_401)
    await visit(again, PAGE)
    assert len(world.asked) == 2


async def test_apis_are_not_asked_for_robots(world: World) -> None:
    world.robots["api.museum.example"] = (200, "text/plain", b"User-agent: *\nDisallow: /\n")
    gate = await world.make()
    await visit(gate, API, "api")
    assert world.asked == []


@pytest.mark.parametrize("answer", [(503, "", b""), (None, "", b""), Transient("no answer")])
async def test_unreachable_robots_forbid_for_now(
    world: World, answer: tuple[int | None, str, bytes] | Exception
) -> None:
    world.robots["museum.example"] = answer
    gate = await world.make()
    with pytest.raises(Throttled):
        await gate.admit(PAGE, kind="page")
    world.robots["museum.example"] = (404, "", b"")
    world.clock.advance(room.ROBOTS_RETRY_S + 1)
    await visit(gate, PAGE)


async def test_the_last_good_copy_counts_while_robots_cannot_be_read(world: World) -> None:
    world.robots["museum.example"] = (200, "text/plain", b"User-agent: *\nDisallow: /private/\n")
    gate = await world.make()
    await visit(gate, PAGE)
    world.robots["museum.example"] = (500, "", b"")
    world.clock.advance(86_401)
    await visit(gate, PAGE)
    with pytest.raises(NotAllowed):
        await gate.admit(PAGE.with_path("/private/x"), kind="page")


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_a_host_that_refuses_its_robots_is_left_alone(world: World, status: int) -> None:
    world.robots["museum.example"] = (status, "", b"")
    gate = await world.make()
    with pytest.raises(Throttled) as told:
        await gate.admit(PAGE, kind="page")
    assert told.value.retry_after_s == room.BACKOFF_LONGEST_S


async def test_back_off_belongs_to_the_host_grows_and_survives_a_restart(world: World) -> None:
    gate = await world.make()
    pauses = []
    for _ in range(4):
        await gate.admit(API, kind="api")
        gate.note(API, status=503, seconds=0.1, retry_after_s=None)
        with pytest.raises(Throttled) as told:
            await gate.admit(API.with_path("/v1/another"), kind="api")
        pauses.append(told.value.retry_after_s or 0.0)
        await gate.save()
        gate = await world.make()
        world.clock.advance(pauses[-1] + 1)
    assert pauses == sorted(pauses)
    assert pauses[0] <= 72.1
    assert pauses[-1] >= 300


async def test_retry_after_wins(world: World) -> None:
    gate = await world.make()
    await gate.admit(API, kind="api")
    gate.note(API, status=429, seconds=0.1, retry_after_s=7200.0)
    with pytest.raises(Throttled) as told:
        await gate.admit(API, kind="api")
    assert told.value.retry_after_s == pytest.approx(7200.0, rel=0.01)


async def test_a_pause_set_by_a_clock_that_was_wrong_ends(world: World) -> None:
    gate = await world.make()
    await visit(gate, API, "api")
    world.clock.advance(-365 * 86_400)
    async with asyncio.timeout(5):
        await visit(gate, API, "api")


async def test_hosts_that_are_remembered_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_HOSTS", 10)
    gate = await world.make()
    for i in range(50):
        await visit(gate, URL(f"https://host{i}.example/v1"), "api")
    assert len(gate._hosts) == 10
    assert len(gate._kind) == 10
