"""A database, a farm in it, and the application that shows it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from hived.store import Store, create, database_of
from tests.api import farm
from tests.clock import FakeClock


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a way to a database filled like `farm.FILLED` says: each is made once and then copied."""
    folder = tmp_path_factory.mktemp("databases")

    def make(name: str) -> Path:
        path = folder / f"{name}.db"
        if not path.exists():
            create(f"sqlite:///{path}")
            with (
                closing(database_of(f"sqlite:///{path}")) as database,
                database.connection_context(),
                database.atomic(),
            ):
                farm.FILLED[name](database)
        return path

    return make


@pytest.fixture
async def store(tmp_path: Path, made: Callable[[str], Path]) -> AsyncIterator[Store]:
    """An empty database."""
    shutil.copy(made("empty"), tmp_path / "hived.db")
    async with Store.open(f"sqlite:///{tmp_path / 'hived.db'}") as opened:
        yield opened


@pytest.fixture
async def big_store(tmp_path: Path, made: Callable[[str], Path]) -> AsyncIterator[Store]:
    """A thousand miners; every other one has a status."""
    shutil.copy(made("thousand"), tmp_path / "hived.db")
    async with Store.open(f"sqlite:///{tmp_path / 'hived.db'}") as opened:
        yield opened


@pytest.fixture
async def api(tmp_path: Path, made: Callable[[str], Path], clock: FakeClock) -> AsyncIterator[farm.Api]:
    """The small farm, served."""
    shutil.copy(made("small"), tmp_path / "hived.db")
    async with Store.open(f"sqlite:///{tmp_path / 'hived.db'}") as opened, farm.serve(opened, clock) as running:
        yield running
