"""The number by which a museum keeps an object, among all that is called an identifier."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hived.clients.museums import text

MAX_NUMBER = 60
"""Characters; the longest of the museums that hived knows has some 30."""

# Addresses and names within somebody else's system: "https://", "urn:", "doi:", "10.1234/x", a UUID or hash.
_ELSEWHERE = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://.*|(?:www\.|ark:|doi:|hdl:|info:|isbn|issn|oai:|oclc|orcid|tag:|urn:|wikidata|ulan|uuid).*"
    r"|10\.\d{4,9}/.*|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32,}|q\d+",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_SHAPED = re.compile(r"(?!.*[a-z]{4})(?:[^\W_]+(?:[ ./:,()*+–-]+[^\W_]+)+\W?|[^\W\d_]{1,4}\d+[^\W_]*)")


def stated(values: Iterable[object]) -> str | None:
    """Return the first number that a field for accession numbers holds; an address is none."""
    told = (text.plain(value, MAX_NUMBER + 1) for value in values)
    return next((one for one in told if one and len(one) <= MAX_NUMBER and not _ELSEWHERE.fullmatch(one)), None)


def likely(values: Iterable[object]) -> str | None:
    """Return the first number that a field for any identifier holds, if it is written as museums write theirs.

    Bare digits and words are more often a row of a database: "1889.12.3", "SK-C-5" and "EA10470" count, "45734" and
    "object-45734" do not.
    """
    told = (stated([value]) for value in values)
    return next((one for one in told if one and _DIGIT.search(one) and _SHAPED.fullmatch(one)), None)
