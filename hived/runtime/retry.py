"""Waiting for what a daemon needs from outside before it can start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hived.errors import Transient

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_S = 2.0


async def retry(work: Callable[[], Awaitable[T]], waiting: Callable[[str], object]) -> T:
    """Run `work` until it is no longer Transient. Its reason is logged once, and told to `waiting` at every try."""
    logged = ""
    while True:
        try:
            done = await work()
        except Transient as err:
            waiting(f"{err}: waiting")
            if str(err) != logged:
                log.error("%s: waiting", err)
                logged = str(err)
            await asyncio.sleep(RETRY_S)
        else:
            if logged:
                log.info("resolved: %s", logged)
            return done
