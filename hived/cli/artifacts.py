"""`hivectl artifacts`: what the auto-miner collected, and what models say of it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from hived.cli.context import CommandContext
from hived.cli.output.tables import Cell, Column, Row, draw
from hived.cli.output.text import UNKNOWN, ago, clean, local_time
from hived.documents import collecting as documents
from hived.errors import NotFound
from hived.records.artifact import AWAITING, DESCRIBED, Artifact
from hived.store.collecting import artifacts
from hived.store.nodes import nodes

LABEL = 12  # columns of a line's name
PAGE = 80  # columns of a text where nobody says how many there are

COLUMNS = (
    Column("ID", right=True),
    Column("TITLE", least=16),
    Column("MAKER", leaves=3, least=10),
    Column("DATE", leaves=4, least=8),
    Column("LICENCE", leaves=2),
    Column("SOURCE", leaves=5, least=8),
    Column("STATE"),
    Column("COLLECTED", right=True, leaves=6),
)
_STATES = {AWAITING: "awaiting", DESCRIBED: "described"}


async def list_artifacts(context: CommandContext) -> int:
    """Print a line for each artifact, newest first."""
    async with context.store() as store:
        node_id = None if context.args.node is None else await store.read(nodes.find, context.args.node)
        found = await store.read(
            artifacts.newest, limit=context.args.limit, words=" ".join(context.args.words), node_id=node_id
        )
    if context.json:
        context.screen.document([documents.artifact(one) for one in found])
    elif found:
        now = context.clock()
        draw(context.screen, COLUMNS, [_row(one, now) for one in found])
    else:
        context.note("no artifact has all of these words" if context.args.words else "nothing is collected so far")
    return 0


async def show(context: CommandContext) -> int:
    """Print all that is known of one artifact."""
    async with context.store() as store:
        found = await store.read(artifacts.one, context.args.id)
    if found is None:
        raise NotFound(f"there is no artifact {context.args.id}")
    if context.json:
        context.screen.document(documents.artifact(found))
        return 0
    context.screen.say(context.screen.paint(clean(found.title), "bold"))
    for label, text in _facts(found, context.clock()):
        context.screen.say(f"{label:<{LABEL}}{clean(text)}")
    for bubble in found.bubbles:
        context.screen.say()
        node = bubble["node_name"] or bubble["node_id"]
        context.screen.say(clean(f"{bubble['model'] or 'no model'} on node {node} says:"))
        for line in textwrap.wrap(clean(_said(bubble["content"])), min(context.screen.width or PAGE, PAGE) - 2):
            context.screen.say(f"  {line}")
    return 0


def _row(one: Artifact, now: float) -> Row:
    return [
        str(one.id), one.title, _joined(one.facts.get("makers")), str(one.facts.get("date_text") or UNKNOWN),
        documents.licence(one.licence.uri) if one.licence else UNKNOWN, one.source or UNKNOWN,
        Cell(_STATES.get(one.state, one.state), "good" if one.state == DESCRIBED else "dim"),
        ago(one.collected_at, now),
    ]  # fmt: skip


def _facts(one: Artifact, now: float) -> Iterator[tuple[str, str]]:
    yield "page", one.url
    if one.image_url:
        yield "picture", one.image_url
    if one.licence is None:
        yield "licence", "unknown: who sent it says nothing of it"
    else:
        read = f"{one.licence.field}, read {local_time(one.licence.read_at)}"
        yield "licence", f"{documents.licence(one.licence.uri)} ({one.licence.uri}; {read})"
    yield "source", f"{one.source or UNKNOWN} ({one.provider} {one.object_id})"
    yield "collected", f"{ago(one.collected_at, now)}, {_STATES.get(one.state, one.state)}"
    for name, value in one.facts.items():
        yield name.removesuffix("_text").replace("_", " "), _joined(value)


def _said(content: Any) -> str:
    """Return the words of a bubble; those of other nodes may be a bare text."""
    return str(content.get("summary") or "") if isinstance(content, dict) else str(content)


def _joined(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or UNKNOWN
    return UNKNOWN if value is None else str(value)
