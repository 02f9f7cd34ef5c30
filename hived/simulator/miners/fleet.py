"""A fleet of simulated miners, each listening on its own address: used by tests in process and by hive-sim."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import resource
import socket
import time
from collections.abc import Mapping, Sequence
from functools import partial
from random import Random
from typing import Any, Self

from aiohttp import web

from hived.simulator.miners import vnish
from hived.simulator.miners.access import DEFAULT_PASSWORD
from hived.simulator.miners.faults import ActiveFault, Fault
from hived.simulator.miners.lifecycle import Timings
from hived.simulator.miners.miner import SETUPS, Clock, SimulatedMiner
from hived.simulator.miners.models import DEFAULT_WEIGHTS, MODELS
from hived.simulator.miners.rpc import RpcProtocol

MAX_MINERS = 65534
"""Addresses of a /16, and what the numbering of the MACs has room for."""

KEEPALIVE_S = 75.0

_access_log = logging.getLogger(__name__ + ".access")
_access_log.setLevel(logging.WARNING)  # aiohttp logs requests at INFO; the miners count them themselves

PORT_TRIES = 20
"""Random ports tried until one is free on all addresses."""


class MinerProtocol(web.RequestHandler):
    """aiohttp's HTTP connection that knows whose it is."""

    __slots__ = ("_own_transport", "miner")

    def __init__(self, manager: web.Server, miner: SimulatedMiner) -> None:
        super().__init__(
            manager,
            loop=asyncio.get_running_loop(),
            access_log=_access_log,
            keepalive_timeout=KEEPALIVE_S,
        )
        self.miner = miner
        self._own_transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert isinstance(transport, asyncio.Transport)
        self._own_transport = transport
        if self.miner.has_fault(Fault.ONE_CONNECTION) and self.miner.transports:
            transport.pause_reading()
            self.miner.waiting.append(transport)
        self.miner.transports.add(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._own_transport is not None:
            self.miner.transports.discard(self._own_transport)
            if self._own_transport in self.miner.waiting:
                self.miner.waiting.remove(self._own_transport)
            elif self.miner.waiting:
                self.miner.waiting.pop(0).resume_reading()
        super().connection_lost(exc)


async def _serve(request: web.BaseRequest) -> web.StreamResponse:
    protocol = request.protocol
    assert isinstance(protocol, MinerProtocol)
    return await vnish.serve(protocol.miner, request)


def addresses(subnet: str, count: int, *, spread: bool = False) -> list[str]:
    """Return the miners' addresses: the first ones of the subnet, or evenly spread over it.

    Raises ValueError when the subnet is none, or too small.
    """
    network = ipaddress.IPv4Network(subnet)
    room = max(network.num_addresses - 2, 1)
    if not 1 <= count <= min(room, MAX_MINERS):
        raise ValueError(f"{subnet} has room for 1 to {min(room, MAX_MINERS)} miners, not for {count}")
    first = int(network.network_address) + (1 if network.num_addresses > 2 else 0)
    step = room / count if spread else 1
    return [str(ipaddress.IPv4Address(first + int(index * step))) for index in range(count)]


def pick_models(count: int, weights: Mapping[str, float], rng: Random) -> list[str]:
    """Return one alias per miner in the ratio of the weights, shuffled. Raises ValueError for unknown models."""
    unknown = set(weights) - set(MODELS)
    if unknown or not weights or min(weights.values()) < 0 or sum(weights.values()) <= 0:
        raise ValueError(f"models: expected weights above 0 of {', '.join(MODELS)}, got {dict(weights)}")
    total, passed, aliases = sum(weights.values()), 0.0, list[str]()
    for alias, weight in weights.items():
        passed += weight
        aliases += [alias] * (round(count * passed / total) - len(aliases))
    rng.shuffle(aliases)
    return aliases


def default_setups(count: int) -> dict[str, int]:
    """Return how many miners of a fleet are not simply mining."""
    failures = round(count / 30)
    return {
        "auto-tuning": round(count / 20),
        "failure": (failures + 1) // 2,
        "failed-board": failures // 2,
        "stopped": round(count / 30),
        "dead-board": 1 if count >= 6 else 0,
        "lost-fan": 1 if count >= 6 else 0,
        "starting": 1 if count >= 10 else 0,
    }


class Fleet:
    """N miners on N addresses. Start it with `async with`; nothing is left running afterwards.

    `steady=True`: every miner mines and none is broken. `setups` ({"stopped": 2}) chooses how many are in which state
    instead of the default mix. `port=0` takes a free port, the same on every address.
    """

    def __init__(
        self,
        count: int,
        *,
        subnet: str = "127.20.0.0/24",
        port: int = 0,
        rpc_port: int | None = None,
        models: Mapping[str, float] | None = None,
        seed: int = 1,
        clock: Clock = time.time,
        password: str = DEFAULT_PASSWORD,
        steady: bool = False,
        spread: bool = False,
        setups: Mapping[str, int] | None = None,
        timings: Timings | None = None,
        max_tries: int = 5,
        lockout_s: float = 60.0,
    ) -> None:
        self.port = port
        self.rpc_port = rpc_port
        self.subnet = subnet
        rng = Random(seed)
        hosts = addresses(subnet, count, spread=spread)
        aliases = pick_models(count, models or DEFAULT_WEIGHTS, rng)
        self.miners: list[SimulatedMiner] = [
            SimulatedMiner(
                index,
                ip,
                MODELS[alias],
                seed=seed,
                clock=clock,
                password=password,
                timings=timings,
                max_tries=max_tries,
                lockout_s=lockout_s,
            )
            for index, (ip, alias) in enumerate(zip(hosts, aliases, strict=True))
        ]
        if setups is None:
            setups = {} if steady else default_setups(count)
        self._set_up(setups, rng)
        self._listeners: dict[SimulatedMiner, list[asyncio.Server]] = {}
        self._manager: web.Server | None = None
        self._reboots: dict[SimulatedMiner, asyncio.TimerHandle] = {}
        self._reopening: set[asyncio.Task[None]] = set()

    def _set_up(self, setups: Mapping[str, int], rng: Random) -> None:
        unknown = set(setups) - set(SETUPS)
        if unknown or sum(setups.values()) > len(self.miners):
            raise ValueError(f"states: expected at most one per miner of {', '.join(SETUPS)}, got {dict(setups)}")
        words = [word for word, number in setups.items() for _ in range(number)]
        for miner, word in zip(rng.sample(self.miners, len(words)), words, strict=True):
            # A state that lasts began some time ago; one that passes begins now.
            lasting = word in ("auto-tuning", "failure", "failed-board", "stopped")
            since = miner.now() - min(miner.timings.tuning, 3600) * rng.uniform(0.1, 0.9) if lasting else None
            miner.be(word, since=since)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen on every address. Raises OSError when one cannot be had; then nothing listens."""
        raise_file_limit()
        self._manager = web.Server(_serve, handler_cancellation=True)
        try:
            await self._listen_everywhere()
        except BaseException:
            await self.stop()
            raise
        for miner in self.miners:
            miner.reboot_asked = partial(self.reboot, miner)
            miner.leave_asked = partial(self._leave, miner)

    async def _listen_everywhere(self) -> None:
        chosen = self.port, self.rpc_port
        for attempt in range(PORT_TRIES):
            self.port, self.rpc_port = chosen
            if self.port == 0:
                self.port = free_port(self.miners[0].ip)
            if self.rpc_port == 0:
                self.rpc_port = free_port(self.miners[0].ip)
            try:
                for miner in self.miners:
                    await self._open(miner)
            except OSError:
                for miner in self.miners:
                    self._close(miner)
                if 0 not in chosen or attempt == PORT_TRIES - 1:
                    raise
            else:
                return

    async def stop(self) -> None:
        """Close every connection and listener and end every task. Safe to call twice."""
        for timer in self._reboots.values():
            timer.cancel()
        self._reboots.clear()
        for task in list(self._reopening):
            task.cancel()
        await asyncio.gather(*self._reopening, return_exceptions=True)
        for miner in self.miners:
            self._close(miner)
        if self._manager is not None:
            await self._manager.shutdown(0.5)
            self._manager = None
        for _ in range(4):  # let the transports report their end; one that was being accepted shows up only now
            await asyncio.sleep(0)
            for miner in self.miners:
                for transport in list(miner.transports):
                    transport.abort()

    async def _open(self, miner: SimulatedMiner) -> None:
        manager = self._manager
        assert manager is not None, "the fleet is not started"
        loop = asyncio.get_running_loop()
        listeners = self._listeners[miner] = []
        try:
            listeners.append(await loop.create_server(lambda: MinerProtocol(manager, miner), miner.ip, self.port))
            if self.rpc_port is not None:
                listeners.append(await loop.create_server(lambda: RpcProtocol(miner), miner.ip, self.rpc_port))
        except OSError:
            self._close(miner)
            raise
        miner.online = True

    def _close(self, miner: SimulatedMiner) -> None:
        """Stop listening and cut the open connections, as if the cable were pulled."""
        miner.online = False
        for server in self._listeners.pop(miner, []):
            server.close()
        for transport in list(miner.transports):
            transport.abort()

    def by_ip(self, ip: str) -> SimulatedMiner:
        """Return the miner at an address, one that is away only if no other is there. Raises KeyError."""
        here = [miner for miner in self.miners if miner.ip == ip]
        if not here:
            raise KeyError(ip)
        return max(here, key=lambda miner: miner.online)

    def by_mac(self, mac: str) -> SimulatedMiner:
        """Return the miner with a hardware address in either case. Raises KeyError."""
        for miner in self.miners:
            if miner.mac == mac.lower():
                return miner
        raise KeyError(mac)

    def set_fault(self, miner: SimulatedMiner, fault: Fault, *, paths: Sequence[str] = (), **options: Any) -> None:
        """Switch a fault on. Options are the fields of ActiveFault: times, kind, status, put, ..."""
        miner.fault = ActiveFault(fault, tuple(paths), **options)

    def clear_fault(self, miner: SimulatedMiner) -> None:
        miner.fault = None

    async def move(self, miner: SimulatedMiner, ip: str) -> None:
        """Give a miner another address. Raises ValueError when another miner has it, OSError when it cannot be had."""
        ip = str(ipaddress.IPv4Address(ip))
        if any(other.ip == ip and other.online for other in self.miners if other is not miner):
            raise ValueError(f"{ip} belongs to another miner")
        before, was_online = miner.ip, miner.online
        self._close(miner)
        self._readdress(miner, ip)
        if was_online:
            try:
                await self._open(miner)
            except OSError:
                self._readdress(miner, before)
                await self._open(miner)
                raise

    async def swap(self, first: SimulatedMiner, second: SimulatedMiner) -> None:
        """Exchange the addresses of two miners."""
        online = [miner for miner in (first, second) if miner.online]
        for miner in (first, second):
            self._close(miner)
        ip = first.ip
        self._readdress(first, second.ip)
        self._readdress(second, ip)
        for miner in online:
            await self._open(miner)

    async def vanish(self, miner: SimulatedMiner) -> None:
        """Take a miner off the network; it keeps its address for bring_back. A reboot under way is forgotten."""
        self._leave(miner)

    def _leave(self, miner: SimulatedMiner) -> None:
        self._forget_reboot(miner)
        self._close(miner)

    async def bring_back(self, miner: SimulatedMiner) -> None:
        """Put a vanished miner back. Raises ValueError when another one has its address by now."""
        if miner.online:
            return
        if any(other.ip == miner.ip and other.online for other in self.miners):
            raise ValueError(f"{miner.ip} belongs to another miner")
        self._forget_reboot(miner)
        await self._open(miner)

    def replace_board(self, miner: SimulatedMiner) -> None:
        """Give a miner a new control board at the same address: new MAC, no keys, factory settings."""
        for transport in list(miner.transports):
            transport.abort()
        miner.replace_board()

    def change_password(self, miner: SimulatedMiner, password: str) -> None:
        """Set another password. Tokens and keys stay valid."""
        miner.access.password = password

    def _readdress(self, miner: SimulatedMiner, ip: str) -> None:
        miner.ip = ip
        miner.settings = {**miner.settings, "network": {**miner.settings["network"], "ipaddress": ip}}
        miner.changed()

    def reboot(self, miner: SimulatedMiner, after: float) -> None:
        """Take a miner down in `after` seconds and bring it up again after its reboot time."""
        self._forget_reboot(miner)
        self._reboots[miner] = asyncio.get_running_loop().call_later(after, self._go_down, miner)

    def _go_down(self, miner: SimulatedMiner) -> None:
        del self._reboots[miner]
        if miner.online:
            self._close(miner)
            loop = asyncio.get_running_loop()
            away = miner.timings.reboot_away
            self._reboots[miner] = loop.call_later(away, self._go_up, miner)

    def _go_up(self, miner: SimulatedMiner) -> None:
        del self._reboots[miner]
        task = asyncio.get_running_loop().create_task(self._come_up(miner))
        self._reopening.add(task)
        task.add_done_callback(self._reopening.discard)

    def _forget_reboot(self, miner: SimulatedMiner) -> None:
        timer = self._reboots.pop(miner, None)
        if timer is not None:
            timer.cancel()

    async def _come_up(self, miner: SimulatedMiner) -> None:
        miner.reboot()
        with contextlib.suppress(ValueError, OSError):  # its address was taken meanwhile: it stays away
            await self.bring_back(miner)


def free_port(ip: str) -> int:
    """Return a port that is free on one address now."""
    with socket.socket() as sock:
        sock.bind((ip, 0))
        return int(sock.getsockname()[1])


def raise_file_limit() -> None:
    """Allow as many open files as the system permits: each miner holds a listener and its connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # some systems refuse the hard value itself
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
