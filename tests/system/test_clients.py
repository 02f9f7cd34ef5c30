"""docs/api.md for programs: a client from a public generator, and the stream. Its blocks are run as they stand."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hived.store import database_of
from tests import access
from tests.api import farm
from tests.system.appliance import Appliance, Program, appliance_in
from tests.waiting import until

PAGE = (Path(__file__).parents[2] / "docs/api.md").read_text()
BOX = "http://hived.local:8080"

pytestmark = pytest.mark.system


def block(section: str, kind: str) -> str:
    """Return the only block of a kind in a section of the page."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    (found,) = re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)
    return str(found)


@dataclass(frozen=True)
class Box:
    """A real hive-apid with one miner, and what a program has to know of it."""

    appliance: Appliance
    url: str
    environ: dict[str, str]
    apid: Program

    def write(self, verb: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Write to the database as another daemon would."""
        with closing(database_of(self.appliance.url)) as database, database.connection_context(), database.atomic():
            verb(database, *args, **kwargs)


@pytest.fixture
async def box(tmp_path: Path, free_port: int) -> AsyncIterator[Box]:
    url = f"http://127.0.0.1:{free_port}"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with appliance_in(tmp_path, http={"addr": f"127.0.0.1:{free_port}"}) as appliance:
        environ = {"HIVED_URL": url, "HIVED_TOKEN": access.TOKEN.text, "PATH": path}
        found = Box(appliance, url, environ, appliance.start("hive-apid"))
        found.write(farm.small)
        await until(lambda: listens(free_port), 30)
        yield found


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(box: Box, *line: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program; what it says is read without waiting for what it has not said."""
    program = subprocess.Popen(
        line, cwd=box.appliance.folder, env=box.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert program.stdout is not None
    os.set_blocking(program.stdout.fileno(), False)
    try:
        yield program
    finally:
        program.kill()
        program.communicate()


async def says(program: subprocess.Popen[bytes], word: str, within_s: float = 30) -> None:
    """Wait until a program says a word."""
    heard: list[bytes] = []

    def told() -> bool:
        assert program.stdout is not None
        with suppress(BlockingIOError):
            heard.append(os.read(program.stdout.fileno(), 65536))
        assert program.poll() is None, heard
        return word in b"".join(heard).decode()

    await until(told, within_s)


async def test_a_client_is_made_by_one_command_and_lists_miners(box: Box) -> None:
    folder = box.appliance.folder
    line = block("Clients", "sh")
    assert BOX in line
    for command in (["sh", "-ec", line.replace(BOX, box.url)], [sys.executable, "-c", block("Clients", "python")]):
        ran = await asyncio.to_thread(
            subprocess.run,
            command,
            cwd=folder,
            env=box.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.splitlines() == [f"{farm.MAC} mining 95.5"]


async def test_a_program_follows_the_stream_and_comes_back_to_it(box: Box) -> None:
    with running(box, sys.executable, "-c", block("The stream", "python")) as program:
        await says(program, f"{farm.MAC} mining 95.5\n")
        box.write(farm.poll, 1, farm.NOW + 15, hashrate_hs=90.0e12)
        await says(program, f"{farm.MAC} mining 90.0\n")
        await box.apid.stop()
        await says(program, "again in 2 s")
        box.write(farm.poll, 1, farm.NOW + 30, hashrate_hs=80.0e12)
        box.appliance.start("hive-apid")
        await says(program, f"{farm.MAC} mining 80.0\n")


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: apt install curl")
async def test_curl_shows_the_stream(box: Box) -> None:
    with running(box, "sh", "-c", f"exec {block('The stream', 'sh')}") as program:
        await says(program, 'event: hello\ndata: {"rev":')
