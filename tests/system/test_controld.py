"""The real hive-controld where there is nothing to do."""

from __future__ import annotations

from tests.system.appliance import Appliance, until


async def test_switched_off_it_runs_idle_and_says_so_until_it_is_switched_on(appliance: Appliance) -> None:
    def says(words: str) -> bool:
        return appliance.rows("SELECT status FROM daemon WHERE name = 'hive-controld'") == [(words,)]

    appliance.configure(controld={"enabled": False})
    controld = appliance.start("hive-controld")
    await until(lambda: says("off: controld.enabled says so"))
    appliance.configure(controld={"enabled": True})
    controld.reload()
    await until(lambda: says("nothing to do"))
    await controld.stop()
