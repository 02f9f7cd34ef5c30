"""Texts from outside, made plain: no markup, no invisible characters, bounded."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TypeVar

MAX_TEXT = 400
"""Characters of one field; a title of the longest museum fits."""
MAX_LONG_TEXT = 2000
"""Characters of a field that may hold several sentences."""

Told = TypeVar("Told")

_SPACES = re.compile(r"\s+")
_BLANKS = re.compile(r"[^\S\n]+")
_BREAKS = re.compile(r"\s*\n\s*")
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_PARTS = re.compile(
    r"</?(?:br|p|div|li|ul|ol|dl|dt|dd|tr|td|th|table|h[1-6]|hr|section|article|blockquote)\b", re.IGNORECASE
)
_TAG = re.compile(r"<[/!?a-zA-Z][^<>]{0,2000}>")
# Printable for Unicode, invisible for readers: joiners, fillers and variation selectors, which can carry a hidden text.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_MARKS = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


def clean(value: object, limit: int = MAX_TEXT) -> str | None:
    """Return a string as one line of visible characters, at most `limit` of them; None when nothing is left."""
    if not isinstance(value, str):
        return None
    line = _SPACES.sub(" ", _visible(value[: 4 * limit])).strip()
    return line[:limit].rstrip() or None


def clean_lines(value: object, limit: int = MAX_LONG_TEXT) -> str | None:
    """Return a string like `clean` does, with its line breaks kept, one between two lines."""
    if not isinstance(value, str):
        return None
    text = _BREAKS.sub("\n", _BLANKS.sub(" ", _visible(value[: 4 * limit]))).strip()
    return text[:limit].rstrip() or None


def first(*values: object, limit: int = MAX_TEXT) -> str | None:
    """Return the first of the values that is a text with something in it."""
    return next((told for value in values if (told := clean(value, limit))), None)


def clean_all(values: Iterable[object], count: int, limit: int = MAX_TEXT) -> tuple[str, ...]:
    """Return the first `count` different texts among the values."""
    found: dict[str, None] = {}
    for value in values:
        told = clean(value, limit)
        if told is not None:
            found.setdefault(told)
            if len(found) >= count:
                break
    return tuple(found)


def joined(values: Iterable[object], separator: str = "; ", limit: int = MAX_TEXT) -> str | None:
    """Return the texts among the values as one; None when there is none."""
    return clean(separator.join(clean_all(values, 16, limit)), limit)


def nested(places: Iterable[object]) -> str | None:
    """Return places, the smallest first, as one text; one that an earlier one names already is left out."""
    told: list[str] = []
    for place in clean_all(places, 8):
        if place not in ", ".join(told).split(", "):
            told.append(place)
    return clean(", ".join(told))


def in_english(told: Sequence[tuple[str, Told]]) -> list[Told]:
    """Return what is told in English or without a language; where nothing is, what is in the language of the first."""
    english = [said for language, said in told if language.lower().partition("-")[0] == "en"]
    any_ = [said for language, said in told if not language]
    return english + any_ or [said for language, said in told if language == told[0][0]]


def without_tags(value: object, limit: int = MAX_TEXT) -> str | None:
    """Return a text whose tags are taken out, for fields where a stray `<i>` is all the markup there is."""
    return clean(_TAG.sub(_parting, value[: 8 * limit]), limit) if isinstance(value, str) else None


def plain(value: object, limit: int = MAX_TEXT) -> str | None:
    """Return what a field of an API shows: without tags, and with its references to characters read, once."""
    if not isinstance(value, str):
        return None
    return clean(decoded(_TAG.sub(_parting, value[: 8 * limit])), limit)


def decoded(value: str) -> str:
    """Return a text with references like &amp; read, once; a name without a semicolon is none."""
    return _REFERENCE.sub(lambda found: html.unescape(found[0]), value) if "&" in value else value


def _parting(tag: re.Match[str]) -> str:
    return " " if _PARTS.match(tag[0]) else ""


def _visible(text: str) -> str:
    """Drop control and format characters (direction marks, zero widths, soft hyphens), halves and private ones."""
    if text.isascii() and text.isprintable():
        return text
    kept = "".join(
        char if char.isprintable() else " " if char.isspace() and char != "\n" else "\n" if char == "\n" else ""
        for char in text
    )
    return _MARKS.sub(r"\1", _INVISIBLE.sub("", unicodedata.normalize("NFC", kept)))
