"""Years in what people write for a date. What is not understood is no year."""

from __future__ import annotations

import re

from hived.records import values

_ABOUT = re.compile(
    r"^(?:c(?:a|irca)?\b\.?|about|around|between|from|um|vers|early|mid|late"
    r"|first half of(?: the)?|second half of(?: the)?)[\s-]*"
)
_ERA = r"(?P<era>b\.?c\.?(?:e\.?)?)?(?:ce|ad|a\.d\.?)?"
_YEAR = re.compile(rf"(?P<a>\d{{1,4}}) ?{_ERA}")
_DAY = re.compile(
    r"(?P<a>\d{4})-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?(?:[t ][\d:.]{5,15}(?:z|[+-]\d\d:?\d\d)?)?"
)
_SPAN = re.compile(rf"(?P<a>\d{{3,4}}) ?(?:-|–|—|to|/|and|or) ?(?:c(?:a|irca)?\.? ?)?(?P<b>\d{{2,4}}) ?{_ERA}")
_DECADE = re.compile(r"(?:the )?(?P<a>\d{3}0)s")
_CENTURY = re.compile(rf"(?:the )?(?P<a>\d{{1,2}})(?:st|nd|rd|th)(?: |-)century ?{_ERA}")
MAX_TEXT = 80
MIN_YEAR, MAX_YEAR = -1_000_000, 2200


def years(begin: object, end: object) -> tuple[int | None, int | None]:
    """Return a span of years told as numbers, those before the era negative; one that ends before it begins is none."""
    first, last = (values.integer(told, MIN_YEAR, MAX_YEAR) for told in (begin, end))
    return _ordered(first, last) if first is not None and last is not None else (first, last)


def span(text: str | None) -> tuple[int | None, int | None]:
    """Return the first and the last year that a date may mean, those before the era negative; None: unclear."""
    if text is None or len(text) > MAX_TEXT:
        return None, None
    told = " ".join(text.lower().split()).strip("[]()?. ")
    for _ in range(3):  # "circa early ..."
        told = _ABOUT.sub("", told)
    if found := _DAY.fullmatch(told):
        return int(found["a"]), int(found["a"])
    if found := _SPAN.fullmatch(told):
        last = found["b"] if len(found["b"]) > 2 else found["a"][:-2] + found["b"]  # 1640-50
        return _ordered(_signed(int(found["a"]), found["era"]), _signed(int(last), found["era"]))
    if found := _DECADE.fullmatch(told):
        first = int(found["a"])
        return first, first + (99 if first % 100 == 0 else 9)
    if found := _CENTURY.fullmatch(told):
        first = (int(found["a"]) - 1) * 100
        return (-first - 100, -first - 1) if found["era"] else (first, first + 99)
    if (found := _YEAR.fullmatch(told)) and (len(found["a"]) > 2 or found["era"]):
        only = _signed(int(found["a"]), found["era"])
        return only, only
    return None, None


def _signed(year: int, era: str | None) -> int:
    return -year if era else year


def _ordered(first: int, last: int) -> tuple[int | None, int | None]:
    return (first, last) if first <= last else (None, None)
