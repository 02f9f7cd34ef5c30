"""What several tasks write at the same time is one transaction, and each task gets its own result."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from hived.errors import Transient
from hived.services.together import Together


async def test_all_that_waits_is_written_at_once_and_everyone_gets_his_own() -> None:
    written: list[list[int]] = []

    async def write(items: Sequence[int]) -> list[int]:
        written.append(list(items))
        await asyncio.sleep(0)
        return [10 * item for item in items]

    together = Together(write)
    assert await asyncio.gather(*map(together.write, range(20))) == [10 * item for item in range(20)]
    assert [item for items in written for item in items] == list(range(20))
    assert len(written) <= 2


async def test_what_a_transaction_raises_is_raised_to_all_in_it_and_to_nobody_later() -> None:
    fails = [True]

    async def write(items: Sequence[int]) -> Sequence[int]:
        if fails[0]:
            raise Transient("the database is locked")
        return items

    together = Together(write)
    results = await asyncio.gather(*map(together.write, range(3)), return_exceptions=True)
    assert [str(result) for result in results] == ["the database is locked"] * 3
    fails[0] = False
    assert await together.write(7) == 7


async def test_who_is_cancelled_while_writing_leaves_the_others_no_riddle() -> None:
    calls: list[Sequence[int]] = []
    first_may_end, second_began = asyncio.Event(), asyncio.Event()

    async def write(items: Sequence[int]) -> Sequence[int]:
        calls.append(items)
        if len(calls) == 2:
            second_began.set()
        await (first_may_end if len(calls) == 1 else asyncio.Event()).wait()
        return items

    together = Together(write)
    first, second, third = (asyncio.create_task(together.write(number)) for number in (1, 2, 3))
    while not calls:
        await asyncio.sleep(0)
    first_may_end.set()
    await second_began.wait()
    assert (await first, calls[1]) == (1, [2, 3])
    second.cancel()
    with pytest.raises(Transient, match="broken off"):
        await third
