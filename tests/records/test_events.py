"""One table of the kinds of event: what is noticed stands in it, and each kind has its words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hived
from hived.records.events import EVENTS, Event, sentence, setting, settings, title, tone, who

HIVED = Path(hived.__file__).parent
MAKERS = {"Event", "event", "_event"}
CHANGE = {"path": "pools.0.url", "before": None, "after": "stratum+tcp://a"}


def strings(node: ast.AST) -> list[str]:
    return [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def kinds_in(call: ast.Call, module: ast.Module) -> Iterator[str]:
    """What a call names as the kind: a literal, or a table of the module; "?" for what nobody can read off."""
    tables = {
        target.id: strings(one.value)
        for one in module.body
        if isinstance(one, ast.Assign)
        for target in one.targets
        if isinstance(target, ast.Name)
    }
    for arg in [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "kind")]:
        match arg:
            case ast.Constant(value=str(kind)):
                yield kind
                return
            case ast.Subscript(value=ast.Name(id=name)) if name in tables:
                yield from tables[name]
                return
            case ast.Name(id="kind"):  # a helper hands on what its callers name
                return
    yield "?"


def noticed() -> Iterator[tuple[str, str]]:
    """Every (kind, file) that the product makes an event of."""
    for path in sorted(HIVED.rglob("*.py")):
        text = path.read_text()
        # Other rooms have other events; store/events.py reads them back.
        if "hived.records.events import" not in text or path == HIVED / "store/events.py":
            continue
        module = ast.parse(text)
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS:
                yield from ((kind, str(path.relative_to(HIVED))) for kind in kinds_in(node, module))


def test_every_kind_that_is_noticed_stands_in_the_table() -> None:
    assert [(kind, where) for kind, where in noticed() if kind not in EVENTS] == []


def test_every_kind_of_the_table_is_noticed_somewhere() -> None:
    assert set(EVENTS) - {kind for kind, _ in noticed()} == set()


@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS)
def test_a_kind_is_whole(kind: Any) -> None:
    assert kind.title[0].isupper()
    assert kind.sentence[0] != "["
    tones = {kind.tone} if isinstance(kind.tone, str) else set(kind.tone[1].values())
    assert tones <= {"good", "bad", "tune", "idle"}
    bare = sentence(Event(kind.name, 0.0))
    assert not re.search(r"[\[\]{}]", bare)


@pytest.mark.parametrize(
    ("kind", "detail", "said"),
    [
        ("miner_found", {"ip": "10.0.0.1", "model": "Antminer S21"}, "was found: Antminer S21"),
        ("miner_found", {}, "was found"),
        ("miner_online", {"ip": "10.0.0.1"}, "is back online"),
        ("address_changed", {"before": "10.0.0.1", "after": "10.0.0.2"}, "moved from 10.0.0.1 to 10.0.0.2"),
        ("firmware_changed", {"before": "1.2.6", "after": "1.3.3"}, "now runs firmware 1.3.3, was 1.2.6"),
        ("reboot", {"uptime_s": 240.0}, "rebooted, up for 4 min when noticed"),
        ("reboot", {}, "rebooted"),
        ("miner_error", {"error": "no answer {within} [5] s"}, "cannot be read: no answer {within} [5] s"),
        ("state_changed", {"before": "mining", "after": "stopped"}, "went from mining to stopped"),
        ("state_changed", {"after": "failure", "failure_code": 7, "description": "x"}, "went to failure: x (code 7)"),
        ("preset_changed", {"before": "1", "after": "2"}, "now runs preset 2, was 1"),
        ("pool_switched", {"after": "b"}, "now mines at b"),
        ("board_lost", {"board": 0}, "lost board 0"),
        ("fan_back", {}, "has fan ? back"),
        ("settings_changed", {"changes": [CHANGE]}, "has new settings: pool 1 url: none -> stratum+tcp://a"),
        ("settings_changed", {"changes": "?"}, "has new settings: ?"),
        ("master_joined", {"master": "head", "url": "https://h"}, "joined the master head at https://h"),
        ("master_joined", {"url": "https://h"}, "joined the master https://h"),
        ("something_new", {"a_b": 1, "c": {"d": None}}, 'something new: a b 1, c {"d": null}'),
        ("something_new", {}, "something new"),
    ],
)  # fmt: skip
def test_each_kind_has_its_sentence(kind: str, detail: dict[str, Any], said: str) -> None:
    assert sentence(Event(kind, 0.0, detail)) == said


@pytest.mark.parametrize(
    ("after", "said"), [("failure", "bad"), ("mining", "good"), ("auto-tuning", "tune"), ([], "idle")]
)
def test_the_tone_of_a_state_is_that_of_what_it_became(after: Any, said: str) -> None:
    assert tone(Event("state_changed", 0.0, {"after": after})) == said


def test_a_kind_of_a_newer_node_speaks_for_itself() -> None:
    event = Event("fan_filter_full", 0.0, {"fan": 1})
    assert (title(event), sentence(event), tone(event)) == ("Fan filter full", "fan filter full: fan 1", "idle")


@pytest.mark.parametrize("uptime", [float("inf"), float("nan"), -1, True, 10**400, "240", [240], None])
def test_a_span_that_is_none_does_not_raise(uptime: Any) -> None:
    assert sentence(Event("reboot", 0.0, {"uptime_s": uptime})).startswith("rebooted")


def test_who_it_happened_to_is_named_as_people_know_it() -> None:
    event = Event("miner_offline", 0.0, mac="02:00:00:00:00:01", node_id="n1", node_name="shed")
    assert who(event, "10.0.0.1") == "10.0.0.1"
    assert who(event, None) == "02:00:00:00:00:01"
    assert who(Event("peer_left", 0.0, node_id="n1", node_name="shed"), None) == "shed"
    assert who(Event("peer_left", 0.0), None) == "this node"


def test_the_first_changed_settings_are_named_and_the_rest_counted() -> None:
    changes = [{"path": f"cooling.mode_{i}", "before": i, "after": [i]} for i in range(5)]
    assert settings(changes[:2]) == "cooling mode 0: 0 -> [0]; cooling mode 1: 1 -> [1]"
    assert settings(tuple(changes)).endswith("cooling mode 2: 2 -> [2] and 2 more")
    assert (settings([]), settings([7]), setting({})) == ("?", "?", "?: none -> none")
