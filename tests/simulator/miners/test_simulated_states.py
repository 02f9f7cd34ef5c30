"""What a simulated miner goes through: starts, restarts, tuning, failures and defects."""

from __future__ import annotations

import pytest

from hived.simulator.miners import chips, replies
from tests.clock import FakeClock
from tests.simulator.miners.made import ALIASES, START, make


def test_a_started_miner_ramps_up_as_the_captured_s19_did() -> None:
    clock = FakeClock(START)
    miner = make("s19", clock)
    miner.be("mining")
    clock.advance(80)
    view = replies.summary(miner)["miner"]
    assert 0.75 < view["hr_realtime"] / view["hr_nominal"] < 0.85
    assert 0.4 < view["hr_average"] / view["hr_nominal"] < 0.55
    assert {board["chip_statuses"]["red"] for board in view["chains"]} == {76}
    clock.advance(600)
    assert replies.summary(miner)["miner"]["hr_realtime"] > 0.95 * view["hr_nominal"]


def test_a_restart_goes_through_its_states() -> None:
    clock = FakeClock(START)
    miner = make("s19jpro", clock)
    miner.restart()
    seen = [miner.state]
    for _ in range(100):
        clock.advance(1)
        if miner.state != seen[-1]:
            seen.append(miner.state)
    assert seen == ["restarting", "initializing", "mining"]


def test_initializing_boards_draw_power_and_hash_nothing() -> None:
    miner = make("s19jpro", FakeClock(START))
    miner.be("initializing")
    view = replies.summary(miner)["miner"]
    assert (view["hr_realtime"], view["power_consumption"]) == (0.0, 147)
    assert {board["voltage"] for board in view["chains"]} == {15000}
    assert {board["status"]["state"] for board in view["chains"]} == {"initializing"}


def test_a_failed_board_leaves_the_others_stopped() -> None:
    miner = make("s19", FakeClock(START))
    miner.be("failed-board")
    view = replies.summary(miner)["miner"]
    assert [board["status"]["state"] for board in view["chains"]] == ["stopped", "stopped", "failure"]
    assert {(fan["rpm"], fan["status"]) for fan in view["cooling"]["fans"]} == {(0, "ok")}
    assert all(chip["hr"] == 0 for board in chips.boards(miner) for chip in board["chips"])


def test_a_dead_board_and_a_lost_fan_show_while_the_miner_mines() -> None:
    miner = make("s19jpro", FakeClock(START))
    miner.be("dead-board")
    miner.be("lost-fan")
    view = replies.summary(miner)["miner"]
    assert [board["hashrate_ideal"] > 0 for board in view["chains"]] == [True, True, False]
    assert view["chains"][2]["chip_statuses"] == {"red": 126, "orange": 0, "grey": 0}
    assert [fan["status"] for fan in view["cooling"]["fans"]] == ["ok", "ok", "lost", "ok"]
    miner.be("healthy")
    assert replies.summary(miner)["miner"]["chains"][2]["hashrate_ideal"] > 0


def test_the_xilinx_s19_measures_no_power_on_stock_clocks() -> None:
    clock = FakeClock(START)
    miner = make("s19", clock)
    miner.write_settings({"miner": {"overclock": {"preset": "disabled"}}})
    clock.advance(60)
    view = replies.summary(miner)["miner"]
    assert view["power_consumption"] == 0
    assert view["hr_nominal"] == pytest.approx(95879, rel=1e-3)
    assert {chip["temp"] for board in chips.boards(miner) for chip in board["chips"]} == {0.0}


@pytest.mark.parametrize("alias", ALIASES)
def test_a_settled_preset_draws_about_its_name(alias: str) -> None:
    clock = FakeClock(START)
    miner = make(alias, clock)
    name = miner.spec.ladder[0].name
    miner.write_settings({"miner": {"overclock": {"preset": name}}})
    assert miner.preset.name == name
    clock.advance(120)
    view = replies.summary(miner)["miner"]
    assert view["power_consumption"] == pytest.approx(int(name), rel=0.01)
    assert view["hr_realtime"] / 1000 == pytest.approx(miner.spec.ladder[0].ths, rel=0.05)
    assert view["miner_status"]["miner_state"] == "mining"


def test_an_untuned_preset_is_tuned_for_hours() -> None:
    clock = FakeClock(START)
    miner = make("s19jpro", clock)
    name = miner.spec.ladder[-1].name
    assert name not in miner.tuned
    miner.write_settings({"miner": {"overclock": {"preset": name}}})
    assert miner.state == "auto-tuning"
    clock.advance(miner.timings.tuning + 1)
    assert miner.state == "mining"
    assert replies.perf_summary(miner)["current_preset"]["status"] == "tuned"


@pytest.mark.parametrize("interruption", ["restart", "reboot", "pause"])
def test_tuning_begins_anew_after_an_interruption(interruption: str) -> None:
    clock = FakeClock(START)
    miner = make("s19jpro", clock)
    miner.be("auto-tuning")
    clock.advance(600)
    getattr(miner, interruption)()
    assert miner.state != "auto-tuning"
    miner.resume()
    clock.advance(200)
    assert miner.state == "auto-tuning"
    assert replies.perf_summary(miner)["current_preset"]["status"] == "untuned"


def test_a_tuned_preset_ends_a_tuning_run() -> None:
    miner = make("s19jpro", FakeClock(START))
    miner.be("auto-tuning")
    miner.write_settings({"miner": {"overclock": {"preset": "1740"}}})
    assert (miner.state, miner.preset.name) == ("mining", "1740")


@pytest.mark.parametrize(("remain", "state"), [(True, "stopped"), (False, "mining")])
def test_a_stopped_miner_may_remain_stopped_over_a_reboot(remain: bool, state: str) -> None:
    clock = FakeClock(START)
    miner = make("s19jpro", clock)
    miner.be("stopped")
    miner.write_settings({"miner": {"misc": {"remain_stopped_on_reboot": remain}}})
    miner.reboot()
    clock.advance(300)
    assert miner.state == state


def test_a_preset_may_wait_for_a_restart() -> None:
    miner = make("s19jpro", FakeClock(START))
    miner.preset_needs_restart = True
    before = miner.preset.name
    miner.write_settings({"miner": {"overclock": {"preset": "1740"}}})
    assert (miner.preset.name, replies.status(miner, unlocked=False)["restart_required"]) == (before, True)
    miner.restart()
    assert (miner.preset.name, replies.status(miner, unlocked=False)["restart_required"]) == ("1740", False)


def test_writing_the_settings_heals_a_configuration_failure() -> None:
    clock = FakeClock(START)
    miner = make("s19", clock)
    miner.be("failure")
    miner.restart()
    clock.advance(300)
    assert miner.state == "failure"
    miner.write_settings({"miner": {"pools": [{"url": "pool.example.com:3333", "user": "a.b", "pass": "x"}]}})
    clock.advance(300)
    assert miner.state == "mining"
