"""What a page says of its object in Dublin Core's words, in metas of its head: names with dots or colons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from hived.clients.museums import accession, dates, makers, text
from hived.clients.museums.web.facts import MAX_MAKERS, MAX_TAGS, Facts

_NAME = re.compile(r"(?:dc|dcterms|dct|dc\.terms)[.:](?P<term>[a-z]+)(?:[.:](?P<refined>[a-z]+))?[a-z0-9.:_-]*")
_REFINED = frozenset(("created", "issued", "temporal", "spatial", "extent", "medium", "provenance", "alternative"))
"""What may stand behind a term: "DC.coverage.temporal" is a time and no place."""
_OTHER_DATES = frozenset(("modified", "available", "submitted", "valid", "accepted", "updated", "copyrighted", "x"))
_TYPES = frozenset((
    "collection", "dataset", "event", "image", "interactiveresource", "movingimage", "physicalobject", "service",
    "software", "sound", "stillimage", "text",
))  # fmt: skip
"""Dublin Core's own types: of the page, or too wide to say anything."""
_OF_PAGE = re.compile(r"(?:199|2\d\d)\d-\d\d-\d\d.*")
"""A day in the age of the web: when the page was made."""


def facts(metas: Mapping[str, Sequence[str]]) -> Facts:
    """Return the facts that metas (by name in lower case) tell."""
    terms: dict[str, list[str]] = {}
    for name, contents in metas.items():
        found = _NAME.fullmatch(name)
        if found is None or (found["term"] == "date" and found["refined"] in _OTHER_DATES):
            continue
        term = found["refined"] if found["refined"] in _REFINED else found["term"]
        terms.setdefault(term, []).extend(contents)

    def said(*names: str) -> list[str]:
        return [content for name in names for content in terms.get(name, ()) if "://" not in content]

    written = [told for told in said("date", "issued") if not _OF_PAGE.fullmatch(told.strip())]
    date_text = text.first(*said("created"), *written, *said("temporal"))
    year_from, year_to = dates.span(date_text)
    subjects = [part for subject in said("subject") for part in re.split(r"[;,]", subject)]
    kinds = [kind for kind in said("type") if kind.replace(" ", "").lower() not in _TYPES]
    formats = [told for told in said("format") if "/" not in told]
    return Facts(
        title=text.first(*said("title", "alternative")),
        makers=text.clean_all(map(makers.maker, said("creator", "contributor")), MAX_MAKERS),
        date_text=date_text,
        year_from=year_from,
        year_to=year_to,
        medium=text.joined(said("medium") or formats, ", "),
        dimensions=text.joined(said("extent")),
        place=text.joined(said("spatial") or said("coverage"), ", "),
        classification=text.joined(kinds, ", "),
        credit=text.first(*said("provenance")),
        accession_number=accession.likely(said("identifier")),
        tags=text.clean_all(subjects, MAX_TAGS, 80),
    )
