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
    for one, other in zip(packages.all, again.all, strict=True):
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


def test_nothing_of_the_simulator_is_on_an_appliance(packages: Packages) -> None:
    brought = {deb: tools.run("dpkg-deb", "-c", deb) for deb in packages.all}
    for deb, files in brought.items():
        print(f"{deb.name}: {deb.stat().st_size / 1e6:.2f} MB")
        for of_it in ("/usr/bin/hive-sim\n", "/hived/simulator/main.py\n", "/captures/", "/hive-sim.1.gz\n"):
            assert (of_it in files) == (deb == packages.simulator), f"{of_it} in {deb.name}"


def test_the_packages_can_be_built_for_a_small_board(folder: Path) -> None:
    node = tools.build(folder / "arm64", "arm64").node
    assert tools.run("dpkg-deb", "-f", node, "Architecture").strip() == "arm64"
    files = tools.run("dpkg-deb", "-c", node)
    assert "cpython-313-aarch64-linux-gnu.so" in files
    assert "x86_64" not in files
