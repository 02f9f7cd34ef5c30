"""What a miner should give: nothing that breaks, stops or is slowed down may lower it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.records.expected import DAY_S, RUN, Asked, Baseline, Expected, follow, from_text
from hived.records.miner import HashboardReading, MinerReading, TuningReading

TH = 1e12
EVERY_S = 15.0
START = 20_000 * DAY_S
LADDER = {"2500": 92 * TH, "3050": 104 * TH, "3500": 112 * TH}
ASKED = Asked(preset="3050", ladder=LADDER, boards=3, firmware_version="1.2.6")
NO_LADDER = Asked(preset="3050", boards=3, firmware_version="1.2.6")
BOARD = HashboardReading(1, "mining", hashrate_hs=33 * TH, expected_hashrate_hs=34 * TH)
BOARDS = tuple(replace(BOARD, index=n) for n in (1, 2, 3))
DEAD = replace(BOARD, index=3, hashrate_hs=0.0, expected_hashrate_hs=0.0)


def reading(**changes: Any) -> MinerReading:
    healthy = MinerReading(
        state="mining", hashrate_hs=99 * TH, expected_hashrate_hs=102 * TH, nameplate_hashrate_hs=110 * TH,
        hashboards=BOARDS, throttle_percent=100, tuning=TuningReading(preset="3050"),
    )  # fmt: skip
    return replace(healthy, **changes)


class Miner:
    """One miner that is asked every 15 s."""

    def __init__(self, asked: Asked = ASKED) -> None:
        self.asked, self.baseline, self.at = asked, Baseline(), float(START)

    def tells(self, times: int = 1, every_s: float = EVERY_S, **changes: Any) -> Expected:
        for _ in range(times):
            self.at += every_s
            before = from_text(self.baseline.to_text())  # as after a restart
            assert before == self.baseline
            self.baseline, found = follow(before, reading(**changes), self.asked, self.at, every_s)
        return found

    def days(self, count: int, hashrate_hs: float, **changes: Any) -> Expected:
        """Let full days pass, seen each 864 s."""
        return self.tells(100 * count, DAY_S / 100, hashrate_hs=hashrate_hs, **changes)


STANDING = {"hashrate_hs": 0.0, "expected_hashrate_hs": 0.0, "hashboards": tuple(
    replace(board, state="stopped", hashrate_hs=0.0, expected_hashrate_hs=0.0) for board in BOARDS)}  # fmt: skip
TROUBLES: dict[str, dict[str, Any]] = {
    "healthy": {},
    "stopped": {"state": "stopped", **STANDING},
    "failed": {"state": "failure", **STANDING, "nameplate_hashrate_hs": None},
    "a dead board": {"hashrate_hs": 66 * TH, "expected_hashrate_hs": 68 * TH, "hashboards": (*BOARDS[:2], DEAD)},
    "a board gone": {"hashrate_hs": 66 * TH, "expected_hashrate_hs": 68 * TH, "hashboards": BOARDS[:2]},
    "all dead": {"hashrate_hs": 0.0, "expected_hashrate_hs": 0.0, "hashboards": (DEAD,)},
    "tells nothing": {"state": None, "hashrate_hs": None, "expected_hashrate_hs": None, "hashboards": (),
                      "nameplate_hashrate_hs": None, "tuning": TuningReading()},
}  # fmt: skip


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_catalogue_says_what_the_asked_preset_gives_whatever_is_broken(trouble: str) -> None:
    assert Miner().tells(**TROUBLES[trouble]).hashrate_hs == 104 * TH


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("asked", [NO_LADDER, replace(ASKED, preset="disabled"), replace(NO_LADDER, preset=None)])
def test_without_a_rate_in_the_ladder_it_is_the_nominal_rate_of_all_boards(asked: Asked, trouble: str) -> None:
    miner = Miner(asked)
    miner.tells(RUN)
    assert miner.tells(**TROUBLES[trouble]).hashrate_hs == pytest.approx(102 * TH)


def test_a_board_that_was_dead_at_the_first_look_counts_as_the_model_says() -> None:
    assert Miner(NO_LADDER).tells(**TROUBLES["a board gone"]).hashrate_hs == pytest.approx(102 * TH)


def test_the_makers_figure_counts_only_where_nothing_else_is_known() -> None:
    miner = Miner(NO_LADDER)
    assert miner.tells(**TROUBLES["stopped"]).hashrate_hs == 110 * TH
    assert miner.tells().hashrate_hs == 102 * TH
    assert miner.tells(**TROUBLES["stopped"]).hashrate_hs == 102 * TH
    assert Miner(NO_LADDER).tells(**TROUBLES["tells nothing"]).hashrate_hs is None


def test_boards_are_the_most_of_ten_readings_in_a_row_and_at_most_the_models() -> None:
    miner = Miner(replace(NO_LADDER, boards=None))
    miner.tells(RUN - 2)
    assert miner.tells(hashboards=BOARDS[:2]).boards == 3, "the most so far"
    assert miner.tells(RUN, hashboards=BOARDS[:2]).boards == 2, "never three in ten readings in a row"
    assert miner.tells(RUN).boards == 3
    assert miner.tells(5 * RUN, hashboards=BOARDS[:1]).boards == 3, "a board that was there is missed"
    assert Miner(replace(ASKED, boards=2)).tells(RUN).boards == 2


def test_a_full_day_of_its_own_raises_what_is_expected_by_five_percent_at_most() -> None:
    miner = Miner()
    miner.days(1, 106 * TH)
    assert miner.tells(2).hashrate_hs == pytest.approx(106 * TH)
    miner.days(1, 130 * TH)
    assert miner.tells(2).hashrate_hs == pytest.approx(104 * 1.05 * TH)
    assert miner.days(29, 90 * TH).hashrate_hs == pytest.approx(104 * 1.05 * TH)
    assert miner.days(2, 90 * TH).hashrate_hs == 104 * TH, "after 30 days it is forgotten"


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "auto-tuning"}, {"throttle_percent": 70}, {"tuning": TuningReading(preset="2500")},
        TROUBLES["a board gone"] | {"hashrate_hs": 120 * TH},
    ],
)  # fmt: skip
def test_a_day_of_tuning_or_under_a_limit_proves_nothing(changes: dict[str, Any]) -> None:
    miner = Miner()
    miner.tells(RUN)
    miner.days(2, **{"hashrate_hs": 120 * TH, **changes})
    assert miner.tells(2).hashrate_hs == 104 * TH


def test_a_day_with_a_gap_of_over_a_tenth_is_no_full_day() -> None:
    for seen, best in ((92, 106), (88, 104)):
        miner = Miner()
        miner.tells(seen, DAY_S / 100, hashrate_hs=106 * TH)
        miner.at = START + DAY_S
        assert miner.tells(2).hashrate_hs == pytest.approx(best * TH)


def test_a_clock_that_steps_forward_makes_no_day() -> None:
    miner = Miner()
    miner.tells(50, hashrate_hs=120 * TH)
    miner.at += 3 * DAY_S
    assert miner.tells(50, hashrate_hs=120 * TH).hashrate_hs == 104 * TH


@pytest.mark.parametrize(
    "other",
    [
        {"preset": "2500"}, {"clocks": '{"freq":500}'}, {"firmware_version": "1.2.7"},
        {"ladder": {"3050": 103 * TH}},
    ],
)  # fmt: skip
def test_with_something_else_asked_for_its_best_day_starts_over(other: dict[str, Any]) -> None:
    miner = Miner()
    miner.days(1, 108 * TH)
    assert miner.tells(2).hashrate_hs == pytest.approx(108 * TH)
    miner.asked = replace(miner.asked, **other)
    rate = miner.asked.ladder[miner.asked.preset or ""]
    assert miner.tells(tuning=TuningReading(preset=miner.asked.preset)).hashrate_hs == rate


def test_what_is_limited_is_still_expected() -> None:
    dimmed = Miner().tells(throttle_percent=70)
    assert dimmed.hashrate_hs == 104 * TH
    assert dimmed.limit_hs == pytest.approx(104 * 0.7 * TH)
    assert Miner().tells(tuning=TuningReading(preset="2500")) == Expected(104 * TH, 3, 92 * TH)
    assert Miner().tells(tuning=TuningReading(preset="3500")).limit_hs is None
    assert Miner().tells().limit_hs is None


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"days": 3}', "null", '{"run": 5}', '{"best": [1]}'])
def test_what_another_version_remembered_is_no_reason_to_fail(text: str | None) -> None:
    found = from_text(text)
    assert follow(found, reading(), ASKED, START, EVERY_S)[1].hashrate_hs == 104 * TH


RATES = st.none() | st.floats(0, 1e15)


@given(
    st.lists(st.builds(reading, state=st.sampled_from(["mining", "stopped", "failure", None]), hashrate_hs=RATES,
                       expected_hashrate_hs=RATES, throttle_percent=st.none() | st.integers(0, 100),
                       hashboards=st.sampled_from([(), BOARDS, BOARDS[:2], (DEAD,)])), max_size=30),
    st.sampled_from([ASKED, NO_LADDER, Asked()]), st.floats(-1e6, 1e6),
)  # fmt: skip
def test_any_readings_and_any_clock_give_a_rate_or_none(
    readings: list[MinerReading], asked: Asked, step: float
) -> None:
    baseline, at = Baseline(), float(START)
    for told in readings:
        at += step
        baseline, found = follow(baseline, told, asked, at, EVERY_S)
        assert found.hashrate_hs is None or found.hashrate_hs >= 0
        assert found.limit_hs is None or found.hashrate_hs is not None
        assert from_text(baseline.to_text()) == baseline
        assert len(baseline.to_text()) < 2_000
