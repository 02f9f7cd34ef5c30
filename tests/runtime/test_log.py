"""What a log line looks like, for journald and for people, and that nobody can forge one."""

from __future__ import annotations

import io
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from hived.runtime import log

logger = logging.getLogger("hived.test")


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[IO[str]]:
    with (tmp_path / "journal").open("w+") as stream:
        there = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{there.st_dev}:{there.st_ino}")
        yield stream


def lines(stream: IO[str]) -> list[str]:
    stream.flush()
    stream.seek(0)
    return stream.read().splitlines()


def test_journald_gets_priorities_and_no_time(journal: IO[str]) -> None:
    log.setup("debug", journal)
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        logger.log(level, "%s miners", 3)
    assert lines(journal) == [f"<{n}>hived.test: 3 miners" for n in (7, 6, 4, 3, 2)]


def test_people_get_time_level_and_name() -> None:
    stream = io.StringIO()
    log.setup("info", stream)
    logger.warning("3 miners")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warning hived\.test: 3 miners\n", stream.getvalue())


def test_a_stream_that_is_not_the_journal_is_for_people(journal: IO[str], tmp_path: Path) -> None:
    with (tmp_path / "redirected").open("w+") as other:
        assert log.is_journal(journal)
        assert not log.is_journal(other)
    assert not log.is_journal(io.StringIO())


def test_every_line_of_a_record_carries_the_prefix(journal: IO[str]) -> None:
    log.setup("info", journal)
    logger.error("a miner named %s", "x\n<0>kernel: panic\r\n\u2028y")
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logger.exception("broken")
    written = lines(journal)
    assert all(line.startswith("<3>hived.test: ") for line in written)
    assert written[:2] == ["<3>hived.test: a miner named x", "<3>hived.test: <0>kernel: panic"]
    assert "<3>hived.test: ValueError: first" in written
    assert "<3>hived.test: second" in written


def test_no_escape_sequence_reaches_a_terminal() -> None:
    stream = io.StringIO()
    log.setup("info", stream)
    logger.info("host \x1b[2J\x9b1m\x00 °C\t→")
    assert stream.getvalue().endswith("host \\x1b[2J\\x9b1m\\x00 °C\t→\n")


def test_a_record_has_an_end(journal: IO[str]) -> None:
    log.setup("info", journal)
    logger.info("x" * 1_000_000)
    (line,) = lines(journal)
    assert len(line) < log.MAX_CHARACTERS + 100
    assert line.endswith(" ... (1000000 characters)")


def test_the_level_decides_and_can_change_without_doubling_lines(journal: IO[str]) -> None:
    log.setup("info", journal)
    logger.debug("one")
    log.setup("debug", journal)
    logger.debug("two")
    log.setup("error", journal)
    logger.warning("three")
    assert lines(journal) == ["<7>hived.test: two"]


def test_others_chatter_is_tamed_and_their_warnings_are_not(journal: IO[str]) -> None:
    log.setup("debug", journal)
    for name in ("asyncio", "aiohttp.access", "httpx", "zeroconf"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("trouble")
    assert lines(journal) == [f"<4>{name}: trouble" for name in ("asyncio", "aiohttp.access", "httpx", "zeroconf")]
    log.setup("error", journal)
    logging.getLogger("asyncio").warning("trouble")
    assert len(lines(journal)) == 4


def test_a_log_that_is_not_ours_stays(journal: IO[str]) -> None:
    foreign = logging.NullHandler()
    logging.getLogger().addHandler(foreign)
    log.setup("info", journal)
    log.setup("info", journal)
    assert foreign in logging.getLogger().handlers
