"""`hivectl artifacts`: what the auto-miner collected, and what models say of it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from hived.cli.context import CommandContext
from hived.cli.output.tables import Cell, Column
from hived.cli.output.text import UNKNOWN, ago, clean, local_time
from hived.documents import collecting as documents
from hived.errors import NotFound
from hived.records.artifact import AWAITING, DESCRIBED, Artifact
from hived.records.bubbles import DESCRIPTION
from hived.store.collecting import artifacts
from hived.store.nodes import nodes

PAGE = 80  # columns of a text where nobody says how many there are

_STATES = {AWAITING: "awaiting", DESCRIBED: "described"}


def _joined(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or UNKNOWN
    return UNKNOWN if value is None else str(value)


def _state(artifact: Artifact, _: float) -> Cell:
    return Cell(_STATES.get(artifact.state, artifact.state), "good" if artifact.state == DESCRIBED else "dim")


COLUMNS = (
    Column("ID", lambda artifact, _: str(artifact.id), right=True),
    Column("TITLE", lambda artifact, _: artifact.title, least=16),
    Column("MAKER", lambda artifact, _: _joined(artifact.facts.get("makers")), leaves=3, least=10),
    Column("DATE", lambda artifact, _: _joined(artifact.facts.get("date_text")), leaves=4, least=8),
    Column("LICENCE", lambda artifact, _: artifact.licence and documents.licence(artifact.licence.uri), leaves=2),
    Column("SOURCE", lambda artifact, _: artifact.source, leaves=5, least=8),
    Column("STATE", _state),
    Column("COLLECTED", lambda artifact, now: ago(artifact.collected_at, now), right=True, leaves=6),
)


async def list_artifacts(context: CommandContext) -> int:
    """Print a line for each artifact, newest first."""
    async with context.store() as store:
        node_id = None if context.args.node is None else await store.read(nodes.find, context.args.node)
        found = await store.read(
            artifacts.newest, limit=context.args.limit, words=" ".join(context.args.words), node_id=node_id
        )
    nothing = "no artifact has all of these words" if context.args.words else "nothing is collected so far"
    return context.listed(found, documents.artifact, COLUMNS, nothing)


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
    facts = list(_facts(found, context.clock()))
    width = max(len(label) for label, _ in facts)
    for label, text in facts:
        context.screen.say(f"{label:<{width}}  {clean(text)}")
    for bubble in found.bubbles:
        context.screen.say()
        context.screen.say(clean(_heading(bubble)))
        for line in textwrap.wrap(clean(_words(bubble["content"])), min(context.screen.width or PAGE, PAGE) - 2):
            context.screen.say(f"  {line}")
    return 0


def _facts(artifact: Artifact, now: float) -> Iterator[tuple[str, str]]:
    yield "page", artifact.url
    if artifact.image_url:
        yield "picture", artifact.image_url
    if artifact.licence is None:
        yield "licence", "unknown: its sender does not say"
    else:
        read = f"{artifact.licence.field}, read {local_time(artifact.licence.read_at)}"
        yield "licence", f"{documents.licence(artifact.licence.uri)} ({artifact.licence.uri}; {read})"
    yield "source", f"{artifact.source or UNKNOWN} ({artifact.provider} {artifact.object_id})"
    yield "collected", f"{ago(artifact.collected_at, now)}, {_STATES.get(artifact.state, artifact.state)}"
    for name, value in artifact.facts.items():
        yield name.removesuffix("_text").replace("_", " "), _joined(value)


def _heading(bubble: Mapping[str, Any]) -> str:
    """Return whose bubble it is; of a description what it says comes below."""
    old = " (old: it may say what the record does not, and is described anew)" if bubble["is_old"] else ""
    return documents.who(bubble) + old + (":" if bubble["kind"] == DESCRIPTION else "")


def _words(content: Any) -> str:
    """Return what a bubble says; those of other nodes may be a bare text."""
    return str(content.get("summary") or "") if isinstance(content, dict) else str(content)
