"""The dashboard's files: looked up once, at start, so that no request names a file."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from aiohttp import web

from hived.api.http import responses
from hived.api.http.answers import UNCHANGED, answers
from hived.api.http.responses import Page
from hived.errors import NotFound

DASHBOARD = Path(__file__).parents[1] / "dashboard"
MAX_FILE_BYTES = 4 * 1024 * 1024
KEPT_BYTES = 128 * 1024  # what is larger is seldom asked for, and stays on the disk

_TYPES = {
    ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css",
    ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/vnd.microsoft.icon", ".woff2": "font/woff2",
    ".json": "application/json", ".webmanifest": "application/manifest+json", ".txt": "text/plain", ".md": "text/plain",
    "": "text/plain",
}  # fmt: skip

INDEX = "index.html"
DOCS = "docs.html"
PAGES = "js/pages.js"
_PATH = re.compile(r'\bpath: "(/[^"]*)"')

FILES = web.AppKey("files", dict[str, Page])


class Shelved(Page):
    """A file that is read when somebody asks for it."""

    def __init__(self, path: Path, page: Page) -> None:
        super().__init__(b"", page.etag.removeprefix('W/"').rstrip('"'), page.content_type, page.charset)
        self._path = path

    async def read(self) -> Page:
        """Return it with what is in it. NotFound when it is gone."""
        try:
            body = await asyncio.to_thread(self._path.read_bytes)
        except OSError:
            raise NotFound("there is no such file any more") from None
        return Page(body, self.etag.removeprefix('W/"').rstrip('"'), self.content_type, self.charset)


def load(folder: Path) -> dict[str, Page]:
    """Return every plain file below a folder by its path in it; links, hidden and unknown kinds are left out."""
    found: dict[str, Page] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        kind = _TYPES.get(path.suffix.lower())
        hidden = any(part.startswith((".", "__")) for part in name.parts)
        if kind is None or hidden or path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_FILE_BYTES:
            continue
        body = path.read_bytes()
        charset = "utf-8" if kind.startswith("text/") or "json" in kind or "svg" in kind else None
        page = _page(body, kind, charset)
        found[name.as_posix()] = Shelved(path, page) if len(body) > KEPT_BYTES else page
    if INDEX in found:
        found[INDEX] = _page(_linked(found[INDEX].body, found), "text/html", "utf-8")
    return found


def pages(files: dict[str, Page]) -> list[str]:
    """Return the paths of the dashboard's pages, as its own table lists them."""
    return _PATH.findall(files[PAGES].body.decode()) if PAGES in files else []


def _page(body: bytes, kind: str, charset: str | None) -> Page:
    return Page(body, hashlib.sha256(body).hexdigest()[:32], kind, charset)


def _linked(index: bytes, files: Iterable[str]) -> bytes:
    """Return the page with every stylesheet and module that it does not name itself: none then waits for another."""
    links = [
        f'<link rel="{"stylesheet" if folder == "css" else "modulepreload"}" href="/static/{name}">\n'
        for name in sorted(files)
        if (folder := name.partition("/")[0]) in ("css", "js") and f'"/static/{name}"'.encode() not in index
    ]
    return index.replace(b"<script", "".join(links).encode() + b"<script", 1)


async def index(request: web.Request, *, status: int = 200) -> web.StreamResponse:
    """GET / and the dashboard's other pages: always the same document, the script in it knows the way."""
    return await _file(request, INDEX, status)


@answers(str, also=UNCHANGED, media="*/*")
async def static(request: web.Request) -> web.StreamResponse:
    """GET /static/...: one file of the dashboard."""
    return await _file(request, request.match_info["name"])


@answers(str, also=UNCHANGED, media="text/html")
async def docs(request: web.Request) -> web.StreamResponse:
    """GET /api/docs: the description of the API as a page that needs nothing from elsewhere."""
    return await _file(request, DOCS)


async def _file(request: web.Request, name: str, status: int = 200) -> web.StreamResponse:
    page = request.app[FILES].get(name)
    if page is None:
        raise NotFound("there is no such file")
    return await responses.send(request, await page.read() if isinstance(page, Shelved) else page, status=status)
