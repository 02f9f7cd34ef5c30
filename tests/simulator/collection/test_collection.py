"""The simulated museum: its objects, the Met's API, validators, changes and what it counts."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import aiohttp
import pytest

from hived.simulator.collection import met
from hived.simulator.collection.museum import Collection
from hived.simulator.collection.objects import Catalogue
from tests.clock import FakeClock

HOST = "127.31.1.1"
CAPTURES = resources.files("hived.simulator.collection") / "captures"


@pytest.fixture
async def museum(clock: FakeClock) -> AsyncIterator[Collection]:
    async with Collection(400, host=HOST, clock=clock) as running:
        yield running


async def get(http: aiohttp.ClientSession, url: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.get(url, headers=sent, allow_redirects=False) as reply:
        return reply.status, reply.headers, await reply.read()


async def document(http: aiohttp.ClientSession, url: str) -> Any:
    status, _, body = await get(http, url)
    assert status == 200, (url, status, body[:200])
    return json.loads(body)


def an_open_one(museum: Collection) -> int:
    return next(one for one in museum.ids if museum.objects(one).open and museum.catalogue.has_record(one))


def a_closed_one(museum: Collection) -> int:
    return next(one for one in museum.ids if museum.objects(one).rights == "copyright")


def test_objects_are_a_function_of_seed_and_id() -> None:
    one, same, other = Catalogue(2000), Catalogue(30), Catalogue(2000, seed=2)
    ids = list(same.ids())
    assert [one.work(number) for number in ids] == [same.work(number) for number in ids]
    assert [other.id_at(index) for index in range(30)] != ids
    assert [work.title for work in map(one.work, ids)] != [other.work(other.id_at(n)).title for n in range(30)]


def test_the_licence_mix_is_about_sixty_percent_open() -> None:
    catalogue = Catalogue(4000)
    rights = Counter(map(catalogue.rights_of, catalogue.ids()))
    assert 0.57 < (rights["cc0"] + rights["pdm"]) / 4000 < 0.63
    assert set(rights) == {"cc0", "pdm", "copyright", "unknown", "by-sa"}


def test_objects_vary_and_make_sense() -> None:
    catalogue = Catalogue(1500)
    works = [catalogue.work(one) for one in catalogue.ids()]
    assert len({work.title for work in works}) > 500
    assert max(Counter(work.title for work in works).values()) > 5, "museums have many works of one title"
    assert len({work.culture.name for work in works}) >= 15
    assert len({work.date_text for work in works}) > 300
    assert sum(work.begin < 0 for work in works) > 50
    for work in works:
        assert work.begin <= work.end < work.year, work
        assert work.maker is None or work.maker.born < work.begin, work


def test_a_museum_of_two_million_costs_no_memory() -> None:
    catalogue = Catalogue(2_000_000)
    last = catalogue.id_at(1_999_999)
    assert last in catalogue
    assert last + 6 not in catalogue
    assert catalogue.work(last).id == last


async def test_the_list_has_every_id(http: aiohttp.ClientSession, museum: Collection) -> None:
    listed = await document(http, f"{museum.met_url}/objects")
    assert listed == {"total": 400, "objectIDs": museum.ids}


async def test_an_object_has_the_fields_of_a_real_one(http: aiohttp.ClientSession, museum: Collection) -> None:
    real = json.loads((CAPTURES / "met_object.json").read_bytes())
    ids = [one for one in museum.ids if museum.catalogue.has_record(one)][:60]
    seen: dict[str, set[str]] = {}
    for one in ids:
        record = await document(http, f"{museum.met_url}/objects/{one}")
        assert list(record) == list(real)
        for name, value in record.items():
            seen.setdefault(name, set()).add(type(value).__name__)
    for name, value in real.items():
        assert type(value).__name__ in seen[name], name
        assert seen[name] <= {type(value).__name__, "NoneType"}, name


async def test_an_open_object_has_pictures_and_a_closed_one_has_none(
    http: aiohttp.ClientSession, museum: Collection
) -> None:
    record = await document(http, f"{museum.met_url}/objects/{an_open_one(museum)}")
    assert record["isPublicDomain"] is True
    assert record["primaryImage"].startswith(museum.url)
    assert record["rightsAndReproduction"] == ""
    status, _, body = await get(http, record["primaryImage"])
    assert (status, body[:8]) == (200, b"\x89PNG\r\n\x1a\n")

    record = await document(http, f"{museum.met_url}/objects/{a_closed_one(museum)}")
    assert record["isPublicDomain"] is False
    assert (record["primaryImage"], record["primaryImageSmall"], record["additionalImages"]) == ("", "", [])
    assert record["rightsAndReproduction"].startswith("© ")


async def test_some_closed_objects_say_nothing_of_rights(http: aiohttp.ClientSession, museum: Collection) -> None:
    silent = next(one for one in museum.ids if museum.objects(one).rights == "unknown")
    record = await document(http, f"{museum.met_url}/objects/{silent}")
    assert (record["isPublicDomain"], record["rightsAndReproduction"]) == (False, "")


async def test_a_loan_is_listed_but_no_valid_object(http: aiohttp.ClientSession, museum: Collection) -> None:
    loans = [one for one in museum.ids if museum.objects(one).loan]
    assert loans
    statuses = set()
    for loan in loans:
        status, _, body = await get(http, f"{museum.met_url}/objects/{loan}")
        assert json.loads(body) == {"message": "Not a valid object"}
        statuses.add(status)
    assert statuses <= {200, 404}


@pytest.mark.parametrize("name", ["1", "1003", "0", "x", "-1", "99999999999999999999", "1008/x", "%D9%A1"])
async def test_an_id_that_is_not_listed_is_not_found(
    http: aiohttp.ClientSession, museum: Collection, name: str
) -> None:
    assert 1003 not in museum.ids
    status, _, body = await get(http, f"{museum.met_url}/objects/{name}")
    assert (status, list(json.loads(body))) == (404, ["message"])


async def test_departments_are_the_real_ones(http: aiohttp.ClientSession, museum: Collection) -> None:
    real = json.loads((CAPTURES / "met_departments.json").read_bytes())
    assert await document(http, f"{museum.met_url}/departments") == real


async def test_a_held_version_is_not_sent_again(http: aiohttp.ClientSession, museum: Collection) -> None:
    one = an_open_one(museum)
    url = f"{museum.met_url}/objects/{one}"
    _, headers, _ = await get(http, url)
    etag, modified = headers["ETag"], headers["Last-Modified"]
    assert (await get(http, url, If_None_Match=etag))[::2] == (304, b"")
    assert (await get(http, url, If_None_Match=f'"other", W/{etag}'))[0] == 304
    assert (await get(http, url, If_Modified_Since=modified))[0] == 304
    assert (await get(http, url, If_None_Match='"other"', If_Modified_Since=modified))[0] == 200, "the tag decides"
    assert (await get(http, url, If_Modified_Since="yesterday"))[0] == 200
    assert museum.requests.sent == {f"met/{one}": 3}

    museum.touch(one)
    assert (await get(http, url, If_None_Match=etag))[0] == 200
    assert (await get(http, url, If_Modified_Since=modified))[0] == 200


async def test_a_changed_object_shows_in_the_list_of_changes(
    http: aiohttp.ClientSession, museum: Collection, clock: FakeClock
) -> None:
    today = datetime.fromtimestamp(clock(), UTC)
    changes = f"{museum.met_url}/objects?metadataDate={today:%Y-%m-%d}"
    assert await document(http, changes) == {"total": 0, "objectIDs": []}
    one = museum.ids[7]
    before = museum.objects(one)
    museum.touch(one)
    after = museum.objects(one)
    assert (after.version, after.title, after.culture) == (1, before.title, before.culture)
    assert after.dimensions != before.dimensions
    assert await document(http, changes) == {"total": 1, "objectIDs": [one]}
    record = await document(http, f"{museum.met_url}/objects/{one}")
    assert record["metadataDate"].startswith(f"{today:%Y-%m-%dT%H:%M:%S}")


async def test_a_licence_can_be_taken_back(http: aiohttp.ClientSession, museum: Collection) -> None:
    one = an_open_one(museum)
    title = museum.objects(one).title
    museum.touch(one, rights="copyright")
    record = await document(http, f"{museum.met_url}/objects/{one}")
    assert (record["isPublicDomain"], record["primaryImage"], record["title"]) == (False, "", title)


async def test_withdrawn_and_new_objects(http: aiohttp.ClientSession, museum: Collection) -> None:
    one = an_open_one(museum)
    museum.withdraw(one)
    _, _, body = await get(http, f"{museum.met_url}/objects/{one}")
    assert json.loads(body) == {"message": "Not a valid object"}
    new = museum.add(3)
    assert (await document(http, f"{museum.met_url}/objects"))["objectIDs"][-3:] == new
    assert all(museum.objects(number).changed_at == museum.clock() for number in new)
    with pytest.raises(KeyError):
        museum.touch(new[-1] + 1000)


async def test_objects_change_by_themselves_as_time_passes(http: aiohttp.ClientSession, clock: FakeClock) -> None:
    async with Collection(50, host=HOST, clock=clock, change_every_s=60) as museum:
        await document(http, f"{museum.met_url}/departments")
        assert not museum.catalogue.changes
        clock.advance(600)
        await document(http, f"{museum.met_url}/departments")
        assert sum(change.version for change in museum.catalogue.changes.values()) == 10
        clock.advance(1e9)
        await document(http, f"{museum.met_url}/departments")
        assert sum(change.version for change in museum.catalogue.changes.values()) == 1010


async def test_requests_are_counted_by_address_second_and_agent(
    http: aiohttp.ClientSession, museum: Collection, clock: FakeClock
) -> None:
    one, url = an_open_one(museum), f"{museum.met_url}/objects/"
    for pause in (0.0, 0.4, 1.0, 2.5):
        clock.advance(pause)
        await get(http, f"{url}{one}", User_Agent="tester/1 (+mail)")
    log = museum.requests
    assert (log.total, log[f"{met.PREFIX}/objects/{one}"], log.sent[f"met/{one}"]) == (4, 4, 4)
    assert log.agents == {"tester/1 (+mail)": 4}
    assert log.busiest_second == 2
    assert log.shortest_gap_s() == pytest.approx(0.4, abs=1e-6)
    assert log.shortest_gap_s("/elsewhere") is None
    assert log.count(met.PREFIX) == 4
    assert [request.status for request in log.recent] == [200] * 4
    assert log.most_at_once == 1
    log.reset()
    assert (log.total, log.sent, log.busiest_second) == (0, {}, 0)


async def test_requests_at_once_are_counted(http: aiohttp.ClientSession, museum: Collection) -> None:
    museum.set_fault("slow", delay_s=0.05)
    await asyncio.gather(*(get(http, f"{museum.met_url}/departments") for _ in range(5)))
    assert museum.requests.most_at_once == 5
    assert museum.requests.at_once == 0


async def test_the_count_of_addresses_is_bounded(
    http: aiohttp.ClientSession, museum: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hived.simulator.collection.log.MAX_PATHS", 3)
    for number in range(6):
        await get(http, f"{museum.url}/x{number}?{'y' * 1000}")
    assert (len(museum.requests.paths), museum.requests["(other)"]) == (4, 3)
    assert max(map(len, museum.requests.paths)) == 300


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_nothing_can_be_written(http: aiohttp.ClientSession, museum: Collection, method: str) -> None:
    async with http.request(method, f"{museum.met_url}/objects") as reply:
        assert reply.status == 405


async def test_head_sends_no_body_and_is_not_counted_as_sent(http: aiohttp.ClientSession, museum: Collection) -> None:
    one = an_open_one(museum)
    async with http.head(f"{museum.met_url}/objects/{one}") as reply:
        assert (reply.status, await reply.read()) == (200, b"")
        assert "ETag" in reply.headers
    assert not museum.requests.sent


async def test_two_museums_side_by_side_and_the_same_one_twice(clock: FakeClock) -> None:
    async with Collection(5, host=HOST, clock=clock) as one, Collection(5, host=HOST, clock=clock) as other:
        assert one.url != other.url
        with pytest.raises(OSError, match="in use"):
            await Collection(5, host=HOST, port=one.port, clock=clock).start()
    async with Collection(5, host=HOST, port=one.port, clock=clock) as again:
        assert again.url == one.url
        await again.stop()
    await again.stop()


@pytest.mark.parametrize("count", [0, -1, 2_000_001])
def test_a_museum_of_no_objects_is_none(count: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to"):
        Collection(count)


async def read_replies(reader: asyncio.StreamReader, count: int) -> int:
    """Read so many keep-alive replies; return the bytes of their bodies."""
    total = 0
    for _ in range(count):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        total += len(await reader.readexactly(length))
    return total


async def test_requests_in_one_packet_are_all_answered() -> None:
    async with Collection(10_000, host=HOST) as museum:
        ids = [one for one in museum.ids if museum.catalogue.has_record(one)][:200]
        reader, writer = await asyncio.open_connection(museum.host, museum.port)
        for start in range(0, len(ids), 50):
            for one in ids[start : start + 50]:
                writer.write(f"GET {met.PREFIX}/objects/{one} HTTP/1.1\r\nHost: museum\r\n\r\n".encode())
            await read_replies(reader, len(ids[start : start + 50]))
        writer.close()
        await writer.wait_closed()
        assert museum.requests.sent.total() == len(ids)
