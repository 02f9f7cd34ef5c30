"""Server-sent events: what changed, as it changes.

Nothing is queued for anybody: each reader has a position, and gets what changed since then when it has taken the piece
before. A slow one thus skips states instead of filling our memory, and one that takes nothing is dropped.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

from aiohttp import web

from hived.api import context
from hived.api.alerts import alerts
from hived.api.collecting import collecting
from hived.api.http import access, params, responses
from hived.api.http.answers import answers
from hived.api.http.responses import encode
from hived.api.http.turns import Full, Turns
from hived.documents import stream as documents
from hived.documents.shape import Number, shape
from hived.runtime.waits import first_of


@dataclass(frozen=True, slots=True)
class Pace:
    """How the stream behaves; seconds."""

    readers: int = 64  # browsers on a LAN; each has at most six connections
    of_one: int = 24  # of one user, on walls and in tabs, or of one token
    look_s: float = 1.0  # how soon a closed connection and old totals are noticed; totals come no more often
    beat_s: float = 10.0  # a comment, so that the reader can tell silence from loss
    admit_s: float = 2.0  # how soon a reader who was logged out, or whose token was revoked, hears nothing more
    totals_s: float = 10.0  # totals come at least so often
    slow_s: float = 15.0  # for one piece of at most 200 rows; longer is a reader that does not read


class Stream:
    """Everybody who listens. `closed` ends them."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.readers = Turns("readers of the stream", most=pace.of_one, total=pace.readers, retry_s=10)
        self.closed = False
        self.stop = asyncio.Event()
        self.taking: set[asyncio.Transport] = set()
        """Of readers that are to take a piece just now; a slow one stays in here."""

    def close(self) -> None:
        """End every reader's connection at once: they come back when we are there again."""
        self.closed = True
        self.stop.set()
        for transport in self.taking:
            transport.abort()


Since = Annotated[Number, shape(description="The rev to go on from: what /api/v1/rows told, or the last id.")]

Mark = Annotated[str, shape(pattern="^[0-9]{0,15}$", description="The last id that was heard; empty: none.")]

STREAM = web.AppKey("stream", Stream)


@answers(documents.EVENTS, query={"since": Since}, media="text/event-stream", headers={"Last-Event-ID": Mark})
async def listen(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/stream[?since=REV]: what changes, as it changes: `hello`, then `miners`, `fleet` and others.

    `hello` has {rev, version, node, reload}; `reload` true says that rows may have left unnoticed since REV, so that
    /api/v1/rows has to be loaded again. `miners` has {rev, rows, gone}: changed rows, and ids that left. `happened` has
    {events}, oldest first, `collecting` the auto-miner's state and counts, `alerts` how many are open.

    An id comes with the last piece of a change, so a cut change is sent again on return.
    """
    stream, ctx = request.app[STREAM], context.of(request)
    since = _since(request)
    if stream.closed:
        raise Full("hive-apid is stopping", 10)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=headers)
    response.content_type = "text/event-stream"
    if request.method == "HEAD":
        return response
    async with stream.readers.turn(request):
        with suppress(ConnectionError):  # the usual end of a reader: the page was closed
            await response.prepare(request)
            await _Reader(request, response, stream, ctx).run(since)
    return response


class _Reader:
    """One connection."""

    def __init__(
        self, request: web.Request, response: web.StreamResponse, stream: Stream, ctx: context.Context
    ) -> None:
        self.request, self.response, self.stream, self.fleet = request, response, stream, ctx.fleet
        self.hello = {"rev": ctx.fleet.rev, "version": ctx.version, "node": ctx.node_name}
        self.serial, self.event_id = ctx.fleet.serial, ctx.fleet.event_id
        self.clock = asyncio.get_running_loop().time
        self.shown: dict[str, Any] = {}
        self.collecting = request.app[collecting.VIEW]
        self.last_doing: dict[str, Any] | None = None
        self.alerts = request.app[alerts.COUNTS]
        self.last_counts: dict[str, int] | None = None
        self.totals_at, self.beat_at = -math.inf, self.clock()
        self.admitted_at = self.beat_at
        self.areas = access.principal(request).areas

    async def run(self, since: int | None) -> None:
        """Send until the connection ends, the reader falls too far behind, or the daemon stops."""
        fleet = self.fleet
        # What happens between here and the first send comes with the first round: the position is from before.
        reload = since is not None and not fleet.knows_since(since)
        if not await self._send(b"retry: 2000\n\n" + _event("hello", encode({**self.hello, "reload": reload}))):
            return
        if since is not None and not await self._send_rows(fleet.since_rev(since)):
            return
        while not self.stream.closed and self._connected():
            pulse = fleet.pulse()
            if not await self._round():
                return
            await first_of(pulse.wait(), self.stream.stop.wait(), timeout_s=self.stream.pace.look_s)

    async def _round(self) -> bool:
        """Send what is new; False when the reader does not take it."""
        fleet, now = self.fleet, self.clock()
        rows, happened = fleet.since(self.serial), fleet.events_since(self.event_id)
        self.serial, self.event_id = fleet.serial, fleet.event_id
        if not await self._send_rows(rows):
            return False
        if (
            happened
            and self._may_hear("site")
            and not await self._send(_event("happened", b'{"events":[%b]}' % b",".join(happened)))
        ):
            return False
        totals = fleet.totals()
        lasting = {name: value for name, value in totals.items() if name != "at"}
        age, pace = now - self.totals_at, self.stream.pace
        if (lasting != self.shown and age >= pace.look_s) or age >= pace.totals_s:
            self.shown, self.totals_at = lasting, now
            if not await self._send(_event("fleet", encode(totals))):
                return False
        counts = await self.alerts.now() if self._may_hear("alerts") else None
        if counts is not None and counts != self.last_counts:
            self.last_counts = counts
            if not await self._send(_event("alerts", encode(counts))):
                return False
        doing = await self.collecting.now() if self._may_hear("collecting") else None
        if doing is not None and doing != self.last_doing:
            self.last_doing = doing
            if not await self._send(_event("collecting", encode(doing))):
                return False
        if now - self.admitted_at >= pace.admit_s:
            self.admitted_at = now
            if not await access.still(self.request):
                return False
        if now - self.beat_at >= pace.beat_s:
            self.beat_at = now
            return await self._send(b": beat\n\n")
        return True

    def _may_hear(self, area: str) -> bool:
        """A token that is bound to the miners hears of nothing else here, either."""
        return not self.areas or area in self.areas

    async def _send_rows(self, pieces: Iterable[bytes]) -> bool:
        last: bytes | None = None
        for piece in pieces:
            if last is not None and not await self._send(_event("miners", last)):
                return False
            last = piece
        return last is None or await self._send(_event("miners", last, _rev(last)))

    async def _send(self, data: bytes) -> bool:
        transport = self.request.transport
        if transport is None:
            return False
        self.stream.taking.add(transport)
        try:
            return await responses.written(self.request, self.response, data, self.stream.pace.slow_s)
        finally:
            self.stream.taking.discard(transport)

    def _connected(self) -> bool:
        transport = self.request.transport
        return transport is not None and not transport.is_closing()


def _event(name: str, data: bytes, mark: bytes | None = None) -> bytes:
    """Return one event; the data is JSON in ASCII and so has no line end in it."""
    return b"event: %b\n%bdata: %b\n\n" % (name.encode(), b"id: %b\n" % mark if mark else b"", data)


def _rev(piece: bytes) -> bytes:
    """Return the rev that a piece was made at; that of the fleet may be another by now."""
    return piece[len(b'{"rev":') : piece.index(b",")]


def _since(request: web.Request) -> int | None:
    """Return the rev to go on from. A browser that comes back sends it in a header, which then is the newer one."""
    since, last = params.count(request, "since"), request.headers.get("Last-Event-ID", "").strip()
    return params.whole("Last-Event-ID", last) if last else since
