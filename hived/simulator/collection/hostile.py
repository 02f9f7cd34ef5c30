"""Replies that attack the fetching itself: endless or exploding bodies, redirects inwards, false types."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from html import escape

from aiohttp import web

from hived.simulator.collection.answers import gzipped, html_reply, whole_number, xml_reply
from hived.simulator.collection.objects import Catalogue
from hived.simulator.collection.traps import CC0, TRAPS
from hived.simulator.faults import MEGABYTE, bomb, filled, stream

PREFIX = "/hostile/"
SIZE = 20 * MEGABYTE
"""Bytes of the huge page and of what the compressed ones unpack to, unless ?size= says otherwise."""

MAX_SIZE = 1000 * MEGABYTE
SITEMAP_ENTRIES = 60_000
"""More than the protocol's 50,000."""

_HTML = "text/html; charset=utf-8"
_HUGE = b"<!DOCTYPE html><title>Huge</title><p>"
_SMALL = (
    '<!DOCTYPE html><html><head><title>Schüssel</title><link rel="license" href="' + CC0 + '"></head>'
    "<body><main><h1>Schüssel mit Kranichen</h1><p>Keramik, 18. Jahrhundert, „blau“ glasiert.</p></main></body></html>"
)

INWARDS: dict[str, str] = {
    "to-metadata": "http://169.254.169.254/latest/meta-data/",
    "to-10": "http://10.0.0.1/",
    "to-172": "http://172.16.0.1/",
    "to-192": "http://192.168.1.1/admin",
    "to-shared": "http://100.64.0.1/",
    "to-localhost": "http://localhost:1/",
    "to-zero": "http://0.0.0.0:1/",
    "to-ipv6": "http://[::1]:1/",
    "to-mapped": "http://[::ffff:10.0.0.1]/",
    "to-nat64": "http://[64:ff9b::a00:1]/",
    "to-6to4": "http://[2002:a00:1::]/",
    "to-decimal": "http://167772161/",
    "to-octal": "http://012.0.0.1/",
    "to-hex": "http://0x0a.0.0.1/",
    "to-short": "http://10.1/",
    "to-local-name": "http://rig.local/",
    "to-bare-name": "http://router/",
    "to-userinfo": "http://admin:admin@10.0.0.1/",
    "to-ssh": "http://10.0.0.1:22/",
    "to-file": "file:///etc/passwd",
    "to-script": "javascript:alert(1)",
    "to-ftp": "ftp://10.0.0.1/",
}
"""Redirects that must not be followed, whatever the hop. None of them leads to a public address."""

Tricks = Callable[[Catalogue, web.BaseRequest, str], Awaitable[web.StreamResponse]]


async def answer(catalogue: Catalogue, request: web.BaseRequest, tail: str) -> web.StreamResponse:
    """Answer one hostile address; `tail` is what follows the prefix."""
    name, _, rest = tail.partition("/")
    if not name:
        return index()
    if name in INWARDS:
        return _redirect(INWARDS[name], 302)
    trap = TRAPS.get(name)
    if trap is not None:
        response = html_reply(trap.html)
        response.headers.update(dict(trap.headers))
        return response
    trick = TRICKS.get(name)
    return await trick[1](catalogue, request, rest) if trick else web.Response(status=404)


def musts() -> dict[str, str]:
    """Return every hostile address's name with what a collector must do about it."""
    return {
        **{name: f"refuse: a redirect to {target}" for name, target in INWARDS.items()},
        **{name: trap.must for name, trap in TRAPS.items()},
        **{name: must for name, (must, _) in TRICKS.items()},
    }


def index() -> web.Response:
    rows = "".join(f'<li><a href="{PREFIX}{name}">{name}</a>: {escape(must)}</li>\n' for name, must in musts().items())
    return html_reply(f"<!DOCTYPE html><title>Hostile pages</title><h1>Hostile pages</h1><ul>\n{rows}</ul>")


def _redirect(location: str, status: int) -> web.Response:
    return web.Response(status=status, headers={"Location": location})


def _size(request: web.BaseRequest) -> int:
    return whole_number(request.query.get("size"), SIZE, most=MAX_SIZE) or SIZE


async def _huge(_catalogue: Catalogue, request: web.BaseRequest, _rest: str) -> web.StreamResponse:
    body = filled(_size(request), _HUGE, b"<p>All work and no play. " * 2600)
    return await stream(request, {"Content-Type": _HTML}, body)


async def _announced(_catalogue: Catalogue, request: web.BaseRequest, _rest: str) -> web.StreamResponse:
    """Announce the whole length at once; send little and hang up."""
    response = web.StreamResponse(headers={"Content-Type": _HTML, "Content-Length": str(_size(request))})
    await response.prepare(request)
    await response.write(b"<!DOCTYPE html>")
    if request.transport is not None:
        request.transport.close()
    return response


async def _gzip_bomb(_catalogue: Catalogue, request: web.BaseRequest, _rest: str) -> web.StreamResponse:
    return await stream(request, {"Content-Type": _HTML, "Content-Encoding": "gzip"}, bomb(_size(request), _HUGE))


async def _sitemap_bomb(_catalogue: Catalogue, request: web.BaseRequest, _rest: str) -> web.StreamResponse:
    head = b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>http://'
    return await stream(request, {"Content-Type": "application/x-gzip"}, bomb(_size(request), head))


async def _drip(_catalogue: Catalogue, request: web.BaseRequest, _rest: str) -> web.StreamResponse:
    """Send a byte every half a second for ever."""
    response = web.StreamResponse(headers={"Content-Type": _HTML})
    response.enable_chunked_encoding()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.5)


async def _loop(catalogue: Catalogue, _request: web.BaseRequest, _rest: str) -> web.Response:
    return _redirect(f"{catalogue.url}{PREFIX}redirect-loop", 302)


async def _chain(catalogue: Catalogue, _request: web.BaseRequest, rest: str) -> web.Response:
    return _redirect(f"{catalogue.url}{PREFIX}redirect-chain/{(whole_number(rest or None, 0) or 0) + 1}", 301)


async def _countdown(catalogue: Catalogue, _request: web.BaseRequest, rest: str) -> web.Response:
    """Redirect so many times, then arrive at an object's page."""
    left = whole_number(rest or None, 3) or 0
    return _redirect(f"{PREFIX}redirects/{left - 1}" if left > 1 else f"/pages/{catalogue.id_at(0)}", 302)


async def _forbidden(catalogue: Catalogue, _request: web.BaseRequest, _rest: str) -> web.Response:
    """Redirect to a page that is there, but not for robots."""
    return _redirect(f"/private/{next(filter(catalogue.has_record, catalogue.ids()))}", 302)


async def _calendar(catalogue: Catalogue, _request: web.BaseRequest, rest: str) -> web.Response:
    """Link to the next month for ever."""
    year, _, month = (rest or "2026/1").partition("/")
    number = 12 * (whole_number(year, 2026) or 2026) + (whole_number(month or "1", 1) or 1)
    following = f"{PREFIX}calendar/{number // 12}/{number % 12 + 1}"
    return html_reply(
        f'<!DOCTYPE html><title>Events of {escape(rest[:40])}</title><a href="{following}">next</a> '
        f'<a href="{catalogue.url}{following}?day=1">days</a>'
    )


def _fixed(body: bytes, **headers: str) -> Tricks:
    """Return a trick that always sends the same bytes; names of headers with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def send(_catalogue: Catalogue, _request: web.BaseRequest, _rest: str) -> web.Response:
        return web.Response(body=body, headers=named)

    return send


def _moved(location: str | None) -> Tricks:
    async def send(_catalogue: Catalogue, _request: web.BaseRequest, _rest: str) -> web.Response:
        return web.Response(status=302, headers={} if location is None else {"Location": location})

    return send


def _xml(inside: Callable[[Catalogue], str]) -> Tricks:
    async def send(catalogue: Catalogue, _request: web.BaseRequest, _rest: str) -> web.Response:
        return xml_reply(inside(catalogue))

    return send


_MAP = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def _urls(*locations: str) -> str:
    return (
        f"<urlset {_MAP}>"
        + "".join(f"<url><loc>{escape(location)}</loc></url>" for location in locations)
        + "</urlset>"
    )


TRICKS: dict[str, tuple[str, Tricks]] = {
    "huge": ("stop at the size limit", _huge),
    "announced": ("stop: the announced length is over the limit", _announced),
    "gzip-bomb": ("stop at the size limit, counted after unpacking", _gzip_bomb),
    "gzip-lie": ("fail softly: it is no gzip", _fixed(b"<p>plain", Content_Type=_HTML, Content_Encoding="gzip")),
    "gzip-cut": ("fail softly", _fixed(gzipped(_SMALL.encode())[:-12], Content_Type=_HTML, Content_Encoding="gzip")),
    "odd-encoding": ("refuse: nobody asked for it", _fixed(b"\x00\x01", Content_Type=_HTML, Content_Encoding="sdch")),
    "drip": ("give up in time", _drip),
    "long-header": ("fail softly", _fixed(b"<p>x", Content_Type=_HTML, X_Long="A" * 100_000)),
    "redirect-loop": ("stop at the limit of redirects", _loop),
    "redirect-chain": ("stop at the limit of redirects", _chain),
    "redirects": ("follow: redirects/N redirects N times", _countdown),
    "to-private": ("refuse: robots.txt forbids the target", _forbidden),
    "to-nowhere": ("fail softly: no Location", _moved(None)),
    "to-long": ("refuse: too long", _moved("/pages/" + "9" * 6000)),
    "pdf": ("refuse by its type", _fixed(b"%PDF-1.7\n" + bytes(2000), Content_Type="application/pdf")),
    "no-type": ("refuse: no type", _fixed(_SMALL.encode(), Content_Type="")),
    "binary-as-html": ("survive", _fixed(bytes(range(256)) * 40, Content_Type=_HTML)),
    "charset-lie": ("read it: windows-1252 sent as utf-8", _fixed(_SMALL.encode("cp1252"), Content_Type=_HTML)),
    "charset-unknown": ("read it", _fixed(_SMALL.encode(), Content_Type="text/html; charset=x-made-up")),
    "charset-meta": (
        "read it: only the page says iso-8859-2",
        _fixed(
            _SMALL.replace("„blau“", "blau")
            .replace("<head>", '<head><meta charset="iso-8859-2">')
            .encode("iso-8859-2"),
            Content_Type="text/html",
        ),
    ),
    "charset-bom": ("read it: utf-16", _fixed(b"\xff\xfe" + _SMALL.encode("utf-16-le"), Content_Type=_HTML)),
    "bad-utf8": ("read what can be read", _fixed(_SMALL.encode().replace(b"\xc3\xbc", b"\xc3"), Content_Type=_HTML)),
    "calendar": ("stop: the months never end", _calendar),
    "sitemap-entities.xml": (
        "refuse: entities that multiply",
        _xml(lambda _: f'<?xml version="1.0"?><!DOCTYPE u [<!ENTITY l0 "ha">{_LAUGHS}]><urlset {_MAP}>&l9;</urlset>'),
    ),
    "sitemap-external.xml": (
        "refuse: an entity that reads a file",
        _xml(
            lambda _: (
                f'<?xml version="1.0"?><!DOCTYPE u [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
                f"<urlset {_MAP}><url><loc>&f;</loc></url></urlset>"
            )
        ),
    ),
    "sitemap-bomb.xml.gz": ("stop at the size limit, counted after unpacking", _sitemap_bomb),
    "sitemap-loop.xml": (
        "stop: an index that lists itself",
        _xml(
            lambda catalogue: (
                f"<sitemapindex {_MAP}><sitemap><loc>{catalogue.url}{PREFIX}sitemap-loop.xml</loc>"
                "</sitemap></sitemapindex>"
            )
        ),
    ),
    "sitemap-many.xml": (
        "take the first 50,000",
        _xml(lambda catalogue: _urls(*(f"{catalogue.url}/pages/{n}" for n in range(SITEMAP_ENTRIES)))),
    ),
    "sitemap-foreign.xml": (
        "take only the last entry: the others lie elsewhere",
        _xml(
            lambda catalogue: _urls(
                *INWARDS.values(), "https://www.example.net/x", f"{catalogue.url}/pages/{catalogue.id_at(0)}"
            )
        ),
    ),
}
