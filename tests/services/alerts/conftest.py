"""A site whose alerts are looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hived.store import Store
from tests.clock import FakeClock
from tests.databases import Databases
from tests.services.alerts.alertsite import AlertSite


@pytest.fixture
async def site(databases: Databases, clock: FakeClock) -> AsyncIterator[AlertSite]:
    """One without miners."""
    async with Store.open(databases.make()) as store, AlertSite(store, clock) as here:
        yield here
