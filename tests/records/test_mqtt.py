"""Topics and commands: hostile until they are read."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hived.errors import BadRequest
from hived.records.mqtt import MAX_COMMAND, OLD_S, Broker, Topics, read_command, scope

TOPICS = Topics.of("hived", "homeassistant", "node:1")
MAC = "02:00:00:00:00:01"
ALL = scope(steer=True, reboot=True)
NOW = 1_800_000_000.0


def said(do: object, at: object = NOW) -> bytes:
    return json.dumps({"at": at, "do": do}).encode()


@pytest.mark.parametrize(
    ("what", "do", "verb", "args"),
    [
        ("mining", "ON", "resume", {}), ("mining", "OFF", "pause", {}), ("locate", "PRESS", "locate", {}),
        ("reboot", "PRESS", "reboot", {}), ("preset", "1200 W", "preset", {"name": "1200 W"}),
    ],
)  # fmt: skip
def test_a_command_is_a_verb_with_its_arguments(what: str, do: str, verb: str, args: dict[str, str]) -> None:
    command = read_command(TOPICS, TOPICS.command(MAC, what), said(do), ALL)
    assert (command.mac, command.verb, command.args, command.at) == (MAC, verb, args, NOW)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (TOPICS.command(MAC, "mining"), b"ON"),
        (TOPICS.command(MAC, "mining"), b""),
        (TOPICS.command(MAC, "mining"), b"\xff\xfe"),
        (TOPICS.command(MAC, "mining"), b"[" * 400),
        (TOPICS.command(MAC, "mining"), said("on")),
        (TOPICS.command(MAC, "mining"), said(True)),
        (TOPICS.command(MAC, "mining"), said(["ON"])),
        (TOPICS.command(MAC, "mining"), b'{"do": "ON"}'),
        (TOPICS.command(MAC, "mining"), said("ON", "now")),
        (TOPICS.command(MAC, "mining"), b'{"at": NaN, "do": "ON"}'),
        (TOPICS.command(MAC, "mining"), b'{"at": 1e999, "do": "ON"}'),
        (TOPICS.command(MAC, "preset"), said("x" * MAX_COMMAND)),
        (TOPICS.command(MAC, "preset"), said("")),
        (TOPICS.command(MAC, "pools"), said("PRESS")),
        (TOPICS.command(MAC, "restart"), said("PRESS")),
        (TOPICS.command("zz", "mining"), said("ON")),
        (TOPICS.command(MAC, "mining") + "/x", said("ON")),
        ("hived/other/miners/020000000001/do/mining", said("ON")),
        (TOPICS.miner(MAC), said("ON")),
        ("", said("ON")),
    ],
)
def test_anything_else_is_no_command(topic: str, payload: bytes) -> None:
    with pytest.raises(BadRequest):
        read_command(TOPICS, topic, payload, ALL)


@settings(max_examples=50)
@given(st.text(max_size=80), st.binary(max_size=600))
def test_nothing_raises_anything_else(topic: str, payload: bytes) -> None:
    for place in (topic, TOPICS.command(MAC, "mining"), f"{TOPICS.base}/miners/{topic}/do/preset"):
        with suppress(BadRequest):
            read_command(TOPICS, place, payload, ALL)


def test_what_is_not_allowed_is_no_command() -> None:
    assert scope(steer=False, reboot=True) == frozenset()
    assert scope(steer=True, reboot=False) == {"pause", "resume", "locate", "preset"}
    with pytest.raises(BadRequest, match="reboot may not be ordered"):
        read_command(TOPICS, TOPICS.command(MAC, "reboot"), said("PRESS"), scope(steer=True, reboot=False))


@pytest.mark.parametrize(("late_s", "old"), [(0, False), (OLD_S, False), (OLD_S + 1, True), (-OLD_S - 1, True)])
def test_a_command_is_old_after_ten_seconds_and_when_it_comes_from_the_future(late_s: float, old: bool) -> None:
    command = read_command(TOPICS, TOPICS.command(MAC, "mining"), said("ON"), ALL)
    assert command.is_old(NOW + late_s) is old


@pytest.mark.parametrize(
    ("url", "place", "may"),
    [
        ("mqtt://127.0.0.1", "127.0.0.1:1883", True), ("mqtt://localhost:99", "localhost:99", True),
        ("mqtt://[::1]", "::1:1883", True), ("mqtt://10.0.0.2", "10.0.0.2:1883", False),
        ("mqtts://10.0.0.2", "10.0.0.2:8883", True), ("mqtt://localhost.example", "localhost.example:1883", False),
    ],
)  # fmt: skip
def test_commands_are_believed_over_tls_and_from_this_host(url: str, place: str, may: bool) -> None:
    broker = Broker.of(url)
    assert (str(broker), broker.may_steer) == (place, may)


def test_a_mark_names_a_miner() -> None:
    assert TOPICS.told_of(TOPICS.told(MAC)) == MAC
    assert TOPICS.told_of("hived/node_1/told/x") is None
    assert TOPICS.told_of(TOPICS.miner(MAC)) is None
