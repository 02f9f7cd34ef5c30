# ruff: noqa: E501  a case in one line is easier to judge than one in pieces
"""What things say of themselves: places within places, roles, sizes with units, numbers, languages; Dublin Core's terms."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.clients.museums.web.items import Item
from hived.clients.museums.web.parse import parse_page
from hived.records.artifact import CC0, CollectedObject
from tests.clients.museums.web.pages import URL, article, data, link
from tests.clients.museums.web.test_web_facts import made_of

JAPAN = {"@type": "Country", "name": "Japan"}


def of_head(metas: dict[str, str]) -> CollectedObject:
    head = "".join(f'<meta name="{name}" content="{content}">' for name, content in metas.items())
    return parse_page(article("", head + link(CC0)), URL, 1.0).object


@pytest.mark.parametrize(
    ("told", "place"),
    [
        ({"locationCreated": "Arita, Japan"}, "Arita, Japan"), ({"locationCreated": ["Arita", "Edo"]}, "Arita; Edo"),
        ({"locationCreated": {"@type": "Place", "name": "Arita", "containedInPlace": JAPAN}}, "Arita, Japan"),
        ({"locationCreated": {"name": "Arita, Japan", "containedInPlace": JAPAN}}, "Arita, Japan"),
        ({"locationCreated": {"@type": "Place", "address": {"@type": "PostalAddress", "addressLocality": "Arita", "addressRegion": "Saga", "addressCountry": JAPAN}}}, "Arita, Saga, Japan"),
        ({"locationCreated": {"address": "Arita"}}, "Arita"), ({"locationCreated": {"geo": {"latitude": 33.2, "longitude": 129.9}}}, None),
        ({"locationCreated": {"@id": "https://places.example/1"}}, None), ({"locationCreated": "https://places.example/1"}, None),
        ({"locationCreated": {"name": "a", "containedInPlace": {"name": "b", "containedInPlace": {"name": "c", "containedInPlace": {"name": "d", "containedInPlace": {"name": "e"}}}}}}, "a, b, c, d"),
        ({"productionPlace": {"name": "Arita"}, "spatialCoverage": "Edo"}, "Arita"), ({"findspot": "Troy", "countryOfOrigin": "Turkey"}, "Troy"),
        ({"placeOfOrigin": {"@list": [{"name": "Arita"}]}}, "Arita"), ({"dcterms:spatial": {"@value": "Arita", "@language": "en"}}, "Arita"),
        ({"locationCreated": {"name": "Mexico City", "country": "Mexico"}}, "Mexico City, Mexico"),
        ({"geoLocation": {"name": "Arita"}}, "Arita"), ({"http://purl.org/dc/terms/spatial": "Arita"}, "Arita"),
        ({"city": "Arita", "region": "Saga", "country": JAPAN}, "Arita, Saga, Japan"), ({"countryOfOrigin": JAPAN}, "Japan"),
        ({"locationCreated": {"city": "Arita", "country": "Japan"}}, "Arita, Japan"), ({"contentLocation": "Venice"}, None),
        ({"locationCreated": None, "spatial": [None, 7, "Arita"]}, "7; Arita"), ({"locationCreated": {"name": ["Arita", "Arita-chō"]}}, "Arita"),
    ],
)  # fmt: skip
def test_a_place_is_read_in_all_its_forms(told: dict[str, object], place: str | None) -> None:
    assert made_of(**told).place == place


def test_what_a_work_shows_is_a_subject_and_no_origin() -> None:
    found = made_of(
        contentLocation={"name": "Venice", "addressCountry": "Italy"}, keywords="canals", about={"name": "Boats"}
    )
    assert (found.place, found.tags) == (None, ("canals", "Boats", "Venice, Italy"))


@pytest.mark.parametrize(
    ("creator", "makers"),
    [
        ([{"@type": "Role", "roleName": "engraver", "creator": {"name": "Li"}}, {"name": "Ana"}], ("Li (engraver)", "Ana")),
        ({"@type": "Role", "roleName": {"@type": "DefinedTerm", "name": "publisher"}, "creator": [{"name": "Li"}, "Kofi"]}, ("Li (publisher)", "Kofi (publisher)")),
        ({"role": "printer", "agent": {"@type": ["Person", "Thing"], "givenName": "Ana", "familyName": "Čaša"}}, ("Ana Čaša (printer)",)),
        ({"@type": ["Person", "schema:Person"], "name": {"@value": "Ana", "@language": "en"}}, ("Ana",)),
        ({"@type": "Role", "roleName": "https://vocab.example/1", "creator": "Ana"}, ("Ana",)), ({"name": "Zoë", "role": "sitter"}, ()),
        ({"@type": "Person", "name": "Ana", "role": "artist"}, ("Ana",)), ("https://people.example/1", ()), ([], ()), ([None, 7, True], ("7",)),
        ({"@type": "Role", "creator": {"@type": "Role", "roleName": "weaver", "creator": {"name": "Ana"}}}, ("Ana (weaver)",)),
        ([{"name": f"maker {n}"} for n in range(20)], tuple(f"maker {n}" for n in range(8))),
    ],
)  # fmt: skip
def test_makers_are_told_with_their_roles(creator: object, makers: tuple[str, ...]) -> None:
    assert made_of(creator=creator).makers == makers


def test_makers_of_several_properties_come_together() -> None:
    assert made_of(
        creator="Ana", contributor={"@type": "Role", "roleName": "printer", "contributor": "Li"}, artist=["Ana", "Kofi"]
    ).makers == ("Ana", "Kofi", "Li (printer)")


@pytest.mark.parametrize(
    ("told", "size"),
    [
        ({"height": {"@type": "Distance", "name": "12 cm"}, "width": "5 cm"}, "height 12 cm; width 5 cm"),
        ({"height": {"@type": "QuantitativeValue", "value": 12.5, "unitCode": "CMT"}}, "height 12.5 cm"),
        ({"height": {"value": "12", "unitText": "cm"}, "diameter": {"value": 3, "unitCode": "INH"}}, "height 12 cm; diameter 3 in"),
        ({"size": {"@type": "QuantitativeValue", "value": 12, "unitCode": "MMT"}}, "12 mm"), ({"size": "12 x 5 cm", "height": "3"}, "12 x 5 cm"),
        ({"size": [{"name": "Height", "value": 12, "unitText": "cm"}, {"name": "Width", "value": 5, "unitText": "cm"}]}, "Height 12 cm; Width 5 cm"),
        ({"dcterms:extent": ["12 cm", "2 sheets"]}, "12 cm; 2 sheets"), ({"height": {"unitCode": "CMT"}}, None), ({"height": {"value": 12, "unitCode": "ZZZ"}}, "height 12"),
    ],
)  # fmt: skip
def test_sizes_keep_their_units(told: dict[str, object], size: str | None) -> None:
    assert made_of(**told).dimensions == size


@pytest.mark.parametrize(
    ("told", "number"),
    [
        ({"identifier": "1889.12.3"}, "1889.12.3"), ({"identifier": "45734"}, None), ({"identifier": ["https://x.example/1", "SK-C-5"]}, "SK-C-5"),
        ({"identifier": {"@type": "PropertyValue", "propertyID": "Accession Number", "value": "45734"}}, "45734"),
        ({"identifier": {"@type": "PropertyValue", "name": "Inventarisnummer", "value": "BK-12"}}, "BK-12"),
        ({"identifier": [{"propertyID": "Wikidata", "value": "Q1-2"}, {"propertyID": "https://x.example/p", "name": "Inv. no.", "value": "12"}]}, "12"),
        ({"identifier": {"@type": "PropertyValue", "propertyID": "ULAN", "value": "500-1"}}, None), ({"identifier": {"value": "SK-C-5"}}, "SK-C-5"),
        ({"accessionNumber": "45734", "identifier": "1.2"}, "45734"), ({"dc:identifier": "1.2.3"}, "1.2.3"), ({"identifier": {"@value": "1.2.3"}}, "1.2.3"),
        ({"additionalProperty": {"name": "Accession number", "value": "45734"}}, "45734"),
    ],
)  # fmt: skip
def test_a_number_is_that_of_the_museum(told: dict[str, object], number: str | None) -> None:
    assert made_of(**told).accession_number == number


def test_properties_beside_those_of_schema_org_are_read_by_their_labels() -> None:
    more = [
        {"@type": "PropertyValue", "name": "Material", "value": "Silber"}, {"name": "Fundort", "value": {"name": "Troja"}},
        {"name": "Höhe", "value": "3"}, {"propertyID": "Datierung", "value": "um 1650"}, {"name": "Dimensions", "value": 12, "unitText": "cm"}, "x",
    ]  # fmt: skip
    found = made_of(additionalProperty=more)
    assert (found.medium, found.place, found.date_text, found.year_from, found.dimensions) == (
        "Silber",
        "Troja",
        "um 1650",
        1650,
        "12 cm",
    )


@pytest.mark.parametrize(
    ("value", "title"),
    [
        ([{"@value": "De Nachtwacht", "@language": "nl"}, {"@value": "The Night Watch", "@language": "en-GB"}], "The Night Watch"),
        ([{"@value": "De Nachtwacht", "@language": "nl"}, "Night Watch"], "Night Watch"), ({"@value": "De Nachtwacht", "@language": "nl"}, "De Nachtwacht"),
        ({"nl": "De Nachtwacht", "en": ["The Night Watch"]}, "The Night Watch"), ({"de": "Die Nachtwache"}, "Die Nachtwache"), ({"@value": 1642}, "1642"),
        ({"@set": [{"@value": "A", "@language": 7}]}, "A"), ({"@value": {"x": 1}}, "A bowl"), ({"@value": None}, "A bowl"), ({"id": "x"}, "A bowl"),
    ],
)  # fmt: skip
def test_of_several_languages_english_is_told(value: object, title: str) -> None:
    assert made_of(name=value).title == title


def test_each_property_is_told_in_one_language_but_every_licence_counts() -> None:
    both = [
        {"@value": "olieverf", "@language": "nl"},
        {"@value": "oil", "@language": "en"},
        {"@value": "doek", "@language": "nl"},
    ]
    found = made_of(artMedium=both, keywords={"nl": ["a", "b"], "fr": "c"})
    assert (found.medium, found.tags) == ("oil", ("a", "b"))
    by = "https://creativecommons.org/licenses/by/4.0/"
    assert made_of(license=[{"@value": CC0, "@language": "en"}, {"@value": by, "@language": "nl"}]).licence is None
    assert made_of(copyrightNotice={"nl": "© Erven", "en": ""}).licence is None


@pytest.mark.parametrize(
    ("told", "date", "years"),
    [
        ({"dateCreated": {"@value": "1642", "@type": "xsd:gYear"}}, "1642", (1642, 1642)), ({"dateCreated": ["1642", "1700"]}, "1642", (1642, 1642)),
        ({"dateCreated": {"startDate": "1640", "endDate": "1650"}}, "1640/1650", (1640, 1650)), ({"dateCreated": {"name": "Edo period"}}, "Edo period", (None, None)),
        ({"temporalCoverage": "1640/.."}, "1640/..", (1640, None)), ({"dateCreated": 1642}, "1642", (1642, 1642)), ({"dateCreated": {}}, None, (None, None)),
        ({"dateCreated": "0000-00-00"}, "0000-00-00", (None, None)), ({"datePublished": "2020-01-01", "dateModified": "2021"}, None, (None, None)),
    ],
)  # fmt: skip
def test_dates_are_text_with_years(
    told: dict[str, object], date: str | None, years: tuple[int | None, int | None]
) -> None:
    found = made_of(**told)
    assert (found.date_text, (found.year_from, found.year_to)) == (date, years)


def test_kinds_and_cultures_are_words_and_the_type_stands_in() -> None:
    found = made_of(
        additionalType=["https://vocab.example/1", {"name": "Vessel"}],
        culture=["Dutch", "Frisian"],
        artform="Silverwork",
    )
    assert (found.classification, found.culture) == ("Silverwork, Vessel", "Dutch; Frisian")
    assert (made_of().classification, made_of(**{"@type": ["Thing", "VisualArtwork"]}).classification) == (
        "Painting",
        None,
    )


@pytest.mark.parametrize(
    ("metas", "expected"),
    [
        ({"DC.date.created": "1650", "DC.date.modified": "2020"}, {"date_text": "1650"}), ({"DC.date.modified": "2020", "dcterms.modified": "2020"}, {"date_text": None}),
        ({"DC.date": "2023-04-01"}, {"date_text": None}), ({"DC.Date": "1889-05-12"}, {"date_text": "1889-05-12"}), ({"DC.date": "2023-04-01T10:00:00Z", "dc:issued": "c. 1650"}, {"date_text": "c. 1650"}),
        ({"DC.coverage.temporal": "1650–60", "DC.coverage.spatial": "Arita"}, {"date_text": "1650–60", "place": "Arita"}), ({"DC.coverage": "Arita"}, {"place": "Arita"}),
        ({"DC.format.extent": "12 cm", "DC.format.medium": "Silver"}, {"dimensions": "12 cm", "medium": "Silver"}), ({"DC.format": "text/html"}, {"medium": None}),
        ({"DC.Format": "Oil on canvas"}, {"medium": "Oil on canvas"}), ({"DC.type": "Physical Object", "DCTERMS.type": "Vase"}, {"classification": "Vase"}), ({"DC.type": "Text"}, {"classification": None}),
        ({"DC.identifier": "https://m.example/1", "dc.identifier.local": "SK-C-5"}, {"accession_number": "SK-C-5"}), ({"dct:spatial": "https://places.example/1"}, {"place": None}),
        ({"dcterms:creator": "Ana (1600–1660)", "DC.contributor.author": "Li"}, {"makers": ("Ana", "Li")}), ({"DC.title.alternative": "Other", "DC.title": "Salt"}, {"title": "Salt"}),
        ({"DCX.title": "x", "dcterms": "y", "xdc.title": "z"}, {"title": "A bowl"}), ({"DC.subject": "a, b", "dcterms.subject": "c"}, {"tags": ("a", "b", "c")}),
    ],
)  # fmt: skip
def test_dublin_core_is_read_with_its_refinements(metas: dict[str, str], expected: dict[str, object]) -> None:
    found = of_head(metas)
    assert {name: getattr(found, name) for name in expected} == expected


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 2**70)
    | st.text(max_size=12)
    | st.sampled_from(["https://x.example/", "1650", "Role"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "@type",
                    "@id",
                    "@value",
                    "@language",
                    "name",
                    "creator",
                    "roleName",
                    "address",
                    "containedInPlace",
                    "value",
                    "en",
                    "nl",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "name",
                "creator",
                "contributor",
                "locationCreated",
                "spatialCoverage",
                "identifier",
                "height",
                "size",
                "additionalProperty",
                "dateCreated",
                "keywords",
                "artMedium",
                "contentLocation",
            ]
        ),
        JSON,
        max_size=6,
    )
)
def test_whatever_a_thing_says_is_plain_and_bounded(told: dict[str, object]) -> None:
    found = made_of(**told)
    texts = [
        found.title,
        found.place,
        found.medium,
        found.dimensions,
        found.date_text,
        found.accession_number,
        *found.makers,
        *found.tags,
    ]
    assert all(one is None or (0 < len(one) <= 400 and "\n" not in one) for one in texts)
    assert len(found.makers) <= 8
    assert 0 not in (found.year_from, found.year_to)


def test_places_and_roles_in_a_circle_or_without_end_stop() -> None:
    place = {"@id": "#p", "name": "Arita", "containedInPlace": {"@id": "#p"}}
    work = {"@type": "Painting", "name": "x", "license": CC0, "locationCreated": {"@id": "#p"}}
    assert parse_page(article("", data(json.dumps({"@graph": [place, work]}))), URL, 1.0).object.place == "Arita"
    wide: dict[str, object] = {"name": "p"}
    for _ in range(4):
        wide = {"name": "p", "containedInPlace": [wide] * 2, "address": [wide] * 2}
    assert made_of(locationCreated=wide).place == "p"
    deep: object = "Ana"
    for _ in range(9):
        deep = {"@type": "Role", "creator": deep}
    assert made_of(creator=deep).makers == ()


@pytest.mark.parametrize(
    ("name", "kind"), [("locationCreated", "containedInPlace"), ("creator", "creator"), ("keywords", "keywords")]
)
def test_things_that_name_each_other_do_not_multiply(name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, values = 0, Item.values

    def counted(self: Item, *names: str) -> list[str | Item]:
        nonlocal asked
        asked += 1
        return values(self, *names)

    monkeypatch.setattr(Item, "values", counted)
    everyone = [{"@id": f"#{n}"} for n in range(40)]
    graph: list[dict[str, object]] = [{"@type": "Role", "@id": f"#{n}", kind: everyone} for n in range(40)]
    work = {"@type": "Painting", "name": "x", "license": CC0, name: everyone}
    parse_page(article("", data(json.dumps({"@graph": [*graph, work]}))), URL, 1.0)
    assert asked < 200_000
