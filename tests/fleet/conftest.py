"""A master on either database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fleet.postgres import private_postgresql


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on both kinds of database, but one that says why it need not be."""
    if "master_url" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("sqlite_only")
        metafunc.parametrize("master_url", ["sqlite"] if only else ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def master_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of the master's empty database, None for a SQLite file in its folder."""
    with private_postgresql(request.param == "postgresql") as url:
        yield url
