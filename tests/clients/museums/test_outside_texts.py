"""Texts, dates, links and numbers from outside, made plain or dropped; and the listed objects that wait."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.clients.museums import cursors, links, listed_objects, markup, text
from hived.clients.museums.artic import parse as artic
from hived.clients.museums.cleveland import parse as cleveland
from hived.clients.museums.listed_objects import ListedObjects
from hived.clients.museums.met import parse as met
from hived.records.artifact import Fetched
from tests.clock import FakeClock

PAGE = "https://museum.example/a/b"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("  A\tbowl\r\nof   clay ", "A bowl of clay"),
        ("", None),
        ("\u200b\u202e\ufeff", None),
        (None, None),
        (7, None),
        (b"x", None),
        ("a\x00b\x1bc", "abc"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("soft\u00adhyphen", "softhyphen"),
        ("a\ud800b", "ab"),
        ("tag\U000e0041\U000e007f", "tag"),
        ("x\ufe0f\U000e0101y", "xy"),
        ("e\u0301", "é"),
        ("\u3164\u2800x", "x"),
        ("a\u2028b\u2029c", "a b c"),
        ("Z" + "\u0336" * 50, "Z" + "\u0336" * 4),
        ("x" * 500, "x" * 400),
        ("日本 屏風", "日本 屏風"),
    ],
)
def test_a_text_is_one_line_of_what_readers_see(told: object, expected: str | None) -> None:
    assert text.clean(told) == expected


@given(st.text())
def test_no_text_keeps_what_cannot_be_seen(told: str) -> None:
    for kept in (text.clean(told), text.clean_lines(told)):
        if kept is not None:
            assert kept == kept.strip()
            bad = {
                char for char in kept if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn") and char != "\n"
            }
            assert not bad
    assert "\n" not in (text.clean(told) or "")


def test_lines_are_kept_where_they_matter() -> None:
    assert text.clean_lines(" a \t b\n\n\n c\u200b \r\n d ") == "a b\nc\nd"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("<i>Bowl</i>", "Bowl"),
        ("a < b > c", "a < b > c"),
        ("x<script>y</script>", "xy"),
        ("5 <6", "5 <6"),
        (None, None),
        ("<p>", None),
    ],
)
def test_stray_tags_are_taken_out(told: object, expected: str | None) -> None:
    assert text.without_tags(told) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("plain", "plain"),
        ("<b>a</b><br>b", "a b"),
        ("a &amp; &lt;b&gt;", "a & <b>"),
        ("<span hidden>x</span>y", "y"),
        ("<!-- x -->y", "y"),
        ("<script>x</script>", None),
        (None, None),
        ("<div>" * 5000 + "deep", None),
    ],
)
def test_a_snippet_of_html_is_what_readers_see_of_it(told: object, expected: str | None) -> None:
    assert markup.plain(told) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("/x", "https://museum.example/x"),
        ("c?d=1#e", "https://museum.example/a/c?d=1"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("http://other.example", "http://other.example/"),
        ("https://museum.example/a b", "https://museum.example/a%20b"),
        ("javascript:alert(1)", None),
        ("java\nscript:alert(1)", None),
        ("data:text/html,x", None),
        ("mailto:a@b.example", None),
        ("https://user@x.example/", None),
        ("https://0x7f.1/", None),
        ("http://2130706433/", None),
        ("\\\\evil.example\\x", None),
        ("https://", None),
        ("", None),
        (None, None),
        (7, None),
        ("https://x.example/" + "y" * 2100, None),
        ("http://[::1", None),
    ],
)
def test_a_link_is_one_reading_or_none(told: object, expected: str | None) -> None:
    assert links.web_url(told, PAGE) == expected


@given(st.text(max_size=60))
def test_no_link_gets_past_the_reader(told: str) -> None:
    found = links.web_url(told, PAGE)
    assert found is None or found.startswith(("http://", "https://"))
    links.image_url(told, PAGE)


def test_a_picture_of_the_operators_own_host_may_stay_there() -> None:
    assert links.image_url("/x.png", "http://127.0.0.1:8181/a") == "http://127.0.0.1:8181/x.png"
    assert links.image_url("http://127.0.0.1:8181/x.png", PAGE) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://m.example/", "https://www.m.example/x", True),
        ("http://m.example/", "https://m.example/", True),
        ("https://m.example:8443/", "https://m.example/", False),
        ("https://m.example:81/", "https://m.example:81/", True),
        ("https://m.example/", "https://n.example/", False),
        ("https://a.m.example/", "https://m.example/", False),
    ],
)
def test_a_site_is_a_host(one: str, other: str, same: bool) -> None:
    assert links.same_site(one, other) is same


@pytest.mark.parametrize(
    ("told", "expected"),
    [(None, {}), ("", {}), ("x", {}), ("[]", {}), ("7", {}), ('{"a":1}', {"a": 1}), ("[" * 9000, {}), ("[" * 8000, {})],
)
def test_a_damaged_cursor_is_an_empty_one(told: str | None, expected: object) -> None:
    assert cursors.cursor(told) == expected


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (None, None),
        (0.0, None),
        (1_800_000_000.0, "2027-01-14"),
        (float("nan"), None),
        (float("inf"), None),
        (1e18, None),
        (-5.0, None),
    ],
)
def test_the_day_before_is_a_date_or_nothing(since: float | None, expected: str | None) -> None:
    assert cursors.day_before(since) == expected


def test_the_shelf_keeps_each_thing_once_for_a_while_and_no_more_than_fit(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listed_objects, "MAX_KEPT", 3)
    kept = ListedObjects(clock)
    for i in range(5):
        kept.put(1, str(i), Fetched(gone=str(i)))
    assert kept.take(1, "0") is None
    assert kept.take(2, "4") is None
    assert kept.take(1, "4") == Fetched(gone="4")
    assert kept.take(1, "4") is None
    clock.advance(listed_objects.MAX_AGE_S + 1)
    assert kept.take(1, "3") is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("Salt &amp; Pepper &#39;set&#39;", "Salt & Pepper 'set'"),
        ("x<br/>y", "x y"),
        ("<p>A</p><p>B</p>", "A B"),
        ("a <i>b</i>&nbsp;c", "a b c"),
        ("&amp;amp;", "&amp;"),
        ("&lt;i&gt;", "<i>"),
        ("a?x=1&copy=2 R&D", "a?x=1&copy=2 R&D"),
        ("1 < 2 > 0", "1 < 2 > 0"),
        ("&#x202e;x", "x"),
        (7, None),
        ("<br>", None),
    ],
)
def test_a_field_of_an_api_is_shown_as_it_was_meant(told: object, expected: str | None) -> None:
    assert text.plain(told) == expected


@pytest.mark.parametrize(
    "parse", [met.parse_object, artic.parse_artwork, cleveland.parse_artwork], ids=["met", "artic", "cleveland"]
)
def test_no_field_of_an_api_shows_a_reference(parse: Callable[..., object]) -> None:
    odd = "Salt &amp; &#80;epper<br>set"
    met_one: dict[str, object] = {
        **dict.fromkeys(("title", "medium", "culture", "classification", "creditLine", "city"), odd),
        "objectID": 1, "constituents": [{"name": odd}], "tags": [{"term": odd}],
    }  # fmt: skip
    other: dict[str, object] = {
        **dict.fromkeys(("title", "medium_display", "technique", "credit_line", "creditline", "style_title"), odd),
        "id": 1, "artist_titles": [odd], "creators": [{"description": odd}], "term_titles": [odd], "culture": [odd],
    }  # fmt: skip
    doc = met_one if parse == met.parse_object else {"data": other}
    found = parse(json.dumps(doc).encode(), "1", 1.0)
    assert "Salt & Pepper set" in repr(found)
    assert not re.search("&amp|&#|<br", repr(found))
