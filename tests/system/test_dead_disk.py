"""A disk that can no longer be written, under the real daemons: they stay up and everybody is told."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.runtime.notify_socket import manager_at
from tests.system.appliance import DAEMONS, Appliance, until
from tests.system.test_end_to_end import ask
from tests.users import NOBODY

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a disk needs root: sudo make test"),
]


def run(*words: str | Path) -> None:
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def disk(public_path: Path) -> Iterator[Path]:
    """A disk with a journal, which becomes read-only by itself when that fails."""
    image, folder = public_path / "disk.img", public_path / "disk"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(32 << 20)
    run("mkfs.ext4", "-q", "-F", image)
    run("mount", "-o", "loop", image, folder)
    yield folder
    run("umount", folder)


@pytest.fixture
def appliance(public_path: Path, disk: Path) -> Iterator[Appliance]:
    made = Appliance(public_path, database={"url": f"sqlite:///{disk / 'hived.db'}"})
    made.database, made.url = disk / "hived.db", f"sqlite:///{disk / 'hived.db'}"
    made.migrate()
    yield made
    made.close()


async def test_the_daemons_outlive_a_disk_that_died_and_everybody_is_told(
    appliance: Appliance, disk: Path, free_port: int
) -> None:
    appliance.configure(
        intervals={"discovery_seconds": 0.5, "status_seconds": 0.2, "telemetry_seconds": 0.5},
        http={"addr": f"127.0.0.1:{free_port}"}, syncd={"master": "off"},
    )  # fmt: skip
    running = {name: appliance.start(name) for name in (*DAEMONS, "hive-minerd")}
    base = f"http://127.0.0.1:{free_port}"
    await until(lambda: appliance.number("SELECT count(*) FROM daemon") == len(running))
    run("mount", "-o", "remount,abort", disk)

    async def says_so() -> bool:
        told: Any = await ask(f"{base}/api/v1/health")
        return told["status"] == "degraded" and [one["kind"] for one in told["problems"]] == ["disk_readonly"]

    await until(says_so)
    async with aiohttp.ClientSession() as http, http.get(f"{base}/healthz") as reply:
        assert (reply.status, await reply.json()) == (503, {"error": "the disk cannot be written"})
    await until(lambda: all("cannot be written" in program.log for program in running.values()))
    for command in ("status", "doctor"):
        told = await asyncio.to_thread(appliance.hivectl, command)
        assert f"the disk of {disk} cannot be written: Read-only file system" in told, told
        assert "dmesg says why" in told
    assert "(hived" in appliance.hivectl("status").splitlines()[0]
    assert "the disk cannot be written" in appliance.hivectl("status").splitlines()[0]
    for name, program in running.items():
        assert program.running(), f"{name}: {program.log}"
        assert "Traceback" not in program.log, program.log
        assert sum("cannot be written" in line for line in program.log.splitlines()) < 12, (
            "said once by each piece of work"
        )
        await program.stop()


@pytest.mark.parametrize("name", [*DAEMONS, "hive-minerd"])
async def test_a_daemon_that_starts_on_a_read_only_disk_waits_and_systemd_lets_it(
    appliance: Appliance, disk: Path, tmp_path: Path, free_port: int, name: str
) -> None:
    appliance.configure(http={"addr": f"127.0.0.1:{free_port}", "tls": "self-signed"}, syncd={"master": "off"})
    run("mount", "-o", "remount,ro", disk)
    with manager_at(tmp_path / "notify") as manager:
        program = appliance.start(name, NOTIFY_SOCKET=str(manager.path), WATCHDOG_USEC="30000000")
        await asyncio.to_thread(manager.wait_for, "READY=1", 20)
        manager.wait_for("STATUS=cannot use the database")
        await asyncio.to_thread(manager.wait_for, "WATCHDOG=1", 20)
        await until(lambda: "cannot be written" in program.log)
        (line,) = [line for line in program.log.splitlines() if "cannot be written" in line]
        assert "dmesg says why" in line
        assert program.running()
        run("mount", "-o", "remount,rw", disk)
        await until(lambda: appliance.number("SELECT count(*) FROM daemon") == 1)
        await program.stop()


@pytest.mark.parametrize(("path", "mode"), [("hived.db", 0o400), (".", 0o500)])
async def test_files_that_its_user_may_not_write_are_one_line_with_what_to_do(
    appliance: Appliance, disk: Path, path: str, mode: int
) -> None:
    run("chown", "-R", NOBODY.pw_name, disk)
    good = (disk / path).stat().st_mode
    (disk / path).chmod(mode)
    appliance.file.chmod(0o644)
    program = appliance.start("hive-polld", prefix=["setpriv", "--reuid=nobody", "--clear-groups"])
    await until(lambda: "may not write" in program.log)
    assert program.running()
    (line,) = [line for line in program.log.splitlines() if "files may be open" not in line]
    assert "chown -h nobody" in line
    (disk / path).chmod(good)
    await until(lambda: appliance.number("SELECT count(*) FROM daemon") == 1)
    assert "Traceback" not in program.log
    await program.stop()
