"""Real processes: signals, systemd's socket, reload, exit codes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from hived.runtime import runner
from tests.runtime.notify_socket import Manager, manager_at

pytestmark = pytest.mark.system
ROOT = Path(__file__).parent.parent.parent
STOP_S = 5.0  # the promise to the operator


class Daemons:
    """Starts toy daemons and ends them all after the test."""

    def __init__(self, folder: Path, manager: Manager) -> None:
        self.file = folder / "hived.yaml"
        self.file.write_text("network: {port: 81}\n")
        self.manager = manager
        self._running: list[subprocess.Popen[str]] = []

    def start(self, name: str, *args: str, **environ: str) -> subprocess.Popen[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HIVED_", "JOURNAL_STREAM"))}
        process = subprocess.Popen(
            [sys.executable, "-W", "default", "-m", "tests.runtime.toys", name, "--config", str(self.file), *args],
            cwd=ROOT,
            env=kept | {"NOTIFY_SOCKET": str(self.manager.path)} | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        return process

    def run(self, name: str, *args: str, **environ: str) -> tuple[int, str, str]:
        """Return exit code, output and log of a daemon that ends by itself."""
        return ended(self.start(name, *args, **environ))

    def close(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def daemons(tmp_path: Path) -> Iterator[Daemons]:
    with manager_at(tmp_path / "notify") as manager:
        started = Daemons(tmp_path, manager)
        yield started
        started.close()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=15)
    return process.returncode, out, err


def line_of(process: subprocess.Popen[str], wanted: str) -> None:
    """Read standard output until this line."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == wanted:
            return
    raise AssertionError(f"the process ended without saying {wanted!r}")


# --- stop ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_daemon_tells_systemd_and_stops_when_asked(signum: signal.Signals, daemons: Daemons) -> None:
    process = daemons.start("steady")
    daemons.manager.wait_for("READY=1")
    daemons.manager.wait_for("STATUS=port 81")
    process.send_signal(signum)
    daemons.manager.wait_for("STOPPING=1")
    code, out, err = ended(process)
    assert (code, out) == (0, "open 81\ntick 81\nclosed\n")
    assert re.fullmatch(r"\S+ info +hive-steady: \S+ starts, \d+ files may be open\n", err)


def test_a_daemon_without_beats_stops_as_well(daemons: Daemons) -> None:
    process = daemons.start("quiet")
    daemons.manager.wait_for("READY=1")
    process.terminate()
    assert ended(process)[0] == 0


def test_a_start_that_does_not_come_to_an_end_is_given_up(daemons: Daemons) -> None:
    process = daemons.start("slow_start")
    line_of(process, "starting")
    process.terminate()
    code, out, err = ended(process)
    assert (code, out) == (0, "given up\n")
    assert "Traceback" not in err


def test_a_tick_that_swallows_one_cancellation_is_asked_again(daemons: Daemons) -> None:
    process = daemons.start("hard_of_hearing", HIVED_TEST_HASTE="5")
    line_of(process, "tick")
    start = monotonic()
    process.terminate()
    code, out, _ = ended(process)
    assert (code, out) == (0, "swallowed\n")
    assert monotonic() - start < STOP_S


def test_a_tick_that_swallows_all_is_named_and_left(daemons: Daemons) -> None:
    process = daemons.start("stubborn", HIVED_TEST_HASTE="5")
    line_of(process, "tick")
    start = monotonic()
    process.terminate()
    code, out, err = ended(process)
    assert monotonic() - start < STOP_S
    assert code == 1
    assert out.endswith("swallowed\nclosed\n"), "the daemon closes what it opened all the same"
    assert "work: did not stop within 0.6 s, exiting without it" in err


def test_a_blocked_loop_ends_in_time_and_shows_where_it_was(daemons: Daemons) -> None:
    process = daemons.start("blocked", HIVED_TEST_HASTE="5")
    line_of(process, "tick")
    start = monotonic()
    process.terminate()
    code, _, err = ended(process)
    assert runner.STOP_S / 5 <= monotonic() - start < STOP_S
    assert code == 1
    assert "Timeout" in err
    assert "toys.py" in err


def test_the_second_signal_ends_at_once(daemons: Daemons) -> None:
    process = daemons.start("stubborn")
    line_of(process, "tick")
    process.send_signal(signal.SIGINT)
    line_of(process, "swallowed")
    start = monotonic()
    process.send_signal(signal.SIGINT)
    code, _, err = ended(process)
    assert monotonic() - start < 1
    assert code == 1
    assert "second signal" in err


def test_the_deadlines_leave_time_for_each_other() -> None:
    assert 2 * runner.NUDGE_S <= runner.CANCEL_S < runner.STOP_S - 1
    assert runner.STOP_S < STOP_S


# --- reload ----------------------------------------------------------------------------------------------------------


def test_a_good_reload_wires_the_daemon_anew(daemons: Daemons) -> None:
    process = daemons.start("steady", HIVED_TEST_HASTE="10")
    daemons.manager.wait_for("READY=1")
    line_of(process, "tick 81")
    daemons.file.write_text("network: {port: 82}\n")
    process.send_signal(signal.SIGHUP)
    daemons.manager.wait_for("RELOADING=1")
    daemons.manager.wait_for("STATUS=port 82")
    said = daemons.manager.said
    told = said[said.index("RELOADING=1") :]
    assert told[1].startswith("MONOTONIC_USEC=")
    assert told[2] == "READY=1"
    assert "STOPPING=1" not in said
    line_of(process, "tick 82")
    assert daemons.manager.quiet_for(runner.STOP_S / 10 + 0.1, "STOPPING=1"), (
        "the deadline of the old run must not end it"
    )
    process.terminate()
    code, out, err = ended(process)
    assert (code, out) == (0, "closed\n")
    assert "reloaded, changed: network.port\n" in err


def test_a_bad_reload_is_one_line_and_changes_nothing(daemons: Daemons) -> None:
    process = daemons.start("steady")
    daemons.manager.wait_for("READY=1")
    line_of(process, "tick 81")
    daemons.file.write_text("network:\n  port: eighty\n")
    process.send_signal(signal.SIGHUP)
    daemons.manager.wait_for("RELOADING=1")
    daemons.manager.wait_for("READY=1")
    daemons.manager.wait_for("STATUS=reload refused: ")
    process.terminate()
    code, out, err = ended(process)
    assert (code, out) == (0, "closed\n")
    (line,) = [line for line in err.splitlines() if " error " in line]
    assert line.endswith(f"{daemons.file}:2: network.port: expected an integer from 1 to 65535, got 'eighty'")


def test_a_reload_that_cannot_start_goes_back_to_what_worked(daemons: Daemons) -> None:
    process = daemons.start("picky")
    line_of(process, "tick 81")
    daemons.file.write_text("network: {port: 99}\n")
    process.send_signal(signal.SIGHUP)
    line_of(process, "closed")
    line_of(process, "tick 81")
    process.terminate()
    code, _, err = ended(process)
    assert code == 0
    assert "the new configuration does not work, back to the old one: port 99 is taken" in err
    assert "Traceback" not in err


def test_a_reload_changes_the_log_level(daemons: Daemons) -> None:
    daemons.file.write_text("log: {level: error}\n")
    process = daemons.start("steady")
    line_of(process, "tick 80")
    daemons.file.write_text("log: {level: info}\nnetwork: {port: 82}\n")
    process.send_signal(signal.SIGHUP)
    line_of(process, "tick 82")
    process.terminate()
    assert ended(process)[2].endswith("info    hive-steady: reloaded, changed: network.port, log.level\n")


def test_a_reload_keeps_the_flags(daemons: Daemons) -> None:
    process = daemons.start("steady", "--log-level", "warning")
    line_of(process, "tick 81")
    daemons.file.write_text("log: {level: debug}\n")
    process.send_signal(signal.SIGHUP)
    line_of(process, "tick 80")
    process.terminate()
    assert ended(process)[2] == "", "the flag still wins over the file"


# --- watchdog --------------------------------------------------------------------------------------------------------


def test_the_watchdog_is_fed_until_a_beat_hangs(daemons: Daemons) -> None:
    process = daemons.start("hung", WATCHDOG_USEC="300000")
    for _ in range(3):
        daemons.manager.wait_for("WATCHDOG=1", within=3)
    process.send_signal(signal.SIGUSR1)
    daemons.manager.wait_for("STATUS=hung: work")
    assert daemons.manager.quiet_for(0.4, "WATCHDOG=1")
    process.terminate()
    code, _, err = ended(process)
    assert code == 0
    assert err.count("work: no sign of progress") == 1


def test_the_watchdogs_abort_shows_where_the_loop_hung(daemons: Daemons) -> None:
    process = daemons.start("blocked", WATCHDOG_USEC="300000")
    line_of(process, "tick")
    process.send_signal(signal.SIGABRT)
    code, _, err = ended(process)
    assert code == -signal.SIGABRT
    assert "toys.py" in err


def test_a_manager_that_never_reads_does_not_stop_the_daemon(daemons: Daemons) -> None:
    process = daemons.start("steady", WATCHDOG_USEC="1000")
    line_of(process, "tick 81")
    daemons.manager.wait_for("READY=1")
    before = len(daemons.manager.said)
    # Its queue is full after some ten pings; the daemon must answer a signal all the same.
    process.send_signal(signal.SIGHUP)
    line_of(process, "closed")
    line_of(process, "tick 81")
    process.terminate()
    assert ended(process)[0] == 0
    assert before == len(daemons.manager.said)


# --- once, check, exit codes -----------------------------------------------------------------------------------------


def test_once_does_one_round(daemons: Daemons) -> None:
    assert daemons.run("steady", "--once")[:2] == (0, "open 81\ntick 81\nclosed\n")


def test_once_goes_on_after_a_failure_and_ends_with_1(daemons: Daemons) -> None:
    code, out, err = daemons.run("failing", "--once")
    assert (code, out) == (1, "second beat\n")
    assert "work failed (1): Transient: the world is broken" in err


def test_once_stops_when_asked(daemons: Daemons) -> None:
    process = daemons.start("slow", "--once")
    line_of(process, "tick")
    process.terminate()
    assert ended(process)[0] == 0


@pytest.mark.parametrize("args", [[], ["--once"]])
def test_a_bug_ends_the_process_with_its_traceback(args: list[str], daemons: Daemons) -> None:
    code, out, err = daemons.run("buggy", *args)
    assert (code, out) == (1, "closed\n")
    assert "critical hive-buggy: ended by KeyError: 'a bug'" in err
    assert 'raise KeyError("a bug")' in err
    assert all(re.match(r"\d{4}-", line) for line in err.splitlines())


@pytest.mark.parametrize("args", [[], ["--once"]])
def test_what_hived_raises_on_purpose_is_one_line_later_as_well(args: list[str], daemons: Daemons) -> None:
    code, _, err = daemons.run("refused_later", "--log-level", "error", *args)
    assert (code, err) == (1, "hive-refused_later: the file is closed; the port is taken\n")


def test_a_beat_that_cancels_itself_does_not_end_in_silence(daemons: Daemons) -> None:
    code, _, err = daemons.run("self_cancelled")
    assert code == 1
    assert "work: cancelled from inside" in err


@pytest.mark.parametrize(
    ("name", "code", "line"),
    [
        ("refused_start", 1, "hive-refused_start: the port is taken\n"),
        (
            "wrong_schema",
            78,
            "hive-wrong_schema: the database has schema 7, this program needs 8: run hivectl migrate\n",
        ),
        ("bad_config", 78, "hive-bad_config: http.tls: the certificate does not exist\n"),
    ],
)
def test_a_start_that_is_refused_is_one_line(name: str, code: int, line: str, daemons: Daemons) -> None:
    assert daemons.run(name, "--log-level", "error") == (code, "", line)


def test_a_bug_at_start_has_a_traceback(daemons: Daemons) -> None:
    code, _, err = daemons.run("broken_start")
    assert code == 1
    assert 'raise KeyError("a bug at start")' in err


def test_a_daemon_that_does_not_exist_is_a_bug(daemons: Daemons) -> None:
    code, _, err = daemons.run("no_such_daemon")
    assert code == 1
    assert "AttributeError" in err


def test_a_bad_config_is_one_line_and_78(daemons: Daemons) -> None:
    daemons.file.write_text("network:\n  port: eighty\n")
    wanted = f"hive-steady: {daemons.file}:2: network.port: expected an integer from 1 to 65535, got 'eighty'\n"
    assert daemons.run("steady") == (78, "", wanted)
    assert daemons.run("steady", "--check") == (78, "", wanted)
