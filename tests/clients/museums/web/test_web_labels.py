# ruff: noqa: E501  a list or table in one line is easier to judge than one in pieces
"""Facts that stand beside labels: in definition lists and tables, in four languages; and what only looks like that."""

from __future__ import annotations

from html import escape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.clients.museums.web import labels
from hived.clients.museums.web.parse import parse_page
from hived.records.artifact import CollectedObject
from tests.clients.museums.web.pages import URL, article, data, meta, page

EN = {
    "Title": "Salt cellar", "Artist": "Ana Čaša (Dutch, 1600–1660)", "Date": "c. 1650–60", "Medium": "Silver", "Dimensions": "12 × 5 cm",
    "Place of origin": "Delft", "Country": "Netherlands", "Culture": "Dutch", "Object type": "Vessel", "Department": "Decorative Arts",
    "Credit line": "Gift of Kofi", "Accession number": "1889.12.3", "Subjects": "fish, waves",
}  # fmt: skip
NL = {
    "Titel": "Zoutvat", "Vervaardiger": "Ana Čaša", "Datering": "17de eeuw", "Materiaal en techniek": "zilver", "Afmetingen": "12 cm",
    "Plaats van vervaardiging": "Delft", "Land": "Nederland", "Stijl": "barok", "Soort object": "vaatwerk", "Afdeling": "Kunstnijverheid",
    "Creditline": "Schenking", "Inventarisnummer": "BK-12", "Trefwoorden": "vissen; golven",
}  # fmt: skip
DE = {
    "Titel": "Salzfass", "Künstler/in": "Ana Čaša", "Datierung": "17. Jh.", "Material/Technik": "Silber", "Maße": "12 cm",
    "Herstellungsort": "Delft", "Land": "Niederlande", "Epoche": "Barock", "Objektart": "Gefäß", "Abteilung": "Kunstgewerbe",
    "Creditline": "Schenkung", "Inv.-Nr.": "K 12", "Schlagworte": "Fische, Wellen",
}  # fmt: skip
FR = {
    "Titre": "Salière", "Artiste": "Ana Čaša", "Datation": "XVIIe siècle", "Matériaux et techniques": "argent", "Dimensions": "12 cm",
    "Lieu de création": "Delft", "Pays": "Pays-Bas", "Époque": "baroque", "Type d’objet": "récipient", "Département": "Objets d’art",
    "Crédits": "Don", "N° d’inventaire": "OA 12", "Mots-clés": "poissons, vagues",
}  # fmt: skip


def listed(facts: dict[str, str]) -> str:
    return (
        "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items()) + "</dl>"
    )


def wrapped(facts: dict[str, str]) -> str:
    return (
        "<dl>"
        + "".join(
            f"<div class=row><dt><span>{escape(name)}:</span></dt><dd><p>{escape(value)}</p></dd></div>"
            for name, value in facts.items()
        )
        + "</dl>"
    )


def headed(facts: dict[str, str]) -> str:
    return (
        "<table>"
        + "".join(
            f"<tr><th scope=row>{escape(name)} :</th><td>{escape(value)}</td></tr>" for name, value in facts.items()
        )
        + "</table>"
    )


def columns(facts: dict[str, str]) -> str:
    return (
        "<table><caption>Details</caption><tbody>"
        + "".join(
            f"<tr>\n<td><b>{escape(name.upper())}</b></td>\n<td>{escape(value)}</td></tr>"
            for name, value in facts.items()
        )
        + "</table>"
    )


def read(body: str, head: str = "") -> CollectedObject:
    return parse_page(article(body, head), URL, 1.0).object


def told(found: CollectedObject) -> dict[str, Any]:
    names = (
        "makers",
        "date_text",
        "year_from",
        "medium",
        "dimensions",
        "place",
        "culture",
        "classification",
        "department",
        "credit",
        "accession_number",
        "tags",
    )
    return {name: value for name in names if (value := getattr(found, name))}


@pytest.mark.parametrize("form", [listed, wrapped, headed, columns])
@pytest.mark.parametrize(
    ("facts", "year", "place", "tags"),
    [
        (EN, 1650, "Delft, Netherlands", ("fish", "waves")),
        (NL, 1600, "Delft, Nederland", ("vissen", "golven")),
        (DE, 1600, "Delft, Niederlande", ("Fische", "Wellen")),
        (FR, 1600, "Delft, Pays-Bas", ("poissons", "vagues")),
    ],
    ids=["en", "nl", "de", "fr"],
)
def test_every_known_fact_is_read_in_every_form_and_language(
    form: Any, facts: dict[str, str], year: int, place: str, tags: tuple[str, ...]
) -> None:
    found = read(form(facts))
    values = list(facts.values())
    assert (found.title, found.makers, found.date_text, found.year_from) == (values[0], ("Ana Čaša",), values[2], year)
    assert (found.medium, found.dimensions, found.place, found.culture) == (values[3], values[4], place, values[7])
    assert (found.classification, found.department, found.credit) == (values[8], values[9], values[10])
    assert (found.accession_number, found.tags) == (values[11], tags)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<dl><dt>Artist<dt>Designer<dd>Ana<dd>Kofi; Li<dt>Medium<dd>Oil<dd>Panel</dl>", {"makers": ("Ana", "Kofi", "Li", "Ana (Designer)", "Kofi (Designer)", "Li (Designer)"), "medium": "Oil, Panel"}),
        ("<dl><dt>Medium</dt><dd><a href=/a>Oil</a>, <a href=/b>panel</a></dd><dt>Subjects</dt><dd><a href=/a>Birds</a><a href=/b>Millet</a></dd></dl>", {"medium": "Oil, panel", "tags": ("Birds", "Millet")}),
        ("<dl><dt>Medium</dt><dd>Oil on <a href=/a>panel</a> and <a href=/b>gold</a></dd><dt>Date</dt><dd>1650</dd></dl>", {"medium": "Oil on panel and gold", "date_text": "1650", "year_from": 1650}),
        ("<dl><dt>Dimensions</dt><dd>Overall: 12 cm<br>Frame: 20 cm</dd><dt>Artist(s)</dt><dd><ul><li>Ana<li>Li</ul></dd></dl>", {"dimensions": "Overall: 12 cm; Frame: 20 cm", "makers": ("Ana", "Li")}),
        ("<dl><dt>Fundort</dt><dd>Troja</dd><dt>Inventarnr.</dt><dd>Sch 12</dd></dl>", {"place": "Troja", "accession_number": "Sch 12"}),
        ("<dl><dt>Find spot</dt><dd>Troy</dd><dt>Place made</dt><dd>Athens, Greece</dd><dt>Country</dt><dd>Greece</dd></dl>", {"place": "Athens, Greece"}),
        ("<dl><dt>Materials</dt><dd>Oil</dd></dl><dl><dt>Inventory number</dt><dd>1.2</dd><dt>Date</dt><dd>1650</dd></dl>", {"accession_number": "1.2", "date_text": "1650", "year_from": 1650}),
        ("<dl><dt>Medium</dt><dd>Oil</dd><dt>Artist</dt><dd>Ana</dd></dl><dl><dt>Inv. No.</dt><dd>1.2</dd><dt>Medium</dt><dd>Wax</dd></dl>", {"medium": "Oil", "makers": ("Ana",), "accession_number": "1.2"}),
        ("<table><thead><tr><th colspan=2>Details</th></tr></thead><tr><th>Technique<td>Oil<tr><th>Artist<td>Ana</table>", {"medium": "Oil", "makers": ("Ana",)}),
        ("<dl><dt>Technik</dt><dd>Öl</dd><dt>Artist</dt><dd></dd><dt>Provenance</dt><dd>Ana, 1650</dd><dt>Datierung</dt><dd>um 1650</dd></dl>", {"medium": "Öl", "date_text": "um 1650", "year_from": 1650}),
        ("<dl><dt>Medium</dt><dd>Oil</dd><dt>Accession number</dt><dd>https://museum.example/1</dd><dt>Date</dt><dd>n.d.</dd></dl>", {"medium": "Oil", "date_text": "n.d."}),
    ],
)  # fmt: skip
def test_lists_and_tables_are_read_as_they_are_written(body: str, expected: dict[str, Any]) -> None:
    assert told(read(body)) == expected


@pytest.mark.parametrize(
    "body",
    [
        "<dl><dt>Medium</dt><dd>Oil</dd></dl>",
        "<dl><dt>Date</dt><dd>12 May 2024</dd><dt>Place</dt><dd>Room 5</dd><dt>Author</dt><dd>The press office</dd></dl>",
        "<table><tr><th>Type<td>image/jpeg<tr><th>Size<td>2.3 MB<tr><th>Date<td>2019-05-01</table>",
        "<table><tr><th>Title<th>Artist<tr><td>Salt<td>Ana<tr><td>Medium<td>Oil<tr><td>Artist<td>Li</table>",
        "<table><tr><th>Title<th>Artist<th>Medium<tr><td>Salt<td>Ana<td>Oil</table>",
        "<table><tr><td>Name<td>Year<td>x<tr><td>Medium<td>Oil<tr><td>Artist<td>Ana</table>",
        "<div hidden><dl><dt>Medium</dt><dd>Oil</dd><dt>Artist</dt><dd>Ana</dd></dl></div>",
        "<dl style='display:none'><dt>Medium</dt><dd>Oil</dd><dt>Artist</dt><dd>Ana</dd></dl>",
        "<dl><div hidden><dt>Medium</dt><dd>Oil</dd></div><dt>Artist</dt><dd>Ana</dd></dl>",
        "<aside><dl><dt>Medium</dt><dd>Oil</dd><dt>Artist</dt><dd>Ana</dd></dl></aside>",
        "<div class=related><dl><dt>Medium</dt><dd>Oil</dd><dt>Artist</dt><dd>Ana</dd></dl></div>",
        "<dl><dt>Medium</dt><dd>Oil</dd><dt>Inv. no.</dt><dd>1.1</dd></dl><dl><dt>Medium</dt><dd>Wax</dd><dt>Inv. no.</dt><dd>1.2</dd></dl>",
        "<dl><dt>Location</dt><dd>Room 5</dd><dt>Herkomst</dt><dd>Ana</dd><dt>Unknown label</dt><dd>x</dd></dl>",
        "<dl><dd>Oil</dd><dt>Medium</dt></dl>", "<dl></dl><table></table>", "<table><tr><td>Medium<td>Oil</table>",
    ],
)  # fmt: skip
def test_what_is_no_object_or_several_tells_nothing(body: str) -> None:
    assert told(read(body)) == {}


def test_lists_outside_of_the_main_part_are_not_read() -> None:
    assert told(parse_page(page(f"<main><h1>A bowl</h1></main>{listed(EN)}"), URL, 1.0).object) == {}


def test_a_file_s_size_is_no_dimension() -> None:
    assert told(read(listed({"Medium": "Oil", "Size": "640 px", "Dimensions": "12 cm"}))) == {
        "medium": "Oil",
        "dimensions": "12 cm",
    }


def test_what_a_thing_says_of_itself_comes_first_then_labels_then_the_head() -> None:
    head = (
        data('{"@type":"VisualArtwork","name":"Salt","artMedium":"Gold"}')
        + meta("DC.creator", "The web team")
        + meta("DC.rights", "©")
    )
    found = read(
        listed(EN), head + meta("DC.type", "Text") + meta("DC.coverage", "World") + meta("DCTERMS.provenance", "x")
    )
    assert (found.title, found.medium, found.makers, found.place) == (
        "Salt",
        "Gold",
        ("Ana Čaša",),
        "Delft, Netherlands",
    )
    assert (found.classification, found.credit) == ("Vessel", "Gift of Kofi")


@given(
    st.lists(st.tuples(st.sampled_from([*EN, *DE, *FR, "x", ""]), st.text(max_size=30)), max_size=8),
    st.sampled_from([listed, wrapped, headed, columns]),
)
def test_whatever_stands_beside_labels_is_plain_and_bounded(facts: list[tuple[str, str]], form: Any) -> None:
    found = read(form(dict(facts)))
    for value in told(found).values():
        assert isinstance(value, int) or all(
            0 < len(part) <= 400 and "\n" not in part for part in ([value] if isinstance(value, str) else value)
        )
    assert None in (found.year_from, found.year_to) or (found.year_from or 0) <= (found.year_to or 0)


@pytest.mark.parametrize(
    "body",
    [
        "<dl>" + "<dt>Artist</dt><dd>A</dd><dt>Medium</dt>" * 9000 + "</dl>",
        "<dl><dt>Medium</dt><dt>Artist</dt>" + "".join(f"<dd>maker {n}</dd>" for n in range(9000)) + "</dl>",
        "<dl>" + "<dt>Artist</dt>" * 9000 + "<dd>A</dd><dt>Medium</dt><dd>B</dd></dl>",
        "<table>" + "<tr><td>Artist<td>A<tr><td>Medium<td>B" * 9000 + "</table>",
        "<dl><dt>Artist</dt><dd>A</dd><dt>Medium</dt><dd>B</dd></dl>" * 900,
        "<table><tr><td>Artist<td>A<tr><td>Medium<td>" * 150,
        "<dl><dt>Artist<dd>A<dt>Medium<dd>" + "x" * 100_000,
        "<dl><dt>" + "Artist" * 20_000 + "<dd>A<dt>Medium<dd>x</dl>",
        "<dl><dt>Artist<dd>A<dt>Subjects<dd>" + "".join(f"<a href=/{n}>t{n}</a>" for n in range(5000)) + "<dt>Medium<dd>B</dl>",
    ],
)  # fmt: skip
def test_what_is_monstrous_is_cut(body: str) -> None:
    found = read(body)
    assert len(found.makers) <= 8
    assert len(found.tags) <= 32
    assert all(len(value or "") <= 400 for value in (found.medium, *found.makers))


def test_every_label_has_one_meaning_and_is_written_as_it_is_looked_up() -> None:
    known = [label for told in labels._LABELS.values() for label in told.split("|")]
    assert len(known) == len(set(known))
    assert [label for label in known if labels.field_of(label.title() + ":") is None] == []
    assert set(labels._WEAK) <= set(known)
