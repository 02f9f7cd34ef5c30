"""The package for a small board, run: every program of it is emulated, instruction by instruction."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.appliance import tools
from tests.appliance.machine import wait
from tests.appliance.tools import ROOT, Packages

PARTS = "--include=python3,libstdc++6,libgcc-s1"
EMULATOR = "/usr/bin/qemu-aarch64-static"
MINERS = 8
SITE = """
network: {subnets: [127.20.0.0/28], port: 8180, light_scan_timeout_ms: 5000, miner_probe_timeout_ms: 60000}
polld: {request_timeout_ms: 60000}
discoverd: {zeroconf: false}
http: {addr: '127.0.0.1:8080'}
"""
IMPORT_ALL = """
import importlib, importlib.machinery, pathlib, platform, sys
tree = pathlib.Path("/usr/lib/hived")
sys.path.insert(0, str(tree))
import psycopg  # before psycopg_binary, which insists on it
for path in sorted(tree.rglob("*.so")):
    suffix = next(one for one in importlib.machinery.EXTENSION_SUFFIXES if path.name.endswith(one))
    if ".cpython-" in path.name.removesuffix(suffix):
        continue  # of the other Python
    importlib.import_module(".".join(path.relative_to(tree).parts).removesuffix(suffix).removesuffix(".__init__"))
    print(path.name)
print(platform.machine())
"""


class Board:
    """A root file system of the other processor, and a network of its own that has only a loopback."""

    def __init__(self, root: Path, network: int) -> None:
        self.root = root
        self.network = network

    def within(self, *line: str) -> list[str]:
        """Return the line that runs a program of this machine in the board's network."""
        return ["nsenter", "-t", str(self.network), "-n", *line]

    def python(self, *line: str) -> list[str]:
        """Return the line that runs the board's own Python. Nothing it starts would be emulated: it starts nothing."""
        clean = ("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8")
        return self.within(*clean, "chroot", str(self.root), EMULATOR, "/usr/bin/python3", "-IS", *line)

    def run(self, *line: str) -> str:
        return tools.run(*self.python(*line), within_s=900)

    def number(self, query: str) -> int:
        with closing(sqlite3.connect(self.root / "var/lib/hived/hived.db", timeout=10)) as database:
            return int(database.execute(query).fetchone()[0])


@pytest.fixture(scope="module")
def small(folder: Path) -> Packages:
    """The packages for a small board."""
    return tools.build(folder / "small", "arm64")


@pytest.fixture(params=["bookworm", "trixie"])
def board(request: pytest.FixtureRequest, small: Packages, folder: Path) -> Iterator[Board]:
    root = folder / f"board-{request.param}"
    root.mkdir()
    tar = tools.root(f"{request.param}-arm64", request.param, "--arch=arm64", "--variant=extract", PARTS)
    tools.run("tar", "-xf", tar, "-C", root)
    for name in ("bin", "lib", "sbin"):  # made by a script of a package, and none has run
        if not (root / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    shutil.copy(shutil.which("qemu-aarch64-static") or "", f"{root}{EMULATOR}")
    for file in small.files:
        tools.run("dpkg-deb", "-x", file, root)
    (root / "var/lib/hived").mkdir()
    (root / "etc/hived/conf.d/site.yaml").write_text(SITE)
    with _running(["unshare", "--net", "sh", "-c", "ip link set lo up && exec sleep infinity"]) as network:
        made = Board(root, network.pid)
        wait(lambda: Path(f"/proc/{network.pid}/comm").read_text() == "sleep\n", "there is a network", 10)
        yield made
    shutil.rmtree(root)


@contextmanager
def _running(line: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(line, cwd=ROOT, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def test_the_package_for_a_small_board_works_there(board: Board) -> None:
    modules = board.run("-c", IMPORT_ALL).split()
    assert modules.pop() == "aarch64"
    print(f"{board.root.name}: {len(modules)} compiled modules are imported")
    assert len(modules) > 30

    assert "schema changes applied" in board.run("/usr/bin/hivectl", "migrate")
    sim = board.within(sys.executable, "-m", "hived.simulator.main", "fleet", "--count", str(MINERS), "--steady",
                       "--subnet", "127.20.0.0/28", "--port", "8180")  # fmt: skip
    with _running(sim):
        wait(lambda: _answers(board, "http://127.20.0.1:8180/"), "the miners are there", 30)
        board.run("/usr/bin/hive-discoverd", "--once")
        assert board.number("SELECT COUNT(*) FROM miner") == MINERS
        board.run("/usr/bin/hive-polld", "--once")
        assert board.number("SELECT COUNT(DISTINCT num) FROM status") == MINERS
    with _running(board.python("/usr/bin/hive-apid")):
        wait(lambda: _answers(board, "http://127.0.0.1:8080/healthz"), "hive-apid answers", 300)


def _answers(board: Board, url: str) -> bool:
    code = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=20).read()"
    line = board.within(sys.executable, "-c", code, url)
    return subprocess.run(line, capture_output=True, timeout=60, check=False).returncode == 0
