"""hive-apid leaves a row of when its certificate ends: alerts look at it, and load no library for that."""

from __future__ import annotations

from pathlib import Path

import pytest

from hived.daemons.apid import look_at
from hived.services.appliance.tls import Tls
from hived.store import Store, daemon_rows
from tests.databases import Databases


@pytest.mark.sqlite_only("a row like others")
async def test_the_end_of_the_certificate_is_noted(databases: Databases, tmp_path: Path) -> None:
    tls = Tls(None, tmp_path, "rig-1")
    async with Store.open(databases.make()) as store:
        await look_at(tls, store)
        assert await store.read(daemon_rows.noted, daemon_rows.CERTIFICATE_UNTIL) == tls.current().ends_at
