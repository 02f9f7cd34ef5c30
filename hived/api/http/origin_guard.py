"""Who may ask: nobody by a name that DNS could have been bent to, no page of another site."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Collection

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from hived.api.http import access, responses

READING = frozenset({"GET", "HEAD", "OPTIONS"})

# Suffixes that no public name server can answer for (RFC 6762, 8375, ICANN's .internal, the usual ones of routers).
_LOCAL_SUFFIXES = ("lan", "home", "home.arpa", "internal", "localdomain", "intranet")

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_PORTS = {"http": 80, "https": 443}

BY_ANY_NAME = frozenset({"/healthz", "/api/v1/hello", "/api/v1/limits", "/api/v1/join"})
"""Paths for programs that have no key yet. They tell and change nothing that a page of another site could use."""

PICTURES = web.RequestKey("pictures", tuple[str, ...])
"""Where the document that a request asks for may have pictures from, beside ourselves; absent: from nowhere."""


def policy(*pictures: str) -> str:
    """Return the content security policy of a document that may have pictures from these sources too."""
    images = " ".join(("'self'", "data:", *pictures))
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


HEADERS = {
    "Content-Security-Policy": policy(),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # browsers that do not know frame-ancestors
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "hived",  # which versions of what we are made of is nobody's business
}


def own_names(node_name: str, more: Collection[str] = ()) -> frozenset[str]:
    """Return the host names under which this node may be asked, lower case without a dot at the end."""
    names = {"localhost", *more}
    for name in (node_name, socket.gethostname()):
        low = name.lower().rstrip(".")
        first = low.partition(".")[0]
        names |= {low, first, *(f"{first}.{suffix}" for suffix in _LOCAL_SUFFIXES)}
    return frozenset(name for name in names if name)


def guard(node_name: str, more: Collection[str] = ()) -> Middleware:
    """Return the middleware that refuses foreign names and foreign pages. `more`: `http.names`."""
    names, given = own_names(node_name, more), frozenset(more)

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        refused = _refused(request, names, given)
        return refused if refused is not None else await handler(request)

    return guarded


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Give every reply the headers that bind a browser."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    if PICTURES in request:
        response.headers["Content-Security-Policy"] = policy(*request[PICTURES])


def _refused(request: web.Request, names: frozenset[str], given: frozenset[str]) -> web.Response | None:
    host = request.headers.get("Host", "").lower()
    if len(request.headers.getall("Host", [])) != 1 or not (is_ours(host, names) or _is_a_program(request)):
        how = "use the address, NAME.local or the host's name, or add this name to http.names of the configuration"
        return responses.error(403, f"this is not {host[:80]!r}: {how}")
    if request.method in READING:
        return None
    if not _is_bearer(request) and (foreign := _other_site(request, host, given)):
        return responses.error(403, f"this request was made by a page of another site: {foreign}")
    if request.body_exists and request.content_type != responses.JSON_TYPE:
        return responses.error(415, "send JSON, with Content-Type: application/json")
    return None


def _is_a_program(request: web.Request) -> bool:
    """Tell whether the name that this host is asked by does not matter: no session and no login is within reach."""
    if _is_bearer(request) and access.needed(request) is not access.PUBLIC:
        return True
    return request.path in BY_ANY_NAME and "Origin" not in request.headers  # browsers send that with each POST


def _is_bearer(request: web.Request) -> bool:
    """Tell whether a request proves itself by a header alone: a page of another site does not know what to put in."""
    return request.headers.get("Authorization", "")[:7].lower() == "bearer "


def _other_site(request: web.Request, host: str, given: frozenset[str]) -> str | None:
    """Return how a request shows that a page of another site made it; None for one of ours.

    A proxy may put its own idea of a name into Host: then the origin must have a name that the operator gave.
    """
    origin = request.headers.get("Origin")
    if origin is not None:
        scheme, _, place = origin.lower().partition("://")
        if not place or (_place(place, scheme) != _place(host, scheme) and name_of(place) not in given):
            how = "a proxy in between has to pass Host on as it came, or the name has to be in http.names"
            return f"it says Origin: {origin[:80]!r} and Host: {host[:80]!r} ({how})"
    site = request.headers.get("Sec-Fetch-Site", "none").lower()
    return None if site in ("same-origin", "none") else f"it says Sec-Fetch-Site: {site[:20]}"


def _place(host: str, scheme: str) -> tuple[str, int | None]:
    """Return name and port of a host as written in Host or Origin, with the port that the scheme has by default."""
    match = _HOST.fullmatch(host)
    if match is None:
        return host, None
    return match["name"], int(match["port"]) if match["port"] else _PORTS.get(scheme)


def is_ours(host: str, names: frozenset[str]) -> bool:
    """Tell whether a Host header names this node: an address, localhost, *.local, or one of the names.

    A page elsewhere can make its own name lead to us (DNS rebinding) and would then pass for the same site; these are
    names that nobody else can hold.
    """
    name = name_of(host)
    if name in names or name.endswith(".local"):
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def name_of(host: str) -> str:
    """Return the name or address in a Host header, "" when it is none."""
    match = _HOST.fullmatch(host.lower())
    return match["name"].rstrip(".") if match is not None else ""
