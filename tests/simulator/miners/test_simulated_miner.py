"""The numbers of a simulated miner: they move, they belong together, and the same seed gives the same ones."""

from __future__ import annotations

import json
from importlib import resources
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hived.simulator.miners import chips, replies
from hived.simulator.miners.miner import SETUPS, SimulatedMiner
from hived.simulator.miners.models import CHAINS, MODELS
from tests.clock import FakeClock
from tests.simulator.miners.made import ALIASES, START, make

CAPTURES = resources.files("hived.simulator.miners") / "captures"


def captured(name: str) -> Any:
    return json.loads(CAPTURES.joinpath(*name.split("/")).read_text(encoding="utf-8"))


def outline(value: Any) -> Any:
    """Return the keys of a document in their order, of a list only its first entry's."""
    if isinstance(value, dict):
        return [(key, outline(inner)) for key, inner in value.items()]
    return [outline(value[0])] if isinstance(value, list) and value else None


def check_identities(miner: SimulatedMiner) -> None:
    """Assert what holds in every capture."""
    view = replies.summary(miner)["miner"]
    boards = view["chains"]
    assert view["instant_hashrate"] == pytest.approx(view["hr_realtime"] / 1000, abs=1e-5)
    assert view["average_hashrate"] == pytest.approx(view["hr_average"] / 1000, abs=1e-5)
    assert view["hr_realtime"] == pytest.approx(sum(b["hashrate_rt"] for b in boards), abs=0.01)
    assert view["hr_nominal"] == pytest.approx(sum(b["hashrate_ideal"] for b in boards), abs=0.01)
    assert abs(view["power_consumption"] - sum(b["power_consumption"] for b in boards)) <= 2
    assert view["power_usage"] == view["power_consumption"]
    if view["average_hashrate"] > 0.001:
        efficiency = view["power_consumption"] / view["average_hashrate"]
        assert view["power_efficiency"] == pytest.approx(efficiency, rel=1e-3, abs=1e-3)
    else:
        assert view["power_efficiency"] == 0.0
    assert view["devfee"] == pytest.approx(view["devfee_percent"] / 100 * view["hr_realtime"], abs=0.01)
    assert 0 <= view["devfee_percent"] < 3
    over = 10 if miner.model == "s19" else 15
    for part in [view, *boards] if boards else []:
        assert part["chip_temp"] == {end: temp + over for end, temp in part["pcb_temp"].items()}
    for board in boards:
        assert sum(board["chip_statuses"].values()) == miner.spec.chips
        if board["hashrate_ideal"]:
            expected = miner.spec.ghs_per_mhz * miner.spec.chips * board["frequency"]
            assert board["hashrate_ideal"] == pytest.approx(expected, rel=1e-4)
    assert [fan["id"] for fan in view["cooling"]["fans"]] == list(range(view["cooling"]["fan_num"]))
    assert all(0 <= fan["rpm"] <= fan["max_rpm"] for fan in view["cooling"]["fans"])
    assert [pool["id"] for pool in view["pools"]] == list(range(len(view["pools"])))
    assert view["pools"][-1]["pool_type"] == "DevFee"
    assert view["miner_status"]["miner_state"] == miner.state


def check_chips(miner: SimulatedMiner) -> None:
    """Assert that the chips add up to what /summary says of their boards."""
    summary = replies.summary(miner)["miner"]["chains"]
    detail = chips.boards(miner)
    assert len(detail) == len(summary)
    for told, board in zip(summary, detail, strict=True):
        grades = [chip["grade"] for chip in board["chips"]]
        assert {grade: grades.count(grade) for grade in ("red", "orange", "grey")} == told["chip_statuses"]
        assert [chip["id"] for chip in board["chips"]] == list(range(1, miner.spec.chips + 1))
        assert board["hr_realtime"] == told["hashrate_rt"]
        assert board["status"]["state"] == told["status"]["state"]
        assert sum(chip["errs"] for chip in board["chips"]) == told["hw_errors"]
        rates = sum(chip["hr"] for chip in board["chips"])
        assert rates == 0 or rates == pytest.approx(board["hr_realtime"], rel=1e-4)
        boards = [sensor["board"] for sensor in board["sensors"]]
        assert {"min": min(boards), "max": max(boards)} == told["pcb_temp"]


@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.parametrize("alias", ALIASES)
def test_the_numbers_of_every_state_belong_together(alias: str, setup: str) -> None:
    clock = FakeClock(START)
    miner = make(alias, clock)
    miner.be(setup)
    for seconds in (0, 1, 20, 40, 90, 400, 4000, 90_000):
        clock.advance(seconds)
        check_identities(miner)
        check_chips(miner)


@given(
    alias=st.sampled_from(ALIASES),
    seed=st.integers(0, 10_000),
    steps=st.lists(
        st.tuples(
            st.sampled_from([*SETUPS, "start", "stop", "restart", "pause", "resume", "reboot", "preset", "wait"]),
            st.floats(0, 20_000),
        ),
        max_size=8,
    ),
)
@settings(max_examples=60, deadline=None)
def test_no_course_of_events_breaks_the_sums(alias: str, seed: int, steps: list[tuple[str, float]]) -> None:
    clock = FakeClock(START)
    miner = make(alias, clock, seed=seed)
    for step, seconds in steps:
        if step in SETUPS:
            miner.be(step)
        elif step == "preset":
            ladder = miner.spec.presets
            name = ladder[int(seconds) % len(ladder)].name
            miner.write_settings({"miner": {"overclock": {"preset": name}}})
        elif step != "wait":
            getattr(miner, step)()
        clock.advance(seconds)
        check_identities(miner)
        check_chips(miner)


@pytest.mark.parametrize("alias", ALIASES)
def test_the_same_seed_and_time_give_the_same_miner(alias: str) -> None:
    clock = FakeClock(START)
    one, same, other = (make(alias, clock, seed=seed) for seed in (3, 3, 4))
    clock.advance(1234.5)
    assert replies.summary(one) == replies.summary(same)
    assert chips.boards(one) == chips.boards(same)
    assert replies.summary(one) != replies.summary(other)


@pytest.mark.parametrize("alias", ALIASES)
def test_values_move_but_never_jump(alias: str) -> None:
    clock = FakeClock(START)
    miner = make(alias, clock)
    rates, accepted = [], []
    for _ in range(120):
        clock.advance(5)
        view = replies.summary(miner)["miner"]
        rates.append(view["hr_realtime"])
        accepted.append(view["pools"][0]["accepted"])
    assert len(set(rates)) > 60
    assert all(abs(after - before) < 0.02 * before for before, after in pairwise(rates))
    assert accepted == sorted(accepted)
    assert accepted[-1] > accepted[0]


@pytest.mark.parametrize(
    ("alias", "folder"),
    [("s19", "s19-1.2.6"), ("s21", "s21-1.2.6-rc5"), ("s21pro", "s21pro-1.2.7"), ("s19kpro", "s19kpro-1.3.3")],
)
def test_replies_have_the_field_set_and_order_of_the_capture(alias: str, folder: str) -> None:
    miner = make(alias, FakeClock(START))
    miner.be("mining", since=START - 5000)
    assert outline(replies.info(miner)) == outline(captured(f"{folder}/info.json"))
    shape, told = captured(f"{folder}/summary.json")["miner"], replies.summary(miner)["miner"]
    if not shape["chains"]:  # emptied by those who published it
        told["chains"] = []
    assert outline(told) == outline(shape)


def test_a_miner_that_cannot_read_its_configuration_looks_like_the_captured_one() -> None:
    miner = make("s19", FakeClock(START))
    miner.be("failure", since=START - 1)
    shape = captured("s19-1.2.6-failure/summary.json")
    told = replies.summary(miner)
    assert told == shape
    assert chips.boards(miner) == []


def test_model_settings_chips_and_presets_have_the_captured_field_sets() -> None:
    s19, s21pro = make("s19", FakeClock(START)), make("s21pro", FakeClock(START))
    assert replies.model(s19)["chain"]["topology"]["chips"] == tuple(
        tuple(row) for row in captured("s19-1.2.6/model.json")["chain"]["topology"]["chips"]
    )
    model, shape = replies.model(s19), captured("s19-1.2.6/model.json")
    model["chain"]["topology"]["chips"] = shape["chain"]["topology"]["chips"]
    assert model == shape
    told = s21pro.settings
    shape = captured("s21pro-1.2.7/settings.json")
    told["ui"]["consts"]["cooling"] = dict(sorted(told["ui"]["consts"]["cooling"].items()))
    shape["ui"]["consts"]["cooling"] = dict(sorted(shape["ui"]["consts"]["cooling"].items()))
    assert outline(told) == outline(shape)
    assert outline(chips.boards(s19)) == outline(captured("s19-1.2.6/chains.json"))
    assert outline(replies.perf_summary(s21pro)) == outline(captured("s21pro-1.2.7/perf-summary.json"))


@pytest.mark.parametrize("alias", ALIASES)
def test_a_topology_holds_every_chip_once(alias: str) -> None:
    spec = MODELS[alias]
    chips_of_all_rows = [chip for row in spec.topology for chip in row if chip != -1]
    assert sorted(chips_of_all_rows) == list(range(spec.chips))
    assert len({len(row) for row in spec.topology}) == 1


def test_presets_are_the_public_ladders() -> None:
    counts = {alias: len(spec.presets) for alias, spec in MODELS.items()}
    assert counts == {"s19": 16, "s19jpro": 26, "s21pro": 26, "s21": 13, "s19kpro": 8}
    names = [preset["name"] for preset in replies.presets(make("s19", FakeClock(START)))]
    assert names[:3] == ["disabled", "1100", "1300"]
    assert replies.presets(make("s19", FakeClock(START)))[1]["pretty"] == "1100 watt ~ 53 TH"


@pytest.mark.parametrize(
    ("seconds", "padded", "text"),
    [
        (59, False, "0:00"),
        (6 * 60, False, "0:06"),
        (115 * 60, False, "1:55"),
        (3600, True, " 1:00"),
        (86400 + 17 * 3600 + 120, False, "1 days, 17:02"),
        (9 * 86400 + 3 * 3600 + 58 * 60, False, "9 days,  3:58"),
    ],
)
def test_uptime_is_written_as_the_uptime_command_does(seconds: float, padded: bool, text: str) -> None:
    assert replies.uptime_text(seconds, padded=padded) == text


@pytest.mark.parametrize(
    ("difficulty", "text"), [(0, ""), (131072, "131K"), (262144, "262K"), (16384, "16.4K"), (8192, "8.19K")]
)
def test_difficulty_is_written_with_three_digits(difficulty: int, text: str) -> None:
    assert replies.difficulty_text(difficulty) == text


def test_every_model_has_three_boards_of_its_chips() -> None:
    for alias in ALIASES:
        boards = chips.boards(make(alias, FakeClock(START)))
        assert [len(board["chips"]) for board in boards] == [MODELS[alias].chips] * CHAINS
