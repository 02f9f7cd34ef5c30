"""What systemd is told, and that telling never waits."""

from __future__ import annotations

import os
from pathlib import Path
from time import monotonic

import pytest

from hived.runtime import notify
from tests.runtime.notify_socket import manager_at


def test_assignments_of_one_call_are_one_datagram_in_utf8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with manager_at(tmp_path / "s") as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", str(manager.path))
        notifier = notify.Notifier()
        assert notifier.send("READY=1", notify.status("85 °C → hot\nREADY=0"))
        assert manager.read(1) == ["READY=1", "STATUS=85 °C → hot READY=0"]
        notifier.close()
        assert notifier.send("READY=1")
        assert manager.read(0.01) == []


def test_a_manager_that_does_not_read_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with manager_at(tmp_path / "s") as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", str(manager.path))
        notifier = notify.Notifier()
        start = monotonic()
        results = [notifier.send("WATCHDOG=1", "STATUS=" + "x" * 400) for _ in range(5000)]
        assert monotonic() - start < 5
        assert results[0]
        assert not results[-1]
        while manager.read(0.01):
            pass
        assert notifier.send("WATCHDOG=1")
        notifier.close()


def test_without_systemd_telling_is_nothing() -> None:
    assert notify.Notifier({}).send("READY=1")


def test_a_status_is_short() -> None:
    assert len(notify.status("x" * 10_000)) < 600


@pytest.mark.parametrize(
    ("environ", "period"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_period_is_in_seconds(environ: dict[str, str], period: float | None) -> None:
    assert notify.watchdog_period_s(environ) == period


def test_a_reload_is_told_with_the_monotonic_time() -> None:
    word, time = notify.reloading()
    assert word == "RELOADING=1"
    assert abs(int(time.removeprefix("MONOTONIC_USEC=")) / 1e6 - monotonic()) < 5
