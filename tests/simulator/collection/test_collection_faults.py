"""What can go wrong with the simulated museum: the firewall's throttle, 429, 5xx, silence and cut replies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from email.utils import parsedate_to_datetime

import aiohttp
import pytest

from hived.simulator.collection.faults import Trouble
from hived.simulator.collection.museum import Collection
from tests.clock import FakeClock
from tests.waiting import until

HOST = "127.31.1.4"


@pytest.fixture
async def museum(clock: FakeClock) -> AsyncIterator[Collection]:
    async with Collection(40, host=HOST, clock=clock) as running:
        yield running


async def ask(http: aiohttp.ClientSession, museum: Collection, tail: str = "/departments") -> tuple[int, bytes]:
    async with http.get(museum.met_url + tail) as reply:
        return reply.status, await reply.read()


async def headers_of(http: aiohttp.ClientSession, museum: Collection) -> tuple[int, Mapping[str, str]]:
    async with http.get(museum.met_url + "/departments") as reply:
        return reply.status, reply.headers


async def test_the_firewall_shuts_after_thirty_quick_requests(
    http: aiohttp.ClientSession, museum: Collection, clock: FakeClock
) -> None:
    museum.set_fault("throttle")
    statuses = [(await ask(http, museum))[0] for _ in range(32)]
    assert statuses == [200] * 30 + [403] * 2
    async with http.get(museum.met_url + "/objects") as reply:
        assert (reply.status, reply.content_type) == (403, "text/html")
        assert b"Request unsuccessful" in await reply.read()
    clock.advance(29.9)
    assert (await ask(http, museum))[0] == 403
    clock.advance(0.2)
    assert (await ask(http, museum))[0] == 200


async def test_the_firewall_lets_a_patient_collector_pass(
    http: aiohttp.ClientSession, museum: Collection, clock: FakeClock
) -> None:
    museum.set_fault("throttle")
    for _ in range(100):
        clock.advance(1)
        assert (await ask(http, museum))[0] == 200


async def test_too_many_says_how_long_to_wait(
    http: aiohttp.ClientSession, museum: Collection, clock: FakeClock
) -> None:
    museum.set_fault("too-many", retry_after_s=7)
    status, headers = await headers_of(http, museum)
    assert (status, headers["Retry-After"]) == (429, "7")
    museum.set_fault(Trouble.UNAVAILABLE, retry_after_s=90, as_date=True)
    status, headers = await headers_of(http, museum)
    assert status == 503
    assert parsedate_to_datetime(headers["Retry-After"]).timestamp() == clock() + 90
    museum.set_fault("unavailable", retry_after_s=0)
    assert "Retry-After" not in (await headers_of(http, museum))[1]
    assert [fault.trouble.value for fault in museum.troubles] == ["unavailable", "too_many"], (
        "one of a kind, newest first"
    )


async def test_a_phase_begins_and_ends_by_the_clock(
    http: aiohttp.ClientSession, museum: Collection, clock: FakeClock
) -> None:
    museum.set_fault("error_500", after_s=10, for_s=5)
    seen = []
    for _ in range(8):
        seen.append((await ask(http, museum))[0])
        clock.advance(2.5)
    assert seen == [200] * 4 + [500] * 2 + [200] * 2


async def test_a_fault_may_be_for_some_paths_and_some_requests(http: aiohttp.ClientSession, museum: Collection) -> None:
    museum.set_fault("error_500", paths=["*/objects/*"], times=2)
    one = next(number for number in museum.ids if museum.catalogue.has_record(number))
    assert (await ask(http, museum))[0] == 200
    assert [(await ask(http, museum, f"/objects/{one}"))[0] for _ in range(3)] == [500, 500, 200]
    museum.set_fault("forbidden")
    assert (await ask(http, museum))[0] == 403
    museum.clear_fault("forbidden")
    assert [fault.trouble for fault in museum.troubles] == [Trouble.ERROR_500]
    museum.clear_fault()
    assert museum.troubles == []


async def test_a_hung_museum_never_answers_and_lets_go(http: aiohttp.ClientSession, museum: Collection) -> None:
    museum.set_fault("hung")
    with pytest.raises(TimeoutError):
        await http.get(museum.met_url, timeout=aiohttp.ClientTimeout(total=0.05))
    await until(lambda: museum.requests.at_once == 0)
    assert museum.requests.recent[-1].status is None


async def test_a_slow_museum_answers_late(http: aiohttp.ClientSession, museum: Collection) -> None:
    museum.set_fault("slow", delay_s=0.1)
    started = asyncio.get_running_loop().time()
    assert (await ask(http, museum))[0] == 200
    assert asyncio.get_running_loop().time() - started >= 0.1


@pytest.mark.parametrize("fault", ["cut", "reset"])
async def test_a_cut_reply_is_an_error_on_the_wire(http: aiohttp.ClientSession, museum: Collection, fault: str) -> None:
    museum.set_fault(fault)
    with pytest.raises(aiohttp.ClientError):
        await ask(http, museum, f"/objects/{museum.ids[0]}")
    assert not museum.requests.sent


@pytest.mark.parametrize("fault", ["not_json", "garbled"])
async def test_a_wrong_reply_looks_fine_on_the_wire(
    http: aiohttp.ClientSession, museum: Collection, fault: str
) -> None:
    museum.set_fault(fault)
    status, body = await ask(http, museum, "/objects")
    assert status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


async def test_a_museum_closes_with_requests_under_way(http: aiohttp.ClientSession, clock: FakeClock) -> None:
    async with Collection(5, host=HOST, clock=clock) as museum:
        museum.set_fault("hung")
        asking = [asyncio.create_task(ask(http, museum)) for _ in range(3)]
        await until(lambda: museum.requests.at_once == 3)
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(result, aiohttp.ClientError) for result in results)


def test_an_unknown_fault_or_option_is_refused() -> None:
    museum = Collection(5)
    with pytest.raises(ValueError, match="expected one of throttle"):
        museum.set_fault("gremlins")
    with pytest.raises(TypeError):
        museum.set_fault("slow", speed=1)
    with pytest.raises(ValueError, match="change_every_s"):
        Collection(5, change_every_s=0)
