"""Which URLs belong to a source of web pages: its host, below its path, and no traps."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from urllib.parse import parse_qsl, urljoin, urlsplit

from hived.clients.museums import links
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
    """Site and path prefix of a source."""

    home: str
    """Scheme and host by which the site is asked."""
    prefix: str

    @classmethod
    def of(cls, base_url: str, led_to: str | None = None) -> Scope:
        """Return the scope of a base URL: below it when it ends in "/", its host for a sitemap, else itself alone.

        `led_to`: where a request to the site ended, which tells whether it is at home with or without "www.".
        """
        base = canonical(base_url)
        home = led_to if led_to is not None and links.same_site(led_to, base) else base
        return cls(urljoin(home, "/"), "/" if is_sitemap(base_url) else urlsplit(base).path)

    def accepted(self, url: str) -> str | None:
        """Return the canonical form of a URL that lies within, by the host's name at home; None for all others.

        Sitemaps name http long after a site moved to https, or the host with "www." that it dropped. What is named
        with https is never asked without.
        """
        try:
            parts = urlsplit(canonical(url))
        except BadRequest:
            return None
        home = urlsplit(self.home)
        if not links.same_site(url, self.home):
            return None
        scheme = "https" if "https" in (parts.scheme, home.scheme) and not home.port else home.scheme
        parts = parts._replace(scheme=scheme, netloc=home.netloc)
        if len(parts.geturl()) > MAX_URL or not self._is_below(parts.path):
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
