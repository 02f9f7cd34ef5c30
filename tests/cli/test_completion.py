"""hivectl completion: a real shell is asked what may follow."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hived.cli.completion import script
from hived.cli.main import SHELLS, main

ASKED = [
    ("sta", {"status"}),
    ("miners ", {"list", "show", "scan", "set"}),
    ("miners list --st", {"--state"}),
    ("miners list --sort ha", {"hashrate"}),
    ("--json miners list --sort ", {"worst", "seen"}),
    ("users add x --role ", {"viewer", "operator", "admin"}),
    ("sync dead ", {"retry", "drop"}),
    ("completion ", {"bash", "zsh", "fish"}),
    ("miners list --offline --fai", {"--failing"}),
    ("backup x --fo", {"--force"}),
    ("do ", {"pause", "resume", "pools", "restore"}),
    ("do preset 2300 --model x --unt", {"--untuned"}),
    ("do cooling ", {"auto", "manual", "immersion"}),
    ("orders ", {"list", "show", "cancel", "undo"}),
]


def completed(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Let bash complete the last word of a line."""
    words = ["hivectl", *line.split(" ")]
    place = f"COMP_WORDS=({' '.join(repr(word) for word in words)}); COMP_CWORD={len(words) - 1}"
    asked = f"{script('bash')}\n{place}; _hivectl; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    return subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True, cwd=folder)


@pytest.mark.parametrize(("line", "wanted"), ASKED)
def test_bash_completes_commands_options_and_values(line: str, wanted: set[str], tmp_path: Path) -> None:
    ran = completed(line, tmp_path)
    assert ran.stderr == ""
    found = set(ran.stdout.split())
    assert wanted <= found
    assert all(word.startswith(line.rpartition(" ")[2]) for word in found)


@pytest.mark.parametrize("line", ["backup ", "config check --config "])
def test_bash_completes_files_where_nothing_else_fits(line: str, tmp_path: Path) -> None:
    (tmp_path / "rig.tar").touch()
    ran = completed(f"{line}ri", tmp_path)
    assert ran.stdout == "rig.tar\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_it_needs_no_configuration(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell, "--config", "/nowhere/hived.yaml"]) == 0
    text = capsys.readouterr().out
    assert text == script(shell)
    for word in ("miners", "columns", "enroll-code", "hashrate"):
        assert word in text


def test_a_shell_that_is_not_known_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "bash" in capsys.readouterr().err
