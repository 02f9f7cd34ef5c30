"""A page of any web site, turned into a record. Pure: HTML in, record out, whatever the HTML is.

Order of trust: JSON-LD, microdata, facts beside labels, Dublin Core and other metas, the visible text. `reader` says
where a page may be parsed: lexbor's time grows with the square of a hostile page's depth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode
from yarl import URL

from hived.clients.fetch import AGENT, Orders, orders
from hived.clients.museums import licence, links, markup, text
from hived.clients.museums.licence import Statement
from hived.clients.museums.web import described, dublin_core, items, linked, microdata, rights, tables
from hived.clients.museums.web.facts import Facts, completed
from hived.records.artifact import CollectedObject

PROVIDER = "web"
SEVERAL = "the page shows several objects and is none of them"

MAX_READ = 60_000  # of visible text, for what denies a licence
MAX_LINKS = 500
MAX_METAS = 500


@dataclass(frozen=True, slots=True)
class Page:
    """What a page is about, what it orders robots, and where its links lead (absolute, in their order)."""

    object: CollectedObject
    orders: Orders
    links: tuple[str, ...]


def parse_page(html: str, url: str, read_at: float, robots_tags: Sequence[str] = ()) -> Page:
    """Return what a page at `url` holds; `robots_tags` are the X-Robots-Tag lines that came with it."""
    page = markup.parse(html)
    base = _base(page, url)
    metas = _metas(page)
    ordered = orders([*robots_tags, *metas.get("robots", ()), *metas.get(AGENT, ())])
    address = _canonical(page, metas, base, url)
    known = frozenset((url, address, *filter(None, (links.web_url(url), links.web_url(address)))))

    linked_data = items.choose(linked.read_blocks(_blocks(page)), known)
    marked = items.choose(microdata.read(page), known)
    main = linked_data.main or (None if linked_data.several else marked.main)
    several = linked_data.several or (main is None and marked.several)
    root = _main_part(page)
    facts = described.facts(main) if main is not None else Facts()
    for more in (tables.facts(root) if root is not None else Facts(), dublin_core.facts(metas), described.kind(main)):
        facts = completed(facts, more)

    told = _text(root) if root is not None else ""
    statements = [
        *items.rights(linked_data, "json-ld"),
        *_of_marked(items.rights(marked, "microdata"), marked, main),
        *rights.in_head(page, base),
        *rights.in_body(page, base, canonical=known),
        *rights.in_words(told),
    ]
    verdict = licence.Verdict(None, SEVERAL) if several else licence.decide(statements, read_at)
    is_open = verdict.licence is not None
    return Page(
        object=CollectedObject(
            provider=PROVIDER,
            object_id=address,
            url=address,
            title=facts.title or _title(page, metas) or text.clean(address) or address,
            licence=verdict.licence,
            makers=facts.makers,
            date_text=facts.date_text,
            year_from=facts.year_from,
            year_to=facts.year_to,
            medium=facts.medium,
            dimensions=facts.dimensions,
            place=facts.place,
            culture=facts.culture,
            classification=facts.classification,
            department=facts.department,
            credit=facts.credit,
            accession_number=facts.accession_number,
            tags=facts.tags,
            image_url=_image(main, metas, base, url) if is_open and not ordered.noimageai else None,
            rights_text=verdict.reason,
        ),
        orders=ordered,
        links=() if ordered.nofollow else tuple(_links(page, base)),
    )


def _of_marked(told: Iterator[Statement], marked: items.Chosen, main: items.Item | None) -> Iterator[Statement]:
    """Yield what microdata say: of another thing than JSON-LD's, only what is not free counts."""
    same = marked.main is main or (
        marked.main is not None and main is not None and marked.main.one("name") == main.one("name")
    )
    for one in told:
        yield one if same or not licence.normalise(one.value) else Statement(one.value, one.field, "record")


def _base(page: LexborHTMLParser, url: str) -> str:
    """Return what relative links are relative to; a base on another site is none."""
    node = page.css_first("base[href]")
    told = links.web_url(markup.attribute(node, "href"), url) if node is not None else None
    return told if told is not None and links.same_site(told, url) else url


def _metas(page: LexborHTMLParser) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node in page.css("meta[content]")[:MAX_METAS]:
        name = (markup.attribute(node, "property") or markup.attribute(node, "name")).strip().lower()
        if name:
            found.setdefault(name[:80], []).append(markup.attribute(node, "content")[:4000])
    return found


def _canonical(page: LexborHTMLParser, metas: dict[str, list[str]], base: str, url: str) -> str:
    """Return the address that a page gives itself: on its own site, and not the front page for all of them."""
    told = [
        markup.attribute(node, "href") for node in page.css("link[rel][href]")[:200] if _is_canonical(node.attributes)
    ]
    for one in [*told[:1], *metas.get("og:url", ())[:1]]:
        address = links.web_url(one, base)
        if address is not None and links.same_site(address, url):
            path, query = URL(address).path, URL(address).query_string
            if path != "/" or query or URL(url).path == "/":
                return address
    return links.web_url(url) or url


def _is_canonical(has: dict[str, str | None]) -> bool:
    return "canonical" in (has.get("rel") or "").lower().split()


def _blocks(page: LexborHTMLParser) -> Iterator[str]:
    for node in page.css("script[type]"):
        if markup.attribute(node, "type").partition(";")[0].strip().lower() == "application/ld+json":
            yield node.text(deep=True)


def _title(page: LexborHTMLParser, metas: dict[str, list[str]]) -> str | None:
    heading, title = page.css_first("h1"), page.css_first("title")
    return text.first(
        *(told for name in ("og:title", "twitter:title") for told in metas.get(name, ())[:1]),
        markup.visible_text(heading, markup.is_unseen, 2000) if heading is not None else None,
        title.text(deep=True) if title is not None else None,
    )


def _main_part(page: LexborHTMLParser) -> LexborNode | None:
    """Return the element that holds what a page is about."""
    mains = page.css("main, [role=main]") or page.css("article")
    return mains[0] if len(mains) == 1 else page.body


def _text(root: LexborNode) -> str:
    """Return what readers see below an element, a line for each block."""
    told = markup.visible_text(root, lambda node: markup.is_unseen(node) or markup.is_furniture(node), MAX_READ)
    return text.clean_lines(told, MAX_READ) or ""


def _image(main: items.Item | None, metas: dict[str, list[str]], base: str, url: str) -> str | None:
    """Return the picture that the licence covers: the work's own, else the one that the page shows for itself."""
    if main is not None and (own := next(items.pictures(main, base), None)) is not None:
        return own
    for told in [
        *metas.get("og:image:secure_url", ())[:1],
        *metas.get("og:image", ())[:1],
        *metas.get("og:image:url", ())[:1],
    ]:
        shown = links.image_url(told, base)
        if shown is not None and links.related_site(shown, url):
            return shown
    return None


def _links(page: LexborHTMLParser, base: str) -> Iterator[str]:
    seen: set[str] = set()
    for node in page.css("a[href]"):
        if "nofollow" in markup.attribute(node, "rel").lower().split():
            continue
        target = links.web_url(markup.attribute(node, "href"), base)
        if target is not None and target not in seen:
            seen.add(target)
            yield target
            if len(seen) >= MAX_LINKS:
                return
