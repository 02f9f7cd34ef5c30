"""The examples of docs/extending.md as changes to the tree.

A change is a line that ends in a colon, and a block of code below it. The line names a file: "New file `path`:", or
"`path`, after `a part of a line`:", or before it, or instead of the whole line. What only uses the thing that is added
begins with "Where it is".
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/extending.md"
COPIED = ("hived", "etc", "systemd", "packaging", "tests", "pyproject.toml")
_CHANGE = re.compile(
    r"^(?P<lead>[^`\n]*)`(?P<path>[^`\n]+)`(?:, (?P<where>after|before|instead of) `(?P<line>[^`\n]+)`)?:\n\n"
    r"```\w+\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Change:
    """One block: a new file, or code at a line of one that is there."""

    path: str
    code: str
    where: str | None
    line: str
    new: bool
    use: bool
    """Whether it only uses or notices what is added."""

    def apply(self, tree: Path) -> None:
        """Change the file; AssertionError when the file or its line is not as the page says."""
        file = tree / self.path
        if self.new:
            assert not file.exists(), f"{self.path} is there already"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self.code)
            return
        lines = file.read_text().splitlines(keepends=True)
        found = [index for index, line in enumerate(lines) if self.line in line]
        assert len(found) == 1, f"{self.path} has {len(found)} lines with {self.line!r}"
        (at,) = found
        lines[at : at + 1] = self._woven(lines[at])
        file.write_text("".join(lines))

    def _woven(self, line: str) -> list[str]:
        margin = line[: len(line) - len(line.lstrip())]
        if self.where == "after" and line.rstrip().endswith(("(", "[", "{", ":")):
            margin += "    "
        code = indent(self.code, margin)
        if self.where == "instead of":
            return [code]
        if self.where == "after":
            return [line, code]
        return [code, "\n\n" if not margin and self.code.startswith("def ") else "", line]


@dataclass(frozen=True)
class Section:
    """One thing that can be added."""

    title: str
    changes: tuple[Change, ...]

    def files(self) -> set[str]:
        """Return the files of the product that it touches besides a folder of its own and what uses it."""
        folders = {str(Path(c.path).parent) for c in self.changes if c.new and c.path.endswith("/__init__.py")}
        touched = {c.path for c in self.changes if not c.use and not c.path.startswith("tests/")}
        return {path for path in touched if str(Path(path).parent) not in folders}


def sections(page: str) -> dict[str, Section]:
    """Return what the page adds, by title; AssertionError for a block that is no change."""
    return {section.title: section for section in _sections(page)}


def _sections(page: str) -> Iterator[Section]:
    for part in page.split("\n## ")[1:]:
        title, _, text = part.partition("\n")
        changes = tuple(
            Change(
                path=found["path"], code=found["code"], where=found["where"], line=found["line"] or "",
                new=found["lead"].strip().lower() == "new file", use=found["lead"].startswith("Where it is"),
            )
            for found in _CHANGE.finditer(text)
        )  # fmt: skip
        assert 2 * len(changes) == text.count("```"), f"{title}: a block does not say which file it is for"
        for change in changes:
            assert change.new == (change.where is None), f"{title}: {change.path} is new, or changed at a line"
        yield Section(title, changes)


def promised(page: str) -> dict[str, int]:
    """Return how many files each section says that it touches."""
    rows = re.findall(r"^\| \[([^]]+)\]\(#[a-z-]+\) \| ([0-9]+) \|", page, re.MULTILINE)
    return {name[0].upper() + name[1:]: int(number) for name, number in rows}


def copy_of_the_tree(folder: Path) -> Path:
    """Copy what is changed and what tries it."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            # Compiled files are good for the copy, too: the times of the sources stay.
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("fixtures"))
        else:
            shutil.copy2(ROOT / name, folder)
    return folder
