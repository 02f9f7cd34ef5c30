"""Events in words that a person understands."""

from __future__ import annotations

import json
from typing import Any

from hived.cli.output.text import span
from hived.records.events import Event

MOST_SETTINGS = 3  # changed settings named in one line

_SENTENCES = {
    "miner_found": "was found",
    "miner_online": "is back",
    "miner_offline": "went offline, was at {ip}",
    "address_changed": "moved from {before} to {after}",
    "firmware_changed": "firmware {before} -> {after}",
    "miner_error": "cannot be read: {error}",
    "preset_changed": "preset {before} -> {after}",
    "pool_switched": "pool {before} -> {after}",
    "board_lost": "lost board {board}",
    "board_back": "board {board} is back",
    "fan_lost": "lost fan {fan}",
    "fan_back": "fan {fan} is back",
    "peer_found": "{role} {name} was found at {address}",
    "peer_moved": "{role} {name} moved from {before} to {after}",
    "peer_left": "{role} {name} left the network",
    "peer_dead": "{role} {name} does not answer any more: {reason}",
    "peer_twice": "{name} and {other} have the same node id {id}: one is a copy",
    "node_joined": "node {name} joined",
    "node_lost": "node {name} has fallen silent",
    "node_back": "node {name} is back",
    "database_restored": "the database was restored from a backup of {made_at}",
    "database_replaced": "the database was damaged and replaced by a new one; kept as {kept}",
}

_TONES = {
    "miner_offline": "bad", "miner_error": "bad", "board_lost": "bad", "fan_lost": "bad", "miner_found": "good",
    "miner_online": "good", "board_back": "good", "fan_back": "good", "peer_found": "good",
    "peer_dead": "bad", "peer_twice": "bad", "node_joined": "good", "node_lost": "bad", "node_back": "good",
    "database_replaced": "bad",
}  # fmt: skip


class _Told(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def sentence(event: Event) -> str:
    """Return what happened; an event of a kind that is not known here shows its parts."""
    detail = _Told(event.detail)
    match event.kind:
        case "miner_found" if "model" in detail:
            return f"was found: {detail['model']}"
        case "reboot":
            up = detail["uptime_s"]
            return "rebooted" + (f", up for {span(up)} when noticed" if isinstance(up, int | float) else "")
        case "state_changed":
            before = f"{detail['before']} -> " if "before" in detail else "is in "
            why = [str(detail["description"])] if "description" in detail else []
            why += [f"code {detail['failure_code']}"] if "failure_code" in detail else []
            return f"{before}{detail['after']}" + (f": {', '.join(why)}" if why else "")
        case "settings_changed":
            return f"settings changed: {changed_settings(detail.get('changes'))}"
        case kind if kind in _SENTENCES:
            return _SENTENCES[kind].format_map(detail)
        case kind:
            return f"{kind.replace('_', ' ')} {json.dumps(event.detail) if event.detail else ''}".rstrip()


def changed_settings(changes: Any) -> str:
    """Return the first changed settings as "pools.0.url: a -> b"."""
    changes = [one for one in changes if isinstance(one, dict)] if isinstance(changes, list | tuple) else []
    if not changes:  # other nodes may send anything
        return "?"
    said = "; ".join(
        f"{one.get('path')}: {_value(one.get('before'))} -> {_value(one.get('after'))}"
        for one in changes[:MOST_SETTINGS]
    )
    more = len(changes) - MOST_SETTINGS
    return said + (f" and {more} more" if more > 0 else "")


def tone(event: Event) -> str | None:
    """Return the tone of an event: bad, good or none."""
    if event.kind == "state_changed":
        return {"failure": "bad", "mining": "good"}.get(str(event.detail.get("after")))
    return _TONES.get(event.kind)


def _value(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)
