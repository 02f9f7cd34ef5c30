"""How a daemon opens its database: it waits while it cannot be opened, and replaces a damaged file."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from hived.errors import Damaged, HivedError, Replaced, Transient
from hived.runtime.disk import require_room, unwritable
from hived.runtime.retry import retry
from hived.store.engine import dialect
from hived.store.engine.damage import refuse_emptied, replace
from hived.store.engine.db import Store, sqlite_path
from hived.store.engine.locks import in_use
from hived.store.engine.sqlite import file_of


@asynccontextmanager
async def opened(
    url: str,
    state_dir: Path | None = None,
    *,
    connections: int = 1,
    clock: Callable[[], float] = time.time,
    waiting: Callable[[str], object] = lambda _why: None,
    retries: bool = True,
) -> AsyncIterator[Store]:
    """Open the database for a daemon: as `Store.open`, but who gets Damaged, now or later, can have it replaced.

    Raises Replaced when another daemon has done so. On a full disk and during a restore it waits, and tells `waiting`
    why every few seconds. So it does while the database is locked or cannot be written and while its server is away,
    which without `retries` is Transient.
    """
    path, was = sqlite_path(url), None
    try:
        with ExitStack() as stack:
            if path is not None:
                if retries:
                    await retry(partial(_require_writable, path), waiting)
                await retry(partial(_register, path, stack), waiting)
                was = file_of(path)
                refuse_emptied(path, state_dir or path.parent)
            async with AsyncExitStack() as outer:
                work = partial(_try_to_open, outer, url, state_dir, connections)
                yield await (retry(work, waiting) if retries else work())
    except (Damaged, Replaced, ExceptionGroup) as err:
        found = _first(err)
        if isinstance(found, Replaced):
            raise Replaced(str(found)) from err
        if found is None or path is None:
            raise
        raise Damaged(str(found), lambda: replace(path, was, state_dir, why=str(found), now=clock())) from err


async def _require_writable(path: Path) -> None:
    """Transient while the disk or the permissions of the database are in the way."""
    if (why := unwritable(path)) is not None:
        raise Transient(f"cannot use the database {path}: {why.text}: {why.step}", code=why.code)


async def _register(path: Path, stack: ExitStack) -> None:
    """Be one of those that have the database open. Transient on a full disk, and while a restore replaces it."""
    require_room(path.parent)
    if not stack.enter_context(in_use(path)):
        stack.close()
        raise Transient(f"{path} is being restored")


async def _try_to_open(stack: AsyncExitStack, url: str, state_dir: Path | None, connections: int) -> Store:
    """Return the open store. Transient when it is locked, or the server is away or refuses: that may end by itself."""
    try:
        async with AsyncExitStack() as own:
            store = await own.enter_async_context(Store.open(url, state_dir, connections=connections))
            await store.read(dialect.require_writes)
            stack.push_async_exit(own.pop_all())
            return store
    except HivedError as err:
        if isinstance(err.__cause__, Transient):
            raise Transient(str(err)) from err
        raise


def _first(err: Exception) -> Damaged | Replaced | None:
    """Return the first error of the database, which may have ended several tasks."""
    if isinstance(err, ExceptionGroup):
        return next((first for first in map(_first, err.exceptions) if first is not None), None)
    return err if isinstance(err, Damaged | Replaced) else None
