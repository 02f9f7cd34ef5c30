"""Turn the status of a reply into the error that tells the caller what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hived.clients.firmwares.http import Reply
from hived.clients.firmwares.vnish import parse, parse_steer
from hived.clients.firmwares.vnish.fields import MAX_TEXT, text
from hived.errors import (
    BadCredentials,
    HivedError,
    LockedOut,
    NotSupported,
    NotThisFirmware,
    Refused,
    Transient,
    Unreadable,
)
from hived.records import values
from hived.records.steering import Said

MAX_RETRY_AFTER_S = 86_400.0  # whoever names more is not to be believed

_STOCK = "antminer-stock"
_LOGIN = re.compile(r"\b(?:digest|basic)\b", re.IGNORECASE)
_ANTMINER = re.compile(r'\bdigest\b.*\brealm="?antminer configuration"?', re.IGNORECASE)


def judge(reply: Reply, secrets: Iterable[str] = ()) -> bytes:
    """Return the body of a reply that says yes, else raise. `secrets` are removed from texts the miner sends."""
    if 200 <= reply.status < 300:
        if reply.fault:
            raise Unreadable(reply.fault)
        return reply.body
    raise _refusal(reply, secrets)


def heard(reply: Reply, secrets: Iterable[str]) -> Said:
    """Return what a miner says to a command; Refused, in its own words, where it says no.

    A yes may be empty, cut short or no JSON at all. The firmware's no is a 500 with a text.
    """
    words = _words(reply, secrets)
    if 200 <= reply.status < 300:
        if words:
            raise Refused(words)
        return parse_steer.said(reply.body)
    refusal = _refusal(reply, secrets)
    if words and (reply.status == 500 or type(refusal) is Refused):
        raise Refused(words)
    raise refusal


def not_vnish(reply: Reply) -> HivedError:
    """Return the error for a reply to /info that is no 2xx: a miner always answers it, without credentials."""
    if reply.status >= 500:
        return _refusal(reply, ())
    if reply.status in (401, 403):
        return _login("asks for a login", _login_kind(reply) or "login")
    if 300 <= reply.status < 400:
        return NotThisFirmware("redirects elsewhere", "redirect")
    return NotThisFirmware(f"HTTP {reply.status} where a miner names itself", parse.looks_like(reply.body))


def refuses_password(reply: Reply) -> bool:
    """Tell whether an unlock is answered with no: 403 by the document, elsewhere 400, 401, 422 or 200 with an error."""
    if reply.status == 401:
        return _login_kind(reply) is None
    return reply.status in (400, 403, 422) or (200 <= reply.status < 300 and bool(parse.error_text(reply.body)))


def retry_after(reply: Reply) -> float | None:
    """Return the seconds of lockout that a refusal tells, from its body or its Retry-After header."""
    told = parse.unlock_timeout(reply.body)
    if told is None:
        return values.retry_after(reply.headers.get("Retry-After"), MAX_RETRY_AFTER_S)
    return min(told, MAX_RETRY_AFTER_S)


def _refusal(reply: Reply, secrets: Iterable[str]) -> HivedError:
    said = _said(reply, secrets)
    match reply.status:
        case 401:
            kind = _login_kind(reply)
            if kind:
                return _login("asks for a login of another kind than VNish has", kind)
            return BadCredentials("the miner does not take the key or token (HTTP 401)")
        case 404 | 405 | 501:
            return NotSupported(f"the miner has no such call (HTTP {reply.status})")
        case 429:
            return LockedOut("the miner takes no tries for now (HTTP 429)", retry_after(reply))
        case status if 300 <= status < 400:
            return NotThisFirmware("redirects elsewhere", "redirect")
        case status if 400 <= status < 500 and status != 408:
            return Refused(said)
        case _:
            return Transient(said, code="server_error")


def _login(said: str, kind: str) -> NotThisFirmware:
    return NotThisFirmware(said, kind, code="stock_firmware" if kind == _STOCK else None)


def _login_kind(reply: Reply) -> str | None:
    """Return what a Digest or Basic challenge speaks of: stock firmware after a failed boot, or some login page."""
    challenge = reply.headers.get("WWW-Authenticate", "")
    if _ANTMINER.search(challenge):
        return _STOCK
    return "login" if _LOGIN.search(challenge) else None


def _said(reply: Reply, secrets: Iterable[str]) -> str:
    """Return "HTTP 500: <err>"."""
    shown = _words(reply, secrets)
    return f"HTTP {reply.status}: {shown}"[:MAX_TEXT] if shown else f"HTTP {reply.status}"


def _words(reply: Reply, secrets: Iterable[str]) -> str | None:
    """Return the text of an error; a miner that repeats what we sent must not bring it into a log."""
    err = parse.error_text(reply.body) or ""
    for secret in secrets:
        if secret:
            err = err.replace(secret, "***")
    return text(err)
