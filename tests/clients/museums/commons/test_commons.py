"""Wikimedia Commons: licence code and URL must agree, nothing may restrict, and a server that lags is left alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from hived.clients.museums.commons.client import CommonsAdapter
from hived.clients.museums.commons.parse import go_on, parse_answer
from hived.errors import Refused, Throttled, Transient, Unreadable
from hived.records.artifact import CC0, PDM, CollectedObject, Fetched, Licence, ObjectRef, Validators
from tests.clients.museums.museum import Answer, Museum, running_fetcher, running_museum, sample
from tests.clock import FakeClock

API = "https://commons.wikimedia.org/w/api.php"
PAGE: dict[str, Any] = json.loads(sample("commons_imageinfo_page.json"))
FREE = {
    "License": "cc0",
    "LicenseUrl": "http://creativecommons.org/publicdomain/zero/1.0/deed.en",
    "AttributionRequired": "false",
    "Copyrighted": "True",
    "Restrictions": "",
}


@pytest.fixture
async def museum() -> AsyncIterator[Museum]:
    async with running_museum() as museum:
        yield museum


@pytest.fixture
async def adapter(clock: FakeClock) -> AsyncIterator[CommonsAdapter]:
    async with running_fetcher(clock) as fetcher:
        yield CommonsAdapter(fetcher, clock)


def page(
    pageid: int = 81754323, info: Mapping[str, object] | None = None, meta: Mapping[str, object] | None = None
) -> dict[str, Any]:
    meta = meta or {}
    told_of = {**FREE, **meta}
    extmetadata = PAGE["imageinfo"][0]["extmetadata"] | {name: {"value": told} for name, told in told_of.items()}
    for name in [name for name, told in meta.items() if told is ...]:
        del extmetadata[name]
    return PAGE | {
        "pageid": pageid,
        "imageinfo": [PAGE["imageinfo"][0] | {"extmetadata": extmetadata} | dict(info or {})],
    }


def batch(*pages: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"batchcomplete": True, "query": {"pages": list(pages)}, **more}).encode()


def one(**meta: object) -> CollectedObject:
    (file,) = parse_answer(batch(page(meta=meta)), API, 4.0).files
    assert file.object is not None
    return file.object


def test_the_whole_record_of_a_free_file() -> None:
    assert one() == CollectedObject(
        provider="commons",
        object_id="81754323",
        url="https://commons.wikimedia.org/wiki/File:20120925_PlozevetBretagne_LoneTree_DSC07971_PtrQs.jpg",
        title="20120925 PlozevetBretagne LoneTree DSC07971 PtrQs",
        licence=Licence(CC0, "extmetadata.LicenseUrl", 4.0, "image"),
        makers=("PtrQs",),
        date_text="2012-09-25 16:23:02",
        year_from=2012,
        year_to=2012,
        credit="Own work",
        tags=(
            "Coasts of Plozévet",
            "No QIC by usr:PtrQs",
            "Photographs taken with Minolta AF Zoom 28-70mm F2.8 G",
            "Self-published work",
            "Taken with Sony DSLR-A900",
            "Trees in Finistère",
        ),
        image_url="https://upload.wikimedia.org/wikipedia/commons/2/25/20120925_PlozevetBretagne_LoneTree_DSC07971_PtrQs.jpg",
    )


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({}, CC0),
        ({"License": "pd", "LicenseUrl": PDM, "Copyrighted": "False"}, PDM),
        ({"License": "pd-old-100", "LicenseUrl": f"{PDM}deed.en", "Copyrighted": ...}, PDM),
        ({"License": "cc0", "AttributionRequired": ...}, CC0),
        ({"License": "pd", "LicenseUrl": PDM, "Copyrighted": "True"}, None),
        ({"License": "pd", "LicenseUrl": CC0}, None),
        ({"License": "cc0", "LicenseUrl": PDM}, None),
        ({"License": "cc0", "LicenseUrl": ...}, None),
        ({"License": "cc0", "LicenseUrl": ""}, None),
        ({"License": "pd", "LicenseUrl": ..., "Copyrighted": "False"}, None),
        ({"License": "pd", "LicenseUrl": "https://en.wikipedia.org/wiki/Public_domain", "Copyrighted": "False"}, None),
        ({"License": "cc-by-sa-4.0", "LicenseUrl": CC0}, None),
        ({"License": ..., "LicenseUrl": CC0}, None),
        ({"License": ..., "LicenseUrl": ...}, None),
        ({"Restrictions": "trademarked"}, None),
        ({"Restrictions": ["personality"]}, None),
        ({"AttributionRequired": "true"}, None),
        ({"AttributionRequired": True}, None),
        ({"AttributionRequired": "perhaps"}, None),
        ({"NonFree": "true"}, None),
        ({"License": 7, "LicenseUrl": 8}, None),
    ],
)
def test_code_and_url_must_agree_and_nothing_may_restrict(meta: dict[str, object], expected: str | None) -> None:
    found = one(**meta)
    assert (found.licence.uri if found.licence else None) == expected, found.rights_text
    assert (found.image_url is None) is (expected is None)


def test_a_film_has_no_picture_and_a_page_of_a_foreign_host_no_address() -> None:
    body = batch(page(info={"mime": "video/webm", "descriptionurl": "https://evil.example/x"}))
    (file,) = parse_answer(body, API, 4.0).files
    assert file.object is not None
    assert (file.object.image_url, file.object.url) == (None, "https://commons.wikimedia.org/?curid=81754323")


def test_the_sample_with_a_continue_block_holds_no_files_yet() -> None:
    answer = parse_answer(sample("commons_query_with_continue.json"), API, 4.0)
    assert {file.object for file in answer.files} == {None}
    assert answer.go_on is None  # gucontinue is of a property that is never asked for


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            {"gcmcontinue": "file|1", "continue": "gcmcontinue||"},
            {"gcmcontinue": "file|1", "continue": "gcmcontinue||"},
        ),
        ({"gsroffset": 50, "continue": "-||"}, {"gsroffset": 50, "continue": "-||"}),
        ({"gaicontinue": "a", "action": "delete", "generator": "x"}, {"gaicontinue": "a"}),
        ({"continue": "-||"}, None),
        ({"gcmcontinue": "x" * 501}, None),
        ({"gsroffset": True}, None),
        ({}, None),
        (None, None),
        ([], None),
    ],
)
def test_only_what_goes_on_is_sent_back(told: object, expected: object) -> None:
    assert go_on(told) == expected


@settings(max_examples=80, deadline=None)
@given(
    st.binary(max_size=80)
    | st.dictionaries(
        st.sampled_from([*PAGE["imageinfo"][0]["extmetadata"], "NonFree"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()),
    ).map(lambda meta: batch(page(meta=meta)))
    | st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["query", "pages", "pageid", "imageinfo", "error", "continue"]), inner)
        ),
        max_leaves=8,
    ).map(lambda doc: json.dumps(doc).encode())
)
def test_no_bytes_get_past_the_parser(body: bytes) -> None:
    try:
        parse_answer(body, API, 1.0)
    except Unreadable:
        return


# -- talking ------------------------------------------------------------------------------------------------------


async def test_a_category_is_listed_with_all_that_is_needed(museum: Museum, adapter: CommonsAdapter) -> None:
    def answer(request: web.BaseRequest) -> Answer:
        if "gcmcontinue" in request.query:
            return Answer(batch(page(3), page(4, info={"sha1": "a" * 40})))
        more = {"continue": {"gcmcontinue": "file|2", "continue": "gcmcontinue||"}}
        return Answer(batch(page(1, info={"sha1": "a" * 40}), page(2, info={"sha1": "b" * 40}), **more))

    museum.answers["/w/api.php"] = answer
    source = museum.source("commons", "/w/api.php?gcmtitle=Category:Old%20maps")
    first = await adapter.list(source, None, None)
    second = await adapter.list(source, first.cursor, None)
    assert [ref.object_id for ref in first.refs + second.refs] == ["1", "2", "3"]  # 4 has the contents of 1
    assert (first.complete, second.complete) == (False, True)
    for part in ("generator=categorymembers", "gcmtitle=Category:Old%20maps", "maxlag=5", "sha1", "formatversion=2"):
        assert part in museum.asked[0].replace("%3A", ":")
    assert "gcmcontinue=file" in museum.asked[1]
    assert museum.headers[0]["User-Agent"] == "hive-minerd/1 (+https://example.org/about)"
    fetched = await adapter.fetch(source, first.refs[0], Validators())
    assert fetched.object is not None
    assert len(museum.asked) == 2
    museum.answers["/w/api.php"] = Answer(batch(page(1)))
    assert (await adapter.fetch(source, first.refs[0], Validators())).object is not None
    assert "pageids=1" in museum.asked[2]


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("", ("generator=allimages", "gaistart=2027-01-14T00:00:00Z")),
        ("?gcmtitle=Category:X", ("generator=categorymembers", "gcmstart=2027-01-14T00:00:00Z")),
        ("?gsrsearch=old+maps", ("generator=search", "gsrsearch=old maps", "gsrnamespace=6")),
    ],
)
async def test_what_is_listed_stands_in_the_base_url(
    query: str, parts: tuple[str, ...], museum: Museum, adapter: CommonsAdapter
) -> None:
    museum.answers["/w/api.php"] = Answer(b'{"batchcomplete":true}')
    listing = await adapter.list(museum.source("commons", f"/w/api.php{query}"), None, 1_800_000_000.0)
    assert (listing.refs, listing.complete) == ((), True)
    asked = museum.asked[0].replace("%3A", ":").replace("%20", " ")
    assert all(part in asked for part in parts), asked


@pytest.mark.parametrize(
    ("code", "error", "wait_s"),
    [
        ("maxlag", Throttled, 11.0),
        ("ratelimited", Throttled, 11.0),
        ("readonly", Transient, None),
        ("invalidcategory", Refused, None),
    ],
)
async def test_errors_in_a_good_answer_are_errors(
    code: str, error: type[Exception], wait_s: float | None, museum: Museum, adapter: CommonsAdapter
) -> None:
    museum.answers["/w/api.php"] = Answer(json.dumps({"error": {"code": code}}), headers={"Retry-After": "11"})
    with pytest.raises(error) as caught:
        await adapter.list(museum.source("commons", "/w/api.php"), None, None)
    assert getattr(caught.value, "retry_after_s", None) == wait_s


async def test_what_came_of_a_file(museum: Museum, adapter: CommonsAdapter) -> None:
    source = museum.source("commons", "/w/api.php")
    ref = ObjectRef("1", f"{museum.url}/w/api.php?pageids=1")
    museum.answers["/w/api.php"] = Answer(batch({"pageid": 1, "missing": True}))
    assert await adapter.fetch(source, ref, Validators()) == Fetched(gone="404")
    museum.answers["/w/api.php"] = Answer(batch(page(2)))
    assert await adapter.fetch(source, ref, Validators()) == Fetched(gone="404")


@pytest.mark.parametrize(
    ("told", "is_gone"),
    [
        ({"missing": ""}, True),
        ({"imageinfo": [{"filemissing": True}]}, True),
        ({"imageinfo": [{"filemissing": ""}]}, True),
        ({"imageinfo": [{"filehidden": True}]}, False),
        ({"imageinfo": [{"filehidden": True, "extmetadata": []}]}, False),
        ({"imageinfo": [{"extmetadata": []}]}, False),
        ({"imageinfo": [{"extmetadata": None, "url": "https://x.example/1.jpg"}]}, False),
        ({"imageinfo": [{"extmetadata": {}}]}, False),
        ({"imageinfo": []}, False),
        ({"imageinfo": "x"}, False),
        ({}, False),
    ],
)
async def test_a_file_without_metadata_is_gone_or_refused_and_not_asked_for_ever(
    told: dict[str, object], is_gone: bool, museum: Museum, adapter: CommonsAdapter
) -> None:
    source = museum.source("commons", "/w/api.php")
    museum.answers["/w/api.php"] = Answer(batch({"pageid": 2, "title": "File:X.jpg"} | told))
    ref = ObjectRef("2", f"{museum.url}/w/api.php?pageids=2")
    if is_gone:
        assert await adapter.fetch(source, ref, Validators()) == Fetched(gone="404")
        return
    if told.get("imageinfo") == [{"extmetadata": {}}]:  # an object, whose licence is not stated
        fetched = await adapter.fetch(source, ref, Validators())
        assert fetched.object is not None
        assert (fetched.object.licence, fetched.object.rights_text) == (None, "no licence is stated")
        return
    with pytest.raises(Refused, match="no licence is stated"):
        await adapter.fetch(source, ref, Validators())


async def test_an_answer_that_goes_on_elsewhere_does_not_refuse_a_file(museum: Museum, adapter: CommonsAdapter) -> None:
    museum.answers["/w/api.php"] = Answer(batch({"pageid": 2}, **{"continue": {"iistart": "x", "continue": "||"}}))
    ref = ObjectRef("2", f"{museum.url}/w/api.php?pageids=2")
    with pytest.raises(Unreadable, match="leaves out"):
        await adapter.fetch(museum.source("commons", "/w/api.php"), ref, Validators())
