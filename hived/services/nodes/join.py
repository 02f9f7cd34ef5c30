"""How a node comes to have a master: wanted by its own operator, asked with a fresh key, approved at the master.

What zeroconf shows or a bare URL names is an offer: it is shown, and nothing is said to it. Only the hash of the key is
sent. The phrase that both sides compute from the node, the key and the master's public key is what the operators
compare: with a third party in between they differ.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from hived.clients.master.errors import NoTls, OtherKey
from hived.errors import BadRequest, Transient
from hived.records import joining
from hived.records.enrolling import AUTO, BY_CODE, BY_KEY, OFF, EnrollCode, MasterUrl, Offer, master_url, same_place
from hived.records.net import is_loopback, over_tls
from hived.records.peers import Master
from hived.records.uplink import ASKING, JOINED, LEFT, WITH_MASTER, FoundMaster, Identity, JoinAnswer, Uplink
from hived.services.nodes.uplink_words import offer_words
from hived.store import Store
from hived.store.nodes import uplink

log = logging.getLogger(__name__)

SOON_S, SOON_FOR_S = 5.0, 600.0
"""An operator who is approving the node is waiting for it; after ten minutes probably no longer."""
LATER_S = 60.0
ASK_AGAIN_S = 600.0
"""The master keeps only so many wishes; one that it lost is made again, with the same key."""


class Joiner:
    """Joins the master that the operator wants. `wanted`: "auto", "off" or a URL, which with a key is the operator's
    word, and else an offer; `config_name` says where that is written."""

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
        self._wanted, self._config_name = master_url(wanted), config_name
        self._asked = self._tried = float("-inf")
        self._waiting_since: tuple[str, float] | None = None
        self._said = ""

    async def find_way(self, link: Uplink, masters: Sequence[Master]) -> Uplink:
        """Return how this node stands to its master, after having done what there is to do for it.

        Transient, Refused: that did not work. `masters`: those that zeroconf shows, proven and alive.
        """
        url, key = self._wanted
        if url == OFF or link.state == LEFT:
            return link
        asks = link.key is not None and link.state in (*WITH_MASTER, ASKING)
        if key is not None and not (asks and link.consent is not None and key in (link.pin, link.fingerprint)):
            return await self.ask(MasterUrl(url, key))
        if link.key is None and link.consent is not None and link.url is not None:  # it cannot be opened any more
            return await self.ask(MasterUrl(link.url, link.pin))
        if not asks:
            self._tell(offers(self._wanted.url, self._own.node_id, masters))
        elif link.state == ASKING:
            return link if link.asked_at is not None else await self._send(link)
        elif url != AUTO and not same_place(url, link.url):
            if link.pin is not None:
                return await self._move(link, url)
            self._say_once(
                f"{self._config_name} names {url}, but this node belongs to {link.master_name} at {link.url}, and goes"
                f" on there. To change that: hivectl join {url}"
            )
        return link

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

    async def ask(self, wanted: MasterUrl, *, code: EnrollCode | None = None, plain: bool = False) -> Uplink:
        """Ask a master that the operator wants to let this node in, with a new key; a good code does so at once.

        The key that URL or code name has to answer there before anything is said of this node; else OtherKey. With a
        code nothing is stored before the master said yes: a wrong one leaves everything as it was. `plain`: it may be
        without TLS, as a master of 0.1.0 is; else NoTls.
        """
        expected = wanted.key if code is None else code.key
        from hived.clients.master.client import find  # aiohttp: a box without a master does not pay for it

        found = await find(wanted.url, version=self._own.version, expected=expected)
        here = is_loopback(urlsplit(found.url).hostname or "")
        if not (plain or here or found.url.startswith("https:")):
            raise NoTls(f"{wanted.url} answers without TLS, and so nothing is told to it")
        if found.hello.node_id == self._own.node_id:
            raise BadRequest(f"{wanted.url} is this box itself: its own rows are there already, nothing has to be sent")
        link = _wish(found, self._own, self._clock())
        if expected is not None:
            link = replace(link, consent=BY_KEY if code is None else BY_CODE)
        if not here:
            warn_if_readable(link)
        if code is None:
            await self._store.write(uplink.put, link)
        return await self._send(link, code)

    async def follow(self, link: Uplink, masters: Sequence[Master]) -> Uplink | None:
        """Look for a master that does not answer any more at another address: same id, same key. None: not found."""
        if self._wanted.url != AUTO or link.pin is None:  # without one, anybody could say that it is there now
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
        """Use the same master at another URL. OtherKey when another one answers there."""
        url = over_tls(url)  # where its key can be seen
        from hived.clients.master.client import MasterClient

        async with MasterClient(url, pin=link.pin, version=self._own.version) as client:
            hello = await client.hello()
            moved = replace(link, url=client.url)
        if hello.node_id != link.master_id:
            raise OtherKey(f"{url} is another master than {link.master_name}: to join that one, hivectl join {url}")
        if not await self._store.write(uplink.note, link.key, url=moved.url):
            raise Transient("another key came in between")
        log.info("%s is at %s now", link.master_name, moved.url)
        return moved

    async def _send(self, link: Uplink, code: EnrollCode | None = None) -> Uplink:
        assert link.key is not None
        assert link.url is not None
        wish = {
            "node_id": self._own.node_id, "name": self._own.name, "site": self._own.site,
            "version": self._own.version, "key_id": link.key.id, "key_hash": link.key.secret_hash,
        }  # fmt: skip
        from hived.clients.master.client import MasterClient

        async with MasterClient(link.url, pin=link.pin, version=self._own.version) as client:
            answer = await client.join(wish if code is None else wish | {"code": code.opens})
        now = self._clock()
        if code is not None and answer.approved:
            link = replace(link, consent=BY_CODE)
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
        if answer.approved and link.consent is not None:
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
        if answer.approved:
            self._say_once(
                f"{link.master_name} ({link.url}) has let this node in, which sends nothing until its own operator says"
                f" that the phrase is the same there: hivectl join {link.url} PHRASE"
            )
            return
        text = f"ask the operator of {link.master_name} ({link.url}) to approve this node; compare: {link.phrase}"
        if link.consent is None:
            text += f"; where it is the same, say so here: hivectl join {link.url} PHRASE"
        log.log(logging.DEBUG if self._said == text else logging.INFO, "%s", text)
        self._said = text

    def _tell(self, offered: Sequence[Offer]) -> None:
        if offered:
            self._say_once(
                f"{offer_words(offered)}. Nothing is sent until this node's operator joins: hivectl join URL"
            )

    def _say_once(self, text: str) -> None:
        log.log(logging.DEBUG if self._said == text else logging.WARNING, "%s", text)
        self._said = text


def offers(wanted: str, own_id: str, masters: Sequence[Master]) -> list[Offer]:
    """Return the masters that this node could join: the one that `syncd.master` names, or those that zeroconf shows."""
    url, key = master_url(wanted)
    if url == OFF or key is not None:
        return []
    if url != AUTO:
        return [Offer(None, url)]
    return sorted(Offer(master.name, master.url) for master in masters if master.id != own_id)


def warn_if_readable(link: Uplink) -> None:
    """Say that what is carried can be read on its way, unless it cannot."""
    if link.url is not None and not link.tls:
        log.warning(
            "%s is reached without TLS: anyone on the path can read this node's key and everything it sends. On this"
            " node: hivectl secure", link.master_name or link.url,
        )  # fmt: skip


def _wish(found: FoundMaster, own: Identity, at: float) -> Uplink:
    key = joining.new_key()
    return Uplink(
        state=ASKING, url=found.url, master_id=found.hello.node_id, master_name=found.hello.name, pin=found.pin,
        fingerprint=found.fingerprint, key=key, phrase=joining.phrase(own.node_id, key.secret_hash, found.seen),
        since=at,
    )  # fmt: skip
