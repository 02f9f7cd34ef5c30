"""`hivectl miners set` and `hivectl models set`: what the operator decides."""

from __future__ import annotations

import io

import pytest

from hived.api.nodes import ingest_parse
from hived.records.miner_view import KnownMiner
from hived.store import commands
from hived.store import commands as orders
from hived.store.miners import miners
from hived.store.nodes import ingest
from tests import nodes as fleet
from tests.cli.site import Site, mac


def known(site: Site, number: int) -> KnownMiner:
    found = site.write(miners.by_mac, mac(number))
    assert found is not None
    return found


def test_miners_are_managed_and_unmanaged_by_mac_and_address(site: Site) -> None:
    ran = site.run("miners", "set", "192.168.7.1", mac(2), "--managed")
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines == [
        f"192.168.7.1 ({mac(1)}, rack1-1): managed",
        f"192.168.7.2 ({mac(2)}, rack1-2): managed",
    ]
    assert [known(site, n).managed for n in (1, 2, 9)] == [True, True, False]
    document = site.run("miners", "set", "192.168.7.1", "--unmanaged", "--json").document
    assert [(one["id"], one["managed"]) for one in document] == [(mac(1), False)]


def test_many_miners_are_set_at_once_by_what_fits(site: Site) -> None:
    everyone = len(site.run("miners", "list", "--json").document)
    for number in range(60, 90):
        site.miner(number)
    ran = site.run("miners", "set", "--all", "--managed")
    assert (ran.code, len(ran.lines), ran.lines[3]) == (0, 4, f"and {everyone + 27} more miners alike")
    assert all(one["managed"] for one in site.run("miners", "list", "--json").document)
    site.run("miners", "set", "192.168.7.1", "192.168.7.2", "--group", "row 3")
    ran = site.run("miners", "set", "--model", "s19jpro", "--in-group", "row 3", "--unmanaged", "--group", "row 4")
    assert (ran.code, [line.partition(": ")[2] for line in ran.lines]) == (0, ["not managed, in group row 4"] * 2)
    assert [known(site, number).managed for number in (1, 2, 60)] == [False, False, True]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--managed",), 2, "say which miners"), (("192.168.7.1", "--all", "--managed"), 2, "say which miners"),
        (("--all", "--model", "s19jpro", "--managed"), 2, "say which miners"),
        (("--in-group", "row 9", "--managed"), 1, "no miner has the group 'row 9': none has any group"),
        (("--model", "s9", "--managed"), 1, "no miner has the model 's9': there are "),
    ],
)  # fmt: skip
def test_which_miners_are_set_is_said_once_and_known(site: Site, words: tuple[str, ...], code: int, says: str) -> None:
    ran = site.run("miners", "set", *words)
    assert (ran.code, says in ran.err) == (code, True), ran.err


def test_a_miner_of_another_node_is_found_and_its_node_is_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.write(fleet.let_in, "n1", site.now, name="shed")
    site.write(fleet.touch, "n1", site.now, name="shed")
    told = ingest_parse.batch(
        fleet.batch("n1", "miners", 1, 2, [fleet.miner(1, 70, ip="192.168.7.1"), fleet.miner(2, 71, ip="10.0.0.1")]),
        "n1", site.now,
    )  # fmt: skip
    site.write(ingest.take, "n1", told, site.now)
    monkeypatch.setattr("sys.stdin", io.StringIO("word\n"))
    ran = site.run("miners", "set", "10.0.0.1", "--managed", "--password-stdin")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("): waits for node shed: managed, the password\n")
    waiting = site.write(orders.waiting, "n1", secure=True, now=site.now)
    assert [one.verb for one in waiting] == ["set_managed", "set_unlock_pass"]
    two = site.run("miners", "set", "192.168.7.1", "--managed")
    assert two.code == 1
    assert "2 miners have the address 192.168.7.1, on different nodes: say which by MAC" in two.err


def test_one_unknown_miner_changes_none(site: Site) -> None:
    ran = site.run("miners", "set", "192.168.7.1", "192.168.7.77", "--managed")
    assert ran.code == 1
    assert "there is no miner '192.168.7.77'" in ran.err
    assert not known(site, 1).managed


def test_nothing_to_change_is_wrong_usage(site: Site) -> None:
    ran = site.run("miners", "set", "192.168.7.1")
    assert ran.code == 2
    assert "give --managed, --unmanaged, --group, " in ran.err
    assert site.run("models", "set", "s19jpro").code == 2


def test_a_password_comes_from_stdin_and_is_never_shown(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.miner(40, key=False)
    monkeypatch.setattr("sys.stdin", io.StringIO(" s3cret word \r\nsecond line\n"))
    ran = site.run("miners", "set", "192.168.7.40", "--password-stdin")
    assert ran.code == 0
    assert ran.out == f"192.168.7.40 ({mac(40)}, rack1-40): the password is kept and tried at once\n"
    assert known(site, 40).unlock_password == " s3cret word "
    monkeypatch.setattr("sys.stdin", io.StringIO("other\n"))
    ran = site.run("miners", "set", "192.168.7.40", "--password-stdin", "--json")
    assert "other" not in ran.out
    assert "s3cret" not in ran.out
    wishes = site.write(commands.open_commands, "hive-discoverd", newer_than=0.0)
    assert [wish.args for wish in wishes] == [{"targets": ["192.168.7.40"], "outside": True}] * 2


def test_when_the_password_is_tried_is_told_as_it_is(empty: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    empty.miner(40, key=False)
    empty.miner(41)
    monkeypatch.setattr("sys.stdin", io.StringIO("word\n"))
    ran = empty.run("miners", "set", "192.168.7.40", "192.168.7.41", "--password-stdin")
    assert ran.lines[0].endswith("the password is kept and tried when it is seen")
    assert ran.lines[1].endswith("the password is kept for when its key stops working")
    assert ran.err == "hive-discoverd is not running: nothing is tried until it is\n"


@pytest.mark.parametrize(
    ("typed", "reason"),
    [("\n", "is empty"), ("", "is empty"), ("x" * 257 + "\n", "longer than 256"), ("a\x07b\n", "cannot be typed")],
)
def test_a_password_that_cannot_be_one_changes_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, typed: str, reason: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    ran = site.run("miners", "set", "192.168.7.1", "--managed", "--password-stdin")
    assert ran.code == 1
    assert reason in ran.err
    assert "nothing was changed" in ran.err
    assert known(site, 1).unlock_password is None
    assert not known(site, 1).managed


def test_the_prompt_needs_a_terminal(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("word\n"))
    ran = site.run("miners", "set", "192.168.7.1", "--password-prompt")
    assert ran.code == 2
    assert "--password-stdin" in ran.err


def test_no_option_takes_a_password_on_the_command_line(site: Site) -> None:
    ran = site.run("miners", "set", "192.168.7.1", "--password", "word")
    assert ran.code == 2
    assert known(site, 1).unlock_password is None


def test_models_are_listed_with_their_ladder(site: Site) -> None:
    ran = site.run("models", "list")
    assert ran.row("s19jpro").split("  ")[0] == "s19jpro"
    assert "2300 (2,300 W, 87.0 TH/s)" in ran.out
    assert "Turbo (3,580 W, 114.0 TH/s)" in ran.out
    (document,) = site.run("models", "list", "--json").document
    assert document["miners"] == 4
    assert document["presets_power"][2] == {
        "preset": "3080",
        "power_w": 3080.0,
        "hashrate_th": 104.0,
        "modded_psu_required": None,
    }


def test_without_models_it_says_where_they_come_from(empty: Site) -> None:
    assert "they come with the first miner" in empty.run("models", "list").err


def test_a_highest_preset_is_set_in_any_case_and_removed_again(site: Site) -> None:
    ran = site.run("models", "set", "S19jPro", "--max-preset", "TURBO")
    assert ran.out == "s19jpro: at most preset Turbo (3,580 W, 114.0 TH/s)\n"
    assert site.run("miners", "list", "--json").document[0]["max_preset"] == "Turbo"
    assert site.run("models", "set", "antminer s19j pro", "--no-max-preset").out == "s19jpro: no limit\n"
    assert site.run("models", "list", "--json").document[0]["max_preset"] is None


def test_an_unknown_preset_or_model_names_what_there_is(site: Site) -> None:
    ran = site.run("models", "set", "s19jpro", "--max-preset", "9999")
    assert (ran.code, ran.err) == (
        1,
        "hivectl: '9999' is not a preset of s19jpro; its presets are: disabled, 2300, 3080, Turbo\n",
    )
    ran = site.run("models", "set", "s19jpr", "--no-max-preset")
    assert (ran.code, ran.err) == (1, "hivectl: there is no model 's19jpr', did you mean s19jpro?\n")
    assert site.run("models", "set", "t21", "--no-max-preset").err.endswith("known are: s19jpro\n")


def test_a_limit_has_to_be_given(site: Site) -> None:
    assert site.run("models", "set", "s19jpro").code == 2
    assert site.run("models", "set", "s19jpro", "--max-preset", "3080", "--no-max-preset").code == 2
