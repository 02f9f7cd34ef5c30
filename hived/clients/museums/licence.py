"""The licence gate: what a provider states of rights, and whether that clears an object. Pure logic.

Silence is refusal. Only CC0 and the public domain mark clear, stated as a URI or by a provider's own flag, of the work
or its picture. Where statements disagree the strictest wins. What is said of the record (its texts, its data) neither
clears nor hinders the object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from hived.clients.museums import text
from hived.records.artifact import CC0, PDM, Licence

Scope = Literal["work", "image", "record"]

MAX_URI = 200
MAX_SHOWN = 80
UNSTATED = "no licence is stated"
RECORD_ONLY = "only the record is openly licensed, not the object"

# Host without case, path exactly: deed and legal code in any language are the same licence. The chooser of Creative
# Commons adds ?ref=; any other query, and any fragment, makes it something else.
_OPEN = re.compile(
    r"(?i:https?:)?//(?:www\.)?(?i:creativecommons\.org)/publicdomain/(?P<which>zero|mark)/1\.0"
    r"(?:/(?:(?:deed|legalcode)(?:\.[a-z]{2,3}(?:[-_][A-Za-z]{2,8})?)?/?)?)?(?:\?ref=[a-z0-9-]{1,40})?"
)
# Said in so many words, without a URI: too vague to clear, no contradiction either.
_VAGUE = frozenset((
    "public domain", "in the public domain", "publiek domein", "publieke domein", "domaine public",
    "gemeinfrei", "dominio público", "cc0", "cc0 1.0", "cc-0", "cc zero", "creative commons zero", "pdm",
    "pdm 1.0", "no known copyright", "no known copyright restrictions", "no copyright", "no rights reserved",
    "open access",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing said of rights: `value` is a URI or a text, `field` where it stands, `scope` what it is said of."""

    value: str
    field: str
    scope: Scope = "work"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the statements come to: a licence, or the reason why there is none."""

    licence: Licence | None
    reason: str | None = None


def normalise(uri: object) -> str | None:
    """Return CC0 or PDM for any exact spelling of their URIs, None for everything else."""
    if not isinstance(uri, str) or len(uri) > MAX_URI:
        return None
    found = _OPEN.fullmatch(uri.strip())
    return None if found is None else {"zero": CC0, "mark": PDM}[found["which"]]


def flag(value: object, expected: object, uri: str, field: str, scope: Scope = "work") -> Statement:
    """Return what a provider's own flag states: `uri` when it is exactly the expected value, type included."""
    if type(value) is type(expected) and value == expected:
        return Statement(uri, field, scope)
    return Statement(f"{value!r:.60}", field, scope)


def said(value: object, field: str, scope: Scope = "work") -> tuple[Statement, ...]:
    """Return the statement that a field makes; an empty or missing one makes none."""
    told = text.clean(value)
    return () if told is None else (Statement(told, field, scope),)


def is_vague(value: str) -> bool:
    """Say whether a text names the public domain or CC0 without being a licence's URI."""
    return " ".join(value.lower().split()).rstrip(". ") in _VAGUE


def decide(statements: Iterable[Statement], read_at: float) -> Verdict:
    """Return the verdict on one object; `read_at` is when the statements were read, UTC epoch seconds."""
    told = list(statements)
    binding = [one for one in told if one.scope != "record" and (normalise(one.value) or not is_vague(one.value))]
    for one in binding:
        if normalise(one.value) is None:
            return Verdict(None, f"{one.field}: {text.clean(one.value, MAX_SHOWN)}")
    if not binding:
        open_record = any(one.scope == "record" and normalise(one.value) for one in told)
        vague = next((one for one in told if one.scope != "record"), None)
        if vague is not None:
            return Verdict(None, f"{vague.field}: {text.clean(vague.value, MAX_SHOWN)}, without a licence's URI")
        return Verdict(None, RECORD_ONLY if open_record else UNSTATED)
    # The mark only reports what somebody found out; the dedication is a promise. Of the two the weaker one counts.
    best = min(binding, key=lambda one: (normalise(one.value) != PDM, one.scope != "work"))
    return Verdict(Licence(uri=normalise(best.value) or CC0, field=best.field, read_at=read_at, scope=best.scope))
