"""What EDM says of an object: in several languages, by things named elsewhere, by properties that stand in."""

from __future__ import annotations

import pytest

from hived.records.artifact import CollectedObject
from tests.clients.museums.rijksmuseum.test_rijksmuseum import SAMPLE, one


def made_of(properties: str, things: str = "") -> CollectedObject:
    """The object of the sample with other facts, and with things that they name."""
    start, end = SAMPLE.index("<dc:creator"), SAMPLE.index("</edm:ProvidedCHO>")
    return one((SAMPLE[:start] + properties + SAMPLE[end:]).replace("</rdf:RDF>", f"{things}</rdf:RDF>"))


def label(kind: str, about: str, inside: str) -> str:
    return f'<edm:{kind} rdf:about="{about}">{inside}</edm:{kind}>'


def test_each_property_is_told_once_in_english_where_that_is_there() -> None:
    found = made_of(
        '<dc:type xml:lang="nl">schilderij</dc:type><dc:type xml:lang="en-GB">painting</dc:type>'
        '<dcterms:medium xml:lang="nl">olieverf</dcterms:medium><dcterms:medium xml:lang="nl">doek</dcterms:medium>'
        '<dcterms:medium xml:lang="de">Öl</dcterms:medium><dc:subject xml:lang="en">militia</dc:subject>'
        '<dc:subject xml:lang="fr">milice</dc:subject><dc:subject>1642</dc:subject>'
        '<dc:creator xml:lang="nl">onbekend</dc:creator><dc:creator xml:lang="en">After Ana (1600-50)</dc:creator>'
    )
    assert (found.classification, found.medium) == ("painting", "olieverf, doek")
    assert (found.tags, found.makers) == (("militia", "1642"), ("After Ana",))


def test_places_and_times_are_things_named_within_or_elsewhere() -> None:
    place = label("Place", "https://x.example/p", '<skos:prefLabel xml:lang="nl">Delft</skos:prefLabel>')
    time = label("TimeSpan", "#t", "<edm:begin>1640-01-01</edm:begin><edm:end>1650-12-31</edm:end>")
    found = made_of(
        '<dcterms:spatial rdf:resource="https://x.example/p"/><dcterms:spatial><edm:Place><skos:altLabel>Holland'
        "</skos:altLabel></edm:Place></dcterms:spatial><dcterms:spatial>https://x.example/q</dcterms:spatial>"
        '<dc:date rdf:resource="#t"/>',
        place + time,
    )
    assert (found.place, found.date_text) == ("Delft, Holland", "1640-01-01/1650-12-31")
    assert (found.year_from, found.year_to) == (1640, 1650)


@pytest.mark.parametrize(
    ("properties", "number"),
    [
        ("<dc:identifier>https://id.example/1</dc:identifier><dc:identifier>BK-1</dc:identifier>", "BK-1"),
        ("<dc:identifier>1234</dc:identifier>", "1234"), ("<dc:identifier>urn:x:1</dc:identifier>", None), ("", None),
    ],
)  # fmt: skip
def test_the_number_of_an_object_is_no_address(properties: str, number: str | None) -> None:
    assert made_of(properties).accession_number == number


def test_what_is_covered_stands_in_for_a_place_and_who_contributed_for_a_maker() -> None:
    found = made_of(
        "<dc:coverage>Japan</dc:coverage><dc:contributor>Li</dc:contributor><dcterms:issued>c. 1800</dcterms:issued>"
    )
    assert (found.place, found.makers, found.year_from) == ("Japan", ("Li",), 1800)
    assert made_of("<dc:coverage>Japan</dc:coverage><dcterms:spatial>Arita</dcterms:spatial>").place == "Arita"
