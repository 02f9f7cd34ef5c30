"""Bring rows of this node's streams to its master, batch by batch, around what the master does not take.

Exactly one batch is in flight. Where a stream goes on is what the master's answer says that it holds, also when that
is less than before: then it was restored from a backup, and gets what it lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hived.clients.master.errors import BadBatch, NotUnpacked, TooLarge
from hived.errors import Transient, problem
from hived.records.joining import NodeKey
from hived.records.streams import (
    MINERS,
    OTHER_OWNER,
    STATUS,
    STREAMS,
    UNKNOWN_MINER,
    Batch,
    Item,
    Limits,
    rollup_key,
)
from hived.records.uplink import Ingested
from hived.store import Store
from hived.store.nodes import contested, dead_letters, streams

if TYPE_CHECKING:
    from hived.clients.master.client import MasterClient

log = logging.getLogger(__name__)

HEAD_BYTES = 1024  # of a body, beside its items
MOST_IN_A_ROW = 20
"""Items set aside one after the other before the master is given a rest: then it is hardly the items' fault."""
MOST_SET_ASIDE = 1000
"""Of one stream. More wait for a person: a master that refuses everything must not empty the outbox into a list."""


class Delivery:
    """Sends to one master with one key. What it holds is in `held`, what it takes in `limits`."""

    def __init__(
        self, store: Store, client: MasterClient, key: NodeKey, *, node_id: str, epoch: str, clock: Callable[[], float]
    ) -> None:
        self._store, self._client, self._key, self._clock = store, client, key, clock
        self._node_id = node_id
        self.epoch = epoch
        self.held: dict[str, int] = dict.fromkeys(STREAMS, 0)
        self.known: dict[str, int] = {}
        """Numbers that the master has under an earlier epoch: what is not beyond them is passed over."""
        self.limits = Limits()
        self.beyond = False
        """Set when the master holds a number that this database never gave."""
        self._most: dict[str, int] = {}
        """How many items are tried at once, where a batch was refused."""
        self._aside: dict[str, set[int]] = {}
        self._refused = 0
        self._went_back = 0
        self._unpacked = False
        self._said = set[str]()

    def begin_round(self) -> None:
        """Look again at what is set aside: a person may have decided on it meanwhile."""
        self._aside.clear()
        self._refused = self._went_back = 0

    async def batch(self, stream: str) -> bool:
        """Send the next batch of a stream; return whether to go on with it. Transient, NotWelcome, OtherKey."""
        if not self.limits.takes(stream):
            return False
        aside = self._aside.get(stream)
        if aside is None:
            aside = self._aside[stream] = await self._store.read(dead_letters.numbers, stream)
        if len(aside) >= MOST_SET_ASIDE:
            self._say(
                stream, f"{len(aside):,} rows of {stream} are set aside: nothing more of it is sent until a person"
            )
            return False
        most = min(self._most.get(stream, self.limits.of(stream)), self.limits.of(stream))
        batch = await self._store.read(
            streams.batch, stream, node_id=self._node_id, after=max(self.held[stream], self.known.get(stream, 0)),
            items=most, size=self.limits.body_bytes - HEAD_BYTES, without=aside,
        )  # fmt: skip
        batch = replace(batch, first_seq=self.held[stream] + 1)
        if batch.last_seq < batch.first_seq:
            return False
        try:
            answer = await self._send(stream, batch.first_seq, batch.last_seq, {"items": batch.items})
        except (BadBatch, TooLarge) as err:
            await self._smaller(stream, batch.items, err)
            return True
        if stream in self._most:
            self._most[stream] = most * 2
            if most * 2 >= self.limits.of(stream):
                del self._most[stream]
        self._refused = 0
        await self._answered(batch, answer)
        return batch.more or self.held[stream] < batch.last_seq

    async def loose(self, stream: str, name: str, items: Sequence[Item]) -> None:
        """Send rows that have no number in a stream: how something is now. One that is refused is passed over."""
        parts = [list(items)] if items else []
        refused = 0
        while parts:
            part = parts.pop()
            try:
                await self._send(stream, 0, 0, {"items": (), name: part})
            except (BadBatch, TooLarge) as err:
                self._learn(err)
                if len(part) > 1:
                    parts += [part[len(part) // 2 :], part[: len(part) // 2]]
                    continue
                refused += 1
                if refused >= MOST_IN_A_ROW:
                    raise Transient(f"the master refuses {name} one after the other: {err}") from err
                self._say(f"{name} {part[0].what}", f"the master does not take {name} of {part[0].what}: {err}")

    async def _send(self, stream: str, first: int, last: int, lists: dict[str, Sequence[Item]]) -> Ingested:
        head: dict[str, Any] = {
            "wire": self.limits.wire, "node_id": self._node_id, "epoch": self.epoch, "stream": stream,
            "first_seq": first, "last_seq": last,
        }  # fmt: skip
        packing = () if self._unpacked else self.limits.encodings
        try:
            answer = await self._client.ingest(self._key, head, lists, packing)
            if answer.unread:
                names = ", ".join(answer.unread)
                self._say(f"{stream} {names}", f"the master does not understand these fields of {stream}: {names}")
            for code in answer.full:
                self._say(code, f"the master takes no more of this node: it {problem(code).words} ({code})")
            return answer
        except NotUnpacked as err:
            if not packing:
                raise Transient(str(err)) from err
            self._unpacked = True
            return await self._send(stream, first, last, lists)
        except BadBatch as err:
            if not packing or sum(map(len, lists.values())) > 1:
                raise
            # A last look before one row is blamed: perhaps what is between here and there spoils packed bodies.
            answer = await self._client.ingest(self._key, head, lists)
            self._unpacked = True
            self._say("packing", f"packed batches do not arrive whole, plain ones do: {err}")
            return answer

    async def _answered(self, batch: Batch, answer: Ingested) -> None:
        stream = batch.stream
        if answer.rejected:
            by_name: dict[int | str, Item] = {item.seq: item for item in batch.items}
            named = [(_meant(batch, by_name, name), reason) for name, reason in answer.rejected]
            refused = [(item, reason) for item, reason in named if item is not None]
            await self._leave_to_another(stream, [item for item, reason in refused if reason == OTHER_OWNER])
            refused = [(item, reason) for item, reason in refused if reason != OTHER_OWNER]
            if stream == STATUS:
                await self._keep_here(refused)
            else:
                await self._put_aside(stream, refused)
        if stream == MINERS and await self._store.read(contested.count) > 0:
            refused_numbers = {name for name, _ in answer.rejected}
            taken = [item.what for item in batch.items if item.seq not in refused_numbers]
            await self._store.write(contested.settle, taken)
        if answer.seq < batch.last_seq:
            # Once is a master that lost something. Twice in a row is one that keeps nothing.
            self._went_back += 1
            if self._went_back > len(STREAMS):
                raise Transient(f"the master does not keep what it gets of {stream}")
            log.info("the master holds %s up to %d: continuing from there", stream, answer.seq)
        elif answer.seq > batch.last_seq:
            newest = await self._store.read(streams.newest)
            self.beyond = self.beyond or answer.seq > newest[stream]
        self.held[stream] = answer.seq

    async def _leave_to_another(self, stream: str, refused: Sequence[Item]) -> None:
        """Keep in mind what the master does not take because it has the miner from another node, and watches it."""
        if refused:
            await self._store.write(contested.note, stream, refused)
            self._say(
                OTHER_OWNER,
                f"{stream} {refused[0].what}: {problem(OTHER_OWNER).words}. What is known of it here waits until it has"
                " not any more",
            )

    async def _keep_here(self, refused: Sequence[tuple[Item, str]]) -> None:
        """Say which rollups the master did not take. The stream is past them, for their number is their time."""
        if not refused:
            return
        item, reason = refused[0]
        self._say(STATUS, f"the master did not take {len(refused)} rollups, they stay here: {item.what}: {reason}")
        lost = {rollup_key(item.seq)[1] for item, reason in refused if reason == UNKNOWN_MINER}
        if lost:
            await self._store.write(streams.tell_again, lost)

    async def _smaller(self, stream: str, items: Sequence[Item], err: BadBatch | TooLarge) -> None:
        """Halve what is sent at once until the one item is alone that the master does not take; set that aside."""
        self._learn(err)
        if not items:
            raise Transient(str(err)) from err
        if len(items) > 1:
            self._most[stream] = len(items) // 2
            return
        if self._refused >= MOST_IN_A_ROW:
            raise Transient(f"the master refuses one row of {stream} after the other: {err}") from err
        self._refused += 1
        await self._put_aside(stream, [(items[0], str(err))])

    async def _put_aside(self, stream: str, refused: Sequence[tuple[Item, str]]) -> None:
        if not refused:
            return
        await self._store.write(dead_letters.set_aside, stream, refused, self._clock())
        self._aside.setdefault(stream, set()).update(item.seq for item, _ in refused)
        item, reason = refused[0]
        more = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
        self._say(
            stream, f"set aside, the master does not take it: {stream} {item.what}{more}: {reason} (hivectl sync dead)"
        )

    def _learn(self, err: BadBatch | TooLarge) -> None:
        if isinstance(err, TooLarge) and err.limits is not None:
            limits = err.limits
            self.limits = replace(
                self.limits, items=min(limits.items, self.limits.items),
                contribution_items=min(limits.contribution_items, self.limits.contribution_items),
                body_bytes=min(limits.body_bytes, self.limits.body_bytes),
            )  # fmt: skip

    def _say(self, subject: str, text: str) -> None:
        """Say it once for each subject, then to those who look closely."""
        log.log(logging.DEBUG if subject in self._said else logging.WARNING, "%s", text)
        if len(self._said) < MOST_SET_ASIDE:
            self._said.add(subject)


def _meant(batch: Batch, by_seq: dict[int | str, Item], name: int | str) -> Item | None:
    """A contribution is named by its id, which is within its text; everything else by its number."""
    if isinstance(name, int):
        return by_seq.get(name)
    return next((item for item in batch.items if f'"id":"{name}"' in item.text), None)
