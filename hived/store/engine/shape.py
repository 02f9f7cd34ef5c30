"""What a SQLite file is made of, so that a database from elsewhere is seen to be one of ours before it is used.

A trigger runs with whatever we write, a view or a virtual table answers in the place of a table, a generated column or
a default is an expression: none of them may come in with a backup.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from hived.errors import HivedError
from hived.store.engine import migrations
from hived.store.engine.database import Database, as_ours
from hived.store.engine.db import database_of
from hived.store.engine.snapshot import reading
from hived.store.engine.sqlite import prepare

T = TypeVar("T")

_OF_SQLITE = ("sqlite_sequence", "sqlite_stat1", "sqlite_stat4")
_AUTOMATIC = "sqlite_autoindex_"


class _Thing(NamedTuple):
    kind: str
    name: str
    of: str
    """The table that it belongs to."""


def refuse_foreign(path: Path, drafts: Path) -> None:
    """Raise HivedError when a database holds anything that its own version of hived would not have made.

    Nothing of it is run. `drafts`: where a database of that version can be made for comparison. SchemaMismatch for one
    of a newer hived. One that is not ours at all is left to `snapshot.check`.
    """
    with reading(path), closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
        found = _shape(connection)
    for thing in found:
        if thing.kind not in ("table", "index"):
            raise _refused(thing, "does not belong there")
    if _Thing("table", migrations.HISTORY, migrations.HISTORY) not in found:
        return
    applied = _database(path, migrations.refuse_newer)
    ours: dict[_Thing, Any] = {}
    if applied:
        like = drafts / "shape.db"
        prepare(like)
        _database(like, partial(migrations.migrate, newest=max(applied)))
        with closing(sqlite3.connect(like)) as connection:
            ours = _shape(connection)
    for thing, details in found.items():
        if thing not in ours:
            raise _refused(thing, "does not belong there")
        if details != ours[thing]:
            raise _refused(thing, "is not what hived makes")
    for thing in ours.keys() - found.keys():
        raise _refused(thing, "is missing")


def _refused(thing: _Thing, why: str) -> HivedError:
    return HivedError(f"the {thing.kind} {thing.name[:80]!r} in its database {why}")


def _database(path: Path, do: Callable[[Database], T]) -> T:
    database = database_of(f"sqlite:///{path}")
    try:
        with as_ours(database), database.session(), database.migrating():
            return do(database)
    finally:
        database.shut()


def _shape(connection: sqlite3.Connection) -> dict[_Thing, Any]:
    found: dict[_Thing, Any] = {}
    for kind, name, of, text in connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall():
        if kind == "table" and name not in _OF_SQLITE:
            virtual = not text.upper().startswith("CREATE TABLE")
            found[_Thing("virtual table" if virtual else kind, name, of)] = None if virtual else (
                _rows(connection, "table_xinfo", name), _rows(connection, "foreign_key_list", name),
                "CHECK" in text.upper(), "WITHOUT ROWID" in text.upper(),
            )  # fmt: skip
        elif kind == "index" and not (text is None and name.startswith(_AUTOMATIC)):
            partial = " ".join(text.upper().partition("WHERE")[2].split())
            found[_Thing(kind, name, of)] = (_rows(connection, "index_xinfo", name), "UNIQUE" in text.upper(), partial)
        elif kind not in ("table", "index"):
            found[_Thing(kind, name, of)] = None
    return found


def _rows(connection: sqlite3.Connection, pragma: str, name: str) -> list[Any]:
    return connection.execute(f"SELECT * FROM pragma_{pragma}(?)", (name,)).fetchall()  # noqa: S608 - ours
