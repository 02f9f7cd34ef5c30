"""What an order is called, for the page, hivectl and the events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hived.records.events import Event, sentence, tone
from hived.records.orders import Order, Packet, words
from hived.records.steering import VERBS


@pytest.mark.parametrize(
    ("verb", "args", "miners", "told"),
    [
        ("pause", {}, 50, "pause 50 miners"), ("reboot", {}, 1, "reboot 1 miner"),
        ("preset", {"name": "2800"}, 3, "set the preset of 3 miners to 2800"),
        ("preset", {}, 3, "set the preset of 3 miners"),  # the way back: of each its own
        ("power", {"watts": 2500}, 5000, "set the power of 5,000 miners to 2500 W"),
        ("dimmer", {"percent": 60}, 2, "dim 2 miners to 60 %"),
        ("restore", {"version": 3}, 1, "restore settings of 1 miner to version 3"),
        ("locate", {"on": False}, 1, "stop flashing the lights of 1 miner"),
        ("defrost", {"x": 1}, 2, "defrost 2 miners"),
    ],
)  # fmt: skip
def test_an_order_says_what_it_does(verb: str, args: dict[str, Any], miners: int, told: str) -> None:
    assert words(verb, args, miners) == told


def test_an_order_counts_whom_it_names_whatever_becomes_of_them_and_a_dry_run_whom_it_would_ask() -> None:
    order = Order(1, "pause", {}, "anna", "session", 0.0, 60.0, Packet(10, 5.0), counts={"confirmed": 2, "skipped": 9})
    assert (order.miners, order.words, order.can_undo) == (11, "pause 11 miners", True)
    assert replace(order, id=0).words == "pause 2 miners"


def test_an_order_that_some_did_not_follow_is_not_told_as_good() -> None:
    done = Event("order_finished", 0.0, {"order": 7, "verb": "pause", "confirmed": 3})
    assert (sentence(done), tone(done)) == ("order 7 is done: pause 3 miners", "good")
    late = replace(done, detail={**done.detail, "confirmed": 0, "late": 2, "missed": True})
    assert sentence(late) == "order 7 is done: pause 0 miners, 2 more were not asked in time"
    assert tone(late) == "idle"


def test_what_a_miner_was_asked_for_is_a_sentence_of_its_own() -> None:
    told = {
        verb: sentence(Event("order_outcome", 0.0, {"order": 5, "verb": verb, "state": "confirmed"})) for verb in VERBS
    }
    assert told["pools"] == "was asked to set its pools by order 5: confirmed"
    assert told["restart"] == "was asked to restart mining by order 5: confirmed"
    assert told["locate"] == "was asked to flash its lights by order 5: confirmed"
    assert not any(" of by " in one or " on by " in one for one in told.values())
    odd = Event("order_outcome", 0.0, {"order": 5, "verb": ["x"], "state": "refused", "why": "busy"})
    assert sentence(odd) == "was asked to ['x'] by order 5: refused, busy"


def test_events_of_orders_use_the_words_of_the_verbs() -> None:
    for verb in VERBS.values():
        told = sentence(Event("order_given", 0.0, {"order": 7, "verb": verb.name, "miners": 1, "by": "anna"}))
        assert told == f"order 7 by anna: {verb.words} 1 miner"
    odd = Event("order_given", 0.0, {"order": 7, "verb": ["x"], "miners": "many"})
    assert sentence(odd) == "order 7: ['x'] many"
