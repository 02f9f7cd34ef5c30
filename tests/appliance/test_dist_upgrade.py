"""Debian 12 becomes Debian 13 under a running appliance."""

from __future__ import annotations

from pathlib import Path

from tests.appliance import tools
from tests.appliance.machine import MINERS, Machine, machine, wait
from tests.appliance.tools import Packages

OLD, NEW = "bookworm", "trixie"


def test_an_appliance_survives_the_upgrade_to_the_next_debian(packages: Packages, folder: Path) -> None:
    with machine(OLD, folder) as site:
        site.boot()
        site.simulate(packages)
        site.configure()
        site.install(packages)
        site.all_active()
        wait(lambda: site.number("SELECT COUNT(*) FROM status") >= MINERS, "miners are polled", 60)
        statuses = site.number("SELECT COUNT(*) FROM status")
        _fetch(site)
        site.apt("--no-download", "dist-upgrade")
        assert site.run("python3", "-c", "import sys; print(sys.version_info[:2])").strip() == "(3, 13)"
        assert site.run("dpkg-query", "-W", "-f", "${db:Status-Status}", "hived").strip() == "installed"
        compiled = site.run("find", "/usr/lib/hived/hived/store", "-name", "*.pyc").split()
        assert compiled
        assert all(".cpython-313." in path for path in compiled)
        site.cut_power()
        site.boot()
        site.all_active(within_s=60)
        assert f"{packages.version} starts" in site.journal("hive-polld")
        site.simulate(packages)
        wait(lambda: site.number("SELECT COUNT(*) FROM status") > statuses, "miners are polled again", 60)


def _fetch(site: Machine) -> None:
    """Put the packages of the new release into the machine's cache, from outside: it has no network."""
    sources = site.disk / "etc/apt/sources.list"
    sources.write_text(sources.read_text().replace(OLD, NEW))
    resolver = site.disk / "etc/resolv.conf"
    resolver.write_bytes(Path("/etc/resolv.conf").read_bytes())
    for line in (("update", "-q"), ("-y", "-q", "--download-only", "dist-upgrade")):
        tools.run("chroot", site.disk, "apt-get", *line, within_s=600)
