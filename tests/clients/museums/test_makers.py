# ruff: noqa: E501  a case in one line is easier to judge than one in pieces
"""Who made an object: how sure that is and in which role, as the APIs of museums tell it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hived.clients.museums import makers
from hived.clients.museums.artic import parse as artic
from hived.clients.museums.cleveland import parse as cleveland
from hived.clients.museums.met import parse as met
from hived.records.artifact import CollectedObject


@pytest.mark.parametrize(
    ("name", "role", "doubt", "expected"),
    [
        ("Ana Čaša", None, None, "Ana Čaša"), ("Ana Čaša", "Artist", "", "Ana Čaša"), ("Ana", "Engraver", None, "Ana (Engraver)"),
        ("Ana", "printer", "after", "after Ana (printer)"), ("After Ana", None, "after", "After Ana"),
        ("Ana (Dutch, 1600–1660)", "artist", "attributed to", "attributed to Ana"), ("Ana (engraver)", "Engraver", None, "Ana (engraver)"),
        ("Ana", "Sitter", None, None), ("Ana", "Former owner", None, None), ("Ana", "Subject of the portrait", None, None),
        ("Ana", "https://vocab.example/role", None, "Ana"), ("", "Artist", "after", None), (None, None, "after", None),
        ("https://people.example/1", None, None, None),
        ("/author/ana.html", None, None, None),
        ("#ana", "Engraver", None, None),
        ("mailto:ana@museum.example", None, None, None), ("(1600)", None, None, "(1600)"), (7, [], {}, None),
        ("Ana", "x" * 60, None, f"Ana ({'x' * 40})"), ("Ana", "Owner", "after", None), ("Ana", "Ownership Press", None, "Ana (Ownership Press)"),
    ],
)  # fmt: skip
def test_a_maker_is_told_with_doubt_and_role(name: object, role: object, doubt: object, expected: str | None) -> None:
    assert makers.maker(name, role, doubt) == expected


@pytest.mark.parametrize(
    ("display", "doubt"),
    [
        ("Workshop of Ana Čaša\nDutch, 1606–1669", "Workshop of"), ("Attributed to Ana Čaša (1600–50)", "Attributed to"),
        ("Ana Čaša", None), ("Printed after Ana Čaša", "after"), ("Li, in the style of Ana Čaša", "in the style of"),
        ("After the Ana Čaša", "After the"), ("Pupil of Kofi; Ana Čaša", None), ("Somebody else", None), (None, None), ("", None),
        ("Hereafter Ana Čaša", None),
    ],
)  # fmt: skip
def test_a_line_for_readers_says_how_sure_a_name_is(display: str | None, doubt: str | None) -> None:
    assert makers.doubt_in(display, "Ana Čaša") == doubt


def of_met(**fields: Any) -> CollectedObject:
    found = met.parse_object(json.dumps({"objectID": 1, **fields}).encode(), "1", 1.0)
    assert isinstance(found, CollectedObject)
    return found


def test_the_doubt_about_the_first_artist_is_not_that_about_the_others() -> None:
    people = [{"name": "Li", "role": "Publisher"}, {"name": "Ana", "role": "Artist"}, {"name": "Zoë", "role": "Sitter"}]
    found = of_met(constituents=people, artistDisplayName="Ana", artistPrefix="Style of")
    assert found.makers == ("Li (Publisher)", "Style of Ana")
    assert of_met(artistDisplayName="Ana", artistPrefix="After", artistRole="Designer").makers == (
        "After Ana (Designer)",
    )
    assert of_met(constituents=[7, {}], artistDisplayName="").makers == ()


def test_cleveland_and_chicago_tell_it_in_their_own_fields() -> None:
    creators = [
        {"description": "Ana (Dutch, b. 1950)", "qualifier": "workshop of", "role": "artist"},
        {"description": "Li", "role": "printer"},
    ]
    body = json.dumps(
        {"data": {"id": 1, "creators": creators, "find_spot": "Egypt, Thebes", "accession_number": "1.2"}}
    )
    found = cleveland.parse_artwork(body.encode(), "1", 1.0)
    assert (found.makers, found.place, found.accession_number) == (
        ("workshop of Ana", "Li (printer)"),
        "Egypt, Thebes",
        "1.2",
    )
    told = {"id": 1, "artist_titles": ["Ana", "Li"], "artist_display": "Published by Li\nAfter Ana (Dutch, 1600–1660)"}
    assert artic.parse_artwork(json.dumps({"data": told}).encode(), "1", 1.0).makers == ("After Ana", "Li")


def test_a_river_and_a_find_spot_are_places() -> None:
    assert of_met(country="Papua New Guinea", river="Sepik River", region="").place == "Sepik River, Papua New Guinea"
