"""One key of ours on every miner, whatever happens; and never a lockout by our doing."""

from __future__ import annotations

import ipaddress
import itertools
import logging
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from hived.clients.firmwares.vnish.family import DESCRIPTION
from hived.services.miners.keys import FIRST_PAUSE_S, LONGEST_PAUSE_S, LONGEST_UNANSWERED_S
from hived.simulator.miners import vnish
from hived.simulator.miners.calls import Call, Route
from hived.simulator.miners.faults import Fault
from hived.store import events
from hived.store.miners import miners
from tests.services.conftest import MakeSite, Site


async def test_ten_restarts_leave_one_key_on_each_miner(make_site: MakeSite) -> None:
    here = await make_site(5)
    for _ in range(10):
        await here.discoverer().round()
        here.clock.advance(30)
    assert [list(m.keys.values()) for m in here.fleet.miners] == [[DESCRIPTION]] * 5
    assert [m.requests["POST /api/v1/unlock"] for m in here.fleet.miners] == [1] * 5
    key = next(iter(here.fleet.miners[0].keys))
    assert len(key) == 32
    assert int(key, 16) >= 0


async def test_a_key_that_was_made_but_not_stored_is_found_on_the_miner_again(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await make_site(1)

    def crash(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(miners, "keep_access", crash)
        with pytest.raises(BaseExceptionGroup):
            await here.discoverer().round()
    rig = here.fleet.miners[0]
    assert list(rig.keys.values()) == [DESCRIPTION]
    assert (await here.row(rig)).access is None
    await here.discoverer().round()
    assert list(rig.keys) == [(await here.row(rig)).access]


async def test_surplus_keys_of_ours_go_and_those_of_others_stay(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    rig.access.add_key("b" * 32, DESCRIPTION)
    rig.access.add_key("a" * 32, DESCRIPTION)
    rig.access.add_key("c" * 32, "somebody else")
    await here.discoverer().round()
    assert rig.keys == {"a" * 32: DESCRIPTION, "c" * 32: "somebody else"}
    assert (await here.row(rig)).access == "a" * 32


async def test_a_key_that_was_removed_on_the_miner_is_made_anew_within_the_hour(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    discoverer = here.discoverer()
    await discoverer.round()
    old = (await here.row(rig)).access
    rig.access.keys.clear()
    here.clock.advance(3601)
    await discoverer.round()
    new = (await here.row(rig)).access
    assert new != old
    assert list(rig.keys) == [new]


async def test_a_wrong_password_is_recorded_and_retried_with_growing_pauses(make_site: MakeSite) -> None:
    here = await make_site(1, password="not-admin", max_tries=1000)
    rig = here.fleet.miners[0]
    here.subnets = [ipaddress.IPv4Network("127.33.0.1/32")]
    discoverer = here.discoverer()
    tried_at: list[float] = []
    start = here.clock()
    while (passed := here.clock() - start) < 86_400:  # a day of sweeps
        before = rig.requests["POST /api/v1/unlock"]
        await discoverer.round()
        if rig.requests["POST /api/v1/unlock"] > before:
            tried_at.append(passed)
        here.clock.advance(30 if passed < 3600 else 300)
    pauses = [b - a for a, b in itertools.pairwise(tried_at)]
    assert len(tried_at) <= 14
    assert pauses[0] <= FIRST_PAUSE_S * 1.1 + 30
    assert all(b > a for a, b in itertools.pairwise(pauses[:7]))
    assert max(pauses) <= LONGEST_PAUSE_S * 1.1 + 300
    view = await here.view(rig)
    assert "password" in (view.last_error or "")
    assert view.error_count == len(tried_at)
    assert view.online


async def test_the_operators_password_is_tried_at_once_and_the_miner_opens(make_site: MakeSite) -> None:
    here = await make_site(1, password="s3cret")
    rig = here.fleet.miners[0]
    discoverer = here.discoverer()
    await discoverer.round()
    assert (await here.row(rig)).access is None
    await here.store.write(miners.set_password, rig.mac, "s3cret", here.clock())
    await discoverer.round()
    assert list(rig.keys) == [(await here.row(rig)).access]


async def test_configured_passwords_are_tried_in_order_and_few_at_a_time(make_site: MakeSite) -> None:
    here = await make_site(1, password="fifth", max_tries=5)
    rig = here.fleet.miners[0]
    here.passwords = ("first", "second", "third", "fourth", "fifth")
    discoverer = here.discoverer()
    await discoverer.round()
    assert rig.requests["POST /api/v1/unlock"] == 3
    here.clock.advance(FIRST_PAUSE_S * 1.2)
    await discoverer.round()
    assert rig.requests["POST /api/v1/unlock"] == 5
    row = await here.row(rig)
    assert row.access is not None
    assert row.unlock_failures == 0


async def test_a_lockout_is_waited_for_as_long_as_the_miner_says(make_site: MakeSite) -> None:
    here = await make_site(1, password="other", max_tries=1, lockout_s=1800.0)
    rig = here.fleet.miners[0]
    discoverer = here.discoverer()
    await discoverer.round()  # wrong: the miner locks, and says for how long
    while here.clock() < 1_800_000_000.0 + 1680:
        here.clock.advance(30)
        await discoverer.round()
    assert rig.requests["POST /api/v1/unlock"] == 1


async def test_somebody_elses_lockout_is_recorded_and_waited_for(make_site: MakeSite) -> None:
    here = await make_site(1, max_tries=1, lockout_s=900.0)
    rig = here.fleet.miners[0]
    rig.access.unlock("a guess of somebody else", here.clock())
    discoverer = here.discoverer()
    await discoverer.round()
    assert (await here.view(rig)).last_error_code == "locked_out"
    here.clock.advance(1000)
    await discoverer.round()
    assert list(rig.keys) == [(await here.row(rig)).access]


async def test_no_password_and_no_key_is_ever_logged(make_site: MakeSite, caplog: pytest.LogCaptureFixture) -> None:
    here = await make_site(2, password="hunter2-wrong")
    here.fleet.change_password(here.fleet.miners[0], "admin")
    with caplog.at_level(logging.DEBUG):
        await here.discoverer().round()
    key = next(iter(here.fleet.miners[0].keys))
    assert key not in caplog.text
    assert "hunter2" not in caplog.text


# An unlock that answers anything but success: a code, a pause that grows, and no answer that is asked for each sweep.

SWEEPS = 20  # one a minute
MOST_TRIES = 6  # 60, 120, 240, 480 s


def answers(status: int, body: str = "", **headers: str) -> Callable[[Call], web.Response]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: web.Response(status=status, text=body, headers=named)


UNLOCKS = [
    (answers(503, '{"err": "busy"}', Retry_After="1"), "unlock_failed"),
    (answers(200, "<!doctype html>"), "unlock_failed"),
    (answers(200, '{"token": null}'), "unlock_failed"),
    (answers(200, '{"error": "wrong password"}'), "wrong_password"),
    (answers(401), "wrong_password"),
    (answers(404), "no_such_call"),
    (answers(409, '{"err": "no"}'), "refused"),
    (answers(307, Location="/login"), "other_device"),
    (answers(401, WWW_Authenticate='Digest realm="antMiner Configuration", nonce="1"'), "stock_firmware"),
    (answers(200, '{"token": "0123456789abcdef0123456789abcdef"}'), "token_refused"),
]


@pytest.mark.parametrize(("answer", "code"), UNLOCKS)
async def test_an_unlock_that_does_not_open_is_told_and_left_alone_for_longer_each_time(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, answer: Callable[[Call], web.Response], code: str
) -> None:
    here = await make_site(1)
    with monkeypatch.context() as patch:
        patch.setitem(vnish.ROUTES, "/unlock", {"POST": Route(answer)})
        await _shut(here, code)
    await _opens(here)


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        (Fault.HUNG, {}),
        (Fault.RESET, {}),
        (Fault.CUT_JSON, {"drop": True}),
    ],
    ids=str,
)
async def test_an_unlock_without_a_whole_answer_is_told_and_left_alone_for_longer_each_time(
    make_site: MakeSite, fault: Fault, options: dict[str, Any]
) -> None:
    here = await make_site(1)
    here.fleet.set_fault(here.fleet.miners[0], fault, paths=("/api/v1/unlock",), **options)
    await _shut(here, "unlock_failed", firmwares=here.families(0.5))
    here.fleet.clear_fault(here.fleet.miners[0])
    await _opens(here)


KEYS = [
    ("GET", answers(404), "key_not_made"),
    ("POST", answers(500), "key_not_made"),
    ("POST", answers(507, '{"err": "too many keys"}'), "key_not_made"),
    ("POST", answers(401), "token_refused"),
    ("POST", answers(200, '{"status": "nochanges"}'), "key_not_made"),
]


@pytest.mark.parametrize(("method", "answer", "code"), KEYS)
async def test_a_miner_that_keeps_no_key_is_locked_again_and_left_alone_for_longer_each_time(
    make_site: MakeSite,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    answer: Callable[[Call], web.Response],
    code: str,
) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    with monkeypatch.context() as patch:
        patch.setitem(vnish.ROUTES, "/apikeys", vnish.ROUTES["/apikeys"] | {method: Route(answer)})
        await _shut(here, code)
    assert rig.requests["POST /api/v1/lock"] == rig.requests["POST /api/v1/unlock"], "no session stays open"
    await _opens(here)


async def test_the_next_password_is_tried_after_a_no_in_other_words(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await make_site(1, password="second")
    here.passwords = ("first", "second")
    right = vnish.ROUTES["/unlock"]["POST"].handler
    wrong = answers(200, '{"error": "wrong password"}')
    choose = {"POST": Route(lambda call: right(call) if call.text("pw") == "second" else wrong(call))}
    monkeypatch.setitem(vnish.ROUTES, "/unlock", choose)
    await here.discoverer().round()
    assert (await here.row(here.fleet.miners[0])).access is not None


async def _errors_told(here: Site) -> list[str]:
    found = await here.store.read(events.newest, limit=99)
    return [event.detail["code"] for event in found if event.kind == "miner_error"]


async def _shut(here: Site, code: str, **changes: Any) -> None:
    """Sweep for twenty minutes while a miner does not open."""
    rig, discoverer = here.fleet.miners[0], here.discoverer(**changes)
    here.subnets = [ipaddress.IPv4Network(f"{rig.ip}/32")]
    for _ in range(SWEEPS):
        await discoverer.round()
        here.clock.advance(60)
    view = await here.view(rig)
    assert 2 <= rig.requests["POST /api/v1/unlock"] <= MOST_TRIES
    assert view.last_error
    assert view.last_error_code == code
    assert view.error_count == (await here.row(rig)).unlock_failures == rig.requests["POST /api/v1/unlock"]
    assert "admin" not in view.last_error
    assert await _errors_told(here) == [code], "one event, not one for each try"


async def _opens(here: Site) -> None:
    """Well again, it opens at the next try."""
    here.clock.advance(LONGEST_PAUSE_S * 1.2)
    await here.discoverer().round()
    row = await here.row(here.fleet.miners[0])
    assert row.access in here.fleet.miners[0].keys
    assert (row.unlock_failures, row.unlock_not_before) == (0, 0.0)


async def test_a_miner_that_goes_away_while_a_key_is_made_is_not_told_of_its_keys(make_site: MakeSite) -> None:
    here = await make_site(1)
    here.fleet.set_fault(here.fleet.miners[0], Fault.RESET, paths=("/api/v1/apikeys",))
    await _shut(here, "unlock_failed")
    here.fleet.clear_fault(here.fleet.miners[0])
    await _opens(here)


@pytest.mark.parametrize(
    ("status", "longest"), [(500, LONGEST_UNANSWERED_S), (404, LONGEST_UNANSWERED_S), (403, LONGEST_PAUSE_S)]
)
async def test_who_repaired_a_miner_waits_no_longer_than_it_takes_to_guess_nothing(
    make_site: MakeSite, status: int, longest: float
) -> None:
    here = await make_site(1)
    rig, discoverer = here.fleet.miners[0], here.discoverer()
    here.subnets = [ipaddress.IPv4Network(f"{rig.ip}/32")]
    here.fleet.set_fault(rig, Fault.ANSWER, paths=["*/unlock"], status=status)
    for _ in range(12):  # three days
        await discoverer.round()
        pause = (await here.row(rig)).unlock_not_before - here.clock()
        here.clock.advance(LONGEST_PAUSE_S * 1.1)
    assert longest * 0.9 <= pause <= longest * 1.1
    here.fleet.clear_fault(rig)
    here.clock.advance(longest * 1.1)
    await discoverer.round()
    assert (await here.row(rig)).access in rig.keys
