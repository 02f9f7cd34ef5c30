"""Short ways to ask a simulated miner."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from hived.simulator.miners.fleet import Fleet
from hived.simulator.miners.miner import SimulatedMiner

KEY = "00112233445566778899aabbccddeeff"


def url(fleet: Fleet, miner: SimulatedMiner, path: str) -> str:
    return f"http://{miner.ip}:{fleet.port}{path if path == '/' else '/api/v1' + path}"


async def ask(
    http: aiohttp.ClientSession,
    fleet: Fleet,
    miner: SimulatedMiner,
    path: str,
    body: Any = None,
    *,
    method: str | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    """Return status and body of one request: POST when there is a body to send, else GET."""
    method = method or ("GET" if body is None else "POST")
    data = None if body is None else json.dumps(body).encode()
    async with http.request(method, url(fleet, miner, path), data=data, headers=headers) as reply:
        return reply.status, await reply.read()


async def document(http: aiohttp.ClientSession, fleet: Fleet, miner: SimulatedMiner, path: str) -> Any:
    """Return the decoded body of a GET that must succeed, with a key."""
    status, body = await ask(http, fleet, miner, path, headers={"x-api-key": with_key(miner)})
    assert status == 200, (path, status, body)
    return json.loads(body)


def with_key(miner: SimulatedMiner) -> str:
    """Return a key that the miner knows."""
    miner.keys.setdefault(KEY, "tests")
    return KEY


def of_model(fleet: Fleet, alias: str) -> SimulatedMiner:
    return next(miner for miner in fleet.miners if miner.model == alias)
