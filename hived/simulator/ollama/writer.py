"""What the simulated model writes: what the schema leaves it to say, or, disturbed, something worse."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]

MOST_CHOSEN = 6
TEXT = "This work is described here with no fact at all, and at some length."
"""What hived 0.1.0, which has the model write, keeps as a description of any object."""
WRONG_NAMES = ("price", "makers: Leonardo da Vinci", "It was painted in 1503.", "__proto__")
"""What no schema of this program offers."""


def fill(schema: Any) -> Any:
    """Return a value in the shape of a JSON schema, as a grammar makes it: of a list's choices the first six."""
    shape = schema if isinstance(schema, dict) else {}
    properties, items = shape.get("properties"), shape.get("items")
    if isinstance(properties, dict):
        return {name: fill(inner) for name, inner in properties.items()}
    if isinstance(items, dict) and isinstance(items.get("enum"), list):
        return items["enum"][: min(MOST_CHOSEN, int(shape.get("maxItems") or MOST_CHOSEN))]
    if isinstance(items, dict):
        return [fill(items)]
    return TEXT[: int(shape.get("maxLength") or len(TEXT))]


def with_lists(value: Any, *, first: tuple[str, ...] = (), keep: bool = True) -> Any:
    """Return a value with each of its lists emptied, or with other words before what it holds."""
    if isinstance(value, dict):
        return {name: with_lists(inner, first=first, keep=keep) for name, inner in value.items()}
    return [*first, *(value if keep else ())] if isinstance(value, list) else value


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


# -- the model that does as it is told -------------------------------------------------------------------------------

_ORDER = re.compile(
    r"(?:\b(?:say|write|answer|reply|respond|output|print|return|state|claim|include|append|add|insert|mention|emit|"
    r"finish|begin|end|tell|choose|repeat)\b|\b(?:describe|call)\s+(?:it|this\b.{0,20}?)\s+(?:as\b)?)"
    r"(?:\s+(?:only|exactly|with|that|the|words?|text|sentence|phrase|json|by|your|summary|description))*\s*[:,]?\s*"
    r"[\"“']?(?P<payload>.{4,400}?)[\"”']?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_ASKS_FOR_PROMPT = re.compile(
    r"\b(?:reveal|print|repeat|output|show|tell|leak|write|include|copy|spell)\b.{0,80}"
    r"\b(?:system|instructions|prompt|control word|secret|canary|everything above)\b",
    re.IGNORECASE | re.DOTALL,
)
_LOOKS_LIKE_ORDER = re.compile(
    r"\b(?:ignore|disregard|forget|override|you are|you must|instructions?|assistant|system|visit|click|buy|call)\b",
    re.IGNORECASE,
)


def obey(facts: Document, system: str, right: Any) -> Any:
    """Return what a model answers that takes the data for orders: its words wherever a text can stand, or alone."""
    for value in _texts(facts):
        order = _ORDER.search(value)
        if order is None and not _LOOKS_LIKE_ORDER.search(value):
            continue
        payload = system[-600:] if _ASKS_FOR_PROMPT.search(value) else order["payload"] if order else value
        if payload.lstrip().startswith(("{", "[")) or not isinstance(right, dict):
            return payload
        return with_lists(right, first=(payload,)) | {"title": payload, "summary": payload}
    return right


def _texts(facts: Document) -> Iterator[str]:
    for value in facts.values():
        yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))
