"""Totals, rows and lists: honest sums, and a view that follows the database."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from hived.api.miners.live_miners import LiveMiners
from hived.records.condition import MARKS
from hived.records.daemon import DaemonRow
from hived.records.miner import FanReading, HashboardReading
from hived.records.steering import VERBS
from hived.store import Database, Store, daemon_rows
from hived.store.miners import miners
from hived.store.schema import Miner, Node
from tests import nodes as fleet
from tests.api import farm
from tests.api.farm import MAC, NOW, Api
from tests.clock import FakeClock


async def test_totals_of_the_small_farm(api: Api) -> None:
    found = await api.get("/api/v1/fleet")
    sums = {
        "miners": 1, "online": 1, "managed": 0, "hashing": 1,
        "failing": 0, "silent": 0, "hashrate_ths": 95.5, "hashrate_nominal_ths": 96.0,
        "hashrate_nominal_lost_ths": None, "hashrate_expected_ths": 96.0,
        "hashrate_lost_ths": 0.5, "lost": [{"reason": "weak", "hashrate_ths": 0.5, "miners": 1}],
        "unseen": {"miners": 0, "hashrate_ths": None, "since": None}, "power_w": 3010.0, "power_each_w": 3010.0,
        "efficiency_j_per_th": pytest.approx(3010 / 95.5),
        "counts": {**dict.fromkeys(MARKS, 0), "online": 1, "hashing": 1},
    }  # fmt: skip
    assert found == {
        "at": "2027-01-15T08:00:00.000Z", "rev": found["rev"], **sums, "nodes": {"node-1": sums},
        "states": {"mining": 1}, "models": {"s19": 1}, "blind_nodes": [], "strangers": {"printer": 1, "stock": 1},
        "last_sweep": {
            "started_at": "2027-01-15T07:59:30.000Z", "finished_at": "2027-01-15T07:59:31.000Z", "addresses": 1022,
            "responders": 3, "miners": 1, "strangers": 2, "unreadable": 0, "note": None,
        },
        "stale": False, "stale_because": None, "silent_after_s": 45.0,
    }  # fmt: skip
    assert isinstance(found["rev"], int)


async def test_an_empty_site_has_no_hashrate_rather_than_none_of_it(store: Store, clock: FakeClock) -> None:
    async with farm.serve(store, clock) as api:
        found = await api.get("/api/v1/fleet")
        assert (found["miners"], found["online"], found["states"]) == (0, 0, {})
        assert [found[k] for k in ("hashrate_ths", "power_w", "efficiency_j_per_th", "last_sweep")] == [None] * 4
        assert await api.get("/api/miners") == []
        assert await api.get("/api/v1/rows") == {"rev": 0, "rows": []}


async def test_only_fresh_statuses_of_online_miners_count(api: Api) -> None:
    """Three miners: one polled now, one 46 s ago (three polls of 15 s missed), one gone."""
    for n, at in ((2, NOW - 46), (3, NOW)):
        await api.do(farm.find, n, NOW - 60)
        await api.do(farm.poll, n, at)
    await api.do(miners.missed, [3], NOW, offline_after=1)
    found = await api.get("/api/v1/fleet")
    assert (found["miners"], found["online"], found["hashing"], found["silent"]) == (3, 2, 1, 1)
    assert (found["hashrate_ths"], found["power_w"], found["hashrate_nominal_ths"]) == (95.5, 3010.0, 96.0)
    assert found["hashrate_nominal_lost_ths"] == 192.0
    assert found["states"] == {"mining": 1, "silent": 1, "offline": 1}
    api.clock.advance(60)
    await api.do(farm.polls, api.clock())
    found = await api.get("/api/v1/fleet")
    assert (found["hashing"], found["silent"], found["hashrate_ths"]) == (0, 2, None)


async def test_after_the_clock_was_set_back_statuses_of_the_future_do_not_count(api: Api) -> None:
    api.clock.advance(-3600)
    await api.do(farm.polls, api.clock())
    found = await api.get("/api/v1/fleet")
    assert (found["silent"], found["hashrate_ths"]) == (1, None)
    await api.do(farm.poll, 1, api.clock())
    found = await api.get("/api/v1/fleet")
    assert (found["silent"], found["hashrate_ths"]) == (0, 95.5)


async def test_efficiency_is_over_the_miners_that_told_both_numbers(api: Api) -> None:
    await api.do(farm.find, 2, NOW)
    await api.do(farm.poll, 2, NOW, power_w=None, reported_power_w=None)
    found = await api.get("/api/v1/fleet")
    assert (found["hashrate_ths"], found["power_w"]) == (191.0, 3010.0)
    assert found["efficiency_j_per_th"] == pytest.approx(3010 / 95.5)


async def test_a_failing_miner_is_counted_until_a_poll_is_good_again(api: Api) -> None:
    await api.do(farm.fail, 1, NOW + 1, "no answer within 5 s")
    assert (await api.get("/api/v1/fleet"))["failing"] == 1
    row = (await api.get("/api/v1/rows"))["rows"][0]
    assert (row["failing"], row["last_error"], row["error_count"]) == (True, "no answer within 5 s", 1)
    assert row["last_error_at"] == "2027-01-15T08:00:01.000Z"
    await api.do(farm.poll, 1, NOW + 2)
    assert (await api.get("/api/v1/fleet"))["failing"] == 0
    assert (await api.get("/api/miners"))[0]["failing"] is False


async def test_stale_says_which_daemon_does_not_run(api: Api) -> None:
    api.clock.advance(20)
    await api.do(daemon_rows.save_daemon, DaemonRow("hive-polld", 5, "1", NOW, api.clock(), ""))
    api.clock.advance(15)
    await api.fleet.beat()
    found = await api.get("/api/v1/fleet")
    assert (found["stale"], found["stale_because"]) == (True, "hive-discoverd is not running")
    await api.do(daemon_rows.save_daemon, DaemonRow("hive-discoverd", 5, "1", NOW, api.clock(), ""))
    assert (await api.get("/api/v1/fleet"))["stale"] is False
    api.clock.advance(11)
    assert (await api.get("/api/v1/fleet"))["stale_because"] == "the database cannot be read"


async def test_a_row_is_the_small_form_of_a_miner(api: Api) -> None:
    found = await api.get("/api/v1/rows")
    assert found["rows"] == [{
        "id": MAC, "ip": "127.20.0.1", "last_ip": "127.20.0.1", "online": True, "managed": False,
        "hostname": "rig-1", "model": "s19",
        "model_name": "Antminer S19", "firmware_version": "1.2.6", "state": "mining", "preset": "3050",
        "hashrate_ths": 95.5, "hashrate_nominal_ths": 96.0, "power_w": 3010.0,
        "efficiency_j_per_th": pytest.approx(3010 / 95.5), "chip_temp_max_c": 71.0, "pcb_temp_max_c": 58.0,
        "psu_temp_max_c": 47.0,
        "fans_lost": 0, "boards": 3, "boards_failed": 0, "pool": "pool.example:3333", "last_error": None,
        "condition": {
            "word": "mining", "tone": "good", "rank": 4, "why": None, "next_step": None, "old": False,
            "marks": ["online", "hashing"],
        },
        "hashrate_expected_ths": 96.0, "lost": [{"reason": "weak", "hashrate_ths": 0.5}],
        "last_error_code": None, "last_error_at": None, "error_count": 0, "failing": False,
        "seen_at": "2027-01-15T08:00:00.000Z", "status_at": "2027-01-15T08:00:00.000Z", "node_id": "node-1",
        "node_name": None, "remote": False, "group": None, "tags": [], "min_preset": None, "locked": None,
        "protected": None, "verbs": list(VERBS),
    }]  # fmt: skip


async def test_a_row_counts_broken_parts_and_knows_unknown_from_none(api: Api) -> None:
    boards = tuple(HashboardReading(i, state) for i, state in ((1, "mining"), (2, "failure"), (3, "disconnected")))
    fans = (FanReading(0, 0, None, "lost"), FanReading(1, 0, None, "ok"))
    await api.do(farm.poll, 1, NOW + 1, hashboards=boards, fans=fans, pools=())
    row = (await api.get("/api/v1/rows"))["rows"][0]
    assert (row["boards"], row["boards_failed"], row["fans_lost"], row["pool"]) == (3, 2, 1, None)
    await api.do(farm.poll, 1, NOW + 2, hashboards=(), fans=(), partial=True)
    row = (await api.get("/api/v1/rows"))["rows"][0]
    assert (row["boards"], row["boards_failed"], row["fans_lost"]) == (None, None, None)
    await api.do(farm.poll, 1, NOW + 3, hashboards=(), state="failure")
    assert (await api.get("/api/v1/rows"))["rows"][0]["boards"] == 0


async def test_only_changed_miners_are_encoded_again(api: Api) -> None:
    for n in (2, 3):
        await api.do(farm.find, n, NOW)
    serial = api.fleet.serial
    await api.do(farm.poll, 2, NOW + 1)
    (piece,) = api.fleet.since(serial)
    assert [row["id"] for row in json.loads(piece)["rows"]] == [farm.mac_of(2)]
    assert api.fleet.since(api.fleet.serial) == []


async def test_everybody_who_waits_is_woken_by_a_change_and_by_nothing_else(api: Api) -> None:
    pulse = api.fleet.pulse()
    await api.fleet.beat()
    assert not pulse.is_set()
    await api.do(farm.poll, 1, NOW + 1)
    assert pulse.is_set()
    assert not api.fleet.pulse().is_set()


async def test_a_look_without_a_change_leaves_everything_as_it_is(api: Api) -> None:
    serial, page = api.fleet.serial, api.fleet.page("rows")
    await api.fleet.beat()
    api.clock.advance(44)
    await api.fleet.beat()
    assert (api.fleet.serial, api.fleet.page("rows")) == (serial, page)


async def test_a_miner_that_falls_silent_is_shown_without_a_change_of_the_database(api: Api) -> None:
    await api.do(farm.find, 2, NOW)
    await api.do(farm.poll, 2, NOW + 40)
    pulse, serial, rev, etag = api.fleet.pulse(), api.fleet.serial, api.fleet.rev, api.fleet.page("miners").etag
    api.clock.advance(46)
    await api.do(farm.polls, api.clock())
    await api.fleet.beat()
    assert pulse.is_set()
    for pieces in (api.fleet.since(serial), api.fleet.since_rev(rev)):
        (row,) = json.loads(next(iter(pieces)))["rows"]
        assert (row["id"], row["condition"]["word"], row["condition"]["old"]) == (MAC, "silent", True)
    assert api.fleet.page("miners").etag != etag
    words = [miner["condition"]["word"] for miner in await api.get("/api/miners")]
    assert words == ["silent", "mining"]
    assert (await api.get(f"/api/miners/{MAC}"))["condition"]["word"] == "silent"


async def test_miners_of_a_node_that_is_away_are_neither_online_nor_lost(api: Api) -> None:
    def away(db: Database, state: str) -> None:
        Node.update(state=state).where(Node.id == "shed").execute(db)

    def give_away(db: Database) -> None:
        fleet.let_in(db, "shed", NOW, name="shed")
        Node.update(contact_at=NOW, state="alive").where(Node.id == "shed").execute(db)
        farm.find(db, 2, NOW)
        farm.poll(db, 2, NOW)
        Miner.update(remote=True, node_id="shed").where(Miner.num == 2).execute(db)

    await api.do(give_away)
    serial = api.fleet.serial
    await api.do(away, "dead")
    (row,) = json.loads(next(iter(api.fleet.since(serial))))["rows"]
    assert (row["id"], row["condition"]["word"], row["condition"]["marks"]) == (farm.mac_of(2), "unseen", ["unseen"])
    found = await api.get("/api/v1/fleet")
    assert (found["miners"], found["online"], found["silent"], found["hashrate_expected_ths"]) == (2, 1, 0, 96.0)
    assert found["unseen"] == {"miners": 1, "hashrate_ths": 96.0, "since": "2027-01-15T08:00:00.000Z"}
    assert found["nodes"]["shed"]["hashrate_ths"] is None
    await api.do(away, "alive")
    assert (await api.get("/api/v1/fleet"))["nodes"]["shed"]["hashrate_ths"] == 95.5


async def test_a_daemons_beat_does_not_make_clients_load_the_list_again(api: Api) -> None:
    page = api.fleet.page("rows")
    await api.do(daemon_rows.save_daemon, DaemonRow("hive-polld", 5, "1", NOW, NOW + 5, ""))
    assert api.fleet.page("rows") is page


async def test_a_forgotten_miner_leaves_at_the_next_look(api: Api) -> None:
    await api.do(farm.find, 2, NOW)
    serial, rev = api.fleet.serial, api.fleet.rev
    await api.do(farm.forget, 1)
    assert [m["id"] for m in await api.get("/api/miners")] == [farm.mac_of(2)]
    assert [r["id"] for r in (await api.get("/api/v1/rows"))["rows"]] == [farm.mac_of(2)]
    assert (await api.get("/api/v1/fleet"))["miners"] == 1
    for pieces in (api.fleet.since(serial), api.fleet.since_rev(rev)):
        assert json.loads(next(iter(pieces)))["gone"] == [MAC]


async def test_a_miner_forgotten_while_another_is_found_leaves_too(api: Api) -> None:
    def swap(db: Database) -> None:
        farm.forget(db, 1)
        farm.find(db, 9, NOW)  # SQLite gives it the number 1 again

    await api.do(swap)
    assert [m["id"] for m in await api.get("/api/miners")] == [farm.mac_of(9)]
    assert api.fleet.whereabouts(MAC) == (None, None)
    assert api.fleet.whereabouts(farm.mac_of(9)) == ("127.20.0.9", "rig-9")


async def test_a_miner_that_only_answers_is_seen_within_ten_seconds(api: Api) -> None:
    await api.do(miners.still_there, [(1, 99.0)], NOW + 3)
    api.clock.advance(11)
    await api.fleet.beat()
    assert (await api.get("/api/miners"))[0]["last_seen_at"] == "2027-01-15T08:00:03.000Z"
    assert (await api.get("/api/v1/rows"))["rows"][0]["seen_at"] == "2027-01-15T08:00:03.000Z"


async def test_a_dropped_key_shows_within_ten_seconds(api: Api) -> None:
    await api.do(miners.drop_access, 1, NOW + 1)
    api.clock.advance(11)
    await api.fleet.beat()
    assert (await api.get("/api/miners"))[0]["has_key"] is False


async def test_a_thousand_miners_are_listed_whole_with_etag_and_gzip(big_store: Store, clock: FakeClock) -> None:
    async with farm.serve(big_store, clock) as api:
        listed = await api.get("/api/miners")
        assert [m["id"] for m in listed] == [farm.mac_of(n) for n in range(1, 1001)]
        assert sum(m["latest_status"] is not None for m in listed) == 500
        rows = await api.get("/api/v1/rows")
        assert len({r["id"] for r in rows["rows"]}) == 1000
        totals = await api.get("/api/v1/fleet")
        assert (totals["miners"], totals["unseen"]["miners"], totals["silent"]) == (1000, 500, 0)  # nobody polls here
        assert totals["hashrate_ths"] == pytest.approx(47750.0)
        for path in ("/api/miners", "/api/v1/rows"):
            await check_caching(api, path)


async def check_caching(api: Api, path: str) -> None:
    """Assert ETag and 304, the same content with and without gzip, and a new ETag after a change."""
    async with api.http.get(path, headers={"Accept-Encoding": "gzip"}) as reply:
        etag, size = reply.headers["ETag"], int(reply.headers["Content-Length"])
        assert reply.headers["Content-Encoding"] == "gzip"
        packed = await reply.read()
    async with api.http.get(path, headers={"Accept-Encoding": "gzip;q=0"}) as reply:
        assert "Content-Encoding" not in reply.headers
        plain = await reply.read()
        assert reply.headers["Vary"] == "Accept-Encoding"
    assert json.loads(packed) == json.loads(plain)
    assert size < len(plain) / 5
    for told in (etag, etag.removeprefix("W/"), f'"x", {etag}', "*"):
        async with api.http.get(path, headers={"If-None-Match": told}) as reply:
            assert (reply.status, await reply.read()) == (304, b"")
    async with api.http.head(path) as reply:
        assert (reply.status, reply.headers["ETag"]) == (200, etag)
    await api.do(farm.poll, 7, NOW + api.fleet.serial)
    async with api.http.get(path, headers={"If-None-Match": etag}) as reply:
        assert (reply.status, reply.headers["ETag"] != etag) == (200, True)
    async with api.http.get(path, headers={"If-None-Match": '"another"'}) as reply:
        assert reply.status == 200


async def test_many_who_ask_at_once_share_one_compression(big_store: Store, clock: FakeClock) -> None:
    async with farm.serve(big_store, clock) as api:
        page = api.fleet.page("miners")
        bodies = await asyncio.gather(*(page.gzipped() for _ in range(8)))
        assert len({id(body) for body in bodies}) == 1


async def test_a_view_that_starts_on_a_filled_database_has_all_of_it(api: Api) -> None:
    other: Any = LiveMiners(api.store, status_seconds=15.0, clock=api.clock)
    await other.beat()
    assert len(other) == 1
    assert other.page("rows").body == api.fleet.page("rows").body
    assert other.page("rows").etag != api.fleet.page("rows").etag
