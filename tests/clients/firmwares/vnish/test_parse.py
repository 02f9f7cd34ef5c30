"""The VNish parsers on every capture, on the forms of other versions, and on values that cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hived.clients.firmwares.vnish import fields, parse, parse_boards, parse_summary
from hived.errors import NotThisFirmware, Unreadable
from hived.records.miner import (
    ChipReading,
    FanReading,
    HashboardChips,
    MinerReading,
    Preset,
    SensorReading,
)
from tests.clients.firmwares.vnish import summaries
from tests.clients.firmwares.vnish.expected import EXPECTED, FOREIGN

FIXTURES = Path(__file__).parents[3] / "fixtures" / "vnish"


def capture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def changed(name: str, *path: str | int, value: Any) -> bytes:
    """Return the capture with one place set to `value`."""
    doc = json.loads(capture(name))
    place = doc
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(doc).encode()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_capture_becomes_exactly_this_record(name: str) -> None:
    parser, expected = EXPECTED[name]
    assert parser(capture(name)) == expected


@pytest.mark.parametrize("name", sorted(FOREIGN))
def test_another_reply_is_not_taken_for_a_miner(name: str) -> None:
    with pytest.raises(NotThisFirmware) as refused:
        parse.identity(capture(name))
    assert refused.value.kind == FOREIGN[name]


def test_every_fixture_has_an_expectation() -> None:
    there = {str(path.relative_to(FIXTURES)) for path in FIXTURES.glob("*/*")}
    assert there == set(EXPECTED) | set(FOREIGN)


S19, S21 = "s19-1.2.6-running/", "s21-1.2.6-rc5-mining/"


# identity


def test_a_rebrand_with_another_name_is_still_vnish() -> None:
    assert parse.identity(changed(S19 + "info.json", "fw_name", value="Awesome")).model_alias == "s19"


@pytest.mark.parametrize("mac", [None, "", 7, "N/A", "02:0E:7E:00:00", "00:00:00:00:00:00", "FF-FF-FF-FF-FF-FF"])
def test_a_vnish_without_a_usable_mac_is_unreadable(mac: object) -> None:
    with pytest.raises(Unreadable, match="MAC"):
        parse.identity(changed(S19 + "info.json", "system", "network_status", "mac", value=mac))


def test_a_mac_with_dashes_is_the_same_mac() -> None:
    body = changed(S19 + "info.json", "system", "network_status", "mac", value="02-0E-7E-00-00-21")
    assert parse.identity(body).mac == "02:0e:7e:00:00:21"


@pytest.mark.parametrize("length", [25, 80, 400, 700])
def test_a_cut_info_is_an_unreadable_vnish(length: int) -> None:
    with pytest.raises(Unreadable, match="cut short"):
        parse.identity(capture(S19 + "info.json")[:length])


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "unknown"),
        (b"SSH-2.0-dropbear\r\n", "unknown"),
        (b"\xff\xfe\x00", "unknown"),
        (b"  <!DOCTYPE html><html>", "html"),
        (b'{"model": "Printer", "miner": "none"}', "generic-json"),
        (b"[1, 2]", "generic-json"),
        (b"null", "generic-json"),
        (b"[" * 100_000, "unknown"),
    ],
)
def test_what_is_no_miner_is_named_by_its_looks(body: bytes, kind: str) -> None:
    with pytest.raises(NotThisFirmware) as refused:
        parse.identity(body)
    assert refused.value.kind == kind


def test_a_miner_without_sha256_says_its_own_unit() -> None:
    assert parse.identity(changed(S19 + "info.json", "hr_measure", value="MH/s")).hashrate_unit == "MH/s"


def test_an_empty_hostname_and_a_wrong_address_are_unknown() -> None:
    doc = json.loads(capture(S19 + "info.json"))
    doc["system"]["network_status"] |= {"hostname": "", "ip": "999.1.1.1"}
    found = parse.identity(json.dumps(doc).encode())
    assert (found.hostname, found.address) == (None, None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0:06", 360),
        ("1:55", 6900),
        (" 1:00", 3600),
        ("1 days, 17:02", 147_720),
        ("9 days,  3:58", 791_880),
        ("1 day, 0:01", 86_460),
        ("12 min", 720),
        ("3 days, 5 min", 259_500),
        ("2400:00", 8_640_000),
        ("", None),
        ("1:75", None),
        ("17", None),
        ("-1:00", None),
        ("1:00; reboot", None),
        ("٣:٠٠", None),
        ("9" * 5000 + ":00", None),
        (60, None),
    ],
)
def test_uptime_texts_become_seconds(text: object, seconds: float | None) -> None:
    assert fields.uptime(text) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0:00:14", 14), ("1:14:52", 4492), ("0:00:00", 0), ("2 days, 1:00:00", 176_400), ("0", None), ("0:61", None)],
)
def test_share_ages_become_seconds_and_never_stays_unknown(text: str, seconds: float | None) -> None:
    assert fields.age(text) == seconds


# summary


def test_a_miner_between_two_states_gives_an_empty_reading() -> None:
    assert parse_summary.summary(b'{"miner": null}') == MinerReading()
    assert parse_summary.summary(b"{}") == MinerReading()


def test_the_first_betas_tell_rates_in_th_and_power_by_its_old_name() -> None:
    body = b"""{"miner": {"miner_status": {"miner_state": "mining"}, "instant_hashrate": 54.5,
        "average_hashrate": 50.0, "power_usage": 2500.5, "power_efficiency": 0.05,
        "chains": [{"id": 1, "hashrate_ideal": 30000.0, "power_usage": 1250.5}, {"id": 2}]}}"""
    reading = parse_summary.summary(body)
    assert (reading.hashrate_hs, reading.average_hashrate_hs) == (54.5e12, 50e12)
    assert (reading.power_w, reading.hashboards[0].power_w) == (2500.5, 1250.5)
    assert reading.efficiency_j_per_th == 2500.5 / 54.5
    assert reading.expected_hashrate_hs is None  # one of the boards does not tell its share


@pytest.mark.parametrize(
    ("reading", "joules"),
    [
        (summaries.S19_RUNNING, None),
        (summaries.S21_MINING, 3869 / 181.06066),
        (summaries.S21PRO_TUNING, 2583 / 173.87094),
        (summaries.S19JPRO_RC3, 2631 / 54.478543),  # the reply says 0.048 J/GH
        (summaries.S19KPRO_13, 683 / 22.9772),
    ],
)
def test_the_efficiency_is_power_over_the_rate_of_the_same_moment(reading: MinerReading, joules: float | None) -> None:
    assert reading.efficiency_j_per_th == (joules if joules is None else pytest.approx(joules))


def test_a_switcher_that_is_off_has_no_top_preset() -> None:
    switcher = {"enabled": False, "top_preset": "4690", "min_preset": "2550"}
    body = json.dumps({"current_preset": {"name": "2800"}, "preset_switcher": switcher}).encode()
    assert parse.perf_summary(body).switcher_top_preset is None
    assert parse.perf_summary(body.replace(b"false", b"true")).switcher_top_preset == "4690"


def test_a_scrypt_miner_is_read_in_its_own_unit() -> None:
    body = b'{"miner": {"hr_realtime": 9500.0, "average_hashrate": 9.4}}'
    reading = parse_summary.summary(body, "MH/s")
    assert (reading.hashrate_hs, reading.average_hashrate_hs) == (9.5e9, 9.4e9)


def test_zero_watts_are_believed_of_a_stopped_miner_only() -> None:
    for state, rate, watts in (("stopped", 0, 0.0), ("mining", 0, 0.0), ("mining", 5e4, None), ("failure", 5, 0.0)):
        miner = {"miner_status": {"miner_state": state}, "hr_realtime": rate, "power_consumption": 0}
        assert parse_summary.summary(json.dumps({"miner": miner}).encode()).power_w == watts


def test_fans_and_boards_with_doubtful_ids_are_counted_by_position() -> None:
    twice = changed(S19 + "summary.json", "miner", "cooling", "fans", 1, "id", value=0)
    assert [fan.index for fan in parse_summary.summary(twice).fans] == [0, 1, 2, 3]
    missing = changed(S19 + "summary.json", "miner", "chains", 0, "id", value=None)
    assert [board.index for board in parse_summary.summary(missing).hashboards] == [1, 2, 3]


def test_a_dropped_board_leaves_the_other_numbers_alone() -> None:
    doc = json.loads(capture(S19 + "summary.json"))
    del doc["miner"]["chains"][0]
    assert [board.index for board in parse_summary.summary(json.dumps(doc).encode()).hashboards] == [2, 3]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("stratum+tcp://me:hush@pool.example:3333", "stratum+tcp://pool.example:3333"),
        (f"stratum+tcp://me:{'hush' * 100}@pool.example:3333", "stratum+tcp://pool.example:3333"),
        ("stratum+tcp://me:hu\nsh@pool.example:3333", "stratum+tcp://pool.example:3333"),
        ("stratum+tcp://me:hu@sh@pool.example:3333", "stratum+tcp://pool.example:3333"),
        ("me:hu/sh@pool.example:3333", "pool.example:3333"),
        (" @pool.example:3333", "pool.example:3333"),
        ("stratum+tcp://pool.example:3333/#worker@home", "stratum+tcp://pool.example:3333/#worker@home"),
        ("pool.example:3333?to=a@example.org", "pool.example:3333?to=a@example.org"),
        ("pool.example:3333", "pool.example:3333"),
        (f"stratum+tcp://me:{'hush' * 2000}@pool.example:3333", None),
    ],
)
def test_a_pool_url_loses_the_user_it_carries_and_nothing_else(url: str, shown: str | None) -> None:
    body = changed(S19 + "summary.json", "miner", "pools", 0, "url", value=url)
    assert parse_summary.summary(body).pools[0].url == shown


def test_hydro_boards_tell_the_water() -> None:
    doc = json.loads(capture(S19 + "summary.json"))
    doc["miner"]["chains"][0] |= {"inlet_water_temp": 31, "outlet_water_temp": 38}
    board = parse_summary.summary(json.dumps(doc).encode()).hashboards[0]
    assert (board.inlet_water_temp_c, board.outlet_water_temp_c) == (31.0, 38.0)


@pytest.mark.parametrize("mode", ["immersion", "immers"])
def test_immersion_has_one_name(mode: str) -> None:
    body = changed(S19 + "summary.json", "miner", "cooling", "settings", "mode", "name", value=mode)
    assert parse_summary.summary(body).cooling_mode == "immersion"


@pytest.mark.parametrize(
    "value", [None, True, "1", [], {}, -1, 10**400, -(10**400), 1e308, float("nan"), float("inf"), 1.5]
)
def test_a_fan_speed_that_cannot_be_is_unknown(value: object) -> None:
    body = changed(S19 + "summary.json", "miner", "cooling", "fans", 0, "rpm", value=value)
    assert parse_summary.summary(body).fans[0] == FanReading(0, None, 6000, "ok")


@pytest.mark.parametrize("value", [None, False, "37", -61, 251, 10**400, float("nan"), float("-inf")])
def test_a_temperature_that_cannot_be_is_unknown(value: object) -> None:
    body = changed(S19 + "summary.json", "miner", "chip_temp", "max", value=value)
    reading = parse_summary.summary(body)
    assert (reading.chip_temp_max_c, reading.chip_temp_min_c) == (None, 37.0)


def test_texts_lose_control_characters_and_length() -> None:
    body = changed(
        S21 + "summary.json", "miner", "miner_status", "description", value="S\u202e2\x001\ud800\n" + "x" * 5000
    )
    shown = parse_summary.summary(body).description
    assert shown == "S2 1\ufffd " + "x" * 250


def test_lists_are_cut_at_their_limits() -> None:
    miner = {
        "chains": [{"id": n} for n in range(5000)],
        "pools": [{"id": n} for n in range(5000)],
        "cooling": {"fans": [{"id": n} for n in range(5000)]},
    }
    reading = parse_summary.summary(json.dumps({"miner": miner}).encode())
    assert (len(reading.hashboards), len(reading.pools), len(reading.fans)) == (16, 32, 32)


# boards


OLD_CHIPS = b"""{"chips_per_chain": 2, "chains": [{"id": 1, "chips": [
    {"id": 1, "status": "grey", "hashrate": 510.5, "freq": 495, "temp": 61.0, "errors": 3},
    {"id": 2, "status": "red", "hashrate": 0.0, "freq": 495, "temp": 0.0, "errors": 0,
     "sensor": {"pcb_temp": 46, "chip_temp": 61, "status": "measure"}}]}]}"""


def test_the_old_chips_reply_gives_the_same_record() -> None:
    chips = (
        ChipReading(0, 510.5e9, 495.0, None, 61.0, 3, "grey"),
        ChipReading(1, 0.0, 495.0, None, None, 0, "red"),
    )
    sensors = (SensorReading(1, "measure", 46.0, 61.0),)
    assert parse_boards.boards(OLD_CHIPS) == (HashboardChips(1, chips=chips, sensors=sensors),)


def test_a_running_chip_keeps_its_voltage_and_a_failed_board_its_message() -> None:
    body = b"""[{"id": 2, "status": {"state": "failure", "failure_message": "chain break"}, "chips": [
        {"id": 1, "hr": 600.5, "freq": 500, "volt": 312, "temp": 63.5, "errs": 0, "grade": "grey"},
        {"id": 2, "hr": 0, "freq": 0, "volt": 0, "temp": 20.0, "errs": 0, "grade": "red"}],
        "sensors": [{"state": "init", "board": 0, "chip": 0, "loc": 0}]}]"""
    (board,) = parse_boards.boards(body)
    assert (board.index, board.state, board.description) == (2, "failure", "chain break")
    assert [chip.voltage_mv for chip in board.chips] == [312.0, 0.0]
    assert board.sensors == (SensorReading(None, "init", None, None),)


def test_chip_ids_that_start_at_zero_or_repeat_still_give_each_index_once() -> None:
    def indices(*ids: object) -> list[int]:
        body = json.dumps([{"id": 1, "chips": [{"id": chip} for chip in ids]}]).encode()
        return [chip.index for chip in parse_boards.boards(body)[0].chips]

    assert indices(1, 2, 4) == [0, 1, 3]
    assert indices(0, 1, 3) == [0, 1, 3]
    assert indices(1, 1, 2) == [0, 1, 2]
    assert indices(1, None, "3") == [0, 1, 2]


def test_boards_and_chips_are_cut_at_their_limits() -> None:
    chips = [{"id": n} for n in range(1, 1100)]
    body = json.dumps([{"id": n, "chips": chips, "sensors": [{}] * 100} for n in range(20)]).encode()
    found = parse_boards.boards(body)
    assert len(found) == 16
    assert {(len(board.chips), len(board.sensors)) for board in found} == {(1024, 64)}


# presets, settings, keys, history


@pytest.mark.parametrize(
    ("label", "ths"),
    [
        ("2500 watt ~ 92 TH", 92.0),
        ("2500 watt ~ 92.5 Th", 92.5),
        ("2500 watt ~ 92TH LC", 92.0),
        ("2500W~92TH", 92.0),
        ("Stock", None),
        ("", None),
        (None, None),
        (92, None),
    ],
)
def test_labels_are_read_leniently(label: object, ths: float | None) -> None:
    body = json.dumps([{"name": "2500", "pretty": label, "status": "tuned"}]).encode()
    assert parse.presets(body) == (Preset("2500", 2500.0, ths and ths * 1e12, None, True),)


def test_a_ladder_goes_up_and_has_each_name_once() -> None:
    names = ["3000", "disabled", "2500", "2500", None, "own"]
    body = json.dumps([{"name": name} for name in names]).encode()
    assert [preset.name for preset in parse.presets(body)] == ["disabled", "own", "2500", "3000"]


def test_settings_hold_no_secret_however_it_is_called() -> None:
    doc = json.loads(capture("s21pro-1.2.7-autotuning/settings.json"))
    doc["password"] = {"current": "hush", "pw": "hush"}
    doc["miner"]["pools"][0] |= {"pass": "hush", "password": "hush", "url": "stratum+tcp://a:hush@pool:1"}
    doc["network"] |= {"wifi_password": "hush", "api_key": "hush", "x": {"pw": "hush", "Token": "hush"}}
    doc["miner"]["misc"] |= {"ssh_key": "hush", "secretWord": "hush", "keep_hashing_when_offline": True}
    document = parse.settings(json.dumps(doc).encode()).document
    assert "hush" not in json.dumps(document)
    assert document["misc"]["keep_hashing_when_offline"] is True
    assert document["pools"][0] == {"url": "stratum+tcp://pool:1", "user": "farm.worker01"}


def test_settings_of_any_shape_have_the_same_keys_and_are_plain_json() -> None:
    odd = b'{"miner": {"misc": {"a": NaN, "b": 1e999, "c": ' + b"1" * 400 + b'}, "cooling": 5}, "network": []}'
    document = parse.settings(odd).document
    assert set(document) == set(parse.settings(b"{}").document)
    assert document["misc"] == {"a": None, "b": None, "c": None}
    json.dumps(document, allow_nan=False)


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"token": ""}', b'{"token": 5}', b'{"token": "a\\r\\nb"}', b""])
def test_an_unlock_without_a_usable_token_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        parse.token(body)


def test_only_usable_keys_are_listed() -> None:
    body = b'[{"key": "abc", "description": 5}, {"key": "a b"}, {"key": null}, 7, {"description": "x"}]'
    assert [(key.key, key.description) for key in parse.api_keys(body)] == [("abc", None)]


@pytest.mark.parametrize(
    ("body", "seconds"),
    [(b'{"unlock_timeout": 300}', 300), (b'{"unlock_timeout": null}', None), (b"", None), (b"[1]", None)],
)
def test_the_lockout_is_told_or_unknown(body: bytes, seconds: float | None) -> None:
    assert parse.unlock_timeout(body) == seconds
