"""The units as the packages install them: short, confined, and sharing one file that no unit contradicts."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hived.records.daemon import DAEMONS

ROOT = Path(__file__).parents[1]
NAMES = [daemon.name for daemon in DAEMONS]
SYSTEM = "usr/lib/systemd/system"
MAX_LINES = 15
with_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="needs systemd-analyze: apt install systemd"
)
EXPOSURE = 1.2
LISTS = {"RestrictAddressFamilies"}
"""Settings of a unit that those of the shared file add to."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file system with what the packages install for systemd."""
    folder = tmp_path_factory.mktemp("root")
    for name in NAMES:
        subprocess.run([ROOT / "packaging/unit", name, folder / SYSTEM], check=True)
    (folder / "usr/share/hived").mkdir(parents=True)
    (folder / "usr/share/hived/10-hived.conf").write_text((ROOT / "systemd/10-hived.conf").read_text())
    return folder


def _settings(path: Path) -> list[tuple[str, str]]:
    return re.findall(r"^(\w+)=(.*)$", path.read_text(), re.MULTILINE)


def test_each_daemon_of_the_table_has_a_unit_and_nothing_else_has() -> None:
    assert {path.stem for path in (ROOT / "systemd").glob("*.service")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_says_only_what_is_its_own(name: str) -> None:
    unit = ROOT / f"systemd/{name}.service"
    own = _settings(unit)
    assert len(unit.read_text().splitlines()) <= MAX_LINES
    assert {("User", "hived"), ("NoNewPrivileges", "yes"), ("ProtectSystem", "strict")} <= set(own)
    shared = {key for key, _ in _settings(ROOT / "systemd/10-hived.conf")}
    assert {key for key, _ in own} & shared <= LISTS, "read before the shared file, it would have no effect"


def test_every_line_that_is_shared_is_explained() -> None:
    paragraphs = (ROOT / "systemd/10-hived.conf").read_text().split("\n\n")
    for paragraph in paragraphs[1:]:
        lines = [line for line in paragraph.splitlines() if not line.startswith(("[", "Documentation="))]
        assert lines[0].startswith("# "), paragraph


def test_the_shared_file_is_linked_for_our_units_and_for_no_others(root: Path) -> None:
    links = [path for path in (root / SYSTEM).rglob("*") if path.is_symlink()]
    assert {path.parent.name for path in links} == {f"{name}.service.d" for name in NAMES}
    for link in links:
        assert link.name == "10-hived.conf"
        assert link.resolve() == root / "usr/share/hived/10-hived.conf"


@with_systemd
def test_what_one_unit_is_allowed_more_comes_after_the_shared_file(root: Path) -> None:
    (allowed,) = (path for path in (root / SYSTEM).rglob("*.conf") if not path.is_symlink())
    assert (allowed.parent.name, allowed.name > "10-hived.conf") == ("hive-minerd.service.d", True)
    read = _analyze("cat-config", root, "systemd/system/hive-minerd.service")
    filters = re.findall(r"^SystemCallFilter=(.*)$", read, re.MULTILINE)
    assert filters == ["@system-service", "~@privileged @resources", "setrlimit prlimit64"]


def test_a_crash_leaves_no_picture_of_memory_on_the_disk() -> None:
    assert ("LimitCORE", "0") in _settings(ROOT / "systemd/10-hived.conf")


@with_systemd
@pytest.mark.parametrize("name", NAMES)
def test_a_unit_is_confined(name: str, root: Path) -> None:
    said = _analyze("security", root, "--offline=yes", f"{name}.service")
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert found is not None
    assert float(found[1]) <= EXPOSURE


def _analyze(verb: str, root: Path, *args: str) -> str:
    line = ["systemd-analyze", verb, "--no-pager", f"--root={root}", *args]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout
