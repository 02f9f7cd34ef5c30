"""The Met: half a million ids in slices, objects, loans, and a firewall that must not be taken for an answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hived.clients.museums.met.client import MetAdapter
from hived.clients.museums.met.parse import MAX_ID, IdSet, NotAnObject, parse_ids, parse_object
from hived.errors import HivedError, Refused, Throttled, Transient, Unreadable
from hived.records.artifact import CC0, CollectedObject, Fetched, Licence, ObjectRef, Validators
from tests.clients.museums.museum import Answer, Museum, running_fetcher, running_museum, sample
from tests.clock import FakeClock

FULL = json.loads(sample("met_object_45734_full.json"))
API = "/public/collection/v1"
NONE = Validators()
PAGE = "https://www.metmuseum.org/art/collection/search/45734"


@pytest.fixture
async def museum() -> AsyncIterator[Museum]:
    async with running_museum() as museum:
        yield museum


@pytest.fixture
async def adapter(clock: FakeClock) -> AsyncIterator[MetAdapter]:
    async with running_fetcher(clock) as fetcher:
        yield MetAdapter(fetcher, clock)


def read(**changes: Any) -> CollectedObject:
    found = parse_object(json.dumps(FULL | changes).encode(), "45734", 5.0)
    assert isinstance(found, CollectedObject)
    return found


def test_the_whole_record_of_the_sample() -> None:
    assert parse_object(sample("met_object_45734_full.json"), "45734", 5.0) == CollectedObject(
        provider="met",
        object_id="45734",
        url=PAGE,
        title="Quail and Millet",
        licence=Licence(CC0, "isPublicDomain", 5.0, "work"),
        makers=("Kiyohara Yukinobu",),
        date_text="late 17th century",
        year_from=1667,
        year_to=1682,
        medium="Hanging scroll; ink and color on silk",
        dimensions="46 5/8 x 18 3/4 in. (118.4 x 47.6 cm)",
        culture="Japan; Edo period (1615–1868)",
        classification="Paintings",
        department="Asian Art",
        credit="The Howard Mansfield Collection, Purchase, Rogers Fund, 1936",
        accession_number="36.100.45",
        tags=("Birds",),
        image_url="https://images.metmuseum.org/CRDImages/as/web-large/DP251139.jpg",
    )


@pytest.mark.parametrize(
    "changes",
    [{"isPublicDomain": value} for value in (False, None, 1, "true", "True", [True])]
    + [{"rightsAndReproduction": "© 2020 Artists Rights Society"}, {"isPublicDomain": 0, "rightsAndReproduction": ""}],
)
def test_only_a_flag_that_is_exactly_true_clears(changes: dict[str, Any]) -> None:
    found = read(**changes)
    assert (found.licence, found.image_url) == (None, None)
    assert found.rights_text


def test_the_address_is_built_from_the_id_not_taken_from_the_record() -> None:
    assert read(objectURL="https://staging.example/art/1").url == PAGE


def test_missing_and_odd_fields_are_nothing() -> None:
    found = read(
        title="",
        objectName="<b>Bowl</b>",
        constituents=None,
        artistDisplayName="",
        tags=None,
        objectBeginDate="1667",
        objectEndDate=True,
        objectDate="late",
        medium=7,
        primaryImageSmall="javascript:x",
        primaryImage="http://10.0.0.1/x.jpg",
        city="Kyoto",
        country="Japan",
    )
    assert (found.title, found.makers, found.tags, found.year_from, found.year_to) == ("Bowl", (), (), None, None)
    assert (found.medium, found.image_url, found.place) == (None, None, "Kyoto, Japan")
    assert read(title="", objectName="").title == "Object 45734"
    assert read(objectBeginDate=1700, objectEndDate=1600).year_from is None
    undated = read(objectBeginDate=0, objectEndDate=0, objectDate="ca. 1650–60")
    assert (undated.year_from, undated.year_to, undated.date_text) == (1650, 1660, "ca. 1650–60")
    assert read(objectBeginDate=-500, objectEndDate=-400).year_from == -500


def test_another_object_than_the_one_asked_for_is_no_answer() -> None:
    with pytest.raises(Unreadable, match="another one"):
        parse_object(sample("met_object_45734_full.json"), "45735", 5.0)


def test_ids_are_kept_in_their_order_as_bits() -> None:
    ids = parse_ids(json.dumps({"total": 5, "objectIDs": [900_000, 7, 8, 7, -1, True, "9", MAX_ID + 1, None]}).encode())
    assert list(ids.after(-1)) == [7, 8, 900_000]
    assert list(ids.after(7)) == [8, 900_000]
    assert list(ids.after(900_000)) == []
    assert len(ids) == 3
    assert list(parse_ids(sample("met_search_empty.json")).after(-1)) == []
    assert list(parse_ids(sample("met_search.json")).after(-1)) == [1, 2, 3]
    for body in (b'{"total": 1}', b'{"objectIDs": {}}', b'{"objectIDs": ["a"]}', b"[]"):
        with pytest.raises(Unreadable):
            parse_ids(body)


@given(st.sets(st.integers(0, 3000)), st.integers(-1, 3100))
def test_a_set_of_ids_gives_back_what_was_put_in(given_ids: set[int], after: int) -> None:
    ids = IdSet()
    for one in given_ids:
        ids.add(one)
    assert list(ids.after(after)) == sorted(one for one in given_ids if one > after)


@settings(max_examples=80, deadline=None)
@given(
    st.binary(max_size=100)
    | st.tuples(st.integers(0, 2500), st.binary(max_size=5)).map(lambda cut: _damaged(*cut))
    | st.dictionaries(
        st.sampled_from(list(FULL)), st.none() | st.integers() | st.text() | st.lists(st.text() | st.none())
    ).map(lambda told: json.dumps(FULL | told).encode())
)
def test_no_bytes_get_past_the_parsers(body: bytes) -> None:
    for parse in (lambda: parse_object(body, "45734", 1.0), lambda: parse_ids(body)):
        try:
            parse()
        except Unreadable:
            continue


def _damaged(at: int, put: bytes) -> bytes:
    body = sample("met_object_45734_full.json")
    return body[:at] + put + body[at + len(put) :]


# -- talking ------------------------------------------------------------------------------------------------------


def listed(ids: object) -> Answer:
    return Answer(json.dumps({"total": 1, "objectIDs": ids}))


async def test_the_list_comes_in_slices_for_one_request_and_is_resumed_by_its_cursor(
    museum: Museum, adapter: MetAdapter, clock: FakeClock
) -> None:
    museum.answers[f"{API}/objects"] = listed(list(range(1300, 0, -1)))
    source = museum.source("met", API)
    first = await adapter.list(source, None, None)
    second = await adapter.list(source, first.cursor, None)
    assert [ref.object_id for ref in first.refs] == [str(i) for i in range(1, 501)]
    assert first.refs[0].url == f"{museum.url}{API}/objects/1"
    assert not second.complete
    assert len(museum.asked) == 1
    async with running_fetcher(clock) as fetcher:  # a restart: one more request, and on from there
        third = await MetAdapter(fetcher, clock).list(source, second.cursor, None)
    assert [ref.object_id for ref in third.refs] == [str(i) for i in range(1001, 1301)]
    assert (third.cursor, third.complete, len(museum.asked)) == (None, True, 2)
    assert len(first.cursor or "") < 100


async def test_only_what_changed_since_the_day_before_is_asked_for(museum: Museum, adapter: MetAdapter) -> None:
    museum.answers[f"{API}/objects"] = listed([5])
    listing = await adapter.list(museum.source("met", API), None, 1_800_000_000.0)
    assert museum.asked == [f"{API}/objects?metadataDate=2027-01-14"]
    assert [ref.object_id for ref in listing.refs] == ["5"]
    museum.answers[f"{API}/objects"] = listed(None)
    again = await adapter.list(museum.source("met", API), None, 1_800_000_000.0)
    assert (again.refs, again.complete) == ((), True)


async def test_a_cursor_of_another_day_or_none_at_all_begins_anew(museum: Museum, adapter: MetAdapter) -> None:
    museum.answers[f"{API}/objects"] = listed([1, 2, 3])
    source = museum.source("met", API)
    for cursor in ("", "x", "{}", '{"after":true}', '{"after":2,"day":"2026-01-01"}', '{"after":-9}'):
        assert len((await adapter.list(source, cursor, None)).refs) == 3
    assert len((await adapter.list(source, '{"after":2,"day":null}', None)).refs) == 1


async def fetch(adapter: MetAdapter, museum: Museum, answer: Answer, validators: Validators = NONE) -> Fetched:
    museum.answers[f"{API}/objects/45734"] = answer
    source = museum.source("met", API)
    return await adapter.fetch(source, ObjectRef("45734", f"{source.base_url}/objects/45734"), validators)


async def test_what_came_of_an_object(museum: Museum, adapter: MetAdapter, clock: FakeClock) -> None:
    found = await fetch(adapter, museum, Answer(sample("met_object_45734_full.json"), headers={"ETag": '"1"'}))
    assert found.object is not None
    assert found.object.licence == Licence(CC0, "isPublicDomain", clock(), "work")
    assert found.validators == Validators(etag='"1"')
    unchanged = await fetch(adapter, museum, Answer(status=304), Validators('"1"', "Mon, 01 Jan 2026 00:00:00 GMT"))
    assert unchanged.unchanged
    assert museum.headers[-1]["If-None-Match"] == '"1"'
    loan = sample("met_object_not_found.json")
    assert await fetch(adapter, museum, Answer(loan)) == Fetched(gone="not a valid object")
    assert await fetch(adapter, museum, Answer(loan, status=404)) == Fetched(gone="not a valid object")
    assert await fetch(adapter, museum, Answer("<h1>no</h1>", "text/html", 404)) == Fetched(gone="404")
    assert await fetch(adapter, museum, Answer(b'{"message":"ObjectID not found"}', status=404)) == Fetched(gone="404")


@pytest.mark.parametrize("status", [403, 200])
async def test_the_firewalls_page_means_wait_never_forbidden(status: int, museum: Museum, adapter: MetAdapter) -> None:
    wall = Answer(sample("met_waf_block_403.html"), "text/html", status)
    with pytest.raises(Throttled) as caught:
        await fetch(adapter, museum, wall)
    assert caught.value.retry_after_s == 60.0
    museum.answers[f"{API}/objects"] = wall
    with pytest.raises(Throttled):
        await adapter.list(museum.source("met", API), None, None)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(b'{"message":"Forbidden"}', status=403), Refused),
        (Answer(b"", status=500), Transient),
        (Answer(b"", status=429, headers={"Retry-After": "7"}), Throttled),
        (Answer(b'{"objectID":'), Unreadable),
        (Answer(b'{"message":"Something else"}'), Unreadable),
        (Answer(b"{}"), Unreadable),
        (Answer(status=302, headers={"Location": "http://127.0.0.2/x"}), Refused),
    ],
)
async def test_everything_else_is_an_error_of_its_kind(
    answer: Answer, error: type[HivedError], museum: Museum, adapter: MetAdapter
) -> None:
    with pytest.raises(error):
        await fetch(adapter, museum, answer)


def test_what_is_not_an_object_says_so() -> None:
    assert parse_object(sample("met_object_not_found.json"), "1", 1.0) == NotAnObject("not a valid object")
