"""How a node comes to have a master: named or found, asked with a fresh key, approved by a person.

Only the hash of the key is sent. The phrase that both sides compute from the node, the key and the master's public
key is what the operator compares: with a third party in between they differ.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from hived.clients.master.client import MasterClient, find
from hived.clients.master.errors import OtherKey
from hived.errors import BadRequest, Transient
from hived.records import joining
from hived.records.net import is_loopback
from hived.records.peers import Master
from hived.records.uplink import ASKING, JOINED, LEFT, WITH_MASTER, FoundMaster, Identity, JoinAnswer, Uplink
from hived.store import Store
from hived.store.nodes import uplink

log = logging.getLogger(__name__)

AUTO, OFF = "auto", "off"
SOON_S, SOON_FOR_S = 5.0, 600.0
"""An operator who is approving the node is waiting for it; after ten minutes probably no longer."""
LATER_S = 60.0
ASK_AGAIN_S = 600.0
"""The master keeps only so many wishes; one that it lost is made again, with the same key."""


class Joiner:
    """Finds the master and joins it. `wanted`: "auto", "off" or a URL; `config_name` says where that is written."""

    def __init__(
        self,
        store: Store,
        own: Identity,
        *,
        wanted: str,
        config_name: str = "syncd.master",
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._own, self._clock, self._monotonic = store, own, clock, monotonic
        self._wanted, self._config_name = without_login(wanted), config_name
        self._asked = self._tried = float("-inf")
        self._waiting_since: tuple[str, float] | None = None
        self._said = ""

    async def find_way(self, link: Uplink, masters: Sequence[Master]) -> Uplink:
        """Return how this node stands to its master, after having done what there is to do for it.

        Transient, Refused: that did not work. `masters`: those that zeroconf shows, proven and alive.
        """
        if self._wanted == OFF or link.state == LEFT:
            return link
        named = None if self._wanted == AUTO else self._wanted
        if link.key is not None and link.state in WITH_MASTER:
            return link if named in (None, link.url) else await self._move(link, str(named))
        if link.key is not None and link.state == ASKING and named in (None, link.url):
            return link if link.asked_at is not None else await self._send(link)
        url = named or self._only_one(masters)
        return link if url is None else await self.ask(url)

    def may_try(self, link: Uplink) -> bool:
        """Tell whether a node that waits should try its key now: every 5 s, after ten minutes every minute."""
        assert link.key is not None
        now = self._monotonic()
        if self._waiting_since is None or self._waiting_since[0] != link.key.id:
            self._waiting_since, self._asked = (link.key.id, now), now
        pace = SOON_S if now - self._waiting_since[1] < SOON_FOR_S else LATER_S
        if now - self._tried < pace:
            return False
        self._tried = now
        return True

    async def still_waiting(self, link: Uplink) -> Uplink:
        """Make the wish again from time to time. NotWelcome: the master's operator said no."""
        now = self._monotonic()
        if now - self._asked < ASK_AGAIN_S:
            return link
        self._asked = now
        return await self._send(link)

    async def ask(self, url: str, *, code: str | None = None) -> Uplink:
        """Ask the master at a URL to let this node in, with a new key; with a good code it does so at once.

        With a code nothing is stored before the master said yes: a wrong one leaves everything as it was.
        """
        found = await find(without_login(url), version=self._own.version)
        if found.hello.node_id == self._own.node_id:
            raise BadRequest(f"{url} is this box itself: its own rows are there already, nothing has to be sent")
        link = _wish(found, self._own, self._clock())
        warn_if_readable(link)
        if code is None:
            await self._store.write(uplink.put, link)
        return await self._send(link, code)

    async def follow(self, link: Uplink, masters: Sequence[Master]) -> Uplink | None:
        """Look for a master that does not answer any more at another address: same id, same key. None: not found."""
        if self._wanted != AUTO:
            return None
        for other in masters:
            if other.id == link.master_id and other.url != link.url:
                try:
                    return await self._move(link, other.url)
                except OtherKey as err:
                    self._say_once(f"somebody at {other.url} calls itself {link.master_name}, and is not: {err}")
                except Transient as err:
                    log.debug("not at %s: %s", other.url, err)
        return None

    async def _move(self, link: Uplink, url: str) -> Uplink:
        """Use the same master at another URL; another master there is joined instead."""
        if link.tls and not url.startswith("https:"):
            raise OtherKey(f"{url} is without TLS, which {link.master_name} had when this node joined")
        if link.pin is not None:
            async with MasterClient(url, pin=link.pin, version=self._own.version) as client:
                found = FoundMaster(client.url, await client.hello(), pin=link.pin, fingerprint=link.fingerprint)
        else:
            found = await find(url, version=self._own.version)
            if link.tls and found.pin is not None:
                raise OtherKey(f"the certificate at {url} is not one that the system trusts, as it was before")
        if found.hello.node_id != link.master_id:
            log.warning("%s is another master than %s: joining it instead", url, link.master_name)
            return await self.ask(url)
        moved = replace(link, url=found.url, pin=found.pin, fingerprint=found.fingerprint)
        if not await self._store.write(
            uplink.note, link.key, url=moved.url, pin=moved.pin, fingerprint=moved.fingerprint
        ):
            raise Transient("another key came in between")
        log.info("%s is at %s now", link.master_name, moved.url)
        return moved

    async def _send(self, link: Uplink, code: str | None = None) -> Uplink:
        assert link.key is not None
        assert link.url is not None
        wish = {
            "node_id": self._own.node_id, "name": self._own.name, "site": self._own.site,
            "version": self._own.version, "key_id": link.key.id, "key_hash": link.key.secret_hash,
        }  # fmt: skip
        async with MasterClient(link.url, pin=link.pin, version=self._own.version) as client:
            answer = await client.join(wish if code is None else wish | {"code": code})
        now = self._clock()
        link = replace(
            link, asked_at=now, master_id=answer.master_id, master_name=answer.master_name,
            keyed_at=now if answer.approved else None,
        )  # fmt: skip
        if code is not None:
            await self._store.write(uplink.put, link)
        elif not await self._store.write(
            uplink.note, link.key, asked_at=now, master_id=link.master_id, master_name=link.master_name,
            keyed_at=link.keyed_at,
        ):  # fmt: skip
            raise Transient("another key came in between")
        self._asked = self._monotonic()
        if answer.approved:
            await self._store.write(uplink.enter, link.key, JOINED, now)
            return replace(link, state=JOINED)
        self._announce(link, answer)
        return link

    def _announce(self, link: Uplink, answer: JoinAnswer) -> None:
        if answer.phrase is not None and answer.phrase != link.phrase:
            self._say_once(
                f"{link.master_name} computes the phrase {answer.phrase}, this node {link.phrase}: somebody is in"
                " between (a proxy, or worse). Do not approve this node unless you know who."
            )
            return
        text = f"ask the operator of {link.master_name} ({link.url}) to approve this node; compare: {link.phrase}"
        log.log(logging.DEBUG if self._said == text else logging.INFO, "%s", text)
        self._said = text

    def _only_one(self, masters: Sequence[Master]) -> str | None:
        others = [master for master in masters if master.id != self._own.node_id]
        if len(others) == 1:
            return others[0].url
        if others:
            names = ", ".join(sorted(f"{master.name} ({master.url})" for master in others))
            self._say_once(
                f"there are {len(others)} masters here: {names}. Name one with {self._config_name} or"
                " `hivectl join URL`; until then nothing is sent"
            )
        return None

    def _say_once(self, text: str) -> None:
        log.log(logging.DEBUG if self._said == text else logging.WARNING, "%s", text)
        self._said = text


def without_login(url: str) -> str:
    """Return a URL without user and password: a master takes keys alone, and URLs are logged and shown."""
    scheme, found, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}{found}{place.rpartition('@')[2]}{slash}{path}"


def warn_if_readable(link: Uplink) -> None:
    """Say that what is carried can be read on its way, unless it cannot."""
    if link.url is not None and not link.tls and not is_loopback(urlsplit(link.url).hostname or ""):
        log.warning("%s has no TLS: anyone on the path can read this node's key and everything it sends", link.url)


def _wish(found: FoundMaster, own: Identity, at: float) -> Uplink:
    key = joining.new_key()
    return Uplink(
        state=ASKING, url=found.url, master_id=found.hello.node_id, master_name=found.hello.name, pin=found.pin,
        fingerprint=found.fingerprint, key=key, phrase=joining.phrase(own.node_id, key.secret_hash, found.seen),
        since=at,
    )  # fmt: skip
