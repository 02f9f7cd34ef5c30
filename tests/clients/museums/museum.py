"""A museum's server that answers what a test tells it to, and the real Fetcher to ask it with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from yarl import URL

from hived.clients.fetch import Fetcher
from hived.clients.fetch.fetch import Kind
from hived.records.artifact import Source

SAMPLES = Path(__file__).parents[2] / "fixtures" / "collections"


def sample(name: str) -> bytes:
    """Return a captured answer."""
    return (SAMPLES / name).read_bytes()


@dataclass(slots=True)
class Answer:
    body: bytes | str = b""
    content_type: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Rule = Answer | Callable[[web.BaseRequest], Answer]


@dataclass(slots=True)
class Museum:
    """`answers` by path; what is not there is a 404. `asked` holds what came, as path with query."""

    url: str = ""
    answers: dict[str, Rule] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    def source(self, kind: str, path: str = "") -> Source:
        return Source(id=7, name="a museum", base_url=self.url + path, kind=kind, created_at=0.0)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.headers.append(request.headers)
        rule = self.answers.get(request.path, Answer(status=404, body=b"{}"))
        told = rule(request) if callable(rule) else rule
        body = told.body.encode() if isinstance(told.body, str) else told.body
        return web.Response(status=told.status, body=body, headers={"Content-Type": told.content_type, **told.headers})


class OpenGate:
    """Lets everything pass at once."""

    async def admit(self, url: URL, *, kind: Kind) -> None:
        return

    def note(self, url: URL, *, status: int | None, seconds: float, retry_after_s: float | None) -> None:
        return


@asynccontextmanager
async def running_museum() -> AsyncIterator[Museum]:
    museum = Museum()
    runner = web.ServerRunner(web.Server(museum.answer), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        museum.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield museum
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running_fetcher(clock: Callable[[], float]) -> AsyncIterator[Fetcher]:
    async with Fetcher(
        contact="https://example.org/about", allow_hosts=["127.0.0.1"], gate=OpenGate(), version="1", clock=clock
    ) as fetcher:
        yield fetcher
