"""`hivectl doctor`: each line says how it is, and whatever is not well has a next step."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hived.records.daemon import EVERY_NODE
from hived.simulator.ollama.server import SimulatedOllama
from hived.store import Database
from hived.store.collecting import collector
from hived.store.miners import history
from hived.store.schema import Uplink
from tests.cli.site import HOUR, Site

SQLITE = pytest.mark.sqlite_only("about the file")


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine that somebody else has: it takes connections and says nothing."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


@pytest.fixture
def free(free_port: int) -> int:
    return free_port


def doctored(site: Site, expected: int | None = None, **config: str) -> dict[str, list[dict[str, Any]]]:
    """Run it and return what it says, by name."""
    sections = {
        "network": "{subnets: [127.0.0.0/24]}", "discoverd": "{zeroconf: false}", "syncd": "{master: off}",
        "ollama": "{host: 'http://127.0.0.1:9'}", "http": "{addr: '127.0.0.1:9'}",
    } | config  # fmt: skip
    site.configure("\n".join(f"{name}: {value}" for name, value in sections.items()))
    ran = site.run("doctor", "--json")
    if expected is not None:
        assert ran.code == expected, ran.out
    told: dict[str, list[dict[str, Any]]] = {}
    for one in ran.document["checks"]:
        told.setdefault(one["name"], []).append(one)
        assert (one["next"] is None) == (one["state"] == "ok"), "whatever is not well has a next step"
        assert "\n" not in one["text"] + (one["next"] or "")
    failed = any(one["state"] == "fail" for group in told.values() for one in group)
    assert ran.code == int(failed)
    assert ran.document["ok"] == (not failed)
    return told


def state(told: dict[str, list[dict[str, Any]]], name: str) -> str:
    (one,) = told[name]
    return str(one["state"])


def text(told: dict[str, list[dict[str, Any]]], name: str) -> str:
    return " | ".join(f"{one['text']} -> {one['next']}" for one in told[name])


def test_a_box_whose_daemons_run_fails_nowhere(site: Site) -> None:
    site.daemons()
    told = doctored(site, 0)
    for name in (*EVERY_NODE, "database", "subnets", "secrets"):
        assert state(told, name) == "ok", told[name]


def test_for_people_each_line_has_its_state_and_the_end_counts(site: Site) -> None:
    site.daemons()
    site.daemon("hive-polld", beat_ago=HOUR)
    ran = site.run("doctor")
    assert ran.code == 1
    at = next(i for i, line in enumerate(ran.lines) if "hive-polld" in line)
    assert ran.lines[at].startswith("fail  hive-polld")
    assert "is not running, last heard of 60 min ago" in ran.lines[at]
    assert ran.lines[at + 1].strip() == "next: systemctl start hive-polld; journalctl -u hive-polld -n 50"
    assert "1 failure" in ran.lines[-1]


def test_a_daemon_that_never_ran_fails(empty: Site) -> None:
    told = doctored(empty, 1)
    assert text(told, "hive-discoverd").startswith("has never run -> systemctl enable --now hive-discoverd")


def test_a_daemon_in_which_something_fails_or_that_is_of_yesterday_is_a_warning(site: Site) -> None:
    site.daemons()
    site.daemon("hive-polld", said="store failed 7 times: Transient: database: database or disk is full; 60 polls")
    site.daemon("hive-minerd", version="0.0.1")
    told = doctored(site)
    assert state(told, "hive-polld") == state(told, "hive-minerd") == "warn"
    assert "store failed 7 times: Transient: database: database or disk is full" in text(told, "hive-polld")
    assert "systemctl restart hive-minerd" in text(told, "hive-minerd")


def test_without_a_database_the_rest_is_looked_at_all_the_same(bare: Site) -> None:
    told = doctored(bare, 1)
    assert "hivectl migrate" in text(told, "database")
    assert {"config", "disk", "clock", "subnets"} <= told.keys()
    assert "hive-polld" not in told


@SQLITE
def test_a_damaged_database_fails_with_the_way_out(site: Site) -> None:
    site.close()
    site.path.write_bytes(b"no database" * 1000)
    told = doctored(site, 1)
    assert "is damaged" in text(told, "database")
    assert "hivectl restore FILE" in text(told, "database")


@SQLITE
def test_half_a_database_fails_too(site: Site) -> None:
    site.daemons()
    site.close()
    size = site.path.stat().st_size
    with site.path.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(size - size // 2))
    assert "damaged" in text(doctored(site, 1), "database")


@SQLITE
def test_what_was_replaced_is_a_warning_until_it_is_taken_away(site: Site) -> None:
    site.daemons()
    aside = site.path.with_name("hived.db.damaged-20260921T141320Z")
    aside.write_bytes(b"x")
    told = doctored(site, 0)
    assert [one["state"] for one in told["database"]] == ["warn", "ok"]
    assert aside.name in text(told, "database")
    assert "trouble" in site.run("status").out
    aside.unlink()
    assert state(doctored(site, 0), "database") == "ok"
    assert "trouble" not in site.run("status").out


def test_another_program_on_the_port_is_told_from_no_program(site: Site, port: int, free_port: int) -> None:
    site.daemons()
    site.daemon("hive-apid", beat_ago=HOUR)
    taken = doctored(site, 1, http=f"{{addr: '127.0.0.1:{port}'}}")
    assert "another program has" in text(taken, "dashboard")
    assert f"sport = :{port}" in text(taken, "dashboard")
    nobody = doctored(site, 1, http=f"{{addr: '127.0.0.1:{free_port}'}}")
    assert "nobody answers" in text(nobody, "dashboard")


def test_a_node_without_a_dashboard_needs_none(site: Site) -> None:
    site.daemons()
    assert state(doctored(site, 0), "dashboard") == "ok"


@pytest.mark.parametrize(
    ("configured", "expected", "says"),
    [
        ("[]", "warn", "nothing is scanned"),
        ("[127.0.0.0/24]", "ok", "this host is there as 127.0.0.1"),
        ("[auto]", None, "auto"),
    ],
)
def test_subnets_are_compared_with_this_hosts(site: Site, configured: str, expected: str | None, says: str) -> None:
    site.daemons()
    told = doctored(site, network=f"{{subnets: {configured}}}")
    assert says in text(told, "subnets")
    assert expected is None or state(told, "subnets") == expected


def test_only_known_miners_that_may_be_touched_are_tried(empty: Site, port: int) -> None:
    from hived.records.miner import MinerIdentity
    from hived.store.miners import miners

    own = (empty.run("doctor", "--json"), (empty.folder / "node-id").read_text().strip())[1]
    for n, ip in ((1, "127.0.0.77"), (2, "127.0.0.78")):
        sighting = miners.Sighting(MinerIdentity(f"02:00:00:00:00:0{n}"), ip, empty.now)
        empty.write(miners.saw, sighting, node_id=own)
    told = doctored(empty, network=f"{{subnets: [127.0.0.0/24], exclude: [127.0.0.78], port: {port}}}")
    assert "0 of 1 that were tried" in text(told, "miners")
    assert "127.0.0.78" not in text(told, "miners")


@pytest.mark.parametrize(("now", "expected"), [(0.0, "fail"), (1_700_000_000.0, "fail"), (1_790_000_000.0, None)])
def test_the_year_must_be_sane(empty: Site, now: float, expected: str | None) -> None:
    empty.clock.now = now
    told = doctored(empty)
    assert expected is None or state(told, "clock") == expected


@pytest.mark.parametrize(
    ("sure_ago_s", "said"), [(60.0, None), (2 * 86_400.0, "ahead of what it was"), (-86_400.0, "behind what it was")]
)
def test_a_clock_that_has_jumped_is_told(site: Site, sure_ago_s: float, said: str | None) -> None:
    site.daemons()
    site.write(history.be_sure, site.now - sure_ago_s)
    told = doctored(site)
    assert ("it has jumped" in text(told, "clock")) == (said is not None)
    assert said is None or said in text(told, "clock")


@pytest.mark.parametrize(("skew_s", "way"), [(93.0, "behind"), (-93.0, "ahead of")])
def test_a_clock_that_differs_from_the_masters_is_a_warning(site: Site, skew_s: float, way: str) -> None:
    """`skew_s` is how much the master's clock is ahead of this one."""
    site.daemons()

    def join(db: Database) -> None:
        Uplink.insert(name="master", url="http://192.0.2.1:8080", master_id="m", master_name="hq", state="joined",
                      since=1.0, ok_at=site.now, skew_s=skew_s).execute(db)  # fmt: skip

    told = doctored(site, syncd="{master: 'http://192.0.2.1:8080'}")
    assert "http://192.0.2.1:8080 (syncd.master) offers itself as master" in text(told, "master")
    assert "hivectl join http://192.0.2.1:8080 CODE" in text(told, "master")
    site.write(join)
    told = doctored(site, syncd="{master: 'http://192.0.2.1:8080'}")
    assert f"this clock is 93 s {way} the master's" in text(told, "clock")
    assert "joined hq" in text(told, "master")


@pytest.mark.parametrize("name", ["secret.key", "tls.key", "node-id"])
def test_a_secret_that_others_may_read_fails(site: Site, name: str) -> None:
    site.daemons()
    doctored(site)
    path = site.folder / name
    path.write_text(path.read_text() if path.exists() else "x")
    path.chmod(0o640)
    told = doctored(site, 1)
    assert f"chmod 600 SITE/{name}" in text(told, "secrets")


def test_a_model_is_missed_only_when_it_is_used(site: Site) -> None:
    site.daemons()
    assert state(doctored(site, 0), "model") == "ok"
    told = doctored(site, 0, minerd="{autostart: true, contact: a@example.org}")
    assert state(told, "model") == "warn"
    assert "ollama" in text(told, "model")


async def test_a_model_that_is_there_and_of_no_use_is_a_warning(site: Site) -> None:
    says = "the model sim-describer:1b only thinks and gives no answer: choose another one"
    site.daemons()
    site.write(collector.tell, site.now, status="Running", current_source=None, model_state=says)
    async with SimulatedOllama() as ollama:
        own = f"{{host: '{ollama.url}', model: '{ollama.models[0]}'}}"
        told = await asyncio.to_thread(doctored, site, 0, ollama=own)
        assert (state(told, "model"), says in text(told, "model")) == ("warn", True)
        site.write(collector.tell, site.now, status="Running", current_source=None, model_state=None)
        told = await asyncio.to_thread(doctored, site, 0, ollama=own)
        assert state(told, "model") == "ok"


@pytest.mark.parametrize(
    ("section", "value", "says"),
    [
        ("minerd", "{autostart: true}", "minerd.contact"),
        ("log", "{level: debug}", "writes a lot"),
    ],
)
def test_what_hurts_in_the_configuration_is_a_warning(site: Site, section: str, value: str, says: str) -> None:
    site.daemons()
    assert says in text(doctored(site, 0, **{section: value}), "config")


@SQLITE
def test_a_budget_beyond_the_disk_is_a_warning(site: Site) -> None:
    site.daemons()
    told = doctored(site, 0, retention="{max_database_mb: 16777216}")
    assert "set retention: {max_database_mb: " in text(told, "disk")


@pytest.mark.sqlite_only("about who may use the file")
def test_who_may_not_use_the_database_is_told_to_be_root(make: Callable[[Path], Site], open_folder: Path) -> None:
    site = make(open_folder)
    site.config.chmod(0o644)
    (open_folder / "data").mkdir()
    site.path = open_folder / "data" / "hived.db"
    site.configure("syncd: {master: off}\ndiscoverd: {zeroconf: false}\nollama: {host: 'http://127.0.0.1:9'}")
    site.create().path.parent.chmod(0o700)
    if os.geteuid() != 0:
        pytest.skip("only root can become nobody")
    os.seteuid(65534)
    try:
        ran = site.run("doctor")
    finally:
        os.seteuid(0)
    assert ran.code == 1
    assert "sudo hivectl doctor" in ran.out


SYSTEMCTL = """#!/bin/sh
[ "$2" = hive-polld ] && printf 'LoadState=loaded\\nActiveState=failed\\nResult=start-limit-hit\\nNRestarts=5\\n'
[ "$2" = hive-minerd ] && printf 'LoadState=loaded\\nActiveState=active\\nResult=success\\nNRestarts=4\\n'
[ "$2" = hive-discoverd ] && printf 'LoadState=loaded\\nActiveState=activating\\nSubState=auto-restart\\nNRestarts=2\\n'
[ "$2" = hive-syncd ] && printf 'LoadState=not-found\\nActiveState=inactive\\n'
exit 0
"""


def test_a_daemon_that_crashed_in_a_loop_is_told_with_the_way_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.daemons()
    (site.folder / "bin").mkdir()
    program = site.folder / "bin" / "systemctl"
    program.write_text(SYSTEMCTL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(site.folder / "bin"), prepend=os.pathsep)
    monkeypatch.setattr("hived.cli.doctor.site.RUNNING", site.folder)
    site.daemon("hive-minerd")
    site.write(lambda db: db.execute_sql(f"UPDATE daemon SET started_at = {site.now - 30} WHERE name = 'hive-minerd'"))
    told = doctored(site, 1)
    assert "systemd gave up: start-limit-hit" in text(told, "hive-polld")
    assert "systemctl reset-failed hive-polld; systemctl start hive-polld" in text(told, "hive-polld")
    assert state(told, "hive-minerd") == "warn"
    assert "after 4 restarts by systemd -> journalctl -u hive-minerd" in text(told, "hive-minerd")
    assert state(told, "hive-discoverd") == "warn"
    assert "systemd starts it again: 2 times so far" in text(told, "hive-discoverd")
    assert state(told, "hive-syncd") == "ok"
