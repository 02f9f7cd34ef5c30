"""The inherited calls about miners: names, types and units."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hived.documents import miners as documents
from hived.records.events import Event
from hived.records.miner import HashboardReading, MinerIdentity, MinerSettings
from hived.records.miner_view import PollOutcome
from hived.store import Store, events
from hived.store.miners import miners, readings, settings
from tests.api import farm
from tests.api.farm import MAC, NOW, Api
from tests.clock import FakeClock

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

MINER: dict[str, Any] = {
    "id": str, "ip": str, "last_ip": str, "online": bool, "managed": bool, "model": dict, "latest_status": dict,
    "created_at": TIME,
    "updated_at": TIME, "hostname": str, "firmware": str, "firmware_version": str, "serial": str, "node_id": str,
    "state": str, "last_seen_at": TIME, "last_error": None, "last_error_code": None, "last_error_at": None,
    "error_count": int,
    "failing": bool, "has_key": bool, "platform": str, "model_name": str, "model_alias": str, "max_preset": None,
    "node_name": None, "pending": list, "features": list, "condition": dict, "hashrate_expected_ths": float,
    "lost": list, "group": None, "tags": list, "locked": None, "protected": None, "min_preset": None, "verbs": list,
}  # fmt: skip
STATUS: dict[str, Any] = {
    "id": int, "state": str, "preset": str, "hashrate": float, "power_usage": float, "power_consumption": float,
    "uptime": int, "recorded_at": TIME, "fans": list, "chains": list, "hashrate_ths": float,
    "hashrate_nominal_ths": float, "hashrate_average_ths": float, "efficiency_j_per_th": float,
    "chip_temp_max_c": float, "pcb_temp_max_c": float, "fan_duty_percent": float, "pools": list, "partial": bool,
    "extra": dict, "hashrate_expected_ths": float, "lost": list,
    "chip_temp_min_c": float, "pcb_temp_min_c": float, "psu_temp_max_c": float, "power_w": float,
    "state_s": float, "hardware_errors": int, "found_blocks": int, "restart_count": int,
}  # fmt: skip
CHAIN: dict[str, Any] = {
    "identifier": str, "state": str, "hashrate": float, "pcb_temp_min": float, "pcb_temp_max": float,
    "chip_temp_min": float, "chip_temp_max": float, "chips": list,
}  # fmt: skip
CHIP: dict[str, Any] = {
    "identifier": str, "hashrate": float, "temperature": float, "frequency_mhz": float, "voltage_mv": float,
    "errors": int, "grade": str, "throttled": bool, "index": int,
}  # fmt: skip
FAN: dict[str, Any] = {"identifier": str, "rpm": int, "status": str, "lost": bool, "index": int, "max_rpm": int}


def check(found: dict[str, Any], wanted: dict[str, Any], *, whole: bool = True) -> None:
    """Assert that every field is there with its type; None as type means null."""
    assert set(found) == set(wanted) if whole else set(found) >= set(wanted)
    for name, kind in wanted.items():
        value = found[name]
        if kind is None:
            assert value is None, name
        elif isinstance(kind, re.Pattern):
            assert kind.fullmatch(value), (name, value)
        else:
            assert type(value) is kind, (name, value)


async def test_a_miner_has_every_field_of_the_contract_with_its_type_and_unit(api: Api) -> None:
    found = await api.get(f"/api/miners/{MAC}")
    check(found, MINER)
    assert found["id"] == MAC
    assert found["ip"] == "127.20.0.1"
    assert (found["online"], found["managed"], found["has_key"], found["failing"]) == (True, False, True, False)
    assert found["created_at"] == "2027-01-15T07:50:00.000Z"
    assert found["last_seen_at"] == "2027-01-15T08:00:00.000Z"
    assert (found["state"], found["platform"], found["node_id"]) == ("mining", "xil", "node-1")
    assert found["model"]["alias"] == "s19"
    assert found["model"]["presets"] == ["disabled", "2350", "3050", "Turbo"]


async def test_a_status_tells_ghs_watts_and_whole_seconds(api: Api) -> None:
    now = (await api.get(f"/api/miners/{MAC}"))["latest_status"]
    check(now, STATUS)
    assert now["hashrate"] == 95500.0
    assert (now["hashrate_ths"], now["hashrate_average_ths"], now["hashrate_nominal_ths"]) == (95.5, 95.0, 96.0)
    assert (now["power_usage"], now["power_consumption"]) == (3005.0, 3010.0)
    assert now["uptime"] == 7200
    assert now["efficiency_j_per_th"] == pytest.approx(3010 / 95.5)
    assert now["recorded_at"] == "2027-01-15T08:00:00.000Z"
    assert now["pools"][0]["url"] == "pool.example:3333"
    for fan in now["fans"]:
        check(fan, FAN)
    assert [f["identifier"] for f in now["fans"]] == ["fan-0", "fan-1", "fan-2", "fan-3"]
    for chain in now["chains"]:
        check(chain, CHAIN, whole=False)
    assert [c["identifier"] for c in now["chains"]] == ["chain-1", "chain-2", "chain-3"]
    assert now["chains"][0]["hashrate"] == 31800.0
    check(now["chains"][0]["chips"][0], CHIP)
    assert now["chains"][0]["chips"][0] | {"errors": 0} == {
        "identifier": "chip-1", "hashrate": 420.5, "temperature": 60.5, "index": 0, "frequency_mhz": 545.0,
        "voltage_mv": 340.0, "errors": 0, "grade": "grey", "throttled": False,
    }  # fmt: skip


async def test_what_a_chip_did_not_tell_is_null_and_not_zero(api: Api) -> None:
    silent = (await api.get(f"/api/miners/{MAC}"))["latest_status"]["chains"][0]["chips"][1]
    assert silent.pop("identifier") == "chip-2"
    assert silent.pop("index") == 1
    assert set(silent.values()) == {None}


async def test_the_list_has_the_same_miners_but_no_chips(api: Api) -> None:
    listed = await api.get("/api/miners")
    assert isinstance(listed, list)
    one = await api.get(f"/api/miners/{MAC}")
    check(listed[0], MINER)
    for chain in one["latest_status"]["chains"]:
        chain["chips"] = []
    del one["model"], listed[0]["model"]
    assert listed == [one]


async def test_a_mac_may_be_written_in_any_case_and_with_dashes(api: Api) -> None:
    for written in ("02:0E:7E:00:00:01", "02-0e-7e-00-00-01", "02-0E-7E-00-00-01"):
        assert (await api.get(f"/api/miners/{written}"))["id"] == MAC


@pytest.mark.parametrize("path", ["", "/settings", "/statuses", "/telemetry"])
async def test_an_unknown_miner_is_404_in_json(api: Api, path: str) -> None:
    for mac in ("02:0e:7e:ff:ff:ff", "nonsense", "%00", "02:0e:7e:00:00:01x", "..%2f..", "ä"):
        code, reply = await api.ask("GET", f"/api/miners/{mac}{path}")
        assert (code, list(reply)) == (404, ["error"]), mac


async def test_a_miner_that_was_never_polled_has_no_status(api: Api) -> None:
    bare = MinerIdentity(mac=farm.mac_of(2))
    await api.do(miners.saw, miners.Sighting(bare, "127.20.0.2", NOW), node_id="node-1")
    found = await api.get(f"/api/miners/{farm.mac_of(2)}")
    assert (found["latest_status"], found["model"], found["state"], found["has_key"]) == (None, None, None, False)
    assert found in await api.get("/api/miners")


async def test_statuses_come_newest_first_and_as_many_as_asked(api: Api) -> None:
    found = await api.get(f"/api/miners/{MAC}/statuses")
    assert [s["recorded_at"][-10:-5] for s in found] == ["00:00", "59:45", "59:30", "59:15", "59:00", "58:45"]
    for one in found:
        check(one, STATUS)
    assert len({s["id"] for s in found}) == 6
    assert sorted((s["id"] for s in found), reverse=True) == [s["id"] for s in found]
    assert await api.get(f"/api/miners/{MAC}/statuses?limit=2") == found[:2]


async def test_chips_of_a_status_are_the_newest_at_or_before_it_within_90_seconds(api: Api) -> None:
    found = await api.get(f"/api/miners/{MAC}/statuses")
    # Chips were read 75 and 15 seconds ago: each status has some.
    assert [len(s["chains"][0]["chips"]) for s in found] == [3, 3, 3, 3, 3, 3]
    await api.do(farm.poll, 1, NOW + 80)
    await api.do(farm.poll, 1, NOW + 75)
    found = await api.get(f"/api/miners/{MAC}/statuses?limit=2")
    assert [len(s["chains"][0]["chips"]) for s in found] == [3, 0]  # 90 s and 95 s after the last reading


async def test_only_the_newest_ten_statuses_carry_chips(api: Api) -> None:
    for second in range(1, 12):
        await api.do(farm.poll, 1, NOW + second)
    found = await api.get(f"/api/miners/{MAC}/statuses?limit=1000")
    assert [bool(s["chains"][0]["chips"]) for s in found] == [True] * 10 + [False] * 7


def test_ids_are_whole_distinct_growing_and_exact_in_javascript_for_decades() -> None:
    year_2055 = 2_682_374_400.0
    ids = [documents.status_id(num, at) for at in (NOW, NOW + 0.001, year_2055) for num in (1, 2, 8191)]
    assert sorted(set(ids)) == ids
    assert max(ids) < 2**53
    boards = [
        documents.telemetry_id(num, at, b) for at in (NOW, NOW + 0.1, year_2055) for num in (1, 8191) for b in (1, 15)
    ]
    assert sorted(set(boards)) == boards
    assert max(boards) < 2**53


async def test_telemetry_is_one_entry_for_each_board_and_time_newest_first(api: Api) -> None:
    found = await api.get(f"/api/miners/{MAC}/telemetry")
    assert [(t["recorded_at"][-10:-5], t["chain"]["identifier"]) for t in found] == [
        ("59:45", "chain-1"), ("59:45", "chain-2"), ("59:45", "chain-3"),
        ("58:45", "chain-1"), ("58:45", "chain-2"), ("58:45", "chain-3"),
    ]  # fmt: skip
    for one in found:
        check(one, {"id": int, "recorded_at": TIME, "status_id": int, "chain": dict})
        check(one["chain"], CHAIN, whole=False)
        assert (one["chain"]["chip_temp_min"], one["chain"]["chip_temp_max"]) == (60.5, 71.0)
        assert (one["chain"]["pcb_temp_min"], one["chain"]["pcb_temp_max"]) == (48.0, 58.0)
    statuses = {s["id"]: s["recorded_at"] for s in await api.get(f"/api/miners/{MAC}/statuses")}
    assert all(statuses[t["status_id"]] == t["recorded_at"] for t in found)
    assert len({t["id"] for t in found}) == 6
    assert await api.get(f"/api/miners/{MAC}/telemetry?limit=4") == found[:4]


async def test_telemetry_without_a_status_within_30_seconds_has_none(store: Store, clock: FakeClock) -> None:
    num = await store.write(farm.find, 1, NOW)
    await store.write(farm.poll, num, NOW - 31, with_chips=False)
    await store.write(farm.poll, num, NOW + 29)
    for at in (NOW, NOW + 60):
        await store.write(readings.save, [PollOutcome(num, at, boards=farm.chips_of())])
    async with farm.serve(store, clock) as api:
        found = await api.get(f"/api/miners/{MAC}/telemetry")
    ids = [t["status_id"] for t in found]
    assert ids[:3] == [None] * 3
    assert ids[3:] == [documents.status_id(num, NOW + 29)] * 3


async def test_settings_tell_their_version_and_what_changed(api: Api) -> None:
    found = await api.get(f"/api/miners/{MAC}/settings")
    assert found == {
        "pools": [{"url": "pool.example:3333", "user": "farm.worker01"}], "requested_preset": "2350",
        "cooling": {"mode": "auto"}, "network": {"dhcp": True}, "version": 2, "read_at": "2027-01-15T07:53:20.000Z",
        "checked_at": "2027-01-15T07:53:20.000Z",
        "changes": [
            {
                "path": "requested_preset", "before": "3050", "after": "2350",
                "words": "requested preset: 3050 -> 2350",
            }
        ],
    }  # fmt: skip
    versions = await api.get(f"/api/v1/miners/{MAC}/settings/versions")
    assert [(v["version"], len(v["changes"])) for v in versions] == [(2, 1), (1, 0)]
    assert await api.get(f"/api/v1/miners/{MAC}/settings/versions?limit=1") == versions[:1]


async def test_settings_that_were_never_read_are_null_and_not_an_error(api: Api) -> None:
    await api.do(farm.find, 2, NOW)
    found = await api.get(f"/api/miners/{farm.mac_of(2)}/settings")
    assert (found["version"], found["requested_preset"], found["pools"]) == (None, None, [])


async def test_a_password_among_the_settings_never_leaves(api: Api) -> None:
    document = {"pools": [{"url": "u", "user": "w", "pass": "secret-1"}], "network": {"Password": "secret-2"}}
    await api.do(settings.save, 1, MinerSettings(document), NOW, due_at=None)
    paths = (f"/api/miners/{MAC}/settings", f"/api/v1/miners/{MAC}/settings/versions", "/api/v1/events")
    for path in paths:
        shown = str(await api.get(path))
        assert "secret-" not in shown
        assert "farm.worker01" in shown
    assert (await api.get(f"/api/miners/{MAC}/settings"))["pools"] == [{"url": "u", "user": "w"}]


async def test_patch_managed_answers_the_miner_and_shows_in_the_list_at_once(api: Api) -> None:
    code, found = await api.ask("PATCH", f"/api/miners/{MAC.upper()}", {"managed": True})
    assert code == 200
    check(found, MINER)
    assert found["managed"] is True
    assert (await api.get("/api/miners"))[0]["managed"] is True
    assert (await api.get("/api/v1/rows"))["rows"][0]["managed"] is True


async def test_patch_unlock_pass_is_stored_and_never_echoed(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    code, found = await api.ask("PATCH", f"/api/miners/{MAC}", {"unlock_pass": "new-secret", "managed": True})
    assert code == 200
    known = await api.store.read(miners.by_mac, MAC)
    assert known is not None
    assert (known.unlock_password, known.managed) == ("new-secret", True)
    shown = f"{found}{await api.get('/api/miners')}{await api.get('/api/v1/rows')}{caplog.text}"
    assert "new-secret" not in shown
    assert farm.KEY not in shown


async def test_a_password_for_a_miner_whose_firmware_asks_for_none_is_refused(api: Api) -> None:
    sighting = miners.Sighting(farm.identity(1), farm.address_of(1), NOW, "toy", "chips")
    await api.do(miners.saw, sighting, node_id="node-1")
    assert (await api.get(f"/api/miners/{MAC}"))["features"] == ["chips"]
    code, said = await api.ask("PATCH", f"/api/miners/{MAC}", {"unlock_pass": "new-secret"})
    assert (code, said) == (400, {"error": f"no password opens {MAC}: its firmware asks for none"})
    assert (await api.ask("PATCH", f"/api/miners/{MAC}", {"managed": True}))[0] == 200


BAD_BODIES = (
        (b"", "nothing to change"), (b"{}", "nothing to change"), (b"{", "not JSON"), (b"[]", "object"),
        (b"null", "object"), (b'"x"', "object"), (b"\xff", "UTF-8"), (b"[" * 60_000, "JSON"), (b"NaN", "NaN"),
        (b'{"managed": ' + b"9" * 5000 + b"}", "number"), (b'{"managed": 1}', "managed"),
        (b'{"managed": "true"}', "managed"), (b'{"managed": null}', "managed"), (b'{"unlock_pass": ""}', "unlock_pass"),
        (b'{"unlock_pass": "  "}', "unlock_pass"), (b'{"unlock_pass": null}', "unlock_pass"),
        (b'{"unlock_pass": 5}', "unlock_pass"), (b'{"unlock_pass": "a\\nb"}', "unlock_pass"),
        (b'{"unlock_pass": "\\ud800"}', "surrogate"), (b'{"unlock_pass": "%s"}' % (b"x" * 300), "unlock_pass"),
        (b'{"managed": true, "managed": true}', "more than once"), (b'{"managed": true, "model": "x"}', "model"),
        (b'{"managed": true, "unlock_pass": ""}', "unlock_pass"),
)  # fmt: skip


async def test_a_bad_patch_is_refused_with_a_sentence_and_changes_nothing(api: Api) -> None:
    before = await api.store.read(miners.by_mac, MAC)
    for body, word in BAD_BODIES:
        code, reply = await api.ask("PATCH", f"/api/miners/{MAC}", body)
        assert code == 400, body
        assert word in reply["error"], (body, reply)
    assert await api.store.read(miners.by_mac, MAC) == before


async def test_a_patch_of_an_unknown_miner_is_404(api: Api) -> None:
    assert (await api.ask("PATCH", "/api/miners/02:0e:7e:ff:ff:ff", {"managed": True}))[0] == 404


async def test_a_limit_outside_1_to_1000_is_refused(api: Api) -> None:
    for path in (f"/api/miners/{MAC}/statuses", f"/api/miners/{MAC}/telemetry", "/api/v1/events", "/api/v1/sweeps"):
        for limit in ("0", "1001", "-1", "x", "1.5", "", "9" * 30, "1&limit=2", "%31%00", "٣"):
            code, reply = await api.ask("GET", f"{path}?limit={limit}")
            assert (code, "limit" in reply["error"]) == (400, True), (path, limit, reply)
        assert isinstance(await api.get(f"{path}?limit=1000"), list)


async def test_numbers_and_texts_that_json_cannot_hold_break_nothing(api: Api) -> None:
    odd = HashboardReading(index=1, hashrate_hs=float("inf"), description='</script> "\\\x00ä')
    await api.do(farm.poll, 1, NOW + 1, hashboards=(odd,), extra={"x": float("nan")})
    chain = (await api.get(f"/api/miners/{MAC}"))["latest_status"]["chains"][0]
    assert chain["hashrate"] is None
    assert chain["description"] == '</script> "\\\x00ä'
    await api.do(events.add, [Event("miner_error", NOW, {"error": "half a pair: \ud800"}, num=1)])
    assert (await api.get("/api/v1/events?limit=1"))[0]["detail"] == {"error": "half a pair: \ud800"}
