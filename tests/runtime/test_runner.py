"""A life within one process: once, stop, reload, what is told. The signals are in the system tests."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from hived.errors import BadConfig, Damaged, Transient
from hived.runtime import runner
from hived.runtime.config import Config
from hived.runtime.options import Log
from hived.runtime.runner import Beat, Life
from tests.runtime.notify_socket import manager_at

NEW = Config(log=Log("debug"))


async def nothing() -> None:
    """Tick without doing anything."""


async def broken() -> None:
    """Tick in a broken world."""
    raise Transient("no route")


def quick(name: str, tick: object = nothing) -> Beat:
    assert callable(tick)
    return Beat(name, tick, every=3600, limit=60, spread=0)


async def test_once_ticks_every_beat_in_order_and_counts_failures() -> None:
    order: list[str] = []

    async def first() -> None:
        order.append("first")
        raise Transient("x")

    async def second() -> None:
        order.append("second")

    life = Life(once=True)
    await life.run([quick("first", first), quick("second", second)])
    assert order == ["first", "second"]
    assert life.exit_code == 1


async def test_once_without_failures_ends_well() -> None:
    life = Life(once=True)
    await life.run([quick("a"), quick("b")])
    assert life.exit_code == 0


async def test_stopping_ends_run_and_every_beat() -> None:
    ended: list[str] = []
    life = Life()

    async def tick() -> None:
        life.stop()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("tick")

    await asyncio.wait_for(life.run([quick("a", tick)]), 5)
    assert ended == ["tick"]
    assert (life.exit_code, life.hanging, life.new_config) == (0, [], None)


async def test_a_stop_before_run_makes_it_return_at_once() -> None:
    life = Life()
    life.stop()
    await asyncio.wait_for(life.run([quick("a")]), 5)


async def test_a_good_reload_ends_run_with_the_new_configuration() -> None:
    life = Life(reload=lambda: NEW)
    life.hangup()
    await asyncio.wait_for(life.run([quick("a")]), 5)
    assert life.new_config is NEW
    assert not life.stopping


async def test_a_bad_reload_is_said_and_the_next_good_one_works(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[Config | BadConfig] = [BadConfig("x.yaml:3: no"), NEW]

    def reload() -> Config:
        answer = answers.pop(0)
        if isinstance(answer, BadConfig):
            asyncio.get_running_loop().call_soon(life.hangup)
            raise answer
        return answer

    life = Life(reload=reload)
    life.hangup()
    await asyncio.wait_for(life.run([quick("a")]), 5)
    assert life.new_config is NEW
    assert [record.getMessage() for record in caplog.records] == [
        "reload refused, keeping the old configuration: x.yaml:3: no"
    ]


async def test_without_a_way_to_reload_a_hangup_changes_nothing() -> None:
    life = Life()

    async def tick() -> None:
        life.hangup()
        asyncio.get_running_loop().call_later(0.01, life.stop)

    await asyncio.wait_for(life.run([quick("a", tick)]), 5)
    assert life.new_config is None


async def test_a_bug_leaves_as_itself_and_the_other_beats_are_ended() -> None:
    other_ended = asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            other_ended.set()

    async def bug() -> None:
        await asyncio.sleep(0)
        raise KeyError("x")

    with pytest.raises(KeyError):
        await Life().run([quick("waits", waits), quick("bug", bug)])
    assert other_ended.is_set()


async def test_a_bug_in_the_status_is_a_bug() -> None:
    def status() -> str:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await Life().run([], status)


async def test_a_second_failure_while_stopping_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fails_when_cancelled() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("in the cleanup")

    async def bug() -> None:
        await asyncio.sleep(0)
        raise KeyError("x")

    with pytest.raises((KeyError, ValueError)):
        await Life().run([quick("a", fails_when_cancelled), quick("b", bug)])
    assert [record.getMessage() for record in caplog.records] == ["another failure while stopping"]


async def test_a_damaged_database_that_several_beats_meet_is_no_second_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def meets_it_later() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise Damaged("the database is damaged")

    async def meets_it() -> None:
        await asyncio.sleep(0)
        raise Damaged("the database is damaged")

    with pytest.raises(Damaged):
        await Life().run([quick("a", meets_it_later), quick("b", meets_it)])
    assert caplog.records == []


async def test_cancelling_run_ends_its_beats() -> None:
    started = asyncio.Event()

    async def tick() -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(Life().run([quick("a", tick)]))
    await asyncio.wait_for(started.wait(), 5)
    task.cancel()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()


async def test_systemd_hears_which_beats_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with manager_at(tmp_path / "s") as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", str(manager.path))
        monkeypatch.setenv("WATCHDOG_USEC", "30000")
        life = Life()

        async def look() -> None:
            await asyncio.to_thread(manager.wait_for, "STATUS=scan failed 1 time: Transient: no route")
            life.stop()

        await asyncio.wait_for(life.run([quick("scan", broken), quick("look", look)]), 5)
        life.close()
        manager.wait_for("STOPPING=1")
        assert manager.said[0] == "READY=1"


async def test_ready_is_said_again_until_the_manager_has_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with manager_at(tmp_path / "s") as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", str(manager.path))
        life = Life()
        while life._notifier.send("X=1"):
            pass

        async def look() -> None:
            await asyncio.to_thread(manager.wait_for, "READY=1")
            life.stop()

        await asyncio.wait_for(life.run([quick("look", look)]), 5)
        life.close()


async def test_a_beat_that_ignores_its_end_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(runner, "CANCEL_S", 0.05)
    life, release, gone = Life(), asyncio.Event(), asyncio.Event()

    async def tick() -> None:
        life.stop()
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()
        gone.set()

    await asyncio.wait_for(life.run([quick("stubborn", tick), quick("good")]), 5)
    assert (life.hanging, life.exit_code) == (["stubborn"], 1)
    assert "stubborn: did not stop within 0.05 s" in caplog.text
    release.set()
    await asyncio.wait_for(gone.wait(), 5)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
