"""The part of hive-discoverd that speaks zeroconf; imported only where it is switched on, for its 8 MiB."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hived import __version__
from hived.records.net import is_loopback
from hived.records.peers import MASTER, NODE, Announcement
from hived.runtime.config import Config
from hived.runtime.kinds import TlsFiles
from hived.runtime.runner import Beat, Life
from hived.services.nodes.announce import KEEP_EVERY_S, KEEP_LIMIT_S, Announcer, certificate_fingerprint
from hived.services.nodes.find_peers import LOOK_EVERY_S, LOOK_LIMIT_S, PeerFinder
from hived.store import Store
from hived.store.nodes import peers as stored

API_PATH = "/api/v1"
OWN_CERTIFICATE = "tls.crt"  # where hive-apid keeps the one it makes; its module would bring a library of 8 MiB
FRESH_S = 35.0  # hive-apid says every 10 s that it runs; three missed words and it is announced no more
BACKOFF_MAX_S = 15.0  # a broken stack is tried again soon: people plug in and wait


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What the daemon does for its neighbourhood: beats to run, a line to tell."""

    announcer: Announcer
    finder: PeerFinder
    beats: list[Beat]


@asynccontextmanager
async def neighbours(config: Config, life: Life, store: Store, own_id: str) -> AsyncIterator[Neighbours]:
    """Announce this node and find others until the end; then say goodbye, unless it is only a reload."""

    async def own() -> Announcement:
        is_master = await store.read(stored.is_master, own_id, fresh_after=time.time() - FRESH_S)
        return announcement(config, own_id, is_master=is_master)

    announcer = Announcer(own, only=config.discoverd.zeroconf_interfaces)
    finder = PeerFinder(store, announcer, node_id=own_id, wake=lambda: looking.wake.set())
    keeping = Beat(
        "zeroconf", announcer.keep, every=KEEP_EVERY_S, limit=KEEP_LIMIT_S, backoff_max=BACKOFF_MAX_S, spread=0.1
    )
    looking = Beat("peers", finder.look, every=LOOK_EVERY_S, limit=LOOK_LIMIT_S, backoff_max=BACKOFF_MAX_S, spread=0.5)
    try:
        async with finder:
            yield Neighbours(announcer, finder, [keeping, looking])
    finally:
        await announcer.close(goodbye=not _stays(config, life.new_config))


def announcement(config: Config, own_id: str, *, is_master: bool) -> Announcement:
    """Return what this node says of itself.

    A master whose certificate cannot be read yet, or whose API only this machine reaches, is a node to the others.
    """
    name = config.node.effective_name
    heard_on = config.discoverd.zeroconf_interfaces
    if is_loopback(config.http.addr.host) and not (heard_on and all(map(is_loopback, heard_on))):
        is_master = False
    fingerprint = certificate_fingerprint(certificate(config)) if is_master else None
    if fingerprint is None:
        return Announcement(own_id, name, NODE, __version__)
    return Announcement(
        own_id, name, MASTER, __version__, port=config.http.addr.port, path=API_PATH, tls=True, fingerprint=fingerprint
    )


def certificate(config: Config) -> Path:
    """Return the file of the certificate that hive-apid shows."""
    tls = config.http.tls
    return Path(tls.cert) if isinstance(tls, TlsFiles) else config.state_dir / OWN_CERTIFICATE


def _stays(old: Config, new: Config | None) -> bool:
    """Tell whether this node is announced again at once under the same name."""
    return new is not None and new.discoverd == old.discoverd and new.node == old.node
