"""One table says of every code what it means and what to do; nothing that looks it up can fail."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from hived import errors
from hived.cli.main import parser
from hived.errors import PROBLEMS, HivedError, NotThisFirmware, Transient, WrongPassword, next_step, problem

HIVED = Path(errors.__file__).parent
FILES = sorted(HIVED.rglob("*.py"))
MINERS = [HIVED / "clients" / "firmwares", HIVED / "services" / "miners"]
"""What is raised here is stored as the error of a miner."""
COMMAND = re.compile(r"hivectl ([^;,:`]+)")


def texts(node: ast.AST | None) -> Iterator[str]:
    for one in ast.walk(node) if node is not None else ():
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value


def codes_named(tree: ast.AST) -> Iterator[str]:
    """Yield the codes that errors are given (`code=`, a class's own) and those that are looked up by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("code", "error_code"):
            yield from texts(node.value)
        elif isinstance(node, ast.ClassDef):
            for line in node.body:
                if isinstance(line, ast.Assign) and [ast.unparse(target) for target in line.targets] == ["code"]:
                    yield from texts(line.value)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("next_step", "problem"):
            yield from texts(node.args[0] if node.args else None)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HIVED)))
def test_every_code_that_is_named_is_in_the_table(path: Path) -> None:
    assert set(codes_named(ast.parse(path.read_text()))) <= PROBLEMS.keys()


def test_every_code_of_the_table_is_used_somewhere() -> None:
    used = {text for path in FILES if path != HIVED / "errors.py" for text in texts(ast.parse(path.read_text()))}
    used |= set(codes_named(ast.parse((HIVED / "errors.py").read_text()))) | {HivedError.code}
    assert PROBLEMS.keys() - used == set()


@pytest.mark.parametrize("path", [path for room in MINERS for path in sorted(room.rglob("*.py"))], ids=lambda p: p.name)
def test_no_error_of_a_miner_is_without_a_code_that_says_something(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("HivedError", "Transient"):
            assert any(keyword.arg == "code" for keyword in node.keywords), ast.unparse(node)


@pytest.mark.parametrize("code", [code for code in PROBLEMS if "hivectl" in PROBLEMS[code].next_step])
def test_every_command_of_a_next_step_exists(code: str) -> None:
    for command in COMMAND.findall(next_step(code, miner="rig-7", ip="192.0.2.7")):
        with contextlib.redirect_stderr(io.StringIO()) as said:
            try:
                parser().parse_args(command.split())
            except SystemExit:
                pytest.fail(f"hivectl {command}: {said.getvalue()}")


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
    assert next_step(code, miner="rig-7", ip="192.0.2.7") == "see the message: hivectl miners show rig-7"


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
    assert next_step("timeout", miner="02:00:00:00:00:07") == (
        "check its power and network; if it is gone for good: hivectl miners remove 02:00:00:00:00:07"
    )
    assert "02:00:00:00:00:07" in next_step("wrong_password", miner="02:00:00:00:00:07")
