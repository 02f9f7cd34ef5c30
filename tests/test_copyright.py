"""debian/copyright covers every library that the package brings along, under the licence that the library states."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TREE = "usr/lib/hived/"
BUILD_ONLY = {"setuptools"}
LIBRARIES = [
    line.partition("==")[0]
    for line in (ROOT / "requirements.lock").read_text().splitlines()
    if "==" in line and line.partition("==")[0] not in BUILD_ONLY
]
# Of those that name it in words of their own, or only in the file.
STATED = {
    "aiomqtt": "BSD-3-Clause",
    "aiosignal": "Apache-2.0",
    "defusedxml": "PSF-2.0",
    "peewee": "MIT",
}
IN_COMMON_LICENSES = {"Apache-2.0", "MPL-2.0", "LGPL-2.1-or-later", "LGPL-3.0-only"}
LEFT_OUT = re.compile(r"(\.\.|__pycache__|bin|peewee-stubs)/|pwiz\.py|.*\.(pyi|pyc|h|c)$|[^/]*\.dist-info/")


@dataclass(frozen=True, slots=True)
class Part:
    """A paragraph that says of some files whose they are and under which licence."""

    patterns: tuple[str, ...]
    copyright: str
    licence: str
    text: str


def _paragraphs() -> list[dict[str, str]]:
    found = []
    for paragraph in (ROOT / "debian/copyright").read_text().strip().split("\n\n"):
        fields = re.findall(r"^([A-Z][\w-]+): ?(.*(?:\n[ \t].*)*)", paragraph, re.MULTILINE)
        assert "\n".join(f"{name}: {value}" for name, value in fields) == paragraph, "a line belongs to no field"
        found.append(dict(fields))
    return found


PARAGRAPHS = _paragraphs()
PARTS = [
    Part(tuple(one["Files"].split()), one["Copyright"], *(one["License"] + "\n").split("\n", 1))
    for one in PARAGRAPHS
    if "Files" in one
]
TEXTS = dict((one["License"] + "\n").split("\n", 1) for one in PARAGRAPHS if "Files" not in one and "License" in one)


def _of(path: str) -> Part:
    """Return the paragraph that a file falls under: the last one that fits."""
    return next(part for part in reversed(PARTS) if any(fnmatchcase(path, pattern) for pattern in part.patterns))


def _own(name: str) -> Part:
    """Return the paragraph of a library as a whole."""
    files = distribution(name).files or ()
    return _of(TREE + next(str(file) for file in files if file.match("*.dist-info/METADATA")))


def _field(library: Distribution, name: str) -> str:
    found = re.search(rf"^{name}: (.+)$", library.read_text("METADATA") or "", re.MULTILINE)
    return found[1] if found else ""


def _licences(library: Distribution) -> str:
    """Return the text of every licence that a library brings."""
    files = [file for file in library.files or () if re.search("licen|copying|notice", str(file), re.IGNORECASE)]
    return "\n".join(file.read_text(encoding="utf-8") for file in files if ".dist-info" in file.parts[0])


def _words(text: str) -> str:
    return " ".join(re.findall(r"[^\W\d_]+", text.lower()))


def test_it_is_machine_readable() -> None:
    assert PARAGRAPHS[0]["Format"] == "https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
    assert PARTS[0].patterns == ("*",)
    for part in PARTS:
        for word in re.split(r" and | or ", part.licence):
            assert part.text or word in TEXTS, f"no text of {word}"
    names = [part.licence for part in PARTS if part.text] + list(TEXTS)
    assert len(names) == len(set(names)), "one name for two texts"


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_is_there_with_the_licence_that_it_states(name: str) -> None:
    library, part = distribution(name), _own(name)
    assert part is not PARTS[0], "it has no paragraph"
    stated = _field(library, "License-Expression") or STATED.get(name) or _field(library, "License")
    assert part.licence.removesuffix(f"-{name}") == stated.replace(" AND ", " and ").replace(" OR ", " or ")
    for file in library.files or ():
        if not LEFT_OUT.match(str(file)):
            assert _of(f"{TREE}{file}") is not PARTS[0], f"{file} belongs to no library"
        if file.parts[0].endswith(".libs"):
            assert _of(f"{TREE}{file}") is not part, f"{file} is somebody else's and has no paragraph of its own"


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_text_of_the_licence_and_its_holders_are_those_of_the_library(name: str) -> None:
    part, brought = _own(name), _words(_licences(distribution(name)))
    assert brought
    for word in re.split(r" and | or ", part.licence):
        if word not in IN_COMMON_LICENSES and word != "PSF-2.0":  # that one names other years in each library
            assert _words(part.text or TEXTS[word]) in brought, f"{name} has other words in its {word}"
    for line in re.findall(r"^\W*copyright .*\d{4}.*$", _licences(distribution(name)), re.MULTILINE | re.IGNORECASE):
        if "Free Software Foundation" not in line and "copyright notice" not in line:  # theirs is the licence's text
            holder = _words(line).removeprefix("copyright ").removeprefix("c ").partition(" all rights")[0].split()
            assert set(holder[:3]) & set(_words(part.copyright).split()), f"{line} is missing"
