"""What every handler has at hand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from aiohttp import web

from hived.api.http.turns import Turns
from hived.api.miners.live_miners import LiveMiners
from hived.errors import Transient
from hived.runtime.tally import Tally
from hived.services.access.passwords import Passwords
from hived.services.miners.orders import Rules
from hived.store import Database, Store

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of one application."""

    store: Store
    fleet: LiveMiners
    node_name: str
    version: str
    clock: Callable[[], float]
    node_id: str
    passwords: Passwords
    steering: Rules
    """How orders to miners are carried out, unless they say otherwise."""


CONTEXT = web.AppKey("context", Context)


def of(request: web.Request) -> Context:
    """Return the context of the application that got this request."""
    return request.app[CONTEXT]


SEARCHES = web.AppKey("searches", Turns)
TALLY = web.AppKey("tally", Tally)
"""What hive-apid counts about itself."""


async def search(
    request: web.Request, fn: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run what may take long: of each who asks one at a time, beside everything that is short."""
    async with request.app[SEARCHES].turn(request):
        return await of(request).store.search(fn, *args, **kwargs)


async def follow(ctx: Context) -> None:
    """Let the lists show what was just stored; when the database is busy they follow with the next beat."""
    with suppress(Transient):
        await ctx.fleet.beat()
