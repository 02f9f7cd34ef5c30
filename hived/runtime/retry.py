"""Waiting for what a daemon needs from outside before it can start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hived.errors import Transient

log = logging.getLogger(__name__)

T = TypeVar("T")

AGAIN_S = 2.0


async def patiently(work: Callable[[], Awaitable[T]], waits: Callable[[str], object]) -> T:
    """Do it again until it is not Transient; what keeps it is logged once, and told to `waits` at every try."""
    said = ""
    while True:
        try:
            done = await work()
        except Transient as err:
            waits(f"{err}: waiting")
            if not said:
                log.error("%s: waiting", err)
                said = str(err)
            await asyncio.sleep(AGAIN_S)
        else:
            if said:
                log.info("no longer: %s", said)
            return done
