"""A small master and nodes that carry to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.clock import FakeClock
from tests.services.nodes.master import SmallMaster, serving
from tests.services.nodes.node import MakeNode, Node, a_node


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as made:
        yield made


@pytest.fixture
async def master(clock: FakeClock) -> AsyncIterator[SmallMaster]:
    async with serving(SmallMaster(clock)) as made:
        yield made


@pytest.fixture
async def node(tmp_path: Path, clock: FakeClock, master: SmallMaster) -> AsyncIterator[Node]:
    """A node that has joined and has told nothing yet."""
    async with a_node(tmp_path, clock) as made:
        await made.wants(master.url)
        await made.tick()
        master.approve()
        yield made


@pytest.fixture
def make_node(tmp_path: Path, clock: FakeClock, stack: AsyncExitStack) -> MakeNode:
    async def make(wanted: str) -> Node:
        return await stack.enter_async_context(a_node(tmp_path / "node", clock, wanted))

    return make
