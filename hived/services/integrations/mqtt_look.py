"""What the broker has to be told now: what changed of the miners and the site, and what would expire."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hived.documents import homeassistant as documents
from hived.documents.homeassistant import EXPIRE_S, Offers
from hived.records import laws
from hived.records.condition import condition, essence
from hived.records.miner_view import MinerView
from hived.records.mqtt import Topics
from hived.records.totals import Judged, totals
from hived.services.miners.moments import moment
from hived.services.miners.orders import Ladders
from hived.store import Database
from hived.store.miners import fleet, views

REFRESH_S = EXPIRE_S / 3
"""What did not change is sent again so often: two of them may be lost before a value expires."""
DEVICES_AT_ONCE = 200
"""New devices in one look: each takes 5 KB while it waits."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Who is told what. `scope`: the verbs that are offered; `name`: what the site is called."""

    topics: Topics
    name: str
    scope: frozenset[str]
    status_seconds: float


@dataclass(frozen=True, slots=True)
class Sent:
    """What the broker was last told under a topic: a digest of it, and when."""

    digest: int
    at: float


@dataclass(frozen=True, slots=True)
class Item:
    """One message that is due. `mac`: the device is that of this miner; `kept`: by the broker."""

    topic: str
    payload: bytes
    digest: int
    kept: bool = False
    mac: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One look. `rest`: more is due than fits into it."""

    items: tuple[Item, ...]
    macs: frozenset[str]
    rest: bool


def look(db: Database, telling: Telling, sent: Mapping[str, Sent], now: float) -> Look:
    """Return what is due. A miner's state is told once its device is."""
    at = moment(db, now, telling.status_seconds)
    ladders = Ladders(db)
    topics, room = telling.topics, DEVICES_AT_ONCE
    shared = fleet.shared_hostnames(db)
    judged: list[Judged] = []
    due: list[Item] = [*_site(telling, sent)]
    for view in views.one_by_one(db):
        how = condition(view, at)
        judged.append((essence(view), how))
        offers = _offers(view, telling.scope, ladders)
        device = _device(view, _name(view, shared), offers, topics, sent)
        if device is not None and not room:
            continue
        if device is not None:
            room -= 1
            due.append(device)
        due += _state(topics.miner(view.mac), documents.miner_state(view, how, offers), sent, now)
    whole, _ = totals(judged)
    due += _state(topics.site, documents.site_state(whole), sent, now)
    return Look(tuple(due), frozenset(view.mac for view, _ in judged), rest=not room)


def _offers(view: MinerView, scope: frozenset[str], ladders: Ladders) -> Offers:
    """Return what can be ordered of a miner: what its firmware can do, where hived may steer it."""
    if not scope or not view.managed:
        return Offers()

    def may(verb: str) -> bool:
        return verb in scope and laws.can(view, verb)

    return Offers(
        mining=may("pause") and may("resume"),
        presets=laws.open_presets(view, ladders.of(view)) if may("preset") else (),
        locate=may("locate"), reboot=may("reboot"),
    )  # fmt: skip


def _site(telling: Telling, sent: Mapping[str, Sent]) -> Iterator[Item]:
    topic = telling.topics.device(telling.topics.site_id)
    digest = hash(telling.name)
    if topic not in sent or sent[topic].digest != digest:
        yield Item(topic, encode(documents.site_device(telling.name, telling.topics)), digest, kept=True)


def _name(view: MinerView, shared: Collection[str]) -> str:
    """Return what a miner is called: factories give thousands of them one host name, and then its address says more."""
    return view.hostname if view.hostname and view.hostname not in shared else view.name


def _device(view: MinerView, name: str, offers: Offers, topics: Topics, sent: Mapping[str, Sent]) -> Item | None:
    topic = topics.device(topics.miner_id(view.mac))
    # All that its message is made of: to make thousands of them at each look only to see that they are the same costs.
    digest = hash((
        view.mac, name, view.model_name, view.model_alias, view.firmware, view.firmware_version, view.serial,
        offers,
    ))  # fmt: skip
    if topic in sent and sent[topic].digest == digest:
        return None
    return Item(topic, encode(documents.miner_device(view, name, offers, topics)), digest, kept=True, mac=view.mac)


def _state(topic: str, document: Mapping[str, Any], sent: Mapping[str, Sent], now: float) -> Sequence[Item]:
    payload = encode(document)
    digest, last = hash(payload), sent.get(topic)
    if last is not None and last.digest == digest and 0 <= now - last.at < REFRESH_S:
        return ()
    return (Item(topic, payload, digest),)


def encode(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
