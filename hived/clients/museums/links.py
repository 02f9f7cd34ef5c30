"""URLs that stand in outside documents: read once, strictly, or dropped."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from yarl import URL

from hived.clients.fetch import urls
from hived.errors import Blocked
from hived.records import addresses

MAX_URL = 2048

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_WASTE = re.compile(r"[\t\n\r]")


def web_url(value: object, base: str | None = None) -> str | None:
    """Return the http(s) URL that `value` is, relative to `base`, without fragment; None when it is none."""
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_URL:
        return None
    text = _WASTE.sub("", value.strip()).replace(" ", "%20")
    if base is not None and not re.match(r"https?://", text, re.IGNORECASE):
        if _SCHEME.match(text) or "\\" in text:
            return None
        try:
            text = urljoin(base, text)
        except ValueError:
            return None
    try:
        url = str(urls.parse(text))
    except Blocked:
        return None
    return url if len(url) <= MAX_URL else None


def image_url(value: object, page: str) -> str | None:
    """Return the URL of a picture that a browser may be sent to: a public host's, or one of the page's own."""
    url = web_url(value, page)
    if url is None:
        return None
    host = URL(url).host or ""
    if host == URL(page).host:
        return url
    address = addresses.parse(host)
    if urls.is_local_name(host) if address is None else addresses.why_not_public(address):
        return None
    return url


def authority(url: str) -> str:
    """Return host:port of a URL, the form that the fetcher's `stay_on` takes."""
    parsed = URL(url)
    host = parsed.host or ""
    return f"[{host}]:{parsed.port}" if ":" in host else f"{host}:{parsed.port}"


def same_site(one: str, other: str) -> bool:
    """Say whether two URLs are of one site: same host, a leading "www." aside, on its usual ports or the same one."""
    first, second = URL(one), URL(other)
    usual = first.is_default_port() and second.is_default_port()
    return _bare(first) == _bare(second) and (usual or first.port == second.port)


def _bare(url: URL) -> str:
    return (url.host or "").lower().removeprefix("www.")


def related_site(one: str, page: str) -> bool:
    """Say whether a URL is of the site of a page, or of a subdomain of it, as pictures often are."""
    host, bare = _bare(URL(one)), _bare(URL(page))
    return same_site(one, page) or ("." in bare and host.endswith(f".{bare}"))
