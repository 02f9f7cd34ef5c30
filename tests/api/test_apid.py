"""hive-apid as a real process: where it listens, what it says of it, how it ends."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from hived.api.http.listener import Listener
from hived.daemons.apid import shown, warn
from hived.runtime.config import Config
from hived.runtime.kinds import Endpoint
from hived.runtime.options import Http
from hived.services.appliance.certificates import CERT_NAME
from hived.store import Store, create, daemon_rows, database_of
from tests import access
from tests.databases import Cluster, Databases
from tests.waiting import until

pytestmark = pytest.mark.system

WITHIN_S = 20.0  # to start on a busy machine


class Running:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[str] = []

    async def says(self, pattern: str) -> re.Match[str]:
        """Return the match in the next line of its log that has one."""
        assert self.process.stderr is not None
        async with asyncio.timeout(WITHIN_S):
            while line := (await self.process.stderr.readline()).decode():
                self.said.append(line)
                if found := re.search(pattern, line):
                    return found
        raise AssertionError(f"it ended without saying {pattern!r}: {self.said}")

    async def end(self) -> int:
        assert self.process.stderr is not None
        async with asyncio.timeout(WITHIN_S):
            self.said += (await self.process.stderr.read()).decode().splitlines()
            return await self.process.wait()


@asynccontextmanager
async def apid(folder: Path, *flags: str, **env: str) -> AsyncIterator[Running]:
    """Run hive-apid on a database in a folder."""
    (folder / "hived.yaml").write_text(f"database:\n  url: sqlite:///{folder / 'hived.db'}\n")
    program = "import sys; from hived.daemons.entry import apid; sys.exit(apid())"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, "--config", str(folder / "hived.yaml"), *flags,
        stderr=asyncio.subprocess.PIPE, env={**os.environ, **env},
    )  # fmt: skip
    try:
        yield Running(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def on(databases: Databases) -> dict[str, str]:
    """Make a database that lets the tests in, and return what tells a daemon of it."""
    database = database_of(databases.make())
    with database.session(), database.transact("write"):
        access.admit(database)
    database.shut()
    return {"HIVED_DATABASE__URL": databases.url, "HIVED_NODE__STATE_DIR": str(databases.folder)}


async def test_it_serves_says_where_is_seen_and_ends_within_five_seconds(
    tmp_path: Path, free_port: int, databases: Databases
) -> None:
    env = on(databases)
    url = databases.url
    async with apid(tmp_path, "--addr", f"127.0.0.1:{free_port}", **env) as running:
        where = (await running.says(r"dashboard at (http://127\.0\.0\.1:\d+)"))[1]
        async with (
            aiohttp.ClientSession(where, headers=access.BEARER) as http, http.get("/api/v1/stream") as stream,
            Store.open(url) as store,
        ):  # fmt: skip
            assert (await stream.content.readline()).startswith(b"retry")
            async with http.get("/healthz") as reply:
                assert (reply.status, await reply.json()) == (200, {"status": "ok"})

            async def seen() -> bool:
                rows = await store.read(daemon_rows.daemons)
                return any(row.name == "hive-apid" and where in row.status for row in rows)

            await until(seen)
            running.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(5):
                assert await running.end() == 0


async def test_it_outlives_a_restart_of_the_database_server(tmp_path: Path, free_port: int, cluster: Cluster) -> None:
    databases = Databases("postgresql", tmp_path, tmp_path, cluster)
    async with apid(tmp_path, "--addr", f"127.0.0.1:{free_port}", **on(databases)) as running:
        where = (await running.says(r"dashboard at (http://127\.0\.0\.1:\d+)"))[1]
        await running.says("no user yet")  # the last that is done before the beats begin
        async with aiohttp.ClientSession(where, headers=access.BEARER) as http:

            async def answers(code: int) -> bool:
                async with http.get("/healthz") as healthz, http.get("/api/v1/events") as events:
                    return (healthz.status, events.status) == (code, code)

            await until(lambda: answers(200))
            cluster.stop()
            try:
                await until(lambda: answers(503))
            finally:
                cluster.start()
            await until(lambda: answers(200))
        running.process.send_signal(signal.SIGTERM)
        assert await running.end() == 0
    assert not any("Traceback" in line for line in running.said)
    databases.close()


async def test_a_port_in_use_is_one_clear_line_and_exit_1(tmp_path: Path) -> None:
    create(f"sqlite:///{tmp_path / 'hived.db'}")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        async with apid(tmp_path, "--addr", f"127.0.0.1:{port}") as running:
            assert await running.end() == 1
    words = [line for line in running.said if "in use by another program" in line]
    assert len(words) == 1
    assert f"127.0.0.1:{port}" in words[0]
    assert not any("Traceback" in line for line in running.said)


async def test_all_addresses_are_those_of_both_kinds_and_clients_keep_theirs() -> None:
    async def who(request: web.Request) -> web.Response:
        return web.Response(text=str(request.remote))

    app = web.Application()
    app.router.add_get("/", who)
    runner = web.AppRunner(app)
    await runner.setup()
    listener = Listener(runner, "::", 0)
    await listener.start()
    try:
        async with aiohttp.ClientSession() as http:
            for host, address in (("127.0.0.1", "127.0.0.1"), *([("[::1]", "::1")] if _has_ipv6() else [])):
                async with http.get(f"http://{host}:{listener.port}/") as reply:
                    assert await reply.text() == address
        again = Listener(runner, "::", listener.port)
        with pytest.raises(OSError, match="in use"):
            await again.start()
    finally:
        await runner.cleanup()
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", listener.port))


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


async def test_once_is_one_round_and_exit_0(tmp_path: Path, free_port: int) -> None:
    create(f"sqlite:///{tmp_path / 'hived.db'}")
    async with apid(tmp_path, "--once", "--addr", f"127.0.0.1:{free_port}") as running:
        assert await running.end() == 0


async def test_without_a_database_it_says_what_to_run_and_exits_78(tmp_path: Path, free_port: int) -> None:
    async with apid(tmp_path, "--addr", f"127.0.0.1:{free_port}") as running:
        assert await running.end() == 78
    assert any("hivectl migrate" in line for line in running.said)


def test_what_is_open_is_said_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    for host, readable in (
        ("0.0.0.0", True),
        ("192.168.1.5", True),
        ("::", True),
        ("127.0.0.1", False),
        ("::1", False),
    ):
        caplog.clear()
        warn(Config(http=Http(addr=Endpoint(host, 80))))
        assert ["unencrypted" in r.message for r in caplog.records] == [True] * readable, host


def test_the_url_in_the_log_can_be_opened() -> None:
    assert shown("127.0.0.1") == "127.0.0.1"
    for everywhere in ("0.0.0.0", "::"):
        assert shown(everywhere) not in ("0.0.0.0", "::", "")


async def test_self_signed_serves_over_tls_and_keeps_its_certificate(tmp_path: Path, free_port: int) -> None:
    create(f"sqlite:///{tmp_path / 'hived.db'}")
    pins = set()
    for _ in range(2):
        async with apid(tmp_path, "--addr", f"127.0.0.1:{free_port}", HIVED_HTTP__TLS="self-signed") as running:
            where = (await running.says(r"dashboard at (https://127\.0\.0\.1:\d+)"))[1]
            context = ssl.create_default_context(cafile=str(tmp_path / CERT_NAME))
            async with (
                aiohttp.ClientSession(where, connector=aiohttp.TCPConnector(ssl=context)) as http,
                http.get("/api/v1/hello") as reply,
            ):
                told = await reply.json()
                pins.add((told["node_id"], told["pin"], told["fingerprint"]))
                running.process.send_signal(signal.SIGTERM)
                async with asyncio.timeout(5):  # with a connection that is kept
                    assert await running.end() == 0
    assert len(pins) == 1


async def test_with_tls_off_both_are_served_and_the_log_says_which_is_which(tmp_path: Path, free_port: int) -> None:
    create(f"sqlite:///{tmp_path / 'hived.db'}")
    async with apid(tmp_path, "--addr", f"127.0.0.1:{free_port}") as running:
        pattern = r"dashboard at (http://\S+), over TLS at (https://\S+), fingerprint of the certificate ([0-9a-f]{64})"
        said = await running.says(pattern)
        context = ssl.create_default_context(cafile=str(tmp_path / CERT_NAME))
        for url in said[1], said[2]:
            async with (
                aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(ssl=context)) as http,
                http.get("/api/v1/hello") as reply,
            ):
                assert (await reply.json())["fingerprint"] == said[3]


async def test_files_that_do_not_fit_are_one_line_and_exit_78(tmp_path: Path, free_port: int) -> None:
    create(f"sqlite:///{tmp_path / 'hived.db'}")
    given = f"{{cert: {tmp_path / 'no.pem'}, key: {tmp_path / 'no.pem'}}}"
    async with apid(tmp_path, "--addr", f"127.0.0.1:{free_port}", HIVED_HTTP__TLS=given) as running:
        assert await running.end() == 78
    assert "cannot read" in running.said[-1]
    assert not any("Traceback" in line for line in running.said)


async def test_the_code_for_the_first_admin_is_in_the_log(tmp_path: Path, free_port: int) -> None:
    create(f"sqlite:///{tmp_path / 'hived.db'}")
    async with apid(tmp_path, "--addr", f"127.0.0.1:{free_port}") as running:
        found = await running.says(r"open (http://127\.0\.0\.1:\d+)/setup and enter the code (\S+)")
        wish = {"code": found[2], "user": "chief", "password": "correct horse battery"}
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(found[1], cookie_jar=jar) as http:
            async with http.post("/api/v1/setup", json=wish) as reply:
                assert reply.status == 200
            async with http.get("/api/v1/users") as reply:
                assert [user["name"] for user in await reply.json()] == ["chief"]
