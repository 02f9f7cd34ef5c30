"""hive-sim as a program: it starts, says so, obeys its verbs, refuses foreign networks, and stops on a signal."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from hived.simulator.main import main
from hived.simulator.miners.control import serve_control
from hived.simulator.miners.faults import Fault
from hived.simulator.miners.fleet import Fleet, free_port
from tests.simulator.asking import ask

ADDRESS = "127.31.0.201"
SMALL = "127.31.0.200/29"


@dataclass
class Control:
    """A running control API and the fleet behind it."""

    fleet: Fleet
    port: int

    @property
    def flag(self) -> list[str]:
        return ["--control", f"127.0.0.1:{self.port}"]


@pytest.fixture
async def control(fleet: Fleet) -> AsyncIterator[Control]:
    port = free_port("127.0.0.1")
    runner = await serve_control(fleet, "127.0.0.1", port)
    yield Control(fleet, port)
    await runner.cleanup()


async def post(
    http: aiohttp.ClientSession, control: Control, path: str, body: object, **headers: str
) -> tuple[int, object]:
    async with http.post(f"http://127.0.0.1:{control.port}{path}", json=body, headers=headers) as reply:
        return reply.status, await reply.json()


async def test_the_control_api_lists_miners(http: aiohttp.ClientSession, control: Control) -> None:
    async with http.get(f"http://127.0.0.1:{control.port}/miners") as reply:
        miners = await reply.json()
    assert [miner["ip"] for miner in miners] == [miner.ip for miner in control.fleet.miners]
    assert {"mac", "model", "state", "fault", "keys", "requests", "online"} <= miners[0].keys()


async def test_the_control_api_sets_and_clears_faults(http: aiohttp.ClientSession, control: Control) -> None:
    miner = control.fleet.miners[0]
    body = {"fault": "error-500", "paths": ["/api/v1/chains"], "options": {"times": 5}}
    status, told = await post(http, control, f"/miners/{miner.ip}/fault", body)
    assert (status, told["fault"] if isinstance(told, dict) else None) == (200, "error_500")
    assert miner.fault is not None
    assert (miner.fault.fault, miner.fault.paths, miner.fault.times) == (Fault.ERROR_500, ("/api/v1/chains",), 5)
    assert (await post(http, control, f"/miners/{miner.ip}/fault", {"fault": None}))[0] == 200
    assert miner.fault is None


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/miners/127.31.0.1/fault", {"fault": "gremlins"}, 400),
        ("/miners/127.31.0.1/fault", {"fault": "slow", "speed": 1}, 400),
        ("/miners/127.31.0.1/fault", {"fault": "slow", "delay": "long"}, 400),
        ("/miners/127.31.0.1/fault", {"fault": "slow", "delay": -1}, 400),
        ("/miners/127.31.0.1/fault", ["hung"], 400),
        ("/miners/127.31.0.9/fault", {"fault": "hung"}, 404),
        ("/move", {"ip": "127.31.0.1"}, 400),
        ("/move", {"ip": "127.31.0.1", "to": "nowhere"}, 400),
        ("/move", {"ip": "127.31.0.1", "to": "127.31.0.2"}, 400),
        ("/move", {"ip": "127.31.0.1", "to": "192.0.2.1"}, 409),
        ("/state", {"ip": "127.31.0.1", "state": "asleep"}, 400),
        ("/vanish", {"ip": 5}, 400),
    ],
)
async def test_the_control_api_says_what_is_wrong(
    http: aiohttp.ClientSession, control: Control, path: str, body: object, status: int
) -> None:
    got, told = await post(http, control, path, body)
    assert got == status
    assert isinstance(told, dict)
    assert told["error"]


async def test_the_control_api_is_not_for_web_pages(http: aiohttp.ClientSession, control: Control) -> None:
    body = {"ip": "127.31.0.1"}
    assert (await post(http, control, "/vanish", body, Origin="http://evil.example"))[0] == 403
    assert (await post(http, control, "/vanish", body, Host="evil.example"))[0] == 403
    assert control.fleet.miners[0].online


async def verb(control: Control, *words: str) -> int:
    """Run one verb of hive-sim beside the loop that serves it; returns its exit code."""
    return await asyncio.to_thread(main, [*words, *control.flag])


@pytest.fixture
async def threads_end() -> AsyncIterator[None]:
    """End the threads that `verb` used."""
    yield
    await asyncio.get_running_loop().shutdown_default_executor()


@pytest.mark.usefixtures("threads_end")
async def test_the_verbs_do_what_they_say(control: Control, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = control.fleet
    first, second = fleet.miners[0], fleet.miners[1]
    assert await verb(control, "fault", first.ip, "hung", "--path", "/api/v1/chains") == 0
    assert first.fault is not None
    assert first.fault.paths == ("/api/v1/chains",)
    assert await verb(control, "clear", first.ip) == 0
    assert first.fault is None
    assert await verb(control, "swap", first.ip, second.ip) == 0
    assert (first.ip, second.ip) == ("127.31.0.2", "127.31.0.1")
    assert await verb(control, "move", first.ip, "127.31.0.99") == 0
    assert first.ip == "127.31.0.99"
    assert await verb(control, "vanish", first.ip) == 0
    assert not first.online
    assert await verb(control, "return", first.ip) == 0
    assert first.online
    assert await verb(control, "password", first.ip, "secret") == 0
    assert first.password == "secret"
    assert await verb(control, "state", first.ip, "stopped") == 0
    assert first.state == "stopped"
    mac = first.mac
    assert await verb(control, "replace-board", first.ip) == 0
    assert first.mac != mac
    capsys.readouterr()
    assert await verb(control, "miners") == 0
    assert first.mac in capsys.readouterr().out
    assert await verb(control, "miners", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 4
    assert await verb(control, "vanish", "127.31.0.55") == 1
    assert "no miner at 127.31.0.55" in capsys.readouterr().err


def test_a_verb_without_a_fleet_says_so(free_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["miners", "--control", f"127.0.0.1:{free_port}"]) == 1
    assert "no answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--subnet", "192.168.1.0/24"],
        ["--subnet", "126.0.0.0/7"],
        ["--subnet", "0.0.0.0/0"],
        ["--subnet", "127.31.0.0/24", "--control", "0.0.0.0:8190"],
        ["--subnet", "127.31.0.0/24", "--count", "300"],
    ],
)
def test_foreign_networks_are_refused_with_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("hive-sim: ")


@pytest.mark.parametrize(
    "arguments", [["--models", "s99:1"], ["--states", "asleep:1"], ["--port", "0"], ["--speed", "fast"], ["--count"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["fleet", *arguments])
    assert stopped.value.code == 2
    assert "hive-sim fleet: error:" in capsys.readouterr().err


def test_a_port_in_use_is_one_line_and_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server((ADDRESS, 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["fleet", "--count", "3", "--subnet", SMALL, "--port", port]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "in use" in said


async def start(*arguments: str) -> tuple[asyncio.subprocess.Process, str]:
    """Start hive-sim fleet as a program; returns it and the line it said when it listened."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hived.simulator.main",
        "fleet",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert process.stdout is not None
    async with asyncio.timeout(10):
        line = (await process.stdout.readline()).decode()
    return process, line


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_the_program_serves_and_stops_on_a_signal(http: aiohttp.ClientSession, signum: signal.Signals) -> None:
    port, control = free_port(ADDRESS), free_port("127.0.0.1")
    where = ["--count", "4", "--subnet", SMALL, "--port", str(port), "--control", f"127.0.0.1:{control}"]
    process, line = await start(*where)
    try:
        assert line == (
            f"hive-sim: 4 miners listen on {ADDRESS} to 127.31.0.204, port {port}, control http://127.0.0.1:{control}\n"
        )
        async with http.get(f"http://{ADDRESS}:{port}/api/v1/info") as reply:
            assert (await reply.json())["fw_name"] == "Vnish"
        async with http.get(f"http://127.0.0.1:{control}/miners") as reply:
            assert len(await reply.json()) == 4
        process.send_signal(signum)
        async with asyncio.timeout(5):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_fleet_in_a_test_may_have_faults_at_once(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    fleet.set_fault(fleet.miners[0], Fault.ERROR_500)
    fleet.set_fault(fleet.miners[1], Fault.NULL_MINER)
    told = [(await ask(http, fleet, miner, "/summary"))[0] for miner in fleet.miners]
    assert told == [500, 200, 200, 200]
