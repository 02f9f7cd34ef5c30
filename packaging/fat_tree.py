"""fat_tree.py CPU FOLDER: fill FOLDER with hived and all of its libraries, for Python 3.11 and 3.13 at once.

The compiled modules carry the Python version in their names, so those of both stand side by side; all else is the
same file, which is checked. pip only unpacks wheels here, so CPU (x86_64, aarch64) need not be the one of this machine.
requirements.lock alone says which versions, and what their files must be.
"""

from __future__ import annotations

import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pin import entries, wheels_for

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from hived.clients.outgoing.kinds import KINDS  # noqa: E402 - it needs nothing but Python

PYTHONS = ("3.11", "3.13")  # of Debian 12 and 13
GLIBC = 36  # of Debian 12
BUILD_ONLY = {"setuptools"}  # the lock has it for `make run`, nothing imports it
# What the wheels carry and nothing reads at run time: pip's own notes (paths of the build, not reproducible), sources
# of compiled modules, stubs, tests.
NOTES = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "WHEEL", "sboms"}
SUFFIXES = {".pyi", ".pyx", ".pxd", ".pxi", ".c", ".h", ".hash", ".typed"}
FOLDERS = {"bin", "peewee-stubs", "certifi/tests", "apprise/assets", "apprise/i18n"}
PROGRAMS = {"pwiz.py"}  # a tool of developers
# Of the services of apprise those that a channel may use: the others are two thirds of it, and never loaded.
PLUGINS = Path("apprise/plugins")
KEPT_PLUGINS = {"__init__", "base", *(kind.place.partition(":")[0] for kind in KINDS)}


def main(cpu: str, folder: Path) -> int:
    """Make the tree, or say in one line why it cannot be."""
    pinned = entries((ROOT / "requirements.lock").read_text())
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "lock").write_text("\n".join(entry for one, entry in pinned.items() if one not in BUILD_ONLY) + "\n")
        for python in PYTHONS:
            _unpack(python, cpu, work)
        for path in set.union(*(_files(work / python) for python in PYTHONS)):
            _place(path, [work / python / path for python in PYTHONS], folder / path)
    shutil.copytree(ROOT / "hived", folder / "hived", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    return 0


def _pip(command: str, *args: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "pip", "-q", command, "--disable-pip-version-check", *args], check=True)


def _unpack(python: str, cpu: str, work: Path) -> None:
    _pip(
        "install", "--no-compile", "--require-hashes", *wheels_for(python, cpu, GLIBC), "--target", work / python,
        "-r", work / "lock",
    )  # fmt: skip


def _files(tree: Path) -> set[Path]:
    return {path.relative_to(tree) for path in tree.rglob("*") if path.is_file()}


def _place(path: Path, found: list[Path], to: Path) -> None:
    if _is_left_out(path):
        return
    there = [one for one in found if one.exists()]
    if len(there) > 1 and not filecmp.cmp(*there, shallow=False):
        raise SystemExit(f"{path} is not the same for Python {' and '.join(PYTHONS)}: both cannot share one tree")
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(there[0], to)
    to.chmod(0o644)


def _is_left_out(path: Path) -> bool:
    if path.suffix in SUFFIXES or path.name in PROGRAMS or "__pycache__" in path.parts:
        return True
    if any(str(path).startswith(f"{folder}/") for folder in FOLDERS):
        return True
    if path.is_relative_to(PLUGINS):
        return path.relative_to(PLUGINS).parts[0].removesuffix(".py") not in KEPT_PLUGINS
    return path.parts[0].endswith(".dist-info") and path.parts[1] in NOTES


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
