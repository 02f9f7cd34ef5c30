"""Parts of a miner: not told, none, lost and never judged are four things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.records.miner import FanReading, HashboardReading, MinerReading
from hived.records.miner_view import PollTarget
from hived.services.miners import reading_events

NEW = PollTarget(
    num=1, mac="02:00:00:00:00:01", ip="10.0.0.1", firmware="vnish", access="k", hashrate_unit="GH/s", status_due=True,
    chips_due=False, due_at=0.0, chips_due_at=0.0, failures=0, state="mining",
)  # fmt: skip


def reading(
    fans: Sequence[str | None] = (), boards: Sequence[str | None] = ("mining",), mode: str | None = "auto"
) -> MinerReading:
    """A mining miner with fans from 0 and boards from 1; `dead`: listed as mining and expected to give nothing."""
    return MinerReading(
        state="mining", cooling_mode=mode, fans=tuple(FanReading(i, status=status) for i, status in enumerate(fans)),
        hashboards=tuple(
            HashboardReading(i, *(("mining", None, None, 0) if state == "dead" else (state, None, None, 9e12)))
            for i, state in enumerate(boards, 1)
        ),
    )  # fmt: skip


def told(*readings: MinerReading, before: PollTarget = NEW) -> list[list[str]]:
    """The events of each reading, with what is remembered from one to the next as the database would."""
    found = []
    for one in readings:
        events = reading_events.between(before, one, 1.0)
        found.append([f"{e.kind} {e.detail.get('fan', e.detail.get('board'))}" for e in events])
        boards = reading_events.seen(before.boards_seen, reading_events.boards(one))
        fans = reading_events.seen(before.fans_seen, reading_events.fans(one))
        before = replace(
            before,
            boards_seen=before.boards_seen if boards is None else boards,
            fans_seen=before.fans_seen if fans is None else fans,
        )
    return found


OK, LOST = ("ok",) * 4, ("lost",) * 4


def test_what_is_lost_is_told_once_and_so_is_its_return() -> None:
    all_lost, all_back = [f"fan_lost {i}" for i in range(4)], [f"fan_back {i}" for i in range(4)]
    assert told(reading(LOST), reading(LOST), reading(LOST), reading(OK), reading(OK), reading(LOST)) == [
        all_lost, [], [], all_back, [], all_lost,
    ]  # fmt: skip
    one = reading(("lost",))
    assert told(one, one, reading(("ok",)), one) == [["fan_lost 0"], [], ["fan_back 0"], ["fan_lost 0"]]


@pytest.mark.parametrize("broken", ["dead", "failure", "disconnected"])
def test_all_boards_broken_is_told_once(broken: str) -> None:
    whole, none = reading(boards=["mining"] * 3), reading(boards=[broken] * 3)
    lost, back = [f"board_lost {i}" for i in (1, 2, 3)], [f"board_back {i}" for i in (1, 2, 3)]
    assert told(none, none, whole, whole, none) == [lost, [], back, [], lost]
    assert told(whole, none, none, whole) == [[], lost, [], back]


def test_a_list_that_is_not_told_is_not_lost() -> None:
    assert told(reading(OK), reading(), reading(OK), reading(), reading(LOST[:1] + OK[1:]), reading(), reading(OK)) == [
        [], [], [], [], ["fan_lost 0"], [], ["fan_back 0"],
    ]  # fmt: skip
    assert told(reading(boards=["mining"] * 2), reading(boards=[]), reading(boards=["mining"] * 2)) == [[], [], []]


def test_a_board_that_is_left_out_of_the_list_is_lost() -> None:
    assert told(reading(boards=["mining"] * 3), reading(boards=["mining"] * 2), reading(boards=["mining"] * 2)) == [
        [], ["board_lost 3"], [],
    ]  # fmt: skip


@pytest.mark.parametrize("word", [None, "unknown", "melting", ""])
def test_a_word_that_nobody_knows_is_neither_lost_nor_back(word: str | None) -> None:
    odd = reading([word, "ok"], boards=[word, "mining"])
    whole = reading(["ok", "ok"], boards=["mining", "mining"])
    broken = reading(["lost", "ok"], boards=["failure", "mining"])
    assert told(odd, whole, odd, broken, odd, whole) == [
        [], [], [], ["board_lost 1", "fan_lost 0"], [], ["board_back 1", "fan_back 0"],
    ]  # fmt: skip


@pytest.mark.parametrize("mode", ["immersion", "hydro", "oil"])
def test_fans_are_not_judged_where_no_air_cools(mode: str) -> None:
    assert told(reading(LOST, mode=mode), reading((), mode=mode), reading(OK, mode=mode)) == [[], [], []]
    assert told(reading(OK), reading(LOST, mode=mode), reading(LOST)) == [[], [], [f"fan_lost {i}" for i in range(4)]]


@pytest.mark.parametrize("state", ["starting", "stopped", "failure", None])
def test_nothing_is_judged_while_the_miner_does_not_hash(state: str | None) -> None:
    idle = replace(reading(LOST, boards=["dead"]), state=state)
    assert reading_events.boards(idle) == reading_events.fans(idle) == {}
    assert reading_events.seen((1,), {}) is None


STATES = st.sampled_from(["ok", "lost", None, "odd"])


@given(st.lists(st.lists(STATES, max_size=3), min_size=1, max_size=12))
def test_lost_and_back_take_turns_whatever_is_told(rounds: list[list[str | None]]) -> None:
    happened = [event for found in told(*(reading(fans) for fans in rounds)) for event in found]
    for fan in range(3):
        own = [event.split()[0] for event in happened if event.endswith(f" {fan}")]
        turns = ["fan_lost", "fan_back"] if own[:1] == ["fan_lost"] else ["fan_back", "fan_lost"]
        assert own == [turns[i % 2] for i in range(len(own))]
    again = told(*(reading(fans) for fans in rounds), reading(rounds[-1]))
    assert again[-1] == []
