"""How a miner is doing: one meaning for each word, and reasons that add up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.records.condition import MARKS, Condition, Moment, board_condition, condition, essence, troubles
from hived.records.losses import REASONS, Reason
from hived.records.miner import FanReading, HashboardReading
from hived.records.miner_view import MinerView, StoredStatus
from hived.records.totals import totals

NOW = 1_800_000_000.0
HERE = Moment(NOW, 15.0)
TH = 1e12
BOARDS = tuple(HashboardReading(n, "mining", hashrate_hs=32 * TH, expected_hashrate_hs=33 * TH) for n in (1, 2, 3))
BROKEN = (*BOARDS[:2], replace(BOARDS[2], state="failure", hashrate_hs=None))


def miner(age_s: float | None = 5.0, *, status: dict[str, Any] | None = None, **changes: Any) -> MinerView:
    """A healthy miner of this node, 96 of 99 TH/s."""
    told = StoredStatus(num=1, at=NOW - (age_s or 0), state="mining", hashrate_hs=96 * TH, expected_hashrate_hs=99 * TH,
                        power_w=3000.0, hashboards=BOARDS, fans=(FanReading(0, 4000, 6000, "ok"),))  # fmt: skip
    usual = MinerView(
        num=1, mac="02:00:00:00:00:01", ip="10.0.0.1", online=True, managed=False, model_alias="s19", model_name=None,
        hostname=None, firmware="vnish", firmware_version=None, serial=None, platform=None, node_id="n1", has_key=True,
        state="mining", seen_at=NOW, last_error=None, last_error_at=None, error_count=0, created_at=0.0,
        updated_at=0.0, rev=1, status=None if age_s is None else replace(told, **(status or {})),
    )  # fmt: skip
    return replace(usual, **changes)


def lost(how: Condition) -> dict[str, float]:
    return {loss.reason: round(loss.hashrate_hs / TH, 6) for loss in how.lost}


@pytest.mark.parametrize(
    ("view", "word", "rank", "marks", "missing"),
    [
        (miner(), "mining", 4, {"online", "hashing"}, {"weak": 3}),
        (miner(status={"hashrate_hs": 101 * TH}), "mining", 4, {"online", "hashing"}, {"weak": -2}),
        (miner(status={"hashrate_hs": 40 * TH, "state_s": 100.0}), "mining", 4, {"online", "hashing"}, {"stopped": 59}),
        (miner(status={"hashrate_hs": 40 * TH, "state_s": 300.0}), "mining", 4, {"online", "hashing"}, {"weak": 59}),
        (miner(status={"hashrate_hs": 101 * TH, "state_s": 100.0}), "mining", 4, {"online", "hashing"}, {"weak": -2}),
        (miner(status={"hashrate_hs": 50 * TH, "state_s": 100.0, "hashboards": BROKEN}), "mining", 3,
         {"online", "hashing", "trouble"}, {"dead-board": 33, "stopped": 16}),
        (miner(45.1), "silent", 2, {"online", "silent"}, {"unreadable": 99}),
        (miner(-7200), "silent", 2, {"online", "silent"}, {"unreadable": 99}),
        (miner(None, state=None), "silent", 2, {"online", "silent"}, {}),
        (miner(200, remote=True), "mining", 4, {"online", "hashing"}, {"weak": 3}),
        (miner(301, remote=True), "silent", 2, {"online", "silent"}, {"unreadable": 99}),
        (miner(online=False, ip=None), "offline", 1, {"offline"}, {"offline": 99}),
        (miner(failures=2), "failing", 0, {"online", "hashing", "failing"}, {"weak": 3}),
        (miner(600, failures=40), "failing", 0, {"online", "silent", "failing"}, {"unreadable": 99}),
        (miner(state="failure", status={"state": "failure", "hashrate_hs": 0.0}), "failure", 0,
         {"online", "failure"}, {"failure": 99}),
        (miner(600, state="failure"), "failure", 0, {"online", "failure", "silent"}, {"failure": 99}),
        (miner(status={"hashboards": BROKEN, "hashrate_hs": 64 * TH}), "mining", 3,
         {"online", "hashing", "trouble"}, {"dead-board": 33, "weak": 2}),
        (miner(status={"fans": (FanReading(0, 0, 6000, "lost"),)}), "mining", 3,
         {"online", "hashing", "trouble"}, {"weak": 3}),
        (miner(status={"state": None, "hashrate_hs": None}), "unreadable", 2, {"online", "unreadable"},
         {"unreadable": 99}),
        (miner(state=None, status={"state": None, "hashrate_hs": None}), "unreadable", 2, {"online", "unreadable"},
         {"unreadable": 99}),
        (miner(state="stopped", status={"state": "stopped", "hashrate_hs": 0.0}), "stopped", 4,
         {"online", "stopped"}, {"stopped": 99}),
        (miner(state="starting", status={"state": "starting", "hashrate_hs": 0.0}), "starting", 4,
         {"online", "starting"}, {"stopped": 99}),
        (miner(state="auto-tuning", status={"state": "auto-tuning", "hashrate_hs": 9 * TH}), "auto-tuning", 4,
         {"online", "hashing", "tuning"}, {"tuning": 90}),
        (miner(status={"extra": {"limit_hs": 69.3 * TH}, "hashrate_hs": 70 * TH}), "mining", 4,
         {"online", "hashing"}, {"limited": 29}),
        (miner(status={"extra": {"limit_hs": 70 * TH}, "hashrate_hs": 60 * TH}), "mining", 4,
         {"online", "hashing"}, {"limited": 29, "weak": 10}),
        (miner(status={"extra": {"boards_expected": 4}, "hashrate_hs": 70 * TH}), "mining", 4,
         {"online", "hashing"}, {"dead-board": 24.75, "weak": 4.25}),
        (miner(status={"target_hashrate_hs": 110 * TH}), "mining", 4, {"online", "hashing"}, {"weak": 14}),
        (miner(state="failure", status={"state": "failure", "hashrate_hs": 0.0, "expected_hashrate_hs": 0.0,
                                        "target_hashrate_hs": 110 * TH}), "failure", 0,
         {"online", "failure"}, {"failure": 110}),
    ],
)  # fmt: skip
def test_each_word_has_one_meaning(
    view: MinerView, word: str, rank: int, marks: set[str], missing: dict[str, float]
) -> None:
    how = condition(view, HERE)
    assert (how.word, how.rank, set(how.marks), lost(how)) == (word, rank, marks, missing)
    assert (how.why is None) == (rank == 4) == (how.next_step is None)
    assert condition(essence(view), HERE) == how


def test_a_miner_of_a_node_that_is_away_is_unseen_whatever_it_was() -> None:
    away = replace(HERE, blind={"n1": "node_dead"})
    for view in (miner(remote=True), miner(9000, remote=True), miner(remote=True, online=False, state="failure")):
        how = condition(view, away)
        assert (how.word, how.marks, lost(how), how.unseen) == ("unseen", ("unseen",), {"unseen": 99}, True)
        assert [one.text for one in troubles(view, away)] == ["its node n1 is dead"]
        assert (how.why, "node n1" in str(how.next_step)) == ("its node n1 is dead", True)
    assert condition(miner(), away).word == "mining"


def test_without_hive_polld_a_silent_miner_is_not_said_to_lose_anything() -> None:
    nobody = replace(HERE, polls=False)
    for view in (miner(60), miner(600, failures=9), miner(60, state="failure"), miner(-900, state="stopped")):
        how = condition(view, nobody)
        assert (how.word, how.marks, how.tone, lost(how)) == ("unseen", ("unseen",), "off", {"unseen": 99})
        assert how.why == "hive-polld is not running"
    assert condition(miner(), nobody).word == "mining"
    assert condition(miner(600, online=False, ip=None), nobody).word == "offline"
    assert condition(miner(600, remote=True), nobody).word == "silent"


def test_the_miners_of_a_node_without_hive_polld_are_unseen_once_their_status_is_old() -> None:
    there = replace(HERE, blind={"n1": "node_unpolled"})
    assert condition(miner(200, remote=True), there).word == "mining"
    how = condition(miner(301, remote=True, node_name="shed"), there)
    assert (how.word, how.why) == ("unseen", "its node shed does not poll: its hive-polld is not running")
    assert condition(miner(301, remote=True, online=False, ip=None), there).word == "offline"
    assert condition(miner(301), there).word == "silent"  # of this node


@pytest.mark.parametrize(
    ("status", "state", "why", "over_s", "step"),
    [
        ({"state": None, "hashrate_hs": None}, "mining", "does not report its state", 15.0, "between two states"),
        ({"state": None, "hashrate_hs": None}, "failure", "does not report its state", 900.0, "reboot it"),
        ({"state": "dancing"}, "dancing", "is in a state that hived does not know: dancing", 15.0, "reboot it"),
        ({"state": "unknown", "hashrate_hs": 0.0}, "stopped", "is in a state that hived does not know: unknown", 15.0,
         "reboot it"),
        ({"hashrate_hs": None}, "mining", "does not report its hashrate", 15.0, "reboot it"),
        ({"state": "auto-tuning", "hashrate_hs": None}, "mining", "does not report its hashrate", 15.0, "reboot it"),
    ],
)  # fmt: skip
def test_a_miner_that_does_not_say_what_it_does_is_neither_green_nor_hashing(
    status: dict[str, Any], state: str, why: str, over_s: float, step: str
) -> None:
    view = miner(status={**status, "state_s": over_s}, state=state)
    how = condition(view, HERE)
    assert (how.word, how.tone, how.marks, how.why) == ("unreadable", "warn", ("online", "unreadable"), why)
    assert {loss.reason for loss in how.lost} == {"unreadable"}
    assert step in str(how.next_step)
    assert "{" not in str(how.next_step)
    found, _ = totals([(view, how)])
    assert (found.states, found.marks["hashing"]) == ({"unreadable": 1}, 0)
    noted = replace(view, last_error="the miner does not report its state", last_error_code="no_state",
                    last_error_at=NOW - 5)  # fmt: skip
    assert [one.next_step for one in troubles(noted, HERE)] == [how.next_step]


def test_a_board_in_a_word_of_its_own_is_neither_dead_nor_well() -> None:
    odd = replace(BOARDS[2], state="sleeping", hashrate_hs=0.0)
    view = miner(status={"hashboards": (*BOARDS[:2], odd), "hashrate_hs": 64 * TH})
    how = condition(view, HERE)
    assert (lost(how), "trouble" in how.marks) == ({"unreadable": 33, "weak": 2}, False)
    assert condition(essence(view), HERE) == how
    warm = replace(odd, hashrate_hs=32 * TH)
    assert lost(condition(miner(status={"hashboards": (*BOARDS[:2], warm)}), HERE)) == {"weak": 3}


def test_a_silent_miner_needs_a_look_too() -> None:
    (found,) = troubles(miner(60), HERE)
    assert (found.text, found.over) == ("its last status is old", False)
    assert [one.text for one in troubles(miner(None, state=None), HERE)] == ["no status was read yet"]


def test_every_mark_and_reason_has_a_meaning_of_its_own() -> None:
    for meanings in ([mark.meaning for mark in MARKS.values()], list(REASONS.values())):
        assert len(set(meanings)) == len(meanings)
        assert all(10 < len(meaning) < 200 for meaning in meanings)
    assert set(REASONS) == set(get_args(Reason))


def test_an_error_that_is_over_is_no_reason() -> None:
    view = miner(last_error="no answer within 5 s", last_error_at=NOW - 20, last_error_code="timeout")
    assert condition(view, HERE).why is None
    (trouble,) = troubles(view, HERE)
    assert (trouble.over, trouble.next_step) == (True, "nothing: it is over")
    how = condition(replace(view, failures=1), HERE)
    assert (how.why, how.next_step) == (
        "no answer within 5 s",
        "check power and network: does `ping 10.0.0.1` answer?",
    )


NUMBER = st.none() | st.floats(0, 1e15)
STATE = st.sampled_from([None, "mining", "auto-tuning", "stopped", "failure", "starting", "odd"])
VIEWS = st.builds(
    miner,
    st.none() | st.sampled_from([5.0, 100.0, -7200.0]),
    status=st.fixed_dictionaries({
        "state": STATE, "hashrate_hs": NUMBER, "expected_hashrate_hs": NUMBER, "power_w": NUMBER,
        "hashboards": st.lists(
            st.builds(HashboardReading, st.just(1), STATE, hashrate_hs=NUMBER, expected_hashrate_hs=NUMBER), max_size=3
        ).map(tuple),
        "extra": st.fixed_dictionaries({}, optional=dict.fromkeys(
            ("throttle_percent", "limit_hs", "boards_expected", "boards_listed"),
            st.floats(-1e300, 1e300) | st.integers() | st.none() | st.text(max_size=3),
        )),
    }),
    state=STATE, online=st.booleans(), failures=st.integers(0, 2), remote=st.booleans(),
    node_id=st.sampled_from([None, "n1", "n2"]), managed=st.booleans(),
)  # fmt: skip


@given(views=st.lists(VIEWS, max_size=6), polls=st.booleans())
def test_losses_add_up_to_what_is_expected_less_what_is_now_at_every_level(views: list[MinerView], polls: bool) -> None:
    moment = Moment(NOW, 15.0, polls, {"n2": "node_dead"})
    judged = [(view, condition(view, moment)) for view in views]
    whole, nodes = totals(judged)
    for found in (whole, *nodes.values()):
        missing = sum(hashrate for _, hashrate, _ in found.lost)
        assert missing == pytest.approx((found.expected_hs or 0) - (found.hashrate_hs or 0), abs=1e3)
        assert found.marks["online"] + found.marks["offline"] + found.marks["unseen"] == found.miners
    for view, how in judged:
        now = view.status.hashrate_hs if how.fresh and view.status else None
        assert sum(loss.hashrate_hs for loss in how.lost) == pytest.approx((how.expected_hs or 0) - (now or 0), abs=1e3)
    assert sum(found.miners for found in nodes.values()) == sum(view.node_id is not None for view in views)


OFFLINE: dict[str, Any] = {"online": False, "ip": None, "last_ip": "10.0.0.1"}
PING = "does `ping 10.0.0.1` answer?"


BEFORE_IT_WENT = (
    None, "no_chips", "no_preset", "connection_refused", "timeout", "wrong_password", "no_password", "key_refused",
    "address_taken", "unreadable", "server_error",
)  # fmt: skip


@pytest.mark.parametrize("code", BEFORE_IT_WENT)
@pytest.mark.parametrize("has_key", [True, False])
@pytest.mark.parametrize("age_s", [None, 100.0, 600.0])
def test_an_offline_miner_is_looked_for_whatever_its_last_error_was(
    code: str | None, has_key: bool, age_s: float | None
) -> None:
    error: dict[str, Any] = {
        "last_error": code and f"it said {code}",
        "last_error_code": code,
        "last_error_at": NOW - 300,
        "failures": 3,
    }
    view = miner(age_s, **OFFLINE, **error, has_key=has_key)
    how = condition(view, HERE)
    assert how.why == "the last sweeps did not find it"
    assert PING in str(how.next_step)
    assert "hivectl miners remove 02:00:00:00:00:01" in str(how.next_step)
    assert [(one.text, one.next_step, one.over) for one in troubles(view, HERE)] == [(how.why, how.next_step, False)]
    nowhere = condition(replace(view, last_ip=None), HERE)
    assert "ping" not in str(nowhere.next_step)
    assert "power and network" in str(nowhere.next_step)


@pytest.mark.parametrize("code", ["stock_firmware", "other_device"])
def test_something_else_where_an_offline_miner_was_can_be_looked_at(code: str) -> None:
    error: dict[str, Any] = {
        "last_error": "another answers",
        "last_error_code": code,
        "last_error_at": NOW - 300,
    }
    how = condition(miner(600, **OFFLINE, **error), HERE)
    assert how.why == "another answers"
    assert "http://10.0.0.1/" in str(how.next_step)
    assert how.word == "offline"


@pytest.mark.parametrize(("chips_s", "over"), [(None, False), (100.0, False), (10.0, True)])
def test_untold_chips_are_over_when_chips_are_told_and_not_with_the_next_status(
    chips_s: float | None, over: bool
) -> None:
    error: dict[str, Any] = {"last_error": "chips not told", "last_error_code": "no_chips", "last_error_at": NOW - 50}
    view = miner(chips_at=None if chips_s is None else NOW - chips_s, **error)
    assert [one.over for one in troubles(view, HERE)] == [over]


def test_a_silent_miner_and_one_whose_node_is_away_are_troubles() -> None:
    (silent,) = troubles(miner(60), HERE)
    assert silent.text == "its last status is old"
    (never,) = troubles(miner(None, state=None, created_at=NOW - 60), HERE)
    assert never.text == "no status was read yet"
    assert list(troubles(miner(None, state=None, created_at=NOW - 10), HERE)) == []  # just found
    assert list(troubles(miner(60), Moment(NOW, 15.0, polls=False))) == []  # nobody watches: the daemon is the trouble
    away = miner(60, remote=True, node_name="hall 2", last_error="no answer", last_error_at=NOW, failures=2)
    (unseen,) = troubles(away, Moment(NOW, 15.0, blind={"n1": "node_dead"}))
    assert (unseen.text, "hall 2" in unseen.next_step) == ("its node hall 2 is dead", True)


def test_sums_of_floats_leave_no_reason_of_their_own() -> None:
    third = 33.333333333333336 * TH
    boards = tuple(replace(board, expected_hashrate_hs=third, hashrate_hs=third) for board in BOARDS)
    broken = (*boards[:2], replace(boards[2], state="failure", hashrate_hs=0.0))
    told = {"hashboards": broken, "hashrate_hs": 66.66666666666667 * TH, "expected_hashrate_hs": 100 * TH}
    how = condition(miner(status=told), HERE)
    assert [loss.reason for loss in how.lost] == ["dead-board"]
    assert sum(loss.hashrate_hs for loss in how.lost) == 100 * TH - 66.66666666666667 * TH


@pytest.mark.parametrize(
    ("state", "expected_hs", "told"),
    [
        ("mining", 40e12, ("mining", "good")), ("mining", None, ("mining", "good")),
        ("mining", 0.0, ("mining, but dead", "bad")), ("failure", 0.0, ("failure", "bad")),
        ("disconnected", None, ("disconnected", "bad")), ("stopped", 0.0, ("stopped", "idle")),
        ("initializing", None, ("initializing", "tune")), ("of the future", None, ("of the future", "idle")),
        (None, None, ("unknown", "idle")),
    ],
)  # fmt: skip
def test_a_board_is_judged_in_one_place(state: str | None, expected_hs: float | None, told: tuple[str, str]) -> None:
    assert board_condition(HashboardReading(1, state=state, expected_hashrate_hs=expected_hs)) == told
