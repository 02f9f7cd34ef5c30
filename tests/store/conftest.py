"""A real database with the real schema."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hived.store import Store
from tests.databases import Databases


@pytest.fixture
def url(databases: Databases) -> str:
    """The URL of a fresh, migrated database; on both kinds."""
    return databases.make()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with Store.open(url) as opened:
        yield opened


@pytest.fixture
async def other_store(databases: Databases) -> AsyncIterator[Store]:
    """A second database of the same kind."""
    async with Store.open(databases.make()) as opened:
        yield opened
