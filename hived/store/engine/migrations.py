"""The schema's history: scripts of `store/migrations`, applied in order by playhouse.migrations, never edited later."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import peewee as pw
from playhouse.migrations import Runner

from hived.errors import HivedError, SchemaMismatch

log = logging.getLogger(__name__)

CHANGES = Path(__file__).parents[1] / "migrations"


def migrate(database: Any) -> list[str]:
    """Bring the schema up to this program's; return the names of what was applied.

    All of them are one transaction: when one fails, the database is what it was before, and the old program works with
    it. Call it within `database.migrating()`.
    """
    refuse_newer(database)
    try:
        with database.atomic():
            applied: list[str] = Runner(database, str(CHANGES)).up()
    except pw.PeeweeException as err:
        raise database.translate(err) or HivedError(
            f"a schema change failed, nothing was changed: {type(err).__name__}: {err}"
        ) from err
    return applied


def check(database: Any) -> None:
    """Raise SchemaMismatch unless the schema is exactly the one this program was written for."""
    refuse_newer(database)
    pending = [m.name for m in Runner(database, str(CHANGES)).status() if m.applied is None]
    if pending:
        raise SchemaMismatch(f"the database lacks {len(pending)} schema change(s): run `hivectl migrate` first")


def refuse_newer(database: Any) -> None:
    """Raise SchemaMismatch for the database of a newer hived."""
    unknown = [m.name for m in Runner(database, str(CHANGES)).status() if m.path is None]
    if unknown:
        raise SchemaMismatch(
            f"the database was written by a newer hived (it knows {unknown[-1]}): install that version again"
        )
