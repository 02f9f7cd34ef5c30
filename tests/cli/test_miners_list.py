"""`hivectl miners list`: which miners, in which order, in how many columns."""

from __future__ import annotations

import csv
import io

import pytest

from hived.cli.main import COLUMN_NAMES
from tests.cli.site import Site, board, mac


def addresses(out: str) -> list[str]:
    return [
        word.removeprefix("192.168.7.") for line in out.splitlines() for word in line.split() if "192.168.7." in word
    ]


def test_a_pipe_gets_every_column_and_a_line_for_each_miner(mixed: Site) -> None:
    ran = mixed.run("miners", "list")
    assert ran.code == 0
    assert ran.lines[0].split("  ")[0] == "STATE"
    for heading in (
        "ADDRESS",
        "TH/s",
        "J/TH",
        "LAST ERROR",
        "HOST NAME",
        "MAC",
        "FIRMWARE",
        "POOL",
        "MANAGED",
        "GROUP",
    ):
        assert heading in ran.lines[0]
    assert len(ran.lines) == 1 + 9
    assert ran.row("192.168.7.10").split() == [
        "mining", "192.168.7.10", "s19jpro", "104.4", "98", "3,090", "29.6", "71", "3080", "-", "-", "5", "s", "ago",
        "rack1-10", mac(10), "1.2.6", "pool.example.com:3333", "no", "-", "-",
    ]  # fmt: skip


def test_columns_line_up(mixed: Site) -> None:
    for ran in (mixed.run("miners", "list"), mixed.watch("miners", "list", columns=80)):
        at = ran.lines[0].index("MODEL")
        table = [line for line in ran.lines[1:] if "192.168.7." in line]
        assert {line[at - 2 : at] for line in table} == {"  "}
        assert {line[at : at + 3] for line in table} == {"s19", "s21"}


def test_at_80_columns_the_numbers_and_the_reason_stay(mixed: Site) -> None:
    ran = mixed.watch("miners", "list", columns=80)
    assert max(map(len, ran.lines)) <= 80
    assert ran.lines[0].split() == ["STATE", "ADDRESS", "MODEL", "TH/s", "%", "W", "J/TH", "°C", "LAST", "ERROR"]
    assert ran.row("192.168.7.20").endswith("5 s ago: no answ...")


def test_at_160_columns_host_name_and_mac_are_there_too(mixed: Site) -> None:
    ran = mixed.watch("miners", "list", columns=160)
    assert max(map(len, ran.lines)) <= 160
    assert "HOST NAME" in ran.lines[0]
    assert "MAC" in ran.lines[0]
    assert "5 s ago: no answer within 5 s" in ran.row("192.168.7.20")
    assert "fan 1" in ran.row("192.168.7.24")


@pytest.mark.parametrize("columns", [20, 40, 60, 100, 300])
def test_every_width_shows_state_and_address(mixed: Site, columns: int) -> None:
    ran = mixed.watch("miners", "list", columns=columns)
    assert ran.code == 0
    assert ran.lines[0].split()[:2] == ["STATE", "ADDRESS"]


def test_a_terminal_gets_the_sums_below(mixed: Site) -> None:
    ran = mixed.watch("miners", "list", columns=100)
    assert ran.lines[-1] == "9 miners, 8 online, 5 hashing, 607.6 TH/s, 15.4 kW"
    assert mixed.watch("miners", "list", "--limit", "2", columns=100).lines[-1].startswith("2 of 9 miners, ")


def test_colour_is_for_terminals_alone_and_not_against_the_will_of_the_user(mixed: Site) -> None:
    assert "\x1b[31mfailing\x1b[0m" in mixed.watch("miners", "list", columns=80, env={"NO_COLOR": ""}).out
    assert "\x1b" not in mixed.watch("miners", "list", columns=80, env={"NO_COLOR": "1"}).out
    assert "\x1b" not in mixed.watch("miners", "list", columns=80, env={"NO_COLOR": "", "TERM": "dumb"}).out
    assert "\x1b" not in mixed.run("miners", "list").out


def test_addresses_are_ordered_as_numbers_and_offline_ones_stand_where_they_were(mixed: Site) -> None:
    ran = mixed.run("miners", "list")
    assert addresses(ran.out) == ["1", "2", "9", "10", "20", "21", "22", "23", "24"]
    assert ran.row("192.168.7.22").startswith("offline")
    assert mixed.run("miners", "list", "192.168.7.22").row("192.168.7.22").startswith("offline")
    assert mixed.run("miners", "show", "192.168.7.22").out.startswith("192.168.7.22 ")
    assert mixed.run("miners", "show", "192.168.7.22").row("none, was at") == "  address     none, was at 192.168.7.22"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (["--failing"], ["20"]),
        (["--state", "mining"], ["1", "2", "9", "10", "23", "24"]),
        (["--state", "silent"], ["23"]),
        (["--state", "FAILURE"], ["21"]),
        (["--model", "S21"], ["24"]),
        (["--model", "antminer s21"], ["24"]),
        (["roof"], ["24"]),
        (["answer", "RACK1"], ["20"]),
        (["s19jpro", "--failing", "--limit", "1"], ["20"]),
    ],
)
def test_filters_and_words_all_have_to_fit(mixed: Site, filters: list[str], found: list[str]) -> None:
    assert addresses(mixed.run("miners", "list", *filters).out) == found


def test_offline_miners_are_found_by_their_mac(mixed: Site) -> None:
    ran = mixed.run("miners", "list", "--offline", "--json")
    assert [one["id"] for one in ran.document] == [mac(22)]


@pytest.mark.parametrize(
    ("key", "first"),
    [
        ("worst", ["20", "21"]),
        ("hashrate", ["24", "1"]),
        ("temperature", ["24", "1"]),
        ("percent", ["1", "2"]),
        ("efficiency", ["1", "2"]),
        ("hostname", ["1", "10"]),
    ],
)
def test_each_order_begins_where_one_looks_first(mixed: Site, key: str, first: list[str]) -> None:
    assert addresses(mixed.run("miners", "list", "--sort", key).out)[:2] == first


def test_worst_first_puts_trouble_before_offline_before_silent_before_broken_parts(mixed: Site) -> None:
    words = [line.split()[0] for line in mixed.run("miners", "list", "--sort", "worst").lines[1:]]
    assert words[:5] == ["failing", "failure", "offline", "silent", "mining"]
    assert "fan 1" in mixed.run("miners", "list", "--sort", "worst").lines[5]


def test_old_numbers_are_not_shown_as_if_they_were_of_now(mixed: Site) -> None:
    assert mixed.run("miners", "list").row("192.168.7.23").split()[3:8] == ["-"] * 5


def test_zero_is_told_apart_from_unknown(site: Site) -> None:
    site.status(site.miner(30), hashrate_hs=0.0, power_w=None, chip_temp_max_c=None)
    assert site.run("miners", "list").row("192.168.7.30").split()[3:8] == ["0.0", "0", "-", "-", "-"]


def test_nothing_found_says_what_is_there_instead(mixed: Site) -> None:
    ran = mixed.run("miners", "list", "--state", "minig")
    assert (ran.code, ran.out) == (2, ""), "an empty list would look like good news"
    assert mixed.run("miners", "list", "--state", "auto-tuning").code == 0
    assert (
        ran.err
        == "hivectl: no miner is in state 'minig'; here are 1 failing, 1 failure, 5 mining, 1 offline, 1 silent\n"
    )
    assert "of model 't9'; here are s19jpro, s21" in mixed.run("miners", "list", "--model", "t9").err
    assert "no miner matches" in mixed.run("miners", "list", "nowhere").err


def test_an_empty_site_points_to_status(empty: Site) -> None:
    ran = empty.run("miners", "list")
    assert ran.err == "no miner was found yet, see `hivectl status`\n"
    assert empty.run("miners", "list", "--json").document == []


def test_names_from_the_network_cannot_steer_the_terminal(site: Site) -> None:
    site.status(site.miner(40, hostname="\x1b[2Jevil\r\n\u202etxt.exe"))
    out = site.watch("miners", "list", columns=400).out
    assert "\\x1b[2Jevil\\x0d\\x0a\\u202etxt.exe" in out
    assert len(out.splitlines()) == 1 + 5 + 1


def test_wide_letters_take_two_columns_and_still_line_up(site: Site) -> None:
    site.status(site.miner(40, hostname="矿机四十"))
    ran = site.run("miners", "list")
    with_name = next(line for line in ran.lines if "矿机四十" in line)
    assert with_name.index(mac(40)) + 4 == ran.lines[0].index("MAC")


def test_broken_boards_are_named(site: Site) -> None:
    site.status(site.miner(40), hashboards=(board(1, state="failure"), board(2), board(3, state="disconnected")))
    assert "board 1, board 3" in site.run("miners", "list").row("192.168.7.40")


def test_a_whole_address_is_that_address_alone(empty: Site) -> None:
    for number in (1, 10, 11, 100):
        empty.miner(number)
    assert addresses(empty.run("miners", "list", "192.168.7.1").out) == ["1"]
    assert addresses(empty.run("miners", "list", "192.168.7.").out) == ["1", "10", "11", "100"]


def test_filters_by_what_a_miner_runs_and_where_it_mines(empty: Site) -> None:
    empty.status(empty.miner(1, firmware_version="1.2.6"), preset="3080")
    empty.status(empty.miner(2, firmware_version="1.2.60"), preset="2350")
    empty.status(empty.miner(3, firmware_version="1.3.0"), preset="3080")

    def found(*words: str) -> list[str]:
        return addresses(empty.run("miners", "list", *words).out)

    assert found("--firmware", "1.2.6") == ["1"]
    assert found("--firmware", "1.2") == ["1", "2"]
    assert found("--firmware", "VNish") == ["1", "2", "3"]
    assert found("--firmware", "other") == []
    assert found("--preset", "3080") == ["1", "3"]
    assert found("--pool", "pool.example.com") == ["1", "2", "3"]
    assert found("--pool", "elsewhere") == []
    assert found("--worker", "no-such-worker") == []
    assert found("--unmanaged") == ["1", "2", "3"]
    assert found("--managed") == []
    assert empty.run("miners", "list", "--managed", "--unmanaged").code == 2


def test_columns_are_chosen_by_name_and_order(mixed: Site) -> None:
    ran = mixed.run("miners", "list", "--columns", "address, hashrate_ths,state")
    assert ran.lines[0].split() == ["ADDRESS", "TH/s", "STATE"]
    assert ran.row("192.168.7.10").split() == ["192.168.7.10", "104.4", "mining"]
    ran = mixed.run("miners", "list", "--columns", "address,color")
    assert (ran.code, "no column 'color'" in ran.err, "hashrate_ths" in ran.err) == (2, True, True)


def test_csv_is_for_programs(mixed: Site) -> None:
    ran = mixed.run("miners", "list", "--csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert len(rows) == 9
    (row,) = [row for row in rows if row["address"] == "192.168.7.10"]
    assert (row["state"], row["hashrate_ths"], row["power_w"], row["parts"]) == ("mining", "104.4", "3090", "")
    assert row["seen"].endswith("Z")
    assert list(row) == list(COLUMN_NAMES)
    ran = mixed.run("miners", "list", "--csv", "--columns", "mac,pool", "192.168.7.10")
    assert ran.lines == ["mac,pool", f"{mac(10)},stratum+tcp://pool.example.com:3333"]


def test_csv_is_no_program_of_a_spreadsheet(empty: Site) -> None:
    empty.miner(40, hostname='=HYPERLINK("http://evil.example")')
    ran = empty.run("miners", "list", "--csv", "--columns", "hostname")
    (row,) = list(csv.DictReader(io.StringIO(ran.out)))
    assert row["hostname"].startswith("'=")
