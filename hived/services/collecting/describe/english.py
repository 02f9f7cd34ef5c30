"""How facts are told in English: a sentence for each, with the record's values in it as they are.

A template is the first one of its fact that fits the beginning of each value. Values that do not go on well
after a verb ("dated 1798", "Ancient Roman") are told with the name of their field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

_TIME = re.compile(
    r"(?:(?:ca?|circa|about|around|before|after|between|by|early|mid|middle|late|first|second|third|last|half|quarter"
    r"|of|or|the|to|possibly|probably|and)\b[\s.,–-]*)*\d"
)
# Two words or more, the first with a capital: a person or a workshop. Peoples, regions and what stands for a name
# ("Ancient Roman", "After Rembrandt", "Unknown artist") begin otherwise; a role ("(publisher)") says what was done.
_NAME = re.compile(
    r"(?!(?i:ancient|unknown|anonymous|unidentified|various|possibly|probably|formerly|attributed|ascribed|after|copy"
    r"|copies|copied|in|workshop|studio|circle|followers?|school|style|manner|imitator|pupil|assistant|designs?|designed"
    r"|printed|published|engraved|north|northern|south|southern|east|eastern|west|western|central|united|made|by)\b)"
    r"(?!.*\([^()\d]*\)$)[^\W\d_a-z][^\s(),;:]* [^\s(]"
)


def _any(_value: str) -> bool:
    return True


def _has_capital(value: str) -> bool:
    return value[0].isupper()


def _has_digit(value: str) -> bool:
    return value[0].isdigit()


TEMPLATES: Mapping[str, Sequence[tuple[Callable[[str], object], str]]] = {
    "makers": ((_NAME.match, "Made by {}"), (_any, "Maker: {}")),
    "date": ((_TIME.match, "Dated {}"), (_any, "Date: {}")),
    "medium": ((_has_capital, "{}"), (_any, "Medium: {}")),
    "dimensions": ((_has_capital, "{}"), (_has_digit, "Measures {}"), (_any, "Dimensions: {}")),
    "place": ((_any, "Place: {}"),),
    "culture": ((_any, "Culture or period: {}"),),
    "classification": ((_any, "Classified as {}"),),
    "department": ((_any, "Department: {}"),),
    "tags": ((_any, "Tagged {}"),),
}
"""The facts that can be told, in the order of a museum's label."""


def sentence(name: str, values: Sequence[str]) -> str:
    """Return the sentence that tells a fact: its values unchanged but for a mark such as ";" at the end."""
    template = next(text for fits, text in TEMPLATES[name] if all(map(fits, values)))
    told = template.format(listed([value.rstrip(" ;,:") for value in values]))
    return told if re.search(r"[.!?…][\"'”’»]?$", told) else f"{told}."


def listed(values: Sequence[str]) -> str:
    """Return values as a list: "A and B", "A, B and C"; with semicolons where a value reads as a list itself."""
    *before, last = values
    if any(" and " in value or ("," in value and len(before) > 1) for value in values):
        return "; ".join(values)
    return f"{', '.join(before)} and {last}" if before else last


def years(first: int | None, last: int | None) -> str | None:
    """Return the span of years of an object's making; None when neither is known. Before the era they are negative."""
    if first is None or last is None:
        bound = "or later" if last is None else "or earlier"
        known = last if first is None else first
        return None if known is None else f"{_year(known)} {bound}"
    return _year(first) if first == last else f"between {_year(first)} and {_year(last)}"


def _year(year: int) -> str:
    return str(year) if year >= 0 else f"{-year} BCE"
