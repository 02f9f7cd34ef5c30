"""One Chromium for all tests of a process, a farm and a page for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import pytest

from hived.store import Store, create
from tests.dashboard.browser import MISSING, Devtools, Page, find, running
from tests.dashboard.farm import COOKIE, Farm


class OpenPage(Protocol):
    def __call__(
        self, *, width: int = 1440, height: int = 900, dark: bool = False
    ) -> AbstractAsyncContextManager[Page]: ...


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DevTools address of a running Chromium."""
    program = find()
    if program is None:
        pytest.skip(MISSING)
    with running(program, tmp_path_factory.mktemp("chromium")) as url:
        yield url


@pytest.fixture
async def open_page(chromium: str, free_port: int) -> AsyncIterator[OpenPage]:
    """A way to open pages; each brings the cookie along that a farm knows, unless it wants a login."""
    async with Devtools.connect(chromium) as tools:

        @asynccontextmanager
        async def opened(**looks: Any) -> AsyncIterator[Page]:
            async with tools.page(**looks) as page:
                await page.call("Network.setCookie", name=f"hived-{free_port}", value=COOKIE, url="http://127.0.0.1/")
                yield page

        yield opened


@pytest.fixture
async def farm(tmp_path_factory: pytest.TempPathFactory, free_port: int) -> AsyncIterator[Farm]:
    """An empty farm that is served."""
    url = f"sqlite:///{tmp_path_factory.mktemp('farm') / 'hived.db'}"
    create(url)
    async with Store.open(url) as store:
        farm = Farm(store, free_port)
        await farm.admit()
        await farm.start()
        yield farm
        await farm.stop()
