"""One event a trouble of a miner: whoever sees it, and in whatever words."""

from __future__ import annotations

import itertools
import random

import pytest

from hived.errors import PARTS, PROBLEMS
from hived.records import troubles
from hived.records.miner import MinerIdentity
from hived.records.miner_view import PollOutcome, StoredStatus
from hived.store import Store, create, events
from hived.store.engine.database import Database
from hived.store.miners import miners, readings, views
from tests.store.engine.test_store import run
from tests.store.miners.test_history import START

MAC = "02:00:00:00:00:01"
QUIET = troubles.QUIET_S


def a_miner(db: Database) -> int:
    sighting = miners.Sighting(MinerIdentity(MAC, "Antminer S19", "s19"), "10.0.0.1", START)
    num = miners.saw(db, sighting, node_id="node-1").num
    miners.keep_access(db, num, "key", START)
    return num


def poll_fails(num: int, at: float, code: str, text: str = "no answer") -> PollOutcome:
    return PollOutcome(num, at, error=text, error_code=code, failed=True)


def poll_works(num: int, at: float) -> PollOutcome:
    return PollOutcome(num, at, status=StoredStatus(num=num, at=at, state="mining"))


def told(db: Database) -> list[str]:
    found = events.newest(db, kind="miner_error", limit=10_000)
    return [event.detail["code"] for event in reversed(found)]


async def test_a_hung_miner_that_two_daemons_see_in_words_of_their_own_is_one_event(store: Store) -> None:
    def play(db: Database) -> list[str]:
        num = a_miner(db)
        for i in range(60):
            at = START + 30 * i
            code = ("timeout", "connection_lost", "unreadable")[i % 3]
            readings.save(db, [poll_fails(num, at, code, f"cut at character {i}")])
            miners.failed(db, num, at + 1, "server_error" if i % 2 else "timeout", f"HTTP 50{i % 4}")
        return told(db)

    assert await store.write(play) == ["timeout"]


async def test_a_miner_that_answers_every_second_poll_is_one_event(store: Store) -> None:
    def play(db: Database) -> list[str]:
        num = a_miner(db)
        for i in range(0, 200, 2):
            readings.save(db, [poll_fails(num, START + 15 * i, "timeout"), poll_works(num, START + 15 * (i + 1))])
        return told(db)

    assert await store.write(play) == ["timeout"]


async def test_a_key_that_is_made_and_refused_again_and_again_is_one_event(store: Store) -> None:
    def play(db: Database) -> list[str]:
        num = a_miner(db)
        for i in range(100):
            at = START + 30 * i
            miners.keep_access(db, num, f"key {i}", at)
            readings.save(db, [poll_fails(num, at + 1, "key_refused", "our key is refused")])
            if i % 7 == 0:
                miners.unlock_failed(db, num, at + 2, "wrong_password", "no", not_before=at, position=0)
        return told(db)

    assert await store.write(play) == ["key_refused", "wrong_password"]


async def test_a_trouble_that_was_over_for_an_hour_is_told_again(store: Store) -> None:
    def play(db: Database) -> list[str]:
        num = a_miner(db)
        readings.save(db, [poll_fails(num, START, "timeout")])
        for after in (60, QUIET - 1, QUIET):
            readings.save(db, [poll_works(num, START + after)])
        readings.save(db, [poll_fails(num, START + QUIET + 15, "server_error")])
        return told(db)

    assert await store.write(play) == ["timeout", "server_error"]


async def test_a_password_that_is_tried_every_six_hours_stays_one_event(store: Store) -> None:
    def play(db: Database) -> list[str]:
        num = a_miner(db)
        for i in range(40):
            miners.unlock_failed(db, num, START + 6 * 3600 * i, "wrong_password", "no", not_before=0, position=0)
        return told(db)

    assert await store.write(play) == ["wrong_password"]


@pytest.mark.parametrize("code", sorted(PARTS))
async def test_a_missing_part_is_no_event_and_does_not_hide_why_there_is_no_status(store: Store, code: str) -> None:
    def play(db: Database) -> tuple[list[str], str | None, int]:
        num = a_miner(db)
        readings.save(db, [poll_fails(num, START, "timeout", "no answer within 5 s")])
        readings.save(db, [PollOutcome(num, START + 5, error="a part is not told", error_code=code)])
        miners.failed(db, num, START + 6, code, "a part is not told")
        view = views.miners(db)[0]
        return told(db), view.last_error, view.error_count

    assert await store.write(play) == (["timeout"], "no answer within 5 s", 3)


async def test_a_missing_part_of_a_miner_that_is_read_is_its_error(store: Store) -> None:
    def play(db: Database) -> tuple[list[str], str | None]:
        num = a_miner(db)
        readings.save(db, [poll_fails(num, START, "timeout"), poll_works(num, START + 15)])
        readings.save(db, [PollOutcome(num, START + 16, error="chips not told", error_code="no_chips")])
        return told(db), views.miners(db)[0].last_error

    assert await store.write(play) == (["timeout"], "chips not told")


@pytest.mark.parametrize("seed", range(12))
async def test_any_sequence_of_sightings_tells_each_trouble_once_until_it_was_quiet(store: Store, seed: int) -> None:
    """Random answers, seen by both daemons in batches of random size, some of them after a clock was set back."""
    chance = random.Random(seed)
    codes = chance.sample(sorted(PROBLEMS.keys() - PARTS), 6)

    def play(db: Database) -> tuple[list[tuple[float, str | None]], list[tuple[float, str | None]], list[float]]:
        num, at = a_miner(db), START
        signs: list[tuple[float, str | None]] = []
        well: list[float] = []
        batch: list[PollOutcome] = []
        for _ in range(400):
            at += chance.choice((1, 15, 30, 600, QUIET / 2, QUIET * 2 if chance.random() < 0.2 else 60))
            code = chance.choice(codes)
            match chance.randrange(4):
                case 0:
                    batch.append(poll_fails(num, at, code, f"text {chance.random()}"))
                    signs.append((at, troubles.trouble(code)))
                case 1:
                    batch.append(poll_works(num, at))
                    well.append(at)
                case 2:
                    readings.save(db, batch)
                    batch = []
                    miners.failed(db, num, at, code, f"text {chance.random()}")
                    signs.append((at, troubles.trouble(code)))
                case _:
                    batch.append(PollOutcome(num, at, error="chips not told", error_code="no_chips"))
            if chance.random() < 0.5:
                readings.save(db, batch)
                batch = []
        readings.save(db, batch)
        found = events.newest(db, kind="miner_error", limit=1000)
        return signs, [(e.at, troubles.trouble(e.detail["code"])) for e in reversed(found)], well

    signs, told_of, well = await store.write(play)
    for name in {name for _, name in signs}:
        seen = [at for at, which in signs if which == name]
        events_at = [at for at, which in told_of if which == name]
        assert events_at[:1] == seen[:1], "the first sign is told"
        for before, again in itertools.pairwise(events_at):
            last = max(at for at in seen if at < again)
            assert any(last + QUIET <= at <= again for at in well), f"{name}: told at {before} and again at {again}"
        for last, again in itertools.pairwise(seen):
            if any(last + QUIET <= at < again for at in well):
                assert again in events_at, f"{name}: was over, and is there again at {again}"


async def test_a_clock_that_was_set_back_does_not_silence_a_trouble_for_years(store: Store) -> None:
    def play(db: Database) -> list[str]:
        num, year = a_miner(db), 365 * 86_400.0
        readings.save(db, [poll_fails(num, START + year, "timeout")])
        for after in (0, QUIET, QUIET + 15):
            readings.save(db, [poll_works(num, START + after)])
        readings.save(db, [poll_fails(num, START + 2 * QUIET, "timeout")])
        return told(db)

    assert await store.write(play) == ["timeout", "timeout"]


async def test_an_update_tells_nothing_again_of_a_miner_that_was_in_trouble_before(url: str) -> None:
    async with Store.open(url) as store:
        num = await store.write(a_miner)
        await store.write(readings.save, [poll_fails(num, START, "timeout")])
        await store.write(miners.unlock_failed, num, START, "wrong_password", "no", not_before=0, position=0)
        assert await store.read(told) == ["timeout", "wrong_password"]
    run(url, "ALTER TABLE health DROP COLUMN troubles")
    run(url, "DELETE FROM schema_migration WHERE name = '0009_troubles'")
    assert create(url) == ["0009_troubles"]
    async with Store.open(url) as store:
        await store.write(readings.save, [poll_fails(num, START + 99, "server_error")])
        await store.write(miners.unlock_failed, num, START + 99, "no_password", "no", not_before=0, position=0)
        assert await store.read(told) == ["timeout", "wrong_password"]
