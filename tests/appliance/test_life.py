"""The life of an appliance: installed, updated, not taken back, removed, there again, purged."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

from tests.appliance.machine import MINERS, UNITS, Machine, wait
from tests.appliance.page import browser, make_the_first_admin, relayed
from tests.appliance.tools import Packages, another_version, with_change

FIRST_MINUTE_S = 60.0
FIRST_LOGIN = re.compile(r"no user yet: open http://\S+:8080/setup and enter the code (\S+)")
ALL_HASH = "[...document.querySelectorAll('.miners .c-hashrate')].filter(cell => parseFloat(cell.innerText) > 0)"
MORE = "db.execute_sql('CREATE TABLE more (a)')"
# What no package manager takes away with a package: its own books, the log, users, caches.
NOT_OURS = re.compile(
    r"/(proc|sys|run|tmp|dev|root|opt)(/|$)|/var/(log|cache|tmp)/|/var/lib/(dpkg|apt|systemd)/|/etc/(passwd|group|g?shadow)-$"
    r"|/etc/\.(pwd\.lock|updated)|.*/__pycache__(/|$)"
)


def test_from_the_first_minute_to_the_last_file(
    debian: Machine, packages: Packages, previous: Packages, folder: Path
) -> None:
    debian.boot()
    untouched = debian.files()
    debian.simulate(packages)
    debian.configure()

    _install(debian, previous)
    statuses = _miners_are_read(debian)
    node_id = debian.run("cat", "/var/lib/hived/node-id")

    debian.run("sh", "-c", "echo '# of the operator' >> /etc/hived/hived.yaml")
    debian.run("systemctl", "disable", "--now", "hive-minerd")
    newer = another_version(
        packages, "0.3.0", folder / "others", with_change("9001_more", "db.execute_sql('CREATE TABLE more (a)')")
    )
    for version in (packages, newer):
        said = debian.install(version)
        debian.all_active([unit for unit in UNITS if unit != "hive-minerd"])
        assert f"hive-polld: {version.version} starts" in debian.journal("hive-polld")
    assert "applied 9001_more" in said
    assert debian.states()["hive-minerd"] == "inactive", "what the operator switched off stays off"
    assert "of the operator" in debian.run("cat", "/etc/hived/hived.yaml")
    assert debian.run("cat", "/var/lib/hived/node-id") == node_id
    assert debian.number("SELECT COUNT(*) FROM status") >= statuses
    wait(lambda: debian.number("SELECT COUNT(*) FROM status") > statuses, "miners are polled again", 40)

    _no_way_back(debian, packages)
    _a_change_that_fails(debian, packages, newer, folder)

    debian.apt("remove", "hived", "hived-master")
    assert set(debian.states().values()) == {"inactive"}
    assert debian.run("cat", "/var/lib/hived/node-id") == node_id
    debian.install(newer)
    debian.run("systemctl", "enable", "--now", "hive-minerd")
    debian.all_active()
    assert debian.number("SELECT COUNT(*) FROM miner") == MINERS

    debian.run("systemctl", "stop", "site")
    debian.apt("purge", "hived", "hived-master")
    left = {path for path in debian.files() - untouched if not NOT_OURS.match(path)}
    assert left == set()


def _install(debian: Machine, version: Packages) -> None:
    asyncio.run(_first_minute(debian, version))
    debian.all_active()
    assert re.search(r"dashboard at http://\S+:8080", debian.journal("hive-apid"))
    assert debian.run("stat", "-c", "%U:%G %a", "/var/lib/hived").strip() == "hived:hived 750"
    modes = debian.run("sh", "-c", "stat -c '%U %a' /var/lib/hived/*").splitlines()
    assert set(modes) == {"hived 600"}


async def _first_minute(debian: Machine, version: Packages) -> None:
    """Install, follow the journal to the dashboard, and look until every miner is there with its hashrate."""
    async with browser() as page:
        began = time.monotonic()
        said = await asyncio.to_thread(debian.install, version)
        assert "the code of the first login:  journalctl -u hive-apid\n" in said
        await asyncio.to_thread(wait, lambda: FIRST_LOGIN.search(debian.journal("hive-apid")), "the code is told", 20)
        found = FIRST_LOGIN.search(debian.journal("hive-apid"))
        assert found is not None
        with relayed(debian) as url:
            await make_the_first_admin(page, url, found[1])
            await page.wait_for(f"{ALL_HASH}.length === {MINERS}", within=FIRST_MINUTE_S - (time.monotonic() - began))
            took = time.monotonic() - began
            print(f"{debian.release}: {MINERS} miners on the page {took:.0f} s after `apt install` began")
            assert took < FIRST_MINUTE_S
            assert page.problems == []


def _miners_are_read(debian: Machine) -> int:
    query = "SELECT COUNT(*) FROM status"
    wait(lambda: debian.number(query) >= MINERS, "every miner was polled", 40)
    return debian.number(query)


def _no_way_back(debian: Machine, older: Packages) -> None:
    ran = debian.try_apt("--allow-downgrades", "install", *debian.bring(older))
    assert ran.code != 0
    assert f"refusing to install {older.version}: the database of this machine is newer than that" in ran.out
    debian.all_active([unit for unit in UNITS if unit != "hive-minerd"])
    assert debian.run("hivectl", "--version").strip() == "hivectl 0.3.0"
    said = debian.run("dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\\n", "hived", "hived-master")
    assert said.splitlines() == ["hived 0.3.0 installed", "hived-master 0.3.0 installed"]


def _a_change_that_fails(debian: Machine, packages: Packages, before: Packages, folder: Path) -> None:
    def both(tree: Path) -> None:
        with_change("9001_more", MORE)(tree)
        with_change("9002_good", "db.execute_sql('DROP TABLE miner')")(tree)
        with_change("9003_bad", "db.execute_sql('DROP TABLE none_such')")(tree)

    bad = another_version(packages, "0.4.0", folder / "others", both)
    miners = debian.number("SELECT COUNT(*) FROM miner")
    ran = debian.try_apt("install", *debian.bring(bad))
    assert ran.code != 0
    assert "a schema change failed, nothing was changed" in ran.out
    assert "the database could not be made ready for 0.4.0" in ran.out
    assert "install hived 0.3.0 again" in ran.out
    assert set(debian.states().values()) <= {"inactive", "failed"}, f"{debian.states()} {ran.out}"
    assert debian.number("SELECT COUNT(*) FROM miner") == miners
    debian.install(before, "--allow-downgrades")
    debian.all_active([unit for unit in UNITS if unit != "hive-minerd"])
