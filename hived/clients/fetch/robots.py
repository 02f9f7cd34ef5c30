"""What a site lets robots do: robots.txt (RFC 9309) and the orders in headers and meta tags. Bytes in, rules out.

Protego matches the paths; what it leaves to its caller is here: statuses, size, pages that are no robots.txt, and which
group is meant for us.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from protego import Protego

from hived.clients.fetch.challenge import is_challenge

AGENT = "hive-minerd"
MAX_BYTES = 500 * 1024  # what RFC 9309 asks to be read at least
MAX_SITEMAPS = 100
MAX_DELAY_S = 86_400.0

State = Literal["rules", "unavailable", "unreachable", "paused"]

_LINE_END = re.compile(r"\r\n|\r|\n")
_OTHER_LINE_END = re.compile(r"[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_AGENT_LINE = re.compile(r"\s*user[\s-]?agent\s*(?::|\s)\s*(?P<value>[^#]*)", re.IGNORECASE)
_TOKEN = re.compile(r"[a-z_-]+", re.IGNORECASE)
_NOBODY = "x"  # stands for every robot that is not us; no part of our name begins with it
_READABLE = re.compile(r"[ \t]*(?:#|[a-z][a-z -]{0,40}:|user[ -]?agent\s)", re.IGNORECASE)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SITEMAP = re.compile(r"(?:https?:/)?/[^\s\x00-\x1f]{1,2040}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """What robots.txt of one scheme, host and port says.

    `state`: "rules" (it was read), "unavailable" (there is none: everything is allowed), "unreachable" (everything is
    forbidden for now) or "paused" (the host refuses us: everything is forbidden, leave it alone for a while).
    """

    state: State
    crawl_delay_s: float | None = None
    sitemaps: tuple[str, ...] = ()
    """As they are named there, some as a mere path."""
    note: str | None = None
    """What was odd about it, for the operator."""
    _matcher: Protego | None = field(default=None, repr=False, compare=False)

    @classmethod
    def parse(
        cls, status: int | None, content_type: str, body: bytes, last_good: RobotsRules | None = None
    ) -> RobotsRules:
        """Return the rules of an answer to GET /robots.txt. `status` None: there was no answer.

        `last_good` are the last rules that were read; they go on when the site cannot be reached.
        """
        if status is not None and 200 <= status < 300:
            return _read(content_type, body)
        if status in (401, 403, 429):
            return cls("paused", note=f"the host refuses robots.txt with status {status}")
        if status is not None and 400 <= status < 500:
            return cls("unavailable")
        if status is not None and 300 <= status < 400:
            return cls("unavailable", note="robots.txt is redirected too often")
        why = "the site cannot be reached" if status is None else f"robots.txt fails with status {status}"
        if last_good is not None and last_good.state == "rules":
            return replace(last_good, note=f"{why}: the rules read before go on")
        return cls("unreachable", note=why)

    def allowed(self, url: str, agent: str = AGENT) -> bool:
        """Say whether `url` may be fetched; robots.txt itself always may."""
        if re.fullmatch(r"[a-z]+://[^/?#]*/robots\.txt", url, re.IGNORECASE):
            return True
        if self.state != "rules" or self._matcher is None:
            return self.state in ("rules", "unavailable")
        return self._matcher.can_fetch(url, agent)


@dataclass(frozen=True, slots=True)
class Orders:
    """What a page says of itself, in X-Robots-Tag or <meta name="robots">."""

    noindex: bool = False
    """Do not store."""
    nofollow: bool = False
    """Do not follow its links."""
    noai: bool = False
    """Do not give it to a model."""
    noimageai: bool = False


def orders(values: Iterable[str], agent: str = AGENT) -> Orders:
    """Return what header lines or meta contents order a robot named `agent`.

    Each value may name the robot that it is for ("otherbot: noindex"); what names another one is not for us.
    """
    words: set[str] = set()
    for value in values:
        ours = True
        for part in value[:2000].lower().split(","):
            name, colon, rest = part.strip().partition(":")
            if colon and _TOKEN.fullmatch(name) and not name.startswith(("max-", "unavailable")):
                ours = name in (agent, "robots", "*")
                words.update({rest.strip()} if ours else ())
            elif ours:
                words.add(part.strip())
    return Orders(
        noindex=not words.isdisjoint({"noindex", "none"}),
        nofollow=not words.isdisjoint({"nofollow", "none"}),
        noai="noai" in words,
        noimageai=not words.isdisjoint({"noai", "noimageai"}),
    )


def _read(content_type: str, body: bytes) -> RobotsRules:
    is_cut = len(body) >= MAX_BYTES  # the fetcher cuts exactly there
    if is_cut:
        body = body[:MAX_BYTES].rpartition(b"\n")[0] or body[:MAX_BYTES]
    text = _decoded(body)
    if is_challenge(text):
        return RobotsRules("unreachable", note="a challenge for browsers stands in place of robots.txt")
    if text.lstrip().startswith("<"):
        # A page that says "not found" with status 200: Protego would read it as an empty file without a word.
        return RobotsRules("unavailable", note="a page of markup stands in place of robots.txt")
    if content_type.partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml") and not text.strip():
        return RobotsRules("unavailable", note="an empty page stands in place of robots.txt")
    lines = _LINE_END.split(text)
    if text.strip() and not any(map(_READABLE.match, lines)):
        return RobotsRules("unreachable", note="no line of robots.txt can be read")
    matcher = Protego.parse("\n".join(map(_for_us, lines)))
    delays = [delay for delay in (matcher.crawl_delay(AGENT),) if delay is not None]
    rate = matcher.request_rate(AGENT)
    if rate is not None:
        delays.append(rate.seconds / rate.requests)
    sitemaps = [url for url in matcher.sitemaps if _SITEMAP.fullmatch(url)]
    return RobotsRules(
        "rules",
        crawl_delay_s=min(max(delays), MAX_DELAY_S) if delays else None,
        sitemaps=tuple(dict.fromkeys(sitemaps))[:MAX_SITEMAPS],
        note="robots.txt is longer than what is read of it" if is_cut else None,
        _matcher=matcher,
    )


def _decoded(body: bytes) -> str:
    """Return the text of a robots.txt: UTF-8 as it should be, or what editors of Windows make of it."""
    body = body.removeprefix(b"\0\0\xfe\xff")  # UTF-32: in both directions ASCII and zeros
    text = body.decode("utf-16" if body.startswith(_UTF16) else "utf-8", "replace")
    return text.replace("\0", "").lstrip("\ufeff")


def _for_us(line: str) -> str:
    """Return a line as Protego shall see it: group names are exactly ours, "*" or nobody's.

    Protego takes "hive" for a name of hive-minerd; RFC 9309 wants the whole product token, whatever version follows.
    """
    line = _OTHER_LINE_END.sub(" ", line)
    found = _AGENT_LINE.match(line)
    if found is None:
        return line
    value = found["value"].strip()
    if value == "*":
        return "user-agent: *"
    token = _TOKEN.match(value)
    return f"user-agent: {AGENT if token is not None and token[0].lower() == AGENT else _NOBODY}"
