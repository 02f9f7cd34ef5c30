"""Which family of firmware answers at an address."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable

from hived.clients.firmwares.family import Firmware
from hived.errors import NotThisFirmware, Refused, Transient
from hived.records.miner import MinerIdentity


async def recognise(
    families: Iterable[Firmware], ip: str, ports: Collection[int], *, first: str | None, within_s: float
) -> tuple[Firmware, MinerIdentity]:
    """Ask the families that may listen on the open `ports` until one takes the device; `first` is what ran here before.

    When none does: Transient or Refused of the first that could not tell, else NotThisFirmware of the first.
    """
    todo = sorted((f for f in families if set(f.ports) & set(ports)), key=lambda f: f.name != first)
    unclear: list[Exception] = []
    foreign: list[Exception] = []
    while todo:
        family = todo.pop(0)
        try:
            async with asyncio.timeout(within_s):
                return family, await family.identify(ip)
        except NotThisFirmware as err:
            foreign.append(err)
            todo.sort(key=lambda f, kind=err.kind: f.name != kind)  # type: ignore[misc]
        except TimeoutError:
            unclear.append(Transient(f"no answer within {within_s:g} s", code="timeout"))
        except (Transient, Refused) as err:
            unclear.append(err)
    raise (unclear + foreign)[0]
