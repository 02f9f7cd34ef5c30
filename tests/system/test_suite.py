"""`make run`: one command, a whole site, and nothing left when it ends, however it ends."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.system.appliance import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("suite")]  # its simulated site has one address

MINERS = 10
ROOT = Path(__file__).parent.parent.parent
MARK = "SYSTEM_TEST_MARK"


class Suite:
    """A running suite. Every process that descends from it carries a mark in its environment."""

    def __init__(self, folder: Path, port: int, *, miners: int = MINERS, nodes: int = 0) -> None:
        self.mark = f"{MARK}={secrets.token_hex(8)}"
        self.url = f"http://127.0.0.1:{port}"
        self.err, self.out = folder / "suite.log", folder / "suite.out"
        self.cookie: dict[str, str] = {}
        name, _, value = self.mark.partition("=")
        with self.err.open("wb") as sink, self.out.open("wb") as terminal:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "hived.simulator.suite",
                    "--miners", str(miners), "--nodes", str(nodes), "--var", str(folder / "var"),
                    "--http", f"127.0.0.1:{port}",
                ],
                cwd=ROOT, env={**os.environ, name: value}, stdin=subprocess.DEVNULL, stdout=terminal, stderr=sink,
            )  # fmt: skip

    def processes(self) -> dict[int, str]:
        """Return all that carry the mark and still run: pid -> command line."""
        found: dict[int, str] = {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                if self.mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # it ended just now, or belongs to somebody else
                continue
        return {pid: line for pid, line in found.items() if line}  # a zombie has no command line

    async def miners(self) -> list[dict[str, Any]]:
        """Return the miners that the API lists, nothing before the link is printed."""
        return await self.listed("/api/miners")

    async def listed(self, path: str) -> list[dict[str, Any]]:
        """Return what the API lists to the browser of the link that was printed, nothing before it is printed."""
        link = re.search(rf"^{re.escape(self.url)}/login#code=(\S+)\n", self.out.read_text(), re.MULTILINE)
        if link is None:  # it is printed when all runs
            return []
        async with aiohttp.ClientSession(self.url) as http:
            if not self.cookie:
                async with http.post("/api/v1/session/link", json={"code": link[1]}) as reply:
                    assert reply.status == 200, await reply.text()
                    got = "; ".join(f"{cookie.key}={cookie.value}" for cookie in reply.cookies.values())
                    self.cookie = {"Cookie": got}
            async with http.get(path, headers=self.cookie) as reply:
                assert reply.status == 200
                return list(json.loads(await reply.read()))

    async def is_up(self) -> None:
        """Wait until every simulated miner is online and has been read."""

        async def all_are_read() -> bool:
            assert self.process.poll() is None, self.err.read_text()
            listed = await self.miners()
            return len(listed) == MINERS and all(m["online"] and m["latest_status"] for m in listed)

        await until(all_are_read)

    def end(self) -> None:
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self.process.wait(5)


@pytest.fixture
def suite(tmp_path: Path, free_port: int) -> Iterator[Suite]:
    started = Suite(tmp_path, free_port)
    yield started
    started.end()


async def test_one_command_brings_a_site_up_and_ctrl_c_leaves_nothing_behind(suite: Suite) -> None:
    await suite.is_up()
    async with aiohttp.ClientSession() as http, http.get(suite.url + "/") as reply:
        assert (reply.status, reply.content_type) == (200, "text/html")
        assert b"<script" in await reply.read()
    lines = " ".join(suite.processes().values())
    for name in ("hive-sim", "hive-discoverd", "hive-polld", "hive-apid"):
        assert name in lines
    suite.process.send_signal(signal.SIGINT)
    await until(lambda: suite.process.poll() is not None, within_s=7)
    assert suite.process.returncode == 0
    assert suite.processes() == {}
    said = suite.err.read_text()
    assert "Traceback" not in said
    assert "code=" not in said, "the terminal alone has it"
    assert f"dashboard:   {suite.url}/" in said


async def test_its_programs_end_when_it_is_killed_outright(suite: Suite) -> None:
    await suite.is_up()
    suite.process.kill()
    await until(lambda: suite.process.poll() is not None)
    await until(lambda: suite.processes() == {}, within_s=6)


async def test_one_program_that_dies_ends_the_rest(suite: Suite) -> None:
    await suite.is_up()
    (polld,) = [pid for pid, line in suite.processes().items() if "hive-polld" in line]
    os.kill(polld, signal.SIGKILL)
    await until(lambda: suite.process.poll() is not None, within_s=7)
    assert suite.process.returncode == 1
    assert suite.processes() == {}
    assert "hive-polld was killed by signal 9: stopping the rest" in suite.err.read_text()


async def test_nodes_join_the_master_by_themselves_and_one_page_shows_all_sites(tmp_path: Path, free_port: int) -> None:
    suite = Suite(tmp_path, free_port, miners=3, nodes=2)
    try:

        async def all_is_there() -> bool:
            assert suite.process.poll() is None, suite.err.read_text()
            nodes = await suite.listed("/api/v1/nodes")
            miners = await suite.listed("/api/miners")
            by_node = Counter(m["node_name"] for m in miners if m["online"] and m["latest_status"])
            alive = {node["name"] for node in nodes if node["state"] == "alive" and node["status"] == "approved"}
            return alive == by_node.keys() == {"master", "node-1", "node-2"} and set(by_node.values()) == {3}

        async def nodes_share_an_artifact() -> bool:
            found = await suite.listed("/artifacts")
            return any(len({bubble["node_id"] for bubble in one["bubbles"]}) > 1 for one in found)

        await until(all_is_there, within_s=80)
        await until(nodes_share_an_artifact, within_s=80)
        suite.process.send_signal(signal.SIGINT)
        await until(lambda: suite.process.poll() is not None, within_s=15)
        assert (suite.process.returncode, suite.processes()) == (0, {})
    finally:
        suite.end()


REFUSED = {
    "HTTP": (
        "--http", ["xx", "127.0.0.1:eighty", "127.0.0.1:99999", "http://x:1", ":"], "expected HOST:PORT such as",
    ),
    "SUBNETS": (
        "--subnets", ["192.168.1.0/33", "192.168.1.5/24", "10.0.0.0/8", "home", "192.168.1.0/24,fe80::/64"],
        "expected IPv4 networks such as",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text"), [(name, text) for name in REFUSED for text in REFUSED[name][1]])
def test_an_argument_that_makes_no_sense_is_named(name: str, text: str, tmp_path: Path) -> None:
    line = [sys.executable, "-m", "hived.simulator.suite", "--var", str(tmp_path / "var"), REFUSED[name][0], text]
    ran = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert ran.returncode == 2
    last = ran.stderr.splitlines()[-1]
    assert last.startswith(f"make run: error: {name}={text.rpartition(',')[2]}: {REFUSED[name][2]}"), last
    assert not (tmp_path / "var").exists()


async def test_the_examples_of_the_readme_work_and_a_second_run_is_refused(tmp_path: Path, free_port: int) -> None:
    suite = Suite(tmp_path, free_port)
    try:
        await until(lambda: "by command" in suite.err.read_text())
        readme = (ROOT / "README.md").read_text()
        examples = [
            line.split("#")[0].split()[1:] for line in readme.splitlines() if line.startswith(".venv/bin/hive-sim")
        ]
        assert len(examples) >= 4
        await until(lambda: "control http://" in suite.out.read_text())
        control = suite.out.read_text().partition("control http://")[2].split()[0]
        for words in (*examples, ["miners"]):
            # Where another site runs on this machine, hive-sim has to be told which one is meant.
            line = [str(Path(sys.executable).with_name("hive-sim")), *words, "--control", control]
            ran = await asyncio.to_thread(subprocess.run, line, capture_output=True, text=True, timeout=60, check=False)
            assert ran.returncode == 0, (words, ran.stderr)
        line = [sys.executable, "-m", "hived.simulator.suite", "--var", str(tmp_path / "var")]
        ran = await asyncio.to_thread(
            subprocess.run, line, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
        )
        assert ran.returncode == 1
        assert ran.stderr == f"hived: `make run` runs with {tmp_path / 'var'} already: stop that one first\n"
        (polld,) = [pid for pid, line in suite.processes().items() if "hive-polld" in line]
        os.kill(polld, signal.SIGKILL)
        await until(lambda: suite.process.poll() is not None)
        assert "hive-polld was killed by signal 9: stopping the rest" in suite.err.read_text()
    finally:
        suite.process.terminate()
        suite.process.wait(30)
