"""A scripted peer, and clients that talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hived.clients.firmwares.http import open_session
from hived.clients.firmwares.vnish.client import VnishClient
from tests.clients.peer import Peer, running_peer


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with running_peer() as peer:
        yield peer


@pytest.fixture
async def client(peer: Peer) -> AsyncIterator[VnishClient]:
    async with open_session() as session:
        yield VnishClient(session, port=peer.port, timeout_s=5.0)


@pytest.fixture
async def hasty(peer: Peer) -> AsyncIterator[VnishClient]:
    async with open_session() as session:
        yield VnishClient(session, port=peer.port, timeout_s=0.15)
