"""The packages as files: the same bytes each time, one version everywhere, also for a small board."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import hived
from tests.appliance import tools
from tests.appliance.tools import ROOT, Packages


def test_two_builds_give_the_same_bytes(packages: Packages, folder: Path) -> None:
    """`packages` was built in another folder, at another time; lintian found no error in either, or there were none."""
    again = tools.build(folder / "again")
    for one, other in zip(packages.files, again.files, strict=True):
        assert hashlib.sha256(one.read_bytes()).digest() == hashlib.sha256(other.read_bytes()).digest()


def test_the_version_is_the_same_wherever_it_is_written(packages: Packages) -> None:
    changelog = (ROOT / "debian/changelog").read_text().partition("\n")[0]
    project = (ROOT / "pyproject.toml").read_text()
    assert changelog.startswith(f"hived ({hived.__version__}) ")
    assert f'\nversion = "{hived.__version__}"\n' in project
    assert packages.version == hived.__version__


def test_every_compiled_module_is_there_for_both_pythons(packages: Packages) -> None:
    """Else the daemons start on one Debian only."""
    files = [line.split()[-1] for line in tools.run("dpkg-deb", "-c", packages.node).splitlines()]
    modules = {re.sub(r"cpython-31[13]", "*", path) for path in files if re.search(r"cpython-31[13]", path)}
    assert modules
    for pattern in modules:
        for python in ("cpython-311", "cpython-313"):
            assert pattern.replace("*", python) in files
    print(f"{packages.node.name}: {packages.node.stat().st_size / 1e6:.1f} MB")


def test_the_packages_can_be_built_for_a_small_board(folder: Path) -> None:
    node = tools.build(folder / "arm64", "arm64").node
    assert tools.run("dpkg-deb", "-f", node, "Architecture").strip() == "arm64"
    files = tools.run("dpkg-deb", "-c", node)
    assert "cpython-313-aarch64-linux-gnu.so" in files
    assert "x86_64" not in files
