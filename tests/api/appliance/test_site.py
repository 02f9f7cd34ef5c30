"""The site: events, other devices, sweeps, daemons, scan, health."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest

from hived.records.access import new_token
from hived.records.daemon import DaemonRow
from hived.records.events import EVENTS, Event
from hived.runtime.disk import Unwritable
from hived.store import Store, commands, daemon_rows, database_of, events
from hived.store.access import tokens
from hived.store.miners import discovery
from hived.store.schema import Command
from tests.api import farm
from tests.api.farm import MAC, NOW, Api
from tests.clock import FakeClock
from tests.databases import Databases


async def test_events_come_newest_first_and_page_backwards(api: Api) -> None:
    await api.do(events.add, [Event("reboot", NOW + i, {"uptime_s": i}, num=1) for i in range(5)])
    await api.do(events.add, [Event("sweep_slow", NOW + 9, {})])
    found = await api.get("/api/v1/events")
    assert [e["kind"] for e in found] == ["sweep_slow", *["reboot"] * 5, "settings_changed", "miner_found"]
    assert found[0] == {
        "id": found[0]["id"], "at": "2027-01-15T08:00:09.000Z", "kind": "sweep_slow", "miner": None, "ip": None,
        "hostname": None, "detail": {}, "node_id": None, "node_name": None, "title": "Sweep slow", "who": "this node",
        "sentence": "sweep slow", "tone": "idle",
    }  # fmt: skip
    assert (found[1]["miner"], found[1]["ip"], found[1]["hostname"]) == (MAC, "127.20.0.1", "rig-1")
    words = {"title": "Rebooted", "who": "127.20.0.1", "sentence": "rebooted, up for 4 s when noticed", "tone": "idle"}
    assert {name: found[1][name] for name in words} == words
    first = await api.get("/api/v1/events?limit=3")
    second = await api.get(f"/api/v1/events?limit=100&before={first[-1]['id']}")
    assert first + second == found


async def test_events_of_one_miner_and_of_one_kind(api: Api) -> None:
    await api.do(farm.find, 2, NOW)
    mac = farm.mac_of(2)
    assert [e["kind"] for e in await api.get(f"/api/v1/events?miner={mac.upper()}")] == ["miner_found"]
    assert [e["miner"] for e in await api.get("/api/v1/events?kind=miner_found")] == [mac, MAC]
    assert await api.get("/api/v1/events?kind=nothing") == []
    for query, code in (
        ("miner=x", 404), ("miner=02:0e:7e:ff:ff:ff", 404), ("before=x", 400), ("before=-1", 400), ("kind=", 400),
        (f"kind={'k' * 65}", 400), ("kind=a&kind=b", 400),
    ):  # fmt: skip
        assert (await api.ask("GET", f"/api/v1/events?{query}"))[0] == code, query


async def test_the_kinds_of_events_have_names_to_choose_by(api: Api) -> None:
    kinds = await api.get("/api/v1/events/kinds")
    assert {"kind": "board_lost", "title": "Board lost"} in kinds
    assert len(kinds) == len(EVENTS)


async def test_other_devices_come_by_address(api: Api) -> None:
    found = await api.get("/api/v1/strangers")
    assert [s["ip"] for s in found] == ["127.20.0.9", "127.20.0.200"]
    assert found[0] == {
        "ip": "127.20.0.9", "kind": "printer", "code": None, "reason": "answers with a login page", "next_step": None,
        "first_seen_at": "2027-01-15T07:55:00.000Z", "last_seen_at": "2027-01-15T07:59:30.000Z", "failures": 1,
        "next_probe_at": "1970-01-01T00:00:00.000Z",
    }  # fmt: skip
    assert (found[1]["code"], found[1]["next_step"][:25]) == ("stock_firmware", "open http://127.20.0.200/")


async def test_sweeps_come_newest_first_and_totals_show_the_last_whole_one(api: Api) -> None:
    await api.do(discovery.start_sweep, NOW)
    found = await api.get("/api/v1/sweeps")
    assert [s["finished_at"] for s in found] == [None, "2027-01-15T07:59:31.000Z"]
    assert await api.get("/api/v1/sweeps?limit=1") == found[:1]
    assert (await api.get("/api/v1/fleet"))["last_sweep"] == found[1]


async def test_daemons_are_alive_for_30_seconds_after_their_last_row(api: Api) -> None:
    found = await api.get("/api/v1/daemons")
    assert [(d["name"], d["alive"]) for d in found] == [("hive-discoverd", True), ("hive-polld", True)]
    assert found[0] == {
        "name": "hive-discoverd", "alive": True, "pid": 77, "version": "0.1.0",
        "started_at": "2027-01-15T07:45:00.000Z", "beat_at": "2027-01-15T07:59:58.000Z", "status": "working",
        "next_step": "systemctl restart hive-discoverd; it is still 0.1.0",
    }  # fmt: skip
    api.clock.advance(28)
    silent = await api.get("/api/v1/daemons")
    assert [d["alive"] for d in silent] == [False, False]
    assert silent[1]["next_step"] == "systemctl start hive-polld; journalctl -u hive-polld says why it ended"


async def test_a_scan_becomes_a_command_for_discoverd(api: Api) -> None:
    body = {"targets": ["192.168.1.0/24", "10.0.0.7", "192.168.2.77/24"]}
    code, reply = await api.ask("POST", "/api/v1/scan", body)
    assert (code, list(reply)) == (202, ["id"])
    (wish,) = await api.store.read(commands.open_commands, "hive-discoverd", newer_than=0.0)
    assert (wish.id, wish.verb) == (reply["id"], "scan")
    assert wish.args == {"targets": ["192.168.1.0/24", "10.0.0.7/32", "192.168.2.0/24"], "outside": False}
    waiting = await api.get(f"/api/v1/commands/{wish.id}")
    assert (waiting["done"], waiting["done_at"], waiting["result"]) == (False, None, None)
    await api.do(commands.finish, wish.id, {"miners": 3}, NOW + 5)
    done = await api.get(f"/api/v1/commands/{wish.id}")
    assert (done["done"], done["done_at"], done["result"]) == (True, "2027-01-15T08:00:05.000Z", {"miners": 3})


async def test_other_networks_are_looked_at_only_on_a_word_on_the_box(api: Api) -> None:
    for path, body in (
        ("scan", {"targets": ["8.8.8.0/24"]}), ("commands", {"verb": "scan", "args": {"targets": ["1.0.0.0/20"]}}),
    ):  # fmt: skip
        code, reply = await api.ask("POST", f"/api/v1/{path}", body)
        assert (code, "public" in reply["error"], "--outside" in reply["error"]) == (400, True, True)
    for targets in (["8.8.8.0/24"], ["127.32.3.200"], []):
        wish = {"targets": targets, "outside": True}
        for path, order in (("scan", wish), ("commands", {"verb": "scan", "args": wish})):
            code, reply = await api.ask("POST", f"/api/v1/{path}", order)
            assert (code, "`hivectl miners scan --outside`" in reply["error"]) == (403, True)
    assert await api.store.read(commands.open_commands, "hive-discoverd", newer_than=0.0) == []


async def test_a_scan_without_targets_is_of_all_networks(api: Api) -> None:
    bodies: tuple[Any, ...] = (None, {}, {"targets": []})
    for body in bodies:
        assert (await api.ask("POST", "/api/v1/scan", body))[0] == 202
    wishes = await api.store.read(commands.open_commands, "hive-discoverd", newer_than=0.0)
    assert [w.args for w in wishes] == [{"targets": [], "outside": False}] * 3


async def test_what_cannot_be_scanned_is_refused(api: Api) -> None:
    bad: tuple[Any, ...] = (
        "192.168.1.0/24", [5], ["nonsense"], ["::1"], ["10.0.0.0/8"], ["224.0.0.1"], ["0.0.0.0"], ["255.255.255.255"],
        ["192.168.1.0/24"] * 65, None, {}, ["192.168.1.0/33"], [["192.168.1.1"]],
    )  # fmt: skip
    for targets in bad:
        code, reply = await api.ask("POST", "/api/v1/scan", {"targets": targets})
        assert code == 400, targets
        assert reply["error"].startswith("targets: "), reply
    assert (await api.ask("POST", "/api/v1/scan", {"target": []}))[0] == 400
    assert await api.store.read(commands.open_commands, "hive-discoverd", newer_than=0.0) == []


async def test_an_unknown_command_is_404(api: Api) -> None:
    assert (await api.ask("GET", "/api/v1/commands/99"))[0] == 404
    assert (await api.ask("GET", "/api/v1/commands/x"))[0] == 400


async def test_health_names_every_daemon_and_what_is_wrong(api: Api) -> None:
    found = await api.get("/api/v1/health")
    assert datetime.fromisoformat(found["clock"]).timestamp() == int(datetime.fromisoformat(found["at"]).timestamp())
    assert found["status"] == "degraded"
    assert {d["name"]: d["alive"] for d in found["daemons"]} == {
        "hive-alertd": False, "hive-apid": False, "hive-controld": False, "hive-discoverd": True, "hive-minerd": False,
        "hive-polld": True, "hive-syncd": False,
    }  # fmt: skip
    assert found["database"]["bytes"] > 50_000
    assert found["database"]["schema"].startswith("0")
    assert found["view"] == {
        "fresh": True, "refreshed_at": "2027-01-15T08:00:00.000Z", "rev": api.fleet.rev, "miners": 1,
    }  # fmt: skip
    for name in ("hive-alertd", "hive-apid", "hive-controld", "hive-minerd", "hive-syncd"):
        await api.do(daemon_rows.save_daemon, DaemonRow(name, 5, "1", NOW, NOW, ""))
    assert (await api.get("/api/v1/health"))["status"] == "ok"


@pytest.mark.sqlite_only("a server sees to itself")
async def test_health_says_that_the_database_was_replaced_and_that_the_disk_is_full(
    api: Api, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await api.get("/api/v1/health"))["problems"] == []
    aside = databases.folder / "hived.db.damaged-20260921T141320Z"
    aside.write_bytes(b"x")
    (one,) = (await api.get("/api/v1/health"))["problems"]
    assert (one["kind"], one["at"]) == ("database_replaced", "2026-09-21T14:13:20.000Z")
    assert aside.name in one["text"]
    assert "hivectl restore" in one["next"]
    for name in ("hive-alertd", "hive-apid", "hive-controld", "hive-minerd", "hive-syncd"):
        await api.do(daemon_rows.save_daemon, DaemonRow(name, 5, "1", NOW, NOW, ""))
    assert (await api.get("/api/v1/health"))["status"] == "ok", "it is over, and to be known"
    monkeypatch.setattr("hived.services.appliance.host_troubles.room", lambda folder: 1024)
    found = await api.get("/api/v1/health")
    assert (found["status"], [one["kind"] for one in found["problems"]]) == (
        "degraded", ["disk_full", "database_replaced"],
    )  # fmt: skip


@pytest.mark.sqlite_only("a server sees to itself")
@pytest.mark.parametrize("kind", ["disk_full", "disk_readonly", "not_writable"])
async def test_a_box_that_can_store_nothing_is_not_healthy(
    api: Api, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for name in ("hive-alertd", "hive-apid", "hive-controld", "hive-minerd", "hive-syncd"):
        await api.do(daemon_rows.save_daemon, DaemonRow(name, 5, "1", NOW, NOW, ""))
    troubles = "hived.services.appliance.host_troubles"
    if kind == "disk_full":
        monkeypatch.setattr(f"{troubles}.room", lambda folder: 1024)
    else:
        monkeypatch.setattr(f"{troubles}.unwritable", lambda path: Unwritable(kind, f"{path} is closed", "open it"))
    told = await api.get("/api/v1/health")
    assert (told["status"], [one["kind"] for one in told["problems"]]) == ("degraded", [kind])
    code, reply = await api.ask("GET", "/healthz")
    assert code == 503
    assert "hived.db" not in reply["error"], "whoever asks has no login"
    assert len(await api.get("/api/miners")) == 1


async def test_healthz_is_503_when_the_view_does_not_follow(api: Api) -> None:
    assert await api.get("/healthz") == {"status": "ok"}
    api.clock.advance(31)
    code, reply = await api.ask("GET", "/healthz")
    assert (code, list(reply)) == (503, ["error"])
    await api.fleet.beat()
    assert await api.get("/healthz") == {"status": "ok"}


async def test_a_database_that_is_locked_is_503_and_reading_goes_on(api: Api, databases: Databases) -> None:
    """Another program holds the write lock longer than we wait for it."""
    impatient = "PRAGMA busy_timeout = 50" if databases.kind == "sqlite" else "SET lock_timeout = 50"
    await api.store.write(lambda db: db.execute_sql(impatient))
    other = database_of(databases.url)
    with other.session(), other.transact("write"):
        code, reply = await api.ask("PATCH", f"/api/miners/{MAC}", {"managed": True})
        assert code == 503
        assert "busy" in reply["error"]
        assert (await api.get(f"/api/miners/{MAC}"))["managed"] is False
    other.shut()
    assert (await api.ask("PATCH", f"/api/miners/{MAC}", {"managed": True}))[0] == 200


async def test_readers_at_the_same_time_get_whole_answers(store: Store, clock: FakeClock) -> None:
    await store.write(farm.small)
    async with farm.serve(store, clock) as api:
        paths = ["/api/miners", "/api/v1/rows", "/api/v1/fleet", f"/api/miners/{MAC}", "/api/v1/health"] * 10
        for found in await asyncio.gather(*(api.get(path) for path in paths)):
            assert found


async def test_an_order_of_the_table_is_left_for_its_daemon(api: Api) -> None:
    args = {"mac": "02:00:00:00:00:01", "managed": True}
    code, reply = await api.ask("POST", "/api/v1/commands", {"verb": "set_managed", "args": args})
    assert code == 202
    (wish,) = await api.store.read(commands.open_commands, "hive-syncd", newer_than=0.0)
    assert (wish.id, wish.verb, wish.args) == (reply["id"], "set_managed", args)
    (noted,) = [row for row in await api.get("/api/v1/audit") if row["action"] == "miner.managed"]
    assert (noted["target"], noted["after"]) == (args["mac"], {"managed": True})


async def test_what_is_secret_of_an_order_is_sealed_and_not_shown(api: Api) -> None:
    args = {"mac": "02:00:00:00:00:01", "password": "s3cret word"}
    _, reply = await api.ask("POST", "/api/v1/commands", {"verb": "set_unlock_pass", "args": args})
    (stored,) = await api.store.read(lambda db: [row.args for row in Command.select().bind(db)])
    assert "s3cret" not in stored
    assert (await api.get(f"/api/v1/commands/{reply['id']}"))["args"] == {"mac": args["mac"]}
    assert "s3cret" not in str(await api.get("/api/v1/audit"))
    (wish,) = await api.store.read(commands.open_commands, "hive-syncd", newer_than=0.0)
    assert wish.args == args
    await api.do(commands.finish, wish.id, {"ok": True}, NOW)
    (stored,) = await api.store.read(lambda db: [row.args for row in Command.select().bind(db)])
    assert stored == '{"mac": "02:00:00:00:00:01"}'


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "does not know the order ''"),
        ({"verb": "explode"}, "does not know the order 'explode'"),
        ({"verb": "set_managed"}, "mac: expected"),
        ({"verb": "set_managed", "args": []}, "args: expected"),
        ({"verb": ["scan"]}, "verb: expected"),
        ({"verb": "scan", "args": {"targets": "all"}}, "targets: expected"),
        ({"verb": "scan", "args": {"targets": ["8.8.8.0/24"]}}, "8.8.8.0/24 holds public addresses"),
        ({"verb": "scan", "args": {"targets": ["10.0.0.1", "172.15.0.0/17"]}}, "172.15.0.0/17 holds public addresses"),
        ({"verb": "scan", "args": {"targets": ["9.9.9.8/31"], "outside": False}}, "public"),
        ({"verb": "scan", "args": {"outside": "yes"}}, "outside: expected true or false"),
    ],
)
async def test_an_order_that_nobody_could_carry_out_is_refused(api: Api, body: dict[str, Any], why: str) -> None:
    code, reply = await api.ask("POST", "/api/v1/commands", body)
    assert (code, why in reply["error"]) == (400, True), reply
    assert await api.store.read(lambda db: Command.select().bind(db).count()) == 0


async def test_an_order_needs_the_role_and_the_area_of_its_verb(api: Api) -> None:
    scan, managed = ({"verb": "scan"}, {"verb": "set_managed", "args": {"mac": "02:00:00:00:00:01", "managed": True}})
    bound, looks = new_token(), new_token()
    await api.do(tokens.add, bound, name="bound", role="operator", created_by="tests", at=NOW, scopes=("site",))
    await api.do(tokens.add, looks, name="looks", role="viewer", created_by="tests", at=NOW)
    asked = [
        (await api.ask("POST", "/api/v1/commands", body, Authorization=f"Bearer {who.text}"))[0]
        for who in (bound, looks)
        for body in (scan, managed)
    ]
    assert asked == [202, 403, 403, 403]
