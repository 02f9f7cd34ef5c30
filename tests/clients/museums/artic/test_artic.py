"""The Art Institute of Chicago: pages of whole records, rights to be asked for, a description that is not CC0."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hived.clients.museums.artic.client import ArticAdapter
from hived.clients.museums.artic.parse import FIELDS, parse_artwork, parse_page
from hived.errors import Unreadable
from hived.records.artifact import CC0, CollectedObject, Fetched, Licence, ObjectRef, Validators
from tests.clients.museums.museum import Answer, Museum, running_fetcher, running_museum, sample
from tests.clock import FakeClock

LIST = json.loads(sample("aic_artworks_list.json"))
RECORD: dict[str, Any] = LIST["data"][0]
OPEN = RECORD | {"is_public_domain": True, "description": "<p>A text that is CC BY.</p>"}


@pytest.fixture
async def museum() -> AsyncIterator[Museum]:
    async with running_museum() as museum:
        yield museum


@pytest.fixture
async def adapter(clock: FakeClock) -> AsyncIterator[ArticAdapter]:
    async with running_fetcher(clock) as fetcher:
        yield ArticAdapter(fetcher, clock)


def one(record: dict[str, Any]) -> CollectedObject:
    return parse_artwork(json.dumps(LIST | {"data": record}).encode(), "74340", 4.0)


def test_the_whole_record_of_an_open_work() -> None:
    assert one(OPEN) == CollectedObject(
        provider="artic",
        object_id="74340",
        url="https://www.artic.edu/artworks/74340",
        title="Girafters (Furnishing Fabric)",
        licence=Licence(CC0, "is_public_domain", 4.0, "work"),
        makers=("Ben Rose", "Ben Rose, Inc."),
        date_text="1965 (produced and reprinted 1988)",
        year_from=1965,
        year_to=1965,
        medium="Modacrylic and rayon, plain weave; screen printed",
        dimensions="277 × 125.9 cm (109 × 49 1/2 in.); Warp repeat: H.: 76.1 cm (30 in.)",
        place="United States",
        classification="textile",
        department="Textiles",
        credit="Gift of Mr. and Mrs. Ben Rose",
        accession_number="1989.225.6",
        tags=("Chicago", "textile", "weaving - printed", "furnishing textile"),
        image_url="https://www.artic.edu/iiif/2/90f02bfd-bbca-8477-b10e-df4a6ffb2f79/full/843,/0/default.jpg",
    )


@pytest.mark.parametrize(
    "changes",
    [{"is_public_domain": value} for value in (False, None, 1, "true")]
    + [{"copyright_notice": "© 2026 Estate"}, {"is_public_domain": None}],
)
def test_a_work_that_is_not_plainly_free_is_refused(changes: dict[str, Any]) -> None:
    found = one(OPEN | changes)
    assert (found.licence, found.image_url) == (None, None)


@pytest.mark.parametrize("missing", ["is_public_domain", "copyright_notice"])
def test_a_record_without_one_of_the_rights_fields_is_unknown(missing: str) -> None:
    found = one({name: value for name, value in OPEN.items() if name != missing})
    assert (found.licence, found.rights_text) == (None, "no licence is stated")


def test_a_page_asked_for_without_the_rights_fields_clears_nothing() -> None:
    page = parse_page(sample("aic_artworks_page.json"), 4.0)
    assert len(page.objects) == 20
    assert not page.is_last
    assert {found.licence for found in page.objects} == {None}


def test_both_rights_fields_are_asked_for_and_the_description_is_not() -> None:
    assert {"is_public_domain", "copyright_notice"} <= set(FIELDS)
    assert "description" not in FIELDS
    assert "CC BY" not in repr(one(OPEN))


@pytest.mark.parametrize("image_id", [None, "../../x", "a b", "x?y", 7])
def test_a_picture_id_that_is_none_makes_no_address(image_id: object) -> None:
    assert one(OPEN | {"image_id": image_id}).image_url is None


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=80)
    | st.dictionaries(
        st.sampled_from([*FIELDS, "data", "config"]),
        st.none() | st.integers() | st.text() | st.lists(st.text()) | st.floats(),
    ).map(lambda told: json.dumps({**LIST, "data": OPEN | told, **told}).encode())
)
def test_no_bytes_get_past_the_parsers(body: bytes) -> None:
    for parse in (lambda: parse_page(body, 1.0), lambda: parse_artwork(body, "74340", 1.0)):
        try:
            parse()
        except Unreadable:
            continue


def pages(total: int) -> dict[int, Answer]:
    return {
        number: Answer(
            json.dumps(
                LIST
                | {
                    "data": [
                        OPEN
                        | {
                            "id": number * 10 + i,
                            "source_updated_at": f"2026-0{number}-01T00:00:00Z",
                            "updated_at": None,
                        }
                        for i in range(2)
                    ]
                }
                | {"pagination": {"current_page": number, "total_pages": total}}
            )
        )
        for number in range(1, total + 1)
    }


async def test_pages_bring_whole_objects_that_need_no_further_request(museum: Museum, adapter: ArticAdapter) -> None:
    answers = pages(3)
    museum.answers["/api/v1/artworks"] = lambda request: answers[int(request.query["page"])]
    source = museum.source("artic", "/api/v1")
    found, cursor = [], None
    for _ in range(3):
        listing = await adapter.list(source, cursor, None)
        found += list(listing.refs)
        cursor = listing.cursor
    assert listing.complete
    assert [ref.object_id for ref in found] == ["10", "11", "20", "21", "30", "31"]
    assert len(museum.asked) == 3
    assert f"fields={','.join(FIELDS)}" in museum.asked[0].replace("%2C", ",")
    assert museum.headers[0]["AIC-User-Agent"] == "hive-minerd/1 (+https://example.org/about)"
    fetched = await adapter.fetch(source, found[0], Validators())
    assert fetched.object is not None
    assert fetched.object.object_id == "10"
    assert len(museum.asked) == 3
    museum.answers["/api/v1/artworks/10"] = Answer(
        json.dumps(LIST | {"data": OPEN | {"id": 10}}), headers={"ETag": '"2"'}
    )
    again = await adapter.fetch(source, found[0], Validators())
    assert again.validators == Validators(etag='"2"')
    assert len(museum.asked) == 4


async def test_only_what_changed_since_is_named(museum: Museum, adapter: ArticAdapter) -> None:
    museum.answers["/api/v1/artworks"] = pages(1)[1]
    source = museum.source("artic", "/api/v1")
    january = 1_767_225_600.0  # 2026-01-01
    assert len((await adapter.list(source, None, january + 3600)).refs) == 2
    late = await adapter.list(source, None, january + 3 * 86400)
    assert (late.refs, late.complete) == ((), True)


async def test_what_came_of_an_object(museum: Museum, adapter: ArticAdapter) -> None:
    source = museum.source("artic", "/api/v1")
    ref = ObjectRef("74340", f"{source.base_url}/artworks/74340")
    assert await adapter.fetch(source, ref, Validators()) == Fetched(gone="404")
    museum.answers["/api/v1/artworks/74340"] = Answer(status=304)
    assert (await adapter.fetch(source, ref, Validators(etag='"1"'))).unchanged
    museum.answers["/api/v1/artworks/74340"] = Answer(json.dumps(LIST | {"data": OPEN | {"id": 5}}))
    with pytest.raises(Unreadable, match="not about"):
        await adapter.fetch(source, ref, Validators())


async def test_what_waited_too_long_on_the_shelf_is_asked_for_anew(
    museum: Museum, adapter: ArticAdapter, clock: FakeClock
) -> None:
    museum.answers["/api/v1/artworks"] = pages(1)[1]
    source = museum.source("artic", "/api/v1")
    listing = await adapter.list(source, None, None)
    clock.advance(7 * 3600)
    assert await adapter.fetch(source, listing.refs[0], Validators()) == Fetched(gone="404")
