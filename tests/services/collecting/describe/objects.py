"""Objects to describe, and a prompt in which an attack has come through to the model."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hived.records.artifact import CollectedObject
from hived.services.collecting.describe import prompt
from hived.services.collecting.describe.prompt import Prompt

QUAIL = CollectedObject(
    provider="met",
    object_id="45734",
    url="https://www.metmuseum.org/art/collection/search/45734",
    title="Quail and Millet",
    licence=None,
    makers=("Kiyohara Yukinobu",),
    date_text="late 17th century",
    year_from=1667,
    year_to=1682,
    medium="Hanging scroll; ink and color on silk",
    dimensions="46 5/8 x 18 3/4 in. (118.4 x 47.6 cm)",
    culture="Japan",
    classification="Paintings",
    department="Asian Art",
    tags=("Birds",),
)
QUAIL_SUMMARY = (
    "Quail and Millet is a work by Kiyohara Yukinobu. It is dated late 17th century. The material is hanging scroll; "
    "ink and color on silk. It comes from Japan. It measures 46 5/8 x 18 3/4 in. (118.4 x 47.6 cm). It shows birds."
)
AMULET = CollectedObject(
    provider="met",
    object_id="1",
    url="https://www.metmuseum.org/art/collection/search/1",
    title="Amulet of Ptah",
    licence=None,
    date_text="664–525 B.C.",
    year_from=-664,
    year_to=-525,
    medium="Faience",
    place="Egypt",
    culture="Late Period, Dynasty 26",
)
PAGE = CollectedObject(
    provider="web",
    object_id="https://museum.example/boat",
    url="https://museum.example/boat",
    title="Model of a fishing boat",
    licence=None,
    text="Model of a fishing boat from Whitby. It was carved in oak by Mary Ann Storr in 1891. The sail is linen. "
    "Three figures sit in the stern.",
)


def answer(summary: str = "", **more: Any) -> str:
    """Return the JSON of an answer; without a summary one that is right for QUAIL."""
    right = {"title": "Quail and Millet", "summary": summary or QUAIL_SUMMARY, "period": "", "tags": []}
    return json.dumps(right | more)


def reached(obj: CollectedObject, where: str, text: str) -> Prompt:
    """Return the prompt for an object as if nothing had been kept back of an attack in one of its fields."""
    asked = prompt.build(obj)
    if where == "text":
        return replace(asked, page=f"{asked.page} {text}".strip())
    name = {"date_text": "date"}.get(where, where)
    listed = asked.facts.get(name)
    return replace(asked, facts={**asked.facts, name: [*listed, text] if isinstance(listed, list) else text})


def attacked(obj: CollectedObject, where: str, text: str) -> CollectedObject:
    """Return an object with an attack in one of its fields."""
    if where == "text":
        return replace(obj, text=f"{obj.text or ''} {text}".strip())
    changed: dict[str, Any] = {where: (*getattr(obj, where), text) if where in ("makers", "tags") else text}
    return replace(obj, **changed)
