"""A Debian system in a container of its own, booted with systemd, without any network but its loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hived.records.daemon import ALERTD, CONTROLD, DAEMONS, EVERY_NODE
from tests.appliance import tools
from tests.appliance.tools import Packages

NODE_UNITS = EVERY_NODE
UNITS = tuple(daemon.name for daemon in DAEMONS)
OLD_NODE_UNITS, OLD_UNITS = (
    tuple(one for one in units if one not in (CONTROLD, ALERTD)) for units in (NODE_UNITS, UNITS)
)
"""Of 0.1.0, which steered no miner and told nobody."""
MINERS = 20
SUBNET, PORT = "127.20.0.0/24", 8180
SITE = "/opt/site"  # where the stand-ins run from
ENV = ("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8",
        "DEBIAN_FRONTEND=noninteractive")  # fmt: skip
_AS_HIVED = ("runuser", "-u", "hived", "--")
LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Ran:
    """What a program in the machine said."""

    code: int
    out: str


class System(ABC):
    """A system with hived or without it, whatever it runs in."""

    @abstractmethod
    def boot(self) -> None:
        """Switch it on; return when systemd has started everything."""

    @abstractmethod
    def cut_power(self) -> None:
        """Let every process of it be gone at once."""

    @abstractmethod
    def close(self) -> None:
        """Cut the power and forget the disk."""

    @abstractmethod
    def try_(self, *line: str, within_s: float = 120) -> Ran:
        """Run a program in it, as root."""

    @abstractmethod
    def put(self, path: str, content: bytes) -> None:
        """Write a file of it, and the folders above."""

    # -- programs --------------------------------------------------------------------------------

    def run(self, *line: str, within_s: float = 120) -> str:
        """Run a program in it, as root, that must not fail."""
        ran = self.try_(*line, within_s=within_s)
        assert ran.code == 0, f"{' '.join(line)}: {ran.code}\n{ran.out[-6000:]}\n{self.journal()[-6000:]}"
        return ran.out

    def apt(self, *line: str) -> str:
        """Run apt-get, which must not fail."""
        return self.run(*_apt(line), within_s=300)

    def try_apt(self, *line: str) -> Ran:
        """Run apt-get, which may fail."""
        return self.try_(*_apt(line), within_s=300)

    def install(self, packages: Packages, *options: str) -> str:
        """Install both packages, or put this version in the place of another one."""
        return self.apt(*options, "install", *self.bring(packages))

    def bring(self, packages: Packages) -> list[str]:
        """Put the files of both packages into it; return where they are."""
        for file in packages.files:
            self.put(f"/root/{file.name}", file.read_bytes())
        return [f"/root/{file.name}" for file in packages.files]

    # -- what is looked at -----------------------------------------------------------------------

    def journal(self, unit: str = "hive-*") -> str:
        """Return what the units have logged since the last boot."""
        return self.try_("journalctl", "-b", "--no-pager", "-o", "cat", "-u", unit).out

    def value(self, unit: str, name: str) -> str:
        """Return one property of a unit."""
        return self.run("systemctl", "show", "--value", "-p", name, unit).strip()

    def states(self, units: Sequence[str] = UNITS) -> dict[str, str]:
        """Return what systemd calls the state of each unit."""
        return {unit: self.try_("systemctl", "is-active", unit).out.strip() for unit in units}

    def all_active(self, units: Sequence[str] = UNITS, within_s: float = 30) -> None:
        """Wait until every unit is active."""
        wait(lambda: set(self.states(units).values()) == {"active"}, f"{units} are active", within_s,
             lambda: f"{self.states(units)}\n{self.journal()[-5000:]}")  # fmt: skip

    def pid(self, unit: str) -> int:
        """Return the main process of a unit, 0 when there is none."""
        return int(self.value(unit, "MainPID"))

    def api(self, path: str, token: str) -> Any:
        """Ask hive-apid, from within."""
        code = (
            "import sys, urllib.request as u; print(u.urlopen(u.Request('http://127.0.0.1:8080' + sys.argv[1],"
            " headers={'Authorization': 'Bearer ' + sys.argv[2]}), timeout=10).read().decode())"
        )
        return json.loads(self.run("python3", "-c", code, path, token))

    def token(self) -> str:
        """Make a token that may read."""
        line = (*_AS_HIVED, "hivectl", "token", "create", uuid.uuid4().hex, "--role", "viewer", "--json")
        return str(json.loads(self.run(*line))["token"])

    def number(self, query: str) -> int:
        """Return the one number that a query of the database gives."""
        return int(float(self.text(query)))

    def text(self, query: str) -> str:
        """Return the one value that a query of the database gives."""
        code = (
            "import sqlite3, sys;"
            "print(sqlite3.connect('/var/lib/hived/hived.db', timeout=10).execute(sys.argv[1]).fetchone()[0])"
        )
        return self.run(*_AS_HIVED, "python3", "-c", code, query).strip()

    def files(self) -> set[str]:
        """Return every file and folder of its disk."""
        found = self.run("find", "/", "-xdev", "-not", "-path", "/proc/*").splitlines()
        return set(found)

    # -- its site --------------------------------------------------------------------------------

    def simulate(self, packages: Packages, miners: int = MINERS) -> None:
        """Let simulated miners run beside, from a copy of their own: they are there before hived is."""
        if self.try_("test", "-e", SITE).code != 0:
            for deb in (packages.node, packages.simulator):
                assert deb is not None
                self.put(f"/root/{deb.name}", deb.read_bytes())
                self.run("dpkg-deb", "-x", f"/root/{deb.name}", SITE)
        self.stand_in("site", "fleet", "--count", str(miners), "--subnet", SUBNET, "--port", str(PORT), "--steady")

    def stand_in(self, unit: str, *line: str) -> None:
        """Let a command of hive-sim run beside, as a unit of this name, from the copy that `simulate` made."""
        code = f"import sys; sys.path[:0] = ['{SITE}/usr/lib/hived']; from hived.simulator.main import main; main()"
        files = "LimitNOFILE=16384"
        self.run("systemd-run", "--quiet", f"--unit={unit}", "-p", files, "/usr/bin/python3", "-ISBc", code, *line)

    def configure(self, text: str = "", subnet: str = SUBNET) -> None:
        """Write the drop-in of this site, as an operator would before or after the installation."""
        site = f"network: {{subnets: [{subnet}], port: {PORT}}}\nsyncd: {{master: 'off'}}\n"
        self.put("/etc/hived/conf.d/site.yaml", (site + text).encode())


class Machine(System):
    """A container on a disk of its own. Close it."""

    def __init__(self, release: str, folder: Path, disk_mib: int | None) -> None:
        self.release = release
        self.disk = folder / f"{release}-{uuid.uuid4().hex[:6]}"
        self.disk.mkdir()
        self._host: subprocess.Popen[bytes] | None = None
        self.leader = 0
        """Its first process, as this machine numbers it; 0 while it is off."""
        self._mounted = disk_mib is not None
        if self._mounted:
            tools.run("mount", "-t", "tmpfs", "-o", f"size={disk_mib}m,mode=755", "tmpfs", self.disk)
        tools.run("tar", "-xf", tools.base(release), "-C", self.disk)

    def boot(self) -> None:
        # From a control group of its own: two systems in one would take each other's processes for theirs.
        group = _cgroup() / f"hived-{self.disk.name}"
        group.mkdir(exist_ok=True)
        line = (
            f"echo $$ > {group}/cgroup.procs && exec systemd-nspawn --quiet --register=no --keep-unit --private-network"
            f" --link-journal=no --boot --console=pipe -D {self.disk} systemd.log_level=notice"
        )
        with (self.disk.parent / f"{self.disk.name}.console").open("ab") as console:
            self._host = subprocess.Popen(
                ["sh", "-c", line], stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}, start_new_session=True,
            )  # fmt: skip
        wait(self._has_leader, "the container's first process is systemd", 30)
        wait(lambda: self.try_("systemctl", "is-system-running", "--wait").out.strip() in ("running", "degraded"),
             "the system has booted", 60)  # fmt: skip

    def _has_leader(self) -> bool:
        """Find the first process; systemd-nspawn has others before, for moments."""
        assert self._host is not None
        with suppress(FileNotFoundError, ProcessLookupError):
            for pid in Path(f"/proc/{self._host.pid}/task/{self._host.pid}/children").read_text().split():
                if Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
                    self.leader = int(pid)
        return self.leader != 0

    def cut_power(self) -> None:
        if self._host is None:
            return
        with suppress(ProcessLookupError):
            os.kill(self.leader or self._host.pid, signal.SIGKILL)
        self._host.wait(30)
        self._host, self.leader = None, 0

    def close(self) -> None:
        self.cut_power()
        if self._mounted:
            tools.run("umount", self.disk)
        shutil.rmtree(self.disk)
        group = _cgroup() / f"hived-{self.disk.name}"
        for one in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
            one.rmdir()
        if group.exists():
            group.rmdir()

    def try_(self, *line: str, within_s: float = 120) -> Ran:
        enter = ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-C", *ENV, *line]
        ran = subprocess.run(
            enter, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=within_s,
            check=False,
        )  # fmt: skip
        return Ran(ran.returncode, ran.stdout.decode("utf-8", "replace"))

    def put(self, path: str, content: bytes) -> None:
        target = Path(f"{self.disk}{path}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def ip(self, *args: str) -> None:
        """Run this machine's `ip` on the network of that one, which has none."""
        tools.run("nsenter", "-t", str(self.leader), "-n", "ip", *args)


def wait(condition: Any, what: str, within_s: float, tell: Any = lambda: "") -> float:
    """Return after how many seconds the condition was true; AssertionError with `what` when it is not in time."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within_s, f"not within {within_s:g} s: {what}\n{tell()}"
        time.sleep(LOOK_EVERY_S)
    return time.monotonic() - began


@contextmanager
def machine(release: str, folder: Path, disk_mib: int | None = None) -> Iterator[Machine]:
    """A machine that is off; it is gone at the end of the block. `disk_mib`: its disk has no more room than that."""
    made = Machine(release, folder, disk_mib)
    try:
        yield made
    finally:
        made.close()


def _apt(line: Sequence[str]) -> tuple[str, ...]:
    return ("apt-get", "-y", "-q", "-o", "Dpkg::Use-Pty=0", "-o", "Dpkg::Options::=--force-confold",
            "--no-install-recommends", *line)  # fmt: skip


def _cgroup() -> Path:
    """Return the control group of the second version that this process is in."""
    own = next(line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    unified = Path("/sys/fs/cgroup/unified")
    return (unified if unified.is_dir() else Path("/sys/fs/cgroup")) / own.removeprefix("0::").strip("/")
