"""Find the miners of the site: a light scan of every address, and a closer look at those that answer.

Both stages run at the same time: a responder is looked at while the scan goes on, and what was found is in the
database before the next one is looked at.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network

from hived.clients.firmwares.family import Firmware
from hived.errors import BadCredentials, HivedError, NotThisFirmware, Refused, Transient, Unreadable
from hived.records.discovery import OtherDevice, Sweep
from hived.records.firmware import Feature, listed
from hived.records.miner import MinerIdentity
from hived.records.miner_view import KnownMiner
from hived.runtime import backoff
from hived.services.miners.catalogue import Catalogue
from hived.services.miners.keys import KeyKeeper
from hived.services.miners.recognise import recognise
from hived.services.miners.sweep import LightScan, Range
from hived.store import Store
from hived.store.miners import discovery, miners, settings

log = logging.getLogger(__name__)

SETTINGS_EVERY_S = 3600.0
"""Settings are read when something hints at a change, and at least this often: a change by hand leaves no hint."""

MAX_MINERS = 20_000
"""Rows for miners: four times the largest site. A machine that invents a new MAC at every answer stops here."""

OTHER_DEVICE_PAUSE_S = 30.0
OTHER_DEVICE_LONGEST_PAUSE_S = 600.0
"""A printer is left alone; but its address may be a miner's tomorrow, and ten minutes is what that may cost."""


@dataclass(slots=True)
class _Tally:
    """What one round has seen so far."""

    responders: int = 0
    other_devices: int = 0
    unreadable: int = 0
    found: set[int] = field(default_factory=set)
    """Numbers of the miners that are there, readable or not."""
    unchanged: list[tuple[int, float | None]] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)


class Discoverer:
    """One round looks at every address of `ranges()`; `scan` at a few that the operator named."""

    def __init__(
        self,
        store: Store,
        firmwares: Mapping[str, Firmware],
        *,
        ranges: Callable[[], Range],
        scan: LightScan,
        keys: KeyKeeper,
        catalogue: Catalogue,
        node_id: str,
        probe_timeout_s: float,
        probe_concurrency: int,
        offline_after_scans: int,
        clock: Callable[[], float],
    ) -> None:
        self._store, self._firmwares, self._clock = store, firmwares, clock
        self._ranges, self._scan = ranges, scan
        self._keys, self._catalogue = keys, catalogue
        self._node_id = node_id
        self._probe_timeout_s, self._probe_concurrency = probe_timeout_s, probe_concurrency
        self._offline_after_scans = offline_after_scans
        self._known: dict[str, KnownMiner] = {}
        self._other_devices: dict[str, OtherDevice] = {}
        self._one_at_a_time: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._said: list[IPv4Network] | None = None
        self.last = Sweep(started_at=0.0)

    async def sweep(self) -> None:
        """Look at every address once; miners that stayed silent are counted as missed. Transient: database busy."""
        ranges = self._ranges()
        self._say_what_is_scanned(ranges)
        if not ranges.networks and not ranges.follows_host:
            return
        started_at = self._clock()
        sweep_id = await self._store.write(discovery.start_sweep, started_at)
        await self._load()
        await self._leave_excluded(ranges)
        known = [m.ip for m in self._known.values() if m.ip and ranges.allows(m.ip)]
        tried_before = self._scan.tried
        tally = await self._look_at(ranges, known=known, early=False)
        await self._count_missing(tally)
        silent = [ip for ip in self._other_devices if ip not in tally.touched]
        await self._forget_other_devices(silent)
        self.last = self._sum_up(started_at, self._scan.tried - tried_before, tally)
        await self._store.write(discovery.save_sweep, sweep_id, self.last)

    async def scan(self, addresses: Iterable[str]) -> Sweep:
        """Look at these addresses now, other devices too; return what was seen. Excluded ones are not touched."""
        ranges = self._ranges()
        await self._load()
        started_at, tried_before = self._clock(), self._scan.tried
        wanted = (ip for ip in addresses if ranges.allows(ip))
        tally = await self._look_at(wanted, known=(), early=True)
        return self._sum_up(started_at, self._scan.tried - tried_before, tally)

    def summary(self) -> str:
        """Return one line for `systemctl status`."""
        last, ranges = self.last, self._ranges()
        if not ranges.networks:
            return "this host has no network" if ranges.follows_host else "no subnets configured: nothing is scanned"
        if last.finished_at is None:
            return "no sweep finished yet"
        took = last.finished_at - last.started_at
        return (
            f"miners: {last.miners}, addresses: {last.addresses}, other devices: {last.other_devices}, "
            f"unreadable: {last.unreadable}, last sweep took {took:.1f} s"
        )

    def _say_what_is_scanned(self, ranges: Range) -> None:
        """Log what the sweeps look at, whenever it is something else."""
        if ranges.networks == self._said:
            return
        self._said = list(ranges.networks)
        total = sum(network.num_addresses for network in ranges.networks)
        if ranges.networks:
            log.info("scanning %s (%d addresses)", ", ".join(map(str, ranges.networks[:8])), total)
        elif ranges.follows_host:
            log.warning("this host has no network of its own: its miners count as missing until there is one")
        else:
            log.warning("network.subnets is empty: nothing is scanned until it names your miners' network")

    # -- one round ---------------------------------------------------------------------------------------------

    async def _load(self) -> None:
        self._known = {m.mac: m for m in await self._store.read(miners.known)}
        self._other_devices = {s.ip: s for s in await self._store.read(discovery.other_devices)}

    async def _look_at(self, addresses: Iterable[str], *, known: Sequence[str], early: bool) -> _Tally:
        """Scan and probe side by side. `early`: also other devices whose next turn has not come."""
        tally = _Tally()
        found: asyncio.Queue[tuple[str, frozenset[int]] | None] = asyncio.Queue(2 * self._probe_concurrency)

        async def probe_all() -> None:
            while (responder := await found.get()) is not None:
                await self._probe(*responder, tally, early=early)
            await found.put(None)  # the next worker ends as well

        async with asyncio.TaskGroup() as group:
            for _ in range(self._probe_concurrency):
                group.create_task(probe_all(), name="probe")
            async for ip, ports in self._scan.responders(addresses, known=known):
                tally.responders += 1
                tally.touched.add(ip)
                await found.put((ip, ports))
            await found.put(None)
        if tally.unchanged:
            await self._store.write(miners.still_there, tally.unchanged, self._clock())
        return tally

    async def _probe(self, ip: str, ports: frozenset[int], tally: _Tally, *, early: bool) -> None:
        """Find out who answers at one address and store it. The world's faults end here, one miner at a time."""
        now = self._clock()
        device = self._other_devices.get(ip)
        if device and not early and now < device.next_probe_at <= now + 2 * OTHER_DEVICE_LONGEST_PAUSE_S:
            tally.other_devices += device.kind != "unreadable"
            tally.unreadable += device.kind == "unreadable"
            return
        owner = self._owner(ip)
        before = owner.firmware if owner else None
        try:
            firmware, identity = await recognise(
                self._firmwares.values(), ip, ports, first=before, within_s=self._probe_timeout_s
            )
        except NotThisFirmware as err:
            if err.kind == "unknown" and owner is not None:
                # One garbled answer does not make another machine of a known miner.
                tally.unreadable += 1
                await self._note_unreadable(ip, err, tally)
                return
            tally.other_devices += 1
            await self._note_foreign(ip, err)
        except (Unreadable, Transient, Refused) as err:
            tally.unreadable += 1
            await self._note_unreadable(ip, err, tally)
        else:
            await self._welcome(firmware, identity, ip, tally)

    async def _welcome(self, firmware: Firmware, identity: MinerIdentity, ip: str, tally: _Tally) -> None:
        """Store a miner that said who it is, then learn what is still missing of it."""
        if identity.mac not in self._known and len(self._known) >= MAX_MINERS:
            tally.other_devices += 1
            reason = f"more than {MAX_MINERS:,} different MACs on this site"
            await self._note_other_device(ip, "one-too-many", "too_many_miners", reason)
            return
        async with self._one_at_a_time[identity.mac]:
            now = self._clock()
            before = self._known.get(identity.mac)
            sighting = miners.Sighting(identity, ip, now, firmware.name, listed(firmware.can))
            if before is not None and not sighting.has_news(before):
                miner = before
                tally.unchanged.append((miner.num, identity.uptime_s))
            else:
                miner = await self._store.write(miners.saw, sighting, node_id=self._node_id)
                self._known[identity.mac] = miner
                self._log_sighting(before, miner, identity)
            tally.found.add(miner.num)
            if ip in self._other_devices:
                await self._forget_other_devices([ip])
            try:
                await self._complete(firmware, identity, miner)
            except (Transient, Refused) as err:
                await self._store.write(miners.failed, miner.num, self._clock(), err.code, str(err))

    async def _complete(self, firmware: Firmware, identity: MinerIdentity, miner: KnownMiner) -> None:
        """Access, model, settings: what is missing or due. Transient or Refused when the miner does not play along."""
        opened = await self._keys.ensure(firmware, miner)
        self._known[identity.mac] = opened
        await self._catalogue.complete(firmware, identity, opened)
        if Feature.SETTINGS not in firmware.can:
            return
        now = self._clock()
        due = opened.settings_due_at
        if opened.access is None or (due is not None and now < due <= now + 2 * SETTINGS_EVERY_S):
            return
        try:
            read = await firmware.settings(opened.reach())
        except BadCredentials:
            self._keys.forget(opened.num)
            raise
        again_at = now + SETTINGS_EVERY_S * random.uniform(0.8, 1.2)  # the fleet's hour is spread
        await self._store.write(settings.save, opened.num, read, now, due_at=again_at)
        self._known[identity.mac] = replace(opened, settings_due_at=again_at)

    # -- who is missing, who is no miner -----------------------------------------------------------------------

    async def _count_missing(self, tally: _Tally) -> None:
        """Count a miss for every online miner that no address of this round turned out to be."""
        absent = [m.num for m in await self._store.read(miners.known) if m.online and m.num not in tally.found]
        gone = await self._store.write(miners.missed, absent, self._clock(), offline_after=self._offline_after_scans)
        if gone:
            log.warning("%d miners went offline", len(gone))

    async def _leave_excluded(self, ranges: Range) -> None:
        """Miners at addresses that the operator has excluded since are not looked at, and nobody pretends to know."""
        excluded = [m.num for m in self._known.values() if m.online and m.ip and not ranges.allows(m.ip)]
        if excluded:
            await self._store.write(miners.missed, excluded, self._clock(), offline_after=0)
            log.info("%d miners are at excluded addresses: left alone", len(excluded))
            await self._load()

    def _owner(self, ip: str) -> KnownMiner | None:
        return next((m for m in self._known.values() if m.ip == ip and m.online), None)

    async def _note_unreadable(self, ip: str, err: HivedError, tally: _Tally) -> None:
        """A miner that answers but cannot be read is shown with the reason; the one known here is not missing."""
        owner = self._owner(ip)
        if owner is not None:
            tally.found.add(owner.num)
            await self._store.write(miners.failed, owner.num, self._clock(), err.code, str(err))
            return
        await self._note_other_device(ip, "unreadable", err.code, str(err))

    async def _note_foreign(self, ip: str, err: NotThisFirmware) -> None:
        owner = self._owner(ip)
        if owner is not None:
            reason = f"another device answers at {ip} now ({err.kind}): {err}"
            await self._store.write(miners.failed, owner.num, self._clock(), err.code, reason)
        await self._note_other_device(ip, err.kind, err.code, str(err))

    async def _note_other_device(self, ip: str, kind: str, code: str, reason: str) -> None:
        now = self._clock()
        before = self._other_devices.get(ip)
        failures = before.failures + 1 if before and before.kind == kind else 1
        pause = backoff.pause(failures - 1, OTHER_DEVICE_PAUSE_S, OTHER_DEVICE_LONGEST_PAUSE_S)
        device = OtherDevice(
            ip, kind, reason, before.first_seen_at if before else now, now, failures, now + pause * 0.9, code
        )  # 0.9: due at the sweep that comes when the pause ends
        if before is None or before.kind != kind:
            log.info("%s is no miner that can be read (%s): %s", ip, kind, reason)
        self._other_devices[ip] = device
        await self._store.write(discovery.save_other_device, device)

    async def _forget_other_devices(self, ips: Sequence[str]) -> None:
        if ips:
            await self._store.write(discovery.forget_other_devices, ips)
            for ip in ips:
                self._other_devices.pop(ip, None)

    def _sum_up(self, started_at: float, tried: int, tally: _Tally) -> Sweep:
        return Sweep(
            started_at=started_at, finished_at=self._clock(), addresses=tried, responders=tally.responders,
            miners=len(tally.found), other_devices=tally.other_devices, unreadable=tally.unreadable,
        )  # fmt: skip

    @staticmethod
    def _log_sighting(before: KnownMiner | None, miner: KnownMiner, identity: MinerIdentity) -> None:
        if before is None:
            log.info("found %s at %s: %s, %s", miner.mac, miner.ip, identity.model_name, identity.firmware_version)
        elif before.ip != miner.ip:
            log.info("%s is at %s now (was %s)", miner.mac, miner.ip, before.ip or "offline")
