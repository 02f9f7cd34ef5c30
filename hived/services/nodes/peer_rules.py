"""When a peer counts as alive, suspect, dead or gone: rules without any network, after SWIM and memberlist.

A box that falls silent is noticed after one pause and MISSES questions: 20 s for a node, 26 s for a master at the
latest, and at once when it says goodbye.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hived.records.events import Event
from hived.records.peers import ALIVE, DEAD, HERE, LEFT, MASTER, SIGHTED, SUSPECT, Peer, Sighting, announced
from hived.runtime.backoff import pause

ASK_EVERY_S = 6.0
"""Between two signs of life. Higher costs time until a loss is noticed; lower costs everybody packets."""

MASTER_EVERY_S = 10.0
"""The same for a master: each question is a connection, over TLS a handshake, and every node asks it."""

MISSES = 3
"""Unanswered rounds (of three packets each) until a peer is dead. Fewer call a busy box dead."""

SUSPECT_EVERY_S = 2.5
"""Between two questions to a suspect: a second chance, and not within the same burst of loss."""

GONE_FIRST_S, GONE_MOST_S = 4.0, 60.0
"""Pauses between questions to who is not here, doubled each time: a cable plugged in again is found by itself."""

ASKS_PER_S = 40.0
"""Questions of this node in all. With more than 240 peers each is asked less often, and loss takes up to 30 s."""

FORGET_S = 7 * 86_400.0
"""Who was silent for a week leaves the list: the operator has seen it by then."""

FORGET_SIGHTED_S = 600.0
"""Who never proved anything leaves it sooner: it may be invented."""

Chance = Callable[[float, float], float]


def sighted(peer: Peer | None, seen: Sighting, at: float) -> Peer:
    """Return the row after a sighting: what is unproven follows it, what was proven keeps what was proven."""
    if peer is None:
        return Peer(**announced(seen), state=SIGHTED, since=at, seen_at=at)
    if peer.verified_at is None:
        return replace(peer, **announced(seen), seen_at=at)
    return replace(peer, seen_at=at)


def verified(peer: Peer, proven: Sighting, address: str, at: float) -> tuple[Peer, list[Event]]:
    """Return the row after a valid answer from `address` to what `proven` announced."""
    others = tuple(other for other in proven.addresses if other != address)
    fields = announced(replace(proven, addresses=(address, *others)))
    since = peer.since if peer.state == ALIVE else at
    now = replace(peer, **fields, state=ALIVE, since=since, seen_at=at, verified_at=at, misses=0, reason=None)
    if peer.state not in HERE:
        return now, [_event("peer_found", now, at)]
    if (peer.addresses[:1], peer.port, peer.role) != ((address,), proven.port, proven.role):
        return now, [_event("peer_moved", now, at, before=_place(peer), after=_place(now))]
    return now, []


def missed(peer: Peer, reason: str, at: float) -> tuple[Peer, list[Event]]:
    """Return the row after a question without a valid answer."""
    misses = min(peer.misses + 1, 1_000_000)
    if peer.state not in HERE:
        return replace(peer, misses=misses, reason=reason if peer.state != LEFT else peer.reason), []
    state = SUSPECT if misses < MISSES else DEAD
    now = replace(peer, state=state, since=at if state != peer.state else peer.since, misses=misses, reason=reason)
    return now, [_event("peer_dead", now, at, reason=reason)] if state == DEAD else []


def left(peer: Peer, at: float) -> tuple[Peer, list[Event]]:
    """Return the row after a goodbye. Anybody can say it in another's name; that one then answers the next question."""
    if peer.state not in HERE:
        return peer, []
    now = replace(peer, state=LEFT, since=at, misses=0, reason="it said goodbye")
    return now, [_event("peer_left", now, at)]


def pause_s(peer: Peer, peers: int, chance: Chance) -> float:
    """Return the seconds until this peer is asked again, spread so that boxes do not ask in step."""
    if peer.state == ALIVE:
        every_s = MASTER_EVERY_S if peer.role == MASTER else ASK_EVERY_S
        return max(every_s, peers / ASKS_PER_S) * chance(0.9, 1.1)
    if peer.state == SUSPECT:
        return SUSPECT_EVERY_S * chance(0.9, 1.1)
    since_gone = max(0, peer.misses - (MISSES if peer.state == DEAD else 0))
    return pause(since_gone, GONE_FIRST_S, GONE_MOST_S, spread=0.1, uniform=chance)


def forgotten(peer: Peer, at: float) -> bool:
    """Tell whether a row has stood long enough."""
    if peer.state == SIGHTED:
        return at - peer.since > FORGET_SIGHTED_S and at - peer.seen_at > FORGET_SIGHTED_S
    return peer.state not in HERE and at - peer.since > FORGET_S


def _event(kind: str, peer: Peer, at: float, **more: object) -> Event:
    detail = {
        "id": peer.id,
        "name": peer.name,
        "role": peer.role,
        "address": peer.addresses[0] if peer.addresses else None,
    }
    return Event(kind, at, {**detail, **more})


def _place(peer: Peer) -> str:
    """Return where a peer is in words: its address, with the port of a master."""
    address = peer.addresses[0] if peer.addresses else "?"
    return f"{address} port {peer.port}" if peer.port else address
