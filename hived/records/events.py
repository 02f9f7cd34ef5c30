"""What happened, and how to say it: one table of the kinds of event. Times are UTC epoch seconds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hived.records.steering import VERBS
from hived.records.times import span

MOST_SETTINGS = 3  # changed settings named in one sentence


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a miner (or, with mac None, to this node)."""

    kind: str
    at: float
    detail: dict[str, Any] = field(default_factory=dict)
    num: int | None = None
    mac: str | None = None
    id: int | None = None
    node_id: str | None = None
    """The node that told of it; None: this one."""
    node_name: str | None = None


@dataclass(frozen=True, slots=True)
class EventKind:
    """One kind of event.

    The sentence goes on after the miner's name; what happened to no miner is a sentence of its own. {x} is a value of
    the detail, {own_verb} its verb as it is said of one miner, and a part in [brackets] is left out when a value in it
    is missing. The tone is good, bad or idle; one that depends on a value of the detail names it with the tones of its
    values.
    """

    name: str
    title: str
    sentence: str
    tone: str | tuple[str, Mapping[str, str]] = "idle"
    local: bool = False
    """Kept on the node that saw it: every box of a site sees the same, the master too."""


_KINDS = (
    EventKind("miner_found", "Miner found", "was found[: {model}]", "good"),
    EventKind("miner_online", "Back online", "is back online[, moved here from {before}]", "good"),
    EventKind("miner_offline", "Went offline", "went offline[, was at {ip}]", "bad"),
    EventKind("miner_error", "Cannot be read", "cannot be read: {error}", "bad"),
    EventKind(
        "state_changed", "State changed", "went [from {before} ]to {after}[: {description}][ (code {failure_code})]",
        ("after", {"failure": "bad", "mining": "good", "auto-tuning": "tune"}),
    ),
    EventKind("board_lost", "Board lost", "lost board {board}", "bad"),
    EventKind("board_back", "Board back", "has board {board} back", "good"),
    EventKind("fan_lost", "Fan lost", "lost fan {fan}", "bad"),
    EventKind("fan_back", "Fan back", "has fan {fan} back", "good"),
    EventKind("reboot", "Rebooted", "rebooted[, up for {uptime_s} when noticed]"),
    EventKind("address_changed", "Address changed", "moved from {before} to {after}"),
    EventKind("duplicate_mac", "MAC address twice", "is at {ip}, and {other} answers with the same MAC address", "bad"),
    EventKind("board_replaced", "Control board replaced", "has a new control board: {after} in place of {before}"),
    EventKind(
        "maybe_replaced", "New control board?",
        "has the address and model of {before}; if it is that machine with a new control board:"
        " hivectl miners merge {before} {after}",
    ),
    EventKind(
        "miner_elsewhere", "At another site?",
        "is offline here, and node {node} sees it; if it was moved there: hivectl miners remove {mac}", "bad",
    ),
    EventKind("firmware_changed", "Firmware changed", "now runs firmware {after}[, was {before}]"),
    EventKind("preset_changed", "Preset changed", "now runs preset {after}[, was {before}]"),
    EventKind("pool_changed", "Pool changed", "pool {pool} is {after}, was {before}", "bad"),
    EventKind("pool_switched", "Pool switched", "now mines at {after}[, was {before}]"),
    EventKind("settings_changed", "Settings changed", "has new settings[: {changes}]"),
    EventKind("order_given", "Order given", "order {order}[ by {by}]: {verb} {miners}"),
    EventKind(
        "order_outcome", "Asked by an order", "was asked to {own_verb} by order {order}: {state}[, {why}]",
        ("state", {"confirmed": "good", "refused": "bad", "unconfirmed": "bad"}),
    ),
    EventKind(
        "order_finished", "Order done", "order {order} is done: {verb} {confirmed}[, {others} more did not follow]"
        "[, {late} more were not asked in time]",
        ("missed", {"None": "good"}),
    ),
    EventKind("order_cancelled", "Order cancelled", "order {order} was cancelled[ by {by}]: {miners} were not asked"),
    EventKind("order_stopped", "Order stopped", "order {order} was stopped: {refused} refused", "bad"),
    EventKind(
        "plan_missed", "Plan missed",
        "plan {plan} was due {seconds} s ago, when nobody was there: it is not carried out late", "bad",
    ),
    EventKind("plan_failed", "Plan failed", "plan {plan} could not be carried out: {error}", "bad"),
    EventKind(
        "plan_left", "Plan left miners out",
        "plan {plan} did not bring back {miners} with order {order}: {why}", "bad",
    ),
    EventKind(
        "steering_ready", "Ready to steer",
        "hive-controld can steer miners now: {managed} of {miners} are managed, and none is touched without an order."
        " Orders may come from {who}; of tokens, from those with the scope steer alone",
    ),
    EventKind("peer_found", "Box found", "{role} {name} was found at {address}", "good", local=True),
    EventKind("peer_moved", "Box moved", "{role} {name} moved from {before} to {after}", local=True),
    EventKind("peer_left", "Box left", "{role} {name} left the network", local=True),
    EventKind("peer_dead", "Box lost", "{role} {name} no longer answers[: {reason}]", "bad", local=True),
    EventKind("peer_twice", "Node id twice", "{name} and {other} have the same node id {id}: one is a copy", "bad"),
    EventKind("node_joined", "Node joined", "node {name} joined", "good"),
    EventKind("node_rekeyed", "Node joined anew", "node {name} was let in with another key"),
    EventKind(
        "node_claimed", "Node asks anew",
        "a box[ at {address}] with a code asks to be node {name}, which is known already: compare the phrase",
        "bad",
    ),
    EventKind("node_lost", "Node silent", "node {name} has gone silent", "bad"),
    EventKind("node_back", "Node back", "node {name} is back", "good"),
    EventKind("node_full", "Node sends too much", "node {name} has sent {what}: more is not taken", "bad"),
    EventKind("master_joined", "Joined a master", "joined the master [{master} at ]{url}", "good"),
    EventKind("master_refused", "Refused by the master", "{url} refuses this node[: {error}]", "bad"),
    EventKind("master_key_changed", "Master's key changed", "{url} answers with another key[: {error}]", "bad"),
    EventKind("database_restored", "Database restored", "the database was restored from a backup[ of {made_at}]"),
    EventKind(
        "database_replaced", "Database replaced",
        "the database was damaged and replaced by a new one[; the old one is kept as {kept}]", "bad",
    ),
)  # fmt: skip
EVENTS: Mapping[str, EventKind] = {kind.name: kind for kind in _KINDS}
LOCAL = tuple(kind.name for kind in _KINDS if kind.local)


def title(event: Event) -> str:
    """Return the name of the event's kind for a list; that of a newer node is unknown here and speaks for itself."""
    kind = EVENTS.get(event.kind)
    return kind.title if kind else event.kind.replace("_", " ").capitalize()


def who(event: Event, ip: str | None) -> str:
    """Return whom it happened to; `ip` is the miner's address, or the last that it had."""
    return ip or event.mac or event.node_name or event.node_id or "this node"


def sentence(event: Event) -> str:
    """Return what happened, whatever the detail holds; an event of an unknown kind shows its parts."""
    kind = EVENTS.get(event.kind)
    if kind is None:
        parts = ", ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, value in event.detail.items())
        return event.kind.replace("_", " ") + (f": {parts}" if parts else "")
    filled = _OPTIONAL.sub(
        lambda part: part[1] if all(event.detail.get(n) is not None for n in _VALUE.findall(part[1])) else "",
        kind.sentence,
    )
    return _VALUE.sub(lambda value: _in_words(value[1], event.detail.get(value[1].removeprefix("own_"))), filled)


def tone(event: Event) -> str:
    """Return how good or bad it is: good, bad, tune or idle."""
    kind = EVENTS.get(event.kind)
    if kind is None:
        return "idle"
    if isinstance(kind.tone, str):
        return kind.tone
    name, tones = kind.tone
    return tones.get(str(event.detail.get(name)), "idle")


def setting(change: Mapping[str, Any]) -> str:
    """Return one changed setting as "pool 1 url: a -> b"."""
    path = _POOL.sub(lambda slot: f"pool {int(slot[1]) + 1} ", str(change.get("path", "?")))
    before, after = (_plain(change.get(name)) for name in ("before", "after"))
    return f"{path.replace('_', ' ').replace('.', ' ')}: {before} -> {after}"


def settings(changes: Any) -> str:
    """Return the first changed settings in words."""
    changes = [change for change in changes if isinstance(change, Mapping)] if isinstance(changes, list | tuple) else []
    more = len(changes) - MOST_SETTINGS
    return ("; ".join(map(setting, changes[:MOST_SETTINGS])) or "?") + (f" and {more} more" if more > 0 else "")


_MINERS = ("miners", "confirmed", "refused")
_OPTIONAL = re.compile(r"\[([^]]*)\]")
_VALUE = re.compile(r"\{(\w+)\}")
_POOL = re.compile(r"^pools\.([0-9]{1,3})\.")


def _in_words(name: str, value: Any) -> str:
    """Other nodes may send anything under any name."""
    if name == "changes":
        return settings(value)
    if name in ("verb", "own_verb") and isinstance(value, str) and value in VERBS:
        return VERBS[value].words if name == "verb" else VERBS[value].own_words
    if name in _MINERS and isinstance(value, int):
        return "1 miner" if value == 1 else f"{value:,} miners"
    if name.endswith("_s") and isinstance(value, int | float) and 0 <= value < 1e10:
        return span(value)
    return "?" if value is None else str(value)


def _plain(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)
