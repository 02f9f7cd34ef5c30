"""Tables that line up: all columns where nobody looks, as many as fit where somebody does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hived.cli.output.screen import Screen
from hived.cli.output.text import UNKNOWN, clean, cut, width

GAP = "  "
NICE = 8
"""Columns that leave as late as this or later are nice to have, and no more."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A text and its tone; no text is unknown."""

    text: str | None
    tone: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `cell` gives its text for one thing at a time, None for what is not known.

    Where room is short the highest `leaves` goes first; 0 stays always. `least`: columns down to which the texts may
    be cut; None: never cut. `fair`: from NICE on a column rather leaves than that these texts are cut below it.
    """

    heading: str
    cell: Callable[[Any, float], Cell | str | None]
    right: bool = False
    leaves: int = 0
    least: int | None = None
    fair: int | None = None


@dataclass(frozen=True, slots=True)
class _Shown:
    text: str
    tone: str | None = None


def draw(screen: Screen, columns: Sequence[Column], things: Sequence[Any], now: float, *, indent: str = "") -> None:
    """Write a table with its headings, a line for each thing."""
    cells = [[_shown(column.cell(thing, now)) for column in columns] for thing in things]
    widths = [max([width(c.heading), *(width(row[i].text) for row in cells)]) for i, c in enumerate(columns)]
    shown = list(range(len(columns)))
    if screen.width is not None:
        # A column that tells nothing only takes room from the others; for a program it keeps its place.
        shown = [i for i in shown if not columns[i].leaves or any(row[i].text != UNKNOWN for row in cells)]
        shown, widths = _fit(columns, widths, shown, screen.width - len(indent))
    headings = [_Shown(column.heading, "bold") for column in columns]
    for row in (headings, *cells):
        screen.say(_line(screen, columns, row, shown, widths, indent))


def _shown(cell: Cell | str | None) -> _Shown:
    text, tone = (cell.text, cell.tone) if isinstance(cell, Cell) else (cell, None)
    return _Shown(clean(text) if text else UNKNOWN, tone)


def _fit(columns: Sequence[Column], widths: list[int], shown: list[int], room: int) -> tuple[list[int], list[int]]:
    """Return the columns that stay and their widths."""
    fair = [min(w, c.fair or w) for c, w in zip(columns, widths, strict=True)]
    narrow = [
        w if c.least is None else min(w, max(c.least, len(c.heading))) for c, w in zip(columns, widths, strict=True)
    ]

    def over(shown: list[int], widths: list[int]) -> int:
        return sum(widths[i] for i in shown) + len(GAP) * (len(shown) - 1) - room

    while over(shown, fair) > 0 and any(columns[i].leaves >= NICE for i in shown):
        shown.remove(max(shown, key=lambda i: columns[i].leaves))
    while over(shown, narrow) > 0 and any(columns[i].leaves for i in shown):
        shown.remove(max(shown, key=lambda i: columns[i].leaves))
    widths = list(widths)
    while (excess := over(shown, widths)) > 0:
        widest = max((i for i in shown if widths[i] > narrow[i]), key=lambda i: widths[i], default=None)
        if widest is None:
            break  # narrower than anybody works: lines may wrap
        widths[widest] = max(narrow[widest], widths[widest] - excess)
    return shown, widths


def _line(
    screen: Screen, columns: Sequence[Column], row: Sequence[_Shown], shown: list[int], widths: list[int], indent: str
) -> str:
    parts = []
    for i in shown:
        text = cut(row[i].text, widths[i])
        blank = " " * (widths[i] - width(text))
        painted = screen.paint(text, row[i].tone)
        parts.append(blank + painted if columns[i].right else painted + ("" if i == shown[-1] else blank))
    return (indent + GAP.join(parts)).rstrip()
