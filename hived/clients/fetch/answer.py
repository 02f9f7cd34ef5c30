"""One answer as it came: what it means for whoever asked, and what it means when there is none."""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDictProxy

from hived.clients.fetch.challenge import MAX_PAGE, has_challenge, is_challenge
from hived.clients.fetch.guard import Asked
from hived.clients.fetch.reply import BadStatus, is_wanted
from hived.errors import Blocked, HivedError, Refused, Throttled, Transient, Unreadable

FIREWALL_S = 60.0
"""How long a host is left alone that throttles without a word for how long: the Met's blocks for half a minute."""
PAGE_TYPES = ("", "text/html", "application/xhtml+xml")


@dataclass(slots=True)
class Answer:
    """One answer on the way, a redirect or the last; `location` is where it sends us, None when it does not say."""

    status: int
    headers: dict[str, str]
    content_type: str
    retry_after_s: float | None
    robots_tags: tuple[str, ...]
    location: str | None
    is_firewall: bool = False
    """It does not come from the API or page that was asked, but from what stands in front of it."""
    body: bytes = b""


def mark_firewall(answer: Answer, accept: Sequence[str], *, is_api: bool) -> None:
    """Tell what means "slow down" from what means "not this": it has a type that no answer of that kind has.

    An API's own answers, good or bad, are documents: a page with status 200 or 403 is somebody else's.
    """
    kind, status = answer.content_type, answer.status
    unwanted = not is_wanted(kind, accept)
    refused = status == 403 and (unwanted or (is_api and kind in PAGE_TYPES))
    if has_challenge(answer.headers) or refused or (status == 200 and is_api and unwanted):
        keep_away(answer)


def mark_challenge(answer: Answer) -> None:
    """Tell a challenge from a page, which both come with status 200: its title says so."""
    is_page = answer.status == 200 and answer.content_type in PAGE_TYPES
    if is_page and is_challenge(answer.body[: MAX_PAGE + 1].decode("utf-8", "replace")):
        keep_away(answer)


def keep_away(answer: Answer) -> None:
    """Note that the host wants to be left alone."""
    answer.is_firewall = True
    if answer.retry_after_s is None:
        answer.retry_after_s = FIREWALL_S


def judge(shown: str, answer: Answer, *, conditional: bool) -> None:
    """Return when `answer` is one that the caller has to hear; raise what it means when it is not."""
    status, wait_s = answer.status, answer.retry_after_s
    if status in (200, 404, 410) and not answer.is_firewall:
        return
    if status == 304:
        if not conditional:
            raise Unreadable(f"{shown} says 'not modified' although nobody asked whether it was")
        return
    if status == 429 or (status == 503 and wait_s is not None) or answer.is_firewall:
        what = f" ({answer.content_type or 'no type'}): a firewall's answer" if answer.is_firewall else ""
        wait = "" if wait_s is None else f", wait {wait_s:.0f} s"
        raise Throttled(f"{shown} answered {status}{what}{wait}", wait_s)
    if status >= 500 or status in (408, 425):
        raise Transient(f"{shown} answered {status}")
    if status < 300:
        raise Unreadable(f"{shown} answered {status}, which is no page")
    raise BadStatus(f"{shown} answered {status}", status, answer.content_type)


def failure(err: Exception, asked: Asked, shown: str) -> HivedError:
    """Return what an error of aiohttp or the system means, in words without addresses or queries."""
    if asked.refused is not None:
        return Blocked(asked.refused)
    if isinstance(err, (aiohttp.ClientResponseError, HttpProcessingError)):
        return Unreadable(f"{shown} does not answer with proper HTTP")
    if isinstance(err, aiohttp.ClientPayloadError):
        return Unreadable(f"the answer of {shown} was cut short")
    if isinstance(err, (aiohttp.ClientSSLError, ssl.SSLError)):
        return Transient(f"{shown} has no valid certificate for a TLS connection")
    if isinstance(err, aiohttp.ClientConnectorDNSError):
        return Transient(f"the name of {shown} cannot be looked up")
    if isinstance(err, aiohttp.ServerDisconnectedError):
        return Transient(f"{shown} closed the connection without an answer")
    if isinstance(err, OSError) and err.errno is not None and err.errno > 0:
        return Transient(f"{shown}: {os.strerror(err.errno).lower()}")
    if isinstance(err, (aiohttp.InvalidURL, ValueError)):
        return Refused(f"{shown} cannot be asked")
    return Transient(f"{shown}: the connection failed ({type(err).__name__})")


def plain(headers: CIMultiDictProxy[str]) -> dict[str, str]:
    """Return headers by lower-case name; what stands several times is joined as HTTP has it."""
    joined: dict[str, str] = {}
    for name, value in headers.items():
        low = name.lower()
        joined[low] = f"{joined[low]}, {clean(value)}" if low in joined else clean(value)
    return joined


def clean(value: str) -> str:
    """Return a header's value with the bytes replaced that are no UTF-8: no database takes them."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
