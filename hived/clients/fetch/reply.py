"""What a host answered, and what it means for whoever asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from hived.clients.fetch import charset
from hived.errors import Refused
from hived.records import values
from hived.records.artifact import Validators

PAGES = (
    "text/html",
    "application/xhtml+xml",
    "application/xml",
    "text/xml",
    "application/json",
    "application/ld+json",
    "text/plain",
)
"""What text comes in. "application/json" also takes application/*+json, "application/xml" application/*+xml."""
JSON = ("application/json", "text/json")
XML = ("application/xml", "text/xml")
GZIP = ("application/gzip", "application/x-gzip")

NO_VALIDATORS = Validators()

MAX_RETRY_AFTER_S = 86_400.0
MAX_DATE = 64

_SENT_BACK = re.compile(r"[\x20-\x7e]{1,512}")


class BadStatus(Refused):
    """The host refused with this status (4xx but 404, 410 and 429)."""

    def __init__(self, message: str, status: int, content_type: str) -> None:
        super().__init__(message)
        self.status = status
        self.content_type = content_type


@dataclass(frozen=True, slots=True)
class Reply:
    """A final answer: status 200, 304, 404 or 410; for robots.txt any. Header names are in lower case."""

    url: str
    """The last one of all redirects."""
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    content_type: str
    """Without parameters, in lower case; empty when the host named none."""
    validators: Validators = NO_VALIDATORS
    retry_after_s: float | None = None
    robots_tags: tuple[str, ...] = ()
    """X-Robots-Tag, one value for each header line."""

    def text(self) -> str:
        """Return the text of the body."""
        return charset.decode(self.body, self.headers.get("content-type", "")).text


def retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds to wait that a Retry-After header asks for, 0 to 24 h; None when it says nothing sensible."""
    text = (value or "").strip()
    if not text or len(text) > MAX_DATE:
        return None
    seconds = values.retry_after(text, MAX_RETRY_AFTER_S)
    if seconds is not None:
        return seconds
    try:
        seconds = parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def media_type(content_type: str | None) -> str:
    """Return a Content-Type without its parameters, in lower case."""
    return (content_type or "").partition(";")[0].strip().lower()[:100]


def is_wanted(content_type: str, accept: Sequence[str]) -> bool:
    """Say whether a media type is one of `accept`, which may hold "image/*" and "*/*"."""
    start, _, end = content_type.partition("/")
    family = end.rpartition("+")[2]
    return any(
        wanted in (content_type, "*/*", f"{start}/*")
        or (start == "application" and "+" in end and wanted == f"application/{family}" and end != "xhtml+xml")
        for wanted in accept
    )


def sendable(validators: Validators) -> dict[str, str]:
    """Return the headers that make a GET conditional, verbatim; what could not have been received is left out."""
    stored = (("If-None-Match", validators.etag), ("If-Modified-Since", validators.last_modified))
    return {name: value for name, value in stored if value is not None and _SENT_BACK.fullmatch(value)}


def received(headers: Mapping[str, str], before: Validators) -> Validators:
    """Return the validators of an answer; those that it does not name stay what they were `before`."""
    return Validators(
        etag=_kept(headers.get("etag"), before.etag),
        last_modified=_kept(headers.get("last-modified"), before.last_modified),
    )


def _kept(value: str | None, before: str | None) -> str | None:
    return value if value is not None and _SENT_BACK.fullmatch(value) else before
