"""One table says of every code what it means and what to do; nothing that looks it up can fail."""

from __future__ import annotations

import string

import pytest

from hived.errors import PROBLEMS, HivedError, NotThisFirmware, Transient, WrongPassword, next_step, problem


def test_a_code_is_the_class_s_unless_the_error_names_its_own() -> None:
    assert (HivedError("x").code, Transient("x").code, WrongPassword("x").code) == (
        "error",
        "transient",
        "wrong_password",
    )
    finer = Transient("no answer within 5 s", code="timeout")
    assert (str(finer), finer.code, Transient.code) == ("no answer within 5 s", "timeout", "transient")
    assert NotThisFirmware("x", "login", code="stock_firmware").code == "stock_firmware"


@pytest.mark.parametrize("code", [None, "", "of_a_newer_node", "{ip}", "__class__"])
def test_a_code_that_nobody_knows_is_an_error_of_no_special_kind(code: str | None) -> None:
    assert problem(code) is PROBLEMS["error"]
    assert next_step(code, miner="rig-7", ip="192.0.2.7") == "see what it says: hivectl miners show rig-7"


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_next_step_can_be_told_with_what_is_known(code: str) -> None:
    assert PROBLEMS[code].code == code
    for facts in ({}, {"miner": "{ip}", "ip": "2001:db8::1"}, {"miner": "a", "ip": None}):
        assert next_step(code, **facts)
    wanted = {name for _, name, _, _ in string.Formatter().parse(PROBLEMS[code].next_step) if name}
    step = next_step(code, miner="rig-7", ip="192.0.2.7")
    assert "{" not in step
    assert ("ip" in wanted) == ("192.0.2.7" in step)
    assert ("miner" in wanted) == ("rig-7" in step)


def test_nobody_is_sent_to_the_address_of_a_miner_that_is_offline() -> None:
    assert next_step("timeout", miner="02:00:00:00:00:07") == "it is offline: look for power and network"
    assert "02:00:00:00:00:07" in next_step("wrong_password", miner="02:00:00:00:00:07")
