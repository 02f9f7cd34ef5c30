"""Which URLs belong to a source of web pages: its host, below its path, and no traps."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from hived.errors import BadRequest
from hived.records.canonical import canonical

MAX_URL = 500  # of pages that are followed to; traps grow their addresses
MAX_SEGMENTS = 12
MAX_REPEATS = 2  # of one part of a path
MAX_PARAMETERS = 4

_SITEMAP = re.compile(r"/[^/]*\.xml(?:\.gz)?$", re.IGNORECASE)
_NO_PAGE = re.compile(
    r"\.(?:jpe?g|png|gif|webp|avif|svg|ico|tiff?|bmp|pdf|docx?|xlsx?|pptx?|zip|gz|tgz|rar|7z|tar|mp[34]|m4[av]|ogg|wav|avi"
    r"|mov|webm|css|js|mjs|json|xml|rss|atom|txt|csv|woff2?|ttf|eot|exe|dmg|apk|iso|bin)$",
    re.IGNORECASE,
)
_CALENDAR = re.compile(
    r"^(?:date|day|month|year|week|from|to|start|end|cal\w*|sort\w*|order\w*|dir|view|print|share|lang|replytocom|session\w*)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Host and path prefix of a source."""

    scheme: str
    netloc: str
    prefix: str

    @classmethod
    def of(cls, base_url: str) -> Scope:
        """Return the scope of a base URL: below it when it ends in "/", its host for a sitemap, else itself alone."""
        parts = urlsplit(canonical(base_url))
        return cls(parts.scheme, parts.netloc, "/" if is_sitemap(base_url) else parts.path)

    def accepted(self, url: str) -> str | None:
        """Return the canonical form of a URL that lies within; None for all others."""
        try:
            parts = urlsplit(canonical(url))
        except BadRequest:
            return None
        if parts.scheme != self.scheme:
            # Sitemaps name http long after a site moved to https. The other way round nothing is asked.
            if (parts.scheme, self.scheme) != ("http", "https") or parts.port is not None:
                return None
            parts = parts._replace(scheme="https")
        if parts.netloc != self.netloc or len(parts.geturl()) > MAX_URL or not self._is_below(parts.path):
            return None
        segments = [segment for segment in parts.path.split("/") if segment]
        if len(segments) > MAX_SEGMENTS or max(Counter(segments).values(), default=0) > MAX_REPEATS:
            return None
        names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
        if len(names) > MAX_PARAMETERS or any(map(_CALENDAR.match, names)) or _NO_PAGE.search(parts.path):
            return None
        return parts.geturl()

    def _is_below(self, path: str) -> bool:
        return path == self.prefix or (self.prefix.endswith("/") and path.startswith(self.prefix))


def is_sitemap(url: str) -> bool:
    """Say whether a base URL names a sitemap."""
    return _SITEMAP.search(urlsplit(url).path) is not None
