"""Commands from the broker become orders, by the same laws as those of the API; what is late, kept or too much is not.

Whoever may publish there has no name: all of them are `mqtt`, who may what `records.mqtt.SCOPE` says. Nobody knows
whether a person or a program speaks, so what is protected from everything automatic is protected from them.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hived.errors import BadRequest, Conflict, Forbidden, NotFound
from hived.records.access import MQTT_USER, By
from hived.records.mqtt import OLD_S, Command, Topics, read_command
from hived.records.order_request import read
from hived.services.miners import orders as giving
from hived.services.miners.moments import moment
from hived.services.miners.orders import Giver, Rules
from hived.store import Database, Store
from hived.store.miners import miners

log = logging.getLogger(__name__)

MINUTE_S = 60.0
COMMANDS_A_MINUTE = 600
"""One for each miner of a large site, when all are switched at once."""
ORDERS_A_MINUTE = 20
"""Orders are kept and looked at by people: a program that runs wild must not wash them away."""
EXPIRES_S = 600
"""What is not begun by then never is: who pressed a button does not expect it an hour later."""
SAY_EVERY_S = 300.0


@dataclass(frozen=True, slots=True)
class Steering:
    """What may be ordered (`scope`), how orders are carried out here, how often a miner is asked how it is."""

    scope: frozenset[str]
    rules: Rules
    status_seconds: float


class Rate:
    """At most so many within a minute."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most, self._clock = most, clock
        self._taken: deque[float] = deque()

    def take(self) -> bool:
        """Count one more; False when it is one too many. A clock that was set back begins anew."""
        now = self._clock()
        while self._taken and not 0 <= now - self._taken[0] < MINUTE_S:
            self._taken.popleft()
        if len(self._taken) >= self._most:
            return False
        self._taken.append(now)
        return True


class Commands:
    """Hears messages, keeps what may be done, and gives it as orders. `clock`: UTC epoch seconds."""

    def __init__(
        self, store: Store, steering: Steering, topics: Topics, *, address: str, clock: Callable[[], float]
    ) -> None:
        self._store, self._steering, self._topics, self._clock = store, steering, topics, clock
        self._address = address
        self._waiting: dict[tuple[str, str], Command] = {}
        self._seen: dict[bytes, float] = {}
        self._commands, self._orders = Rate(COMMANDS_A_MINUTE, clock), Rate(ORDERS_A_MINUTE, clock)
        self._said: dict[str, float] = {}
        self.dropped: Counter[str] = Counter()
        """How many were not carried out, by reason."""

    def hear(self, topic: str, payload: bytes, *, kept: bool) -> None:
        """Keep a command for `give`. `kept`: the broker has it from whenever that was."""
        if kept:
            self._drop("kept", "a command that the broker keeps is never carried out: publish it without retain")
            return
        if not self._commands.take():
            self._drop("rate", f"more than {COMMANDS_A_MINUTE} commands a minute")
            return
        try:
            command = read_command(self._topics, topic, payload, self._steering.scope)
        except BadRequest as err:
            self._drop("unreadable", str(err))
            return
        if command.is_old(self._clock()):
            self._drop("old", f"given more than {OLD_S:.0f} s ago, or by a clock that is wrong")
        elif self._is_again(topic, payload):
            self._drop("again", "the same message as before")
        else:
            self._waiting[command.mac, command.what] = command  # the last word counts

    async def give(self) -> list[int]:
        """Give what waits as orders, one for all miners that are to do the same; return their numbers."""
        commands, self._waiting = list(self._waiting.values()), {}
        given = []
        for verb, args, macs, at in _together([one for one in commands if not self._is_late(one)]):
            if not self._orders.take():
                self._drop("rate", f"more than {ORDERS_A_MINUTE} orders a minute")
                continue
            body = {"verb": verb, "args": args, "expires_seconds": EXPIRES_S, "key": _key(verb, args, macs, at)}
            number = await self._store.write(self._give, body, macs)
            given += [] if number is None else [number]
        return given

    def _give(self, db: Database, body: Mapping[str, Any], macs: Sequence[str]) -> int | None:
        now = self._clock()
        giver = Giver(By(at=now, who=MQTT_USER, via="mqtt", address=self._address), "operator", automatic=True)
        try:
            request = read({**body, "miners": [one for one in macs if miners.by_mac(db, one) is not None]})
            at = moment(db, now, self._steering.status_seconds)
            return giving.give(db, request, giver, self._steering.rules, at)[0]
        except (BadRequest, Forbidden, NotFound, Conflict) as err:
            self._drop("refused", str(err))
            return None

    def _is_late(self, command: Command) -> bool:
        """The database may have been busy since it was heard."""
        late = command.is_old(self._clock())
        if late:
            self._drop("old", "it had to wait for too long")
        return late

    def _is_again(self, topic: str, payload: bytes) -> bool:
        """Tell whether this very message came before. What is older than any command may be is forgotten."""
        now = self._clock()
        self._seen = {key: at for key, at in self._seen.items() if abs(now - at) <= 3 * OLD_S}
        key = hashlib.blake2b(topic.encode() + b"\0" + payload, digest_size=16).digest()
        again = key in self._seen
        self._seen.setdefault(key, now)
        return again

    def _drop(self, why: str, words: str) -> None:
        self.dropped[why] += 1
        now = self._clock()
        if not 0 <= now - self._said.get(why, -SAY_EVERY_S) < SAY_EVERY_S:
            self._said[why] = now
            log.warning("a command over MQTT was not carried out: %s", words)


def _together(commands: Sequence[Command]) -> list[tuple[str, Mapping[str, Any], list[str], float]]:
    """Return verb, arguments, MACs and the newest time of what is the same for several miners."""
    groups: dict[str, list[Command]] = {}
    for one in commands:
        groups.setdefault(json.dumps([one.verb, one.args], sort_keys=True), []).append(one)
    return [
        (each[0].verb, each[0].args, [one.mac for one in each], max(one.at for one in each)) for each in groups.values()
    ]


def _key(verb: str, args: Mapping[str, Any], macs: Sequence[str], at: float) -> str:
    """Name an order by what was said: said again to a process that has started since, it is the same order."""
    said = json.dumps([verb, args, sorted(macs), at], sort_keys=True).encode()
    return hashlib.blake2b(said, digest_size=16).hexdigest()
