"""What goes wrong on a site: a booted appliance says so, goes on with what it can, and is well again by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.appliance import tools
from tests.appliance.machine import MINERS, SUBNET, UNITS, Machine, machine, wait
from tests.appliance.site import CABLED, cabled
from tests.appliance.tools import Packages, another_version

OPERATING = tools.ROOT / "docs/operating.md"
DISK_MIB = 1000
BACK_S = 60.0
DATABASE = "/var/lib/hived/hived.db"
DAMAGE = """
import os, sys
for path in sys.argv[1:]:
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom(max(0, os.path.getsize(path) - 4096)))
"""
"""All but the first page: what a dying card does."""
ASKED_FOR = {"config", "disk", "secrets", "clock", "subnets", "zeroconf", "model", "database", "dashboard", "miners",
             "master", *UNITS}  # fmt: skip


@pytest.fixture(scope="module")
def site(packages: Packages, folder: Path) -> Iterator[Machine]:
    """An appliance with its miners, on a small disk; each test leaves it well."""
    with machine("bookworm", folder, disk_mib=DISK_MIB) as made:
        made.boot()
        made.simulate(packages)
        made.configure()
        made.install(packages)
        made.all_active()
        yield made


@pytest.fixture(autouse=True)
def polled(site: Machine) -> None:
    """Each test begins with all miners polled."""
    site.all_active()
    wait(lambda: _online(site) == MINERS, "all miners are polled", BACK_S, lambda: site.journal()[-5000:])


def _online(site: Machine) -> int:
    return site.number("SELECT COUNT(*) FROM health WHERE status_at > strftime('%s') - 40")


def _doctor(site: Machine) -> tuple[int, dict[str, dict[str, Any]]]:
    """Return its exit code and what it found of each thing, the worst of it."""
    ran = site.try_("hivectl", "doctor", "--json")
    order = ("ok", "warn", "fail")
    found: dict[str, dict[str, Any]] = {}
    for check in json.loads(ran.out)["checks"]:
        if check["state"] != "ok":
            assert check["next"], f"no next step: {check}"
        if order.index(check["state"]) >= order.index(found.get(check["name"], {"state": "ok"})["state"]):
            found[check["name"]] = check
    return ran.code, found


@contextmanager
def _same_processes(site: Machine, units: tuple[str, ...] = UNITS) -> Iterator[None]:
    before = {unit: site.pid(unit) for unit in units}
    yield
    site.all_active()
    assert {unit: site.pid(unit) for unit in units} == before, site.journal()[-5000:]


def test_a_new_appliance_is_well_and_says_so(site: Machine) -> None:
    code, found = _doctor(site)
    assert set(found) >= ASKED_FOR
    assert code == 0, found
    assert not [one for one in found.values() if one["state"] == "fail"]
    status = site.run("hivectl", "status")
    assert "all is well" in status.splitlines()[0]
    assert f"{MINERS} known, {MINERS} online" in status
    assert SUBNET in status


def test_a_stopped_daemon_and_a_taken_port_are_named_and_the_steps_that_are_told_mend_them(site: Machine) -> None:
    site.run("systemctl", "stop", "hive-polld", "hive-apid")
    thief = "import http.server as s; s.HTTPServer(('', 8080), s.BaseHTTPRequestHandler).serve_forever()"
    site.run("systemd-run", "--quiet", "--unit=thief", "/usr/bin/python3", "-c", thief)
    taken = ("grep", "-q", ":1F90 00000000:0000 0A", "/proc/net/tcp")
    wait(lambda: site.try_(*taken).code == 0, "somebody else has the port", 10)
    code, found = _doctor(site)
    assert code == 1
    assert "is not running" in found["hive-polld"]["text"]
    site.run(*found["hive-polld"]["next"].partition(";")[0].split())
    assert _doctor(site)[1]["hive-polld"]["state"] == "ok"
    wait(lambda: "hive-apid is not running" in site.try_("hivectl", "status").out.splitlines()[0], "status says it", 60)
    site.try_("systemctl", "--no-block", "start", "hive-apid")
    wait(lambda: "another program has" in _doctor(site)[1]["dashboard"]["text"], "doctor has noticed", 60)
    site.run("systemctl", "stop", "thief")
    site.try_("systemctl", "reset-failed", "hive-apid")
    site.run("systemctl", "start", "hive-apid")
    wait(lambda: _doctor(site)[0] == 0, "all is well", BACK_S)


def test_on_a_full_disk_all_stay_up_and_with_room_again_all_is_well(site: Machine) -> None:
    token = site.token()
    newest = "SELECT MAX(at) * 1000 FROM status"
    ballast = site.disk / "var/ballast"
    with _same_processes(site, tuple(unit for unit in UNITS if unit != "hive-syncd")):
        site.try_("sh", "-c", "cat /dev/zero > /var/ballast; yes > /var/ballast2")
        wait(lambda: _problems(site, token) == ["disk_full"], "the API says so", 60)
        assert len(site.api("/api/miners", token)) == MINERS
        code, found = _doctor(site)
        assert (code, found["disk"]["state"]) == (1, "fail")
        assert "nothing needs a restart" in found["disk"]["next"]
        assert "the disk is full" in site.try_("hivectl", "status").out
        stuck = site.number(newest)
        site.run("systemctl", "restart", "hive-syncd")
        wait(lambda: "is full" in site.value("hive-syncd", "StatusText"), "who starts now waits for room", 20)
        # Longer than the watchdog's patience: a daemon that waits for room is not one that hangs.
        wait(lambda: "database or disk is full" in site.value("hive-polld", "StatusText"), "systemd knows it, too", 60)
        began = site.number("SELECT strftime('%s')")
        wait(lambda: site.number("SELECT strftime('%s')") > began + 35, "the watchdog's time is over", 60)
        assert site.number(newest) == stuck
        assert set(site.states().values()) == {"active"}
        ballast.unlink()
        (site.disk / "var/ballast2").unlink()
        wait(lambda: site.number(newest) > stuck, "miners are polled again", BACK_S)
        wait(lambda: _problems(site, token) == [], "the API says that all is well", 60)
    assert site.text("PRAGMA integrity_check") == "ok"
    wait(lambda: _doctor(site)[0] == 0, "all is well", BACK_S, lambda: str(_doctor(site)))


def _problems(site: Machine, token: str) -> list[str]:
    return [one["kind"] for one in site.api("/api/v1/health", token)["problems"]]


def test_a_damaged_database_is_replaced_while_all_run_and_a_backup_brings_it_back(site: Machine) -> None:
    token = site.token()
    statuses = site.number("SELECT COUNT(*) FROM status")
    site.run("hivectl", "backup", "/root/rig.tar")
    with _same_processes(site):
        site.run("python3", "-c", DAMAGE, DATABASE, f"{DATABASE}-wal")
        wait(lambda: _kept(site), "the damaged file is set aside", 60, lambda: site.journal()[-5000:])
        (kept,) = _kept(site)
        assert len(kept.rpartition("damaged-")[2]) == len("20260101T000000Z")
        wait(lambda: site.try_("sh", "-c", f"test -s {DATABASE}").code == 0, "a new one is there", 30)
        wait(lambda: "not run" not in site.try_("hivectl", "status").out, "all daemons are known to it", 60)
        assert f"it is kept as {kept}" in site.journal()
        assert "the database was damaged" in site.try_("hivectl", "status").out.splitlines()[0]
        assert kept in _doctor(site)[1]["database"]["text"]
        assert _problems(site, site.token()) == ["database_replaced"]
        wait(lambda: _online(site) == MINERS, "the miners are found and polled again", BACK_S)
        assert "Traceback" not in (log := site.journal()), log
    (line,) = [line for line in OPERATING.read_text().splitlines() if line.endswith("&& systemctl start hived.target")]
    said = site.run("sh", "-c", line.replace("/media/usb/", "/root/").replace("rig-1.tar", "rig.tar"))
    assert "before-restore-" in said, said
    site.all_active()
    assert site.number("SELECT COUNT(*) FROM status") >= statuses
    assert len(site.api("/api/miners", token)) == MINERS, "who had a token has it again"
    site.run("sh", "-c", "rm -f /var/lib/hived/*damaged-* /var/lib/hived/*before-restore-*")
    wait(lambda: _doctor(site)[0] == 0, "all is well", BACK_S, lambda: str(_doctor(site)))


def _kept(site: Machine) -> list[str]:
    return sorted(path.name for path in (site.disk / "var/lib/hived").glob("hived.db.damaged-*Z"))


def test_an_update_over_a_damaged_database_goes_through(site: Machine, packages: Packages, folder: Path) -> None:
    site.run("systemctl", "stop", *UNITS)
    site.run("python3", "-c", DAMAGE, DATABASE)
    said = site.install(another_version(packages, f"{packages.version}.1", folder / "others"))
    (kept,) = _kept(site)
    assert f"the database was damaged: it is kept as /var/lib/hived/{kept}" in said
    site.all_active()
    wait(lambda: _online(site) == MINERS, "the miners are found and polled again", BACK_S)
    site.run("sh", "-c", "rm -f /var/lib/hived/*damaged-*")


def test_without_any_network_it_runs_and_finds_its_miners_when_a_cable_is_plugged_in(site: Machine) -> None:
    site.configure("discoverd: {offline_after_scans: 1}\nintervals: {discovery_seconds: 3}\n", subnet="auto")
    with _same_processes(site), cabled(site, miners=5) as cable:
        site.run("systemctl", "reload", *UNITS)
        wait(lambda: "no network of its own" in _doctor(site)[1]["subnets"]["text"], "doctor has noticed", 30)
        assert _doctor(site)[0] == 1
        for _ in range(2):
            cable.plug()
            wait(lambda: _through(site) == 5, "the miners behind it are online", BACK_S, lambda: site.journal()[-5000:])
            assert str(CABLED.subnet) in _doctor(site)[1]["subnets"]["text"]
            cable.pull()
            wait(lambda: _through(site) == 0, "they are offline", BACK_S)
        site.configure()
        site.run("systemctl", "reload", *UNITS)


def _through(site: Machine) -> int:
    return site.number(f"SELECT COUNT(*) FROM miner WHERE online AND ip LIKE '{CABLED.prefix}%'")


def test_a_port_below_1024_is_served_with_the_drop_in_of_the_docs(site: Machine) -> None:
    drop_in = site.disk / "etc/systemd/system/hive-apid.service.d/port.conf"
    drop_in.parent.mkdir(parents=True)
    words = OPERATING.read_text()
    options = [word for word in words.split("`") if word.startswith(("AmbientCap", "CapabilityBound", "PrivateUsers="))]
    assert len(options) == 3
    drop_in.write_text("\n".join(["[Service]", *options, ""]))
    site.configure("http: {addr: '0.0.0.0:80'}\n")
    site.run("systemctl", "daemon-reload")
    site.run("systemctl", "restart", "hive-apid")
    code = "import urllib.request as u; print(u.urlopen('http://127.0.0.1/healthz', timeout=10).status)"
    assert site.run("python3", "-c", code).strip() == "200"
    drop_in.unlink()
    site.configure()
    site.run("systemctl", "daemon-reload")
    site.run("systemctl", "restart", "hive-apid")
