"""A pair of 0.1.0 that joined without TLS, updated to today: it goes on, says what to do, and one command does it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests import access
from tests.fleet import old_and_new
from tests.fleet.old_and_new import MASTER, NODE, PREPARE, Box, NoHistory
from tests.fleet.world import free_port
from tests.system.appliance import until

WITHIN_S = 60.0


def rows(box: Box, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{box.database}?mode=ro", uri=True, timeout=5)) as connection:
        return connection.execute(sql).fetchall()


def happens(box: Box, kind: str) -> None:
    """Let the node have an event to tell."""
    with closing(sqlite3.connect(box.database, timeout=30)) as connection, connection:
        connection.execute("INSERT INTO event (at, kind, detail) VALUES (?, ?, '{}')", (time.time(), kind))


async def doctor(box: Box) -> dict[str, Any]:
    """Return what `hivectl doctor` says of the master, or of the nodes."""
    child = await asyncio.create_subprocess_exec(
        *box.command("hivectl", "--json", "doctor"), env=box._environ(), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await child.communicate()
    return {one["name"]: one for one in json.loads(out)["checks"] if one["name"] in ("master", "nodes")}


@pytest.mark.system
@pytest.mark.timeout(240)
async def test_a_pair_without_tls_goes_on_after_the_update_and_one_command_secures_it(tmp_path: Path) -> None:
    try:
        tree = old_and_new.release(tmp_path / "0.1.0")
    except NoHistory as err:
        pytest.skip(str(err))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        node = Box(tmp_path / "node", tree, node={"name": NODE, "id": NODE})
        stack.callback(node.close)
        master = Box(tmp_path / "master", tree, node={"name": MASTER, "id": MASTER}, syncd={"master": "off"},
                     http={"addr": f"127.0.0.1:{port}"})  # fmt: skip
        stack.callback(master.close)
        for box in (node, master):
            await asyncio.to_thread(box.run, PREPARE)

        async def arrives(kind: str) -> None:
            happens(node, kind)
            told = f"SELECT 1 FROM event WHERE node_id = '{NODE}' AND kind = '{kind}'"
            await until(lambda: bool(rows(master, told)), within_s=WITHIN_S)

        def secure() -> bool:
            return rows(master, f"SELECT secure FROM node WHERE id = '{NODE}'") == [(1,)]

        apid = master.begin("hive-apid")
        async with aiohttp.ClientSession(headers=access.BEARER) as http:
            await until(lambda: old_and_new._listens(http, url), within_s=WITHIN_S)
        await node.ask("join", url, (await master.ask("enroll-code"))["code"])
        syncd = node.begin("hive-syncd")
        await arrives("as_before")

        await apid.stop()
        master.tree = None
        await master.ask("migrate")
        apid = master.begin("hive-apid")
        await arrives("master_updated")
        await until(lambda: not secure(), within_s=WITHIN_S)  # 0.1.0 called a contact from this machine so

        await syncd.stop()
        node.tree = None
        await node.ask("migrate")
        syncd = node.begin("hive-syncd")
        await arrives("both_updated")
        assert not secure()
        assert "On this node: hivectl secure" in syncd.log
        said = await doctor(node)
        assert (said["master"]["state"], said["master"]["next"]) == ("warn", "hivectl secure")
        assert "without TLS" in said["master"]["text"]
        said = await doctor(master)
        assert (said["nodes"]["state"], said["nodes"]["next"]) == ("warn", f"on {NODE}: hivectl secure")

        (before,) = rows(node, "SELECT key_id FROM uplink")
        done = await node.ask("secure")
        assert done["url"] == url.replace("http:", "https:")
        await until(secure, within_s=WITHIN_S)
        await arrives("secured")
        ((state, uplink_url, pin, key_id),) = rows(node, "SELECT state, url, pin, key_id FROM uplink")
        assert (state, uplink_url, pin) == ("joined", done["url"], done["pin"])
        assert (key_id,) != before, "the old key could be read"
        assert rows(master, f"SELECT status FROM node_key WHERE id = '{before[0]}'") == [("revoked",)]
        assert secure()
        assert (await doctor(node))["master"]["state"] == "ok"
        assert "nodes" not in await doctor(master)
        for program in (syncd, apid):
            await program.stop()
            assert "Traceback" not in program.log
