"""An empty PostgreSQL database for a master that is a program of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from tests.databases import start_cluster


@contextmanager
def private_postgresql(wanted: bool) -> Iterator[str | None]:
    """The URL of an empty database on a server of our own; None when it is not wanted."""
    if not wanted:
        yield None
        return
    cluster = start_cluster()
    try:
        yield cluster.url(cluster.empty())
    finally:
        cluster.stop()
        shutil.rmtree(cluster.folder, ignore_errors=True)
