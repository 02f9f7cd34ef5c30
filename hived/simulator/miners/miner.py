"""One simulated miner: its identity, what is set on it, and what it shows at a moment."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from hived.simulator.miners.access import DEFAULT_PASSWORD, Access
from hived.simulator.miners.captures import Json
from hived.simulator.miners.lies import Later
from hived.simulator.miners.lifecycle import Lifecycle, Outcome, Phase, State, Timings
from hived.simulator.miners.models import DISABLED, Model, Preset
from hived.simulator.miners.settings import BadSettings, check, initial, merged
from hived.simulator.miners.snapshot import Condition, Running, Snapshot, take
from hived.simulator.miners.traits import Traits, draw

if TYPE_CHECKING:
    from hived.simulator.miners.faults import ActiveFault, Fault

Clock = Callable[[], float]

TICKS_PER_S = 4
"""Values move four times a second; between two ticks every answer is the same and comes from the cache."""

MAX_COUNTED_PATHS = 1000
"""Different request lines counted; the rest share one counter, so that a fuzzer does not fill the memory."""


SETUPS: Final[tuple[str, ...]] = (*get_args(State), "failed-board", "dead-board", "lost-fan", "healthy", "immersion")
"""What a miner can be told to be: the firmware's states, a second kind of failure, two defects, free of defects, and
cooled by a bath instead of fans."""

TUNED_SHARE = 0.6
"""Presets up to this point of the ladder have been tuned on a unit of the default fleet."""


@dataclass(slots=True)
class Unit:
    """What a control board holds beside its settings; a new board starts afresh."""

    mac: str
    booted_at: float
    finding: bool = False


class SimulatedMiner:
    """One miner. Everything it shows is a function of its seed, the commands it got, and the clock."""

    def __init__(
        self,
        index: int,
        ip: str,
        model: Model,
        *,
        seed: int,
        clock: Clock,
        password: str = DEFAULT_PASSWORD,
        timings: Timings | None = None,
        max_tries: int = 5,
        lockout_s: float = 60.0,
    ) -> None:
        self.index = index
        self.ip = ip
        self.spec = model
        self.seed = seed
        self.clock = clock
        self.timings = timings or Timings()
        self.access = Access(password, max_tries=max_tries, lockout_s=lockout_s)
        self.requests: Counter[str] = Counter()
        self.transports: set[asyncio.Transport] = set()
        self.online = False
        self.waiting: list[asyncio.Transport] = []
        """Connections that nobody serves until the first one is gone."""
        self.fault: ActiveFault | None = None
        self.reboot_asked: Callable[[float], None] = lambda _after: None
        """Called with the seconds until the unit goes down; the fleet listens here."""
        self.leave_asked: Callable[[], None] = lambda: None
        """Called when the unit is to leave the network."""
        self.preset_needs_restart = False
        """True: a changed preset, and changed pools, wait for /mining/restart, as was seen on some units for hours."""
        self.stuck_power_w: int | None = None
        """What it reports whatever it draws."""
        self._old_pools: list[Json] | None = None
        """Those in use while changed ones wait."""
        self.later = Later(clock)
        self.dead_board = False
        self.lost_fan = False
        self._version = 0
        self._cache: dict[str, bytes] = {}
        self._cache_key: tuple[float, int] = (-1.0, -1)
        self._snapshot: tuple[tuple[float, int], Snapshot] | None = None
        self._generation = 0

        now = self.now()
        rng_share = ((index * 2654435761 + seed * 40503) % 2**32) / 2**32
        self.unit = Unit(self._mac(), now - 3600.0 * (2 + 400 * rng_share))
        usual = model.usual[int(rng_share * 997) % len(model.usual)]
        self.requested = usual
        preset = self._known(usual)
        if model.alias == "s21pro" and rng_share < 0.5:
            # As captured: the switcher has gone down from the preset that was asked for.
            self.requested, preset = "3160", self._known("2800")
        top = int(len(model.ladder) * TUNED_SHARE)
        self.tuned: set[str] = {p.name for i, p in enumerate(model.ladder) if i < top or p.watts <= preset.watts}
        self._running = Running(preset, preset, now - 3600.0, 0.0, tuned=preset.name in self.tuned)
        self._tuning: str | None = None
        self.switches: list[tuple[float, int]] = []
        self.life = Lifecycle(self.timings, now, hashing_for=now - self.unit.booted_at - 95.0)

    @property
    def model(self) -> str:
        """The model's alias, as in /info."""
        return self.spec.alias

    @property
    def mac(self) -> str:
        """The hardware address in lower case; the firmware itself writes it in upper case."""
        return self.unit.mac

    @property
    def hostname(self) -> str:
        return str(self.settings["network"]["hostname"])

    @property
    def serial(self) -> str:
        """ "N/A" as in every capture of 1.2.x; the 1.3.3 fixture has one."""
        return f"SIMTEST{self.seed % 1000:03d}{self.index:06d}" if self.spec.boards_api else "N/A"

    @cached_property
    def traits(self) -> Traits:
        return draw(self.spec, f"{self.seed}:{self.index}")

    @cached_property
    def settings(self) -> Json:
        gateway = self.ip.rsplit(".", 1)[0] + ".254"
        worker = f"farm.worker{self.index:04d}"
        return initial(
            self.spec, preset=self.requested, worker=worker, hostname="Antminer", ip=self.ip, gateway=gateway
        )

    @property
    def keys(self) -> dict[str, str]:
        return self.access.keys

    @property
    def password(self) -> str:
        return self.access.password

    @property
    def unlock_tries(self) -> int:
        """Wrong passwords given so far."""
        return self.access.wrong_tries

    @property
    def connections(self) -> int:
        """Open TCP connections."""
        return len(self.transports)

    def has_fault(self, fault: Fault) -> bool:
        return self.fault is not None and self.fault.fault is fault

    def count_request(self, line: str) -> None:
        if line not in self.requests and len(self.requests) >= MAX_COUNTED_PATHS:
            line = "other"
        self.requests[line] += 1

    def now(self) -> float:
        """Return the clock's last tick, in seconds."""
        return int(self.clock() * TICKS_PER_S) / TICKS_PER_S

    @property
    def phase(self) -> Phase:
        return self.life.at(self.now())

    @property
    def state(self) -> str:
        return self.phase.state

    def snapshot(self) -> Snapshot:
        """Return what the miner shows now."""
        now = self.now()
        key = (now, self._version)
        if self._snapshot is None or self._snapshot[0] != key:
            self._snapshot = (key, self._take(now))
        return self._snapshot[1]

    def _take(self, now: float) -> Snapshot:
        mode = self.settings["miner"]["cooling"]["mode"]
        condition = Condition(
            running=self.running(),
            pools=[
                (pool["url"], pool["user"])
                for pool in self._old_pools or self.settings["miner"]["pools"]
                if pool["url"]
            ],
            switches=self.switches,
            fan_mode=mode["name"],
            fan_param=min(max(int(mode.get("param", 0)), 0), 100),
            dead_board=self.dead_board,
            lost_fan=self.lost_fan,
        )
        return take(self.spec, self.traits, self.life.at(now), condition, now)

    def running(self) -> Running:
        """Return the preset in force. It counts as tuned from the first look after its tuning run has ended."""
        name = self._running.preset.name
        if self._tuning == name and self.state == "mining":
            self.tuned.add(name)
            self._tuning = None
            self.life.outcome = "mining"
            self._rerun(tuned=True)
        return self._running

    def _rerun(self, *, tuned: bool) -> None:
        """Keep the preset, with or without tuned clocks."""
        running = self._running
        self._running = Running(running.preset, running.preset, self.now(), 0.0, tuned, running.throttle)

    @property
    def preset(self) -> Preset:
        """The preset that runs, which need not be the requested one."""
        return self.running().preset

    @property
    def throttle_percent(self) -> int:
        return round(self._running.throttle * 100)

    @property
    def restart_required(self) -> bool:
        waits = self.preset_needs_restart and self.requested != self._running.preset.name
        return waits or self._old_pools is not None

    def cached(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Return a reply body, made at most once per tick and command."""
        key = (self.now(), self._version)
        if self._cache_key != key:
            self._cache.clear()
            self._cache_key = key
        body = self._cache.get(name)
        if body is None:
            body = self._cache[name] = make()
        return body

    def changed(self) -> None:
        """Drop what is cached: a command has come."""
        self._version += 1

    def start(self) -> None:
        self._from_pool_zero()
        self.life.start(self.now())
        self.changed()

    def stop(self) -> None:
        self.life.stop(self.now())
        self.changed()

    def restart(self) -> None:
        self._from_pool_zero()
        self.life.restart(self.now())
        self.changed()

    def pause(self) -> bool:
        self.changed()
        return self.life.pause(self.now())

    def resume(self) -> bool:
        self.changed()
        return self.life.resume(self.now())

    def switch_pool(self, pool_id: int) -> bool:
        """Make another pool the active one until the next restart. Return False when there is no such pool."""
        pools = [pool for pool in self.settings["miner"]["pools"] if pool["url"]]
        if not 0 <= pool_id < len(pools):
            return False
        self.switches.append((self.now(), pool_id))
        self.changed()
        return True

    def throttle(self, percent: int) -> None:
        self._running = replace(self._running, throttle=percent / 100)
        self.changed()

    def write_settings(self, change: Any) -> None:
        """Apply a partial settings document. Raises BadSettings."""
        clean = check(change, self.spec)
        password = change.get("password")
        if password is not None:
            if password.get("current") != self.password or not isinstance(password.get("pw"), str):
                raise BadSettings(500, "Wrong password")
            self.access.password = password["pw"]
        before = self.settings["miner"]["pools"]
        self.settings = merged(self.settings, clean)
        if self.preset_needs_restart and before != self.settings["miner"]["pools"]:
            self._old_pools = self._old_pools or before
        overclock = (clean.get("miner") or {}).get("overclock") or {}
        if overclock.get("preset") is not None:
            self._request(overclock["preset"])
        self._obey_switcher()
        if clean.get("miner") and self.phase.failure == "bad-config":
            self.life.outcome = "mining"  # seen on real units: writing the settings heals this failure
            self.life.restart(self.now())
        self.changed()

    def _request(self, name: str) -> None:
        """Change to a preset: at once when it is tuned, else with a tuning run."""
        self.requested = name
        if self.preset_needs_restart or name == self._running.preset.name:
            return
        self._run(self._known(name))
        now = self.now()
        if name in self.tuned or name == DISABLED:
            self.life.settle(now)
            self.life.outcome = "mining" if self.life.outcome == "auto-tuning" else self.life.outcome
        else:
            self._tuning = name
            self.life.tune(now)

    def _obey_switcher(self) -> None:
        """Come down to the switcher's top preset. Climbing back up, which real units do, is not simulated."""
        switcher = self.settings["miner"]["overclock"]["preset_switcher"]
        top = self.spec.preset(str(switcher.get("top_preset")))
        if switcher.get("enabled") is True and top is not None and self._running.preset.watts > top.watts:
            self._run(top)

    def _run(self, preset: Preset) -> None:
        before, tuned = self._running, preset.name in self.tuned
        self._running = Running(
            preset, before.preset, self.now(), self.timings.preset_blend, tuned=tuned, throttle=before.throttle
        )

    def reboot(self) -> None:
        """Come up again after a reboot that is over now. Keys and settings stay."""
        now = self.now()
        stay = bool(self.settings["miner"]["misc"].get("remain_stopped_on_reboot", False))
        self.unit.booted_at = now
        self.access.forget_tokens()
        self._from_pool_zero()
        self.life.reboot(now, stay_stopped=stay)
        self.changed()

    def replace_board(self) -> None:
        """Get a new control board: another MAC, no keys, the default password, factory settings."""
        self._generation += 1
        now = self.now()
        self.unit = Unit(self._mac(), now)
        self.access = Access(DEFAULT_PASSWORD, max_tries=self.access.max_tries, lockout_s=self.access.lockout_s)
        self.__dict__.pop("settings", None)
        self._from_pool_zero()
        self.life.reboot(now)
        self.changed()

    def be(self, setup: str, *, since: float | None = None) -> None:
        """Be in a state or have a defect from now on. Raises ValueError for a word not in SETUPS."""
        if setup not in SETUPS:
            raise ValueError(f"unknown state {setup!r}, expected one of {', '.join(SETUPS)}")
        now = self.now()
        if setup == "healthy":
            self.preset_needs_restart, self.stuck_power_w = False, None
        if setup in ("dead-board", "lost-fan", "healthy"):
            self.dead_board = setup == "dead-board" or (self.dead_board and setup != "healthy")
            self.lost_fan = setup == "lost-fan" or (self.lost_fan and setup != "healthy")
        elif setup == "immersion":
            self.write_settings({"miner": {"cooling": {"mode": {"name": "immers"}}}})
        elif setup in ("failure", "failed-board"):
            failure: Outcome = "bad-config" if setup == "failure" else "failed-board"
            self.life.outcome = failure
            self.life.force("failure", now, since=since, failure=failure)
        else:
            self.life.outcome = "mining"
            if setup == "auto-tuning":
                self.life.outcome = "auto-tuning"
                self._tuning = self._running.preset.name
                self.tuned.discard(self._tuning)
                self._rerun(tuned=False)
            self.life.force(cast("State", setup), now, since=since)
        self.changed()

    def _from_pool_zero(self) -> None:
        """Begin with what is set: from the first pool, with what has waited for it."""
        self.switches = []
        self._old_pools = None
        if self.restart_required:
            self._run(self._known(self.requested))

    def _known(self, name: str) -> Preset:
        preset = self.spec.preset(name)
        assert preset is not None, name
        return preset

    def _mac(self) -> str:
        """Return a locally administered address that no other miner of the fleet has."""
        number = self.index & 0xFFFF
        return f"02:51:{self.seed & 0xFF:02x}:{self._generation & 0xFF:02x}:{number >> 8:02x}:{number & 0xFF:02x}"
