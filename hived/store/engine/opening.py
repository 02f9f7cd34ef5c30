"""How a daemon opens its database: it waits for what may come by itself, and begins anew where the file is damaged."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from hived.errors import Damaged, HivedError, Replaced, Transient
from hived.runtime.disk import wait_for_room
from hived.runtime.retry import patiently
from hived.store.engine.damage import refuse_emptied, replace
from hived.store.engine.db import Store, sqlite_path
from hived.store.engine.locks import in_use
from hived.store.engine.sqlite import file_of

log = logging.getLogger(__name__)

WAIT_S = 0.2


@asynccontextmanager
async def opened(
    url: str,
    state_dir: Path | None = None,
    *,
    connections: int = 1,
    clock: Callable[[], float] = time.time,
    waits: Callable[[str], object] = lambda _why: None,
    patient: bool = True,
) -> AsyncIterator[Store]:
    """Open the database for a daemon: as `Store.open`, but who gets Damaged, now or later, can have it replaced.

    Raises Replaced when another daemon has done so. On a full disk and during a restore it waits, and tells `waits` why
    every few seconds; `patient`: also while the database is locked or its server away, else that is Transient.
    """
    path, was = sqlite_path(url), None
    try:
        with ExitStack() as stack:
            if path is not None:
                await wait_for_room(path.parent, waits=waits)
                await _belong_to(path, stack, waits)
                was = file_of(path)
                refuse_emptied(path, state_dir or path.parent)
            async with AsyncExitStack() as outer:
                work = partial(_try_to_open, outer, url, state_dir, connections)
                yield await (patiently(work, waits) if patient else work())
    except (Damaged, Replaced, ExceptionGroup) as err:
        found = _first(err)
        if isinstance(found, Replaced):
            raise Replaced(str(found)) from err
        if found is None or path is None:
            raise
        raise Damaged(str(found), lambda: replace(path, was, state_dir, why=str(found), now=clock())) from err


async def _belong_to(path: Path, stack: ExitStack, waits: Callable[[str], object]) -> None:
    """Be one of those that have the database open; while `hivectl restore` replaces it, wait."""
    said = False
    while not stack.enter_context(in_use(path)):
        stack.close()
        why = f"{path} is being restored: waiting for the end"
        waits(why)
        if not said:
            log.warning("%s", why)
            said = True
        await asyncio.sleep(WAIT_S)


async def _try_to_open(stack: AsyncExitStack, url: str, state_dir: Path | None, connections: int) -> Store:
    """Return the open store. Transient when it is locked, or the server is away or refuses: that may end by itself."""
    try:
        return await stack.enter_async_context(Store.open(url, state_dir, connections=connections))
    except HivedError as err:
        if isinstance(err.__cause__, Transient):
            raise Transient(str(err)) from err
        raise


def _first(err: Exception) -> Damaged | Replaced | None:
    """Return what it is about; a daemon may meet it in several tasks at once."""
    if isinstance(err, ExceptionGroup):
        found = [_first(one) for one in err.exceptions]
        return next((one for one in found if one is not None), None)
    return err if isinstance(err, Damaged | Replaced) else None
