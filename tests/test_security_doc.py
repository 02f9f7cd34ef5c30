"""docs/security.md names a test for each attack, and there is such a test; what has a long form is in its table."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs/security.md").read_text()
HELD = re.findall(r"^\| .* \| (.*) \|$", DOCUMENT.partition("## What held, run again")[2], re.MULTILINE)[2:]
TESTS = {path: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
ATTACKS = re.findall(r"^\| (S-[HML]\d+) \| .* \| (.*) \|$", DOCUMENT, re.MULTILINE)
FINDINGS = [f"S-{kind}{number}" for kind, most in (("H", 5), ("M", 7), ("L", 11)) for number in range(1, most + 1)]


def names(text: str) -> set[str]:
    return set(re.findall(r"\b(test_\w+)\b(?=[`(])", text))


THERE = set().union(*map(names, TESTS.values()))


def test_every_attack_is_held_by_tests_that_exist() -> None:
    assert [name for name, _ in ATTACKS] == FINDINGS
    for attack, tests in ATTACKS:
        assert names(tests), f"{attack}: no test is named"
        assert names(tests) <= THERE, f"{attack}: {names(tests) - THERE}"


def test_what_held_is_tried_again_by_tests_that_exist() -> None:
    assert len(HELD) > 15
    for tests in HELD:
        assert names(tests), "a row names no test"
        assert names(tests) <= THERE, names(tests) - THERE


def test_every_test_with_a_long_form_is_told_of() -> None:
    told = set().union(*map(names, HELD))
    imports = re.compile(r"^from tests.mutated import .*\b(LONG|count)\b", re.MULTILINE)
    long = [path for path, text in TESTS.items() if imports.search(text)]
    assert len(long) > 6
    assert [path.name for path in long if not told & names(TESTS[path])] == []


def test_the_way_to_report_a_flaw_names_no_person() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    assert "private vulnerability reporting" in text
    assert re.findall(r"[\w.+-]+@[\w-]+\.\w+", text) == []
