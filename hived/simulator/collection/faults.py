"""What can go wrong with the simulated museum, to be switched on for a while or until cleared."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum

from aiohttp import web

from hived.simulator.collection.answers import capture, gzipped, html_reply, http_date, json_reply, whole_number
from hived.simulator.collection.commons import maxlag_error
from hived.simulator.collection.rijks import bad_token
from hived.simulator.faults import cut, fits, for_ever, reset, spent

_BLOCKED = capture("met_blocked.html")


class Trouble(Enum):
    """One way to misbehave. The value is its name on the command line."""

    THROTTLE = "throttle"
    """After `burst` requests within `window_s` seconds the firewall answers 403 with HTML for `block_s` seconds."""
    TOO_MANY = "too_many"
    """429 with Retry-After: `retry_after_s` seconds, or a date with `as_date`; without the header when it is 0."""
    UNAVAILABLE = "unavailable"
    """503 with Retry-After likewise."""
    FORBIDDEN = "forbidden"
    """403 with the firewall's HTML, always."""
    ERROR_500 = "error_500"
    SLOW = "slow"
    """Answers after `delay_s` seconds."""
    HUNG = "hung"
    """Accepts and never answers."""
    CUT = "cut"
    """Announces the whole body, sends half and hangs up."""
    RESET = "reset"
    """Resets the connection when a request comes."""
    NOT_JSON = "not_json"
    """200 with a page in place of the document."""
    GARBLED = "garbled"
    """200 with half the document, as if that were all."""
    CHALLENGE = "challenge"
    """200 with a firewall's challenge for browsers."""
    BAD_CHARACTER = "bad_character"
    """XML with a control character, a raw ampersand and an entity of HTML in it."""
    BROKEN_ENTRY = "broken_entry"
    """XML with an element that is not closed in the first record or address."""
    EXPIRED_TOKENS = "expired_tokens"
    """OAI-PMH takes no resumption token any more."""
    NO_MORE = "no_more"
    """403 for pages of a list from `page` on."""
    MAXLAG = "maxlag"
    """Commons' error for a lagging database, with Retry-After."""


@dataclass(slots=True)
class ActiveTrouble:
    """A trouble that is switched on, with its options. Times are the museum's clock."""

    trouble: Trouble
    paths: tuple[str, ...] = ()
    """Only these paths suffer; * matches anything. Empty: all."""
    times: int | None = None
    """So many requests suffer, then the museum is well again. None: until it is cleared."""
    after_s: float = 0.0
    """Begins so many seconds after it was set."""
    for_s: float | None = None
    """Ends so many seconds after it began."""
    delay_s: float = 3.0
    retry_after_s: int = 30
    as_date: bool = False
    burst: int = 30
    window_s: float = 10.0
    block_s: float = 30.0
    page: int = 2
    set_at: float = field(default=0.0)
    hits: int = field(default=0)
    blocked_until: float = field(default=float("-inf"))
    _lately: deque[float] = field(default_factory=deque)

    def over(self, now: float) -> bool:
        """Return whether it will never hit again."""
        return spent(self) or (self.for_s is not None and now >= self.set_at + self.after_s + self.for_s)

    def hit(self, path: str, now: float) -> bool:
        """Return whether the request for a path is to suffer, and count it."""
        if now < self.set_at + self.after_s or self.over(now):
            return False
        if not fits(self, path) or (self.trouble is Trouble.THROTTLE and not self._too_quick(now)):
            return False
        self.hits += 1
        return True

    def _too_quick(self, now: float) -> bool:
        if now < self.blocked_until:
            return True
        self._lately.append(now)
        while self._lately[0] <= now - self.window_s:
            self._lately.popleft()
        if len(self._lately) <= self.burst:
            return False
        self._lately.clear()
        self.blocked_until = now + self.block_s
        return True


Answer = Callable[[], Awaitable[web.StreamResponse]]


async def suffer(active: ActiveTrouble, request: web.BaseRequest, now: float, answer: Answer) -> web.StreamResponse:
    """Answer a request the troubled way. `answer` makes the healthy reply where the trouble starts from one."""
    kind = active.trouble
    if kind in (Trouble.THROTTLE, Trouble.FORBIDDEN):
        return web.Response(status=403, body=_BLOCKED, content_type="text/html")
    if kind in (Trouble.TOO_MANY, Trouble.UNAVAILABLE):
        return _later(active, now, 429 if kind is Trouble.TOO_MANY else 503)
    if kind is Trouble.ERROR_500:
        return web.Response(status=500, text="Internal Server Error")
    if kind is Trouble.NOT_JSON:
        return web.Response(text="<!DOCTYPE html><title>Maintenance</title>", content_type="text/html")
    if kind is Trouble.CHALLENGE:
        return html_reply("<!DOCTYPE html><title>Just a moment...</title><script>let browser = true;</script>")
    if kind is Trouble.NO_MORE and int(whole_number(request.query.get("page"), 1) or 0) >= active.page:
        return json_reply({"status": 403, "error": "no more pages"}, status=403)
    if kind is Trouble.EXPIRED_TOKENS and "resumptionToken" in request.query:
        return bad_token()
    if kind is Trouble.MAXLAG:
        return maxlag_error()
    if kind is Trouble.SLOW:
        await asyncio.sleep(active.delay_s)
        return await answer()
    if kind in (Trouble.HUNG, Trouble.RESET):
        if kind is Trouble.RESET:
            reset(request.transport)
        return await for_ever()
    healthy = await answer()
    if not isinstance(healthy, web.Response) or not isinstance(healthy.body, bytes) or healthy.status != 200:
        return healthy
    if kind in (Trouble.NO_MORE, Trouble.EXPIRED_TOKENS):
        return healthy
    if kind in (Trouble.BAD_CHARACTER, Trouble.BROKEN_ENTRY):
        if healthy.content_type.endswith(("xml", "gzip")):
            healthy.body = _spoilt(healthy.body, whole_entry=kind is Trouble.BROKEN_ENTRY)
        return healthy
    if kind is Trouble.GARBLED:
        healthy.body = healthy.body[: len(healthy.body) // 2]
        return healthy
    return await cut(request, healthy.body, healthy.headers)


def _spoilt(body: bytes, *, whole_entry: bool) -> bytes:
    """Return XML with a flaw in its first title or address, packed if it was."""
    if body.startswith(b"\x1f\x8b"):
        return gzipped(_spoilt(gzip.decompress(body), whole_entry=whole_entry))
    found = re.search(rb"<(?:dc:title|loc)\b[^>]*>", body)
    if found is None:
        return body
    flaw = b"<br>" if whole_entry else b"\x03" if found[0].startswith(b"<loc") else b"&eacute; & \x03"
    return body[: found.end()] + flaw + body[found.end() :]


def _later(active: ActiveTrouble, now: float, status: int) -> web.Response:
    headers = {}
    if active.retry_after_s:
        wait = active.retry_after_s
        headers["Retry-After"] = http_date(now + wait) if active.as_date else str(wait)
    return web.Response(status=status, text="Please slow down.\n", headers=headers)
