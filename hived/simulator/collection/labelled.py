"""Where the simulated museum's pages tell the facts of an object: lists, tables and metas, in four languages."""

from __future__ import annotations

from html import escape

from hived.simulator.collection.objects import Work, mix

FORMS = ("list", "wrapped", "table", "head")
"""Forms of a page's facts: a definition list, one in pairs, a table of two columns, or Dublin Core in the head."""

LABELS = {
    "en": ("Title", "Artist/Maker", "Culture", "Period", "Date", "Medium", "Dimensions", "Place of origin",
           "Country", "Credit line", "Accession number", "Subject(s)"),
    "nl": ("Titel", "Vervaardiger", "Cultuur", "Periode", "Datering", "Materiaal en techniek", "Afmetingen",
           "Plaats van vervaardiging", "Land", "Creditline", "Inventarisnummer", "Trefwoorden"),
    "de": ("Titel", "Künstler/in", "Kultur", "Epoche", "Datierung", "Material/Technik", "Maße", "Herstellungsort",
           "Land", "Creditline", "Inv.-Nr.", "Schlagworte"),
    "fr": ("Titre", "Artiste", "Culture", "Période", "Datation", "Matériaux et techniques", "Dimensions",
           "Lieu de création", "Pays", "Crédits", "N° d’inventaire", "Mots-clés"),
}  # fmt: skip
"""What each fact is called, in the order of `_values`."""


def form_of(work: Work) -> str:
    return FORMS[mix(work.id, 13) % len(FORMS)]


def language_of(work: Work) -> str:
    return tuple(LABELS)[mix(work.id, 17) % len(LABELS)]


def body(work: Work) -> str:
    """Return the part of a page that tells its facts, empty when the head tells them."""
    form = form_of(work)
    if form == "head":
        return f"<p>{escape(work.accession)}</p>"
    facts = [
        (label, escape(value)) for label, value in zip(LABELS[language_of(work)], _values(work), strict=True) if value
    ]
    if form == "table":
        rows = "\n".join(f'<tr><th scope="row">{label}</th><td>{value}</td></tr>' for label, value in facts)
        return f"<table>\n{rows}\n</table>"
    before, behind = ("<div>", "</div>") if form == "wrapped" else ("", "")
    rows = "\n".join(f"{before}<dt>{label}:</dt><dd>{value}</dd>{behind}" for label, value in facts)
    return f"<dl>\n{rows}\n</dl>"


def head(work: Work) -> list[str]:
    """Return the metas of a page whose head tells its facts; beside them the day when the page was made."""
    if form_of(work) != "head":
        return []
    title, maker, culture, _, date, medium, dimensions, place, country, credit, accession, tags = _values(work)
    told = (
        ("DC.title", title), ("DC.creator", maker), ("DCTERMS.created", date), ("DC.date", "2026-04-01"),
        ("DC.type", "PhysicalObject"), ("DC.format.medium", medium), ("DCTERMS.extent", dimensions),
        ("DC.coverage.spatial", f"{place}, {country}"), ("dcterms.provenance", credit), ("DC.identifier", accession),
        ("DC.subject", f"{culture}, {tags}".strip(" ,")),
    )  # fmt: skip
    return [f'<meta name="{name}" content="{escape(value)}">' for name, value in told if value]


def _values(work: Work) -> tuple[str, ...]:
    return (
        work.title, f"{work.maker.name} ({work.maker.bio})" if work.maker else "", work.culture.name, work.period.name,
        work.date_text, work.medium, work.dimensions, work.place, work.culture.country, work.credit, work.accession,
        ", ".join(work.tags),
    )  # fmt: skip
