"""Ask a URL once a minute while all is well: whoever is asked notices when this box cannot tell anything any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hived.errors import Transient
from hived.services.alerts.outgoing import Outgoing
from hived.store import Store
from hived.store.alerts import alerts

EVERY_S = 60.0
_GET = {"method": "GET", "body": "", "headers": {"User-Agent": "hived"}}


@dataclass(slots=True)
class Heartbeat:
    """`url`: of the configuration, which may lead anywhere."""

    store: Store
    outgoing: Outgoing
    url: str = field(repr=False)
    watches: Callable[[], bool] = lambda: True
    """Whether somebody looks: a box that sees nothing wrong because it does not look is not well."""

    async def tick(self) -> None:
        """Ask the URL unless something bad is open that nobody has in hand, or nobody looks.

        Transient: it does not answer well.
        """
        if not self.watches() or not await self.store.read(alerts.is_well):
            return
        places = await self.outgoing.egress(self.store, configured=True)
        (answered,) = await self.outgoing.sender.request(self.url, [_GET], places)
        if not answered.ok:
            raise Transient(f"alerts.heartbeat is not answered well: {answered.words}")
