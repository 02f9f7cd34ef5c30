"""Carry out orders to miners: one command at a time to each, every step written before it is taken, every end seen.

A miner is asked once. What it answers proves nothing: it is looked at until it shows what was asked for, or until its
firmware has had the time that it may take. What a process that was killed had begun is looked at in the same way by the
next one; only what changes nothing when it is said twice is said again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any

from hived.clients.firmwares.family import Firmware
from hived.errors import AnotherDevice, BadCredentials, HivedError, NotSupported, Refused, Transient
from hived.records import readback
from hived.records.miner_view import KnownMiner
from hived.records.orders import REASONS, Order, Target
from hived.records.steering import VERBS, Seen, Wish
from hived.services.miners import steering_facts
from hived.services.miners.orders import Rules
from hived.services.miners.steering_facts import Facts, left_out, preset_of, reach, why_unseen, wish_of
from hived.store import Store
from hived.store.miners import miners, order_ends, orders, orders_elsewhere

log = logging.getLogger(__name__)

LOOKS_AT_ONCE = 32
FIRST_LOOK_S = 1.0
LONGEST_LOOK_S = 10.0
LIGHTS_TRIED_S = 900.0
"""So long it is tried to put out the lights of a miner that does not answer."""


class Controller:
    """Carries out what is ordered in the background of its `async with` block; a bug there ends the block.

    `confirm_s`: how long every miner may take; None: as long as its firmware says.
    """

    def __init__(
        self, store: Store, families: Mapping[str, Firmware], rules: Rules, *, confirm_s: float | None,
        allows: Callable[[str], bool], clock: Callable[[], float], monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._store, self._families, self._rules, self._confirm_s = store, families, rules, confirm_s
        self._allows, self._clock, self._monotonic, self._sleep = allows, clock, monotonic, sleep
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._asking: dict[int, tuple[str | None, str]] = {}
        """Miners that are being asked, by the place that their packet is counted in: (group, kind of change)."""
        self._next: dict[tuple[str | None, str], float] = {}
        """When the next packet may be begun in each place."""
        self._recovered = False
        self._not_before = 0.0
        """No packet is begun before: what the last process began a moment ago counts as one."""
        self._looks = asyncio.Semaphore(LOOKS_AT_ONCE)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Controller:
        self._group = await self._stack.enter_async_context(asyncio.TaskGroup())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        for task in self._under_way.values():
            task.cancel()
        return await self._stack.__aexit__(kind, err, trace)

    def summary(self) -> str:
        """Return what goes on, for the status line."""
        asked = len(self._asking)
        return f"{asked} asked, {len(self._under_way) - asked} looked at" if self._under_way else "nothing to do"

    @property
    def under_way(self) -> list[asyncio.Task[None]]:
        """What goes on just now, a task a miner."""
        return list(self._under_way.values())

    async def turn(self) -> None:
        """Begin what may be begun now. Transient: database busy."""
        if not self._recovered:
            await self._recover()
        now = self._clock()
        if await self._store.read(orders.is_anything_open):
            for number in await self._store.write(steering_facts.tidy, now):
                log.warning("order %d was stopped: too many miners refused", number)
            if self._monotonic() >= self._not_before:
                for group, power, order in await self._store.read(orders.waiting, list(self._under_way)):
                    await self._begin_packet(group, power, order)
        for lit in await self._store.read(order_ends.lights, now):
            if lit.num not in self._under_way:
                self._start(lit.num, self._lights_off(lit))

    async def round(self) -> None:
        """Do everything that is ordered, then return."""
        await self.turn()
        while await self._store.read(orders.is_anything_open) or self._under_way:
            await self._sleep(0.2)
            await self.turn()

    async def _begin_packet(self, group: str | None, power: str, order: Order) -> None:
        place = (group, power)
        if self._monotonic() < self._next.get(place, 0.0):
            return
        room = order.packet.size - sum(one == place for one in self._asking.values())
        if room <= 0:
            return
        busy = list(self._under_way)
        found = await self._store.read(lambda db: orders.next_ones(db, order, group, busy=busy, limit=room))
        for one in found:
            self._asking[one.num] = place
            self._start(one.num, self._carry_out(order, one))
        if found and power != "none":
            self._next[place] = self._monotonic() + order.packet.interval_s

    def _start(self, num: int, work: Any) -> None:
        task = self._group.create_task(work)
        self._under_way[num] = task
        task.add_done_callback(lambda _: self._done(num))

    def _done(self, num: int) -> None:
        self._under_way.pop(num, None)
        self._asking.pop(num, None)

    # -- one miner -----------------------------------------------------------------------------------------------------

    async def _carry_out(self, order: Order, one: Target) -> None:
        facts = await self._again(lambda: self._store.read(steering_facts.of, order, one, self._rules, self._clock()))
        if facts is None:
            await self._end(one, "skipped", reason="gone")
            return
        if facts.is_lost:
            await self._end(one, "skipped", reason="nothing_kept")
            return
        firmware = self._families.get(facts.known.firmware or "")
        if (why := self._why_not(facts, firmware)) is not None or firmware is None:
            await self._end(one, "skipped", reason=why)
            return
        one = replace(one, args=facts.meant.args)
        try:
            before = await self._look(firmware, facts.known, None if VERBS[one.verb].undo else one.verb)
        except (Transient, Refused) as err:
            await self._end(one, "skipped", reason=why_unseen(err), said=str(err))
            return
        why = left_out(one, before)
        if why is not None:
            await self._end(one, "skipped", reason=why, after=before)
            return
        sent_at = await self._again(
            lambda: self._store.write(steering_facts.begin, order, one, before, self._rules, self._clock)
        )
        if sent_at is not None:
            await self._ask(firmware, facts, replace(one, sent_at=sent_at), before)

    def _why_not(self, facts: Facts, firmware: Firmware | None) -> str | None:
        """Return why a miner is not asked, by the laws and by what is known of it now."""
        if facts.meant.reason is not None:
            return facts.meant.reason
        if firmware is None:
            return "cannot"
        return None if self._allows(facts.known.ip or "") else "excluded"

    async def _ask(self, firmware: Firmware, facts: Facts, one: Target, before: Seen) -> None:
        """Ask a miner, once, and look at what it does. That it is asked is written already."""
        said = heard = None
        try:
            answer = await firmware.steer(reach(facts.known), wish_of(one))
            said, heard = answer.words, True
        except NotSupported as err:
            await self._end(one, "refused", reason="cannot", said=str(err))
            return
        except AnotherDevice as err:
            await self._end(one, "skipped", reason="moved", said=str(err))
            return
        except BadCredentials as err:
            await self._end(one, "refused", reason="no_access", said=str(err))
            return
        except Refused as err:
            await self._end(one, "refused", reason=err.code if err.code in REASONS else None, said=str(err))
            return
        except Transient as err:
            said = str(err)
        finally:
            self._asking.pop(one.num, None)
        await self._again(lambda: self._store.write(orders.answered, one, said, self._clock()))
        await self._confirm(firmware, facts, one, before, otherwise="no_effect" if heard else "no_answer")

    async def _confirm(self, firmware: Firmware, facts: Facts, one: Target, before: Seen, *, otherwise: str) -> None:
        """Look at a miner until it shows what was asked for. `otherwise`: why it is unconfirmed if it never does."""
        sent_at = one.sent_at or self._clock()
        passed = min(max(self._clock() - sent_at, 0.0), self._patience_s(firmware, one.verb))
        until = self._monotonic() + max(self._patience_s(firmware, one.verb) - passed, LONGEST_LOOK_S)
        pause, restarted = FIRST_LOOK_S, one.step == "restarting"
        while True:
            await self._sleep(pause)
            pause = min(pause * 1.5, LONGEST_LOOK_S)
            now, verdict = await self._verdict(firmware, facts, one, before, sent_at)
            if verdict == "done":
                await self._end(one, "confirmed", after=now)
                return
            if verdict == "waits_for_restart" and not restarted:
                restarted = True
                until += await self._restart(firmware, facts, one)
            elif self._monotonic() >= until:
                why = otherwise if verdict == "waits" else verdict
                await self._end(one, "unconfirmed", reason=why, after=now)
                return

    async def _verdict(
        self, firmware: Firmware, facts: Facts, one: Target, before: Seen, sent_at: float
    ) -> tuple[Seen | None, str]:
        known = await self._again(lambda: self._store.read(miners.by_mac, one.mac)) or facts.known
        try:
            now = await self._look(firmware, known, one.verb)
        except AnotherDevice:
            return None, "moved"  # the next sweep knows where it is
        except HivedError:
            return None, "no_answer"
        name = before.preset if one.verb in ("resume", "restart") else preset_of(one)
        step = next((step for step in facts.ladder if step["name"] == name), None)
        watts = step.get("power_w") if step else None
        return now, readback.judge(one.verb, one.args, before, now, sent_at=sent_at, step_w=watts)

    async def _restart(self, firmware: Firmware, facts: Facts, one: Target) -> float:
        """Restart mining, once, for a change that is not in force before; return how long that may take, s."""
        await self._again(lambda: self._store.write(orders.restarting, one))
        try:
            await firmware.steer(reach(facts.known), Wish("restart"))
        except Transient:
            pass  # nobody knows
        except HivedError as err:
            log.warning("%s keeps its change waiting: mining cannot be restarted: %s", facts.known.ip, err)
            return 0.0
        return self._patience_s(firmware, "restart")

    async def _lights_off(self, one: Target) -> None:
        known = await self._again(lambda: self._store.read(miners.by_mac, one.mac))
        firmware = self._families.get(known.firmware or "") if known is not None else None
        if firmware is not None and known.is_open and self._allows(known.ip or ""):
            try:
                await firmware.steer(reach(known), Wish("locate", {"on": False}))
            except Transient as err:
                if self._clock() < (one.ends_at or 0.0) + LIGHTS_TRIED_S:
                    log.info("%s keeps its lights on: %s", known.ip, err)
                    await self._sleep(LONGEST_LOOK_S)
                    return
            except HivedError as err:
                log.warning("%s keeps its lights on: %s", known.ip, err)
        await self._again(lambda: self._store.write(order_ends.lights_off, one))

    async def _look(self, firmware: Firmware, known: KnownMiner, verb: str | None) -> Seen:
        async with self._looks:
            return replace(await firmware.look(reach(known), verb), at=self._clock())

    def _patience_s(self, firmware: Firmware, verb: str) -> float:
        return self._confirm_s if self._confirm_s is not None else firmware.patience_s(verb)

    async def _end(
        self, one: Target, state: Any, *, reason: str | None = None, said: str | None = None, after: Seen | None = None
    ) -> None:
        at = self._clock()
        await self._again(
            lambda: self._store.write(lambda db: orders.end(db, one, state, at, reason=reason, said=said, after=after))
        )

    async def _again(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Return what the database says, however long it is busy: what was done to a miner is not forgotten for it."""
        while True:
            try:
                return await call()
            except Transient as err:
                log.debug("the database is busy: %s", err)
                await self._sleep(FIRST_LOOK_S)

    # -- after a start -------------------------------------------------------------------------------------------------

    async def _recover(self) -> None:
        """Take up what another process has begun: see what became of it."""
        left = await self._store.read(orders.running)
        for order, one in left:
            self._not_before = max(self._not_before, self._monotonic() + order.packet.interval_s)
            self._start(one.num, self._take_up(order, one))
        self._recovered = True

    async def _take_up(self, order: Order, one: Target) -> None:
        facts = await self._again(lambda: self._store.read(steering_facts.of, order, one, self._rules, self._clock()))
        firmware = self._families.get(facts.known.firmware or "") if facts else None
        if facts is None or firmware is None or facts.is_lost:
            await self._end(one, "unconfirmed", reason="interrupted")
            return
        before = Seen.from_json(one.before or {"at": one.sent_at or 0.0})
        if one.step != "sending":
            await self._confirm(firmware, facts, one, before, otherwise="no_effect")
            return
        now, verdict = await self._verdict(firmware, facts, one, before, one.sent_at or self._clock())
        if verdict == "done":  # it was heard
            await self._end(one, "confirmed", after=now)
            return
        stands = await self._again(lambda: self._store.read(orders_elsewhere.stands, order.id, self._clock()))
        if stands and VERBS[one.verb].repeatable and self._why_not(facts, firmware) is None:
            await self._ask(firmware, facts, one, before)
        else:
            await self._confirm(firmware, facts, one, before, otherwise="interrupted")
