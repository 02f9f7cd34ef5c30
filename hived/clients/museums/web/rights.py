"""What a page says of rights in links, metas and words, and which of it is said of the object that it shows.

A link clears only where it plainly speaks of the object: not in the furniture of the site, not hidden, not quoted, not
next to a "not", not of the texts or the data. What is not free hinders wherever readers see it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from selectolax.lexbor import LexborHTMLParser, LexborNode

from hived.clients.museums import licence, links, markup, text
from hived.clients.museums.licence import Scope, Statement
from hived.clients.museums.web.items import ARTWORKS, IMAGES, WORKS

MAX_LINKS = 3000
MAX_ANCHORS = 3
"""Open licences that a page of one object may link to; more of them are a list of objects."""
MAX_SENTENCE = 400

_META = re.compile(
    r"(?:dc|dcterms|dct|cc)[.:](?:rights|license|licence|accessrights|rights\.license)|rights|license|licence|copyright"
)
_LINK = frozenset(
    ("license", "licence", "dcterms.license", "dcterms:license", "dc.rights", "dc:rights", "cc:license", "dct:license")
)
_RIGHTS_PLACE = re.compile(
    r"https?://(?:www\.)?(?:creativecommons\.org/(?:licenses|publicdomain)/|rightsstatements\.org/(?:vocab|page)/)",
    re.IGNORECASE,
)
_QUOTED = frozenset(("blockquote", "q", "cite", "pre", "code", "del", "s", "strike"))
_NEGATION = re.compile(
    r"\b(?:not|no longer|isn'?t|aren'?t|never|neither|nor|except|excluding|unless|without|previously|formerly|unlike"
    r"|rather than|instead of|as opposed to|nicht|kein\w*|niet|geen|n'est pas|non|no est[aá])\b",
    re.IGNORECASE,
)
_RECORD = re.compile(
    r"\b(?:meta-?data|data(?:set|base)?s?|records?|texts?|descriptions?|articles?|(?:web)?site|web ?page|this page"
    r"|pages|blog|catalogue|catalog|source code|code|software|api|font|icons?|logo|theme|template)\b",
    re.IGNORECASE,
)
_OBJECT = re.compile(
    r"\b(?:image|images|photo|photos|photograph|photographs|picture|pictures|scan|scans|work|artwork|object|item|painting"
    r"|drawing|print|sculpture|map|manuscript|reproduction|file)s?\b",
    re.IGNORECASE,
)
_RESERVED = re.compile(
    r"©|\(c\)\s*\d{4}|\ball rights reserved\b|\bin copyright\b|\bunder copyright\b|\bcopyright(?:ed| protected)\b",
    re.IGNORECASE,
)
_DENIAL = re.compile(
    r"\ball rights reserved\b|\b(?:is|are|was|were)(?: still)? (?:in|under|protected by) copyright\b"
    r"|\b(?:not|isn'?t|aren'?t|no longer)(?: \w+){0,4} (?:cc[ -]?zero|cc-?0|public domain|creative commons)\b"
    r"|\bmay not be (?:used|reproduced|copied|downloaded|reused|published)\b"
    r"|\b(?:requires|needs|only with) (?:prior |written )*permission\b"
    r"|\bno re-?use\b|\bnon-?commercial use only\b|\brights (?:are )?(?:restricted|managed)\b",
    re.IGNORECASE,
)
_OWNED = re.compile(
    r"(?:(?:rights?|copyright|licen[cs]e|image|photo(?:graph)?|picture|credit)s?\b[^.\n]{0,60})?(?:©|\(c\)\s*\d{4}|copyright\s+(?:\d{4}|by|of|held))",
    re.IGNORECASE,
)


def in_head(page: LexborHTMLParser, url: str) -> Iterator[Statement]:
    """Yield what link and meta elements of the page's head say of what it is about."""
    for node in page.css("link[rel][href]")[:MAX_LINKS]:
        if _is_licence_link(node):
            for statement in _link(node, url, "link[rel=license]"):
                # One in the body belongs to what it stands in: it clears nothing, but may tell what is not free.
                if _is_of_head(node) or not (licence.normalise(statement.value) or _is_aside(node)):
                    yield statement
    for node in page.css("meta[content]")[:MAX_LINKS]:
        name = (markup.attribute(node, "name") or markup.attribute(node, "property")).strip().lower()
        if _META.fullmatch(name) and _is_of_head(node):
            for statement in licence.said(markup.attribute(node, "content"), f"meta {name}"[:40]):
                # The house's "copyright" line is no word on the object; its other metas are.
                if name != "copyright" or licence.normalise(statement.value):
                    yield replace(statement, scope="record") if name == "copyright" else statement


def in_body(page: LexborHTMLParser, url: str, *, canonical: frozenset[str]) -> Iterator[Statement]:
    """Yield what links within the visible page say; open ones that are not of the object are of scope "record"."""
    root = page.body
    if root is None:
        return
    place = _Place(
        url=url,
        canonical=canonical,
        articles=sum(1 for node in page.css("article") if not _within(node, "article")),
        figures=len(page.css("figure")),
        works=sum(map(_is_work, page.css("[itemscope][itemtype]"))),
    )
    found: list[Statement] = []
    for node in root.css("a[href]")[:MAX_LINKS]:
        target = links.web_url(markup.attribute(node, "href"), url)
        is_stated = _is_licence_link(node)
        if not is_stated and (target is None or not _RIGHTS_PLACE.match(target)):
            continue
        value = target or text.clean(markup.attribute(node, "href")) or "?"
        statement = _placed(node, value, is_stated, place)
        if statement is not None:
            found.append(statement)
    open_ones = [one for one in found if one.scope != "record" and licence.normalise(one.value)]
    crowd = len(open_ones) > MAX_ANCHORS
    for one in found:
        yield replace(one, scope="record") if crowd and one in open_ones else one


def in_words(told: str) -> Iterator[Statement]:
    """Yield the lines of a page's main text that deny or reserve; words alone never clear."""
    for line in told.split("\n"):
        if (found := _DENIAL.search(line)) or (found := _OWNED.match(line.strip())):
            yield Statement(line[max(0, found.start() - 20) : found.end() + 60].strip(), "text of the page")
            return


@dataclass(frozen=True, slots=True)
class _Place:
    """The page that a link stands on, and how much of a kind there is on it."""

    url: str
    canonical: frozenset[str]
    articles: int
    figures: int
    works: int


def _placed(node: LexborNode, value: str, is_stated: bool, place: _Place) -> Statement | None:
    """Return what a link to a licence states, seen in its place; None where it says nothing of the object."""
    is_open = licence.normalise(value) is not None
    scope: Scope = "work"
    for up in (node, *markup.ancestors(node)):
        if up.tag in ("body", "html"):
            break
        if _is_apart(up):
            return None
        about = links.web_url(markup.attribute(up, "about"), place.url)
        if about is not None and about not in place.canonical:
            scope = "record"
        elif up.tag in ("figure", "figcaption") and scope == "work":
            scope = "image" if place.figures == 1 else "record"
        elif (up.tag == "article" and place.articles > 1) or (place.works > 1 and _is_work(up)):
            scope = "record"  # one of several; which of them the page is about, only it knows
    if not is_open:
        return Statement(value, "a[rel=license]" if is_stated else "a[href]", "work")
    if not is_stated:
        return None  # a mere link to the deed states nothing
    before, whole = _sentence(node)
    if _NEGATION.search(before):
        return Statement(f"{before[-60:]} {value}".strip(), "a[rel=license]", "work")
    if _RESERVED.search(whole):
        return Statement(whole[:100], "a[rel=license]", "work")
    if _RECORD.search(before) and not _OBJECT.search(before):
        scope = "record"
    return Statement(value, "a[rel=license]", scope)


def _sentence(node: LexborNode) -> tuple[str, str]:
    """Return what stands before a link in its sentence, and the whole of its block."""
    block = next((up for up in markup.ancestors(node) if up.tag in markup.BLOCKS), node)
    whole = text.clean(markup.visible_text(block, markup.is_unseen, 4 * MAX_SENTENCE), 4 * MAX_SENTENCE) or ""
    label = text.clean(markup.visible_text(node, markup.is_unseen, MAX_SENTENCE)) or ""
    at = whole.find(label) if label else -1
    before = re.split(r"[.;!?]\s", whole[: at if at >= 0 else MAX_SENTENCE])[-1]
    return f"{before} {label}"[-MAX_SENTENCE:], whole


def _link(node: LexborNode, url: str, field: str) -> Iterator[Statement]:
    target = links.web_url(markup.attribute(node, "href"), url)
    yield from licence.said(target or markup.attribute(node, "href"), field)


def _is_licence_link(node: LexborNode) -> bool:
    names = f"{markup.attribute(node, 'rel')} {markup.attribute(node, 'property')}".lower().split()
    return any(name in _LINK for name in names) or "license" in markup.attribute(node, "itemprop").lower().split()


def _is_apart(node: LexborNode) -> bool:
    return markup.is_unseen(node) or markup.is_furniture(node) or node.tag in _QUOTED


def _is_aside(node: LexborNode) -> bool:
    return any(_is_apart(up) for up in markup.ancestors(node) if up.tag not in ("body", "html"))


def _is_of_head(node: LexborNode) -> bool:
    return not any(up.tag == "body" for up in markup.ancestors(node))


def _is_work(node: LexborNode) -> bool:
    kinds = {kind.rpartition("/")[2].lower() for kind in markup.attribute(node, "itemtype").split()}
    return "itemscope" in node.attributes and not kinds.isdisjoint(ARTWORKS | WORKS | IMAGES)


def _within(node: LexborNode, tag: str) -> bool:
    return any(up.tag == tag for up in markup.ancestors(node))
