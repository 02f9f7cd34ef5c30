"""The simulated museum's objects: pure functions of seed, id and version, so any number costs no memory."""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Literal, TypeVar

from hived.simulator.collection.words import (
    ANIMALS,
    CULTURES,
    DONORS,
    FIGURES,
    KINDS,
    MODERN,
    MOTIFS,
    SCENES,
    TAGS,
    Culture,
    Kind,
    Period,
)

Clock = Callable[[], float]
Rights = Literal["cc0", "pdm", "copyright", "unknown", "by-sa"]
OPEN: frozenset[Rights] = frozenset({"cc0", "pdm"})

SHARES: tuple[tuple[Rights, int], ...] = (("cc0", 40), ("pdm", 20), ("copyright", 20), ("unknown", 12), ("by-sa", 8))
"""How many in a hundred objects carry which right."""

FIRST_ID, ID_STEP = 1001, 7
"""Ids lie scattered, so that a guessed one is mostly wrong."""

EPOCH, EPOCH_DAYS = 1_546_300_800.0, 2700
"""Untouched records were last changed between 2019-01-01 and the middle of 2026."""

LOANS_PER_MILLE = 15
"""Listed ids whose objects belong to somebody else."""

LAST_YEAR = 2014
"""No object is younger."""

MAX_COUNT = 2_000_000

T = TypeVar("T")
_TERMS = tuple(TAGS)
_MASK = (1 << 64) - 1


def mix(*numbers: int) -> int:
    """Return 64 bits that depend on every number and look random."""
    state = 0x9E3779B97F4A7C15
    for number in numbers:
        state = ((state ^ (number & _MASK)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 29)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 32
    return state


class Draw:
    """A stream of choices. Built on random() alone, which every Python version answers alike."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed).random

    def below(self, limit: int) -> int:
        return int(self._random() * limit)

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self._random() * len(choices))]

    def chance(self, share: float) -> bool:
        return self._random() < share

    def near(self, value: float) -> float:
        """Return a number between 0.6 and 1.4 times the value."""
        return value * (0.6 + 0.8 * self._random())


@dataclass(frozen=True, slots=True)
class Maker:
    name: str
    family: str
    nationality: str
    born: int
    died: int

    @property
    def bio(self) -> str:
        return f"{self.nationality}, {self.born}–{self.died}"


@dataclass(frozen=True, slots=True)
class Work:
    """One object of the museum, before any API gives it its shape."""

    id: int
    version: int
    """Grows with every change after the museum opened."""
    rights: Rights
    changed_at: float
    loan: bool
    """Listed, but not the museum's own: it has no record."""
    kind: Kind
    culture: Culture
    period: Period
    place: str
    department: int
    title: str
    maker: Maker | None
    date_text: str
    begin: int
    end: int
    medium: str
    height_cm: float
    width_cm: float
    credit: str
    year: int
    """When it was acquired."""
    accession: str
    tags: tuple[str, ...]
    highlight: bool
    gallery: str
    palette: int

    @property
    def open(self) -> bool:
        return self.rights in OPEN

    @property
    def dimensions(self) -> str:
        inches = f"{self.height_cm / 2.54:.1f} x {self.width_cm / 2.54:.1f} in."
        return f"{inches} ({self.height_cm:g} x {self.width_cm:g} cm)"


@dataclass(slots=True)
class Change:
    """What became of an object since the museum opened."""

    version: int = 0
    at: float = 0.0
    rights: Rights | None = None
    title: str | None = None
    gone: bool = False


class Catalogue:
    """All objects of one museum. `url` is set by the server before the first request."""

    def __init__(self, count: int, *, seed: int = 1, clock: Clock = time.time) -> None:
        if not 1 <= count <= MAX_COUNT:
            raise ValueError(f"objects: expected 1 to {MAX_COUNT}, got {count}")
        self.count = count
        self.seed = seed
        self.clock = clock
        self.url = ""
        self.changes: dict[int, Change] = {}
        self.generation = 0
        """Grows with every change: what lists are cached by."""
        self.last_change = EPOCH + EPOCH_DAYS * 86400
        self._lists: dict[str, tuple[int, array[int]]] = {}

    def id_at(self, index: int) -> int:
        return FIRST_ID + ID_STEP * index + mix(self.seed, index) % (ID_STEP - 1)

    def ids(self) -> Iterator[int]:
        """Yield every listed id in ascending order."""
        return map(self.id_at, range(self.count))

    def __contains__(self, object_id: int) -> bool:
        index = (object_id - FIRST_ID) // ID_STEP
        return 0 <= index < self.count and self.id_at(index) == object_id

    def selected(self, name: str, keep: Callable[[int], bool]) -> array[int]:
        """Return the ids that pass, remembered under a name until something changes."""
        generation, ids = self._lists.get(name, (-1, array("q")))
        if generation != self.generation:
            ids = array("q", filter(keep, self.ids()))
            if len(self._lists) >= 32:  # names come from queries: forget them before they fill the memory
                self._lists.clear()
            self._lists[name] = self.generation, ids
        return ids

    def changed_since(self, first: float | None, last: float | None = None) -> array[int]:
        """Return the ids of what was changed between two times; None: without a limit."""
        begin, end = -math.inf if first is None else first, math.inf if last is None else last
        return self.selected(f"changed {begin} {end}", lambda object_id: begin <= self.changed_at(object_id) <= end)

    def rights_of(self, object_id: int) -> Rights:
        change = self.changes.get(object_id)
        return change.rights if change and change.rights else self._first_rights(object_id)

    def _first_rights(self, object_id: int) -> Rights:
        """Return the right that an object was born with: what it is does not change with its licence."""
        place = mix(self.seed, object_id, 1) % 100
        for rights, share in SHARES:
            place -= share
            if place < 0:
                return rights
        raise AssertionError("the shares sum up to a hundred")

    def version_of(self, object_id: int) -> int:
        change = self.changes.get(object_id)
        return change.version if change else 0

    def changed_at(self, object_id: int) -> float:
        change = self.changes.get(object_id)
        return change.at if change else EPOCH + mix(self.seed, object_id, 2) % (EPOCH_DAYS * 86400)

    def is_loan(self, object_id: int) -> bool:
        return mix(self.seed, object_id, 3) % 1000 < LOANS_PER_MILLE

    def is_gone(self, object_id: int) -> bool:
        change = self.changes.get(object_id)
        return change is not None and change.gone

    def has_record(self, object_id: int) -> bool:
        return object_id in self and not self.is_loan(object_id) and not self.is_gone(object_id)

    def culture_of(self, object_id: int) -> Culture:
        cultures = CULTURES if self._first_rights(object_id) in ("cc0", "pdm", "unknown") else MODERN
        return cultures[mix(self.seed, object_id, 4) % len(cultures)]

    def department_of(self, object_id: int) -> int:
        departments = self.culture_of(object_id).departments
        return departments[mix(self.seed, object_id, 5) % len(departments)]

    def touch(self, object_id: int, *, rights: Rights | None = None, title: str | None = None) -> None:
        """Change an object now: it is measured again; `rights` and `title` replace what it had. Raises KeyError."""
        change = self._change(object_id)
        change.rights = rights or change.rights
        change.title = title or change.title

    def withdraw(self, object_id: int) -> None:
        """Take an object's record away now; its id stays listed. Raises KeyError."""
        self._change(object_id).gone = True

    def add(self, count: int) -> None:
        """Let the museum acquire objects now. Raises ValueError when it is full."""
        if count < 0 or self.count + count > MAX_COUNT:
            raise ValueError(f"the museum has room for {MAX_COUNT} objects")
        for index in range(self.count, self.count + count):
            self.changes[self.id_at(index)] = Change(at=self.clock())
        self.count += count
        self._changed()

    def _change(self, object_id: int) -> Change:
        if object_id not in self:
            raise KeyError(object_id)
        change = self.changes.setdefault(object_id, Change())
        change.version += 1
        change.at = self.clock()
        self._changed()
        return change

    def _changed(self) -> None:
        self.generation += 1
        self.last_change = self.clock()

    def work(self, object_id: int) -> Work:
        """Return one object as it is now. Raises KeyError for an id that is not listed."""
        if object_id not in self:
            raise KeyError(object_id)
        change = self.changes.get(object_id, Change())
        draw = Draw(mix(self.seed, object_id, 6))
        culture = self.culture_of(object_id)
        period = draw.pick(culture.periods)
        kind = draw.pick(KINDS[draw.pick(culture.groups)])
        text, begin, end = _date(draw, period)
        year = max(min(end, LAST_YEAR) + 1, 1871 + draw.below(150))
        medium, title, maker = draw.pick(kind.media), _title(draw, kind), _maker(draw, culture, begin, end)
        credit = _credit(draw, year)
        again = Draw(mix(self.seed, object_id, 7, change.version))
        return Work(
            id=object_id,
            version=change.version,
            rights=self.rights_of(object_id),
            changed_at=self.changed_at(object_id),
            loan=self.is_loan(object_id),
            kind=kind,
            culture=culture,
            period=period,
            place=draw.pick(culture.places),
            department=self.department_of(object_id),
            title=change.title or title,
            maker=maker,
            date_text=text,
            begin=begin,
            end=end,
            medium=medium,
            height_cm=round(again.near(kind.size_cm[0]), 1),
            width_cm=round(again.near(kind.size_cm[1]), 1),
            credit=credit,
            year=year,
            accession=f"{year if year >= 1990 else year % 100:02}.{1 + draw.below(400)}.{1 + object_id % 90}",
            tags=tuple(sorted({draw.pick(_TERMS) for _ in range(draw.below(3))})),
            highlight=draw.chance(0.02),
            gallery=str(100 + again.below(850)) if again.chance(0.3) else "",
            palette=draw.below(6),
        )


def _title(draw: Draw, kind: Kind) -> str:
    if draw.chance(0.15):
        return kind.name  # museums have thousands of works called "Bowl"
    if kind.shape == "picture" or kind.name in ("Print", "Drawing", "Hanging scroll"):
        if draw.chance(0.6):
            return f"{draw.pick(SCENES)}" + (f", No. {1 + draw.below(36)}" if draw.chance(0.4) else "")
        return " and ".join(_motifs(draw, 2)) if draw.chance(0.6) else f"Portrait of a {draw.pick(FIGURES)}"
    if kind.shape in ("figure", "head") and draw.chance(0.7):
        return f"{kind.name} of a {draw.pick(FIGURES)}"
    if kind.shape in ("jar", "ewer", "bowl", "candlestick") and draw.chance(0.25):
        return f"{kind.name} in the Form of a {draw.pick(ANIMALS)}"
    name = f"Fragment of a {kind.name}" if draw.chance(0.08) else kind.name
    return f"{name} with {' and '.join(_motifs(draw, 1 + draw.below(2)))}"


def _motifs(draw: Draw, count: int) -> list[str]:
    """Return different motifs."""
    first = draw.below(len(MOTIFS))
    step = 1 + draw.below(len(MOTIFS) - 1)
    return [MOTIFS[(first + number * step) % len(MOTIFS)] for number in range(count)]


def _maker(draw: Draw, culture: Culture, begin: int, end: int) -> Maker | None:
    if not culture.given or draw.chance(0.35):
        return None
    given, family = draw.pick(culture.given), draw.pick(culture.family)
    eastern = culture.name in ("Japan", "China")
    name = f"{family} {given}" if eastern else f"{given} {family}"
    born = begin - 18 - draw.below(30)
    return Maker(name, family, culture.adjective, born, min(max(end, born + 25) + draw.below(20), born + 90))


def _date(draw: Draw, period: Period) -> tuple[str, int, int]:
    """Return a date as museums write it, and the first and last year it means."""
    year = period.begin + draw.below(max(period.end - period.begin, 1))
    if year < 0:
        span = 25 * (1 + draw.below(4))
        begin, end = year, min(year + span, -1)
        if draw.chance(0.5):
            return f"ca. {-begin}–{-end} B.C.", begin, end
        century = (-year + 99) // 100
        return f"{_ordinal(century)} century B.C.", -100 * century, min(-100 * century + 99, -1)
    form = draw.below(5)
    if form == 0 or year < 200:
        return f"ca. {year}" + (" A.D." if year < 500 else ""), year - 5, year + 5
    if form == 1:
        end = year + 1 + draw.below(12)
        return f"{year}–{end}", year, end
    if form == 2:
        return f"dated {year}", year, year
    century = (year - 1) // 100 + 1
    first = 100 * (century - 1) + 1
    if form == 3:
        return f"{_ordinal(century)} century", first, min(first + 99, LAST_YEAR)
    third = min((year - first) // 34, 2)
    return (
        f"{('early', 'mid', 'late')[third]} {_ordinal(century)} century",
        first + 33 * third,
        min(first + 33 * third + 33, LAST_YEAR),
    )


def _ordinal(number: int) -> str:
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _credit(draw: Draw, year: int) -> str:
    donor = draw.pick(DONORS)
    form = draw.pick(
        ("Gift of the {0} family, {1}", "{0} Fund, {1}", "Bequest of A. {0}, {1}", "Purchase, {0} Gift, {1}")
    )
    return form.format(donor, year)


def iso(at: float, *, millis: bool = False) -> str:
    """Return a time as 2020-09-14T12:26:37Z."""
    stamp = datetime.fromtimestamp(at, UTC)
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{stamp.microsecond // 1000:03}Z" if millis else f"{stamp:%Y-%m-%dT%H:%M:%SZ}"


def parse_day(text: str) -> float | None:
    """Return a date, or a date with a time, as epoch seconds; None when it is neither."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
