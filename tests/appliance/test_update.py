"""From 0.1.0 as it was released to this version, by dpkg: what it stored is there, what it had not sent yet arrives."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from hived.simulator.ollama.models import MODEL
from tests.appliance.machine import MINERS, NODE_UNITS, OLD_NODE_UNITS, PORT, SUBNET, Machine, machine, wait
from tests.appliance.tools import Packages

MASTER = "http://127.0.0.1:9090"
MUSEUM, MODEL_SERVER = "127.21.0.1:8181", "127.0.0.1:11435"
NODE_CONFIG = (
    f"network: {{subnets: [{SUBNET}], port: {PORT}}}\nsyncd: {{master: '{MASTER}'}}\n"
    "discoverd: {zeroconf: false}\nintervals: {discovery_seconds: 3, status_seconds: 5}\n"
    f"minerd: {{autostart: true, allow_hosts: ['{MUSEUM}'], cooldown_seconds: 1}}\n"
    f"ollama: {{host: 'http://{MODEL_SERVER}', model: '{MODEL}'}}\n"
)
MASTER_CONFIG = (
    "node: {name: head, id: head}\ndatabase: {url: 'sqlite:////root/head/hived.db'}\nhttp: {addr: '127.0.0.1:9090'}\n"
    "syncd: {master: 'off'}\n"
)
# What is written once. All columns that the older version has; where rows live on, those that must not change.
KEPT = {
    "status": "",
    "chips": "",
    "rollup_5m": "",
    "event": "",
    "settings_version": "num, version, read_at, document, changes",
    "contribution": "",
    "refusal": "",
    "artifact": "id, url_key, url, provider, title, licence_uri, facts, content_hash, collected_at",
    "source": "id, name, base_url, kind, created_at",
    "miner": "num, mac, managed, unlock_password, created_at",
    "model": "alias",
    "uplink": "name, url, master_id, state, key_id, secret",
}
# What the master must have in the end, of each stream.
SENT = {
    "contributions": "SELECT id FROM contribution",
    "miners": "SELECT mac FROM miner WHERE managed",
    "status": "SELECT mac, at, n FROM rollup_5m JOIN miner USING (num)",
    "events": "SELECT kind, mac, ROUND(at, 3) FROM event JOIN miner USING (num)",
}
# Five minutes go by for what was polled, and nothing of it is summed up yet.
LATER = (
    "UPDATE status SET at = at - 600, before = before - 600",
    "DELETE FROM counter WHERE name LIKE 'rolled_%'",
)


class Head:
    """A master on the same machine, of any version: hive-apid from an unpacked package, with a database of its own."""

    def __init__(self, site: Machine) -> None:
        self._site, self._tree = site, ""
        site.put("/root/head/hived.yaml", MASTER_CONFIG.encode())
        self.database = site.disk / "root/head/hived.db"

    def start(self, packages: Packages) -> None:
        """Let it run in this version, and bring its database there."""
        self._tree = f"/opt/head-{packages.version}"
        deb, _ = self._site.bring(packages)
        self._site.run("dpkg-deb", "-x", deb, self._tree)
        self.ctl("migrate")
        self._site.run("systemd-run", "--quiet", "--unit=head", *self._line("hived.daemons.entry", "apid"))

    def stop(self) -> None:
        self._site.run("systemctl", "stop", "head")

    def ctl(self, *words: str) -> str:
        return self._site.run(*self._line("hived.cli.main", "main"), *words)

    def _line(self, module: str, function: str) -> list[str]:
        code = (
            f"import sys; sys.path[:0] = ['{self._tree}/usr/lib/hived'];"
            f" from {module} import {function}; sys.exit({function}())"
        )
        return ["/usr/bin/python3", "-ISBc", code, "--config", "/root/head/hived.yaml"]


def test_a_node_of_0_1_0_keeps_what_it_stored_and_sends_what_waited(
    packages: Packages, released: Packages, folder: Path
) -> None:
    with machine("trixie", folder) as site:
        site.boot()
        site.simulate(packages)
        site.stand_in("museum", "collection", "--objects", "40", "--addr", MUSEUM, "--crawl-delay", "0")
        site.stand_in("model", "ollama", "--listen", MODEL_SERVER, "--model", MODEL, "--tokens-per-second", "0")
        head = Head(site)
        head.start(released)
        site.put("/etc/hived/conf.d/site.yaml", NODE_CONFIG.encode())
        node, _ = site.bring(released)
        site.apt("install", node)
        site.all_active(OLD_NODE_UNITS)
        assert site.run("dpkg", "-S", "/usr/bin/hive-sim").startswith("hived: ")
        code = json.loads(head.ctl("enroll-code", "--json"))["code"]
        _hivectl(site, "join", MASTER, code)
        wait(lambda: len(_rows(head.database, "SELECT mac FROM miner")) == MINERS, "the master has all miners", 60,
             lambda: site.journal()[-4000:])  # fmt: skip
        head.stop()
        old = folder / "of-0.1.0"
        waiting = _let_rows_wait(site, old)

        update = [deb for deb in packages.all if deb != packages.master]
        for deb in update:
            site.put(f"/root/{deb.name}", deb.read_bytes())
        said = site.run("dpkg", "--force-confold", "-i", *(f"/root/{deb.name}" for deb in update))
        assert "applied " in said
        site.all_active(NODE_UNITS)
        assert f"hive-polld: {packages.version} starts" in site.journal("hive-polld")
        assert site.run("dpkg", "-S", "/usr/bin/hive-sim").startswith("hived-simulator: ")
        assert "usage: hive-sim" in site.run("hive-sim", "--help")

        still = _waiting(site)
        assert {name: count for name, count in waiting.items() if still[name] < count} == {}
        polls = site.number("SELECT COUNT(*) FROM status")
        head.start(packages)
        for stream, query in SENT.items():
            wait(lambda query=query: _rows(old / "hived.db", query) <= _rows(head.database, query),
                 f"the master has what waited in {stream}", 60, lambda: site.journal()[-4000:])  # fmt: skip
        assert site.text("SELECT COUNT(*) FROM dead_letter") == "0"
        wait(lambda: site.number("SELECT COUNT(*) FROM status") >= polls + MINERS, "miners are polled", 60)

        site.run("systemctl", "stop", *NODE_UNITS)
        for table, columns in KEPT.items():
            was, now = (_kept(path / "hived.db", table, columns, old) for path in (old, site.disk / "var/lib/hived"))
            assert was, table
            assert was <= now, f"{table}: {len(was - now)} of {len(was)} rows are not as they were"
        print(f"0.1.0 to {packages.version}: all rows are there, and what waited arrived: {waiting}")


def _let_rows_wait(site: Machine, copy: Path) -> dict[str, int]:
    """Let the node work without its master until something waits in each stream; stop it and copy its state."""
    _hivectl(site, "sources", "add", "City museum", f"http://{MUSEUM}/public/collection/v1", "--kind", "met")
    mac = site.text("SELECT mac FROM miner ORDER BY num")
    _hivectl(site, "miners", "set", mac, "--managed")
    site.run("systemctl", "stop", "hive-polld")
    for order in LATER:
        with closing(sqlite3.connect(site.disk / "var/lib/hived/hived.db", timeout=10)) as database, database:
            database.execute(order)
    site.run("systemctl", "start", "hive-polld")
    site.run("systemctl", "stop", "site")
    wait(lambda: site.number("SELECT COUNT(*) FROM miner WHERE online") == 0, "the miners went offline", 90)
    wait(lambda: all(_waiting(site).values()), "something waits in each stream", 120, lambda: str(_waiting(site)))
    site.run("systemctl", "stop", "museum", "model", *OLD_NODE_UNITS)
    shutil.copytree(site.disk / "var/lib/hived", copy)
    waiting = _waiting(site)
    site.stand_in("site", "fleet", "--count", str(MINERS), "--subnet", SUBNET, "--port", str(PORT), "--steady")
    return waiting


def _hivectl(site: Machine, *words: str) -> None:
    site.run("runuser", "-u", "hived", "--", "hivectl", *words)


def _waiting(site: Machine) -> dict[str, int]:
    """Return how many rows the master has not got yet, by stream."""
    said = site.try_("runuser", "-u", "hived", "--", "hivectl", "status", "--json")  # 1 while a daemon is stopped
    behind: dict[str, int] = json.loads(said.out)["master"]["behind"]
    return behind


def _rows(path: Path, query: str) -> set[tuple[object, ...]]:
    with closing(sqlite3.connect(path, timeout=10)) as database:
        return set(database.execute(query))


def _kept(path: Path, table: str, columns: str, old: Path) -> set[tuple[object, ...]]:
    """Return the rows of a table: the columns that are named, else all that the older database has."""
    if not columns:
        with closing(sqlite3.connect(old / "hived.db")) as database:
            columns = ", ".join(row[1] for row in database.execute(f"PRAGMA table_info({table})"))
    return _rows(path, f"SELECT {columns} FROM {table}")
