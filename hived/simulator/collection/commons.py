"""Wikimedia Commons' API over the simulated museum: files of a category with their licence in extmetadata."""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from aiohttp import web

from hived.simulator.collection.answers import Json, json_reply, whole_number
from hived.simulator.collection.objects import Catalogue, Rights, Work, iso, mix, parse_day

PATH = "/commons/w/api.php"
CATEGORY = "Category:Museum of Simulated Art"
MAX_LIMIT = 500
MAX_FIELDS = 50
"""Pages whose imageinfo one call gives; the rest of a batch comes by `continue`."""

_LIBRARIES = re.compile(r"^(python|aiohttp|curl|wget|go-http|java|okhttp|libwww|axios|$)", re.IGNORECASE)
_PREFIXES = {"categorymembers": "gcm", "allimages": "gai"}

LICENCES: dict[Rights, tuple[str, str, str]] = {
    "cc0": ("cc0", "CC0", "http://creativecommons.org/publicdomain/zero/1.0/deed.en"),
    "pdm": ("pd", "Public domain", "https://creativecommons.org/publicdomain/mark/1.0/deed.en"),
    "by-sa": ("cc-by-sa-4.0", "CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0"),
    "copyright": ("fair use", "Fair use", ""),
    "unknown": ("pd", "Public domain", ""),  # somebody says so, without a URL: not good enough
}


async def answer(catalogue: Catalogue, request: web.BaseRequest) -> web.Response:
    """Answer one API call. Agents without a name of their own get 403, as Wikimedia's policy has it."""
    if _LIBRARIES.match(request.headers.get("User-Agent", "")):
        return web.Response(status=403, text="Please set a user agent with contact details.\n")
    query = request.query
    if query.get("action") != "query" or query.get("format") != "json":
        return _error("badvalue", "Only action=query&format=json is served here.")
    version = query.get("formatversion", "1")
    if "generator" in query:
        generator = query["generator"]
        if generator not in _PREFIXES:
            return _error("badvalue", f'Unrecognized value for parameter "generator": {generator[:40]}.')
        found = _generated(catalogue, query, generator, _PREFIXES[generator])
        if found is None:
            return _error("badcontinue", "Invalid continue param. You should pass the original value.")
        ids, more = found
    else:
        ids, more = _named(catalogue, query), None
    pages = [_page(catalogue, catalogue.work(page), query) for page in ids]
    document: Json = {"batchcomplete": True} if version == "2" else {"batchcomplete": ""}
    if more:
        document["continue"] = more
    if pages or "generator" not in query:
        document["query"] = {"pages": pages if version == "2" else {str(page["pageid"]): page for page in pages}}
    return json_reply(document)


def _error(code: str, info: str) -> web.Response:
    """Errors come with status 200 and a header."""
    response = json_reply({"error": {"code": code, "info": info}})
    response.headers["MediaWiki-API-Error"] = code
    return response


def maxlag_error() -> web.Response:
    response = _error("maxlag", "Waiting for a database server: 7.2 seconds lagged.")
    response.headers["Retry-After"] = "5"
    return response


def _generated(
    catalogue: Catalogue, query: Mapping[str, str], generator: str, prefix: str
) -> tuple[list[int], Json | None] | None:
    """Return a batch of ids and the `continue` block; None for a continue value that is not ours."""
    limit = whole_number(query.get(f"{prefix}limit"), 10, least=1)
    limit = min(limit or MAX_LIMIT, MAX_LIMIT, MAX_FIELDS)  # "max" is no number
    if generator == "categorymembers" and query.get("gcmtitle", "").replace("_", " ") != CATEGORY:
        return [], None
    since_text = query.get("gcmstart", query.get("gaistart", ""))
    since = parse_day(since_text) if since_text else None
    ids = catalogue.selected(
        f"commons {since}",
        lambda object_id: (
            catalogue.has_record(object_id) and (since is None or catalogue.changed_at(object_id) >= since)
        ),
    )
    after = _after(query.get(f"{prefix}continue"))
    if after is None:
        return None
    start = bisect.bisect_right(ids, after)
    batch = list(ids[start : start + limit])
    if start + limit >= len(ids):
        return batch, None
    return batch, {f"{prefix}continue": f"file|{batch[-1]:08X}|{batch[-1]}", "continue": f"{prefix}continue||"}


def _after(text: str | None) -> int | None:
    if text is None:
        return 0
    number = text.rpartition("|")[2]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 12 else None


def _named(catalogue: Catalogue, query: Mapping[str, str]) -> list[int]:
    """Return the ids that `pageids` or `titles` name."""
    numbers = query.get("pageids", "").split("|")
    numbers += [found[1] for title in query.get("titles", "").split("|") if (found := re.search(r"(\d+)\.png$", title))]
    ids = [int(number) for number in numbers if number.isascii() and number.isdigit() and len(number) < 12]
    return [number for number in ids if catalogue.has_record(number)][:MAX_FIELDS]


def file_title(work: Work) -> str:
    return f"File:{work.title} {work.id}.png"


def _page(catalogue: Catalogue, work: Work, query: Mapping[str, str]) -> Json:
    page: Json = {"pageid": work.id, "ns": 6, "title": file_title(work)}
    if "imageinfo" in query.get("prop", ""):
        page["imagerepository"] = "local"
        page["imageinfo"] = [_imageinfo(catalogue, work, query)]
    return page


def _imageinfo(catalogue: Catalogue, work: Work, query: Mapping[str, str]) -> Json:
    wanted = query.get("iiprop", "").split("|")
    title = quote(file_title(work).replace(" ", "_"))
    info: Json = {
        "timestamp": iso(work.changed_at),
        "user": "Simulated Uploader",
        "size": 24_000,
        "width": 480,
        "height": 600,
        "descriptionurl": f"{catalogue.url}/commons/wiki/{title}",
        "descriptionshorturl": f"{catalogue.url}/commons/w/index.php?curid={work.id}",
        "url": f"{catalogue.url}/images/original/{work.id}.png",
        "sha1": f"{mix(work.id, 9):016x}{mix(work.id, 10):016x}{work.version:08x}",
        "mime": "image/png",
    }
    if "iiurlwidth" in query:
        info["thumburl"] = f"{catalogue.url}/images/web-large/{work.id}.png"
        info["thumbwidth"], info["thumbheight"] = 240, 300
    named = {
        "url": ("url", "descriptionurl", "descriptionshorturl", "thumburl", "thumbwidth", "thumbheight"),
        "size": ("size", "width", "height"),
    }
    names = {name for prop in wanted for name in named.get(prop, (prop,))}
    chosen = {name: value for name, value in info.items() if name in names}
    if "extmetadata" in wanted:
        only = [field for field in query.get("iiextmetadatafilter", "").split("|") if field]
        metadata = _extmetadata(work)
        chosen["extmetadata"] = {name: value for name, value in metadata.items() if not only or name in only}
    return chosen


def _extmetadata(work: Work) -> Json:
    """Return the metadata of a file's page: values are texts, some of them HTML."""
    code, short, url = LICENCES[work.rights]
    who = work.maker.name if work.maker else f"unknown ({work.culture.name})"
    restricted = "trademarked" if work.open and work.id % 23 == 0 else ""
    values: dict[str, Any] = {
        "DateTime": iso(work.changed_at).replace("T", " ").rstrip("Z"),
        "ObjectName": work.title,
        "CommonsMetadataExtension": 1.2,
        "Categories": "Museum of Simulated Art",
        "ImageDescription": f"<p>{escape(work.title)}. <i>{escape(work.medium)}</i>, {escape(work.dimensions)}</p>",
        "DateTimeOriginal": f'<time class="dtstart" datetime="{work.begin}">{escape(work.date_text)}</time>',
        "Credit": f'<span class="int-own-work" lang="en">{escape(work.credit)}</span>',
        "Artist": f'<a href="//commons.wikimedia.org/wiki/Creator" title="Creator">{escape(who)}</a>',
        "LicenseShortName": short,
        "UsageTerms": short,
        "AttributionRequired": "true" if work.rights == "by-sa" else "false",
        "Copyrighted": "True" if work.rights in ("by-sa", "copyright") else "False",
        "Restrictions": restricted,
        "License": code,
        "LicenseUrl": url,
    }
    source = {"DateTime": "mediawiki-metadata", "CommonsMetadataExtension": "extension"}
    return {
        name: {"value": value, "source": source.get(name, "commons-desc-page"), "hidden": ""}
        for name, value in values.items()
        if not (name == "LicenseUrl" and not url)
    }
