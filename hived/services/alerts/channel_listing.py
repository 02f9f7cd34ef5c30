"""The channels as an admin looks at them: masked, each with what did not arrive."""

from __future__ import annotations

from collections.abc import Sequence

from hived.documents import alerts as documents
from hived.documents.alerts import ChannelDocument
from hived.runtime.named_urls import NamedUrl
from hived.services.alerts import channels
from hived.store import Database
from hived.store.alerts import notices

MOST_UNDELIVERED = 5
"""Of each channel, the newest."""


def documents_of(db: Database, configured: Sequence[NamedUrl]) -> list[ChannelDocument]:
    """Return all channels by name."""
    failed = notices.undelivered(db, limit=1000)
    return [
        documents.channel(one, [each for each in failed if each.channel == one.name][:MOST_UNDELIVERED])
        for one in channels.listing(db, configured)
    ]
