"""HTML as readers see it: what is hidden, scripted or furniture of the site does not count. Built on lexbor.

A tree may be thousands of levels deep, so nothing here recurses. Whoever parses a whole page does so where it can be
stopped: lexbor's time grows with depth times size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from hived.clients.museums import text

MAX_FRAGMENT = 20_000

UNSEEN = frozenset((
    "script", "style", "noscript", "template", "head", "svg", "math", "iframe", "object", "embed", "canvas",
    "audio", "video", "select", "textarea", "button", "input", "datalist", "dialog", "map", "frameset",
    "noframes",
))  # fmt: skip
FURNITURE = frozenset(("footer", "nav", "aside", "header", "menu"))
BLOCKS = frozenset((
    "address", "article", "blockquote", "body", "br", "caption", "dd", "details", "div", "dl", "dt",
    "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "main", "ol", "p", "pre", "section",
    "summary", "table", "tbody", "td", "th", "thead", "tr", "ul",
)) | FURNITURE  # fmt: skip
_ROLES = frozenset(("contentinfo", "navigation", "complementary", "banner", "search", "menu", "dialog", "alertdialog"))
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|content-visibility\s*:\s*hidden"
    r"|opacity\s*:\s*0*\.?0*\s*(?:;|!|$)|font-size\s*:\s*0*\.?0*\s*(?:[a-z%]{0,3})\s*(?:;|!|$)"
    r"|(?:text-indent|left|top)\s*:\s*-\d{3,}|clip\s*:\s*rect\(\s*(?:0|1px)|clip-path\s*:\s*inset\(\s*(?:50|100)%",
    re.IGNORECASE,
)
_HIDDEN_CLASS = re.compile(r"(?:sr-only|visually-?hidden|screen-reader-text|hidden|d-none|is-hidden|invisible)")
_SHOWN_CLASS = re.compile(r"[a-z0-9]+:(?:block|flex|grid|inline|table|contents|visible)(?:-[a-z-]+)?")
_FURNITURE_CLASS = re.compile(
    r"(?:(?:site|page|global|main|app|left|right|primary|secondary|top|bottom|mw|wp|[lco])[-_]{1,2})*"
    r"(?:footer|colophon|sidebar|navbar|breadcrumbs?|cookies?|banner|related|recommended|recommendations|similar"
    r"|comments?|newsletter|site-?info|menu|legal|disclaimer|imprint)"
    r"(?:[-_]{1,2}(?:container|wrapper|inner|content|area|list|section|block|items?|links?|bar|nav|widget|works|objects"
    r"|artworks|primary|secondary|left|right|main|bottom|top|notice|text|[0-9]+))*"
)
_PAGE = frozenset(("html", "body", "main", "article"))  # whose classes tell of the whole layout


def parse(html: str | bytes) -> LexborHTMLParser:
    """Return the tree of a page; there is one for any bytes."""
    return LexborHTMLParser(html.encode("utf-8", "replace") if isinstance(html, str) else html)


def attribute(node: LexborNode, name: str) -> str:
    """Return an attribute of an element, empty when it has none."""
    return node.attributes.get(name) or ""


def is_unseen(node: LexborNode) -> bool:
    """Say whether readers do not see an element."""
    if node.tag in UNSEEN:
        return True
    has = node.attributes
    if not has:
        return False
    if "hidden" in has or has.get("aria-hidden") == "true":
        return True
    if _HIDING.search(has.get("style") or ""):
        return True
    names = (has.get("class") or "").lower().split()
    return any(map(_HIDDEN_CLASS.fullmatch, names)) and not any(map(_SHOWN_CLASS.fullmatch, names))


def is_furniture(node: LexborNode) -> bool:
    """Say whether an element belongs to the site, not to what its page is about."""
    if node.tag in FURNITURE:  # but the header of an article is its title
        return node.tag != "header" or not any(up.tag in ("article", "main") for up in ancestors(node))
    has = node.attributes
    if not has:
        return False
    if (has.get("role") or "").lower() in _ROLES:
        return True
    names = f"{has.get('class') or ''} {has.get('id') or ''}".lower().split()
    return node.tag not in _PAGE and any(len(name) <= 60 and _FURNITURE_CLASS.fullmatch(name) for name in names)


def ancestors(node: LexborNode) -> Iterator[LexborNode]:
    """Yield what an element stands in, from the inside out."""
    up = node.parent
    while up is not None:
        yield up
        up = up.parent


def plain(fragment: object, limit: int = text.MAX_TEXT) -> str | None:
    """Return what readers see of a snippet of HTML, as one line."""
    if not isinstance(fragment, str):
        return None
    if "<" not in fragment and "&" not in fragment:
        return text.clean(fragment, limit)
    body = parse(fragment[:MAX_FRAGMENT]).body
    return None if body is None else text.clean(visible_text(body, is_unseen, 4 * limit), limit)


def visible_text(root: LexborNode, left_out: Callable[[LexborNode], bool], limit: int) -> str:
    """Return the text below `root`, a line for each block, without the elements that are left out."""
    parts: list[str] = []
    size = 0
    node: LexborNode | None = root
    depth = 0
    while node is not None and size <= limit:
        into: LexborNode | None = None
        if node.is_text_node:
            told = node.text_content or ""
            parts.append(told)
            size += len(told)
        elif node.is_element_node and not (depth and left_out(node)):
            if node.tag in BLOCKS:
                parts.append("\n")
            into = node.first_child
        if into is not None:
            node, depth = into, depth + 1
            continue
        while node is not None and depth and node.next is None:
            node, depth = node.parent, depth - 1
            if node is not None and node.tag in BLOCKS:
                parts.append("\n")
        node = node.next if node is not None and depth else None
    return "".join(parts)
