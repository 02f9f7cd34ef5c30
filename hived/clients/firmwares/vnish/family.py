"""VNish as a family: which calls make a reading, and how hived gets its one key onto a miner.

A key of ours that is on the miner already is used before a new one is made: a crash between making and storing it
costs nothing, for the next start finds it by its description.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from functools import partial

from hived.clients.firmwares.family import ConnectionWatch, Link
from hived.clients.firmwares.optional import OptionalParts
from hived.clients.firmwares.vnish import steer
from hived.clients.firmwares.vnish.client import VnishClient
from hived.errors import NO_ANSWER, AnotherDevice, BadCredentials, BadRequest, HivedError, Refused, Transient
from hived.records.firmware import Feature, Reach
from hived.records.miner import HashboardChips, MinerIdentity, MinerReading, MinerSettings, ModelInfo, Preset
from hived.records.steering import Said, Seen, Wish

log = logging.getLogger(__name__)

DESCRIPTION = "hived"
"""What our key is called on the miner; keys of others are never touched."""


class Vnish:
    """Miners that answer /api/v1: VNish, AnthillOS and their rebrands."""

    name = "vnish"
    can = frozenset({Feature.CHIPS, Feature.SETTINGS, Feature.PASSWORD}) | steer.FEATURES

    def __init__(self, link: Link) -> None:
        self.ports = (link.http_port,)
        self._client = VnishClient(link.session, port=link.http_port, timeout_s=link.timeout_s)
        self._optional = OptionalParts(link.monotonic)

    async def identify(self, ip: str, watch: ConnectionWatch | None = None) -> MinerIdentity:
        """Ask /info, which needs no credentials."""
        return await self._client.identify(ip, watch)

    async def open(self, reach: Reach, password: str | None) -> str:
        """Return an API key that the miner takes; `access` is one."""
        if reach.mac is None:
            raise BadRequest("a miner is opened by its MAC: an address may be anybody's")
        if reach.access is not None and await self._client.check_key(reach, reach.access):
            return reach.access
        if password is None:
            raise BadCredentials("the miner does not take our key" if reach.access else "the miner has no key of ours")
        token = await self._client.unlock(reach, password)
        try:
            return await self._own_key(reach, token)
        except (Transient, Refused) as err:
            code = "token_refused" if isinstance(err, BadCredentials) else "key_not_made"
            if err.code in NO_ANSWER:
                code = "unlock_failed"
            raise Refused(f"unlocked, but no key could be made: {err}", code=code) from err
        finally:
            await self._lock(reach, token)  # the key is enough from here on, and without one nothing is open

    async def _lock(self, reach: Reach, token: str) -> None:
        try:
            await self._client.lock(reach, token)
        except (Transient, Refused) as err:
            log.debug("%s keeps its session open: %s", reach.ip, err)

    async def _own_key(self, reach: Reach, token: str) -> str:
        """Return the key of ours that is on the miner, making it if there is none; surplus ones are removed."""
        ours = await self._ours(reach, token)
        if not ours:
            await self._client.add_api_key(reach, token, secrets.token_hex(16), DESCRIPTION)
            # Listed again: another node may have made one in the same moment. Both then agree on the smallest.
            ours = await self._ours(reach, token)
        if not ours:
            raise Refused("the key that was just made is not on the miner")
        for surplus in ours[1:]:
            await self._client.delete_api_key(reach, token, surplus)
        return ours[0]

    async def _ours(self, reach: Reach, token: str) -> list[str]:
        return sorted(k.key for k in await self._client.api_keys(reach, token) if k.description == DESCRIPTION)

    async def read(self, reach: Reach, watch: ConnectionWatch) -> MinerReading:
        """Ask /summary and /perf-summary; without the second the preset is missing."""
        reading = await self._client.summary(_for(reach), watch)
        tuning = partial(self._client.perf_summary, _for(reach), watch)
        try:
            return replace(reading, tuning=await self._optional.get((reach.ip, reach.access), tuning))
        except AnotherDevice:
            raise
        except (Transient, Refused) as err:
            return replace(reading, trouble=HivedError(f"does not report its preset: {err}", code="no_preset"))

    async def chips(self, reach: Reach, watch: ConnectionWatch) -> tuple[HashboardChips, ...]:
        """Ask whichever call of chips this version has."""
        return await self._client.boards(_for(reach), watch)

    async def model(self, reach: Reach) -> ModelInfo:
        """Ask /model."""
        return await self._client.model(_for(reach))

    async def presets(self, reach: Reach) -> tuple[Preset, ...]:
        """Ask /autotune/presets, which needs the key."""
        return await self._client.presets(_for(reach))

    async def settings(self, reach: Reach) -> MinerSettings:
        """Ask /settings, which needs the key."""
        return await self._client.settings(_for(reach))

    def features(self, firmware_version: str | None) -> frozenset[Feature]:
        """Return `can` without what came with a later version."""
        return self.can - steer.FEATURES | steer.features(firmware_version)

    def patience_s(self, verb: str) -> float:
        """Return what `steer.PATIENCE_S` says."""
        return steer.PATIENCE_S.get(verb, max(steer.PATIENCE_S.values()))

    async def look(self, reach: Reach, verb: str | None = None, *, before: bool = False) -> Seen:
        """Ask only for what the verb needs, and of nobody but `reach.mac`."""
        return await steer.look(self._client, _named(reach), verb, before=before)

    async def steer(self, reach: Reach, wish: Wish) -> Said:
        """Send one command."""
        return await steer.steer(self._client, _named(reach), wish)


def _named(reach: Reach) -> Reach:
    if reach.mac is None:
        raise BadRequest("a miner is steered by its MAC: an address may be anybody's")
    return reach


def _for(reach: Reach) -> Reach:
    """Leave the key out where it is not said who is meant."""
    return reach if reach.mac is not None else replace(reach, access=None)
