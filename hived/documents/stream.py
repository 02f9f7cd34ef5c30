"""What the stream of changes tells, by the names of its events."""

from __future__ import annotations

from typing import TypedDict

from hived.documents.alerts import AlertCountsDocument
from hived.documents.appliance import EventDocument
from hived.documents.collecting import AutoMinerDocument, CountsDocument
from hived.documents.fleet import WholeFleetDocument
from hived.documents.miner_shapes import ListedRowDocument


class GreetingDocument(TypedDict):
    """The first event. `reload`: rows may have left unnoticed since the rev that was asked from, so read them again."""

    rev: int
    version: str
    node: str
    reload: bool


class ChangedDocument(TypedDict):
    """Rows that changed, and ids of those that left; the event has `rev` as its id where a change is complete."""

    rev: int
    rows: list[ListedRowDocument]
    gone: list[str]


class HappenedDocument(TypedDict):
    """Oldest first."""

    events: list[EventDocument]


class CollectingDocument(AutoMinerDocument, CountsDocument):
    """What the auto-miner does, and how much there is."""


EVENTS = {
    "hello": GreetingDocument, "miners": ChangedDocument, "happened": HappenedDocument,
    "fleet": WholeFleetDocument, "collecting": CollectingDocument,
    "alerts": AlertCountsDocument,
}  # fmt: skip
