"""Objects that a master lends to a node with a model: how many, how long, and as they travel.

What is lent was read by other machines, so each side reads it anew: facts that no description uses, and values that
none of ours has, are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from hived.records import untrusted, values
from hived.records.artifact import CollectedObject

AT_ONCE = 10
"""Objects that one node has at a time: a small board describes that many in minutes."""
LEASE_S = 600.0
"""How long an object is one node's. It is prolonged while the node says that it is at it, see ASK_S."""
LONGEST_S = 3600.0
"""No object stays longer with a node that does not describe it."""
ASK_S = 15.0
"""How often a node with time to spare asks for more and says what it is at."""
PATIENCE_S = 86_400.0
"""What waits for so long may be described by anybody, whatever its collectors say."""
AWAY_S = 3600.0
"""A node that was not heard for so long describes nothing for now: its objects are lent to others."""

MAX_TEXT = 2000
MAX_TITLE = 400
MAX_PARTS = 50  # makers, tags
MAX_PART = 200
MAX_REASON = 300
MAX_BY = 300

_TEXTS = (
    "date_text", "medium", "dimensions", "place", "culture", "classification", "department", "credit",
    "accession_number",
)  # fmt: skip
_YEARS = ("year_from", "year_to")
_LISTS = ("makers", "tags")
_LEFT_OUT = ("provider", "object_id", "url", "title", "licence", "image_url", "rights_text")
assert {one.name for one in fields(CollectedObject)} == {*_TEXTS, *_YEARS, *_LISTS, *_LEFT_OUT}, "each field is read"


@dataclass(frozen=True, slots=True)
class Lent:
    """An object on loan; `input_hash` tells which state of its facts was lent."""

    url: str
    input_hash: str
    object: CollectedObject


def readable(url: str, title: Any, facts: Any) -> CollectedObject:
    """Return what can be described of an object that another machine read; BadValue when it has no title."""
    known = facts if isinstance(facts, Mapping) else {}
    told: dict[str, Any] = {name: values.text(known.get(name), MAX_TEXT) for name in _TEXTS}
    told |= {name: values.integer(known.get(name), -100_000, 100_000) for name in _YEARS}
    for name in _LISTS:
        parts = (values.text(part, MAX_PART) for part in values.items(known.get(name), MAX_PARTS))
        told[name] = tuple(part for part in parts if part is not None)
    shown = untrusted.word(title, "title", MAX_TITLE)
    return CollectedObject(provider="", object_id="", url=url, title=shown, licence=None, **told)


def told(obj: CollectedObject) -> dict[str, Any]:
    """Return the facts of a readable object as they travel."""
    known = asdict(obj)
    names = (*_TEXTS, *_YEARS, *_LISTS)
    return {
        name: list(known[name]) if name in _LISTS else known[name] for name in names if known[name] not in (None, ())
    }
