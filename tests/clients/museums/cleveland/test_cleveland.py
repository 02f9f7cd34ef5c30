"""Cleveland: ids by skip and limit, and a decision that only the single record allows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from hived.clients.museums.cleveland.client import SLICE, ClevelandAdapter
from hived.clients.museums.cleveland.parse import parse_artwork, parse_list
from hived.errors import Refused, Unreadable
from hived.records.artifact import CC0, CollectedObject, Fetched, Licence, ObjectRef, Validators
from tests.clients.museums.museum import Answer, Museum, running_fetcher, running_museum, sample
from tests.clock import FakeClock

RECORD: dict[str, Any] = json.loads(sample("cma_artworks_page.json"))["data"][0]


@pytest.fixture
async def museum() -> AsyncIterator[Museum]:
    async with running_museum() as museum:
        yield museum


@pytest.fixture
async def adapter(clock: FakeClock) -> AsyncIterator[ClevelandAdapter]:
    async with running_fetcher(clock) as fetcher:
        yield ClevelandAdapter(fetcher, clock)


def one(**changes: Any) -> CollectedObject:
    return parse_artwork(json.dumps({"data": RECORD | changes}).encode(), "96887", 4.0)


def test_the_whole_record_of_the_sample() -> None:
    assert one(creators=[{"description": "Jan Maker (Dutch, 1600–1660)"}]) == CollectedObject(
        provider="cleveland",
        object_id="96887",
        url="https://clevelandart.org/art/1916.586.a",
        title="Scent Bottle",
        licence=Licence(CC0, "share_license_status", 4.0, "work"),
        makers=("Jan Maker",),
        date_text="1700s",
        year_from=1700,
        year_to=1799,
        medium="glass with enamel decoration",
        dimensions="Overall: 10.2 cm (4 in.)",
        culture="Germany, 18th century",
        classification="Miscellaneous",
        department="Decorative Art and Design",
        credit="Gift of Mr. and Mrs. J. H. Wade",
        accession_number="1916.586.a",
        tags=("Decorative Arts", "Miscellaneous"),
        image_url="https://openaccess-cdn.clevelandart.org/1916.586.a/1916.586.a_web.jpg",
    )


@pytest.mark.parametrize("status", ["Copyrighted", "cc0", "CC0 ", "CC-BY", "", None, True, 0, ["CC0"]])
def test_only_exactly_cc0_clears(status: object) -> None:
    found = one(share_license_status=status)
    assert (found.licence, found.image_url) == (None, None)


def test_a_copyright_line_beside_cc0_is_the_stricter_one() -> None:
    assert one(copyright="© the artist").licence is None


@pytest.mark.parametrize(
    "images", [None, {}, {"full": {"url": "https://x.example/a.tif"}}, {"web": {"url": "file:///x"}}, {"web": 3}]
)
def test_the_huge_picture_is_never_the_one_named(images: object) -> None:
    assert one(images=images).image_url is None


def test_an_odd_accession_number_makes_no_address() -> None:
    assert one(accession_number="../../x").url == "https://clevelandart.org/art/96887"


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=80)
    | st.dictionaries(
        st.sampled_from(list(RECORD)),
        st.none() | st.integers() | st.text() | st.lists(st.text() | st.dictionaries(st.text(), st.text())),
    ).map(lambda told: json.dumps({"data": RECORD | told}).encode())
)
def test_no_bytes_get_past_the_parsers(body: bytes) -> None:
    for parse in (lambda: parse_list(body), lambda: parse_artwork(body, "96887", 1.0)):
        try:
            parse()
        except Unreadable:
            continue


def listing(count: int) -> Any:
    def answer(request: web.BaseRequest) -> Answer:
        skip, limit = int(request.query["skip"]), int(request.query["limit"])
        data = [{"id": i, "share_license_status": None} for i in range(skip, min(skip + limit, count))]
        return Answer(json.dumps({"info": {"total": count}, "data": data}))

    return answer


async def test_the_list_is_walked_by_skip_and_ends_at_the_total(museum: Museum, adapter: ClevelandAdapter) -> None:
    museum.answers["/api/artworks/"] = listing(2 * SLICE + 3)
    source, cursor, found = museum.source("cleveland", "/api"), None, 0
    for step in range(3):
        told = await adapter.list(source, cursor, None)
        found, cursor = found + len(told.refs), told.cursor
        assert told.complete is (step == 2)
    assert found == 2 * SLICE + 3
    assert "cc0=1&has_image=1" in museum.asked[0]
    assert told.refs[-1] == ObjectRef(str(2 * SLICE + 2), f"{museum.url}/api/artworks/{2 * SLICE + 2}")


async def test_the_sample_past_the_end_ends_the_list(museum: Museum, adapter: ClevelandAdapter) -> None:
    museum.answers["/api/artworks/"] = Answer(sample("cma_artworks_empty.json"))
    told = await adapter.list(museum.source("cleveland", "/api"), '{"skip":33000,"day":null}', None)
    assert (told.refs, told.complete) == ((), True)
    assert "skip=33000" in museum.asked[0]


async def test_a_cursor_of_another_listing_begins_anew(museum: Museum, adapter: ClevelandAdapter) -> None:
    museum.answers["/api/artworks/"] = listing(3)
    for cursor in ('{"skip":2,"day":"2020-01-01"}', '{"skip":-1}', '{"skip":"2"}', "x", ""):
        assert len((await adapter.list(museum.source("cleveland", "/api"), cursor, None)).refs) == 3
    assert len((await adapter.list(museum.source("cleveland", "/api"), '{"skip":2,"day":null}', None)).refs) == 1


async def test_changes_are_asked_for_and_a_server_that_cannot_is_asked_for_all(
    museum: Museum, adapter: ClevelandAdapter
) -> None:
    plain = listing(3)

    def strict(request: web.BaseRequest) -> Answer:
        return Answer(b"{}", status=422) if "updated_after" in request.query else plain(request)

    source = museum.source("cleveland", "/api")
    museum.answers["/api/artworks/"] = plain
    await adapter.list(source, None, 1_800_000_000.0)
    assert "updated_after=2027-01-14" in museum.asked[0]
    museum.answers["/api/artworks/"] = strict
    assert len((await adapter.list(source, None, 1_800_000_000.0)).refs) == 3
    museum.answers["/api/artworks/"] = Answer(b"{}", status=401)
    with pytest.raises(Refused):
        await adapter.list(source, None, 1_800_000_000.0)


async def test_what_came_of_an_object(museum: Museum, adapter: ClevelandAdapter) -> None:
    source = museum.source("cleveland", "/api")
    ref = ObjectRef("96887", f"{source.base_url}/artworks/96887")
    assert await adapter.fetch(source, ref, Validators()) == Fetched(gone="404")
    museum.answers["/api/artworks/96887"] = Answer(
        json.dumps({"data": RECORD}), headers={"Last-Modified": "Tue, 06 Jan 2026 00:00:00 GMT"}
    )
    fetched = await adapter.fetch(source, ref, Validators())
    assert fetched.object is not None
    assert fetched.object.licence is not None
    museum.answers["/api/artworks/96887"] = Answer(status=304)
    assert (await adapter.fetch(source, ref, fetched.validators)).unchanged
    assert museum.headers[-1]["If-Modified-Since"] == "Tue, 06 Jan 2026 00:00:00 GMT"
