"""An update from a version with an older schema: what it stored, by itself and long ago, is there afterwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.appliance import tools
from tests.appliance.machine import MINERS, UNITS, machine, wait
from tests.appliance.tools import ROOT, Packages

STATE = ROOT / "tests/fixtures/older/state-0002.tar.gz"
SCHEMA = "0002_collecting"
# The history in it gets older every day, and this is about the update, not about what is let go after some time.
KEEP = (
    "retention: {raw_days: 3650, rollup_5m_days: 3650, rollup_1h_days: 3650, telemetry_raw_hours: 87600,"
    " telemetry_30m_days: 3650}\n"
)
# What is written once. All columns that both versions have; where some live on, those that must not.
TABLES = {
    "status": "",
    "chips": "",
    "event": "",
    "settings_version": "num, version, read_at, document, changes",
    "contribution": "",
    "refusal": "",
    "artifact": "id, url_key, url, provider, title, licence_uri, facts, content_hash, collected_at",
    "source": "id, name, base_url, kind, created_at",
    "miner": "num, mac, ip, created_at",
    "model": "alias",
}


def test_a_database_of_an_older_schema_is_whole_after_the_update(
    packages: Packages, previous: Packages, folder: Path
) -> None:
    """No package ever had this schema, so its state is put in place; test_update.py is about the oldest package."""
    old = folder / "older"
    old.mkdir()
    tools.run("tar", "-xf", STATE, "-C", old)
    with machine("bookworm", folder) as site:
        site.boot()
        site.simulate(packages)
        site.configure(KEEP)
        site.install(previous)
        site.all_active()
        site.run("systemctl", "stop", *UNITS)
        site.run("sh", "-c", "rm -rf /var/lib/hived/* /var/lib/hived/.[a-z]*")
        tools.run("tar", "-xf", STATE, "-C", site.disk / "var/lib/hived")
        site.run("sh", "-c", f"echo {SCHEMA} > /var/lib/hived/schema-change")
        site.run("chown", "-R", "hived:hived", "/var/lib/hived")

        said = site.install(packages)
        newer = sorted(path.stem for path in (ROOT / "hived/store/migrations").glob("[0-9]*.py") if path.stem > SCHEMA)
        assert newer
        assert [line for line in said.splitlines() if line.startswith("applied ")] == [
            f"applied {one}" for one in newer
        ]
        site.all_active(UNITS)

        token = site.token()
        statuses = _number(old / "hived.db", "SELECT COUNT(*) FROM status")
        wait(lambda: site.number("SELECT COUNT(*) FROM status") >= statuses + MINERS, "the miners are polled again", 60,
             lambda: site.journal()[-5000:])  # fmt: skip
        shown = site.api("/api/miners", token)
        assert len(shown) == MINERS
        assert {miner["id"] for miner in shown} == set(_column(old / "hived.db", "SELECT mac FROM miner"))
        assert all(miner["online"] and miner["latest_status"] for miner in shown)
        collected = site.api("/artifacts?limit=100", token)
        assert {one["title"] for one in collected} == set(_column(old / "hived.db", "SELECT title FROM artifact"))
        described = _number(old / "hived.db", "SELECT COUNT(DISTINCT artifact_id) FROM contribution")
        assert sum(1 for one in collected if one["description"]) >= described
        assert {source["name"] for source in site.api("/sources", token)} == {"City museum", "Web pages"}
        assert site.run("cat", "/var/lib/hived/node-id") == (old / "node-id").read_text()

        site.run("systemctl", "stop", *UNITS)
        now = site.disk / "var/lib/hived/hived.db"
        for table, columns in TABLES.items():
            before, after = _rows(old / "hived.db", now, table, columns)
            assert before, table
            assert before <= after, f"{table}: {len(before - after)} of {len(before)} rows are not as they were"
        keys = _column(old / "hived.db", "SELECT api_key FROM miner")
        assert not any(key.encode() in now.read_bytes() for key in keys), "keys that were readable are so no more"
        print(f"{SCHEMA} to {newer[-1]}: {statuses} statuses and all else are there")


def _column(path: Path, query: str) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [str(row[0]) for row in database.execute(query)]


def _number(path: Path, query: str) -> int:
    return int(_column(path, query)[0])


def _rows(old: Path, new: Path, table: str, columns: str) -> tuple[set[tuple[object, ...]], set[tuple[object, ...]]]:
    """Return what both databases have in the columns that are named, else in those that the older one has."""
    with closing(sqlite3.connect(old)) as before, closing(sqlite3.connect(new)) as after:
        named = columns or ", ".join(row[1] for row in before.execute(f"PRAGMA table_info({table})"))
        query = f"SELECT {named} FROM {table}"
        return set(before.execute(query)), set(after.execute(query))
