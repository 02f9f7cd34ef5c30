"""Each command has a man page that names all it can do, and hived.yaml(5) each option."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from hived.cli.main import parser as hivectl
from hived.daemons import entry
from hived.records.daemon import DAEMONS
from hived.runtime.options import OPTIONS
from hived.simulator.main import parser as hive_sim

ROOT = Path(__file__).parents[1]
PARSERS = {"hivectl": hivectl(), "hive-sim": hive_sim()} | {daemon.name: entry.parser(daemon) for daemon in DAEMONS}
EPOCH = {"SOURCE_DATE_EPOCH": "1795521600"}
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every page as roff, by name and section: hivectl.8."""
    folder = tmp_path_factory.mktemp("man")
    _write(folder)
    return {path.name: path.read_text() for path in folder.glob("man*/*")}


def _write(folder: Path) -> None:
    line = [sys.executable, str(ROOT / "packaging/man_pages.py"), str(ROOT), str(folder)]
    subprocess.run(line, check=True, env=EPOCH)


def _read(roff: str) -> str:
    """Return what a reader sees, without fonts, on one line."""
    text = re.sub(r"\\f[BIR]|\\&", "", roff).replace(r"\-", "-").replace(r"\(aq", "'").replace(r"\(dq", '"')
    return re.sub(r"\s+", " ", re.sub(r"^\.(BR|I|TP|br|PP)\b|(?m:^\.B[RI]? )", "", text, flags=re.MULTILINE))


def _leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield parser
    for group in groups:
        for below in group.choices.values():
            yield from _leaves(below)


def test_every_program_of_the_package_has_a_page(pages: dict[str, str]) -> None:
    assert set(SCRIPTS) == set(PARSERS)
    assert {name.rpartition(".")[0] for name in pages} == {*SCRIPTS, "hived.yaml"}
    assert {name for name in pages if not name.endswith(".8")} == {"hive-sim.1", "hived.yaml.5"}


@pytest.mark.parametrize("name", PARSERS)
def test_a_page_names_every_command_and_every_option(name: str, pages: dict[str, str]) -> None:
    text = _read(next(page for key, page in pages.items() if key.startswith(f"{name}.")))
    commands = text.partition(".SH COMMANDS ")[2] or text.partition(".SH SYNOPSIS ")[2]
    begins = {command.prog: commands.find(f"{command.prog} ") for command in _leaves(PARSERS[name])}
    assert [prog for prog, where in begins.items() if where < 0] == []
    for command in _leaves(PARSERS[name]):
        start = begins[command.prog]
        own = commands[start : min((one for one in begins.values() if one > start), default=None)]
        for action in command._actions:
            shown = text if {"--help", "--config", "--json"}.intersection(action.option_strings) else own
            for option in action.option_strings:
                assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", shown), f"{command.prog} {option}"


def test_the_configuration_s_page_has_every_option_with_its_default_and_its_variable(pages: dict[str, str]) -> None:
    text = _read(pages["hived.yaml.5"])
    sample = (ROOT / "etc/hived.yaml").read_text()
    for option in OPTIONS:
        section = sample.partition(f"\n{option.section}:\n")[2]
        default = next(re.finditer(rf"^  #{option.key}: (.+)$", section, re.MULTILINE))[1]
        assert f'{option.name} " (default: " "{default}" )' in text
        for door in filter(None, (option.env, option.inherited_env, option.flag)):
            assert door in text
    assert "The file that the package installs says [auto]." in text


def test_each_page_has_what_a_reader_of_man_pages_looks_for(pages: dict[str, str]) -> None:
    for key, page in pages.items():
        name, _, section = key.rpartition(".")
        assert page.startswith(f'.TH {name.upper()} {section} "2026-11-24"')
        assert re.fullmatch(rf"{re.escape(name)} - [a-zA-Z -]{{10,60}}", page.splitlines()[4].replace(r"\-", "-")), key
        headings = re.findall(r"^\.SH (.+)$", page, re.MULTILINE)
        wanted = ["NAME", "SYNOPSIS", "DESCRIPTION", "SEE ALSO"]
        wanted += [] if section == "5" else ["EXIT STATUS"]
        wanted += [] if section == "1" else ["FILES"]
        wanted += ["SIGNALS"] if name in {daemon.name for daemon in DAEMONS} else []
        assert set(wanted) <= set(headings), key
        assert len(headings) == len(set(headings))
        for other, of in re.findall(r"\b(hive[a-z.-]+) ?\(([158])\)", _read(page)):
            assert f"{other}.{of}" in pages, f"{key} names {other}({of})"


def test_two_runs_give_the_same_bytes(pages: dict[str, str], tmp_path: Path) -> None:
    _write(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.glob("man*/*")} == pages


def test_no_library_that_is_compiled_is_needed(pages: dict[str, str], tmp_path: Path) -> None:
    """A package for another processor is built with this machine's Python, which cannot load what is in it."""
    code = """
import importlib.machinery, pathlib, sys
load = importlib.machinery.ExtensionFileLoader.create_module
def create_module(self, spec):
    if "site-packages" in spec.origin:
        raise ImportError(f"{spec.origin} is of another processor")
    return load(self, spec)
importlib.machinery.ExtensionFileLoader.create_module = create_module
sys.path.insert(0, "packaging")
import man_pages
man_pages.main(pathlib.Path(), pathlib.Path(sys.argv[1]))
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=ROOT, env=EPOCH)
    assert {path.name: path.read_text() for path in tmp_path.glob("man*/*")} == pages
