"""What a record says, in a form in which a sentence about it can be looked up: words, numbers, years, centuries."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from hived.services.collecting.describe.prompt import Prompt, clean, speaks, told_by_page
from hived.services.collecting.describe.word_lists import DEMONYMS, NUMBERS, ORDINALS

WORD = re.compile(r"[^\W\d_]+(?:[.'’][^\W\d_]+)*")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b", re.IGNORECASE)
DECADE = re.compile(r"\b(\d{3,4})['’]?s\b")
BEFORE_ERA = re.compile(r"\bB\.?\s?C\.?(?:\s?E\.?)?(?!\w)")
_RANGE = re.compile(r"\b(\d{3,4})\s*[-–—/]\s*(\d{1,2})\b(?!\d)")
_NUMBERED = re.compile(r"\b[A-Z][a-z]+ (\d{1,2})\b")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_CENTURY = re.compile(
    r"\b(\w{1,20})"
    r"(?:\s*(?:[-–—/]|to|or|and|through)\s*(?:(?:early|mid|late|the)[ -]){0,3}(\w{1,20}))?[ -]+centur(?:y|ies)",
    re.IGNORECASE,
)
_ROMAN = re.compile(r"\b[IVXLC]+(?=e?\b)")
_SPECIAL = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d", "þ": "th", "’": "'"})


def plain(word: str) -> str:
    """Return a word without capitals, accents and possessive ending."""
    bare = unicodedata.normalize("NFKD", word.casefold().translate(_SPECIAL))
    bare = "".join(char for char in bare if not unicodedata.combining(char))
    return bare.removesuffix("'s").removesuffix("'").replace(".", "")


def forms(word: str) -> frozenset[str]:
    """Return the ways of a word that count as the same: with and without the ending of its plural."""
    bare = plain(word)
    found = {bare}
    if len(bare) > 3 and bare.endswith("s") and not bare.endswith("ss"):
        found.add(bare[:-1])
        if bare.endswith("es"):
            found.add(bare[:-2])
        if bare.endswith("ies"):
            found.add(bare[:-3] + "y")
    return frozenset(found)


def values(number: str) -> frozenset[str]:
    """Return what a number as written may mean: 1,500 is 1500; 118,4 is 118.4; 2.50 is 2.5."""
    found = {_trimmed(number.replace(",", ".")) if len(re.findall(r"[.,]", number)) == 1 else number}
    if _THOUSANDS.fullmatch(number):
        found.add(re.sub(r"[.,]", "", number))
    return frozenset(found)


def _trimmed(number: str) -> str:
    whole, point, rest = number.partition(".")
    rest = rest.rstrip("0")
    return f"{whole.lstrip('0') or '0'}{point if rest else ''}{rest}"


def centuries_in(text: str) -> Iterator[int]:
    """Yield the centuries that a text names: 17th century, 17th-18th century, seventeenth century, XVII century."""
    for match in _CENTURY.finditer(text):
        for name in filter(None, match.groups()):
            number = _ordinal(name)
            if number is not None:
                yield number


def _ordinal(name: str) -> int | None:
    digits = re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?", name.lower())
    if digits:
        return int(digits[1])
    if name.lower() in ORDINALS:
        return ORDINALS[name.lower()]
    return _roman(name) if _ROMAN.fullmatch(name) else None


def _roman(name: str) -> int:
    worth = [{"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}[char] for char in name]
    return sum(
        -value if index + 1 < len(worth) and worth[index + 1] > value else value for index, value in enumerate(worth)
    )


def centuries_of(year: int) -> frozenset[int]:
    """Return the centuries that a year may be counted to: 1700 ends the 17th and begins the 1700s."""
    year = abs(year)
    return frozenset({(year - 1) // 100 + 1, year // 100 + 1})


_MEASURE = re.compile(
    r"\b(?:measur\w*|high|height|wide|width|long|length|deep|depth|tall|thick|diameter|size|dimensions?|weigh\w*|"
    r"inch(?:es)?|in|ft|feet|foot|[cmk]?m|g|kg|lbs?|oz|(?:centi|milli|kilo)?(?:met(?:er|re)s?|grams?)|by|x)\b|[×x]",
    re.IGNORECASE,
)
_SPAN = re.compile(r"\b(?:between|from)\b.*\b(?:and|to)\b|\d\s*[-–—]\s*\d")


@dataclass(frozen=True)
class Text:
    """A piece of a record, ready for look-ups."""

    text: str

    @cached_property
    def words(self) -> frozenset[str]:
        """All words in all their forms, a place also as what comes from it."""
        found = {form for word in WORD.findall(self.text) for form in forms(word)}
        for group in DEMONYMS:
            if found & group:
                found |= group
        return frozenset(found)

    @cached_property
    def numbers(self) -> frozenset[str]:
        """All numbers in all their values, those spelled out too."""
        rest = DECADE.sub(" ", self.text)
        found = {value for number in NUMBER.findall(rest) for value in values(number)}
        for start, end in _RANGE.findall(rest):
            found.add(start[: len(start) - len(end)] + end)  # 1667-82
        return frozenset(found | {str(NUMBERS[word]) for word in self.words if word in NUMBERS})

    @cached_property
    def bounds(self) -> frozenset[str]:
        """The years between which the centuries that are named lie."""
        named = {*centuries_in(self.text), *(start // 100 + 1 for start in self.decades)}
        return frozenset(
            str(year) for number in named for year in (number * 100 - 100, number * 100 - 99, number * 100)
        )

    @cached_property
    def ordinals(self) -> frozenset[int]:
        """Places in an order: 18th, Dynasty 18, eighteenth."""
        told = [*ORDINAL.findall(self.text), *_NUMBERED.findall(self.text)]
        named = {ORDINALS[word] for word in self.words if word in ORDINALS}
        return frozenset({int(number) for number in told if len(number) < 5} | named)

    @cached_property
    def years(self) -> frozenset[int]:
        """Numbers that can be years."""
        return frozenset(int(number) for number in self.numbers if like_year(number))

    @cached_property
    def decades(self) -> frozenset[int]:
        """1880 for "1880s"; the 1800s are a century."""
        return frozenset(int(start) for start in DECADE.findall(self.text))

    @cached_property
    def centuries(self) -> frozenset[int]:
        named = {*centuries_in(self.text), *(start // 100 + 1 for start in self.decades)}
        return frozenset(named.union(*(centuries_of(year) for year in self.years)))

    @property
    def before_era(self) -> bool:
        return BEFORE_ERA.search(self.text) is not None


class Evidence:
    """All that may be said of an object: what the model was told, its fields apart from the page's text.

    What speaks to a model is no ground for anything, should it have come through to the prompt.
    """

    def __init__(self, prompt: Prompt) -> None:
        facts = {
            name: [part for part in map(clean, _flat([value])) if not speaks(part)]
            for name, value in prompt.facts.items()
        }
        self.fields = Text(" \n".join(_flat(facts.values())))
        self.everything = Text(f"{self.fields.text} \n{told_by_page(prompt.page)[0]}")
        sized = Text(" \n".join(facts.get("dimensions", ())))
        others = Text(" \n".join(_flat(value for name, value in facts.items() if name != "dimensions")))
        self._only_measured = sized.numbers - others.numbers - Text(told_by_page(prompt.page)[0]).numbers
        self.dates = Text(" \n".join(_flat(facts[name] for name in ("date", "years") if name in facts)))
        self.has_makers = bool(facts.get("makers"))
        year_from, year_to = prompt.years
        self._span = (year_from, year_to) if year_from is not None and year_to is not None else None

    @property
    def dated(self) -> bool:
        """The fields say when: then a page has no say in it."""
        return bool(self.dates.years or self.dates.centuries)

    @property
    def only_before_era(self) -> bool:
        return self._span is not None and max(self._span) < 0

    @property
    def years(self) -> tuple[int, ...]:
        """The years of its making as numbers without an era, when they are known."""
        return () if self._span is None else (abs(self._span[0]), abs(self._span[1]))

    @property
    def before_era(self) -> bool:
        return self.everything.before_era

    @cached_property
    def centuries(self) -> frozenset[int]:
        source = self.fields if self.dated else self.everything
        found = set(source.centuries)
        if self._span is not None:
            start, end = sorted(abs(year) for year in self._span)
            if (self._span[0] < 0) == (self._span[1] < 0) and end - start <= 1000:
                found |= set(range(min(centuries_of(start)), max(centuries_of(end)) + 1))
        return frozenset(found)

    def knows_word(self, word: str) -> bool:
        return bool(forms(word) & self.everything.words)

    def knows_number(self, number: str, sentence: str) -> bool:
        """Say whether a number of a sentence is the record's.

        A year comes from the fields when these have one; the figures of the dimensions count where something is
        measured; the bounds of a century count as a span.
        """
        year = like_year(number)
        source = self.fields if self.dated and year else self.everything
        known = source.numbers if _MEASURE.search(sentence) else source.numbers - self._only_measured
        return bool(values(number) & known) or (year and number in source.bounds and bool(_SPAN.search(sentence)))

    def knows_decade(self, start: int) -> bool:
        """1880s: it is named, or a year of it; 1800s: also when the century is."""
        source = self.fields if self.dated else self.everything
        last = start + (99 if start % 100 == 0 else 9)
        if start in source.decades or any(start <= year <= last for year in source.years):
            return True
        if self._span is not None and 0 < self._span[0] <= last and start <= self._span[1] <= self._span[0] + 100:
            return True
        return start % 100 == 0 and start // 100 + 1 in self.centuries


def like_year(number: str) -> bool:
    return number.isdigit() and 3 <= len(number) <= 4


def _flat(found: Iterable[str | list[str]]) -> Iterator[str]:
    for value in found:
        yield from [value] if isinstance(value, str) else value
