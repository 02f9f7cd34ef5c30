"""What a page says of its object in Dublin Core's words, in metas of its head: names with dots or colons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from hived.clients.museums import accession, dates, text
from hived.clients.museums.web.items import MAX_MAKERS, MAX_TAGS, Facts

_NAME = re.compile(r"(?:dc|dcterms|dct|dc\.terms)[.:](?P<term>[a-z]+)(?:[.:][a-z0-9.:-]+)?")
_DATES = ("date_text", "year_from", "year_to")


def facts(metas: Mapping[str, Sequence[str]]) -> Facts:
    """Return the facts that metas (by name in lower case) tell."""
    terms: dict[str, list[str]] = {}
    for name, contents in metas.items():
        if (found := _NAME.fullmatch(name)) is not None:
            terms.setdefault(found["term"], []).extend(contents)

    def said(*names: str) -> list[str]:
        return [content for name in names for content in terms.get(name, ())]

    date_text = text.first(*said("created", "date", "issued", "temporal"))
    year_from, year_to = dates.span(date_text)
    subjects = [part for subject in said("subject") for part in re.split(r"[;,]", subject)]
    return Facts(
        title=text.first(*said("title")),
        makers=text.clean_all(said("creator", "contributor"), MAX_MAKERS),
        date_text=date_text,
        year_from=year_from,
        year_to=year_to,
        medium=text.joined(said("medium"), ", "),
        dimensions=text.joined(said("extent")),
        place=text.first(*said("spatial", "coverage")),
        classification=text.first(*said("type")),
        credit=text.first(*said("provenance")),
        accession_number=accession.likely(said("identifier")),
        tags=text.clean_all(subjects, MAX_TAGS, 80),
    )


def completed(known: Facts, more: Facts) -> Facts:
    """Return known facts with those that were missing taken from elsewhere; a date and its years stay together."""
    missing = {field.name: getattr(more, field.name) for field in fields(Facts) if not getattr(known, field.name)}
    if known.date_text is not None:
        missing = {name: value for name, value in missing.items() if name not in _DATES}
    return replace(known, **missing)
