"""hivectl do: its effect is told before it is given, and its outcome is an exit code."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hived.records.access import By
from hived.records.order_request import read
from hived.records.steering import VERBS, Seen
from hived.services.miners import pools
from hived.store import Database, audit
from hived.store.miners import miners, orders
from tests.cli.conftest import Filler
from tests.cli.site import Site, Terminal, mac

pytestmark = pytest.mark.sqlite_only("the rows are tried on both in tests/services/miners/test_orders.py")

SECRET = "x-geheim-7"


def steered(site: Site) -> None:
    """All daemons run; three miners that hived steers at 7.1 to 7.3, and one at 7.4 that it only reads."""
    site.daemons()
    site.model()
    for number in (1, 2, 3, 4):
        site.status(site.miner(number))
        site.write(miners.set_managed, mac(number), number != 4, site.now)


@pytest.fixture
def farm(filled: Callable[[Filler], Site]) -> Site:
    return filled(steered)


def given(site: Site) -> list[Any]:
    return site.write(lambda db: orders.listing(db, limit=10))


def carry_out(db: Database, at: float, refused: str | None = None) -> None:
    """Do the newest order as hive-controld does; one miner may refuse."""
    (order,) = orders.listing(db, limit=1)
    for target in orders.next_ones(db, order, None, busy=(), limit=100):
        assert orders.begin(db, target, Seen(at, state="mining", power_w=3090.0), at, args=target.args)
        end = ("refused", None) if target.mac == refused else ("confirmed", Seen(at, state="stopped", power_w=12.0))
        orders.end(db, target, end[0], at, after=end[1], said="busy" if target.mac == refused else None)  # type: ignore[arg-type]


def test_without_a_terminal_nothing_is_ordered_unless_yes_is_said(farm: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    ran = farm.run("do", "pause", "--all")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert given(farm) == []
    assert farm.run("do", "pause", "--all", "--yes").code == 0
    assert len(given(farm)) == 1


def test_on_a_terminal_the_effect_is_told_and_a_no_orders_nothing(farm: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("n\ny\n"))
    ran = farm.run("do", "pause", "--all")
    assert ran.err.splitlines() == [
        "left out: 1 miner, it is not managed (192.168.7.4)",
        "next: hivectl miners set 192.168.7.4 --managed",
        "pause 3 miners: -9,090 W, -313.2 TH/s, 1 left out. Do it? [y/N] nothing was done",
    ]
    assert (ran.code, given(farm)) == (1, [])
    ran = farm.run("do", "pause", "--all")
    assert (ran.code, ran.lines[:2]) == (
        0, ["order 1: pause 4 miners: -9,090 W, -313.2 TH/s, 1 left out", "3 pending, 1 skipped"],
    )  # fmt: skip
    assert ran.lines[3:] == [
        "left out: 1 miner, it is not managed (192.168.7.4)",
        "next: hivectl miners set 192.168.7.4 --managed",
        "what becomes of each miner: hivectl orders show 1",
    ]
    assert [(one.verb, one.via) for one in given(farm)] == [("pause", "command")]


def test_a_dry_run_says_what_would_become_of_each_miner_and_keeps_nothing(farm: Site) -> None:
    ran = farm.run("do", "pause", "--all", "--dry-run")
    assert (ran.code, ran.lines[0]) == (0, "would pause 3 miners: -9,090 W, -313.2 TH/s, 1 left out")
    assert "it is not managed" in ran.row("192.168.7.4")
    told = farm.run("do", "pause", "--miner", "192.168.7.1", "--miner", mac(4), "--dry-run", "--json").document
    assert (told["id"], told["words"], told["effect"]["hashrate_ths"]) == (0, "pause 1 miner", pytest.approx(-104.4))
    assert [(one["name"], one["state"], one["reason"]) for one in told["targets"]] == [
        ("192.168.7.1", "pending", None), ("192.168.7.4", "skipped", "not_managed"),
    ]  # fmt: skip
    assert given(farm) == []


VERB_ARGS: list[tuple[str, dict[str, Any]]] = [
    ("resume", {}),
    ("restart", {}),
    ("reboot", {}),
    ("locate", {"on": True, "seconds": 120}),
    ("locate --seconds 30", {"on": True, "seconds": 30}),
    ("locate --off", {"on": False, "seconds": 120}),
    ("preset 2300", {"name": "2300", "untuned": False}),
    ("preset 2300 --untuned", {"name": "2300", "untuned": True}),
    ("power 3000", {"watts": 3000, "untuned": False}),
    ("dimmer 80", {"percent": 80}),
    ("cooling auto", {"mode": "auto", "percent": None}),
    ("cooling auto --target 60", {"mode": "auto", "target_c": 60}),
    ("cooling manual 60", {"mode": "manual", "percent": 60}),
    ("restore 3", {"version": 3}),
]


def test_each_verb_is_ordered_with_its_arguments(farm: Site) -> None:
    for line, args in VERB_ARGS:
        told = farm.run("do", *line.split(), "--all", "--dry-run", "--json").document
        assert (told["verb"], args.items() <= told["args"].items()) == (line.partition(" ")[0], True), told
    assert {line.partition(" ")[0] for line, _ in VERB_ARGS} | {"pause", "pools"} == set(VERBS)


WRONG = {
    "pause": "say which miners",
    "pause --all --model s19jpro": "--all and --model: not both",
    "pause --miner 192.168.7.1 --state mining": "--miner and --state: not both",
    "pause --all --packet 10": "expected miners and a pause such as 10/5s",
    "pause --all --packet 0/5s": "--packet",
    "pause --all --expires 0": "--expires",
    "pause --all --dry-run": "not allowed with",
    "power 5 --all": "WATTS: expected a whole number of watts from 100",
    "dimmer 10 --all": "PERCENT: expected a whole number",
    "cooling manual --all": "PERCENT: manual cooling needs",
    "locate --all --seconds 99999": "--seconds: expected",
}


def test_what_makes_no_sense_is_wrong_usage(farm: Site) -> None:
    for line, says in WRONG.items():
        ran = farm.run("do", *line.split(), "--yes")
        assert (ran.code, says in ran.err) == (2, True), f"{line}: {ran.err}"
    assert given(farm) == []


def test_miners_are_chosen_by_what_fits(farm: Site) -> None:
    def chosen(*argv: str) -> int:
        ran = farm.run("do", "reboot", *argv, "--dry-run", "--json")
        return len(ran.document["targets"])

    assert chosen("--model", "s19jpro", "--state", "mining") == 4
    assert chosen("--model", "s19jpro", "--state", "stopped") == 0
    assert farm.run("do", "reboot", "--miner", "192.168.7.99", "--yes").err.startswith("hivectl: there is no miner")
    for how in ("--dry-run", "--yes"):
        ran = farm.run("do", "reboot", "--group", "none", how)
        assert (ran.code, ran.err) == (1, "hivectl: no miner has the group 'none': none has any group\n")
        ran = farm.run("do", "reboot", "--state", "stopped", how)
        assert (ran.code, ran.err) == (1, "hivectl: no miner fits: hivectl miners list\n")
    ran = farm.run("do", "reboot", "--miner", mac(4), "--dry-run")
    assert (ran.code, ran.lines[0]) == (0, "would reboot 0 miners: 1 left out")
    ran = farm.run("do", "reboot", "--miner", mac(1), "--dry-run")
    assert ran.lines[0] == "would reboot 1 miner: power drops while they restart, and comes back"
    assert "drops, comes back" in ran.row("192.168.7.1")


def test_packet_and_expiry_are_those_that_were_asked_for(farm: Site) -> None:
    farm.run("do", "pause", "--all", "--yes", "--packet", "2/1m", "--expires", "90")
    (order,) = given(farm)
    assert (order.packet.size, order.packet.interval_s, order.expires_at) == (2, 60.0, farm.now + 90)
    farm.configure("controld: {packet_size: 4, packet_interval_seconds: 7}")
    farm.run("do", "pause", "--all", "--yes")
    order = given(farm)[0]
    assert (order.packet.size, order.packet.interval_s) == (4, 7.0)


def test_where_nothing_is_to_be_done_no_order_is_given(farm: Site) -> None:
    ran = farm.run("do", "resume", "--miner", mac(1), "--yes")
    assert (ran.code, ran.lines) == (0, ["left out: 1 miner, it is so already (192.168.7.1)"])
    assert ran.err == "nothing to do, so no order was given\n"
    ran = farm.run("do", "resume", "--miner", mac(4), "--yes")
    assert (ran.code, given(farm)) == (1, [])
    assert "it is not managed" in ran.out


# -- waiting for the outcome -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refused", [None, mac(2)])
def test_waiting_ends_with_the_order_and_the_exit_code_tells_of_it(
    farm: Site, monkeypatch: pytest.MonkeyPatch, refused: str | None
) -> None:
    async def pause(_: float) -> None:
        farm.write(carry_out, farm.now, refused)

    monkeypatch.setattr("hived.cli.orders.asyncio.sleep", pause)
    ran = farm.run("do", "pause", *(f"--miner={mac(number)}" for number in (1, 2)), "--yes", "--wait")
    assert ran.code == (0 if refused is None else 1)
    assert [line.split()[0] for line in ran.lines[3:]] == ([] if refused is None else ["ADDRESS", "192.168.7.2"])
    assert ("busy" in ran.out) == (refused is not None)
    assert "3,090 W -> 12 W" in farm.run("orders", "show", "1").row("192.168.7.1")


def test_a_miner_that_is_left_out_for_another_reason_is_no_success(farm: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def pause(_: float) -> None:
        farm.write(carry_out, farm.now)

    monkeypatch.setattr("hived.cli.orders.asyncio.sleep", pause)
    farm.status(farm.write(miners.one, mac(3)).num, ago=1.0, state="stopped", hashrate_hs=0.0)
    assert farm.run("do", "pause", "--miner", mac(1), "--miner", mac(3), "--yes", "--wait").code == 0
    farm.status(farm.write(miners.one, mac(2)).num, ago=1.0)
    assert farm.run("do", "pause", "--miner", mac(2), "--miner", mac(4), "--yes", "--wait").code == 3


@pytest.mark.parametrize("how", ["is not running", "off"])
def test_an_order_that_nobody_carries_out_is_kept_and_said_to_wait(farm: Site, how: str) -> None:
    if how == "off":
        farm.configure("controld: {enabled: false}")
    else:
        farm.daemon("hive-controld", beat_ago=60.0)
    ran = farm.run("do", "pause", "--miner", mac(1), "--yes")
    assert ran.code == 0
    assert how in ran.err
    assert ran.err.endswith(": order 1 waits for it, until it expires\n")
    assert farm.run("do", "pause", "--miner", mac(1), "--yes", "--wait").code == 1, "nobody would ever end the wait"
    assert len(given(farm)) == 2


def test_ctrl_c_ends_the_wait_and_says_that_the_order_goes_on(farm: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(_: float) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr("hived.cli.orders.asyncio.sleep", interrupted)
    with pytest.raises(asyncio.CancelledError):
        farm.run("do", "pause", "--miner", mac(1), "--yes", "--wait")
    assert farm.run("orders", "list").row("pause").count("running") == 1


# -- pools -------------------------------------------------------------------------------------------------------------

POOLS = f"""
- {{url: "stratum+tcp://a.example.com:3333", user: 0123, password: {SECRET}}}
- {{url: "stratum+tcp://b.example.com:3333", user: farm.w1, slot: 3}}
"""


@pytest.mark.parametrize("how", ["file", "json", "stdin"])
def test_pools_come_from_a_file_and_no_password_is_shown(
    farm: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    told: list[dict[str, Any]] = [
        {"url": "stratum+tcp://a.example.com:3333", "user": "0123", "password": SECRET},
        {"url": "stratum+tcp://b.example.com:3333", "user": "farm.w1", "slot": 3},
    ]
    text = json.dumps(told) if how == "json" else POOLS
    path = tmp_path / "pools.yaml"
    path.write_text(text)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    ran = farm.run("do", "pools", "-" if how == "stdin" else str(path), "--miner", mac(1), "--yes", "--json")
    assert ran.code == 0, ran.err
    told[1]["slot"] = 2  # the API counts from 0, people from 1
    wanted = read({"verb": "pools", "args": {"pools": told}, "miners": [mac(1)]})

    def stored(db: Database) -> Any:
        (order,) = orders.listing(db, limit=1)
        (target,) = orders.next_ones(db, order, None, busy=(), limit=9)
        return dict(target.args), db.execute_sql("SELECT args FROM order_target").fetchall(), audit.listing(db, limit=9)

    args, rows, noted = farm.write(stored)
    assert args == wanted.args
    shown = farm.run("orders", "show", "1").out + farm.run("orders", "list", "--json").out
    assert SECRET not in f"{ran.out}{ran.err}{shown}{rows}{noted}"


NO_POOLS = {
    "": "expected a list of pools",
    "{}": "expected a list of pools",
    f"- {{url: a, user: b, pasword: {SECRET}}}": "expected slot, url, user and password",
    f"- {{url: a, user: [{SECRET}]}}": "line 1: user: expected a text",
    f"- {{url: a, user: {SECRET}\n": "not valid YAML",
    f"- &a {{url: a, user: {SECRET}}}\n- *a\n": "aliases",
    f"- {{url: a, user: b, slot: 9, password: {SECRET}}}": "line 1: slot: expected 1 to 8",
    "- {url: 'a:1', user: b, slot: 0}": "slot: expected 1 to 8, as `hivectl miners show` counts them",
    f"- {{url: pool-c, user: b, password: {SECRET}}}": "url: expected a pool with its port, such as stratum+tcp://",
    f"- {{url: {'a' * 70_000}}}": "larger than 64 KiB",
}


def test_a_file_that_names_no_pools_is_wrong_usage_without_a_word_of_it(farm: Site, tmp_path: Path) -> None:
    path = tmp_path / "pools.yaml"
    for text, says in NO_POOLS.items():
        path.write_text(text)
        ran = farm.run("do", "pools", str(path), "--all", "--yes")
        assert (ran.code, says in ran.err, SECRET in ran.err) == (2, True, False), ran.err
    assert given(farm) == []


def test_a_pool_that_is_not_allowed_is_refused(farm: Site, tmp_path: Path) -> None:
    path = tmp_path / "pools.yaml"
    path.write_text(POOLS)
    by = By(at=farm.now, who="me", via="command", address=None)
    farm.write(pools.allow, "a.example.com", None, by)
    ran = farm.run("do", "pools", str(path), "--all", "--yes")
    assert (ran.code, given(farm)) == (1, [])
    assert "stratum+tcp://b.example.com:3333 as farm.w1 is not among the allowed pools" in ran.err


# -- orders ------------------------------------------------------------------------------------------------------------


def test_orders_are_listed_shown_cancelled_and_undone(farm: Site) -> None:
    assert "no order was given yet" in farm.run("orders", "list").err
    farm.run("do", "pause", "--miner", mac(1), "--yes")
    farm.write(carry_out, farm.now)
    farm.status(farm.write(miners.one, mac(1)).num, ago=1.0, state="stopped", hashrate_hs=0.0, power_w=12.0)
    farm.run("do", "reboot", "--miner", mac(2), "--yes")
    ran = farm.run("orders", "cancel", "2")
    assert (ran.code, ran.lines[1]) == (0, "1 cancelled")
    assert "cancelled by " in ran.lines[2]
    ran = farm.run("orders", "undo", "1", "--yes")
    assert (ran.code, ran.lines[0].partition(":")[0]) == (0, "order 3")
    assert "resume 1 miner" in ran.lines[0]
    assert [line.split()[:4] for line in farm.run("orders", "list").lines[1:]] == [
        ["3", "resume", "1", "miner"], ["2", "reboot", "1", "miner"], ["1", "pause", "1", "miner"],
    ]  # fmt: skip
    told = farm.run("orders", "show", "3", "--json").document
    assert (told["undo_of"], [one["id"] for one in told["targets"]]) == (1, [mac(1)])
    assert farm.run("orders", "undo", "2", "--yes").code == 1
    ran = farm.run("orders", "cancel", "2")
    assert (ran.code, ran.err) == (1, "order 2 had ended already: there is nothing to cancel\n")
    for argv in (["show", "9"], ["cancel", "9"], ["undo", "9", "--yes"]):
        assert farm.run("orders", *argv).code == 1
    assert farm.run("orders", "show", "x").code == 2


def test_undo_says_what_it_would_switch_on_and_asks_first(farm: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    farm.run("do", "pause", "--miner", mac(1), "--miner", mac(2), "--yes")
    farm.write(carry_out, farm.now)
    for number in (1, 2):
        farm.status(farm.write(miners.one, mac(number)).num, ago=1.0, state="stopped", hashrate_hs=0.0, power_w=90.0)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    ran = farm.run("orders", "undo", "1")
    assert (ran.code, "add --yes, or --dry-run" in ran.err) == (2, True)
    ran = farm.run("orders", "undo", "1", "--dry-run")
    assert (ran.code, ran.lines[0]) == (0, "would resume 2 miners: +5,980 W, +208.0 TH/s")
    assert ran.row("192.168.7.2").split()[2:] == ["do", "it", "+2,990", "W", "+104.0", "TH/s", "-"]
    assert len(farm.run("orders", "undo", "1", "--dry-run", "--json").document["targets"]) == 2
    monkeypatch.setattr("sys.stdin", Terminal("n\ny\n"))
    ran = farm.run("orders", "undo", "1")
    assert (ran.code, ran.err.splitlines()[-1]) == (
        1, "resume 2 miners: +5,980 W, +208.0 TH/s. Do it? [y/N] nothing was done",
    )  # fmt: skip
    assert [one.verb for one in given(farm)] == ["pause"]
    assert farm.run("orders", "undo", "1").code == 0
    assert [one.verb for one in given(farm)] == ["resume", "pause"]


def test_one_worker_for_several_miners_is_warned_of_before_it_is_set(farm: Site, tmp_path: Path) -> None:
    path = tmp_path / "pools.yaml"
    path.write_text("- {url: 'pool.example.com:3333', user: 'farm.{n}'}")
    ran = farm.run("do", "pools", str(path), "--all", "--dry-run")
    assert ran.code == 0
    assert ran.err.splitlines()[:2] == [
        "warning: 'farm.{n}' is set as it is written: nothing in it is filled in",
        "warning: all 3 miners get the same worker (farm.{n}): the pool cannot tell them apart",
    ]


def test_an_order_for_pools_shows_the_pools_of_each_miner_and_not_its_watts(farm: Site, tmp_path: Path) -> None:
    path = tmp_path / "pools.yaml"
    path.write_text("- {url: 'pool.example.com:3333', user: farm.w1, slot: 2}")
    farm.run("do", "pools", str(path), "--miner", mac(1), "--yes")

    def carried_out(db: Database) -> None:
        (order,) = orders.listing(db, limit=1)
        (target,) = orders.next_ones(db, order, None, busy=(), limit=9)
        now = Seen(
            farm.now, "mining", power_w=3090.0, pools=({"slot": 1, "url": "pool.example.com:3333", "user": "farm.w1"},)
        )
        assert orders.begin(db, target, Seen(farm.now, "mining"), farm.now, args=target.args)
        orders.end(db, target, "confirmed", farm.now, after=now)

    farm.write(carried_out)
    ran = farm.run("orders", "show", "1")
    assert "2: pool.example.com:3333 as farm.w1" in ran.row("192.168.7.1")
    assert "W" not in ran.row("192.168.7.1").split()
