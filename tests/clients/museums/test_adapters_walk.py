"""Every adapter walks the simulated museum to the end: each object once, each decided as the museum means it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hived.clients.museums.adapters import ADAPTERS
from hived.records.artifact import CC0, PDM, CollectedObject, Fetched, ObjectRef, Source, Validators
from hived.records.sources import check_base_url
from hived.simulator.collection.museum import Collection
from hived.simulator.collection.objects import Work
from hived.simulator.collection.pages import stated_licence
from tests.clients.museums.museum import running_fetcher
from tests.clock import FakeClock

OBJECTS = 150


@pytest.fixture
async def museum(clock: FakeClock) -> AsyncIterator[Collection]:
    async with Collection(OBJECTS, clock=clock, crawl_delay_s=None) as museum:
        yield museum


def plain(work: Work) -> str | None:
    """A museum with one flag for "free": it means CC0."""
    return CC0 if work.open else None


def by_uri(work: Work) -> str | None:
    return {"cc0": CC0, "pdm": PDM}.get(work.rights)


def on_commons(work: Work) -> str | None:
    return None if work.id % 23 == 0 else by_uri(work)  # those are trademarked


def facts_of(kind: str, found: CollectedObject) -> dict[str, object]:
    """The facts that every museum tells in some form; on Commons only the date is one."""
    told: dict[str, object] = {"date": found.date_text, "is the time": found.year_from is not None}
    if kind == "commons":
        return told
    told |= {
        "number": found.accession_number,
        "medium": (found.medium or "").lower(),
        "has a size": found.dimensions is not None,
    }
    return told | {"makers": tuple(name.removesuffix(" (designer)") for name in found.makers), "place": found.place}


def facts_meant(kind: str, work: Work, found: CollectedObject) -> dict[str, object]:
    first, last = found.year_from or work.begin, found.year_to or work.end
    told: dict[str, object] = {"date": work.date_text, "is the time": first <= work.end and work.begin <= last}
    if kind == "commons":
        return told
    nobody = (work.culture.name,) if kind in ("rijksmuseum", "artic") else ()
    told |= {"number": work.accession, "medium": work.medium.lower(), "has a size": True}
    places = {"web": f"{work.place}, {work.culture.country}", "rijksmuseum": work.place}
    return told | {"makers": (work.maker.name,) if work.maker else nobody, "place": places.get(kind, found.place)}


PATHS = {
    "met": ("/public/collection/v1", plain),
    "artic": ("/artic/api/v1", plain),
    "cleveland": ("/cleveland/api", plain),
    "rijksmuseum": ("/rijks/oai", by_uri),
    "commons": ("/commons/w/api.php", on_commons),
    "web": ("/sitemap.xml", stated_licence),
}


@pytest.mark.parametrize("kind", PATHS)
async def test_a_walk_to_the_end_names_each_object_once_and_decides_it_right(
    kind: str, museum: Collection, clock: FakeClock
) -> None:
    path, meant = PATHS[kind]
    base_url = check_base_url(kind, museum.url + path)
    source = Source(id=1, name="a museum", base_url=base_url, kind=kind, created_at=0.0)
    async with running_fetcher(clock) as fetcher:
        adapter = ADAPTERS[kind](fetcher)
        refs: list[ObjectRef] = []
        cursor: str | None = None
        for _ in range(40):
            listing = await adapter.list(source, cursor, None)
            refs += listing.refs
            cursor = listing.cursor
            if listing.complete:
                break
        assert cursor is None
        assert len({ref.object_id for ref in refs}) == len(refs) > OBJECTS / 3
        outcomes: dict[int, Fetched] = {}
        for ref in refs:
            outcomes[_number(ref)] = await adapter.fetch(source, ref, Validators())
    wrong = []
    for number, outcome in outcomes.items():
        if outcome.object is None:
            assert outcome.gone is not None
            assert not museum.catalogue.has_record(number)
            continue
        found = outcome.object
        work = museum.catalogue.work(number)
        uri = found.licence.uri if found.licence else None
        if uri != meant(work) or found.title != work.title or (uri and not found.image_url):
            wrong.append((number, work.rights, uri, found.title, work.title, found.image_url, found.rights_text))
        assert facts_of(kind, found) == facts_meant(kind, work, found)
    assert not wrong
    assert {outcome.object.licence is None for outcome in outcomes.values() if outcome.object} == (
        {True, False} if kind != "cleveland" else {False}
    )


@pytest.mark.parametrize("kind", [kind for kind in PATHS if kind != "web"])
async def test_what_did_not_change_since_is_not_named_again(kind: str, museum: Collection, clock: FakeClock) -> None:
    path, _ = PATHS[kind]
    source = Source(id=1, name="a museum", base_url=museum.url + path, kind=kind, created_at=0.0)
    async with running_fetcher(clock) as fetcher:
        listing = await ADAPTERS[kind](fetcher).list(source, None, clock() - 86_400)
    assert len(listing.refs) < OBJECTS / 3


def _number(ref: ObjectRef) -> int:
    return int(ref.object_id.rpartition("/")[2])


def test_there_is_a_walk_for_each_kind() -> None:
    assert tuple(PATHS) == tuple(ADAPTERS)
