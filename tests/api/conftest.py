"""A database, a farm in it, and the application that shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from hived.store import Store, database_of
from tests.api import farm
from tests.clock import FakeClock
from tests.databases import Databases


@pytest.fixture
def made(databases: Databases) -> Callable[[str], str]:
    """Return a way to a database filled like `farm.FILLED` says, by its URL: each is made once and then copied."""

    def make(name: str) -> str:
        def fill(url: str) -> None:
            database = database_of(url, databases.templates)
            with database.session(), database.atomic():
                farm.FILLED[name](database)
            database.shut()

        return databases.make(f"farm_{name}", fill)

    return make


@pytest.fixture
async def store(made: Callable[[str], str]) -> AsyncIterator[Store]:
    """An empty database."""
    async with Store.open(made("empty")) as opened:
        yield opened


@pytest.fixture
async def big_store(made: Callable[[str], str]) -> AsyncIterator[Store]:
    """A thousand miners; every other one has a status."""
    async with Store.open(made("thousand")) as opened:
        yield opened


@pytest.fixture
async def api(made: Callable[[str], str], clock: FakeClock) -> AsyncIterator[farm.Api]:
    """The small farm, served."""
    async with Store.open(made("small")) as opened, farm.serve(opened, clock) as running:
        yield running


@pytest.fixture
async def nobody(api: farm.Api) -> AsyncIterator[farm.Api]:
    """The small farm, asked without any proof."""
    async with api.browser(None) as browser:
        yield browser
