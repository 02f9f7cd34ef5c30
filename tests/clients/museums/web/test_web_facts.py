"""What pages say of one object in JSON-LD and Dublin Core, as people write it: lists, roles, licences."""

from __future__ import annotations

import json

import pytest

from hived.clients.museums.web.parse import parse_page
from hived.records.artifact import CC0, CollectedObject, Licence
from tests.clients.museums.web.pages import URL, article, data, link

BY_NC = "https://creativecommons.org/licenses/by-nc/4.0/"


def made_of(**properties: object) -> CollectedObject:
    """The object of a page that describes it so in JSON-LD."""
    told = {"@type": "Painting", "name": "Salt", "license": CC0} | properties
    return parse_page(article("", data(json.dumps(told))), URL, 1.0).object


@pytest.mark.parametrize(
    "licence",
    [
        {"@set": [CC0, BY_NC]}, {"@list": [CC0, BY_NC]}, {"@set": [BY_NC, CC0]}, [CC0, BY_NC],
        {"@set": [CC0, {"@list": [CC0, {"@id": BY_NC}]}]}, {"@set": CC0, "@list": [BY_NC]}, [[CC0], [[BY_NC]]],
        {"@id": CC0, "url": BY_NC}, {"@id": BY_NC, "url": CC0}, {"@id": CC0, "url": [CC0, CC0, CC0, CC0, BY_NC]},
        {"@type": "CreativeWork", "@id": CC0, "sameAs": BY_NC}, {"@id": CC0, "url": {"@id": BY_NC}},
        {"@id": CC0, "license": BY_NC}, [*[CC0] * 70, BY_NC], {"@set": [CC0] * 64 + [BY_NC]},
        {"@id": "_:b0", "url": BY_NC}, [{"@value": CC0}, {"@value": BY_NC}],
    ],
)  # fmt: skip
def test_of_several_licences_the_strictest_counts_however_they_are_listed(licence: object) -> None:
    found = made_of(license=licence, image="https://museum.example/p.jpg")
    assert (found.licence, found.image_url) == (None, None)


@pytest.mark.parametrize(
    "licence",
    [
        CC0, {"@set": [CC0]}, {"@list": [CC0, CC0]}, {"@id": CC0, "url": CC0}, {"@set": [{"@id": CC0}, CC0]},
        {"@id": "_:b0", "url": CC0}, {"@id": "#licence", "url": CC0}, {"@id": CC0, "name": "CC0 1.0 Universal"},
        {"@id": CC0, "sameAs": "https://www.wikidata.org/wiki/Q6938433"}, {"@value": CC0}, [CC0, {"@set": []}],
    ],
)  # fmt: skip
def test_a_licence_that_is_open_in_all_its_values_clears(licence: object) -> None:
    assert made_of(license=licence).licence == Licence(CC0, "json-ld license", 1.0, "work")


def test_lists_keep_all_their_makers_and_keywords() -> None:
    found = made_of(creator={"@list": ["A", {"@type": "Person", "name": "B"}]}, keywords={"@set": ["x", "y, z"]})
    assert (found.makers, found.tags) == (("A", "B"), ("x", "y", "z"))


@pytest.mark.parametrize(
    ("creator", "makers"),
    [
        ({"@type": "Role", "creator": {"@type": "Person", "name": "Ana"}, "roleName": "engraver"}, ("Ana (engraver)",)),
        ([{"@type": "Role", "creator": [{"name": "Ana"}, "Kofi"]}, "Li"], ("Ana", "Kofi", "Li")),
        ({"@type": "OrganizationRole", "creator": {"@type": "Role", "creator": "Ana"}}, ("Ana",)),
        ({"@type": "Person", "givenName": "Ana", "familyName": "Čaša"}, ("Ana Čaša",)),
        ({"@type": "Person", "familyName": "Čaša"}, ("Čaša",)),
        ({"@type": "Person", "name": "Ana &amp; Co", "givenName": "x"}, ("Ana & Co",)),
        ({"@type": "Role", "roleName": "engraver"}, ()),
    ],
)
def test_makers_are_read_as_roles_and_by_parts_of_their_names(creator: object, makers: tuple[str, ...]) -> None:
    assert made_of(creator=creator).makers == makers


def test_roles_in_a_circle_end() -> None:
    role = {"@type": "Role", "@id": "#r", "creator": {"@id": "#r"}}
    graph = [role, {"@type": "Painting", "name": "x", "license": CC0, "creator": {"@id": "#r"}}]
    assert parse_page(article("", data(json.dumps({"@graph": graph}))), URL, 1.0).object.makers == ()


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Salt &amp; Pepper &#39;set&#39;", "Salt & Pepper 'set'"), ("x<br/>y", "x y"), ("<p>A</p><p>B</p>", "A B"),
        ("a<i>b</i>c", "abc"), ("Caf&eacute; &#x2013; 1889", "Café – 1889"), ("AT&T &copy 1889", "AT&T &copy 1889"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"), ("<ul><li>A</li><li>B</li></ul>", "A B"), ("a &nosuch; b", "a &nosuch; b"),
        ("5 &lt; 6", "5 < 6"), ("A&#0;&#x1F600;&nbsp;B", "A\ufffd\U0001f600 B"),
    ],
)  # fmt: skip
def test_references_are_read_once_and_blocks_part_words(name: str, title: str) -> None:
    assert made_of(name=name).title == title
    assert made_of(creator=name).makers == (title,)


def test_dublin_core_in_the_head_tells_all_its_facts() -> None:
    metas = {
        "DC.title": "Bowl", "DCTERMS.created": "c. 1650–60", "DC.date": "2023-04-01", "DC.type": "Ceramics",
        "DC.subject": "birds; millet", "dc:coverage": "Japan", "DCTERMS.spatial": "Arita",
        "dcterms:medium": "Porcelain", "DCTERMS.extent": "12 cm", "dct.creator": "Ana", "DC.Contributor": "Kofi",
        "DC.Identifier": "1889.12.3",
    }  # fmt: skip
    head = "".join(f'<meta name="{name}" content="{content}">' for name, content in metas.items()) + link(CC0)
    found = parse_page(article("<p>x", head), URL, 1.0).object
    assert (found.title, found.makers, found.date_text) == ("Bowl", ("Ana", "Kofi"), "c. 1650–60")
    assert (found.year_from, found.year_to, found.place) == (1650, 1660, "Arita")
    assert (found.medium, found.dimensions, found.classification) == ("Porcelain", "12 cm", "Ceramics")
    assert (found.accession_number, found.tags) == ("1889.12.3", ("birds", "millet"))


def test_what_a_thing_says_of_itself_counts_more_than_the_head() -> None:
    head = (
        '<meta name="DC.date" content="1900"><meta name="DC.creator" content="x"><meta name="DC.type" content="Print">'
    )
    told = {"@type": "Painting", "name": "Salt", "license": CC0, "dateCreated": "unknown", "creator": "Ana"}
    found = parse_page(article("", head + data(json.dumps(told))), URL, 1.0).object
    assert (found.makers, found.date_text, found.year_from) == (("Ana",), "unknown", None)
    assert found.classification == "Print"
