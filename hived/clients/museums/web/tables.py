"""Facts that stand beside labels on a page: definition lists, and tables of two columns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from selectolax.lexbor import LexborNode

from hived.clients.museums import markup, text
from hived.clients.museums.web import labels
from hived.clients.museums.web.facts import Facts, completed

MAX_GROUPS = 30
MAX_ROWS = 120
MAX_PARTS = 40  # lines, or links, of one value
_ONE_OBJECT = ("title", "accession_number")


def facts(root: LexborNode) -> Facts:
    """Return what the lists and tables below an element say of its object; nothing where they tell of several."""
    told = Facts()
    for group in root.css("dl, table")[:MAX_GROUPS]:
        pairs = list(islice(_pairs(group), MAX_ROWS))
        if not labels.is_of_object(pairs) or _is_apart(group):
            continue
        more = labels.facts(pairs)
        if any(len({getattr(one, name) for one in (told, more)} - {None}) > 1 for name in _ONE_OBJECT):
            return Facts()
        told = completed(told, more)
    return told


def _pairs(group: LexborNode) -> Iterator[tuple[str, list[str]]]:
    return _of_list(group) if group.tag == "dl" else _of_table(group)


def _of_list(group: LexborNode) -> Iterator[tuple[str, list[str]]]:
    """Yield the terms of a list, each with all that is said of it; several terms may share what follows them."""
    terms: list[str] = []
    values: list[str] | None = None
    for node in islice(_members(group), 4 * MAX_ROWS):
        if node.tag == "dd":
            values = [*(values or ()), *_parts(node)][:MAX_PARTS]
            continue
        if values is not None:
            yield from ((term, values) for term in terms)
            terms, values = [], None
        terms.append(_label(node))
    yield from ((term, values) for term in terms if values)


def _members(group: LexborNode) -> Iterator[LexborNode]:
    """Yield the terms and descriptions of a list, also those that are wrapped in pairs."""
    for child in group.iter():
        for node in child.iter() if child.tag == "div" and not markup.is_unseen(child) else (child,):
            if node.tag in ("dt", "dd") and not markup.is_unseen(node):
                yield node


def _of_table(group: LexborNode) -> Iterator[tuple[str, list[str]]]:
    """Yield the rows of a table whose columns are labels and values; a heading over two columns makes it another."""
    parts = (part.iter() if part.tag in ("tbody", "thead", "tfoot") else (part,) for part in group.iter())
    for row in islice((row for part in parts for row in part), 4 * MAX_ROWS):
        cells = [cell for cell in islice(row.iter(), 4) if cell.tag in ("th", "td")] if row.tag == "tr" else []
        if len(cells) > 2 or [cell.tag for cell in cells] == ["th", "th"]:
            return
        if len(cells) == 2 and not markup.is_unseen(row):
            yield _label(cells[0]), _parts(cells[1])


def _label(node: LexborNode) -> str:
    return text.clean(markup.visible_text(node, markup.is_unseen, labels.MAX_LABEL), labels.MAX_LABEL) or ""


def _parts(node: LexborNode) -> list[str]:
    """Return what is beside a label: its links where it is a list of them, else its lines."""
    whole = text.clean_lines(markup.visible_text(node, markup.is_unseen, text.MAX_LONG_TEXT)) or ""
    linked = [told for link in node.css("a[href]")[:MAX_PARTS] if (told := _label(link))]
    rest = whole
    for told in linked:
        rest = rest.replace(told, "", 1)
    return linked if len(linked) > 1 and not rest.strip(" ,;|\n") else whole.split("\n")[:MAX_PARTS] if whole else []


def _is_apart(node: LexborNode) -> bool:
    return any(markup.is_unseen(up) or markup.is_furniture(up) for up in (node, *markup.ancestors(node)))
