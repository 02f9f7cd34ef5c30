"""Values that a miner tells wrongly, on another level or in words of its own: each costs itself alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hived.clients.firmwares.vnish import parse, parse_boards, parse_summary
from hived.clients.firmwares.vnish.fields import WARM_C, temperatures
from hived.errors import NotThisFirmware, Unreadable
from hived.records.miner import MinerReading
from tests.clients.firmwares.vnish.test_hostile import CASES
from tests.clients.firmwares.vnish.test_parse import S19, S21, capture, changed

HALF_WARM = st.integers(WARM_C, 120)
NO_SENSOR = st.sampled_from([0, -1, 0.0, -12, -40])


def reading(change: Callable[[dict[str, Any]], Any], name: str = S21) -> MinerReading:
    """What is read from a capture after a change of its miner."""
    doc = json.loads(capture(name + "summary.json"))
    change(doc["miner"])
    return parse_summary.summary(json.dumps(doc).encode())


# one byte


@pytest.mark.parametrize("name", [b"M\xfcnchen-1", b"a\nb", b"\xff", b"caf\xc3"])
def test_a_host_name_with_a_bad_byte_hides_no_miner(name: bytes) -> None:
    body = changed(S19 + "info.json", "system", "network_status", "hostname", value="HOST").replace(b"HOST", name)
    found = parse.identity(body + b"\0")
    assert (found.mac, found.model_alias) == ("02:0e:7e:00:00:21", "s19")
    assert found.hostname


def test_a_worker_with_a_bad_byte_costs_no_reading() -> None:
    body = capture(S19 + "summary.json").replace(b"farm.worker01", b"f\xe9rme\n.1").replace(b"50802.227", b"-nan")
    found = parse_summary.summary(body)
    assert (found.state, found.pools[0].user, found.hashrate_hs) == ("mining", "f\ufffdrme .1", 50.802227e12)


def texts(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a document that holds a text."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [(value, key) for key, item in members if isinstance(item, str)]
    return found + [place for _, item in members for place in texts(item)]


def outcome(parser: Callable[[bytes], Any], body: bytes) -> str:
    try:
        return repr(parser(body))
    except (Unreadable, NotThisFirmware) as err:
        return type(err).__name__


@settings(max_examples=150)
@given(data=st.data(), case=st.sampled_from([case for case in CASES if case[0] not in (parse.token, parse.api_keys)]))
def test_a_spoilt_text_anywhere_changes_nothing_else(
    data: st.DataObject, case: tuple[Callable[[bytes], Any], str]
) -> None:
    parser, body = case
    doc = json.loads(body)
    places = texts(doc)
    if places:
        container, key = data.draw(st.sampled_from(places))
        container[key] = "mark"
    clean = json.dumps(doc).encode()
    spoilt = clean.replace(b'"mark"', b'"m\xfca\nrk"') + b"\n\0"
    assert outcome(parser, spoilt) == outcome(parser, clean).replace("mark", "m\ufffda rk")


# words


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("UserPool", "user"), ("userpool", "user"), ("DevFee", "devfee"), ("Refund", "refund"), ("HotelFee", "unknown"),
        ("", "unknown"), (None, "unknown"), (7, "unknown"),
    ],
)  # fmt: skip
def test_only_what_is_called_so_is_the_owners_pool(told: object, kind: str) -> None:
    assert reading(lambda miner: miner["pools"][0].update(pool_type=told)).pools[0].kind == kind


@pytest.mark.parametrize(
    ("told", "algorithm", "unit"),
    [
        ("GH/s", "scrypt", "GH/s"), ("Mh/s", "sha256d", "MH/s"), ("MHS", None, "MH/s"), ("KH/s", "scrypt", "kH/s"),
        ("N/A", "sha256d", "GH/s"), ("N/A", "scrypt", "MH/s"), (None, "scrypt", "MH/s"), ("N/A", "unknown", "unknown"),
        (None, None, "unknown"), ("Sol/s", "equihash", "unknown"),
    ],
)  # fmt: skip
def test_an_unknown_unit_is_told_by_the_algorithm_or_not_at_all(told: object, algorithm: object, unit: str) -> None:
    doc = json.loads(capture(S19 + "info.json")) | {"hr_measure": told, "algorithm": algorithm}
    assert parse.identity(json.dumps(doc).encode()).hashrate_unit == unit


def test_a_rate_in_an_unknown_unit_is_unknown() -> None:
    found = parse_summary.summary(capture(S19 + "summary.json"), "unknown")
    assert (found.hashrate_hs, found.expected_hashrate_hs, found.hashboards[0].hashrate_hs) == (None, None, None)
    assert (found.state, found.chip_temp_max_c) == ("mining", 47.0)
    assert all(chip.hashrate_hs is None for chip in parse_boards.boards(capture(S19 + "chains.json"), "N/A")[0].chips)


# power


def silent(miner: dict[str, Any], *names: str) -> None:
    for name in ("power_consumption", "power_usage", *names):
        del miner[name]


def test_power_that_the_boards_alone_tell_is_their_sum() -> None:
    def change(miner: dict[str, Any], middle: object = 832) -> None:
        silent(miner, "power_efficiency")
        for chain, told in zip(miner["chains"], (832, middle, 832), strict=True):
            chain["power_consumption"] = told

    found = reading(change)
    assert found.power_w == 2496.0
    assert found.efficiency_j_per_th == pytest.approx(2496 / 181.06066)
    for missing in (None, 0, "832", -1):
        assert reading(partial(change, middle=missing)).power_w is None


@pytest.mark.parametrize(
    ("joules", "watts"), [(21.505077, 3869), (0.021505077, 3869), (0.0, None), (None, None), (-3, None)]
)
def test_power_that_nobody_tells_follows_from_the_efficiency(joules: object, watts: float | None) -> None:
    def change(miner: dict[str, Any]) -> None:
        silent(miner)
        miner["chains"][1]["power_consumption"] = 0
        miner["power_efficiency"] = joules

    assert reading(change).power_w == (None if watts is None else pytest.approx(watts, rel=1e-4))

    def without_its_old_name(miner: dict[str, Any]) -> None:
        change(miner)
        del miner["average_hashrate"]

    assert reading(without_its_old_name).power_w == (None if watts is None else pytest.approx(watts, rel=1e-4))


@pytest.mark.parametrize("names", [("power_consumption", "power_usage"), ("power_usage", "power_consumption")])
@pytest.mark.parametrize("empty", [0, None, 0.0, "", -5])
def test_no_watts_beside_a_real_figure_are_no_figure(names: tuple[str, str], empty: object) -> None:
    assert reading(lambda miner: miner.update({names[0]: empty, names[1]: 3250})).power_w == 3250.0


def test_a_stopped_miner_without_a_figure_of_its_own_draws_what_its_boards_draw() -> None:
    def change(miner: dict[str, Any]) -> None:
        silent(miner)
        miner["miner_status"] = {"miner_state": "stopped"}
        for chain in miner["chains"]:
            chain |= {"power_consumption": 0, "status": {"state": "stopped"}}

    assert reading(change).power_w == 0.0


# temperatures


@given(st.permutations([0, 1, 2, 3]), HALF_WARM, NO_SENSOR, NO_SENSOR)
def test_frost_beside_a_warm_sensor_is_a_fault_wherever_it_is(
    order: list[int], warm: int, one: float, two: float
) -> None:
    told = [warm, warm + 5, one, two]
    found = temperatures(*(told[place] for place in order))
    assert [found[order.index(place)] for place in range(4)] == [warm, warm + 5, None, None]


@given(st.lists(st.integers(-50, WARM_C - 1), min_size=1, max_size=4).filter(lambda all_: set(all_) - {0, -1}))
def test_frost_among_cold_sensors_is_frost(told: list[int]) -> None:
    assert temperatures(*told) == tuple(told)


@given(st.lists(st.sampled_from([0, -1, None, "7", True, 300, float("nan")]), max_size=5))
def test_nothing_but_the_words_of_no_sensor_is_nothing(told: list[object]) -> None:
    assert temperatures(*told) == (None,) * len(told)


@pytest.mark.parametrize("fault", [0, -1, -12])
def test_every_parser_takes_the_same_temperatures_for_faults(fault: int) -> None:
    def change(miner: dict[str, Any]) -> None:
        miner["chip_temp"] = {"min": fault, "max": fault}
        miner["pcb_temp"] = {"min": 40, "max": 58}
        miner["chains"][0] |= {
            "pcb_temp": {"min": fault, "max": 58}, "chip_temp": {"min": 55, "max": 73},
            "inlet_water_temp": fault, "outlet_water_temp": 41,
        }  # fmt: skip
        miner["psu"] = {"temps": {"pfc_temp": fault}}

    found = reading(change)
    assert (found.pcb_temp_min_c, found.pcb_temp_max_c) == (40.0, 58.0)
    assert (found.chip_temp_min_c, found.chip_temp_max_c, found.psu_temp_max_c) == (None, None, None)
    board = found.hashboards[0]
    assert (board.pcb_temp_min_c, board.pcb_temp_max_c, board.chip_temp_min_c) == (None, 58.0, 55.0)
    assert (board.inlet_water_temp_c, board.outlet_water_temp_c) == (None, 41.0)
    sensors = [{"loc": 1, "board": fault, "chip": 60}, {"loc": 2, "board": 45, "chip": fault}]
    chips = [{"id": 1, "temp": 0}, {"id": 2, "temp": 61, "sensor": {"pcb_temp": fault, "chip_temp": 61}}]
    (new,) = parse_boards.boards(json.dumps([{"id": 1, "chips": chips, "sensors": sensors}]).encode())
    assert [(s.board_temp_c, s.chip_temp_c) for s in new.sensors] == [(None, 60.0), (45.0, None)]
    (old,) = parse_boards.boards(json.dumps([{"id": 1, "chips": chips}]).encode())
    assert [(s.board_temp_c, s.chip_temp_c) for s in old.sensors] == [(None, 61.0)]
    assert [chip.temp_c for chip in new.chips] == [None, 61.0]
