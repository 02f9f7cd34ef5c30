"""What every function of this room takes first: an open database, of whichever kind."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Literal

import peewee as pw

from hived.errors import HivedError
from hived.store.engine.secret_box import SecretBox

# At DEBUG peewee writes every statement with its values, the miners' keys and passwords among them.
logging.getLogger("peewee").setLevel(logging.INFO)

READ_LIMIT_S = 10.0
"""Longest time one read may take; a dashboard query takes milliseconds, a runaway one must not pin the log."""
LOCK_LIMIT_S = 5.0
"""Longest time to wait for another writer."""

Purpose = Literal["write", "merge", "read"]


class Database(pw.Database):
    """A database with its box of secrets. Only `sqlite.py`, `postgres.py` and `dialect.py` care which kind it is."""

    kind: Literal["sqlite", "postgresql"]
    box: SecretBox
    name: str
    """How a message calls it: a path, or a URL without the password."""

    if TYPE_CHECKING:  # peewee's own, which it does not type

        def execute_sql(self, sql: str, params: Any = None) -> Any: ...

        def connection(self) -> Any: ...

    def session(self) -> AbstractContextManager[object]:
        """Hold a connection that works; opened anew when it was lost."""
        raise NotImplementedError

    def transact(self, purpose: Purpose) -> AbstractContextManager[object]:
        """Run one transaction: "write" alone among writers, "merge" beside others, "read" in one snapshot."""
        raise NotImplementedError

    def migrating(self) -> AbstractContextManager[object]:
        """Keep out everybody else who wants to change the schema; they wait."""
        raise NotImplementedError

    def shut(self) -> None:
        """Close every connection. Called on the thread that used them."""
        raise NotImplementedError

    def translate(self, err: pw.PeeweeException) -> HivedError | None:
        """Return our error for the driver's: what passes by itself is Transient. None: it is a bug of ours."""
        raise NotImplementedError

    def collided(self, err: pw.PeeweeException) -> bool:
        """Tell whether the same transaction would work a moment later: two of them were in each other's way."""
        raise NotImplementedError


@contextmanager
def as_ours(database: Database) -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except pw.PeeweeException as err:
        ours = database.translate(err)
        if ours is None:
            raise
        raise ours from err


def tuples(query: Any, database: Database) -> list[tuple[Any, ...]]:
    """Run a query and return its rows as tuples."""
    return list(query.tuples().bind(database))


def dicts(query: Any, database: Database) -> list[dict[str, Any]]:
    """Run a query and return its rows as dicts by column name."""
    return list(query.dicts().bind(database))
