"""What labels beside facts mean: in definition lists, tables and properties, in English, Dutch, German and French."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hived.clients.museums import accession, dates, makers, text
from hived.clients.museums.web.facts import MAX_MAKERS, MAX_TAGS, Facts

MAX_LABEL = 60

# No label of several meanings: "provenance" and "herkomst" may be who owned a thing, "location" where it hangs now.
_LABELS = {
    "title": "title|object title|work title|titel|werktitel|titre",
    "makers": "artist|artists|artist/maker|maker|makers|creator|creators|author|authors|artist or maker|made by"
    "|kunstenaar|vervaardiger|vervaardigers|künstler|künstlerin|künstler/in|künstler*in|künstler in|hersteller"
    "|urheber|artiste|artistes|auteur|auteurs|créateur|fabricant",
    "roles": "painter|photographer|designer|engraver|printmaker|printer|publisher|sculptor|architect|manufacturer"
    "|weaver|schilder|fotograaf|ontwerper|prentmaker|graveur|uitgever|drukker|beeldhouwer|maler|fotograf"
    "|entwerfer|stecher|verleger|drucker|bildhauer|peintre|photographe|dessinateur|sculpteur|éditeur|imprimeur",
    "date": "date|dated|dates|date made|date created|creation date|date of creation|production date"
    "|date of production|year|date of work|datering|datum|jaar|vervaardigingsdatum|productiedatum|datierung"
    "|entstehungszeit|entstehungsjahr|jahr|herstellungsdatum|entstehungsdatum|datation|date de création|année"
    "|date de production|date d'exécution",
    "medium": "medium|media|material|materials|technique|techniques|materials and techniques"
    "|materials & techniques|material and technique|material/technique|materials/techniques|medium and support"
    "|materiaal|materialen|techniek|technieken|materiaal en techniek|materiaal & techniek|materiaal/techniek"
    "|materialien|technik|material und technik|material & technik|material/technik|matériau|matériaux|matière"
    "|matières|matériaux et techniques|matière et technique|matières et techniques|technique et matériaux"
    "|matériaux et technique",
    "dimensions": "dimensions|dimension|measurements|measurement|size|extent|overall dimensions|afmetingen"
    "|afmeting|formaat|maten|maße|masse|maßangaben|abmessungen|größe|format|mesures|taille",
    "place": "place|place of origin|origin|place made|place of production|production place|place of manufacture"
    "|made in|place of creation|geography|plaats|plaats van vervaardiging|vervaardigingsplaats|productieplaats"
    "|plaats van herkomst|ort|herstellungsort|entstehungsort|herkunftsort|lieu|lieu de création"
    "|lieu de production|lieu de fabrication|origine|lieu d'origine|lieu d'exécution",
    "found": "findspot|find spot|find site|place found|excavation site|vindplaats|fundort|fundstelle"
    "|lieu de découverte",
    "within": "city|region|state|country|country of origin|stad|regio|land|stadt|ville|région|pays|pays d'origine",
    "culture": "culture|cultures|cultural context|culture/period|period|period/culture|style|dynasty|cultuur"
    "|stijl|stroming|periode|kultur|kulturkreis|stil|epoche|époque|période",
    "classification": "classification|object type|type of object|type|object name|category|categories|object"
    "|objecttype|soort object|objectsoort|objectnaam|categorie|objekttyp|objektart|objektbezeichnung|sachgruppe"
    "|gattung|kategorie|typ|type d'objet|catégorie|domaine|dénomination|désignation",
    "department": "department|curatorial department|collection department|afdeling|abteilung|département",
    "credit": "credit line|creditline|credit|credits|crédit|crédits|ligne de crédit|kreditzeile",
    "accession_number": "accession number|accession no|accession|accession num|object number|object no"
    "|inventory number|inventory no|inv no|museum number|museum no|registration number|inventarisnummer"
    "|inventarisnr|objectnummer|inv nr|inventarnummer|inventarnr|inventar nr|inventar no|objektnummer"
    "|numéro d'inventaire|n° d'inventaire|n° inventaire|no d'inventaire|numéro d'objet|inventaire|n° inv"
    "|numéro d'accession",
    "tags": "subject|subjects|tags|keywords|keyword|subject terms|subject matter|depicts|onderwerp|onderwerpen"
    "|trefwoord|trefwoorden|schlagwort|schlagworte|schlagwörter|stichworte|thema|themen|sujet|sujets|mots clés"
    "|thème|thèmes|sujet représenté",
}
_FIELDS = {label: field for field, told in _LABELS.items() for label in told.split("|")}
# Labels that the properties of a file, an event or a page have, too.
_WEAK_ONES = (
    "title|titel|titre|author|authors|auteur|auteurs|creator|creators|date|dates|datum|year|jaar|jahr|année|media"
    "|size|format|extent|taille|größe|place|plaats|ort|lieu|city|region|state|country|stad|regio|land|stadt|ville"
    "|région|pays|style|stil|type|typ|category|categories|categorie|kategorie|catégorie|object|department"
    "|afdeling|abteilung|département|credit|credits|crédit|crédits|photographer|fotograaf|fotograf|photographe"
    "|publisher|uitgever|verleger|éditeur|subject|subjects|tags|keywords|keyword|stichworte|thema|themen|sujet"
    "|sujets|mots clés|thème|thèmes|onderwerp|onderwerpen|trefwoorden|origin|origine|collection department|period"
    "|periode|période|designer|ontwerper|architect"
)
_WEAK = frozenset(_WEAK_ONES.split("|"))
_SIGNS = re.compile(r"[\s.:*_‐-―-]+")
_PLURAL = re.compile(r"\((?:s|en|e|n|innen|in|x)\)")
_FILE = re.compile(r"\d\s?(?:[kmg]i?b|bytes|px|pixels?)\b", re.IGNORECASE)

Pairs = Sequence[tuple[str, Sequence[str]]]
"""Labels, each with the texts that stand beside it."""


def field_of(label: str) -> str | None:
    """Return what kind of fact a label announces; None: none that is known."""
    return _FIELDS.get(_plain(label))


def is_of_object(pairs: Pairs) -> bool:
    """Say whether labels are those of a museum's object, no file's or event's: two are known, one of them telling."""
    known = {label for label in (_plain(told) for told, _ in pairs) if label in _FIELDS}
    return len(known) > 1 and not known <= _WEAK


def facts(pairs: Pairs) -> Facts:
    """Return the facts beside labels; those of unknown labels are left out."""
    said: dict[str, list[str]] = {}
    people: list[str | None] = []
    for label, values in pairs:
        field = field_of(label)
        if field in ("makers", "roles"):
            names = (name for value in values for name in value.split(";"))
            people += [makers.maker(name, label.strip(" :") if field == "roles" else None) for name in names]
        elif field is not None:
            said.setdefault(field, []).extend(values)

    def every(field: str, separator: str = "; ") -> str | None:
        return text.joined(said.get(field, ()), separator)

    date_text = text.first(*said.get("date", ()))
    year_from, year_to = dates.span(date_text)
    where = [*(said.get("place") or said.get("found") or []), *said.get("within", [])]
    subjects = (part for value in said.get("tags", ()) for part in re.split(r"[,;|]", value))
    return Facts(
        title=text.first(*said.get("title", ())),
        makers=text.clean_all(people, MAX_MAKERS),
        date_text=date_text,
        year_from=year_from,
        year_to=year_to,
        medium=every("medium", ", "),
        dimensions=text.joined(one for one in said.get("dimensions", ()) if not _FILE.search(one)),
        place=text.nested(where),
        culture=every("culture"),
        classification=every("classification", ", "),
        department=every("department", ", "),
        credit=every("credit", " "),
        accession_number=accession.stated(said.get("accession_number", ())),
        tags=text.clean_all(subjects, MAX_TAGS, 80),
    )


def _plain(label: str) -> str:
    """Return a label as the table has it: "Inv.-Nr.:" is "inv nr", "Artist(s)" is "artist"."""
    plain = _PLURAL.sub("", label[: 2 * MAX_LABEL].lower()).replace("’", "'")
    return _SIGNS.sub(" ", plain.replace(" / ", "/")).strip()
