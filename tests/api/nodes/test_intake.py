"""Bodies of nodes come in one after the other, few are taken apart at once, and each node has its pace."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from typing import Any

import pytest

from hived.api.http import params
from hived.api.nodes.intake import INTAKE, Intake
from hived.errors import Throttled
from hived.records.bounds import BOUNDS, BURST_S, LEAST_COST, MINERS, PARSED_AT_ONCE, ROWS_PER_S, WAITING
from hived.records.ingest import MAX_BODY_BYTES
from tests import nodes as fleet
from tests.api import farm
from tests.api.nodes.test_ingest import Node, node
from tests.clock import FakeClock
from tests.waiting import until

__all__ = ["node"]


async def take(intake: Intake, node_id: str, rows: int) -> None:
    async with intake.turn(node_id) as turn:
        turn.spend(rows)


async def test_who_sends_too_fast_is_slowed_down_and_not_refused() -> None:
    clock = FakeClock(1000.0)
    intake = Intake(clock, clock.sleep)
    for _ in range(240):
        await take(intake, "n1", 500)
    passed = clock() - 1000.0
    assert passed == pytest.approx(240 * 500 / ROWS_PER_S - BURST_S - 500 / ROWS_PER_S, abs=0.5)
    before = clock()
    await take(intake, "n2", 500)
    assert clock() == before, "others do not wait for it"
    clock.advance(3600)
    before = clock()
    for _ in range(int(BURST_S * ROWS_PER_S / 500)):
        await take(intake, "n1", 500)
    assert clock() == before, "after a rest it may hurry again"


async def test_empty_requests_have_a_price_too() -> None:
    clock = FakeClock(1000.0)
    intake = Intake(clock, clock.sleep)
    for _ in range(10_000):
        await take(intake, "n1", 0)
    assert clock() - 1000.0 > 10_000 * LEAST_COST / ROWS_PER_S - BURST_S - 1


async def test_one_body_of_a_node_at_a_time_and_a_few_wait() -> None:
    intake, gate = Intake(), asyncio.Event()
    inside, most = 0, 0

    async def one() -> str:
        nonlocal inside, most
        try:
            async with intake.turn("n1"):
                inside += 1
                most = max(most, inside)
                await gate.wait()
                inside -= 1
        except Throttled:
            return "later"
        return "taken"

    async def all_of(count: int) -> list[str]:
        waiting = [asyncio.ensure_future(one()) for _ in range(count)]
        await asyncio.sleep(0)
        gate.set()
        return await asyncio.gather(*waiting)

    said = await all_of(40)
    assert (said.count("taken"), most) == (WAITING + 1, 1)
    assert await all_of(3) == ["taken"] * 3, "nothing is left of it"


async def test_forty_bodies_of_small_lists_at_once_are_taken_apart_two_at_a_time(
    api: farm.Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten nodes with four connections each, and bodies that cost thirty times their size once they are objects."""
    inside, most, parse = 0, 0, params.parsed
    loop = asyncio.get_running_loop()

    def counted(raw: bytes) -> dict[str, Any]:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        try:
            return parse(raw)
        finally:
            inside -= 1

    monkeypatch.setattr(params, "parsed", counted)
    heavy = b'{"a":[' + b"[]," * (MAX_BODY_BYTES // 3 - 10) + b"[]]}"
    keys = [await api.store.write(fleet.let_in, f"n{i}", api.clock()) for i in range(10)]

    async def send(key: Any) -> int:
        status, _ = await api.ask("POST", "/api/v1/ingest", heavy, **fleet.bearer(key))
        return status

    sent: list[Awaitable[int]] = [send(key) for key in keys for _ in range(4)]
    statuses = await asyncio.gather(*sent)
    assert set(statuses) == {403}, "each was read, and is no batch of its node"
    assert most == PARSED_AT_ONCE
    assert loop.is_running()


async def test_a_body_that_never_ends_holds_up_its_own_node_alone(node: Node) -> None:
    api, stop = node.api, asyncio.Event()
    intake = api.app[INTAKE]

    async def endless() -> AsyncIterator[bytes]:
        yield b'{"node_id":'
        await stop.wait()

    headers = {**fleet.bearer(node.key), "Content-Type": "application/json"}
    slow = [
        asyncio.ensure_future(api.http.request("POST", "/api/v1/ingest", data=endless(), headers=headers))
        for _ in range(WAITING + 1)
    ]
    await until(lambda: _there(intake, "n1") == WAITING + 1)
    status, answer = await node.send("/api/v1/ingest", fleet.batch("n1", "events", 0, 0, []))
    assert (status, "one after the other" in answer["error"]) == (429, True)
    other = Node(api, "n2", await api.store.write(fleet.let_in, "n2", api.clock()))
    await other.batch("events", 1, 1, [fleet.event(1)])
    stop.set()
    for reply in await asyncio.gather(*slow):
        assert reply.status == 400
        reply.close()
    await node.batch("events", 1, 1, [fleet.event(1)])


def _there(intake: Intake, node_id: str) -> int:
    turn = intake._turns.get(node_id)
    return turn.there if turn else 0


async def test_a_batch_says_what_is_full(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BOUNDS, MINERS, replace(BOUNDS[MINERS], most=2))
    answer = await node.batch("miners", 1, 3, [fleet.miner(n - 900, n) for n in (901, 902, 903)])
    assert answer["full"] == ["too_many_miners"]
    assert [one["reason"] for one in answer["rejected"]] == ["too_many_miners"]
    (row,) = [one for one in await node.api.get("/api/v1/nodes") if one["node_id"] == "n1"]
    assert [*row["full"]] == ["miners"]
    kinds = [one["kind"] for one in await node.api.get("/api/v1/events")]
    assert kinds.count("node_full") == 1
    assert json.dumps(row)
