"""What a VNish miner is told for each verb, byte by byte, and what each of its answers becomes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hived import errors
from hived.clients.firmwares.family import Link
from hived.clients.firmwares.http import open_session
from hived.clients.firmwares.vnish import parse_steer
from hived.clients.firmwares.vnish.family import Vnish
from hived.records.firmware import Feature, Reach
from hived.records.steering import VERBS, Said, Seen, Wish
from tests.clients.firmwares.vnish.expected import EXPECTED
from tests.clients.firmwares.vnish.test_client import INFO, IP, KEY, S19
from tests.clients.firmwares.vnish.test_ends import MAC, OTHER
from tests.clients.firmwares.vnish.test_hostile import BODIES, JSON
from tests.clients.firmwares.vnish.test_parse import capture
from tests.clients.peer import Peer, cut, flood, reply, reset

REACH = Reach(IP, KEY, mac=MAC)
S21 = "s21pro-1.2.7-autotuning/"
RUNNING = capture(S21 + "settings.json")
POOLS = [
    {"url": "pool-a.example.com:3333", "user": "farm.one", "pass": "first secret"},
    {"url": "user:hidden@pool-b.example.com:3333", "user": "farm.one", "pass": "second secret"},
    {"url": "", "user": "", "pass": ""},
]


def own(pools: Any = POOLS, mode: Mapping[str, Any] | None = None) -> bytes:
    """The settings of a miner with these pools."""
    document = json.loads(RUNNING)
    document["miner"] |= {"pools": pools}
    document["miner"]["cooling"]["mode"] = mode or {"name": "auto", "param": 60}
    return json.dumps(document).encode()


def pane(state: str = "mining", *, restart: bool = False, reboot: bool = False) -> bytes:
    told = {"miner_state": state, "find_miner": True, "restart_required": restart, "reboot_required": reboot}
    return json.dumps(told).encode()


@pytest.fixture
async def vnish(peer: Peer) -> AsyncIterator[Vnish]:
    peer.says("/info", INFO)
    peer.says("/settings", reply(200, own()))
    peer.says("/settings", reply(200, b'{"restart_required":false,"reboot_required":false}'), "POST")
    peer.says("/status", reply(200, pane()))
    for path in ("pause", "resume", "restart", "start"):
        peer.says(f"/mining/{path}", reply(200), "POST")
    async with open_session() as session:
        yield Vnish(Link(session, peer.port, 5.0))


async def steer(vnish: Vnish, verb: str, **args: Any) -> Said:
    return await vnish.steer(REACH, Wish(verb, args))


def posts(peer: Peer) -> list[tuple[str, bytes]]:
    return [(one.call.removeprefix("POST /api/v1"), one.body) for one in peer.asked if one.call.startswith("POST")]


# what is sent


POOL = {"slot": 1, "url": "pool-c.example.com:443", "user": "farm.new"}
SENT: list[tuple[str, dict[str, Any], str, bytes]] = [
    ("pause", {}, "/mining/pause", b""),
    ("resume", {}, "/mining/resume", b""),
    ("restart", {}, "/mining/restart", b""),
    ("reboot", {}, "/system/reboot", b'{"after": 3}'),
    ("locate", {"on": True, "seconds": 120}, "/find-miner", b'{"on": true}'),
    ("locate", {"on": False, "seconds": 120}, "/find-miner", b'{"on": false}'),
    ("preset", {"name": "2800", "untuned": False}, "/settings", b'{"miner": {"overclock": {"preset": "2800"}}}'),
    ("dimmer", {"percent": 40}, "/mining/throttle", b'{"percent": 40}'),
    ("cooling", {"mode": "immersion", "percent": None}, "/settings",
     b'{"miner": {"cooling": {"mode": {"name": "immers"}}}}'),
    ("cooling", {"mode": "manual", "percent": 70}, "/settings",
     b'{"miner": {"cooling": {"mode": {"name": "manual", "param": 70}}}}'),
    ("cooling", {"mode": "auto", "percent": None}, "/settings",
     b'{"miner": {"cooling": {"mode": {"name": "auto", "param": 60}}}}'),
    ("cooling", {"mode": "auto", "percent": None, "target_c": 55}, "/settings",
     b'{"miner": {"cooling": {"mode": {"name": "auto", "param": 55}}}}'),
    ("pools", {"pools": [POOL]}, "/settings",
     (b'{"miner": {"pools": [{"url": "pool-a.example.com:3333", "user": "farm.one", "pass": "first secret"}, '
      b'{"url": "pool-c.example.com:443", "user": "farm.new", "pass": "second secret"}, '
      b'{"url": "", "user": "", "pass": ""}]}}')),
    ("restore", {"pools": {"pools": [POOL | {"password": "third"}]}, "preset": {"name": "2800"},
                 "cooling": {"mode": "immersion", "percent": None}}, "/settings",
     (b'{"miner": {"overclock": {"preset": "2800"}, "cooling": {"mode": {"name": "immers"}}, '
      b'"pools": [{"url": "pool-a.example.com:3333", "user": "farm.one", "pass": "first secret"}, '
      b'{"url": "pool-c.example.com:443", "user": "farm.new", "pass": "third"}, '
      b'{"url": "", "user": "", "pass": ""}]}}')),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "args", "path", "body"), SENT, ids=lambda value: value if str(value) in VERBS else "")
async def test_what_is_sent_is_only_what_changes(
    peer: Peer, vnish: Vnish, verb: str, args: dict[str, Any], path: str, body: bytes
) -> None:
    peer.says(path, reply(200), "POST")
    assert await steer(vnish, verb, **args) == Said()
    assert posts(peer) == [(path, body)]
    assert peer.calls()[0] == "GET /api/v1/info"
    sent = peer.asked[-1].headers
    assert (sent["x-api-key"], sent.get("content-type")) == (KEY, "application/json" if body else None)
    assert sent["content-length"] == str(len(body))


async def test_a_verb_that_vnish_has_no_call_for_asks_nothing(peer: Peer, vnish: Vnish) -> None:
    for verb, args in (
        ("power", {"watts": 3000}),
        ("explode", {}),
        ("restore", {}),
        ("restore", {"cooling": {"mode": "manual", "percent": "all of it"}}),
    ):
        with pytest.raises(errors.NotSupported):
            await steer(vnish, verb, **args)
    assert peer.asked == []


async def test_nobody_is_steered_whose_mac_is_not_known(peer: Peer, vnish: Vnish) -> None:
    with pytest.raises(errors.BadRequest):
        await vnish.steer(Reach(IP, KEY), Wish("pause"))
    with pytest.raises(errors.BadRequest):
        await vnish.steer(Reach(IP, mac=MAC), Wish("pause"))
    with pytest.raises(errors.BadRequest):
        await vnish.look(Reach(IP, KEY))
    assert peer.asked == []


@pytest.mark.parametrize("verb", [*VERBS, None])
async def test_another_device_at_the_address_is_told_nothing_and_tells_nothing(
    peer: Peer, vnish: Vnish, verb: str | None
) -> None:
    peer.says("/info", OTHER)
    peer.says("/summary", reply(200, capture(S19 + "summary.json")))
    with pytest.raises(errors.AnotherDevice):
        await vnish.look(REACH, verb)
    args = next((args for name, args, *_ in SENT if name == verb), None)
    if args is not None:
        with pytest.raises(errors.AnotherDevice):
            await vnish.steer(REACH, Wish(str(verb), args))
    assert set(peer.calls()) == {"GET /api/v1/info"}


# pools


async def test_a_pool_goes_into_its_slot_and_a_missing_slot_is_made(peer: Peer, vnish: Vnish) -> None:
    peer.says("/settings", reply(200, own(POOLS[:1])))
    await steer(vnish, "pools", pools=[POOL | {"slot": 2, "password": "x"}])
    assert json.loads(posts(peer)[0][1])["miner"]["pools"] == [
        POOLS[0],
        {"url": "", "user": "", "pass": ""},
        {"url": POOL["url"], "user": POOL["user"], "pass": "x"},
    ]


@pytest.mark.parametrize("url", ["pool-b.example.com:3333", "stratum+tcp://pool-b.example.com:3333"])
async def test_a_slot_that_stays_the_same_is_written_as_it_was_read(peer: Peer, vnish: Vnish, url: str) -> None:
    same = {"slot": 1, "url": url, "user": "farm.one"}  # as it is shown, without its login
    await steer(vnish, "pools", pools=[same])
    assert json.loads(posts(peer)[0][1])["miner"]["pools"] == POOLS


async def test_a_slot_can_be_emptied_again(peer: Peer, vnish: Vnish) -> None:
    await steer(vnish, "pools", pools=[{"slot": 0, "url": "", "user": "", "password": ""}])
    assert json.loads(posts(peer)[0][1])["miner"]["pools"] == [{"url": "", "user": "", "pass": ""}, *POOLS[1:]]


async def test_a_slot_that_vnish_does_not_have_is_not_written(peer: Peer, vnish: Vnish) -> None:
    with pytest.raises(errors.NotSupported, match="3 slots"):
        await steer(vnish, "pools", pools=[POOL | {"slot": 3}])
    assert posts(peer) == []


BROKEN: dict[str, Any] = {
    "empty": [], "null": None, "no list": {"0": POOLS[0]}, "too many": POOLS * 3,
    "no password": [POOLS[0], {"url": "pool-b.example.com:3333", "user": "farm.one"}],
    "a password of another type": [POOLS[0] | {"pass": 17}],
    "a row that is none": [POOLS[0], None],
    "endless": [POOLS[0] | {"pass": "x" * 5000}],
}  # fmt: skip


@pytest.mark.parametrize("pools", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("verb", ["pools", "restore"])
async def test_pools_that_are_not_told_whole_are_never_written_back(
    peer: Peer, vnish: Vnish, verb: str, pools: Any
) -> None:
    peer.says("/settings", reply(200, own(pools)))
    args = {"pools": [POOL]}
    with pytest.raises(errors.Refused) as caught:
        await steer(vnish, verb, **(args if verb == "pools" else {"pools": args, "preset": {"name": "2800"}}))
    assert caught.value.code == "not_up"
    assert posts(peer) == []
    seen = await vnish.look(REACH, verb)
    assert (seen.pools, seen.kept) == (None, {"pools": {}})


async def test_a_password_that_is_no_utf8_is_not_written_back_as_something_else(peer: Peer, vnish: Vnish) -> None:
    peer.says("/settings", reply(200, own().replace(b"second secret", b"s\xe9cond")))
    with pytest.raises(errors.Refused, match="written back"):
        await steer(vnish, "pools", pools=[POOL])
    assert posts(peer) == []


@pytest.mark.parametrize("state", ["initializing", "starting", "restarting", "shutting-down", None])
async def test_a_miner_that_is_on_its_way_keeps_its_pools(peer: Peer, vnish: Vnish, state: str | None) -> None:
    peer.says("/status", reply(200, pane(state) if state else b"{}"))
    with pytest.raises(errors.Refused) as caught:
        await steer(vnish, "pools", pools=[POOL])
    assert caught.value.code == "not_up"
    assert posts(peer) == []


# what each answer becomes


YES: list[tuple[bytes, Said]] = [
    (b"", Said()),
    (b"null", Said()),
    (b'{"restart_required":true,"reboot_required":false}', Said(restart_required=True)),
    (b'{"restart_required":false,"reboot_required":true}', Said(reboot_required=True)),
    (b'{"restart_required":"yes","reboot_required":1}', Said()),
    (b'{"restart_required":tr', Said()),
    (b"<html>ok</html>", Said()),
    (b"[[[[" * 4000, Said()),
    (b"\xff\xfe\0", Said()),
]


@pytest.mark.parametrize(("body", "said"), YES, ids=lambda value: repr(value)[:30])
async def test_a_yes_is_one_whatever_comes_with_it(peer: Peer, vnish: Vnish, body: bytes, said: Said) -> None:
    peer.says("/settings", reply(200, body), "POST")
    assert await steer(vnish, "preset", name="2800") == said


async def test_a_yes_that_breaks_off_or_never_ends_is_one_too(peer: Peer, vnish: Vnish) -> None:
    peer.says("/mining/pause", cut(reply(200, b'{"resta', Content_Length="50")), "POST")
    assert await steer(vnish, "pause") == Said()
    peer.says("/mining/pause", flood(peer, reply(200, b"", Content_Length="9000000"), b"x" * 65536, 200_000), "POST")
    assert await steer(vnish, "pause") == Said()


WORDS = "CGMiner err: Cgminer error failed-to-activate-pause-mode "
NO: list[tuple[int, bytes, type[errors.HivedError], str]] = [
    (500, json.dumps({"err": WORDS}).encode(), errors.Refused, WORDS.strip()),
    (400, b'{"err": "Unknown preset: 9999"}', errors.Refused, "Unknown preset: 9999"),
    (200, b'{"err": "not now"}', errors.Refused, "not now"),
    (500, json.dumps({"err": "a\n\x1b[31mb\u202e" + "c" * 5000}).encode(), errors.Refused, "a [31mb" + "c" * 249),
    (500, json.dumps({"err": f"{KEY} and second secret"}).encode(), errors.Refused, "*** and ***"),
    (500, b"", errors.Transient, "HTTP 500"),
    (500, b"<html>", errors.Transient, "HTTP 500"),
    (502, b'{"err": "bad gateway"}', errors.Transient, "HTTP 502: bad gateway"),
    (401, b"", errors.BadCredentials, "key"),
    (404, b"", errors.NotSupported, "no such call"),
    (429, b"", errors.LockedOut, "429"),
    (302, b"", errors.NotThisFirmware, "redirects"),
]


@pytest.mark.parametrize(("status", "body", "kind", "text"), NO, ids=lambda value: str(value)[:24])
async def test_a_no_is_told_in_the_miners_own_words(
    peer: Peer, vnish: Vnish, status: int, body: bytes, kind: type[errors.HivedError], text: str
) -> None:
    peer.says("/settings", reply(status, body), "POST")
    with pytest.raises(errors.HivedError) as caught:
        await steer(vnish, "pools", pools=[POOL])
    assert type(caught.value) is kind
    assert text in str(caught.value)
    assert len(str(caught.value)) <= 256
    assert str(caught.value).isprintable()


async def test_a_lost_connection_leaves_open_whether_it_was_heard_and_nothing_is_sent_again(
    peer: Peer, vnish: Vnish
) -> None:
    for verb, path in (("restart", "/mining/restart"), ("reboot", "/system/reboot")):
        peer.says(path, reset(), "POST")
        with pytest.raises(errors.Transient) as caught:
            await steer(vnish, verb)
        assert caught.value.code == "connection_lost"
    assert [path for path, _ in posts(peer)] == ["/mining/restart", "/system/reboot"]


async def test_a_miner_that_does_not_hash_is_stopped_where_it_takes_no_pause(peer: Peer, vnish: Vnish) -> None:
    peer.says("/mining/pause", reply(500, b'{"err": "failed-to-activate-pause-mode"}'), "POST")
    peer.says("/mining/stop", reply(200), "POST")
    assert await steer(vnish, "pause") == Said()
    assert [path for path, _ in posts(peer)] == ["/mining/pause", "/mining/stop"]


async def test_a_miner_that_was_stopped_is_started_where_there_is_no_pause_to_end(peer: Peer, vnish: Vnish) -> None:
    peer.says("/mining/resume", reply(500, b'{"err": "failed-to-deactivate-pause-mode"}'), "POST")
    assert await steer(vnish, "resume") == Said()
    assert [path for path, _ in posts(peer)] == ["/mining/resume", "/mining/start"]
    peer.says("/mining/resume", reply(401), "POST")
    with pytest.raises(errors.BadCredentials):
        await steer(vnish, "resume")
    assert [path for path, _ in posts(peer)][2:] == ["/mining/resume"]


# what is read back


LOOKS: dict[str | None, list[str]] = {
    "pause": ["/summary"], "resume": ["/summary"], "restart": ["/summary"], "reboot": ["/summary"],
    "locate": ["/status"], "dimmer": ["/summary"], "cooling": ["/settings", "/status", "/summary"],
    "pools": ["/settings", "/status", "/summary"],
    **{one: ["/summary", "/perf-summary", "/settings", "/status"] for one in ("preset", "power", "restore")},
    None: ["/summary", "/perf-summary", "/settings", "/status", "/info", "/autotune/presets"],
}  # fmt: skip


@pytest.mark.parametrize("verb", [*VERBS, None])
async def test_only_what_shows_the_effect_is_asked_for(peer: Peer, vnish: Vnish, verb: str | None) -> None:
    for call in ("summary", "perf-summary", "autotune/presets"):
        peer.says(f"/{call}", reply(200, capture(f"{S19}{call.replace('/', '_')}.json")))
    await vnish.look(REACH, verb)
    first, *rest = [call.removeprefix("GET /api/v1") for call in peer.calls()]
    assert (first, rest) == ("/info", LOOKS[verb])  # who is there comes first, and tells since when it runs


@pytest.mark.parametrize(("verb", "more"), [("pause", "/perf-summary"), ("preset", "/autotune/presets"), ("pools", "")])
async def test_before_a_verb_what_brings_back_is_asked_for_too(peer: Peer, vnish: Vnish, verb: str, more: str) -> None:
    for call in ("summary", "perf-summary", "autotune/presets"):
        peer.says(f"/{call}", reply(200, capture(f"{S19}{call.replace('/', '_')}.json")))
    await vnish.look(REACH, verb, before=True)
    _, *rest = [call.removeprefix("GET /api/v1") for call in peer.calls()]
    assert rest == LOOKS[verb] + ([more] if more else [])


async def test_everything_that_a_miner_shows(peer: Peer, vnish: Vnish) -> None:
    for call in ("summary", "perf-summary"):
        peer.says(f"/{call}", reply(200, capture(f"{S21}{call}.json")))
    peer.says("/autotune/presets", reply(200, capture("tuned-presets-fixture/autotune_presets.json")))
    peer.says("/status", reply(200, pane(restart=True)))
    told, who = EXPECTED[S21 + "summary.json"][1], EXPECTED[S19 + "info.json"][1]
    assert told.power_w > 0
    seen = await vnish.look(REACH)
    assert seen == Seen(
        at=0.0, state="auto-tuning", state_s=told.state_s, hashrate_hs=told.hashrate_hs, power_w=told.power_w,
        preset="2800", asked_preset="3160", cooling={"mode": "auto", "percent": None, "target_c": 60},
        pools=(
            {"slot": 0, "url": "pool-a.example.com:3333", "user": "farm.one"},
            {"slot": 1, "url": "pool-b.example.com:3333", "user": "farm.one"},
            {"slot": 2, "url": "", "user": ""},
        ),
        uptime_s=who.uptime_s, finding=True, restart_required=True, tuned=("1500", "2300"),
        kept={"pools": {0: "first secret", 1: "second secret", 2: ""}},
    )  # fmt: skip
    assert "secret" not in f"{seen.to_json()} {seen}"
    assert (await vnish.look(REACH, "cooling")).kept == {}


async def test_a_change_that_waits_for_a_reboot_waits(peer: Peer, vnish: Vnish) -> None:
    peer.says("/status", reply(200, pane(reboot=True)))
    assert (await vnish.look(REACH, "locate")).restart_required is True
    peer.says("/status", reply(200, b"{}"))
    assert (await vnish.look(REACH, "locate")).restart_required is None


async def test_a_part_that_fails_costs_itself(peer: Peer, vnish: Vnish) -> None:
    peer.says("/summary", reply(200, capture(S19 + "summary.json")))
    peer.says("/settings", reply(401))
    seen = await vnish.look(REACH, "preset")
    assert (seen.state, seen.preset, seen.asked_preset, seen.restart_required) == ("mining", None, None, False)


async def test_where_nothing_comes_the_reason_does(peer: Peer, vnish: Vnish) -> None:
    peer.says("/summary", reply(500))
    with pytest.raises(errors.Transient):
        await vnish.look(REACH, "pause")
    peer.says("/status", reply(401))
    with pytest.raises(errors.BadCredentials):
        await vnish.look(REACH, "locate")
    peer.says("/summary", reset())
    asked = len(peer.asked)
    with pytest.raises(errors.Transient, match="reset"):
        await vnish.look(REACH)
    assert set(peer.calls()[asked:]) <= {"GET /api/v1/info", "GET /api/v1/summary"}  # it is not asked for more


@given(body=BODIES)
@settings(max_examples=150, deadline=None)
def test_no_answer_raises_anything_but_unreadable(body: bytes) -> None:
    parse_steer.said(body)
    for read in (parse_steer.pane, parse_steer.asked):
        with suppress(errors.Unreadable):
            read(body)


@given(pools=JSON | st.lists(JSON, max_size=4), cooling=JSON)
@settings(max_examples=150, deadline=None)
def test_settings_of_the_right_outline_are_bounded(pools: Any, cooling: Any) -> None:
    told = parse_steer.asked(json.dumps({"miner": {"pools": pools, "cooling": {"mode": cooling}}}).encode())
    assert all(slot.keys() == {"url", "user", "pass"} for slot in told.slots)
    for one in told.pools() or ():
        assert len(one["url"]) <= 256
        assert len(one["user"]) <= 256


# what it offers, and for how long


@pytest.mark.parametrize(
    ("version", "dims"),
    [("1.2.7", False), ("1.3.3", True), ("1.3.0-rc1", True), ("2.0.0", True), ("1.10.1", True), ("v1.3", True)]
    + [(version, False) for version in (None, "", "1", "beta", "0.9.9", "1.2.0-rc3", "99999999.1")],
)
def test_the_dimmer_came_with_1_3(version: str | None, dims: bool) -> None:
    vnish = Vnish.__new__(Vnish)
    assert (Feature.DIMMER in vnish.features(version)) is dims
    assert vnish.features(version) | {Feature.DIMMER} == Vnish.can
    assert Feature.POWER not in Vnish.can


def test_every_verb_that_is_offered_has_its_time() -> None:
    vnish = Vnish.__new__(Vnish)
    times = {name: vnish.patience_s(name) for name, verb in VERBS.items() if verb.needs & Vnish.can}
    assert times["locate"] < times["pause"] < times["dimmer"] < times["restart"] < times["reboot"]
    assert all(15.0 <= seconds <= 600.0 for seconds in times.values())
