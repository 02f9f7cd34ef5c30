"""hivectl join, leave, rotate-key and sync: what a person does about the master."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from hived.records.enrolling import EnrollCode
from hived.records.joining import new_key
from hived.records.peers import ALIVE, MASTER, Peer
from hived.records.streams import CONTRIBUTIONS, EVENTS, STATUS, Item
from hived.records.uplink import ASKING, JOINED, PIN_MISMATCH, REFUSED, Uplink
from hived.store import audit
from hived.store.nodes import dead_letters, peers, uplink
from tests.cli.site import MINUTE, Site
from tests.clients.master.tls import certificate
from tests.clock import FakeClock
from tests.services.nodes.master import SmallMaster, serving


@pytest.fixture
async def master(clock: FakeClock) -> AsyncIterator[SmallMaster]:
    async with serving(SmallMaster(clock)) as made:
        yield made


def linked(site: Site, state: str = JOINED, **changes: object) -> Uplink:
    """Let the node have a master."""
    fields: dict[str, object] = {
        "state": state, "url": "https://192.168.7.2:8080", "master_id": "m-1", "master_name": "site-master",
        "pin": "ab" * 32, "key": new_key(), "phrase": "fonuv-juron-fanuj-kikuk", "since": site.now,
        "asked_at": site.now, "ok_at": site.now, "keyed_at": site.now,
    }  # fmt: skip
    link = Uplink(**{**fields, **changes})  # type: ignore[arg-type]
    site.write(uplink.put, link)
    return link


async def test_a_good_code_joins_and_says_what_to_compare(empty: Site, master: SmallMaster) -> None:
    empty.daemons()
    ran = await asyncio.to_thread(empty.run, "join", master.url, "GOOD-CODE")
    assert ran.code == 0
    assert ran.lines[0] == f"joined site-master at {master.url}: hive-syncd sends from now on"
    (phrase,) = master.phrases.values()
    assert phrase in ran.out
    assert ran.err == ""
    (row,) = empty.write(audit.listing, limit=9)
    assert (row["action"], row["target"], row["after"]["state"]) == ("master.join", "m-1", "joined")


async def test_a_node_that_has_joined_asks_nobody_anew_by_the_way(empty: Site, master: SmallMaster) -> None:
    empty.daemons()
    await asyncio.to_thread(empty.run, "join", master.url, "GOOD-CODE")
    before = empty.write(uplink.get)
    ran = await asyncio.to_thread(empty.run, "join", master.url)
    assert ran.code == 1
    assert "has joined site-master" in ran.err
    assert "`hivectl leave` first" in ran.err
    assert empty.write(uplink.get) == before
    ran = await asyncio.to_thread(empty.run, "join", master.url, "GOOD-CODE")
    assert ran.code == 0, "a code lets it in at once, so nothing is lost"


async def test_a_bad_code_says_where_to_get_another(empty: Site, master: SmallMaster) -> None:
    ran = await asyncio.to_thread(empty.run, "join", master.url, "BADD-CODE")
    assert ran.code == 1
    assert "this code is wrong" in ran.err
    assert "`hivectl enroll-code` on the master prints another" in ran.err
    assert empty.write(uplink.get).state == "none"


@pytest.mark.parametrize("status", [401, 403])
async def test_who_is_refused_by_a_proxy_is_not_sent_for_another_code(
    empty: Site, master: SmallMaster, status: int
) -> None:
    async def refuse(_master: SmallMaster, path: str, _document: object) -> web.Response | None:
        return web.json_response({"error": "not by this name"}, status=status) if path.endswith("hello") else None

    master.faults.append(refuse)
    ran = await asyncio.to_thread(empty.run, "join", master.url, "GOOD-CODE")
    assert ran.code == 1
    assert f"answers {status}: not by this name" in ran.err
    assert "enroll-code" not in ran.err
    assert "what a browser shows the dashboard at" in ran.err


async def test_without_a_code_a_person_approves_it(empty: Site, master: SmallMaster) -> None:
    ran = await asyncio.to_thread(empty.run, "join", master.url)
    assert ran.code == 0
    (phrase,) = master.phrases.values()
    assert f"{phrase}\n" in ran.out
    assert "hivectl nodes approve" in ran.out
    assert "hive-syncd is not running" in ran.err
    said = await asyncio.to_thread(empty.run, "status")
    assert f"asking site-master, compare {phrase}" in said.out


async def test_the_phrase_is_confirmed_by_typing_what_the_master_shows(empty: Site, master: SmallMaster) -> None:
    empty.daemons()
    ran = await asyncio.to_thread(empty.run, "join", master.url)
    assert ran.lines[-2].endswith("and say here that it is the same; nothing is sent before:")
    assert ran.lines[-1].strip() == f"hivectl join {master.url} PHRASE"
    (phrase,) = master.phrases.values()
    said = await asyncio.to_thread(empty.run, "status")
    assert f"if it is the same, here: hivectl join {master.url} PHRASE" in said.out
    other = await asyncio.to_thread(empty.run, "join", master.url, "babab-babab-babab-babab")
    assert other.code == 1
    assert f"this node's phrase is {phrase}, not babab-babab-babab-babab" in other.err
    assert empty.write(uplink.get).consent is None
    ran = await asyncio.to_thread(empty.run, "join", master.url, phrase.replace("-", " "))
    assert ran.code == 0
    assert ran.lines[0] == "site-master may have this node: hive-syncd sends as soon as it is approved there"
    assert empty.write(uplink.get).consent == "phrase"
    assert [row["action"] for row in empty.write(audit.listing, limit=9)] == ["master.confirm", "master.join"]
    said = await asyncio.to_thread(empty.run, "status")
    assert "its operator compares the phrase and approves this node" in said.out


async def test_a_code_with_letters_missing_is_sent_to_nobody(empty: Site, master: SmallMaster) -> None:
    code = EnrollCode.new("ab" * 32).text
    for typed in (code[:-1], f"{code}7", "KJ7M", code[:12]):
        ran = await asyncio.to_thread(empty.run, "join", master.url, typed)
        assert (ran.code, "type all of it" in ran.err) == (2, True)
    assert master.log == []


async def test_a_master_without_tls_is_joined_by_who_says_so(empty: Site, master: SmallMaster) -> None:
    """0.0.0.0 leads here, and is no name of this machine."""
    empty.daemons()
    url = master.url.replace("127.0.0.1", "0.0.0.0")
    ran = await asyncio.to_thread(empty.run, "join", url, "GOOD-CODE")
    assert ran.code == 1
    assert f"to send unencrypted all the same: hivectl join {url} CODE --plain" in ran.err
    assert empty.write(uplink.get).state == "none"
    ran = await asyncio.to_thread(empty.run, "join", url, "GOOD-CODE", "--plain")
    assert ran.code == 0
    assert "anyone on the path could answer as the master" in ran.err
    assert empty.write(uplink.get).state == "joined"
    assert "without TLS" in (await asyncio.to_thread(empty.run, "status")).out


async def test_a_code_of_another_master_is_sent_to_nobody(empty: Site, clock: FakeClock, tmp_path: Path) -> None:
    async with serving(SmallMaster(clock, certificate(tmp_path))) as other:
        ran = await asyncio.to_thread(empty.run, "join", other.url, EnrollCode.new("ab" * 32).text)
        assert ran.code == 1
        assert "has another key" in ran.err
        assert "not that of the code: nothing was said to it" in ran.err
        assert other.log == []
        assert empty.write(uplink.get).state == "none"


@pytest.mark.parametrize("by_url", [False, True])
def test_a_master_that_offers_itself_is_shown_with_how_to_join_it(empty: Site, by_url: bool) -> None:
    url = "http://127.0.0.1:9"
    if by_url:
        empty.configure(f"syncd: {{master: '{url}'}}")
    else:
        shown = Peer(
            name="site-master", id="m-1", role=MASTER, version="0.1.0", addresses=("127.0.0.1",), port=9,
            path="/api/v1", tls=False, fingerprint=None, state=ALIVE, since=empty.now, seen_at=empty.now,
            verified_at=empty.now,
        )  # fmt: skip
        empty.write(peers.save, [shown])
    who = f"{url} (syncd.master)" if by_url else f"site-master ({url})"
    ran = empty.run("status")
    assert f"  master      no master yet: {who} offers itself as master\n" in ran.out
    assert f"next: to join it: hivectl join {url} CODE" in ran.out
    document = empty.run("status", "--json").document["master"]
    assert (document["state"], document["consent"]) == ("none", None)
    assert document["offered"] == [{"name": None if by_url else "site-master", "url": url}]


def test_a_configuration_that_names_another_master_is_told_with_what_to_do(empty: Site) -> None:
    linked(empty, consent="code")
    empty.configure("syncd: {master: 'http://192.168.7.2:8080'}")  # the same place, before there was TLS
    said = empty.run("status")
    assert "  master      joined site-master, 0 behind\n" in said.out
    assert empty.run("status", "--json").document["master"]["offered"] == []
    empty.configure("syncd: {master: 'http://192.168.7.3:8080'}")
    said = empty.run("status")
    assert "joined site-master, 0 behind; syncd.master names http://192.168.7.3:8080\n" in said.out
    assert "next: to join it: hivectl join http://192.168.7.3:8080 CODE" in said.out


async def test_a_program_reads_how_it_went(empty: Site, master: SmallMaster) -> None:
    ran = await asyncio.to_thread(empty.run, "join", master.url, "GOOD-CODE", "--json")
    assert (ran.document["state"], ran.document["node_id"], ran.document["url"]) == ("joined", "m-1", master.url)
    assert not [word for word in ("secret", "hive_") if word in ran.out]


async def test_nobody_there_is_said_with_what_to_look_at(empty: Site, free_port: int) -> None:
    ran = await asyncio.to_thread(empty.run, "join", f"http://127.0.0.1:{free_port}", "GOOD-CODE")
    assert ran.code == 1
    assert "cannot be reached" in ran.err
    assert "what a browser shows the dashboard at" in ran.err


@pytest.mark.parametrize(
    ("config", "url", "said"),
    [
        ("syncd: {master: off}", "http://127.0.0.1:1", "says off"),
        ("syncd: {master: 'http://127.0.0.1:2'}", "http://127.0.0.1:1", "names another master"),
        ("syncd: {master: auto}", "192.168.1.2", "expected a URL"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(empty: Site, config: str, url: str, said: str) -> None:
    empty.configure(config)
    ran = empty.run("join", url, "GOOD-CODE")
    assert ran.code == 2
    assert said in ran.err


def test_who_leaves_forgets_the_key_and_is_told_the_rest(empty: Site) -> None:
    linked(empty)
    ran = empty.run("leave")
    assert ran.code == 0
    assert ran.lines[0].startswith("left site-master: nothing is sent")
    assert "hivectl nodes revoke" in ran.out
    link = empty.write(uplink.get)
    assert (link.state, link.key, link.url) == ("left", None, None)
    again = empty.run("leave")
    assert (again.code, again.err) == (1, "hivectl: this node has no master\n")


def test_the_key_is_changed_when_a_person_wants_it(empty: Site) -> None:
    assert empty.run("rotate-key").code == 1
    linked(empty)
    ran = empty.run("rotate-key")
    assert ran.code == 0
    assert empty.write(uplink.get).keyed_at == 0.0


@pytest.mark.parametrize(
    ("state", "changes", "said", "step"),
    [
        (JOINED, {}, "joined site-master, 0 behind", None),
        (
            JOINED,
            {"last_error": "no route to host"},
            "site-master unreachable for 0 s, 0 rows wait: no route to host",
            "next: nothing yet: hived tries again by itself",
        ),
        (
            JOINED,
            {"last_error": "no route to host", "last_error_code": "master_unreachable"},
            "site-master unreachable for 0 s, 0 rows wait: no route to host",
            "next: see whether https://192.168.7.2:8080 opens in a browser",
        ),
        (ASKING, {}, "asking site-master, compare fonuv-juron-fanuj-kikuk", "nodes approve"),
        (REFUSED, {}, "site-master refuses this node's key; 0 rows wait", "hivectl join https://192.168.7.2:8080"),
        (PIN_MISMATCH, {}, "site-master answers with another key, nothing is sent; 0 rows wait", "until you know who"),
    ],
)
def test_the_overview_says_how_it_stands_and_what_to_do(
    empty: Site, state: str, changes: dict[str, object], said: str, step: str | None
) -> None:
    linked(empty, state, **changes)
    ran = empty.run("status")
    assert f"  master      {said}\n" in ran.out
    assert step is None or step in ran.out
    document = empty.run("status", "--json").document["master"]
    assert (document["state"], document["name"]) == (state, "site-master")


def test_a_node_that_never_had_a_master_is_not_bothered(empty: Site) -> None:
    assert "  master " not in empty.run("status").out
    assert empty.run("status", "--json").document["master"]["state"] == "none"


def aside(site: Site) -> None:
    item = Item(7, "{}", "https://museum.example/objects/7")
    site.write(dead_letters.set_aside, CONTRIBUTIONS, [(item, "bad_url")], site.now - MINUTE)
    site.write(dead_letters.set_aside, STATUS, [(Item(9, "{}", "02:00 at noon"), "unknown_miner")], site.now)


def test_what_the_master_does_not_take_is_listed_with_the_reason(empty: Site) -> None:
    nothing = empty.run("sync", "dead")
    assert (nothing.code, nothing.out) == (0, "")
    linked(empty)
    aside(empty)
    ran = empty.run("sync", "dead")
    assert "https://museum.example/objects/7" in ran.row("bad_url")
    assert ran.row("unknown_miner").startswith("status")
    assert [one["seq"] for one in empty.run("sync", "dead", "--json").document] == [7, 9]
    assert "2 rows not taken\n              next: see which: hivectl sync dead" in empty.run("status").out


def test_it_is_sent_again_or_given_up(empty: Site) -> None:
    linked(empty)
    aside(empty)
    empty.write(uplink.hold, "m-1", {CONTRIBUTIONS: 8, STATUS: 10}, empty.now)
    ran = empty.run("sync", "dead", "retry")
    assert ran.out == "1 row will be sent again\n"
    assert "1 summary of past hours cannot be sent again" in ran.err
    assert empty.run("sync", "dead", "drop", "status", "9").out == "1 row given up; they stay on this node\n"
    assert empty.run("sync", "dead", "--json").document == []
    missing = empty.run("sync", "dead", "drop", EVENTS, "4")
    assert missing.code == 1
    assert "no row 4 of events is set aside" in missing.err


# -- secure ----------------------------------------------------------------------------------------------------------


def joined_without_tls(site: Site, master: SmallMaster) -> Uplink:
    """As 0.1.0 did: an address without TLS, and nothing pinned."""
    link = linked(site, url=master.url.replace("https:", "http:"), pin=None, fingerprint=None)
    assert link.key is not None
    master.keys[link.key.id] = (link.key.secret_hash, "active")
    return link


@pytest.fixture
async def safe(clock: FakeClock, tmp_path: Path) -> AsyncIterator[SmallMaster]:
    async with serving(SmallMaster(clock, certificate(tmp_path))) as made:
        yield made


async def test_secure_pins_the_master_that_proves_itself(empty: Site, safe: SmallMaster) -> None:
    empty.daemons()
    before = joined_without_tls(empty, safe)
    ran = await asyncio.to_thread(empty.run, "secure")
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines[0] == "site-master has proven itself: hive-syncd sends over TLS from now on, with a new key"
    assert safe.certificate is not None
    link = empty.write(uplink.get)
    assert (link.url, link.pin, link.state, link.key) == (safe.url, safe.certificate.pin, JOINED, before.key)
    assert link.keyed_at == 0, "the key could be read so far: it is changed at once"
    assert {path for path, _ in safe.log} == {"hello"}
    (row,) = empty.write(audit.listing, limit=9)
    assert (row["action"], row["before"], row["after"]["pin"]) == ("master.secure", {"url": before.url}, link.pin)
    again = await asyncio.to_thread(empty.run, "secure", "--json")
    assert (again.code, again.document["url"]) == (0, safe.url)


@pytest.mark.parametrize("trouble", ["knows no key", "another key", "0.1.0", "another master"])
async def test_secure_pins_nobody_else(empty: Site, safe: SmallMaster, trouble: str) -> None:
    before = joined_without_tls(empty, safe)
    assert before.key is not None
    if trouble == "knows no key":
        safe.keys.clear()
    elif trouble == "another key":
        safe.keys[before.key.id] = ("cd" * 32, "active")
    elif trouble == "0.1.0":
        safe.proves = False
    else:
        safe.id = "m-2"
    ran = await asyncio.to_thread(empty.run, "secure")
    assert ran.code == 1
    assert "nothing was changed" in ran.err
    assert empty.write(uplink.get) == before


async def test_secure_needs_a_master_with_tls(empty: Site, master: SmallMaster) -> None:
    before = joined_without_tls(empty, master)
    ran = await asyncio.to_thread(empty.run, "secure")
    assert (ran.code, "nothing was changed" in ran.err) == (1, True)
    assert empty.write(uplink.get) == before


def test_secure_without_a_master_says_how_to_join_one(empty: Site) -> None:
    ran = empty.run("secure")
    assert (ran.code, "hivectl join" in ran.err) == (1, True)


@pytest.mark.parametrize("command", ["status", "doctor"])
def test_a_way_without_tls_is_shown_with_what_to_do(empty: Site, command: str) -> None:
    linked(empty, url="http://192.168.7.2:8080", pin=None)
    ran = empty.run(command)
    assert "without TLS" in ran.out
    assert "hivectl secure" in ran.out
