"""What a page may tell of one object, wherever on it that stands."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

MAX_MAKERS, MAX_TAGS = 8, 32
_DATES = ("date_text", "year_from", "year_to")


@dataclass(frozen=True, slots=True)
class Facts:
    """What one part of a page says; the fields are those of a collected object."""

    title: str | None = None
    makers: tuple[str, ...] = ()
    date_text: str | None = None
    year_from: int | None = None
    year_to: int | None = None
    medium: str | None = None
    dimensions: str | None = None
    place: str | None = None
    culture: str | None = None
    classification: str | None = None
    department: str | None = None
    credit: str | None = None
    accession_number: str | None = None
    tags: tuple[str, ...] = ()


def completed(known: Facts, more: Facts) -> Facts:
    """Return known facts with those that were missing taken from elsewhere; a date and its years stay together."""
    missing = {field.name: getattr(more, field.name) for field in fields(Facts) if not getattr(known, field.name)}
    if known.date_text is not None:
        missing = {name: value for name, value in missing.items() if name not in _DATES}
    return replace(known, **missing)
