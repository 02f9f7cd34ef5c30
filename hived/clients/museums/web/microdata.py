"""Microdata of a page (itemscope, itemtype, itemprop), as items."""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser, LexborNode

from hived.clients.museums import markup
from hived.clients.museums.web.items import Item, Value

MAX_SCOPES = 300
MAX_PROPERTIES = 3000
MAX_VALUE = 2000

_LINKS = {
    "a": "href", "area": "href", "link": "href", "img": "src", "audio": "src", "video": "src", "source": "src",
    "embed": "src", "iframe": "src", "track": "src", "object": "data", "data": "value", "meter": "value",
    "time": "datetime",
}  # fmt: skip


def read(page: LexborHTMLParser) -> list[Item]:
    """Return the items that belong to no other item; those of the site's furniture and of hidden parts are left out."""
    scopes = page.css("[itemscope]")[:MAX_SCOPES]
    items = {node.mem_id: _item(node) for node in scopes}
    top: list[Item] = []
    for node in scopes:
        if markup.attribute(node, "itemprop"):
            continue
        if not any(markup.is_unseen(up) or markup.is_furniture(up) for up in (node, *markup.ancestors(node))):
            top.append(items[node.mem_id])
    for node in page.css("[itemprop]")[:MAX_PROPERTIES]:
        owner = next((items[up.mem_id] for up in markup.ancestors(node) if up.mem_id in items), None)
        value = items.get(node.mem_id) or _value(node)
        if owner is not None and value and value is not owner:
            for name in markup.attribute(node, "itemprop").split()[:8]:
                owner.add(name.rpartition("/")[2].lower(), value)
    return top


def _item(node: LexborNode) -> Item:
    kinds = markup.attribute(node, "itemtype").split()[:8]
    return Item(tuple(kind.rpartition("/")[2].lower() for kind in kinds), markup.attribute(node, "itemid")[:MAX_VALUE])


def _value(node: LexborNode) -> Value:
    content = node.attributes.get("content")
    if content is not None:
        return content[:MAX_VALUE]
    linked = _LINKS.get(node.tag or "")
    if linked is not None and node.attributes.get(linked):
        return markup.attribute(node, linked)[:MAX_VALUE]
    return markup.visible_text(node, markup.is_unseen, MAX_VALUE)[:MAX_VALUE].strip()
