"""What the API of Wikimedia Commons sends, turned into records. Pure: bytes in, records out, or Unreadable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from yarl import URL

from hived.clients.museums import dates, licence, links, markup, text
from hived.errors import Unreadable
from hived.records import values
from hived.records.artifact import CC0, PDM, CollectedObject

PROVIDER = "commons"
HOSTS = ("commons.wikimedia.org",)
"""Whose pages an object's may be, beside those of the source's own host."""

CONTINUES = frozenset(("continue", "gcmcontinue", "gaicontinue", "gsroffset", "iistart"))
"""What may be sent back of a `continue` block: no other parameter is any server's to choose."""

MAX_PAGES = 500
MAX_CONTINUE = 500
MAX_TAGS = 32

_SHA1 = re.compile(r"[0-9a-f]{40}")
_FILE = re.compile(r"^File:(?P<name>.+?)(?:\.[A-Za-z0-9]{2,5})?$")
_NO = frozenset(("", "false", "no", "0"))


@dataclass(frozen=True, slots=True)
class CommonsFile:
    """One file. `object` None: this answer does not hold what is needed of it."""

    pageid: int
    object: CollectedObject | None
    sha1: str | None = None
    missing: bool = False


@dataclass(frozen=True, slots=True)
class CommonsAnswer:
    """Files, and what to send along to go on; `error` is the API's code: "maxlag", "ratelimited"."""

    files: tuple[CommonsFile, ...] = ()
    go_on: dict[str, str | int] | None = None
    error: str | None = None


def parse_answer(body: bytes, base_url: str, read_at: float) -> CommonsAnswer:
    """Return what an answer to action=query holds, in either format version."""
    doc = values.top_object(body)
    error = values.table(doc.get("error"))
    if error:
        return CommonsAnswer(error=text.clean(error.get("code"), 60) or "unknown")
    query = values.table(doc.get("query"))
    if not query and "batchcomplete" not in doc and "continue" not in doc:
        raise Unreadable("the answer is none of MediaWiki's to a query")
    pages = query.get("pages")
    listed = list(pages.values())[:MAX_PAGES] if isinstance(pages, dict) else values.items(pages, MAX_PAGES)
    files = (_file(values.table(page), base_url, read_at) for page in listed)
    return CommonsAnswer(tuple(one for one in files if one is not None), go_on(doc.get("continue")))


def go_on(told: object) -> dict[str, str | int] | None:
    """Return a `continue` block without what is none of it; None when there is nothing to go on with."""
    found: dict[str, str | int] = {}
    for name, value in values.table(told).items():
        if name not in CONTINUES or isinstance(value, bool):
            continue
        fits = 0 <= value < 10**9 if isinstance(value, int) else isinstance(value, str) and len(value) <= MAX_CONTINUE
        if fits:
            found[name] = value
    return found if found.keys() - {"continue"} else None


def _file(page: dict[str, Any], base_url: str, read_at: float) -> CommonsFile | None:
    pageid = values.integer(page.get("pageid"))
    if pageid is None:
        return None
    info = next(iter(values.tables(page.get("imageinfo"), 1)), None)
    if page.get("missing") not in (None, False) or (info or {}).get("filemissing") not in (None, False):
        return CommonsFile(pageid, None, missing=True)
    if info is None or not isinstance(info.get("extmetadata"), dict):
        return CommonsFile(pageid, None)
    sha1 = text.clean(info.get("sha1"), 40)
    return CommonsFile(
        pageid, _object(pageid, page, info, base_url, read_at), sha1 if sha1 and _SHA1.fullmatch(sha1) else None
    )


def _object(pageid: int, page: dict[str, Any], info: dict[str, Any], base_url: str, read_at: float) -> CollectedObject:
    meta = info["extmetadata"]

    def told(name: str, limit: int = text.MAX_TEXT) -> str | None:
        return markup.plain(_value(meta, name), limit)

    url = _page_url(pageid, info, base_url)
    verdict = licence.decide(_rights(meta), read_at)
    name = _FILE.match(text.clean(page.get("title")) or "")
    date_text = told("DateTimeOriginal")
    year_from, year_to = dates.span(date_text)
    categories = _value(meta, "Categories")
    return CollectedObject(
        provider=PROVIDER,
        object_id=str(pageid),
        url=url,
        title=told("ObjectName") or (name["name"].replace("_", " ") if name else f"File {pageid}"),
        licence=verdict.licence,
        makers=text.clean_all([told("Artist")], 1),
        date_text=date_text,
        year_from=year_from,
        year_to=year_to,
        credit=told("Credit"),
        tags=text.clean_all(categories.split("|")[:64] if isinstance(categories, str) else (), MAX_TAGS, 80),
        image_url=_image(info, url) if verdict.licence else None,
        rights_text=verdict.reason,
    )


def _rights(meta: dict[str, Any]) -> Iterator[licence.Statement]:
    """The short code and its URL must agree; any restriction, or a wish to be named, is one too many."""
    code, url = _word(meta, "License"), text.clean(_value(meta, "LicenseUrl"))
    uri = licence.normalise(url)
    if code.startswith("cc0"):
        agreed = uri == CC0
    else:
        agreed = uri == PDM and code.startswith("pd") and _word(meta, "Copyrighted") in _NO
    if agreed and url is not None:
        yield licence.Statement(url, "extmetadata.LicenseUrl", "image")
    elif code or url:
        yield licence.Statement(f"{code or 'no code'}, {url or 'no LicenseUrl'}", "extmetadata.License", "image")
    for name in ("Restrictions", "AttributionRequired", "NonFree"):
        said = _word(meta, name)
        if said not in _NO:
            yield licence.Statement(said, f"extmetadata.{name}", "image")


def _value(meta: dict[str, Any], name: str) -> object:
    return values.table(meta.get(name)).get("value")


def _word(meta: dict[str, Any], name: str) -> str:
    """Return a value as a lower-case word; what is no text is written out, so that nothing odd reads as empty."""
    value = _value(meta, name)
    if value is None:
        return ""
    return (text.clean(value) or "").lower() if isinstance(value, str) else f"{value!r:.60}".lower()


def _page_url(pageid: int, info: dict[str, Any], base_url: str) -> str:
    url = links.web_url(info.get("descriptionurl"), base_url)
    if url is not None and URL(url).host in (URL(base_url).host, *HOSTS):
        return url
    return f"https://{HOSTS[0]}/?curid={pageid}"


def _image(info: dict[str, Any], page: str) -> str | None:
    """The small picture of a file that is one; films and scanned books have none."""
    mime = text.clean(info.get("mime"), 60) or "image/"
    if not mime.startswith("image/"):
        return None
    return links.image_url(info.get("thumburl"), page) or links.image_url(info.get("url"), page)
