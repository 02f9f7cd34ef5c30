"""A real SQLite file with the real schema."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hived.store import Store, create


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL of a fresh, migrated database."""
    made = f"sqlite:///{tmp_path / 'hived.db'}"
    create(made)
    return made


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with Store.open(url) as opened:
        yield opened
