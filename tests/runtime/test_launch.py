"""The command line, without starting a daemon."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hived import __version__
from hived.runtime.launch import launch

NOWHERE = "tests.no_such_module:daemon"  # what imports it fails


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HIVED_CONFIG", "NODE_ID", "MASTER_URL", "DATABASE_URL", "OLLAMA_HOST", "OLLAMA_MODEL"):
        monkeypatch.delenv(name, raising=False)


def test_version_and_help_import_no_daemon(capsys: pytest.CaptureFixture[str]) -> None:
    assert launch("hive-polld", NOWHERE, ["--version"]) == 0
    assert capsys.readouterr().out == f"hive-polld {__version__}\n"
    assert launch("hive-polld", NOWHERE, ["--help"]) == 0
    printed = capsys.readouterr().out
    for flag in ("--config", "--once", "--check", "--log-level", "--version"):
        assert flag in printed
    assert "--addr" not in printed


@pytest.mark.parametrize(
    "args", [["--bogus"], ["once"], ["--config"], ["--once", "--check"], ["--addr", "a:1"], ["--onc"]]
)
def test_wrong_usage_is_2(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert launch("hive-polld", NOWHERE, args) == 2
    assert capsys.readouterr().err.startswith("usage: hive-polld")


def test_check_prints_what_is_in_effect_and_imports_no_daemon(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hived.yaml"
    path.write_text("network:\n  port: 81\n  unlock_passwords: [hunter2]\n")
    monkeypatch.setenv("HIVED_CONFIG", str(path))
    monkeypatch.setenv("HIVED_NODE__NAME", "rig")
    assert launch("hive-apid", NOWHERE, ["--check", "--addr", "127.0.0.1:9000"], ["--addr"]) == 0
    printed = capsys.readouterr().out
    assert "  port: 81 " in printed
    assert f"# {path}:2\n" in printed
    assert "# environment HIVED_NODE__NAME\n" in printed
    assert "addr: '127.0.0.1:9000'" in printed
    assert "hunter2" not in printed


def test_a_bad_flag_is_78(capsys: pytest.CaptureFixture[str]) -> None:
    args = ["--config", "/dev/null", "--log-level", "loud"]
    assert launch("hive-polld", NOWHERE, args) == 78
    assert capsys.readouterr().err == (
        "hive-polld: --log-level: expected one of debug, info, warning, error, critical, got 'loud'\n"
    )


def test_version_is_quick_because_it_imports_little() -> None:
    code = (
        "import sys; from hived.runtime.launch import launch; launch('x', 'y:z', ['--version']);"
        "print([name for name in ('asyncio', 'yaml', 'aiohttp', 'peewee', 'logging') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"x {__version__}\n[]\n"


@pytest.mark.parametrize(
    "environ",
    [
        {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"},
        {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX", "LANG": "cs_CZ.UTF-8"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
)
@pytest.mark.parametrize("name", ["Čaša", "Zürich", "機房 1", "rig ⛏"])
def test_a_locale_without_the_letters_of_a_name_costs_these_letters(
    environ: dict[str, str], name: str, tmp_path: Path
) -> None:
    path = tmp_path / "hived.yaml"
    path.write_text(f"node: {{name: {name}, site: Plain}}\n", encoding="utf-8")
    code = f"import sys; from hived.runtime.launch import launch; sys.exit(launch('hive-polld', '{NOWHERE}'))"
    done = subprocess.run(
        [sys.executable, "-c", code, "--check", "--config", str(path)],
        env=os.environ | environ, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"site: Plain" in done.stdout
