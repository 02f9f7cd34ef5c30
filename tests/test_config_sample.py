"""etc/hived.yaml documents every option at its default, and loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hived.runtime import config, written
from hived.runtime.options import BY_NAME, OPTIONS, SECTIONS, Option

SAMPLE = Path(__file__).parent.parent / "etc" / "hived.yaml"
LINES = SAMPLE.read_text().splitlines()
LIVE_ON_PURPOSE = {"network.subnets"}  # the package is installed to find miners: it says [auto]


def documented() -> list[tuple[str, str, int]]:
    """Return full name, value and index of every line such as `  #port: 80`."""
    found, section = [], ""
    for index, line in enumerate(LINES):
        if match := re.fullmatch(r"(\w+):", line):
            section = match[1]
        elif match := re.fullmatch(r"  #(\w+): (.+)", line):
            found.append((f"{section}.{match[1]}", match[2], index))
    return found


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_an_option_has_one_line_with_its_default_and_a_reason_above(option: Option) -> None:
    lines = [(value, index) for name, value, index in documented() if name == option.name]
    assert len(lines) == 1, f"etc/hived.yaml needs one line '#{option.key}: <default>' under {option.section}:"
    value, index = lines[0]
    parsed = written.parse(value)
    assert parsed is not None
    assert option.kind.read(parsed) == option.default, "the sample names another default than the program has"
    assert LINES[index - 1].startswith("  # "), "say what it is for on the line above"


def test_the_sample_has_no_line_for_an_option_that_does_not_exist() -> None:
    assert [name for name, _, _ in documented() if name not in BY_NAME] == []


def test_the_sections_stand_in_the_order_of_the_table() -> None:
    assert [line[:-1] for line in LINES if re.fullmatch(r"\w+:", line)] == list(SECTIONS)


def test_the_sample_loads_and_changes_only_what_the_package_wants() -> None:
    loaded = config.load(SAMPLE, env={}, flags={})
    assert set(config.Config().changes(loaded)) == LIVE_ON_PURPOSE
    assert loaded.network.subnets == ("auto",)


def test_the_sample_loads_with_every_option_uncommented(tmp_path: Path) -> None:
    lines = [re.sub(r"^  #(?=\w+: )", "  ", line) for line in LINES if not re.match(r"  \w", line)]
    (tmp_path / "hived.yaml").write_text("\n".join(lines))
    loaded = config.load(tmp_path / "hived.yaml", env={}, flags={})
    assert loaded == config.Config()
    assert set(loaded.origin) == set(BY_NAME)


def test_the_lines_are_short_enough_for_a_terminal() -> None:
    assert [line for line in LINES if len(line) > 120] == []
