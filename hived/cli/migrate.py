"""`hivectl migrate`: create the database, or bring its schema up to this program's."""

from __future__ import annotations

from pathlib import Path

from hived.cli.context import CommandContext, NotPermitted, may_use, not_permitted
from hived.cli.output.text import clean, counted
from hived.errors import HivedError, next_step
from hived.store import create, database_of
from hived.store.engine.damage import create_or_replace
from hived.store.engine.secret_box import NAME as KEY_FILE


async def migrate(context: CommandContext) -> int:
    """Say what was applied; a second run changes nothing. SchemaMismatch for a database of a newer hived.

    A file is made when it is missing, or damaged: the old one is kept. A PostgreSQL database is made by its
    administrator.
    """
    config, path = context.config, context.config.database.sqlite_path
    name = database_of(config.database.url, config.state_dir).name
    if path is None:
        may_use(config.state_dir / KEY_FILE)
        fresh, applied, kept = False, create(config.database.url, config.state_dir), None
    else:
        fresh, applied, kept = _file(context, path)
    lines = []
    if kept is not None:
        lines = [
            f"the database was damaged: it is kept as {clean(str(kept))} and a new one was started",
            f"  next: {clean(next_step('database_replaced', file=kept.name))}",
        ]
    else:
        lines = [f"created {clean(name)}"] if fresh else []
        lines += [f"applied {change}" for change in applied]
        changes = counted(len(applied), "schema change")
        lines.append(f"{changes} applied" if applied else f"{clean(name)} is up to date: nothing to do")
    document = {"database": name, "created": fresh, "applied": applied, "kept": kept and str(kept)}
    return context.answer(document, *lines)


def _file(context: CommandContext, path: Path) -> tuple[bool, list[str], Path | None]:
    """Return whether the file is new, what was applied to it, and the name of a damaged one that it replaces."""
    may_use(path)
    fresh = not path.exists()
    try:
        applied, kept = create_or_replace(context.config.database.url, context.config.state_dir, context.clock())
    except PermissionError as err:
        raise NotPermitted(not_permitted(path)) from err
    except OSError as err:
        raise HivedError(f"{err.filename or path}: {err.strerror}") from err
    return fresh, applied, kept
