"""What a crawler reads first at the simulated museum: robots.txt and the sitemaps."""

from __future__ import annotations

from aiohttp import web

from hived.simulator.collection.answers import conditional, gzipped, list_tag, xml_reply
from hived.simulator.collection.objects import Catalogue, iso

PAGES_PER_MAP = 1000
_NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def robots(catalogue: Catalogue, crawl_delay_s: float | None) -> web.Response:
    """Answer robots.txt: a byte order mark, CRLF and a group in two parts, as in real life."""
    lines = [
        "# robots.txt of the Museum of Simulated Art",
        "",
        "User-agent: GreedyBot",
        "Disallow: /",
        "",
        "User-agent: *",
        "Disallow: /private/",
        "Disallow: /*?print=",
        "Allow: /private/press$",
        *([] if crawl_delay_s is None else [f"Crawl-delay: {crawl_delay_s:g}"]),
        "",
        "user-agent: *",
        "disallow: /staff/",
        "",
        f"Sitemap: {catalogue.url}/sitemap.xml",
    ]
    body = b"\xef\xbb\xbf" + "\r\n".join(lines).encode()
    return web.Response(body=body, content_type="text/plain")


def sitemap_index(catalogue: Catalogue, request: web.BaseRequest) -> web.Response:
    def build() -> web.Response:
        maps = range(-(-catalogue.count // PAGES_PER_MAP))
        entries = "".join(
            f"<sitemap><loc>{catalogue.url}/sitemaps/pages-{number}.xml.gz</loc>"
            f"<lastmod>{iso(catalogue.last_change)}</lastmod></sitemap>\n"
            for number in maps
        )
        return xml_reply(f"{_HEAD}<sitemapindex {_NAMESPACE}>\n{entries}</sitemapindex>\n")

    return conditional(request, list_tag(catalogue, "index"), None, build)


def sitemap(catalogue: Catalogue, request: web.BaseRequest, name: str) -> web.Response:
    """Answer one of the maps: pages-N.xml.gz is a gzip file, pages-N.xml the same unpacked."""
    number_text, _, form = name.removeprefix("pages-").partition(".")
    number = int(number_text) if number_text.isascii() and number_text.isdigit() and len(number_text) < 7 else -1
    if form not in ("xml", "xml.gz") or not 0 <= number * PAGES_PER_MAP < catalogue.count or number < 0:
        return web.Response(status=404)

    def build() -> web.Response:
        text = _HEAD + f"<urlset {_NAMESPACE}>\n{_entries(catalogue, number)}</urlset>\n"
        if form == "xml":
            return xml_reply(text)
        return web.Response(body=gzipped(text.encode()), content_type="application/x-gzip")

    return conditional(request, list_tag(catalogue, name), None, build)


def _entries(catalogue: Catalogue, number: int) -> str:
    indexes = range(number * PAGES_PER_MAP, min((number + 1) * PAGES_PER_MAP, catalogue.count))
    return "".join(
        f"<url><loc>{catalogue.url}/pages/{object_id}</loc><lastmod>{iso(catalogue.changed_at(object_id))[:10]}</lastmod></url>\n"
        for object_id in map(catalogue.id_at, indexes)
    )
