"""Each announced address has the same share of the questions, however many names it has."""

from __future__ import annotations

import ipaddress

from hived.services.nodes import shares
from hived.services.nodes.shares import Shares


def uniform(low: float, high: float) -> float:
    return (low + high) / 2


def test_places_take_turns_and_of_one_place_the_first_comes_first() -> None:
    told = Shares()
    waiting = [("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1")]
    assert told.in_turn(waiting, 0.0) == ["a1", "b1", "c1", "a2", "a3"]
    told.asked("a", 1.0)
    told.asked("b", 2.0)
    assert told.in_turn(waiting, 3.0) == ["c1", "a1", "b1", "a2", "a3"]


def test_a_place_that_answers_in_vain_is_left_alone_for_longer_each_time() -> None:
    told, now, pauses = Shares(), 0.0, []
    for _ in range(12):
        told.answered("a", truly=False, now=now, uniform=uniform)
        began = now
        while not told.in_turn([("a", "x")], now):
            now += 0.25
        pauses.append(now - began)
    assert pauses[:6] == [0.0, 0.0, 0.5, 1.0, 2.0, 4.0]
    assert max(pauses) == shares.LONGEST_PAUSE_S
    told.answered("a", truly=True, now=now, uniform=uniform)
    told.answered("a", truly=False, now=now, uniform=uniform)
    assert told.in_turn([("a", "x")], now) == ["x"]


def test_addresses_outside_of_our_networks_share_one_turn() -> None:
    told = Shares()
    told.networks = [ipaddress.ip_network("192.0.2.0/24")]
    assert told.place(["192.0.2.9", "10.0.0.1"]) == "192.0.2.9"
    assert {told.place([address]) for address in ("10.0.0.1", "198.51.100.7", "fd00::1")} | {told.place([])} == {
        "elsewhere"
    }


def test_what_is_remembered_of_places_is_bounded() -> None:
    told = Shares()
    for number in range(2 * shares.MAX_PLACES):
        told.asked(str(number), float(number))
    assert len(told._places) == shares.MAX_PLACES
