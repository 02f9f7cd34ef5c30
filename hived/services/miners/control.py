"""Carry out orders to miners: one command at a time to each, every step written before it is taken, every end seen.

A miner is asked once. What it answers proves nothing: it is looked at until it shows what was asked for, or until its
firmware has had the time that it may take. What a process that was killed had begun is looked at in the same way by the
next one; only what changes nothing when it is said twice is said again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from hived.clients.firmwares.family import Firmware
from hived.errors import AnotherDevice, BadCredentials, HivedError, NotSupported, Refused, Transient
from hived.records import readback
from hived.records.miner import HASHING_STATES
from hived.records.miner_view import KnownMiner
from hived.records.orders import REASONS, Order, Target
from hived.records.steering import VERBS, Seen, Wish
from hived.services.miners import steering_facts
from hived.services.miners.orders import Rules
from hived.services.miners.pace import Pace, Place
from hived.services.miners.steering_facts import Facts, left_out, reach, why_unseen, wish_of
from hived.store import Store
from hived.store.miners import miners, order_ends, orders, orders_elsewhere

log = logging.getLogger(__name__)

LOOKS_AT_ONCE = 32
FIRST_LOOK_S = 1.0
LONGEST_LOOK_S = 10.0
RESTS_S = 10.0
"""So long it is waited before it is asked again whether a miner has settled."""
LIGHTS_TRIED_S = 900.0
"""So long it is tried to put out the lights of a miner that does not answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A miner that was asked for something, as long as it is looked at: there may be thousands of these."""

    firmware: Firmware
    known: KnownMiner
    one: Target
    before: Seen
    step_w: float | None
    """What the preset takes that it is to run, W."""
    began: float | None = None
    """When it was asked by the clock that nobody sets; None: by another process."""

    @property
    def sent_at(self) -> float:
        return self.one.sent_at or self.before.at


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
        self._asking: dict[int, Place] = {}
        """Miners that are being asked, by the place that their packet is counted in: (group, kind of change)."""
        self._next: dict[Place, float] = {}
        """When the next packet may be begun in each place."""
        self._resting: dict[int, float] = {}
        """Miners that settle before the way back of a plan, by until when they are left alone."""
        self._recovered = False
        self._not_before = 0.0
        """No packet is begun before: what the last process began a moment ago counts as one."""
        self._pace = Pace(monotonic, sleep)
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
                for group, power, order in await self._store.read(orders.waiting, self._busy()):
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
        busy = self._busy()
        found = await self._store.read(lambda db: orders.next_ones(db, order, group, busy=busy, limit=room))
        for one in found:
            self._asking[one.num] = place
            self._start(one.num, self._carry_out(order, one))
        if found and power != "none":
            self._next[place] = self._monotonic() + order.packet.interval_s

    def _busy(self) -> list[int]:
        now = self._monotonic()
        self._resting = {num: until for num, until in self._resting.items() if until > now}
        return [*self._under_way, *self._resting]

    def _start(self, num: int, work: Any) -> None:
        task = self._group.create_task(work)
        self._under_way[num] = task
        task.add_done_callback(lambda _: self._done(num))

    def _done(self, num: int) -> None:
        self._under_way.pop(num, None)
        self._asking.pop(num, None)

    # -- one miner -----------------------------------------------------------------------------------------------------

    async def _carry_out(self, order: Order, one: Target) -> None:
        asked = await self._begin(order, one)
        if asked is not None:
            await self._ask(asked)

    async def _begin(self, order: Order, one: Target) -> Asked | None:
        """Write that a miner is asked now; None where it is left out."""
        facts = await self._again(lambda: self._store.read(steering_facts.of, order, one, self._rules, self._clock()))
        if facts is None:
            await self._end(one, "skipped", reason="gone")
            return None
        if facts.is_lost:
            await self._end(one, "skipped", reason="nothing_kept")
            return None
        firmware = self._families.get(facts.known.firmware or "")
        why = self._why_not(facts, firmware)
        if why == "settling" and order.automatic and order.undo_of is not None:
            self._resting[one.num] = self._monotonic() + RESTS_S
            return None
        if why is not None or firmware is None:
            await self._end(one, "skipped", reason=why)
            return None
        one = replace(one, args=facts.meant.args)
        try:
            before = await self._look(firmware, facts.known, one.verb, before=True)
        except (Transient, Refused) as err:
            await self._end(one, "skipped", reason=why_unseen(err), said=str(err))
            return None
        why = left_out(one, before)
        if why is not None:
            await self._end(one, "skipped", reason=why, after=before)
            return None
        place = self._asking.get(one.num)
        paced = self._pace.turn(place, order.packet) if place is not None and place[1] != "none" else nullcontext()
        async with paced:
            sent_at = await self._again(
                lambda: self._store.write(steering_facts.begin, order, one, before, self._rules, self._clock)
            )
        if sent_at is None:
            return None
        one = replace(one, sent_at=sent_at)
        return Asked(firmware, facts.known, one, before, facts.step_w(one, before), self._monotonic())

    def _why_not(self, facts: Facts, firmware: Firmware | None) -> str | None:
        """Return why a miner is not asked, by the laws and by what is known of it now."""
        if facts.meant.reason is not None:
            return facts.meant.reason
        if firmware is None:
            return "cannot"
        return None if self._allows(facts.known.ip or "") else "excluded"

    async def _ask(self, asked: Asked) -> None:
        """Ask a miner, once, and look at what it does. That it is asked is written already."""
        one, said, heard = asked.one, None, None
        try:
            answer = await asked.firmware.steer(reach(asked.known), wish_of(one))
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
        await self._confirm(asked, otherwise="no_effect" if heard else "no_answer")

    async def _confirm(self, asked: Asked, *, otherwise: str) -> None:
        """Look at a miner until it shows what was asked for. `otherwise`: why it is unconfirmed if it never does."""
        one = asked.one
        patience_s = self._patience_s(asked.firmware, one.verb)
        passed = min(max(self._clock() - asked.sent_at, 0.0), patience_s)
        until = self._monotonic() + max(patience_s - passed, LONGEST_LOOK_S)
        pause, restarted = FIRST_LOOK_S, one.step == "restarting"
        while True:
            await self._sleep(pause)
            pause = min(pause * 1.5, LONGEST_LOOK_S)
            now, verdict = await self._verdict(asked)
            if verdict == "done":
                await self._end(one, "confirmed", after=now)
                return
            waits = verdict == "waits_for_restart" and not restarted
            if waits and await self._may_restart(one, now):
                restarted = True
                until += await self._restart(asked)
            elif self._monotonic() >= until or (waits and _stands(now)):
                why = otherwise if verdict == "waits" else verdict
                await self._end(one, "unconfirmed", reason=why, after=now)
                return

    async def _verdict(self, asked: Asked) -> tuple[Seen | None, str]:
        one = asked.one
        known = await self._again(lambda: self._store.read(miners.by_mac, one.mac)) or asked.known
        try:
            now = await self._look(asked.firmware, known, one.verb)
        except AnotherDevice:
            return None, "moved"  # the next sweep knows where it is
        except HivedError:
            return None, "no_answer"
        # A clock that was set meanwhile would make what began long ago look as if it had begun since.
        at = now.at if asked.began is None else asked.sent_at + self._monotonic() - asked.began
        shown = replace(now, at=at)
        return now, readback.judge(one.verb, one.args, asked.before, shown, sent_at=asked.sent_at, step_w=asked.step_w)

    async def _may_restart(self, one: Target, now: Seen | None) -> bool:
        """Tell whether mining may be restarted for a change that waits: never where nobody wants it to begin.

        What changes no power goes without a pause from miner to miner, and so would the restarts.
        """
        if now is None or now.state not in HASHING_STATES or VERBS[one.verb].power == "none":
            return False
        ip = await self._again(lambda: self._store.read(steering_facts.may_go_on, one, self._clock()))
        return ip is not None and self._allows(ip)

    async def _restart(self, asked: Asked) -> float:
        """Restart mining, once, for a change that is not in force before; return how long that may take, s."""
        await self._again(lambda: self._store.write(orders.restarting, asked.one))
        try:
            await asked.firmware.steer(reach(asked.known), Wish("restart"))
        except Transient:
            pass  # nobody knows
        except HivedError as err:
            log.warning("%s keeps its change waiting: mining cannot be restarted: %s", asked.known.ip, err)
            return 0.0
        return self._patience_s(asked.firmware, "restart")

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

    async def _look(self, firmware: Firmware, known: KnownMiner, verb: str, *, before: bool = False) -> Seen:
        async with self._looks:
            return replace(await firmware.look(reach(known), verb, before=before), at=self._clock())

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
        asked = Asked(firmware, facts.known, one, before, facts.step_w(one, before))
        if one.step != "sending":
            await self._confirm(asked, otherwise="no_effect")
            return
        now, verdict = await self._verdict(asked)
        if verdict == "done":  # it was heard
            await self._end(one, "confirmed", after=now)
            return
        stands = await self._again(lambda: self._store.read(orders_elsewhere.stands, order.id, self._clock()))
        if stands and VERBS[one.verb].repeatable and self._why_not(facts, firmware) is None:
            await self._ask(asked)
        else:
            await self._confirm(asked, otherwise="interrupted")


def _stands(now: Seen | None) -> bool:
    return now is not None and now.state == "stopped"
