"""Whoever is not a family of firmware speaks of firmware, not of one of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

HIVED = Path(__file__).parent.parent / "hived"
FIRMWARES = HIVED / "clients" / "firmwares"

# Each family by the words that betray it.
NAMES = {"vnish": ("vnish", "anthill")}
MAY = {
    FIRMWARES / "__init__.py": "the table of families",
    HIVED / "api" / "http" / "examples.json": "what a real run answered: miners tell their firmware",
    HIVED / "store" / "migrations" / "0005_firmware.py": "the rows of 0.1.0, which knew one family",
    HIVED / "api" / "http" / "examples.json": "what a real run answered, its miners' firmware among it",
}


def betrayals(folder: Path) -> Iterator[str]:
    """Yield where a file names a family that it has no business with."""
    for path in sorted(folder.rglob("*")):
        if path in MAY or not path.is_file() or "__pycache__" in path.parts or HIVED / "simulator" in path.parents:
            continue
        text = path.read_bytes().decode("utf-8", "replace").lower()
        for family, words in NAMES.items():
            if FIRMWARES / family not in path.parents and any(word in text for word in words):
                yield f"{path.relative_to(folder)} names {family}"


def test_no_room_but_a_familys_own_names_it() -> None:
    assert list(betrayals(HIVED)) == []


def test_every_family_is_looked_for() -> None:
    assert set(NAMES) == {path.name for path in FIRMWARES.iterdir() if path.is_dir() and path.name != "__pycache__"}


@pytest.mark.parametrize("word", ["VNish", "AnthillOS", "vnish.client"])
def test_a_name_is_found_in_any_spelling(word: str, tmp_path: Path) -> None:
    (tmp_path / "page.js").write_text(f"// only for {word}\n")
    assert list(betrayals(tmp_path)) == ["page.js names vnish"]
