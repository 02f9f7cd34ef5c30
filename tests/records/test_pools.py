"""Whose pools and workers are allowed, and what counts as a change of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.errors import BadRequest
from hived.records import pools
from hived.records.miner import PoolReading
from hived.records.pools import AllowedPool, changes, checked, doubts, follow, foreign, is_complete

HOME = "stratum+tcp://pool.example:3333"


def slot(index: int, url: str | None = HOME, user: str | None = "farm.rig1", kind: str = "user") -> PoolReading:
    return PoolReading(index, url, user, kind)


@pytest.mark.parametrize(
    ("entry", "url", "user", "is_allowed"),
    [
        (("pool.example", None), HOME, "anybody", True),
        (("pool.example:3333", None), HOME, "x", True),
        (("pool.example:25", None), HOME, "x", False),
        ((HOME, None), HOME, "x", True),
        (("stratum+ssl://pool.example:3333", None), HOME, "x", False),
        (("POOL.Example.", None), "stratum+tcp://Pool.EXAMPLE.:3333/", "x", True),
        (("*.example", None), HOME, "x", True),
        (("*.pool.example", None), HOME, "x", False),
        (("*.pool.example", None), "stratum+tcp://eu.pool.example:1", "x", True),
        (("pool.example", None), "pool.example:3333", "x", True),
        (("pool.example", None), "stratum+tcp://pool.example.evil.example:3333", "x", False),
        (("pool.example", None), "stratum+tcp://evilpool.example:3333", "x", False),
        (("pool.example", None), "stratum+tcp://pool.example@evil.example:3333", "x", False),
        (("pool.example", None), "stratum+tcp://pool.example:3333@evil.example", "x", False),
        (("pool.example", None), "stratum+tcp://evil.example/pool.example:3333", "x", False),
        (("pool.example", None), "stratum+tcp://evil.example?://pool.example:3333", "x", False),
        (("pool.example", None), "stratum+tcp://evil.example#@pool.example", "x", False),
        (("pool.example", None), "stratum+tcp://pool.example\\@evil.example", "x", False),
        (("pool.example", None), "stratum+tcp://pool.example\n.evil.example", "x", False),
        (("pool.example", None), "stratum+tcp://pool.example:99999999", "x", False),
        (("pool.example", None), "stratum+tcp://p\u043eol.example:3333", "x", False),
        (("*", "farm"), HOME, "farm", True),
        (("pool.example", "farm"), HOME, "farm.rig1", True),
        (("pool.example", "farm.*"), HOME, "farm.rig1", True),
        (("pool.example", "farm.*"), HOME, "farm", True),
        (("pool.example", "farm"), HOME, "farmer.rig1", False),
        (("pool.example", "farm"), HOME, "thief.777", False),
        (("pool.example", "farm"), HOME, "thief.farm", False),
        (("pool.example", "bc1qA"), HOME, "bc1qa.rig", False),
        (("pool.example", "farm"), HOME, None, False),
        (("pool.example", "f*m"), HOME, "farm.rig1", True),
        (("[2001:db8::1]:3333", None), "stratum+tcp://[2001:db8::1]:3333", "x", True),
    ],
)  # fmt: skip
def test_an_entry_covers_what_it_names_and_nothing_that_only_looks_like_it(
    entry: tuple[str, str | None], url: str, user: str | None, is_allowed: bool
) -> None:
    assert AllowedPool(*entry).allows(url, user) is is_allowed


@given(text=st.text(max_size=40), user=st.text(max_size=20))
def test_no_url_of_a_miner_is_too_strange_to_be_judged(text: str, user: str) -> None:
    entry = AllowedPool("pool.example", "farm")
    assert entry.allows(text, user) in (True, False)
    assert not AllowedPool("pool.example").allows(f"stratum+tcp://pool.example@{text or 'x'}", user)


@pytest.mark.parametrize(
    "url", ["", " ", "*", "*:*", "*://*", "a b", "x" * 300, "user@pool.example", "pool.example:port", "a\nb"]
)
def test_an_entry_that_makes_no_sense_is_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        checked(url, None)
    with pytest.raises(BadRequest):
        checked("pool.example", "a b")
    assert checked(" * ", " farm ") == AllowedPool("*", "farm")


def test_nothing_is_judged_without_an_entry_and_fees_never() -> None:
    told = [slot(0), slot(1, "stratum+tcp://evil.example:1"), slot(2, "stratum+tcp://fee.example:1", kind="devfee"),
            slot(3, "stratum+tcp://x.example:1", kind="unknown"), slot(4, None, None)]  # fmt: skip
    assert foreign(told, []) == []
    assert [pool.index for pool in foreign(told, [AllowedPool("pool.example", "farm")])] == [1]
    assert [pool.index for pool in foreign(told, [AllowedPool("evil.example")])] == [0]


def test_a_change_of_url_or_worker_in_any_slot_is_told_and_nothing_else() -> None:
    told = [slot(0), slot(1, "stratum+tcp://b.example:1"), slot(2, "stratum+tcp://fee.example:1", kind="devfee")]
    before = follow(None, told)
    assert list(changes(None, before)) == []  # the first look
    for same in ([], told, told[:1], [slot(0, None), told[1]], [slot(0, HOME, None), told[1]], list(reversed(told))):
        after = follow(before, same)
        assert after == before
        assert list(changes(before, after)) == []
    for index, url, user in (
        (0, HOME, "thief.777"),
        (1, "stratum+tcp://evil.example:1", "farm.rig1"),
        (4, HOME, "thief.777"),
    ):
        ((number, _, now),) = changes(before, follow(before, [*told[:2], slot(index, url, user)]))
        assert (number, now) == (index, f"{url} as {user}")
    fee = [*told[:2], slot(2, "stratum+tcp://other.example:1", "another", kind="devfee")]
    assert follow(before, fee) == before


def test_what_is_remembered_comes_back_as_it_was() -> None:
    before = follow(None, [slot(0), slot(2, None, "x"), slot(11, HOME, None)])
    assert pools.from_text(pools.to_text(before)) == before
    assert pools.from_text(None) is None
    assert pools.from_text(pools.to_text({})) == {}


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("stratum+tcp://pool.example.com:3333", True), ("pool.example.com:3333", True), ("10.0.0.1:65535", True),
        ("stratum2+tcp://pool.example:34255/9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72", True),
        ("stratum+ssl://[2001:db8::1]:443", True), ("http://127.0.0.1:8332/", True),
        ("pool-c", False), ("stratum+tcp://pool.example.com", False), ("pool.example.com:0", False), ("", False),
        ("pool.example.com:65536", False), ("://pool.example.com:1", False), ("stratum+tcp://:3333", False),
        ("me@pool.example.com:3333", False), ("a b:1", False), ("pool.example.com:3333\n", False),
    ],
)  # fmt: skip
def test_a_pool_to_be_set_has_a_host_and_a_port(url: str, fits: bool) -> None:
    assert is_complete(url) is fits


def test_one_worker_for_many_and_one_that_looks_like_a_template_are_doubted() -> None:
    one, template = {"url": HOME, "user": "farm.rig"}, {"url": HOME, "user": "farm.{n}"}
    assert doubts([one], 1) == []
    assert doubts([one, one], 20) == ["all 20 miners get the same worker (farm.rig): the pool cannot tell them apart"]
    assert doubts([template, {"url": HOME, "user": None}], 1) == [
        "'farm.{n}' is set as it is written: nothing in it is filled in"
    ]
