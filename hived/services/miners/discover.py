"""Find the miners of the site: a light scan of every address, and a closer look at those that answer.

Both stages run at the same time: a responder is looked at while the scan goes on, and what was found is in the
database before the next one is looked at.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network

from hived.clients.firmwares.family import Firmware
from hived.errors import NO_ANSWER, HivedError, NotThisFirmware, Refused, Transient, Unreadable
from hived.records.discovery import OtherDevice, Sweep
from hived.records.events import Event
from hived.records.firmware import listed
from hived.records.miner import MinerIdentity
from hived.records.miner_view import KnownMiner
from hived.runtime import backoff
from hived.services.miners import newcomers
from hived.services.miners.complete import Completer
from hived.services.miners.recognise import recognise
from hived.services.miners.sweep import LightScan, Range
from hived.services.together import Together
from hived.store import Store
from hived.store.miners import discovery, miners, strangers, trust

log = logging.getLogger(__name__)

OTHER_DEVICE_PAUSE_S = 30.0
OTHER_DEVICE_LONGEST_PAUSE_S = 600.0
"""A printer is left alone; but its address may be a miner's tomorrow, and ten minutes is what that may cost."""

DUPLICATE = "duplicate-mac"
"""The kind of another device that answers with the MAC of a miner that is there as well."""


@dataclass(slots=True)
class _Tally:
    """What one round has seen so far."""

    tried: int = 0
    responders: int = 0
    other_devices: int = 0
    unreadable: int = 0
    """Addresses of no miner that is known, which answered as one and could not be read."""
    found: set[int] = field(default_factory=set)
    """Numbers of the miners that are there, readable or not."""
    places: dict[str, str] = field(default_factory=dict)
    """Where each MAC answered."""
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
        completer: Completer,
        node_id: str,
        probe_timeout_s: float,
        probe_concurrency: int,
        offline_after_scans: int,
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._firmwares, self._clock = store, firmwares, clock
        self._newcomers = newcomers.Newcomers(monotonic)
        self._ranges, self._scan = ranges, scan
        self._completer = completer
        self._sightings: Together[miners.Sighting, KnownMiner] = Together(
            lambda several: store.write(miners.saw_all, several, node_id=node_id)
        )
        self._probe_timeout_s, self._probe_concurrency = probe_timeout_s, probe_concurrency
        self._offline_after_scans = offline_after_scans
        self._known: dict[str, KnownMiner] = {}
        self._other_devices: dict[str, OtherDevice] = {}
        self._one_at_a_time: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._unread: set[int] = set()
        """Miners that answered last, and could not be read."""
        self._said: list[IPv4Network] | None = None
        self._range = Range(())
        """That of the last sweep or scan."""
        self.last = Sweep(started_at=0.0)

    async def sweep(self) -> None:
        """Look at every address once; miners that stayed silent are counted as missed. Transient: database busy."""
        ranges = self._range = self._ranges()
        self._say_what_is_scanned(ranges)
        if not ranges.networks and not ranges.follows_host:
            return
        started_at = self._clock()
        sweep_id = await self._store.write(discovery.start_sweep, started_at)
        await self._load()
        await self._completer.begin_sweep()
        await self._leave_excluded(ranges)
        twins = (device.ip for device in self._other_devices.values() if device.kind == DUPLICATE)
        known = [ip for ip in (*(m.ip for m in self._known.values()), *twins) if ip and ranges.allows(ip)]
        tally = await self._look_at(ranges, known=known, early=False)
        await self._count_missing(tally)
        silent = [ip for ip in self._other_devices if ip not in tally.touched]
        await self._forget_other_devices(silent)
        self.last = self._sum_up(started_at, tally)
        await self._store.write(discovery.save_sweep, sweep_id, self.last)

    async def round(self) -> None:
        """Sweep, and wait until all that was found is complete or has been tried."""
        await self.sweep()
        await self._completer.work()

    def is_inside(self, ip: str) -> bool:
        """Tell whether an address is in the networks that are swept."""
        return ip in self._range

    def outside(self, networks: Iterable[IPv4Network]) -> list[IPv4Network]:
        """Return which networks are not among those that are swept."""
        return self._ranges().outside(networks)

    async def scan(self, addresses: Iterable[str]) -> Sweep:
        """Look at these addresses now, other devices too, and complete them; return what was seen.

        Excluded ones are not touched.
        """
        ranges = self._range = self._ranges()
        await self._load()
        started_at = self._clock()
        wanted = (ip for ip in addresses if ranges.allows(ip))
        tally = await self._look_at(wanted, known=(), early=True)
        await self._completer.settle(tally.found)
        return self._sum_up(started_at, tally)

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
            log.warning("this host has no network: its miners count as missing until it has one")
        else:
            log.warning("network.subnets is empty: nothing is scanned until it names your miners' network")

    # -- one round ---------------------------------------------------------------------------------------------

    async def _load(self) -> None:
        before, self._known = self._known, {m.mac: m for m in await self._store.read(miners.known)}
        for mac, miner in before.items():
            if mac not in self._known:  # its number may be another one's by now
                self._completer.forget(miner.num)
                self._unread.discard(miner.num)
                if not self._one_at_a_time[mac].locked():
                    del self._one_at_a_time[mac]
        self._other_devices = {s.ip: s for s in await self._store.read(discovery.other_devices)}

    async def _look_at(self, addresses: Iterable[str], *, known: Sequence[str], early: bool) -> _Tally:
        """Scan and probe side by side. `early`: also other devices whose next turn has not come."""
        tally = _Tally()
        found: asyncio.Queue[tuple[str, frozenset[int]] | None] = asyncio.Queue(2 * self._probe_concurrency)

        async def probe_all() -> None:
            while (responder := await found.get()) is not None:
                await self._probe(*responder, tally, early=early)
            await found.put(None)  # the next worker ends as well

        def counted() -> Iterator[str]:
            for ip in addresses:
                tally.tried += 1
                yield ip

        self._completer.finding = True
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._probe_concurrency):
                    group.create_task(probe_all(), name="probe")
                async for ip, ports in self._scan.responders(counted(), known=known):
                    tally.responders += 1
                    tally.touched.add(ip)
                    await found.put((ip, ports))
                await found.put(None)
        finally:
            self._completer.finding = False
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
                await self._note_unreadable(ip, err, tally)
                return
            tally.other_devices += 1
            await self._note_foreign(ip, err)
        except (Unreadable, Transient, Refused) as err:
            await self._note_unreadable(ip, err, tally)
        else:
            await self._welcome(firmware, identity, ip, tally)

    async def _welcome(self, firmware: Firmware, identity: MinerIdentity, ip: str, tally: _Tally) -> None:
        """Store a miner that said who it is; what else there is to learn of it is the completer's affair."""
        if identity.mac not in self._known and not await self._has_room(ip):
            tally.other_devices += 1
            return
        async with self._one_at_a_time[identity.mac]:
            now = self._clock()
            before = self._known.get(identity.mac)
            if before is not None and before.ip != ip and await self._is_still_there(before, ip, tally):
                tally.other_devices += 1
                await self._note_twin(before, ip)
                return
            features = listed(firmware.features(identity.firmware_version))
            sighting = miners.Sighting(identity, ip, now, firmware.name, features)
            has_news = before is None or sighting.has_news(before)
            if before is not None and not has_news:
                miner = before
                tally.unchanged.append((miner.num, identity.uptime_s))
            else:
                miner = await self._sightings.write(sighting)
                self._known[identity.mac] = miner
                self._log_sighting(before, miner, identity)
            tally.found.add(miner.num)
            tally.places[identity.mac] = ip
            if ip in self._other_devices:
                await self._forget_other_devices([ip])
            if miner.num in self._unread:
                self._unread.discard(miner.num)
                await self._store.write(miners.poll_soon, miner.num)
            self._completer.offer(identity, miner, anew=has_news)

    async def _has_room(self, ip: str) -> bool:
        """Tell whether a MAC that is new may become a miner; else what answers is noted as another device."""
        if not self._newcomers.admit(ip):
            reason = "answers with another MAC address each time"
            await self._note_other_device(ip, "many-macs", "too_many_macs", reason)
            return False
        if len(self._known) >= newcomers.MAX_MINERS and (await self._store.write(strangers.forget, self._clock())) > 0:
            await self._load()
        if len(self._known) >= newcomers.MAX_MINERS:
            reason = f"more than {newcomers.MAX_MINERS:,} different MACs on this site"
            await self._note_other_device(ip, "one-too-many", "too_many_miners", reason)
            return False
        return True

    async def _is_still_there(self, before: KnownMiner, ip: str, tally: _Tally) -> bool:
        """Tell whether the miner answers at its old address as well: then what answers at `ip` is another device.

        Where the old address says nothing clear it has moved, unless the two are known to be there at one time.
        """
        place = before.ip
        if place is None or not before.online or not self._ranges().allows(place):
            return False
        if before.is_doubted and ip == before.agreed_ip:
            return False  # what is at the present address is the other one
        if tally.places.get(before.mac) == place:
            return True
        try:
            ports = await self._scan.answers(place, self._probe_timeout_s)
            if not ports:
                return False
            _, identity = await recognise(
                self._firmwares.values(), place, ports, first=before.firmware, within_s=self._probe_timeout_s
            )
        except NotThisFirmware:
            return False
        except (Transient, Refused):
            twin = self._other_devices.get(ip)
            return twin is not None and twin.kind == DUPLICATE
        if identity.mac == before.mac:
            tally.places[before.mac] = place
        return identity.mac == before.mac

    # -- who is missing, who is no miner -----------------------------------------------------------------------

    async def _count_missing(self, tally: _Tally) -> None:
        """Count a miss for every online miner that no address of this round turned out to be."""
        absent = [m.num for m in await self._store.read(miners.known) if m.online and m.num not in tally.found]
        gone = await self._store.write(miners.missed, absent, self._clock(), offline_after=self._offline_after_scans)
        if gone:
            log.warning("%d %s went offline", len(gone), "miner" if len(gone) == 1 else "miners")

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
            self._unread.add(owner.num)
            note = miners.unanswered if err.code in NO_ANSWER else miners.failed
            await self._store.write(note, owner.num, self._clock(), err.code, str(err))
            return
        tally.unreadable += 1
        await self._note_other_device(ip, "unreadable", err.code, str(err))

    async def _note_foreign(self, ip: str, err: NotThisFirmware) -> None:
        owner = self._owner(ip)
        if owner is not None:
            reason = f"another device answers at {ip} now ({err.kind}): {err}"
            await self._store.write(miners.failed, owner.num, self._clock(), err.code, reason)
        await self._note_other_device(ip, err.kind, err.code, str(err))

    async def _note_twin(self, owner: KnownMiner, ip: str) -> None:
        reason = f"answers with the MAC address of the miner at {owner.ip}, {owner.mac}"
        told = Event("duplicate_mac", self._clock(), {"ip": owner.ip, "other": ip}, num=owner.num)
        await self._note_other_device(ip, DUPLICATE, "duplicate_mac", reason, told)
        if owner.doubted_ip is None:
            await self._store.write(trust.doubt_twin, owner.num, ip, self._clock())
            self._known[owner.mac] = replace(owner, doubted_ip=ip)

    async def _note_other_device(self, ip: str, kind: str, code: str, reason: str, event: Event | None = None) -> None:
        """Keep it with a pause until its next probe; `event` happened if it is new."""
        now = self._clock()
        before = self._other_devices.get(ip)
        failures = before.failures + 1 if before and before.kind == kind else 1
        pause = backoff.pause(failures - 1, OTHER_DEVICE_PAUSE_S, OTHER_DEVICE_LONGEST_PAUSE_S)
        if kind == DUPLICATE:
            pause = 0.0  # it is a miner, and the only one of the two as soon as the other is gone
        device = OtherDevice(
            ip, kind, reason, before.first_seen_at if before else now, now, failures, now + pause * 0.9, code
        )  # 0.9: due at the sweep that comes when the pause ends
        is_new = before is None or before.kind != kind
        if is_new:
            log.info("%s is not a readable miner (%s): %s", ip, kind, reason)
        self._other_devices[ip] = device
        await self._store.write(discovery.save_other_device, device, event if is_new else None)

    async def _forget_other_devices(self, ips: Sequence[str]) -> None:
        if ips:
            await self._store.write(discovery.forget_other_devices, ips, self._clock())
            for ip in ips:
                self._other_devices.pop(ip, None)

    def _sum_up(self, started_at: float, tally: _Tally) -> Sweep:
        return Sweep(
            started_at=started_at, finished_at=self._clock(), addresses=tally.tried, responders=tally.responders,
            miners=len(tally.found), other_devices=tally.other_devices, unreadable=tally.unreadable,
        )  # fmt: skip

    @staticmethod
    def _log_sighting(before: KnownMiner | None, miner: KnownMiner, identity: MinerIdentity) -> None:
        if before is None:
            log.info("found %s at %s: %s, %s", miner.mac, miner.ip, identity.model_name, identity.firmware_version)
        elif before.ip != miner.ip:
            log.info("%s is at %s now (was %s)", miner.mac, miner.ip, before.ip or "offline")
