"""A master on either database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fleet.postgres import private_postgresql


@pytest.fixture(params=["sqlite", "postgresql"])
def master_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of the master's empty database, None for a SQLite file in its folder."""
    with private_postgresql(request.param == "postgresql") as url:
        yield url
