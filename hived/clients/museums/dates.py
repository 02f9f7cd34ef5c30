"""Years in what people write for a date. What is not understood is no year.

Of two readings the years are those of both: "1911-12" may be a month or two years.
"""

from __future__ import annotations

import re
from itertools import islice

from hived.clients.museums import date_words as words
from hived.records import values

MAX_TEXT = 80
MAX_JOINS = 8  # places where a date may part in two; a span of whole days has five
MIN_YEAR, MAX_YEAR = -1_000_000, 2200
CENTURY, MILLENNIUM = 100, 1000
FIRST_PRINTED = 1400  # no year in Roman numerals is older; shorter words such as "mix" would be some

_DASHES = re.compile(r"[‐-―−]|-{2,}")
_MINUS = re.compile(r"[-−](\d{3,7})(?:-(?:0\d|1[0-2])(?:-[0-3]\d)?)?")
# Digits that nobody knows: 16XX, 165u, [16--], [165-?]; "165?" may be the year 165.
_UNKNOWN = (
    (re.compile(r"\b(\d{2})(?:\?\?|--|uu|xx|\*\*)(?!\w)"), r"\1xx"),
    (re.compile(r"\b(\d{3})[ux*](?!\w)|(?<=\[)(\d{3})-(?=\??\])"), r"\1\2x"),
)
_DOUBTFUL = re.compile(r"(?<![\d/-])\d{1,3}\?")
_SURE = re.compile(r"\(\?\)|[?~%]")
_FROM, _UP_TO = (
    re.compile(r"(?P<date>.+?)(?: ?\.\.| ?/ ?(?:\.\.)?|(?<=\d{4}) ?-)"),
    re.compile(r"(?:\.\. ?/?|/) ?(?P<date>.+)"),
)
_BRACKETS = str.maketrans("", "", "[]{}")

_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_DAYS = rf"{_DAY}(?:st|nd|rd|th|er|ste|de|e|\.|º)?"
_CLOCK = r"(?:[t ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)? ?(?:z|utc|[+-]\d\d:?\d\d)?)?"
_MONTHS, _ROMAN_MONTH = r"(?:0[1-9]|1[0-2])", r"(?:i{1,3}|i?v|vi{1,3}|i?x|xi{1,2})"
_FORMS = tuple(
    re.compile(form)
    for form in (
        r"(?P<a>\d{1,4})",
        rf"(?P<a>\d{{4}})-(?:{_MONTHS}-(?:0[1-9]|[12]\d|3[01]|00)|00(?:-00)?|2[1-4]){_CLOCK}",
        rf"(?P<a>\d{{4}})(?P<split>[/.:-])(?:0?[1-9]|1[0-2])(?P=split){_DAY}{_CLOCK}",
        r"(?:0?[1-9]|1[0-2])[./](?P<a>\d{4})",
        rf"(?:{_DAYS},? (?:of |de )?)?{words.MONTH},? (?:of |de )?(?P<a>\d{{4}})",
        rf"{_DAYS} ?- ?{_DAYS} {words.MONTH},? (?P<a>\d{{4}})",
        rf"{words.MONTH} {_DAYS}(?: ?- ?{_DAYS})?,? (?P<a>\d{{4}})",
        rf"(?P<a>\d{{4}}),? {words.MONTH}(?: {_DAYS})?",
        rf"{_DAY}(?P<split>[./ -]) ?(?:{_DAY}|{_ROMAN_MONTH}|{words.MONTH})(?P=split) ?(?P<a>\d{{4}})",
    )
)
_MONTH_OR_SPAN = re.compile(rf"(?P<a>\d{{4}})-(?P<m>{_MONTHS})")
_DECADE = re.compile(r"(?P<a>\d{3}0)(?:'?s|er(?: jahren?)?)|(?P<b>\d{3})x|(?:jaren|années) (?P<c>\d{3}0)")
_WHOLE = re.compile(r"(?P<a>\d{2})xx")
_LONG_AGO = re.compile(r"(\d{1,3})[.,]?(\d{3})")
_ROMAN = r"(?:x{0,2}(?:ix|iv|v?i{0,3}))"
_AGE = re.compile(
    rf"(?:(?P<before>siglo|século|secolo|s\.) )?(?P<a>\d{{1,2}}|{'|'.join(words.ORDINALS)}|{_ROMAN})(?: ?(?:st|nd|rd|th"
    r"|\.|ème|ère|er|e|de|ste|:e))?"
    rf"(?:(?:[ -]|(?<=\.))(?:(?P<century>{words.CENTURY})|(?P<millennium>{words.MILLENNIUM})))?"
)
_LETTERS = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}
_ROMAN_YEAR = re.compile(r"(m{1,2}(?:cm|c?d|d?c{0,4})(?:xc|xl|l?x{0,4})(?:ix|iv|v?i{0,4}))")

Span = tuple[int | None, int | None]
Years = tuple[int, int]
_NONE: Span = (None, None)


def years(begin: object, end: object, text: str | None = None) -> Span:
    """Return a span of years told as numbers, those before the era negative; where there are none, that of a text.

    There is no year 0: a span from it begins in 1, one up to it ends in -1. One that ends before it begins is none.
    """
    first, last = (values.integer(year, MIN_YEAR, MAX_YEAR) for year in (begin, end))
    if (first is None and last is None) or first == last == 0:
        return span(text)
    first, last = 1 if first == 0 else first, -1 if last == 0 else last
    return _NONE if first is not None and last is not None and first > last else (first, last)


def span(text: str | None) -> Span:
    """Return the first and the last year that a date may mean, those before the era negative; None: unclear."""
    if text is None or len(text) > MAX_TEXT:
        return _NONE
    date = " ".join(text.lower().replace("’", "'").split())
    if found := _MINUS.fullmatch(date):  # counted with a year 0 or without
        return _valid(-int(found[1]) - 1, -int(found[1])) or _NONE
    for form, known in _UNKNOWN:
        date = form.sub(known, date)
    date = words.ASIDE.sub("", _DASHES.sub(" - ", date)).translate(_BRACKETS).strip(" ,;")
    if _DOUBTFUL.search(date) and not (words.BC.search(date) or words.AD.search(date)):
        return _NONE
    date = words.PARTS.sub("", words.WEEKDAY.sub("", _SURE.sub("", date))).strip(" ,;")
    if (found := words.WITHIN.fullmatch(date)) and not (words.BEFORE.match(date) or words.AFTER.match(date)):
        date = found["date"]
    return _open(date) or _told(_bare(date)) or _NONE


def _open(date: str) -> Span | None:
    """Return the years of a date that is open to one side; None: it is not."""
    for pattern, is_last in ((_UP_TO, True), (_FROM, False)):
        if found := pattern.fullmatch(date):
            return _half(found["date"], is_last)
    for join in islice(words.JOINS.finditer(date), MAX_JOINS):
        if words.NOW.match(date[join.end() :]):
            return _half(date[: join.start()], is_last=False)
    for pattern, is_last in ((words.OR_EARLIER, True), (words.OR_LATER, False)):
        if pattern.search(date):
            return _half(pattern.sub("", date), is_last)
    if words.FROM.match(date):
        rest = words.FROM.sub("", date)
        return _range(_bare(rest)) or _half(rest, is_last=False)
    if words.AFTER.match(date):
        first, _, last = words.AND_BEFORE.sub("\n", words.AFTER.sub("", date)).partition("\n")
        ends = _half(first, is_last=False)[0], _half(words.BEFORE.sub("", last), is_last=True)[1]
        return years(*ends) if not last or None not in ends else _NONE
    return _half(words.BEFORE.sub("", date), is_last=True) if words.BEFORE.match(date) else None


def _half(date: str, is_last: bool) -> Span:
    """Return one end of the years of a date."""
    found = _told(_bare(date))
    return _NONE if found is None else (None, found[1]) if is_last else (found[0], None)


def _told(date: str) -> Years | None:
    return _one(date) or _range(date)


def _bare(date: str) -> str:
    """Return a date without what only says how sure it is, or which part of it is meant."""
    date = date.strip(" .,;:()")
    for _ in range(5):  # "probably circa early ..."
        date = words.ABOUT.sub("", date)
    return words.PART_BEHIND.sub("", date).strip(" .,;:()")


def _one(date: str, unit: str = "") -> Years | None:
    """Return the years of one date; `unit` is what another one, named with it, says: "bc", "century", "millennium"."""
    is_bc, is_ad = words.BC.search(date) is not None, words.AD.search(date) is not None
    bare = _bare(words.AD.sub("", words.BC.sub("", date)))
    is_bc = is_bc or ("bc" in unit and not is_ad)
    if (found := _AGE.fullmatch(bare)) and (age := _age(found, unit, is_bc, is_ad)):
        return age
    if found := _DECADE.fullmatch(bare):
        first = int(found["a"] or found["c"] or found["b"] + "0")
        return _valid(first, first + (CENTURY - 1 if first % CENTURY == 0 and not found["b"] else 9))
    if found := _WHOLE.fullmatch(bare):
        return _valid(int(found["a"]) * CENTURY, int(found["a"]) * CENTURY + CENTURY - 1)
    if found := _MONTH_OR_SPAN.fullmatch(bare):
        year, month = int(found["a"]), int(found["m"])
        return _valid(year, year - year % CENTURY + month if month > year % CENTURY and unit != "iso" else year)
    if (found := _ROMAN_YEAR.fullmatch(bare.replace(".", "").replace(" ", ""))) and len(found[1]) > 2:
        year = _number(found[1])
        return _valid(year, year) if year >= FIRST_PRINTED else None
    if is_bc and (found := _LONG_AGO.fullmatch(bare)):
        return _valid(-int(found[1] + found[2]), -int(found[1] + found[2]))
    for form in _FORMS:
        if found := form.fullmatch(bare):
            year = int(found["a"])
            if len(found["a"]) < 3 and not (is_bc or is_ad or unit):
                return None
            return _valid(-year, -year) if is_bc else _valid(year, year)
    return None


def _age(found: re.Match[str], unit: str, is_bc: bool, is_ad: bool) -> Years | None:
    """Return the years of a century, or of a millennium whose era is told; None: the number stands for neither."""
    number = words.ORDINALS.get(found["a"]) or _number(found["a"])
    if found["millennium"] or "millennium" in unit:
        size, most = MILLENNIUM, 10 if is_bc else 3 if is_ad else 0
    else:
        size, most = CENTURY, 22 if found["century"] or found["before"] or "century" in unit else 0
    if not 0 < number <= most:
        return None
    first = (number - 1) * size
    return (-first - size, -first - 1) if is_bc else (first or 1, first + size - 1)


def _range(date: str) -> Years | None:
    """Return the years from one date to another, wherever a dash or a word parts two that can be read."""
    for join in islice(words.JOINS.finditer(date), MAX_JOINS):
        left, right = _bare(date[: join.start()]), _bare(date[join.end() :])
        right = _completed(left, right)
        if "/" in join[0] and _MONTH_OR_SPAN.fullmatch(left) and _MONTH_OR_SPAN.fullmatch(right):
            units = "iso", "iso"
        else:
            units = _unit(left) or ("years" if len(left) > 2 else ""), _unit(right) or "years"
        last = _one(right, units[0].replace("bc", "years"))
        first = _one(left, units[1])
        if first is not None and last is not None and (len(left) > 2 or units[1] != "years" or words.AD.search(date)):
            return (first[0], last[1]) if first[0] <= last[1] else None
    return None


def _unit(date: str) -> str:
    """Return what a date says of the numbers that are named with it: "bc", "ad", "century", "millennium"."""
    age = _AGE.fullmatch(_bare(words.AD.sub("", words.BC.sub("", date))))
    size = (
        ""
        if age is None
        else "millennium"
        if age["millennium"]
        else "century"
        if age["century"] or age["before"]
        else ""
    )
    return ("bc" if words.BC.search(date) else "ad" if words.AD.search(date) else "") + size


def _completed(left: str, right: str) -> str:
    """Return the second year of "1640-50" and "1880-90s" with the digits that it shares with the first."""
    year, end = re.search(r"(?<!\d)(\d{4})s?$", left), re.fullmatch(r"(\d{1,2})s?", right)
    if year is None or end is None:
        return right
    whole = year[1][: -len(end[1])] + right
    return whole if whole[:4] > year[1] else right


def _number(digits: str) -> int:
    """Return an Arabic number or a Roman one; 0 for none."""
    if digits.isdigit():
        return int(digits)
    worth = [_LETTERS[letter] for letter in digits]
    return sum(-one if one < max(worth[at:], default=0) else one for at, one in enumerate(worth))


def _valid(first: int, last: int) -> Years | None:
    return (first, last) if MIN_YEAR <= first <= last <= MAX_YEAR and 0 not in (first, last) else None
