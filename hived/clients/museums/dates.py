"""Years in what people write for a date. What is not understood is no year."""

from __future__ import annotations

import re

from hived.records import values

MAX_TEXT = 80
MIN_YEAR, MAX_YEAR = -1_000_000, 2200
CENTURY = 100

_DASHES = re.compile(r"[‐-―−]")
# What says how sure, who did what then, or which part of a time: it leaves the years as they are.
_ABOUT = re.compile(
    r"^(?:c(?:a|irca|irka)?(?=[\d. ]|$)\.?|(?:about|around|between|from|um|vers|env\.?|environ|ongeveer|hacia|early|mid"
    r"|middle|late|beginning|end|start|anfang|mitte|ende|début|fin|eind|begin|probably|possibly|likely|spring|summer|autumn|fall|winter"
    r"|dated|made|built|painted|printed|published|created|issued|signed|cast|taken|woven|carved|designed|photographed"
    r"|(?:1st|2nd|3rd|4th|first|second|third|fourth|last)[ -](?:half|third|quarter|decade))\b)"
    r"[ .,:-]*(?:(?:of|du|de|des) )?(?:the )?"
)
_BEFORE = re.compile(r"^(?:before|by|not after|no later than|vor|avant|vóór|voor)\b[ .]*")
_AFTER = re.compile(r"^(?:after|since|not before|nach|après|na)\b[ .]*")
_OR_LATER, _OR_EARLIER = (
    re.compile(r",? (?:or later|onwards?|and later)$"),
    re.compile(r",? (?:or earlier|and earlier)$"),
)
_BC = re.compile(r" ?(?:\bb\.? ?c\.? ?(?:e\.?)?|\bv\. ?chr\.?|\bav\. ?j\.?-?c\.?)$")
_AD = re.compile(r" ?(?:\bce|\bad|\ba\.d\.?|\bc\.e\.?|\bn\. ?chr\.?)$|^(?:ad|a\.d\.|anno) ")
_JOINS = re.compile(r" ?- ?| ?/ ?| (?:to|and|or|bis|until|till|through|und|et|à|tot|en) ")

_MONTH = (
    r"(?:jan|ene|gen|feb|fév|fev|mar|mär|mrt|maart|apr|avr|abr|may|mai|mei|mag|jun|juin|giu|jul|juil|lug|aug|août|aou|ago|sep|set"
    r"|oct|okt|ott|out|nov|dec|déc|dez|dic)[^\W\d_]{0,8}\.?"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th|er|\.)?"
_FORMS = tuple(
    re.compile(form)
    for form in (
        r"(?P<a>\d{1,4})",
        r"(?P<a>\d{4})-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?(?:[t ][\d:.]{5,15} ?(?:z|[+-]\d\d:?\d\d)?)?",
        r"(?P<a>\d{4})/\d{1,2}/\d{1,2}",
        rf"(?:{_DAY},? (?:de )?)?{_MONTH},? (?:de )?(?P<a>\d{{4}})",
        rf"{_MONTH} {_DAY},? (?P<a>\d{{4}})",
        rf"(?P<a>\d{{4}}),? {_MONTH}(?: {_DAY})?",
        r"\d{1,2}[./-] ?\d{1,2}[./-] ?(?P<a>\d{4})",
    )
)
_DECADE = re.compile(r"(?P<a>\d{3}0)(?:'?s|er(?: jahre)?)")
_ROMAN = r"(?:x{0,2}(?:ix|iv|v?i{0,3}))"
_CENTURY = re.compile(
    rf"(?:(?:siglo|século|secolo|s\.) )?(?P<a>\d{{1,2}}|{_ROMAN})(?:st|nd|rd|th|\.|ème|er|e|:e)?"
    r"(?P<word>[ -](?:century|cent\.?|c\.?|jahrhunderts?|jh\.?(?:dt?s?\.?)?|eeuw|siècle|s\.|secolo))?"
)
_NUMBERS = {"i": 1, "v": 5, "x": 10}

Years = tuple[int, int]


def years(begin: object, end: object) -> tuple[int | None, int | None]:
    """Return a span of years told as numbers, those before the era negative; one that ends before it begins is none."""
    first, last = (values.integer(year, MIN_YEAR, MAX_YEAR) for year in (begin, end))
    return _ordered(first, last) if first is not None and last is not None else (first, last)


def span(text: str | None) -> tuple[int | None, int | None]:
    """Return the first and the last year that a date may mean, those before the era negative; None: unclear."""
    if text is None or len(text) > MAX_TEXT:
        return None, None
    date = _bare(" ".join(_DASHES.sub("-", text.lower()).split()))
    for pattern, is_last in ((_BEFORE, True), (_OR_EARLIER, True), (_AFTER, False), (_OR_LATER, False)):
        if pattern.search(date):
            found = _one(_bare(pattern.sub("", date)))
            return (None, None) if found is None else (None, found[1]) if is_last else (found[0], None)
    found = _one(date) or _range(date)
    return (None, None) if found is None else found


def _bare(date: str) -> str:
    """Return a date without what only says how sure it is."""
    date = date.replace("(?)", "").replace("?", "").strip("[](). ,;")
    for _ in range(4):  # "probably circa early ..."
        date = _ABOUT.sub("", date)
    return date


def _one(date: str, unit: str = "") -> Years | None:
    """Return the years of one date; `unit` is what another one, named with it, says: "bc", "century" or both."""
    is_bc, is_ad = _BC.search(date) is not None, _AD.search(date) is not None
    bare = _bare(_AD.sub("", _BC.sub("", date)))
    is_bc = is_bc or ("bc" in unit and not is_ad)
    if found := _CENTURY.fullmatch(bare):
        number = _number(found["a"])
        if (found["word"] or bare.startswith(("si", "s.", "sé", "se")) or "century" in unit) and 0 < number < 23:
            first = (number - 1) * CENTURY
            return (-first - CENTURY, -first - 1) if is_bc else (first or 1, first + CENTURY - 1)
    if found := _DECADE.fullmatch(bare):
        first = int(found["a"])
        return _valid(first, first + (CENTURY - 1 if first % CENTURY == 0 else 9))
    for form in _FORMS:
        if found := form.fullmatch(bare):
            year = int(found["a"])
            if len(found["a"]) < 3 and not (is_bc or is_ad or unit):
                return None
            return _valid(-year, -year) if is_bc else _valid(year, year)
    return None


def _range(date: str) -> Years | None:
    """Return the years from one date to another, wherever a dash or a word parts two that can be read."""
    for join in _JOINS.finditer(date):
        left, right = _bare(date[: join.start()]), _bare(date[join.end() :])
        if left.isdigit() and right.isdigit() and len(right) == 2 < len(left):  # 1640-50
            right = left[:-2] + right
        is_century = _CENTURY.fullmatch(_bare(_AD.sub("", _BC.sub("", right))))
        unit = ("bc" if _BC.search(right) else "") + ("century" if is_century and is_century["word"] else "") or "years"
        last = _one(right, "years" if len(left) > 2 or _AD.search(left) or _BC.search(left) else "")
        first = _one(left, unit)
        if first is not None and last is not None and (len(left) > 2 or unit != "years" or _AD.search(date)):
            return (first[0], last[1]) if first[0] <= last[1] else None
    return None


def _number(digits: str) -> int:
    """Return an Arabic number or a small Roman one; 0 for none."""
    if digits.isdigit():
        return int(digits)
    worth = [_NUMBERS[letter] for letter in digits]
    return sum(-one if one < max(worth[at:], default=0) else one for at, one in enumerate(worth))


def _valid(first: int, last: int) -> Years | None:
    return (first, last) if MIN_YEAR <= first <= last <= MAX_YEAR and 0 not in (first, last) else None


def _ordered(first: int, last: int) -> tuple[int | None, int | None]:
    return (first, last) if first <= last else (None, None)
