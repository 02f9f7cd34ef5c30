"""The licence gate: which spellings are CC0 or the public domain mark, and what conflicting statements come to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.clients.museums import licence
from hived.clients.museums.artic import parse as artic
from hived.clients.museums.cleveland import parse as cleveland
from hived.clients.museums.commons import parse as commons
from hived.clients.museums.licence import Statement, decide, flag, normalise, said
from hived.clients.museums.met import parse as met
from hived.clients.museums.rijksmuseum import parse as rijksmuseum
from hived.clients.museums.web.parse import parse_page
from hived.errors import Unreadable
from hived.records.artifact import CC0, PDM, CollectedObject
from tests.clients.museums.museum import SAMPLES, sample

BY = "https://creativecommons.org/licenses/by/4.0/"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://creativecommons.org/publicdomain/zero/1.0/", CC0),
        ("http://creativecommons.org/publicdomain/zero/1.0/", CC0),
        ("https://creativecommons.org/publicdomain/zero/1.0", CC0),
        ("https://www.creativecommons.org/publicdomain/zero/1.0/", CC0),
        ("HTTPS://CreativeCommons.org/publicdomain/zero/1.0/", CC0),
        ("//creativecommons.org/publicdomain/zero/1.0/", CC0),
        ("  https://creativecommons.org/publicdomain/zero/1.0/\n", CC0),
        ("https://creativecommons.org/publicdomain/zero/1.0/deed.en", CC0),
        ("https://creativecommons.org/publicdomain/zero/1.0/deed.pt_BR", CC0),
        ("https://creativecommons.org/publicdomain/zero/1.0/deed.zh-Hant", CC0),
        ("https://creativecommons.org/publicdomain/zero/1.0/deed", CC0),
        ("https://creativecommons.org/publicdomain/zero/1.0/legalcode", CC0),
        ("https://creativecommons.org/publicdomain/zero/1.0/legalcode.nl", CC0),
        ("http://creativecommons.org/publicdomain/zero/1.0/?ref=chooser-v1", CC0),
        ("http://creativecommons.org/publicdomain/mark/1.0/", PDM),
        ("https://creativecommons.org/publicdomain/mark/1.0/deed.de", PDM),
        ("https://creativecommons.org/publicdomain/zero/1.0/us/", None),
        ("https://creativecommons.org/publicdomain/zero/", None),
        ("https://creativecommons.org/publicdomain/zero/2.0/", None),
        ("https://creativecommons.org/publicdomain/zero/1.0/deed.en/../../../licenses/by/4.0/", None),
        ("https://creativecommons.org/publicdomain/zero/1.0/?not=really", None),
        ("https://creativecommons.org/publicdomain/zero/1.0/#except-images", None),
        ("https://creativecommons.org/Publicdomain/Zero/1.0/", None),
        ("https://creativecommons.org/publicdomain/zerO/1.0/", None),
        ("https://creativecomons.org/publicdomain/zero/1.0/", None),
        ("https://creativecommons.org.example.com/publicdomain/zero/1.0/", None),
        ("https://example.com/creativecommons.org/publicdomain/zero/1.0/", None),
        ("https://example.com/?u=https://creativecommons.org/publicdomain/zero/1.0/", None),
        ("https://creativecommons.org@example.com/publicdomain/zero/1.0/", None),
        ("https://user@creativecommons.org/publicdomain/zero/1.0/", None),
        ("https://creativecommons.org:8443/publicdomain/zero/1.0/", None),
        ("ftp://creativecommons.org/publicdomain/zero/1.0/", None),
        ("creativecommons.org/publicdomain/zero/1.0/", None),
        ("not https://creativecommons.org/publicdomain/zero/1.0/", None),
        ("https://creativecommons.org/publicdomain/zero/1.0/ for metadata", None),
        ("https://creativecommons.org/publicdomain/certification/1.0/us/", None),
        ("https://creativecommons.org/licenses/publicdomain/", None),
        ("https://creativecommons.org/licenses/by/4.0/", None),
        ("https://creativecommons.org/licenses/zero/1.0/", None),
        ("http://rightsstatements.org/vocab/NoC-US/1.0/", None),
        ("CC0", None),
        ("cc0-1.0", None),
        ("", None),
        (None, None),
        (0, None),
        (["https://…"], None),
        ("https://creativecommons.org/publicdomain/zero/1.0/" + "/" * 300, None),
    ],
)
def test_only_exact_spellings_are_a_licence(uri: object, expected: str | None) -> None:
    assert normalise(uri) == expected


@given(st.text(max_size=80), st.text(max_size=20))
def test_no_text_around_a_uri_is_taken_for_it(before: str, after: str) -> None:
    if before.strip() or after.strip().strip("/"):
        assert normalise(f"{before}x https://creativecommons.org/publicdomain/zero/1.0/{after}") is None


@pytest.mark.parametrize(
    ("statements", "expected", "reason"),
    [
        ([], None, "no licence is stated"),
        ([Statement(CC0, "a")], (CC0, "a", "work"), None),
        ([Statement(PDM, "a", "image")], (PDM, "a", "image"), None),
        ([Statement(CC0, "a", "record")], None, "only the record is openly licensed, not the object"),
        ([Statement(CC0, "a", "record"), Statement(PDM, "b")], (PDM, "b", "work"), None),
        ([Statement(BY, "a", "record"), Statement(CC0, "b")], (CC0, "b", "work"), None),
        ([Statement(CC0, "a"), Statement(BY, "b", "image")], None, f"b: {BY}"),
        ([Statement(CC0, "a"), Statement(BY, "a")], None, f"a: {BY}"),
        ([Statement(BY, "a"), Statement(CC0, "b"), Statement(CC0, "c")], None, f"a: {BY}"),
        ([Statement(CC0, "a"), Statement("© the artist", "b")], None, "b: © the artist"),
        ([Statement(CC0, "a"), Statement("Public Domain", "b")], (CC0, "a", "work"), None),
        ([Statement("Public Domain", "b")], None, "b: Public Domain, without a licence's URI"),
        ([Statement("CC0", "b")], None, "b: CC0, without a licence's URI"),
        ([Statement(CC0, "a"), Statement(PDM, "b")], (PDM, "b", "work"), None),
        ([Statement(CC0, "a", "image"), Statement(CC0, "b", "work")], (CC0, "b", "work"), None),
    ],
)
def test_the_strictest_statement_on_the_object_wins(
    statements: list[Statement], expected: tuple[str, str, str] | None, reason: str | None
) -> None:
    verdict = decide(statements, 5.0)
    assert verdict.reason == reason
    if expected is None:
        assert verdict.licence is None
    else:
        assert verdict.licence is not None
        assert (verdict.licence.uri, verdict.licence.field, verdict.licence.scope) == expected
        assert verdict.licence.read_at == 5.0


@pytest.mark.parametrize(
    ("value", "is_open"),
    [
        (True, True),
        (False, False),
        (1, False),
        (1.0, False),
        ("true", False),
        ("True", False),
        (None, False),
        ([], False),
    ],
)
def test_a_flag_clears_only_when_it_is_exactly_the_expected_value(value: object, is_open: bool) -> None:
    assert (decide([flag(value, True, CC0, "flag")], 0.0).licence is not None) is is_open


# -- every captured payload -------------------------------------------------------------------------------------


def _doc(name: str) -> Any:
    return json.loads(sample(name))


def _refused_by_itself(statements: Iterable[Statement]) -> CollectedObject:
    """For providers without an adapter: the gate on the provider's own rights field."""
    verdict = decide(statements, 1.0)
    return CollectedObject("none", "1", "https://example.org/", "x", verdict.licence, rights_text=verdict.reason)


def _met(name: str) -> CollectedObject | str:
    found = met.parse_object(sample(name), "45734", 1.0)
    return found.reason if isinstance(found, met.NotAnObject) else found


def _commons(name: str) -> CollectedObject | str:
    body = json.dumps({"batchcomplete": True, "query": {"pages": [_doc(name)]}}).encode()
    (file,) = commons.parse_answer(body, "https://commons.wikimedia.org/w/api.php", 1.0).files
    return file.object or "not told"


def _commons_batch(name: str) -> CollectedObject | str:
    files = commons.parse_answer(sample(name), "https://commons.wikimedia.org/w/api.php", 1.0).files
    assert len(files) > 5
    return next((one.object for one in files if one.object), "not told")


def _rijks(name: str) -> CollectedObject | str:
    (record,) = rijksmuseum.parse_answer(sample(name), "https://data.rijksmuseum.nl/oai", 1.0).records
    return record.object or "deleted"


def _visual_item(name: str) -> CollectedObject:
    """The Linked Art form: `subject_to` is of the work, `subject_of` of the record about it."""
    doc = _doc(name)

    def uris(rights: Any) -> list[str]:
        return [kind["id"] for right in rights for kind in right["classified_as"]]

    record = [uri for about in doc["subject_of"] for uri in uris(about["subject_to"])]
    return _refused_by_itself(
        [*(Statement(one, "subject_of", "record") for one in record)]
        + [Statement(one, "subject_to") for one in uris(doc["subject_to"])]
    )


def _record_rights_only(name: str) -> CollectedObject:
    found = _visual_item(name)
    assert found.licence is not None
    doc = _doc(name)
    uri = doc["subject_of"][0]["subject_to"][0]["classified_as"][0]["id"]
    return _refused_by_itself([Statement(uri, "subject_of", "record")])


def _smithsonian(name: str) -> CollectedObject:
    told = _doc(name)["data"]["content"] if "data" in _doc(name) else _doc(name)["content"]
    told = told["descriptiveNonRepeating"]
    media = told["online_media"]["media"][0]["usage"]["access"]
    return _refused_by_itself(
        [
            flag(told["metadata_usage"]["access"], "CC0", CC0, "metadata_usage.access", "record"),
            flag(media, "CC0", CC0, "usage.access", "image"),
        ]
    )


def _europeana(name: str) -> CollectedObject:
    return _refused_by_itself([one for right in _doc(name)["rights"] for one in said(right, "rights", "image")])


def _every(value: Any, key: str) -> Iterator[Any]:
    """Yield what stands under a key, however deep."""
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if name == key:
            yield inner
        elif isinstance(inner, dict | list):
            yield from _every(inner, key)


def _science_museum(name: str) -> CollectedObject:
    rights = [right for listed in _every(_doc(name)["data"], "rights") for right in listed]
    assert rights
    return _refused_by_itself([one for right in rights for one in said(right["usage_terms"], "rights", "image")])


def _vam(name: str) -> CollectedObject:
    told = list(_every(_doc(name), "copyright"))
    assert told
    return _refused_by_itself([one for line in told for one in said(line, "copyright", "image")])


def _vam_search(name: str) -> CollectedObject:
    assert not list(_every(_doc(name), "copyright"))
    return _refused_by_itself([])


def _nypl(name: str) -> CollectedObject:
    (hit,) = _doc(name)["nyplAPI"]["response"]["result"]
    return _refused_by_itself(said(hit["rightsStatementURI"], "rightsStatementURI"))


def _page(name: str) -> CollectedObject:
    return parse_page(sample(name).decode(), "https://example.org/page", 1.0).object


def _unread(name: str) -> str:
    """An answer that holds no object at all: whatever reads it, nothing of it is stored."""
    body = sample(name)
    readers: tuple[Callable[[bytes, str, float], object], ...] = (
        met.parse_object,
        artic.parse_artwork,
        cleveland.parse_artwork,
    )
    told: list[object] = []
    for read in readers:
        try:
            told.append(read(body, "1", 1.0))
        except Unreadable as err:
            told.append(err)
    assert not any(isinstance(one, CollectedObject) and one.licence for one in told)
    return "no object"


def _artic(name: str) -> CollectedObject:
    page = artic.parse_page(sample(name), 1.0)
    (only,) = {one.licence for one in page.objects}
    return page.objects[0] if only is None else pytest.fail("a page without the rights fields cleared something")


def _cleveland(name: str) -> CollectedObject:
    record = _doc(name)["data"][0]
    return cleveland.parse_artwork(json.dumps({"data": record}).encode(), str(record["id"]), 1.0)


def _in_a_projection(name: str) -> CollectedObject:
    record = {**_doc(name)["data"][0], "share_license_status": None}
    return cleveland.parse_artwork(json.dumps({"data": record}).encode(), str(record["id"]), 1.0)


Reader = Callable[[str], CollectedObject | str]

VERDICTS: list[tuple[str, Reader, str | None, str]] = [
    ("met_object_45734_full.json", _met, CC0, "isPublicDomain is true, rightsAndReproduction empty"),
    ("met_object_not_found.json", _met, None, "not an object at all: a loan"),
    ("met_search.json", _unread, None, "a list of ids"),
    ("met_search_empty.json", _unread, None, "an empty list"),
    ("met_departments.json", _unread, None, "departments"),
    ("met_waf_block_403.html", _unread, None, "the firewall's page"),
    ("met_waf_block_403.html", _page, None, "the firewall's page, read as a page"),
    ("aic_artworks_list.json", _artic, None, "is_public_domain is false; the CC0 of `info` is that of the data"),
    ("aic_artworks_page.json", _artic, None, "the rights fields were not asked for: unknown"),
    ("cma_artworks_page.json", _cleveland, CC0, "share_license_status is CC0 on the record"),
    ("cma_artworks_page.json", _in_a_projection, None, "with a choice of fields the status is null"),
    ("cma_artworks_empty.json", _unread, None, "a page past the end"),
    ("commons_imageinfo_page.json", _commons, None, "CC BY-SA, attribution required"),
    ("commons_query_with_continue.json", _commons_batch, None, "no imageinfo in this batch"),
    ("rijks_oai_edm_record.xml", _rijks, PDM, "edm:rights of the aggregation"),
    ("rijks_visual_item_trimmed.json", _visual_item, PDM, "the work's right, not the record's CC0"),
    ("rijks_visual_item_trimmed.json", _record_rights_only, None, "the record's CC0 alone clears nothing"),
    ("rijks_digital_object.json", _unread, None, "an address of a picture, no rights"),
    ("rijks_search_nachtwacht.json", _unread, None, "ids"),
    ("rijks_search_page1_trimmed.json", _unread, None, "ids"),
    ("smithsonian_record_cc0.json", _smithsonian, CC0, "the medium's own usage.access is CC0"),
    ("europeana_search_item.json", _europeana, CC0, "rights of the file is the CC0 URI"),
    ("europeana_search_item_small.json", _europeana, None, "CC BY, which reusability=open would let in"),
    ("sciencemuseum_search_page.json", _science_museum, None, "CC BY-NC-SA and worse"),
    ("vam_object_O84909.json", _vam, None, "© on each picture"),
    ("vam_objects_search_page.json", _vam_search, None, "no rights field"),
    ("nypl_search.json", _nypl, CC0, "rightsStatementURI of the item"),
    ("brooklyn_error.json", _unread, None, "an error"),
    ("page_creativecommons_org.html", _page, None, "CC BY links in the footer"),
    ("page_wikipedia_jsonld.html", _page, None, "CC BY-SA of the text"),
    ("page_wikimediafoundation.html", _page, None, "OpenGraph only"),
    ("page_microdata_creativework.html", _page, None, "two books and a third one, none with a licence"),
    ("page_opengraph.html", _page, None, "OpenGraph only"),
    ("page_jsonld_control_chars.html", _page, None, "JSON-LD without rights"),
]


@pytest.mark.parametrize(("name", "read", "expected", "why"), VERDICTS, ids=[f"{row[0]}: {row[3]}" for row in VERDICTS])
def test_each_captured_payload_is_decided_right(name: str, read: Reader, expected: str | None, why: str) -> None:
    found = read(name)
    if isinstance(found, str):
        assert expected is None
        return
    assert (found.licence.uri if found.licence else None) == expected, (why, found.rights_text)
    if expected is None:
        assert found.rights_text
        assert found.image_url is None


def test_the_table_above_has_every_payload() -> None:
    told = {row[0] for row in VERDICTS}
    others = {"README.md", "sitemap.xml.gz", "sitemap_2.xml", "sitemap_urlset.xml"}  # which hold no objects
    files = {path.name for path in SAMPLES.iterdir() if ".expected." not in path.name}
    assert files - others == told


@given(
    st.lists(
        st.tuples(st.sampled_from([CC0, PDM, BY, "© me", "CC0", ""]), st.sampled_from(["work", "image", "record"]))
    )
)
def test_nothing_is_cleared_while_anything_on_the_object_is_not_open(told: list[tuple[str, Any]]) -> None:
    verdict = licence.decide([Statement(value, "f", scope) for value, scope in told], 0.0)
    on_object = [value for value, scope in told if scope != "record"]
    if verdict.licence is not None:
        assert not {BY, "© me"} & set(on_object)
        assert {CC0, PDM} & set(on_object)
    else:
        assert verdict.reason
