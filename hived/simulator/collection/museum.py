"""A small open-access museum on one loopback address: used by tests in process and by `hive-sim collection`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any, Self

from aiohttp import web

from hived.simulator.collection import artic, cleveland, commons, hostile, met, pages, pictures, rijks, site
from hived.simulator.collection.answers import html_reply
from hived.simulator.collection.faults import ActiveTrouble, Trouble, suffer
from hived.simulator.collection.log import RequestLog
from hived.simulator.collection.objects import Catalogue, Clock, Rights, Work, mix
from hived.simulator.faults import named

KEEPALIVE_S = 75.0
STOP_S = 0.5
MAX_CHANGES_AT_ONCE = 1000
"""Changes that are caught up with in one request, after a long silence."""

_access_log = logging.getLogger(__name__ + ".access")
_access_log.setLevel(logging.WARNING)  # aiohttp logs requests at INFO; the museum counts them itself

_PAGE_SPACES = ("/pages/", "/art/collection/search/", "/rijks/id/", "/private/", "/staff/")


class Collection:
    """A museum with several APIs, pages and pictures. Start it with `async with`; nothing is left running afterwards.

    Every object is a pure function of seed and id. `port=0` takes a free one. `crawl_delay_s` is what robots.txt
    asks for, None: nothing. With `change_every_s` one object changes in each such span of the clock.
    """

    def __init__(
        self,
        objects: int = 400,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock = time.time,
        seed: int = 1,
        crawl_delay_s: float | None = 1.0,
        change_every_s: float | None = None,
    ) -> None:
        if change_every_s is not None and change_every_s <= 0:
            raise ValueError(f"change_every_s: expected more than 0, got {change_every_s}")
        self.host = host
        self.port = port
        self.clock = clock
        self.catalogue = Catalogue(objects, seed=seed, clock=clock)
        self.requests = RequestLog()
        self.troubles: list[ActiveTrouble] = []
        self.crawl_delay_s = crawl_delay_s
        self._change_every_s = change_every_s
        self._opened_at = clock()
        self._changes_made = 0
        self._manager: web.Server | None = None
        self._listener: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Return the museum's address without a slash at the end, e.g. http://127.21.0.1:8181."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def met_url(self) -> str:
        return self.url + met.PREFIX

    @property
    def artic_url(self) -> str:
        return self.url + artic.PREFIX

    @property
    def cleveland_url(self) -> str:
        return self.url + cleveland.PREFIX

    @property
    def rijks_url(self) -> str:
        return self.url + rijks.PATH

    @property
    def commons_url(self) -> str:
        return self.url + commons.PATH

    @property
    def sitemap_url(self) -> str:
        return self.url + "/sitemap.xml"

    def hostile_url(self, name: str) -> str:
        """Return the address of one hostile page: a name of hostile.musts()."""
        return self.url + hostile.PREFIX + name

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen. Raises OSError when the address cannot be had; then nothing is left behind."""
        manager = web.Server(
            self._serve, handler_cancellation=True, access_log=_access_log, keepalive_timeout=KEEPALIVE_S
        )
        self._listener = await asyncio.get_running_loop().create_server(manager, self.host, self.port, backlog=256)
        self._manager = manager
        self.port = self._listener.sockets[0].getsockname()[1]
        self.catalogue.url = self.url

    async def stop(self) -> None:
        """Close every connection and the listener. Safe to call twice."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        if self._manager is not None:
            for connection in self._manager.connections:
                if connection.transport is not None:
                    connection.transport.abort()
            await asyncio.sleep(0)  # the transports report their end, which cancels what is being answered
            await self._manager.shutdown(STOP_S)
            self._manager = None
        await asyncio.sleep(0)

    def objects(self, object_id: int) -> Work:
        """Return one object as it is now. Raises KeyError for an id that is not listed."""
        return self.catalogue.work(object_id)

    @property
    def ids(self) -> list[int]:
        """Return every listed id, loans included, in ascending order."""
        return list(self.catalogue.ids())

    def touch(self, object_id: int, *, rights: Rights | None = None, title: str | None = None) -> None:
        """Change an object now, so that its metadataDate and ETag move. Raises KeyError."""
        self.catalogue.touch(object_id, rights=rights, title=title)

    def withdraw(self, object_id: int) -> None:
        """Take an object's record away; its id stays listed. Raises KeyError."""
        self.catalogue.withdraw(object_id)

    def add(self, count: int = 1) -> list[int]:
        """Acquire objects now and return their ids."""
        before = self.catalogue.count
        self.catalogue.add(count)
        return [self.catalogue.id_at(index) for index in range(before, self.catalogue.count)]

    def set_fault(self, trouble: Trouble | str, *, paths: Sequence[str] = (), **options: Any) -> ActiveTrouble:
        """Switch a trouble on, in place of one of the same kind and paths. Options are the fields of ActiveTrouble.

        Several may be on: the one set last that fits a request decides. Raises ValueError and TypeError.
        """
        kind = trouble if isinstance(trouble, Trouble) else named(Trouble, trouble)
        active = ActiveTrouble(kind, tuple(paths), set_at=self.clock(), **options)
        same = [kept for kept in self.troubles if (kept.trouble, kept.paths) == (kind, active.paths)]
        self.troubles = [active, *(kept for kept in self.troubles if kept not in same)]
        return active

    def clear_fault(self, trouble: Trouble | str | None = None) -> None:
        """End the troubles of one kind, or all."""
        kind = named(Trouble, trouble) if isinstance(trouble, str) else trouble
        self.troubles = [active for active in self.troubles if kind is not None and active.trouble is not kind]

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        now = self.clock()
        self._catch_up(now)
        entry = self.requests.begin(now, request.method, request.path_qs, request.headers)
        status: int | None = None
        try:
            response = await self._respond(request, now)
            status = response.status
        except ConnectionError:  # the collector hung up while a long body was being sent
            response = web.Response(status=499)
        finally:
            self.requests.end(entry, status)
        return response

    async def _respond(self, request: web.BaseRequest, now: float) -> web.StreamResponse:
        for active in self.troubles:
            if active.hit(request.path, now):
                response = await suffer(active, request, now, lambda: self._answer(request))
                if active.trouble is Trouble.SLOW:
                    self._note_sent(request, response)
                return response
        response = await self._answer(request)
        self._note_sent(request, response)
        return response

    def _catch_up(self, now: float) -> None:
        """Make the changes that were due since the last request: which objects, is a function of the seed."""
        if self._change_every_s is None:
            return
        due = int((now - self._opened_at) / self._change_every_s)
        self._changes_made = max(self._changes_made, due - MAX_CHANGES_AT_ONCE)
        while self._changes_made < due:
            self._changes_made += 1
            index = mix(self.catalogue.seed, self._changes_made, 12) % self.catalogue.count
            self.touch(self.catalogue.id_at(index))

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request as a healthy museum."""
        path, catalogue = request.path, self.catalogue
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        for prefix, answer in _APIS:
            if path.startswith(prefix):
                return await answer(catalogue, request, path[len(prefix) :])
        if path == rijks.PATH:
            return await rijks.answer(catalogue, request)
        if path == commons.PATH:
            return await commons.answer(catalogue, request)
        if path.startswith(hostile.PREFIX):
            return await hostile.answer(catalogue, request, path[len(hostile.PREFIX) :])
        return self._site(request, path)

    def _site(self, request: web.BaseRequest, path: str) -> web.Response:
        """Answer what belongs to the museum's web site: pages, pictures, maps."""
        catalogue, parts = self.catalogue, path.split("/")
        if path == "/robots.txt":
            return site.robots(catalogue, self.crawl_delay_s)
        if path == "/sitemap.xml":
            return site.sitemap_index(catalogue, request)
        if len(parts) == 3 and parts[1] == "sitemaps":
            return site.sitemap(catalogue, request, parts[2])
        if len(parts) == 4 and parts[1] == "images":
            return pictures.answer(catalogue, request, parts[2], parts[3])
        if path in ("/", "/pages/", "/pages"):
            return pages.index(catalogue, request)
        for space in _PAGE_SPACES:
            if path.startswith(space):
                return pages.answer(catalogue, request, path[len(space) :])
        if path.startswith("/old/"):
            return web.Response(status=301, headers={"Location": f"/pages/{path.removeprefix('/old/')}"})
        return self._elsewhere(request, path, parts)

    def _elsewhere(self, request: web.BaseRequest, path: str, parts: list[str]) -> web.Response:
        """Answer the addresses that only the smaller APIs name: IIIF pictures and file pages."""
        catalogue = self.catalogue
        if path.startswith("/artic/iiif/2/") and len(parts) > 4:
            number = artic.object_of_image(parts[4])
            return pictures.answer(catalogue, request, "iiif", f"{number}.png")
        if path.startswith("/rijks/iiif/") and len(parts) > 3:
            return pictures.answer(catalogue, request, "iiif", f"{parts[3]}.png")
        if path.startswith("/commons/wiki/File:"):
            number_text = path.rpartition(" ")[2].rpartition("_")[2].removesuffix(".png")
            return pages.answer(catalogue, request, number_text)
        return html_reply("<!DOCTYPE html><title>Not found</title><h1>Not found</h1>", status=404)

    def _note_sent(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Count an object that was sent whole, by the space that its address lies in."""
        space, _, number = request.path.rpartition("/")
        if response.status == 200 and request.method == "GET" and number.isdigit():
            self.requests.sent[f"{_SPACES.get(space, space.strip('/'))}/{number}"] += 1


_APIS = (
    (met.PREFIX, met.answer),
    (artic.PREFIX, artic.answer),
    (cleveland.PREFIX, cleveland.answer),
)
_SPACES = {
    f"{met.PREFIX}/objects": "met",
    f"{artic.PREFIX}/artworks": "artic",
    f"{cleveland.PREFIX}/artworks": "cleveland",
}
