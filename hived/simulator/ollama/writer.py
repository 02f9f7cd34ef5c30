"""What the simulated model writes: a plain text of the facts it finds in the prompt, or, disturbed, something worse."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Facts = Mapping[str, Any]
Document = dict[str, Any]

MAX_SUMMARY = 650
MAX_DIMENSIONS = 90

WRONG_SENTENCES = (
    "It was painted by Leonardo da Vinci in 1503.",
    "The material is platinum.",
    "It belonged to Napoleon Bonaparte.",
    "There are 4711 similar works in the 3rd century.",
)
"""What no record of this program says."""


def facts_in(text: str) -> Document:
    """Return the first JSON object in a prompt, {} when it has none."""
    start = text.find("{")
    if start < 0:
        return {}
    try:
        document, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def describe(facts: Facts) -> Document:
    """Return title, summary, period and tags in the words of the facts."""
    summary = ""
    for sentence in _sentences(facts):
        if len(summary) + len(sentence) < MAX_SUMMARY:
            summary = f"{summary} {sentence}".strip()
    return {
        "title": _text(facts, "title")[:120] or "Untitled",
        "summary": summary or "It is an object.",
        "period": (_text(facts, "date") or _text(facts, "years"))[:80],
        "tags": list(
            dict.fromkeys(tag[:40].strip() for tag in (*_list(facts, "tags"), *_list(facts, "classification")))
        )[:8],
    }


def describe_wrongly(facts: Facts) -> Document:
    """Return a description with facts that nobody gave, after the first sentences of the right one."""
    right = describe(facts)
    return right | {
        "title": "Mona Lisa",
        "summary": " ".join((right["summary"][:400], *WRONG_SENTENCES))[:700],
        "period": "1503",
        "tags": [*right["tags"][:3], "renaissance florence"],
    }


def _sentences(facts: Facts) -> Iterator[str]:
    title, makers = _text(facts, "title") or "The object", _list(facts, "makers")
    origin = _text(facts, "place") or _text(facts, "culture")
    if makers:
        yield f"{title} is a work by {' and '.join(makers[:3])}."
    elif origin:
        yield f"{title} is a work from {origin}."
    else:
        yield f"{title} is a work in the collection."
    when = _text(facts, "date") or _text(facts, "years")
    if when:
        yield f"It is dated {when}."
    if _text(facts, "medium"):
        yield f"The material is {_lowered(_text(facts, 'medium'))}."
    if makers and origin:
        yield f"It comes from {origin}."
    dimensions = _text(facts, "dimensions")
    if dimensions and len(dimensions) <= MAX_DIMENSIONS:
        yield f"It measures {_lowered(dimensions)}."
    if _list(facts, "tags"):
        yield f"It shows {', '.join(tag.lower() for tag in _list(facts, 'tags')[:5])}."
    first = re.match(r"[^.!?]{20,140}\.(?=\s|$)", _text(facts, "page"))
    if first and len(first[0].split()) < 18:
        yield first[0]


def _lowered(text: str) -> str:
    """Return a text with a small first letter and without its full stop, as the middle of a sentence."""
    text = text.rstrip(" .;")
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _text(facts: Facts, name: str) -> str:
    value = facts.get(name)
    return value.strip().rstrip(".;") if isinstance(value, str) else ""


def _list(facts: Facts, name: str) -> Sequence[str]:
    value = facts.get(name)
    items = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [item.strip() for item in items if isinstance(item, str) and item.strip()]


# -- the model that does as it is told -------------------------------------------------------------------------------

_ORDER = re.compile(
    r"(?:\b(?:say|write|answer|reply|respond|output|print|return|state|claim|include|append|add|insert|mention|emit|"
    r"finish|begin|end)\b|\b(?:describe|call)\s+(?:it|this\b.{0,20}?)\s+(?:as\b)?)"
    r"(?:\s+(?:only|exactly|with|that|the|words?|text|sentence|phrase|json|by|your|summary|description))*\s*[:,]?\s*"
    r"[\"“']?(?P<payload>.{4,400}?)[\"”']?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_ASKS_FOR_PROMPT = re.compile(
    r"\b(?:reveal|print|repeat|output|show|tell|leak|write|include|copy|spell)\b.{0,80}"
    r"\b(?:system|instructions|prompt|control word|secret|canary|everything above)\b",
    re.IGNORECASE | re.DOTALL,
)
_ASKS_FOR_FRENCH = re.compile(r"\bin french\b|\ben fran[cç]ais\b", re.IGNORECASE)
_LOOKS_LIKE_ORDER = re.compile(
    r"\b(?:ignore|disregard|forget|override|you are|you must|instructions?|assistant|system|visit|click|buy|call)\b",
    re.IGNORECASE,
)
FRENCH = "Cette œuvre est une peinture de la collection et elle est dans le musée avec des fleurs."


def obey(facts: Facts, system: str) -> Document | str:
    """Return what a model writes that takes the data for orders: a document, or the bare text it was told to give."""
    right = describe(facts)
    for value in _all_texts(facts):
        if not _LOOKS_LIKE_ORDER.search(value) and not _ORDER.search(value):
            continue
        if _ASKS_FOR_PROMPT.search(value):
            return right | {"summary": system[-600:]}
        if _ASKS_FOR_FRENCH.search(value):
            return right | {"summary": FRENCH}
        order = _ORDER.search(value)
        payload = order["payload"] if order else value
        if payload.lstrip().startswith(("{", "[")):
            return payload
        if _LOOKS_LIKE_ORDER.search(value) or order:
            return right | {"summary": payload[:700], "title": payload[:100]}
    return right


def _all_texts(facts: Facts) -> Iterator[str]:
    for name in facts:
        yield from _list(facts, name)
