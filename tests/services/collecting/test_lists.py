"""Lists that are broken, refused or empty: what could be read is kept, there is a way on, and the source says why."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hived.errors import PROBLEMS
from hived.records.artifact import Source
from hived.simulator.collection.objects import OPEN
from hived.store.collecting import artifacts, frontier, sources
from tests.clock import FakeClock
from tests.databases import Databases
from tests.services.collecting.museum import Museum, open_museum

DAY_S = 86_400.0


@pytest.fixture
async def museum(databases: Databases, clock: FakeClock) -> AsyncIterator[Museum]:
    clock.now = 1_795_000_000.0
    async with open_museum(databases.make(), objects=230, clock=clock) as opened:
        yield opened


async def now(museum: Museum, source: Source) -> Source:
    found = await museum.store.read(sources.one, source.id)
    assert found is not None
    assert found.last_error_code is None or found.last_error_code in PROBLEMS
    return found


async def rounds(museum: Museum, clock: FakeClock, count: int, pause_s: float) -> None:
    """So many rounds, each after a pause, each by a daemon that has just started."""
    for _ in range(count):
        async with museum.collector() as work:
            await work.round()
        clock.advance(pause_s)


async def listed(museum: Museum, source: Source) -> int:
    return sum((await museum.store.read(frontier.counts, source.id)).values())


def with_record(museum: Museum) -> int:
    return sum(map(museum.collection.catalogue.has_record, museum.collection.ids))


async def test_one_bad_character_on_every_page_costs_nothing(museum: Museum, clock: FakeClock) -> None:
    source = await museum.add("rijksmuseum")
    museum.collection.set_fault("bad_character", paths=["/rijks/*"])
    await rounds(museum, clock, 1, 0)
    assert await listed(museum, source) == with_record(museum)
    found = await now(museum, source)
    assert (found.last_error, found.listed_at) == (None, clock())
    by = await museum.store.read(artifacts.stats)
    museums = museum.collection
    free = [one for one in museums.ids if museums.catalogue.has_record(one) and museums.objects(one).rights in OPEN]
    assert by["artifact_count"] == len(free)


async def test_one_broken_record_on_every_page_costs_itself_and_is_told(museum: Museum, clock: FakeClock) -> None:
    source = await museum.add("rijksmuseum")
    museum.collection.set_fault("broken_entry", paths=["/rijks/*"])
    await rounds(museum, clock, 1, 0)
    pages = museum.collection.requests.count("/rijks/oai")
    assert pages >= 4
    assert await listed(museum, source) == with_record(museum) - pages
    found = await now(museum, source)
    assert (found.last_error_code, found.listed_at) == ("source_flawed", clock())
    assert "1 of 31 entries cannot be read" in (found.last_error or "")


async def test_what_was_wrong_is_forgotten_when_the_list_is_in_order_again(museum: Museum, clock: FakeClock) -> None:
    source = await museum.add("rijksmuseum")
    museum.collection.set_fault("broken_entry", paths=["/rijks/*"])
    await rounds(museum, clock, 1, DAY_S + 1)
    assert (await now(museum, source)).last_error
    museum.collection.clear_fault()
    await rounds(museum, clock, 1, 0)
    found = await now(museum, source)
    assert (found.last_error, found.last_error_code, found.last_error_at) == (None, None, None)


@pytest.mark.parametrize(("fault", "loses"), [("bad_character", 0), ("broken_entry", 1)])
async def test_a_sitemap_with_a_flaw_keeps_its_other_pages(
    fault: str, loses: int, museum: Museum, clock: FakeClock
) -> None:
    source = await museum.add("web")
    museum.collection.set_fault(fault, paths=["/sitemaps/*"])
    await rounds(museum, clock, 1, 0)
    maps = museum.collection.requests.count("/sitemaps/")
    assert maps >= 1
    assert await listed(museum, source) == len(museum.collection.ids) - maps * loses
    assert (await now(museum, source)).last_error_code == ("source_flawed" if loses else None)


async def test_tokens_that_are_never_taken_are_no_end(museum: Museum, clock: FakeClock) -> None:
    source = await museum.add("rijksmuseum")
    museum.collection.set_fault("expired_tokens")
    await rounds(museum, clock, 6, 60)
    assert await listed(museum, source) == with_record(museum)
    assert (await now(museum, source)).listed_at


@pytest.mark.parametrize("page", [2, 3])
async def test_a_list_that_refuses_its_later_pages_ends_there_and_says_so(
    page: int, museum: Museum, clock: FakeClock
) -> None:
    source = await museum.add("artic")
    museum.collection.set_fault("no_more", paths=["/artic/*"], page=page)
    await rounds(museum, clock, 3, 3700)
    found = await now(museum, source)
    assert (found.cursor, found.last_error_code) == (None, "source_cut")
    assert found.listed_at is not None
    assert "403" in (found.last_error or "")
    assert await listed(museum, source) >= 90 * (page - 1)
    museum.collection.clear_fault()
    museum.collection.requests.reset()
    clock.advance(DAY_S)
    await rounds(museum, clock, 1, 0)
    asked = [request.path for request in museum.collection.requests.recent if "/artworks?page=" in request.path]
    assert "page=1&" in asked[0]
    assert (await now(museum, source)).last_error_code is None


async def test_a_first_page_that_is_refused_is_tried_at_growing_pauses(museum: Museum, clock: FakeClock) -> None:
    source = await museum.add("artic")
    museum.collection.set_fault("no_more", paths=["/artic/*"], page=1)
    pauses = []
    for _ in range(6):
        await rounds(museum, clock, 1, 0)
        found = await now(museum, source)
        pauses.append(found.next_list_at - clock())
        assert (found.last_error_code, found.listed_at) == ("source_refuses", None)
        clock.now = found.next_list_at
    assert pauses == [300, 600, 1200, 2400, 3600, 3600]
    assert museum.collection.requests.count("/artic/") == 6


async def test_a_page_that_is_cut_short_is_tried_again_and_then_left(museum: Museum, clock: FakeClock) -> None:
    source = await museum.add("rijksmuseum")
    await rounds(museum, clock, 0, 0)
    async with museum.collector() as work:
        await work._list(work._adapters["rijksmuseum"], await now(museum, source))
    museum.collection.set_fault("garbled", paths=["/rijks/*"])
    await rounds(museum, clock, 1, 3700)
    first = await now(museum, source)
    assert (first.list_failures, first.last_error_code) == (1, "source_flawed")
    assert await listed(museum, source) > 60  # a page, and what came of the second
    await rounds(museum, clock, 2, 3700)
    left = await now(museum, source)
    assert (left.cursor, left.listed_at, left.last_error_code) == (None, None, "source_cut")
    museum.collection.clear_fault()
    clock.advance(DAY_S)
    await rounds(museum, clock, 1, 0)
    assert await listed(museum, source) == with_record(museum)
    assert (await now(museum, source)).last_error_code is None


@pytest.mark.parametrize(("kind", "path"), [("artic", "/artic/*"), ("cleveland", "/cleveland/api/artworks/")])
async def test_a_page_that_stays_unreadable_is_left_out_and_told(
    kind: str, path: str, museum: Museum, clock: FakeClock
) -> None:
    source = await museum.add(kind)
    museum.collection.set_fault("garbled", paths=[path], times=3)
    await rounds(museum, clock, 2, 3700)
    assert (await now(museum, source)).last_error_code == "source_unreadable"
    await rounds(museum, clock, 1, 0)
    found = await now(museum, source)
    assert found.last_error_code == "source_flawed"
    assert found.listed_at is not None
    assert "of its list" in (found.last_error or "") or "its list from 0" in (found.last_error or "")
    if kind == "artic":  # of three pages
        assert 90 < await listed(museum, source) < 150


async def test_a_list_that_is_unreadable_throughout_is_not_walked_to_its_end(museum: Museum, clock: FakeClock) -> None:
    source = await museum.add("artic")
    museum.collection.set_fault("garbled", paths=["/artic/*"])
    await rounds(museum, clock, 8, 3700)
    found = await now(museum, source)
    assert (found.cursor, found.last_error_code, found.listed_at) == (None, "source_cut", None)
    assert museum.collection.requests.count("/artic/") == 6


async def test_a_list_without_anything_says_so(museum: Museum, clock: FakeClock) -> None:
    source = await museum.add("rijksmuseum", f"{museum.collection.rijks_url}?set=none")
    await rounds(museum, clock, 1, 0)
    found = await now(museum, source)
    assert (found.last_error_code, found.listed_at) == ("source_empty", clock())


async def test_a_museum_that_only_wants_a_pause_is_not_blamed_for_it(museum: Museum, clock: FakeClock) -> None:
    source = await museum.add("met")
    museum.collection.set_fault("challenge", paths=["/public/collection/v1/objects/*"])
    await rounds(museum, clock, 3, 20)
    assert museum.collection.troubles[0].hits == 1
    found = await now(museum, source)
    assert found.last_error_code == "source_waits"
    assert "firewall" in (found.last_error or "")
    await rounds(museum, clock, 3, 120)
    assert 2 <= museum.collection.troubles[0].hits <= 4
    museum.collection.clear_fault()
    clock.advance(3600)
    await rounds(museum, clock, 4, 3600)
    assert (await museum.store.read(artifacts.stats))["artifact_count"] > 100
