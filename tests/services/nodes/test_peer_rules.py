"""When a peer is sighted, alive, suspect, dead or gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hived.records.events import Event
from hived.records.peers import ALIVE, DEAD, LEFT, SIGHTED, SUSPECT, Peer, Sighting
from hived.services.nodes import peer_rules as rules

NODE = Sighting("rig", "abc", "node", ("192.0.2.7", "192.0.2.8"), "1.0")
MASTER = Sighting("rig", "abc", "master", ("192.0.2.7",), "1.0", 8443, "/api/v1", True, "ab" * 32)


def alive(at: float = 10.0, seen: Sighting = NODE) -> Peer:
    peer, _ = rules.verified(rules.sighted(None, seen, at), seen, seen.addresses[0], at)
    return peer


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]


def test_what_was_only_seen_is_sighted_and_tells_nobody() -> None:
    peer = rules.sighted(None, NODE, 5.0)
    assert (peer.state, peer.since, peer.verified_at) == (SIGHTED, 5.0, None)
    peer, events = rules.missed(peer, "no answer", 6.0)
    assert (peer.state, peer.since, peer.misses, events) == (SIGHTED, 5.0, 1, [])
    assert rules.left(peer, 7.0) == (peer, [])


def test_what_is_unproven_follows_what_is_announced() -> None:
    assert rules.sighted(rules.sighted(None, NODE, 5.0), MASTER, 6.0).role == "master"


def test_a_sighting_changes_nothing_of_what_was_proven() -> None:
    peer = alive(seen=MASTER)
    forged = replace(MASTER, addresses=("203.0.113.66",), port=1, tls=False, fingerprint=None)
    assert rules.sighted(peer, forged, 20.0) == replace(peer, seen_at=20.0)


def test_a_valid_answer_makes_it_alive_with_the_address_that_answered_first() -> None:
    peer, events = rules.verified(rules.sighted(None, NODE, 5.0), NODE, "192.0.2.8", 6.0)
    assert (peer.state, peer.since, peer.verified_at) == (ALIVE, 6.0, 6.0)
    assert peer.addresses == ("192.0.2.8", "192.0.2.7")
    assert kinds(events) == ["peer_found"]
    again, events = rules.verified(peer, NODE, "192.0.2.8", 12.0)
    assert (again.since, again.verified_at, events) == (6.0, 12.0, [])


def test_one_miss_makes_suspect_and_three_dead_with_the_reason() -> None:
    peer = alive()
    states = []
    for at in (20.0, 24.0, 28.0, 32.0):
        peer, events = rules.missed(peer, "no answer", at)
        states.append((peer.state, peer.since, kinds(events)))
    assert states == [
        (SUSPECT, 20.0, []), (SUSPECT, 20.0, []), (DEAD, 28.0, ["peer_dead"]), (DEAD, 28.0, [])
    ]  # fmt: skip
    assert peer.reason == "no answer"


def test_a_suspect_that_answers_is_alive_and_nothing_happened() -> None:
    peer, _ = rules.missed(alive(), "no answer", 20.0)
    peer, events = rules.verified(peer, NODE, "192.0.2.7", 22.0)
    assert (peer.state, peer.since, peer.misses, peer.reason, events) == (ALIVE, 22.0, 0, None, [])


def test_a_goodbye_is_left_at_once_and_a_later_answer_alive_again() -> None:
    peer, events = rules.left(alive(), 20.0)
    assert (peer.state, peer.since, kinds(events)) == (LEFT, 20.0, ["peer_left"])
    still, events = rules.missed(peer, "no answer", 24.0)
    assert (still.state, still.since, still.reason, events) == (LEFT, 20.0, "it said goodbye", [])
    peer, events = rules.verified(still, NODE, "192.0.2.7", 30.0)
    assert (peer.state, kinds(events)) == (ALIVE, ["peer_found"])


@pytest.mark.parametrize(
    ("seen", "address"),
    [(replace(NODE, addresses=("192.0.2.99",)), "192.0.2.99"), (NODE, "192.0.2.8"), (MASTER, "192.0.2.7")],
    ids=["another address", "its other address", "a master now"],
)
def test_another_place_or_role_is_a_move(seen: Sighting, address: str) -> None:
    peer, events = rules.verified(alive(), seen, address, 20.0)
    assert (peer.state, peer.since, peer.addresses[0], peer.role) == (ALIVE, 10.0, address, seen.role)
    assert kinds(events) == ["peer_moved"]
    assert events[0].detail["before"] == "192.0.2.7"


def test_gone_is_noticed_within_30_seconds_even_among_512_masters() -> None:
    late = lambda _low, high: high  # noqa: E731
    question_s = 3.0  # the longest that a question may take
    for seen in (NODE, MASTER):
        for peers in (1, 512):
            peer, passed = alive(seen=seen), 0.0
            while peer.state != DEAD:
                passed += rules.pause_s(peer, peers, late) + question_s
                peer, _ = rules.missed(peer, "no answer", passed)
            assert passed < 30.0


def test_who_is_gone_is_asked_ever_more_rarely_but_at_least_once_a_minute() -> None:
    middle = lambda low, high: (low + high) / 2  # noqa: E731
    peer = rules.left(alive(), 20.0)[0]
    pauses = []
    for at in range(7):
        pauses.append(rules.pause_s(peer, 1, middle))
        peer, _ = rules.missed(peer, "no answer", float(at))
    assert pauses == [4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert rules.pause_s(replace(peer, state=DEAD, misses=3), 1, middle) == 4.0


def test_pauses_are_spread_so_that_boxes_do_not_ask_in_step() -> None:
    asked: list[tuple[float, float]] = []

    def chance(low: float, high: float) -> float:
        asked.append((low, high))
        return low

    for state in (ALIVE, SUSPECT, DEAD, LEFT, SIGHTED):
        rules.pause_s(replace(alive(), state=state), 1, chance)
    assert asked == [(0.9, 1.1)] * 5


def test_who_never_answered_is_forgotten_soon_and_who_did_after_a_week() -> None:
    fresh = rules.sighted(None, NODE, 0.0)
    assert not rules.forgotten(fresh, 599.0)
    assert rules.forgotten(fresh, 601.0)
    assert not rules.forgotten(replace(fresh, seen_at=500.0), 601.0)
    gone = rules.left(alive(), 0.0)[0]
    assert not rules.forgotten(gone, 6 * 86_400.0)
    assert rules.forgotten(gone, 8 * 86_400.0)
    assert not rules.forgotten(alive(), 1e9)
