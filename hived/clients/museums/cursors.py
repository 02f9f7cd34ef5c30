"""Where a list goes on: our cursors, and the day from which a provider is asked for changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hived.errors import Unreadable
from hived.records import values
from hived.records.artifact import Listing

MAX_CURSOR = 8192
MAX_EPOCH_S = 32_503_680_000.0  # the year 3000
OVERLAP_S = 24 * 3600.0  # providers count days, of whichever time zone


def cursor(text: str | None) -> dict[str, Any]:
    """Return what a cursor of ours holds; nothing when it is damaged, so that the list begins anew."""
    if not text or len(text) > MAX_CURSOR:
        return {}
    try:
        return values.table(values.document(text))
    except Unreadable:
        return {}


def as_cursor(**parts: Any) -> str:
    """Return a cursor that holds the parts."""
    return json.dumps(parts, separators=(",", ":"))


def stuck(cursor: str | None, trouble: str, at: dict[str, Any], **parts: Any) -> Listing:
    """Return the step of a page that cannot be read; `parts` lead past it, `at` is the present cursor's.

    No page leads past a second one: then it is not the page.
    """
    past = None if at.get("left_out") else as_cursor(**parts, left_out=True)
    return Listing((), cursor, trouble=trouble, code="source_unreadable", is_stuck=True, past=past)


def day_before(since: float | None) -> str | None:
    """Return YYYY-MM-DD of the day before `since` (UTC epoch seconds): asking from then on misses no change."""
    if since is None or not OVERLAP_S < since < MAX_EPOCH_S:
        return None
    return datetime.fromtimestamp(since - OVERLAP_S, UTC).strftime("%Y-%m-%d")
