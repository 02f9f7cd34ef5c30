"""What the simulator's tests share: small steady fleets on 127.31.0.0/24 and an HTTP client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from hived.simulator.miners.fleet import Fleet
from tests.clock import FakeClock

SUBNET = "127.31.0.0/24"


@pytest.fixture
async def fleet(clock: FakeClock) -> AsyncIterator[Fleet]:
    """Four healthy miners of four models: S19j Pro, S19, S21 Pro and S19k Pro, each with the CGMiner port."""
    models = {"s19jpro": 1, "s19": 1, "s21pro": 1, "s19kpro": 1}
    async with Fleet(4, subnet=SUBNET, rpc_port=0, models=models, clock=clock, steady=True) as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield session
