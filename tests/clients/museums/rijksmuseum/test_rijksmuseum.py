"""The Rijksmuseum's OAI-PMH: whole records in lists, rights in several places, tokens that expire, deleted records."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from hived.clients.museums.rijksmuseum import parse
from hived.clients.museums.rijksmuseum.client import DELETED, RijksmuseumAdapter
from hived.clients.museums.rijksmuseum.parse import Record, parse_answer
from hived.errors import Refused, Unreadable
from hived.records.artifact import (
    CC0,
    PDM,
    CollectedObject,
    Fetched,
    Licence,
    Listing,
    ObjectRef,
    Source,
    Validators,
)  # fmt: skip
from hived.simulator.collection import rijks
from hived.simulator.collection.museum import Collection
from tests.clients.museums.museum import Answer, Museum, running_fetcher, running_museum, sample
from tests.clock import FakeClock

BASE = "https://data.rijksmuseum.nl/oai"
SAMPLE = sample("rijks_oai_edm_record.xml").decode()
ID = "https://id.rijksmuseum.nl/200107928"
XML = "text/xml"
RIGHTS = '<edm:rights rdf:resource="http://creativecommons.org/publicdomain/mark/1.0/"/>'


@pytest.fixture
async def museum() -> AsyncIterator[Museum]:
    async with running_museum() as museum:
        yield museum


@pytest.fixture
async def adapter(clock: FakeClock) -> AsyncIterator[RijksmuseumAdapter]:
    async with running_fetcher(clock) as fetcher:
        yield RijksmuseumAdapter(fetcher, clock)


def oai(inside: str) -> str:
    return f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>x</responseDate>{inside}</OAI-PMH>'


def error(code: str) -> Answer:
    return Answer(oai(f'<error code="{code}">no</error>'), XML)


def deleted(identifier: str) -> str:
    return f'<record><header status="deleted"><identifier>{identifier}</identifier></header></record>'


def one(xml: str) -> CollectedObject:
    (record,) = parse_answer(xml.encode(), BASE, 4.0).records
    assert record.object is not None
    return record.object


def test_the_whole_record_of_the_sample() -> None:
    answer = parse_answer(SAMPLE.encode(), BASE, 4.0)
    assert (answer.token, answer.error) == ("bWV0YWRhdGE=", None)
    assert answer.records == [
        Record(
            ID,
            CollectedObject(
                provider="rijksmuseum",
                object_id=ID,
                url=ID,
                title="The Night Watch",
                licence=Licence(PDM, "edm:rights", 4.0, "image"),
                makers=("Rembrandt van Rijn",),
                date_text="1642",
                year_from=1642,
                year_to=1642,
                dimensions="height 379.5 cm x width 453.5 cm",
                accession_number="SK-C-5",
                image_url="https://iiif.micr.io/PJEZO/full/max/0/default.jpg",
            ),
        )
    ]


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        ("", None),
        ('<edm:rights rdf:resource="http://creativecommons.org/publicdomain/zero/1.0/"/>', CC0),
        ("<edm:rights>https://creativecommons.org/publicdomain/mark/1.0/</edm:rights>", PDM),
        ('<edm:rights rdf:resource="http://rightsstatements.org/vocab/InC/1.0/"/>', None),
        ('<edm:rights rdf:resource="https://creativecommons.org/licenses/by/4.0/"/>', None),
        ("<edm:rights>Public domain</edm:rights>", None),
        (RIGHTS + '<edm:rights rdf:resource="https://creativecommons.org/licenses/by/4.0/"/>', None),
        ("<dc:rights>https://creativecommons.org/publicdomain/zero/1.0/</dc:rights>", CC0),
        (RIGHTS + "<dc:rights>© Photo agency</dc:rights>", None),
    ],
)
def test_the_rights_of_the_aggregation_decide(rights: str, expected: str | None) -> None:
    found = one(SAMPLE.replace(RIGHTS, rights))
    assert (found.licence.uri if found.licence else None) == expected
    assert (found.image_url is None) is (expected is None)


def test_a_picture_with_rights_of_its_own_is_not_cleared_by_the_aggregation() -> None:
    picture = '<edm:WebResource rdf:about="https://iiif.micr.io/PJEZO/full/max/0/default.jpg">'
    own = picture + '<edm:rights rdf:resource="https://creativecommons.org/licenses/by-nc/4.0/"/></edm:WebResource>'
    assert one(SAMPLE.replace(picture[:-1] + "/>", own)).licence is None


def test_rights_of_the_work_in_copyright_hinder_and_those_of_the_record_do_not_clear() -> None:
    in_work = SAMPLE.replace("<dc:identifier>", "<dc:rights>© The artist</dc:rights><dc:identifier>")
    assert one(in_work).licence is None
    about = "<about><rights>https://creativecommons.org/publicdomain/zero/1.0/</rights></about></record>"
    assert one(SAMPLE.replace(RIGHTS, "").replace("</record>", about)).licence is None


@pytest.mark.parametrize(
    ("base", "identifier", "shown_at", "page"),
    [
        (BASE, "https://id.rijksmuseum.nl/1", None, "https://id.rijksmuseum.nl/1"),
        (BASE, "https://data.rijksmuseum.nl/1", None, "https://data.rijksmuseum.nl/1"),
        (BASE, "https://evil.example/1", None, None),
        (BASE, "https://id.rijksmuseum.nl.evil.example/1", None, None),
        (BASE, "https://id.rijksmuseum.nl@evil.example/1", None, None),
        (BASE, "javascript:alert(1)", None, None),
        ("https://oai.museum.example/p", "oai:museum.example:1", None, None),
        ("https://oai.museum.example/p", "oai:museum.example:1", "https://museum.example/o/1", "https://museum.example/o/1"),
        ("https://www.museum.example/p", "oai:x:1", "https://shop.museum.example/1", "https://shop.museum.example/1"),
        ("https://museum.example/oai", "urn:nbn:de:1-2", "https://museum.example/1", "https://museum.example/1"),
        ("https://museum.example/oai", "1889.12", "https://rijksmuseum.example/1", None),
        ("https://oai.example/p", "oai:x:1", "https://evil.example/1", None),
        ("https://museum.co.example/oai", "oai:x:1", "https://other.co.example/1", None),
    ],
)  # fmt: skip
def test_a_record_is_taken_whatever_its_id_and_known_by_a_page_of_its_museum(
    base: str, identifier: str, shown_at: str | None, page: str | None
) -> None:
    body = SAMPLE.replace(f"<identifier>{ID}<", f"<identifier>{identifier}<").replace(f'rdf:about="{ID}"', "")
    if shown_at:
        body = body.replace("<edm:rights", f'<edm:isShownAt rdf:resource="{shown_at}"/><edm:rights', 1)
    (record,) = parse_answer(body.encode(), base, 4.0).records
    assert record.object is not None
    assert record.identifier == record.object.object_id == identifier
    assert record.object.url == (page or parse.record_url(base, identifier))
    assert record.object.title == "The Night Watch"


@pytest.mark.parametrize("identifier", ["", "x" * 401, "\x07"])
def test_a_record_without_an_id_is_none(identifier: str) -> None:
    assert (
        parse_answer(SAMPLE.replace(f"<identifier>{ID}<", f"<identifier>{identifier}<").encode(), BASE, 4.0).records
        == []
    )


def test_the_titles_language_is_english_if_there_is_one() -> None:
    assert one(SAMPLE.replace('<dc:title xml:lang="en">The Night Watch</dc:title>', "")).title == "De Nachtwacht"
    assert one(SAMPLE.replace("<dc:title", "<dc:other").replace("</dc:title", "</dc:other")).title == "Object 200107928"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html/>",
        b"{}",
        b'<!DOCTYPE a [<!ENTITY x "y">]>' + SAMPLE.partition("?>")[2].encode(),
    ],
    ids=["empty", "html", "json", "entity"],
)
def test_what_is_no_answer_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_answer(body, BASE, 1.0)


def three(second: str, behind: str = "") -> bytes:
    """A page of three records, the second spoilt, with a token."""
    good = deleted(f"{ID}1") + second + deleted(f"{ID}3")
    return (oai(f"<ListRecords>{good}<resumptionToken>p2</resumptionToken></ListRecords>") + behind).encode()


SECOND = SAMPLE[SAMPLE.index("<record>") : SAMPLE.index("</record>") + len("</record>")]


@pytest.mark.parametrize(
    ("put", "title"),
    [
        ("\x03", "The Night Watch"), ("&#x1a;", "The Night Watch"), ("&#xFFFE;", "The Night Watch"),
        (" &", "The Night & Watch"), (" &eacute;", "The Night é Watch"), (" &nosuch;", "The Night &nosuch; Watch"),
        (" <![CDATA[& <b>]]>", "The Night & <b> Watch"), (' <?xml version="1.0"?>', "The Night Watch"),
        ("<!-- & -->", "The Night Watch"),
    ],
)  # fmt: skip
def test_a_character_that_xml_forbids_costs_nothing(put: str, title: str) -> None:
    answer = parse_answer(three(SECOND.replace("The Night", f"The Night{put}")), BASE, 4.0)
    assert (answer.token, answer.flaw, len(answer.records)) == ("p2", None, 3)
    assert answer.records[1].object is not None
    assert answer.records[1].object.title in (title, title.replace("<b> ", ""))


def test_one_byte_of_another_charset_costs_nothing() -> None:
    answer = parse_answer(three(SECOND.replace("The Night", "NACHT")).replace(b"NACHT", b"Mus\xe9e"), BASE, 4.0)
    assert answer.flaw is None
    assert answer.records[1].object is not None
    assert answer.records[1].object.title == "Musée Watch"


@pytest.mark.parametrize("behind", ["<br/><b>Notice</b>", "\nNotice: undefined", "<?php", "</OAI-PMH>", "&", "\x00"])
def test_what_stands_behind_the_answer_is_not_read(behind: str) -> None:
    answer = parse_answer(b"\n \n" + three(SECOND, behind), BASE, 4.0)
    assert (answer.token, answer.flaw, len(answer.records)) == ("p2", None, 3)


@pytest.mark.parametrize(
    "second",
    [
        SECOND.replace("</record>", ""), SECOND.replace("</dc:title>", "</i>", 1),
        SECOND.replace("<header>", "<header"),
        "<record>" + "<a>" * 100 + "</a>" * 100 + "</record>", "<record>" + "<a/>" * 4000 + "</record>", "<record></x>",
    ],
    ids=["no end", "other end", "half a tag", "deep", "wide", "wrong end"],
)  # fmt: skip
def test_a_record_that_is_broken_costs_itself(second: str) -> None:
    answer = parse_answer(three(second), BASE, 4.0)
    assert [record.identifier for record in answer.records] == [f"{ID}1", f"{ID}3"]
    assert (answer.token, answer.is_whole) == ("p2", True)
    assert answer.flaw is not None
    assert "1 of 4 entries" in answer.flaw


@pytest.mark.parametrize("left", [200, 100, 60])
def test_what_came_before_the_cut_is_kept_and_the_end_is_missed(left: int) -> None:
    answer = parse_answer(three(deleted(f"{ID}2"))[:-left], BASE, 4.0)
    assert answer.records
    assert (answer.token, answer.is_whole) == (None, False)
    assert answer.flaw


def test_there_are_no_more_records_in_an_answer_than_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "MAX_RECORDS", 3)
    answer = parse_answer(oai("".join(deleted(f"{ID}{i}") for i in range(5))).encode(), BASE, 1.0)
    assert len(answer.records) == 3
    assert answer.flaw


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=100)
    | st.tuples(
        st.integers(0, 2600),
        st.integers(0, 30),
        st.sampled_from([b"", b"<", b"/>", b"\xff", b"&x;", b'"', b"</record>", b"<record>"]),
    ).map(lambda cut: SAMPLE.encode()[: cut[0]] + cut[2] + SAMPLE.encode()[cut[0] + cut[1] :])
)
def test_no_bytes_get_past_the_parser(body: bytes) -> None:
    try:
        parse_answer(body, BASE, 1.0)
    except Unreadable:
        return


# -- talking ------------------------------------------------------------------------------------------------------


def at_museum(museum: Museum, xml: str = SAMPLE) -> str:
    return xml.replace("https://id.rijksmuseum.nl", f"{museum.url}/id")


async def test_a_list_brings_whole_records_and_goes_on_by_its_token(
    museum: Museum, adapter: RijksmuseumAdapter
) -> None:
    last = at_museum(museum).replace("200107928", "2").replace(">bWV0YWRhdGE=<", "><")

    def answer(request: web.BaseRequest) -> Answer:
        return Answer(last if "resumptionToken" in request.query else at_museum(museum), XML)

    museum.answers["/oai"] = answer
    source = museum.source("rijksmuseum", "/oai?set=261208")
    first = await adapter.list(source, None, None)
    second = await adapter.list(source, first.cursor, None)
    assert [ref.object_id for ref in first.refs + second.refs] == [f"{museum.url}/id/200107928", f"{museum.url}/id/2"]
    assert (first.complete, second.complete) == (False, True)
    assert museum.asked == [
        "/oai?verb=ListRecords&metadataPrefix=edm&set=261208",
        "/oai?verb=ListRecords&resumptionToken=bWV0YWRhdGE%3D",
    ]
    fetched = await adapter.fetch(source, first.refs[0], Validators())
    assert fetched.object is not None
    assert fetched.object.title == "The Night Watch"
    assert len(museum.asked) == 2
    museum.answers["/oai"] = Answer(at_museum(museum), XML)
    again = await adapter.fetch(source, first.refs[0], Validators())
    assert again == fetched
    assert "verb=GetRecord" in museum.asked[-1]


async def test_changes_come_with_deleted_records_and_a_first_list_without(
    museum: Museum, adapter: RijksmuseumAdapter
) -> None:
    museum.answers["/oai"] = Answer(oai(f"<ListRecords>{deleted(museum.url + '/id/5')}</ListRecords>"), XML)
    source = museum.source("rijksmuseum", "/oai")
    assert (await adapter.list(source, None, None)).refs == ()
    listing = await adapter.list(source, None, 1_800_000_000.0)
    assert "from=2027-01-14" in museum.asked[-1]
    assert [ref.object_id for ref in listing.refs] == [f"{museum.url}/id/5"]
    assert await adapter.fetch(source, listing.refs[0], Validators()) == Fetched(gone=DELETED)


async def test_nothing_new_is_a_complete_list(museum: Museum, adapter: RijksmuseumAdapter) -> None:
    museum.answers["/oai"] = error("noRecordsMatch")
    listing = await adapter.list(museum.source("rijksmuseum", "/oai"), None, 1_800_000_000.0)
    assert (listing.refs, listing.complete) == ((), True)


async def walk(museum: Collection, clock: FakeClock, expires_every: int) -> tuple[set[str], list[Listing]]:
    """List to the end, with tokens that are lost at every so many steps; return the ids and the steps."""
    source = Source(id=1, name="a museum", base_url=museum.rijks_url, kind="rijksmuseum", created_at=0.0)
    found: set[str] = set()
    steps: list[Listing] = []
    cursor: str | None = None
    async with running_fetcher(clock) as fetcher:
        while len(steps) < 400 and not (steps and steps[-1].complete):
            museum.clear_fault()
            if len(steps) % expires_every == expires_every - 1:
                museum.set_fault("expired_tokens")
            steps.append(await RijksmuseumAdapter(fetcher, clock).list(source, cursor, None))
            found |= {ref.object_id for ref in steps[-1].refs}
            cursor = steps[-1].cursor
    return found, steps


@pytest.mark.parametrize("expires_every", [1, 2, 3, 5])
async def test_a_list_that_takes_longer_than_its_tokens_live_ends_all_the_same(
    expires_every: int, clock: FakeClock
) -> None:
    async with Collection(600, clock=clock, crawl_delay_s=None) as museum:
        found, steps = await walk(museum, clock, expires_every)
        records = {rijks.identifier(museum.catalogue, one) for one in museum.ids if museum.catalogue.has_record(one)}
    assert steps[-1].complete
    assert found == records
    assert len(steps) < 120


async def test_a_day_that_is_never_given_whole_is_left_after_a_few_times_and_told(
    museum: Museum, adapter: RijksmuseumAdapter, clock: FakeClock
) -> None:
    museum.answers["/oai"] = lambda request: (
        error("badResumptionToken") if "resumptionToken" in request.query else Answer(at_museum(museum), XML)
    )
    day, cursor, told = clock() - 5 * 86_400, None, []
    for _ in range(60):
        listing = await adapter.list(museum.source("rijksmuseum", "/oai"), cursor, day)
        cursor = listing.cursor
        told += [listing.trouble] if listing.trouble else []
        if listing.complete:
            break
    assert listing.complete
    assert len(told) > 3
    assert "broke off several times" in told[0]


@pytest.mark.parametrize(
    "cursor",
    ["", "x", '{"token":7}', '{"token":""}', json.dumps({"token": "x" * 2001}), '{"token":"t","day":"2020-01-01"}'],
)
async def test_a_damaged_cursor_begins_anew(cursor: str, museum: Museum, adapter: RijksmuseumAdapter) -> None:
    museum.answers["/oai"] = Answer(at_museum(museum), XML)
    await adapter.list(museum.source("rijksmuseum", "/oai"), cursor, None)
    assert "metadataPrefix=edm" in museum.asked[0]


async def test_what_came_of_an_object(museum: Museum, adapter: RijksmuseumAdapter) -> None:
    source = museum.source("rijksmuseum", "/oai")
    ref = ObjectRef(f"{museum.url}/id/200107928", f"{museum.url}/oai?verb=GetRecord")
    assert await adapter.fetch(source, ref, Validators()) == Fetched(gone="404")
    museum.answers["/oai"] = error("idDoesNotExist")
    assert await adapter.fetch(source, ref, Validators()) == Fetched(gone="not in the collection")
    museum.answers["/oai"] = error("cannotDisseminateFormat")
    with pytest.raises(Refused):
        await adapter.fetch(source, ref, Validators())
    museum.answers["/oai"] = Answer(oai("<GetRecord/>"), XML)
    with pytest.raises(Unreadable, match="not about"):
        await adapter.fetch(source, ref, Validators())
    museum.answers["/oai"] = Answer(oai(f"<GetRecord>{deleted(ref.object_id)}</GetRecord>"), XML)
    assert await adapter.fetch(source, ref, Validators()) == Fetched(gone=DELETED)
