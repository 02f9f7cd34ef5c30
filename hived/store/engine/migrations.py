"""The schema's history: scripts of `store/migrations`, applied in order by playhouse.migrations, never edited later."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import peewee as pw

from hived.errors import HivedError, SchemaMismatch

log = logging.getLogger(__name__)

CHANGES = Path(__file__).parents[1] / "migrations"
HISTORY = "schema_migration"
"""The table in which playhouse.migrations keeps the names of what was applied."""


def migrate(database: Any, newest: str | None = None) -> list[str]:
    """Bring the schema up to this program's, or up to the change named; return the names of what was applied.

    All of them are one transaction: when one fails, the database is what it was before, and the old program works with
    it. Call it within `database.migrating()`.
    """
    from playhouse.migrations import Runner  # 3 MiB that no running daemon needs

    refuse_newer(database)
    try:
        with database.atomic():
            applied: list[str] = Runner(database, str(CHANGES), HISTORY).up(newest)
    except pw.PeeweeException as err:
        raise database.translate(err) or HivedError(
            f"a schema change failed, nothing was changed: {type(err).__name__}: {err}"
        ) from err
    return applied


def check(database: Any) -> None:
    """Raise SchemaMismatch unless the schema is exactly the one this program was written for."""
    pending = _known() - refuse_newer(database)
    if pending:
        raise SchemaMismatch(f"the database lacks {len(pending)} schema change(s): run `hivectl migrate` first")


def refuse_newer(database: Any) -> set[str]:
    """Return the names of the applied changes. Raise SchemaMismatch for the database of a newer hived."""
    applied = set()
    if database.table_exists(HISTORY):
        rows = database.execute_sql(f'SELECT name FROM "{HISTORY}"')  # noqa: S608 - a name of our own
        applied = {str(name) for (name,) in rows.fetchall()}
    unknown = sorted(applied - _known())
    if unknown:
        raise SchemaMismatch(
            f"the database was written by a newer hived (it knows {unknown[-1]}): install that version again"
        )
    return applied


def _known() -> set[str]:
    return {path.stem for path in CHANGES.glob("[0-9]*.py")}
