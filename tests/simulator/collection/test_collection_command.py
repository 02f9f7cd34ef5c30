"""hive-sim collection as a program, its verbs, and the control API of a running museum."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from hived.simulator.collection.control import serve_control
from hived.simulator.collection.faults import Trouble
from hived.simulator.collection.museum import Collection
from hived.simulator.main import main
from hived.simulator.miners.fleet import free_port
from tests.clock import FakeClock

HOST = "127.31.1.5"


@dataclass
class Control:
    museum: Collection
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
async def control(clock: FakeClock) -> AsyncIterator[Control]:
    async with Collection(60, host=HOST, clock=clock) as museum:
        port = free_port("127.0.0.1")
        runner = await serve_control(museum, "127.0.0.1", port)
        yield Control(museum, port)
        await runner.cleanup()


@pytest.fixture
async def threads_end() -> AsyncIterator[None]:
    """End the threads that `verb` used."""
    yield
    await asyncio.get_running_loop().shutdown_default_executor()


async def verb(control: Control, *words: str) -> int:
    """Run one verb of hive-sim beside the loop that serves it; returns its exit code."""
    return await asyncio.to_thread(main, [*words, "--control", f"127.0.0.1:{control.port}"])


async def post(
    http: aiohttp.ClientSession, control: Control, path: str, body: object, **headers: str
) -> tuple[int, Any]:
    async with http.post(control.url + path, json=body, headers=headers) as reply:
        return reply.status, await reply.json()


async def test_the_control_api_sets_faults_and_changes_objects(http: aiohttp.ClientSession, control: Control) -> None:
    museum = control.museum
    status, told = await post(http, control, "/fault", {"fault": "throttle", "burst": 5, "paths": ["/public/*"]})
    assert (status, told["faults"]) == (
        200,
        [{"fault": "throttle", "paths": ["/public/*"], "hits": 0, "over": False}],
    )
    (active,) = museum.troubles
    assert (active.trouble, active.burst, active.block_s) == (Trouble.THROTTLE, 5, 30.0)
    assert (await post(http, control, "/fault", {"fault": None}))[1]["faults"] == []
    one, other = museum.ids[0], museum.ids[1]
    assert (await post(http, control, "/touch", {"id": one, "rights": "copyright", "title": "Cup"}))[0] == 200
    assert (museum.objects(one).rights, museum.objects(one).title) == ("copyright", "Cup")
    assert (await post(http, control, "/withdraw", {"id": other}))[0] == 200
    assert museum.catalogue.is_gone(other)
    assert (await post(http, control, "/touch", {"count": 4}))[1]["changed"] == 4
    assert (await post(http, control, "/add", {"count": 2}))[1]["objects"] == 62


async def test_the_control_api_tells_what_was_asked(http: aiohttp.ClientSession, control: Control) -> None:
    async with http.get(f"{control.museum.met_url}/departments") as reply:
        assert reply.status == 200
    async with http.get(f"{control.url}/requests") as reply:
        told = await reply.json()
    assert (told["total"], told["busiest_second"], told["statuses"]) == (1, 1, {"200": 1})
    assert told["paths"] == {"/public/collection/v1/departments": 1}
    assert (await post(http, control, "/requests/reset", {}))[1]["requests"] == 0
    async with http.get(f"{control.url}/collection") as reply:
        assert (await reply.json())["url"] == control.museum.url


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/fault", {"fault": "gremlins"}, 400),
        ("/fault", {"fault": "slow", "speed": 1}, 400),
        ("/fault", {"fault": "slow", "delay_s": "long"}, 400),
        ("/fault", {"fault": "slow", "delay_s": -1}, 400),
        ("/fault", {"fault": "slow", "paths": "/x"}, 400),
        ("/fault", {"fault": "slow", "times": 1.5}, 400),
        ("/fault", {"fault": "slow", "set_at": 1}, 400),
        ("/fault", ["hung"], 400),
        ("/touch", {"id": 7}, 404),
        ("/touch", {"id": "x"}, 400),
        ("/touch", {"rights": "mine"}, 400),
        ("/touch", {"title": 5}, 400),
        ("/withdraw", {}, 400),
        ("/withdraw", {"id": 7}, 404),
        ("/add", {"count": -1}, 400),
    ],
)
async def test_the_control_api_says_what_is_wrong(
    http: aiohttp.ClientSession, control: Control, path: str, body: object, status: int
) -> None:
    got, told = await post(http, control, path, body)
    assert got == status
    assert told["error"]


async def test_the_control_api_is_not_for_web_pages(http: aiohttp.ClientSession, control: Control) -> None:
    body = {"fault": "hung"}
    assert (await post(http, control, "/fault", body, Origin="http://evil.example"))[0] == 403
    assert (await post(http, control, "/fault", body, Host="evil.example"))[0] == 403
    assert control.museum.troubles == []


@pytest.mark.usefixtures("threads_end")
async def test_the_verbs_do_what_they_say(control: Control, capsys: pytest.CaptureFixture[str]) -> None:
    museum = control.museum
    words = ["collection-fault", "too_many", "--path", "/public/*", "--times", "3", "--retry-after", "9", "--for", "60"]
    assert await verb(control, *words) == 0
    (active,) = museum.troubles
    assert (active.paths, active.times, active.retry_after_s, active.for_s) == (("/public/*",), 3, 9, 60.0)
    assert "faults: too_many" in capsys.readouterr().out
    assert await verb(control, "collection-fault", "none") == 0
    assert museum.troubles == []
    assert await verb(control, "collection-touch", "--count", "3") == 0
    assert len(museum.catalogue.changes) == 3
    assert await verb(control, "collection-touch", "--id", "7") == 1
    assert "no object 7" in capsys.readouterr().err
    assert await verb(control, "collection-requests") == 0
    assert json.loads(capsys.readouterr().out)["total"] == 0


def test_a_verb_without_a_museum_says_so(capsys: pytest.CaptureFixture[str], free_port: int) -> None:
    assert main(["collection-requests", "--control", f"127.0.0.1:{free_port}"]) == 1
    assert "no answer from a museum" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--objects", "0"],
        ["--objects", "many"],
        ["--addr", "127.21.0.1"],
        ["--crawl-delay", "-1"],
        ["--change-every", "nan"],
    ],
)
def test_wrong_usage_is_explained(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["collection", *words])
    assert exit_.value.code == 2
    assert "expected" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--addr", "0.0.0.0:8181"], ["--control", "192.0.2.1:8191"], ["--addr", "museum:80"]]
)
def test_it_listens_on_loopback_only(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["collection", *words]) == 2
    assert "--allow-any-address" in capsys.readouterr().err


def test_it_says_when_the_address_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        assert main(["collection", "--addr", f"{HOST}:{taken.getsockname()[1]}"]) == 1
    assert "cannot listen" in capsys.readouterr().err


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_the_program_serves_until_a_signal_comes(http: aiohttp.ClientSession, signum: signal.Signals) -> None:
    port, control = free_port(HOST), free_port("127.0.0.1")
    words = ["--objects", "30", "--addr", f"{HOST}:{port}", "--control", f"127.0.0.1:{control}", "--throttle"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hived.simulator.main", "collection", *words, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        banner = (await asyncio.wait_for(process.stdout.readline(), 10)).decode()
        assert f"a museum of 30 objects listens at http://{HOST}:{port}, control" in banner
        async with http.get(f"http://{HOST}:{port}/public/collection/v1/objects") as reply:
            assert (await reply.json())["total"] == 30
        async with http.get(f"http://127.0.0.1:{control}/collection") as reply:
            assert [fault["fault"] for fault in (await reply.json())["faults"]] == ["throttle"]
        process.send_signal(signum)
        assert await asyncio.wait_for(process.wait(), 5) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
