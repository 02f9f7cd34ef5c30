"""The kinds of sources: one more is a folder, a line here and, to be told by its URL, one in `records.sources`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hived.clients.fetch import Fetcher
from hived.clients.museums.artic.client import ArticAdapter
from hived.clients.museums.cleveland.client import ClevelandAdapter
from hived.clients.museums.commons.client import CommonsAdapter
from hived.clients.museums.met.client import MetAdapter
from hived.clients.museums.rijksmuseum.client import RijksmuseumAdapter
from hived.clients.museums.web.client import WebAdapter
from hived.records.artifact import Fetched, Listing, ObjectRef, Source, Validators


class Adapter(Protocol):
    """One kind of source. Make one for the whole process: it keeps what one answer tells of many objects."""

    kind: str

    async def list(self, source: Source, cursor: str | None, since: float | None) -> Listing:
        """Return the next step of the list; with `since` (UTC epoch) of what changed from about then on."""

    async def fetch(self, source: Source, ref: ObjectRef, validators: Validators) -> Fetched:
        """Return what became of one object; Throttled, Transient, Refused and its kinds say why it is none."""


ADAPTERS: dict[str, Callable[[Fetcher], Adapter]] = {
    "met": MetAdapter,
    "artic": ArticAdapter,
    "cleveland": ClevelandAdapter,
    "rijksmuseum": RijksmuseumAdapter,
    "commons": CommonsAdapter,
    "web": WebAdapter,
}
