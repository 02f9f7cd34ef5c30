"""docs/security.md names a test for each attack, and there is such a test."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs/security.md").read_text()
ATTACKS = re.findall(r"^\| (S-[HML]\d+) \| .* \| (.*) \|$", DOCUMENT, re.MULTILINE)
FINDINGS = [f"S-{kind}{number}" for kind, most in (("H", 5), ("M", 7), ("L", 11)) for number in range(1, most + 1)]


def test_every_attack_is_held_by_tests_that_exist() -> None:
    there = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert [name for name, _ in ATTACKS] == FINDINGS
    for attack, tests in ATTACKS:
        named = re.findall(r"`(test_\w+)`", tests)
        assert named, f"{attack}: no test is named"
        assert set(named) <= there, f"{attack}: {set(named) - there}"


def test_the_way_to_report_a_flaw_names_no_person() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    assert "private vulnerability reporting" in text
    assert re.findall(r"[\w.+-]+@[\w-]+\.\w+", text) == []
