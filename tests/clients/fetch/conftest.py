"""The outside world, and a Fetcher that meets it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hived.clients.fetch import Fetcher
from tests.clients.fetch.outside import Names, OpenGate, Outside, running_site
from tests.clock import FakeClock


@pytest.fixture
async def outside(clock: FakeClock) -> AsyncIterator[Outside]:
    async with running_site() as site:
        yield Outside(site, Names(), OpenGate(), clock)


@pytest.fixture
async def fetcher(outside: Outside) -> AsyncIterator[Fetcher]:
    """A Fetcher with a contact; of the private addresses only the site's own may be asked."""
    async with outside.fetcher() as fetcher:
        yield fetcher
