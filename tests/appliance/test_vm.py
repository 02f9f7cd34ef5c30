"""What a container cannot show: a power cut that takes what was not on the disk, memory limits, a clock that is set."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hived.services.appliance.retain import PRUNE_EVERY_S
from tests.appliance import tools
from tests.appliance.machine import PORT, SUBNET, UNITS, wait
from tests.appliance.tools import Packages
from tests.appliance.vm import Vm, vm

CUTS = 20
COMMITTED_S = 1.0
# Without a processor that helps, a machine takes more than ten times as long for everything.
MINERS, BACK_S = (200, 10.0) if tools.has_kvm() else (30, 120.0)
EVERY_S = 5
START_S, GOES_ON_S = 180.0, 600.0
DAYS = 2
_STATUSES = "SELECT COUNT(*) FROM status"
_SUMMED_UP = "SELECT COALESCE(MAX(value), 0) FROM counter WHERE name = 'rolled_300'"
_CONFIG = (
    f"network: {{subnets: [{SUBNET}], port: {PORT}, light_scan_timeout_ms: 3000, miner_probe_timeout_ms: 5000}}\n"
    f"intervals: {{status_seconds: {EVERY_S}}}\nretention: {{raw_days: 1}}\nsyncd: {{master: 'off'}}\n"
)

# Before any daemon touches it, so that it is seen as the power cut has left it.
_KEPT = """\
[Unit]
Before=hive-discoverd.service hive-polld.service hive-controld.service
Before=hive-minerd.service hive-syncd.service hive-apid.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mkdir /run/kept && cp /var/lib/hived/hived.db /var/lib/hived/hived.db-wal /run/kept'
[Install]
WantedBy=multi-user.target
"""
_LOOK = f"""
import sqlite3, time
database, last = sqlite3.connect("file:/var/lib/hived/hived.db?mode=ro", uri=True, timeout=10), -1
while True:
    (count,) = database.execute("{_STATUSES}").fetchone()
    if count != last:
        print(count, flush=True)
        last = count
    time.sleep(0.02)
"""
_COMPILED = """
import marshal, pathlib, sys
files = sorted(pathlib.Path("/usr/lib/hived/hived").rglob("*.py"))
for path in files:
    data = (path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc").read_bytes()
    marshal.loads(data[16:])
print(len(files))
"""
_LEAK = """
import os, sys, threading, time
sys.path.insert(0, "/usr/lib/hived")

def leak():
    kept = []
    while True:
        if os.path.exists("/opt/leak-now"):
            kept.append(b"x" * 1048576)
        time.sleep(0.01)

threading.Thread(target=leak, daemon=True).start()
from hived.daemons.entry import minerd
sys.exit(minerd())
"""
_LEAKING = "[Service]\nExecStart=\nExecStart=/usr/bin/python3 -ISB /opt/leak.py\n"


@dataclass(frozen=True, slots=True)
class Installed:
    """An appliance, and what it was like when `apt install` had just ended."""

    site: Vm
    identity: str


@pytest.fixture(scope="module")
def installed(packages: Packages, folder: Path) -> Iterator[Installed]:
    """An appliance whose power went right after `apt install`, on again; each test leaves it running."""
    with vm("bookworm", folder) as made:
        made.boot()
        made.put("/etc/systemd/system/kept.service", _KEPT.encode())
        made.put("/opt/look.py", _LOOK.encode())
        made.run("systemctl", "enable", "kept.service")
        made.simulate(packages, miners=MINERS)
        made.put("/etc/hived/conf.d/site.yaml", _CONFIG.encode())
        made.run("sync")
        made.install(packages)
        identity = _identity(made)
        made.cut_power()
        made.boot()
        made.all_active(within_s=START_S)
        made.simulate(packages, miners=MINERS)
        yield Installed(made, identity)


@pytest.fixture
def site(installed: Installed) -> Vm:
    return installed.site


def _identity(site: Vm) -> str:
    return site.run("sh", "-c", "cd /var/lib/hived && sha256sum node-id secret.key schema-change 2>/dev/null; true")


def test_an_installation_is_whole_when_the_power_goes_right_after_it(installed: Installed) -> None:
    site = installed.site
    assert site.run("dpkg", "--verify", "hived", "hived-master") == ""
    assert site.run("dpkg", "--audit") == ""
    assert int(site.run("python3", "-ISBc", _COMPILED)) > 200
    assert "node-id" in installed.identity
    for line in installed.identity.splitlines():
        assert line in _identity(site)
    assert SUBNET in site.run("cat", "/etc/hived/conf.d/site.yaml")
    site.all_active()


def test_nothing_committed_is_lost_when_the_power_goes(site: Vm, packages: Packages) -> None:
    """What another process had seen committed is there, whatever the kernel had in memory."""
    wait(lambda: site.number("SELECT COUNT(DISTINCT num) FROM status") >= MINERS, "all are polled", GOES_ON_S,
         site.journal)  # fmt: skip
    chance, worst, most = random.Random(5), 0.0, 0
    for cut in range(CUTS):
        looks = site.looks("/opt/look.py")
        wait(lambda looks=looks: looks.heard and looks.heard[-1][1] >= looks.heard[0][1] + MINERS // 2,
             "polling goes on", GOES_ON_S, site.journal)  # fmt: skip
        until = time.monotonic() + chance.uniform(0.0, 2 * EVERY_S)
        wait(lambda until=until: time.monotonic() >= until, "a random moment", 3 * EVERY_S)
        went = time.monotonic()
        site.cut_power()
        seen = looks.all_heard()
        site.boot()
        site.all_active(within_s=START_S)
        assert _of_kept(site, "PRAGMA integrity_check") == "ok", f"cut {cut}"
        assert site.text("PRAGMA integrity_check") == "ok", f"cut {cut}"
        kept = int(_of_kept(site, _STATUSES))
        lost_s = max([went - at for at, count in seen if count > kept], default=0.0)
        worst, most = max(worst, lost_s), max(most, seen[-1][1] - kept)
        print(f"cut {cut}: {seen[-1][1]} statuses were seen, {kept} are there, {lost_s:.1f} s lost")
        assert lost_s <= COMMITTED_S
        site.simulate(packages, miners=MINERS)
    print(f"{CUTS} power cuts, {MINERS} miners every {EVERY_S} s: at most {worst:.1f} s and {most} statuses lost")


def _of_kept(site: Vm, query: str) -> str:
    code = "import sqlite3, sys; print(sqlite3.connect('/run/kept/hived.db').execute(sys.argv[1]).fetchone()[0])"
    return site.run("python3", "-c", code, query).strip()


def test_daemons_stay_below_what_they_may_have(site: Vm) -> None:
    """Polling; the figures that the units are shipped with are in force."""
    before = site.number(_STATUSES)
    wait(lambda: site.number(_STATUSES) >= before + 2 * MINERS, "all were polled again", 300)
    for unit in UNITS:
        now, high, most = (int(site.value(unit, f"Memory{name}")) for name in ("Current", "High", "Max"))
        print(f"{unit} {now / 2**20:.0f} MiB of {high / 2**20:.0f}, at most {most / 2**20:.0f}")
        assert now < high < most
        events = site.run("cat", f"/sys/fs/cgroup/system.slice/{unit}.service/memory.events").split()
        assert events[events.index("oom_kill") + 1] == "0"


@pytest.mark.parametrize(
    ("more", "ends"),
    [
        pytest.param("", ("watchdog", "oom-kill"), id="as-shipped"),
        pytest.param("MemoryHigh=infinity\n", ("oom-kill",), id="without-a-slow-zone"),
    ],
)
def test_a_daemon_that_takes_too_much_memory_is_ended_and_back(site: Vm, more: str, ends: tuple[str, ...]) -> None:
    """While the others go on. Above MemoryHigh it is slowed down so much that the watchdog may come first."""
    drop_in = "/etc/systemd/system/hive-minerd.service.d/leak.conf"
    site.put("/opt/leak.py", _LEAK.encode())
    site.put(drop_in, (_LEAKING + more).encode())
    site.run("systemctl", "daemon-reload")
    site.run("systemctl", "restart", "hive-minerd")
    before = {unit: site.pid(unit) for unit in UNITS}
    began = time.monotonic()
    site.put("/opt/leak-now", b"")
    wait(lambda: site.pid("hive-minerd") != before["hive-minerd"], "it is ended", GOES_ON_S)
    ended = time.monotonic()
    site.run("rm", "/opt/leak-now")
    site.all_active(["hive-minerd"], within_s=BACK_S)
    back_s = time.monotonic() - ended
    said = [end for end in ends if f"Failed with result '{end}'" in site.journal("hive-minerd")]
    print(f"too much memory: {' '.join(said)} after {ended - began:.0f} s, back after {back_s:.0f} s more")
    assert said
    after = {unit: site.pid(unit) for unit in UNITS}
    assert {unit for unit in UNITS if before[unit] != after[unit]} == {"hive-minerd"}
    site.run("rm", drop_in)
    site.run("systemctl", "daemon-reload")
    site.run("systemctl", "restart", "hive-minerd")
    site.all_active(within_s=START_S)


def test_a_clock_that_is_set_stops_nothing_and_takes_nothing_away(site: Vm) -> None:
    """Statuses are kept for a day here: were the clock believed, none would be left when it is two days ahead."""
    _is_sure(site)
    before = {unit: site.pid(unit) for unit in UNITS}
    for change, word in ((f"+{DAYS} days", "ahead"), (f"-{DAYS} days", "back")):
        began = _now(site)
        kept = f"{_STATUSES} WHERE at <= {began}"
        old = site.number(kept)
        site.run("date", f"--set={change}")
        wait(lambda word=word: f"the clock jumped {word} by {24 * DAYS}." in site.journal("hive-polld"),
             "the jump is noticed", GOES_ON_S, lambda: site.journal("hive-polld"))  # fmt: skip
        noticed = time.monotonic()
        _polls_everyone(site)
        wait(lambda noticed=noticed: time.monotonic() > noticed + PRUNE_EVERY_S + 5, "history was looked at again", 90)
        assert site.number(kept) >= old
        assert site.number(_SUMMED_UP) <= began
        assert re.search(r"^warn +clock +it has jumped, ", site.try_("hivectl", "doctor").out, re.MULTILINE)
        site.run("date", f"--set={change.translate(str.maketrans('+-', '-+'))}")
        _is_sure(site)
        _polls_everyone(site)
        assert site.number(kept) >= old
        print(f"{change}: {old} statuses before, they are there; {site.number(_STATUSES)} in all")
    assert {unit: site.pid(unit) for unit in UNITS} == before


def _is_sure(site: Vm) -> None:
    """Wait until history was aged by the clock that it is now."""
    began = _now(site)
    query = f"SELECT COUNT(*) FROM counter WHERE name = 'sure_of_the_time' AND value BETWEEN {began} AND {began + 3600}"
    wait(lambda: site.number(query) == 1, "the clock is trusted", GOES_ON_S, lambda: site.journal("hive-polld"))


def _polls_everyone(site: Vm) -> None:
    before = site.number(_STATUSES)
    wait(lambda: site.number(_STATUSES) >= before + MINERS, "polling goes on", GOES_ON_S, site.journal)


def _now(site: Vm) -> int:
    return int(site.run("date", "+%s"))
