"""hivectl as a process of its own: pipes, locales, terminals, speed."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hived
from hived.store.miners import miners
from tests.cli.site import Site, mac

COMMAND = [sys.executable, "-m", "hived.cli.main"]
ROOT = Path(hived.__file__).parent.parent
LIMIT_S = 20.0


def environment(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **more}


def hivectl(*argv: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *argv], capture_output=True, env=environment(**env), timeout=LIMIT_S, check=False)


def lively(site: Site) -> Site:
    """A site of now: a process has the real clock."""
    site.clock.now = time.time()
    site.create().daemons()
    site.status(site.miner(1, hostname="Zürich-1"))
    return site


def test_version_imports_nothing_heavy() -> None:
    code = "import sys; from hived.cli.main import main; main(['--version']); print(sorted(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), timeout=LIMIT_S, check=True
    )
    version, modules = ran.stdout.splitlines()
    assert version == f"hivectl {hived.__version__}"
    heavy = {"asyncio", "peewee", "yaml", "aiohttp", "sqlite3", "json", "logging"}
    assert heavy & set(eval(modules)) == set()


def test_a_reader_that_has_seen_enough_ends_it_quietly(bare: Site) -> None:
    site = lively(bare)
    for number in range(2, 120):
        site.miner(number)
    for argv in (["miners", "list"], ["config", "check"]):
        read, write = os.pipe()
        os.close(read)
        with os.fdopen(write, "wb") as gone:
            ran = subprocess.run(
                [*COMMAND, "--config", str(site.config), *argv], stdout=gone, stderr=subprocess.PIPE,
                env=environment(), timeout=LIMIT_S, check=False,
            )  # fmt: skip
        assert (ran.returncode, ran.stderr) == (0, b"")


def test_a_locale_without_our_letters_costs_a_letter_and_no_traceback(bare: Site) -> None:
    site = lively(bare)
    ran = hivectl("miners", "list", "--config", str(site.config), LC_ALL="C", PYTHONIOENCODING="ascii")
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"?C" in ran.stdout
    assert b"Z?rich-1" in ran.stdout
    ran = hivectl("miners", "list", "--json", "--config", str(site.config), LC_ALL="C", PYTHONIOENCODING="ascii")
    assert json.loads(ran.stdout)[0]["hostname"] == "Zürich-1"


def test_a_terminal_is_filled_and_never_overrun(bare: Site) -> None:
    site = lively(bare)
    for columns in (72, 132):
        main_end, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with subprocess.Popen(
            [*COMMAND, "miners", "list", "--config", str(site.config)], stdout=terminal, stderr=subprocess.PIPE,
            env=environment(NO_COLOR="1", TERM="xterm"),
        ) as running:  # fmt: skip
            os.close(terminal)
            seen = b""
            try:
                while piece := os.read(main_end, 65536):
                    seen += piece
            except OSError:  # Linux says so at the end of a terminal
                pass
            os.close(main_end)
            assert running.wait(LIMIT_S) == 0
        lines = seen.decode().splitlines()
        assert 40 < max(map(len, lines)) <= columns
        assert lines[1].split()[:2] == ["mining", "192.168.7.1"]


def test_exit_codes_reach_the_shell(bare: Site) -> None:
    assert hivectl("status", "--config", str(bare.config)).returncode == 78
    assert hivectl("miners").returncode == 2


def test_events_are_followed_until_ctrl_c(bare: Site) -> None:
    site = lively(bare)
    site.event("fan_lost", None, ago=5.0, fan=1)
    site.event("fan_lost", None, fan=2)
    with subprocess.Popen(
        [*COMMAND, "events", "--follow", "--json", "--kind", "fan_lost", "--config", str(site.config)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), start_new_session=True,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        assert running.stderr is not None
        assert [json.loads(running.stdout.readline())["detail"] for _ in range(2)] == [{"fan": 1}, {"fan": 2}]
        site.event("fan_back", None, fan=2)
        site.event("fan_lost", None, fan=3)
        assert json.loads(running.stdout.readline())["detail"] == {"fan": 3}
        running.send_signal(signal.SIGINT)
        assert running.wait(LIMIT_S) == 0
        assert running.stderr.read() == b""


@contextmanager
def prompted(site: Site) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start `miners set --password-prompt` on a terminal and yield it, with the terminal's end, once it asks."""
    main_end, terminal = pty.openpty()
    argv = ["miners", "set", "192.168.7.1", "--password-prompt", "--config", str(site.config)]
    with subprocess.Popen(
        [*COMMAND, *argv], stdin=terminal, stdout=terminal, stderr=subprocess.PIPE, env=environment(),
        start_new_session=True,
    ) as running:  # fmt: skip
        assert running.stderr is not None
        asked = b""
        while not asked.endswith(b"Unlock password of the miner: "):
            asked += os.read(running.stderr.fileno(), 1) or b"(it ended) Unlock password of the miner: "
        assert b"ended" not in asked
        yield running, main_end
        os.close(terminal)
    os.close(main_end)


def test_a_typed_password_is_kept_and_not_shown(bare: Site) -> None:
    site = lively(bare)
    with prompted(site) as (running, terminal):
        os.write(terminal, b"s3cret word\n")
        _, err = running.communicate(timeout=LIMIT_S)
        shown = os.read(terminal, 65536)
    assert (running.returncode, err.strip()) == (0, b"")
    assert b"the password is kept" in shown
    assert b"s3cret" not in shown
    found = site.write(miners.by_mac, mac(1))
    assert found is not None
    assert found.unlock_password == "s3cret word"


def test_ctrl_c_at_the_prompt_ends_it_at_once_and_changes_nothing(bare: Site) -> None:
    site = lively(bare)
    with prompted(site) as (running, terminal):
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=LIMIT_S)
        assert termios.tcgetattr(terminal)[3] & termios.ECHO
    assert running.returncode == 1
    assert err.strip() == b"hivectl: stopped"
    found = site.write(miners.by_mac, mac(1))
    assert found is not None
    assert found.unlock_password is None
