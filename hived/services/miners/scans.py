"""The scans that people ask for, with `hivectl miners scan` or in the dashboard."""

from __future__ import annotations

import logging
from collections.abc import Callable

from hived.errors import BadRequest
from hived.records.commands import OUTSIDE, Command, networks
from hived.records.daemon import DISCOVERD
from hived.services.miners.discover import Discoverer
from hived.services.miners.sweep import addresses
from hived.store import Store, commands

log = logging.getLogger(__name__)

STILL_WISHED_S = 300.0
"""A scan that was asked for longer ago is not waited for any more; the sweeps have looked since."""


class ScanCommands:
    """Runs them, one after the other."""

    def __init__(self, store: Store, discoverer: Discoverer, *, clock: Callable[[], float]) -> None:
        self._store, self._discoverer, self._clock = store, discoverer, clock

    async def run_open(self) -> None:
        """Run every open command, oldest first; each gets its result, a bad one the reason. Transient: database."""
        newer_than = self._clock() - STILL_WISHED_S
        for command in await self._store.read(commands.open_commands, DISCOVERD, newer_than=newer_than):
            result = await self._run(command)
            await self._store.write(commands.finish, command.id, result, self._clock())

    async def _run(self, command: Command) -> dict[str, object]:
        if command.verb != "scan":
            return {"error": f"{DISCOVERD} does not know the command {command.verb!r}"}
        targets = command.args.get("targets") or []
        if not targets:
            await self._discoverer.sweep()
            seen = self._discoverer.last
        else:
            try:
                wanted = networks("targets", targets)
            except BadRequest as err:
                return {"error": str(err)}
            if not command.args.get("outside") and (outside := self._discoverer.outside(wanted)):
                return {"error": f"{outside[0]} is outside of network.subnets: nothing was tried. {OUTSIDE}"}
            seen = await self._discoverer.scan(addresses(wanted))
        log.info("scan as asked for: %d addresses, %d miners", seen.addresses, seen.miners)
        return {
            "addresses": seen.addresses, "responders": seen.responders, "miners": seen.miners,
            "strangers": seen.other_devices, "unreadable": seen.unreadable,
        }  # fmt: skip
