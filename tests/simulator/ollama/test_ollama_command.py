"""hive-sim ollama as a program, and its control API."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest

from hived.simulator.main import main
from hived.simulator.ollama import writer
from hived.simulator.ollama.faults import OllamaFault
from hived.simulator.ollama.model_command import serve_control
from hived.simulator.ollama.server import SimulatedOllama


@pytest.fixture
async def server(free_port: int) -> AsyncIterator[SimulatedOllama]:
    """A server whose control API listens on `free_port`."""
    async with SimulatedOllama() as running:
        runner = await serve_control(running, "127.0.0.1", free_port)
        yield running
        await runner.cleanup()


async def steer(http: aiohttp.ClientSession, port: int, body: object, **headers: str) -> tuple[int, dict[str, object]]:
    async with http.post(f"http://127.0.0.1:{port}/fault", json=body, headers=headers) as reply:
        return reply.status, await reply.json()


async def test_the_control_api_switches_faults_and_tells_the_state(
    http: aiohttp.ClientSession, server: SimulatedOllama, free_port: int
) -> None:
    status, state = await steer(http, free_port, {"fault": "error-500", "times": 2, "paths": ["/api/*"]})
    assert (status, state["fault"], state["requests"]) == (200, "error_500", 0)
    assert server.fault is not None
    assert (server.fault.fault, server.fault.times, server.fault.paths) == (OllamaFault.ERROR_500, 2, ("/api/*",))
    assert (await steer(http, free_port, {"fault": None}))[1]["fault"] is None
    async with http.get(f"http://127.0.0.1:{free_port}/") as reply:
        assert (await reply.json())["url"] == server.url


@pytest.mark.parametrize(
    "body",
    [
        {"fault": "gremlins"},
        {"fault": "slow", "speed": 1},
        {"fault": "slow", "delay": "long"},
        {"fault": "slow", "delay": -1},
        {"fault": "hung", "tokens": True},
        {"fault": "hung", "paths": []},
        ["hung"],
    ],
)
async def test_the_control_api_says_what_is_wrong(
    http: aiohttp.ClientSession, server: SimulatedOllama, free_port: int, body: object
) -> None:
    status, told = await steer(http, free_port, body)
    assert status == 400
    assert told["error"]
    assert server.fault is None


async def test_the_control_api_is_not_for_web_pages(
    http: aiohttp.ClientSession, server: SimulatedOllama, free_port: int
) -> None:
    assert (await steer(http, free_port, {"fault": "hung"}, Origin="http://evil.example"))[0] == 403
    assert (await steer(http, free_port, {"fault": "hung"}, Host="evil.example"))[0] == 403
    assert server.fault is None


async def test_the_verb_steers_a_running_server(
    server: SimulatedOllama, free_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async def verb(*words: str) -> int:
        return await asyncio.to_thread(main, ["ollama-fault", *words, "--control", f"127.0.0.1:{free_port}"])

    assert await verb("slow", "--delay", "0.5", "--times", "3", "--path", "/api/chat") == 0
    assert server.fault is not None
    assert (server.fault.delay, server.fault.times, server.fault.paths) == (0.5, 3, ("/api/chat",))
    assert await verb("hung", "--tokens", "-1") == 1
    assert await verb("none") == 0
    assert server.fault is None
    assert "no fault" in capsys.readouterr().out
    await asyncio.get_running_loop().shutdown_default_executor()


def test_without_a_server_the_verb_says_so(free_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ollama-fault", "hung", "--control", f"127.0.0.1:{free_port}"]) == 1
    assert "no answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--listen", "0.0.0.0:11435"], ["--control", "192.0.2.1:80"], ["--listen", "somewhere:80"]]
)
def test_addresses_outside_loopback_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ollama", *words]) == 2
    assert "--allow-any-address" in capsys.readouterr().err


async def test_a_port_that_is_taken_is_said_in_one_line(
    server: SimulatedOllama, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asyncio.to_thread(_run_in_vain, server.port) == 1
    assert "cannot listen" in capsys.readouterr().err
    await asyncio.get_running_loop().shutdown_default_executor()


def _run_in_vain(port: int) -> int:
    """Run it in a process of its own: it takes signals, which a thread may not."""
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "hived.simulator.main", "ollama", "--listen", f"127.0.0.1:{port}"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    sys.stderr.write(done.stderr)
    return done.returncode


async def test_it_runs_until_a_signal_comes(http: aiohttp.ClientSession, free_port: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "hived.simulator.main", "ollama", "--listen", f"127.0.0.1:{free_port}", "--model", "tiny:1b"),
        *("--tokens-per-second", "0", "--load-seconds", "0"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            line = (await process.stdout.readline()).decode()
        assert line == f"hive-sim: a model server with tiny:1b listens on http://127.0.0.1:{free_port}\n"
        body = {"model": "tiny:1b", "prompt": json.dumps({"title": "Bowl"}), "stream": False}
        async with http.post(f"http://127.0.0.1:{free_port}/api/generate", json=body) as reply:
            assert (await reply.json())["response"] == writer.TEXT
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
