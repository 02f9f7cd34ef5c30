"""docs/steering.md tells what the tables of steering say: reasons, outcomes, verbs, and what each family can do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hived.clients.firmwares import FAMILIES
from hived.records.orders import ENDS, OPEN, OUTCOMES, REASONS
from hived.records.steering import VERBS

PAGE = (Path(__file__).parents[1] / "docs/steering.md").read_text()


def table(heading: str) -> list[list[str]]:
    """Return the cells of the table whose first heading this is, without its head."""
    (found,) = re.findall(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found.splitlines()]


@pytest.mark.parametrize(("heading", "words"), [("reason", REASONS), ("unconfirmed because", OUTCOMES)])
def test_every_reason_is_told_in_its_own_words(heading: str, words: dict[str, str]) -> None:
    assert table(heading) == [[f"`{key}`", text] for key, text in words.items()]


def test_every_state_of_a_target_is_told() -> None:
    assert {state for names, _ in table("state") for state in names.split(", ")} == {*OPEN, *ENDS}


def test_every_verb_is_told_with_what_undoes_it_and_which_family_can_do_it() -> None:
    (head,) = re.findall(r"^\| verb \| shown by \| undone by \| (.*) \|$", PAGE, re.MULTILINE)
    rows = table("verb")
    assert [(row[0], row[2]) for row in rows] == [
        (f"`{verb.name}`", f"`{verb.undo}`" if verb.undo else "–") for verb in VERBS.values()
    ]
    families = {family.name: family.can for family in FAMILIES}  # type: ignore[attr-defined]  # classes, each of them
    assert [name.lower() for name in head.split(" | ")] == list(families)
    for row, verb in zip(rows, VERBS.values(), strict=True):
        for cell, can in zip(row[3:], families.values(), strict=True):
            assert (cell == "no") == (not verb.needs & can), f"{verb.name}: {cell}"
