"""`hivectl miners show`: all that is known of one miner, and how it is found."""

from __future__ import annotations

import pytest

from hived.records.miner import FanReading, PoolReading
from tests.cli.site import HOUR, Site, board, mac


def test_everything_known_is_told_with_units(site: Site) -> None:
    num = site.miner(40)
    site.status(num, hashboards=(board(1), board(2, state="failure", hashrate_hs=0.0, description="Failed to start")))
    site.settings(num, "stratum+tcp://a.example.com:3333", ago=HOUR)
    site.settings(num, "stratum+tcp://b.example.com:3333")
    site.event("fan_lost", num, fan=2)
    ran = site.run("miners", "show", mac(40))
    assert ran.code == 0
    assert ran.lines[0] == "192.168.7.40  Antminer S19j Pro  mining"
    assert ran.row("hashrate").endswith("104.4 TH/s of 106.0 TH/s expected (98.5 %), 104.0 TH/s on average")
    assert ran.row("power") == "  power       3,090 W, 29.6 J/TH"
    assert ran.row("temperature").endswith("chips up to 71 °C, boards up to 60 °C, fans at 80 %")
    assert ran.row("preset").endswith("3080, 3080 asked for")
    assert "pool 1 url: stratum+tcp://a.example.com:3333 -> stratum+tcp://b.example.com:3333" in ran.row("version 2")
    assert ran.row("trouble").endswith("board 2 is failure: Failed to start")
    assert ran.row("  2  failure").split()[:4] == ["2", "failure", "0.0", "0"]
    assert "farm.worker01" in ran.row("pool.example.com")
    assert "lost fan 2" in ran.out


def test_the_power_supply_is_told_where_it_has_sensors(site: Site) -> None:
    site.status(site.miner(40), psu_temp_max_c=47.0)
    ran = site.run("miners", "show", mac(40))
    assert ran.row("temperature").endswith("boards up to 60 °C, power supply 47 °C, fans at 80 %")


def test_what_cools_a_miner_is_told_and_water_has_its_degrees(site: Site) -> None:
    num = site.miner(40)
    wet = {"inlet_water_temp_c": 31.0, "outlet_water_temp_c": 38.0}
    site.status(num, hashboards=(board(1, **wet), board(2)), extra={"cooling_mode": "hydro"})
    ran = site.run("miners", "show", mac(40))
    assert ran.row("temperature").endswith("boards up to 60 °C, water up to 38 °C, fans at 80 %")
    assert ran.row("cooling") == "  cooling     hydro"
    assert "31 to 38" in ran.row("  1  mining")
    fans = (FanReading(0, 0, 6000, "lost"), FanReading(1, 0, 6000, "lost"))
    site.status(num, ago=4.0, fans=fans, extra={"cooling_mode": "immersion"})
    shown = site.run("miners", "show", mac(40))
    assert shown.row("cooling") == "  cooling     immersion"
    assert "water" not in shown.row("temperature")
    assert "trouble" not in shown.out
    assert [fan["lost"] for fan in site.run("miners", "show", mac(40), "--json").document["latest_status"]["fans"]] == [
        False, False,
    ]  # fmt: skip
    site.status(num, ago=3.0, fans=fans, extra={"cooling_mode": "auto"})
    assert site.run("miners", "show", mac(40)).row("trouble").endswith("fan 0 is lost")


def test_a_board_that_does_not_hash_says_nothing_of_its_chips(site: Site) -> None:
    num = site.miner(40)
    site.status(num, state="starting", hashboards=(board(1, state="initializing", chips_orange=0, chips_red=126),))
    assert "126" not in site.run("miners", "show", "192.168.7.40").out


def test_an_error_comes_with_what_to_do(site: Site) -> None:
    site.poll_failed(site.miner(40, key=False), "wrong unlock password", code="wrong_password")
    ran = site.run("miners", "show", "192.168.7.40")
    assert ran.row("last error") == "  last error  wrong unlock password (5 s ago, 1 error in all)"
    assert "next: give its password: hivectl miners set 192.168.7.40 --password-prompt" in ran.out
    assert ran.row("key") == "  key         none: it cannot be polled"


def test_a_miner_that_was_never_read_is_shown_as_far_as_it_is_known(site: Site) -> None:
    site.miner(40)
    ran = site.run("miners", "show", "192.168.7.40")
    assert ran.code == 0
    assert "Status" not in ran.out
    assert site.run("miners", "show", "192.168.7.40", "--json").document["latest_status"] is None


@pytest.mark.parametrize(
    "text", ["02:0e:7e:00:00:09", "02:0E:7E:00:00:09", "02-0e-7e-00-00-09", "020e7e000009", "192.168.7.9", "RACK1-9"]
)
def test_a_miner_is_found_by_mac_in_any_form_by_address_and_by_host_name(site: Site, text: str) -> None:
    assert site.run("miners", "show", text, "--json").document["id"] == mac(9)


def test_an_unknown_miner_is_one_clear_line_with_near_matches(site: Site) -> None:
    ran = site.run("miners", "show", "192.168.7.19")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("hivectl: there is no miner '192.168.7.19', did you mean 192.168.7.9 (")
    assert len(ran.err.splitlines()) == 1
    assert site.run("miners", "show", "rack2-9").err.startswith("hivectl: there is no miner 'rack2-9', did you mean ")
    assert site.run("miners", "show", "printer").err == "hivectl: there is no miner 'printer'\n"


def test_part_of_a_name_suggests_who_has_it(site: Site) -> None:
    assert f"did you mean 192.168.7.10 ({mac(10)})?" in site.run("miners", "show", "1-10").err


def test_without_any_miner_it_points_to_status(empty: Site) -> None:
    assert (
        empty.run("miners", "show", "x").err
        == "hivectl: there is no miner 'x': none was found yet, see `hivectl status`\n"
    )


def test_a_name_that_several_miners_have_asks_which(site: Site) -> None:
    for number in (50, 51):
        site.miner(number, hostname="Antminer")
    ran = site.run("miners", "show", "antminer")
    assert ran.code == 1
    assert "2 miners are called 'antminer': say which by address or MAC: 192.168.7.50 (" in ran.err


def test_the_json_document_has_chips_settings_and_events(site: Site) -> None:
    num = site.miner(40)
    site.status(num)
    site.chips(num)
    site.settings(num, "stratum+tcp://a.example.com:3333")
    document = site.run("miners", "show", mac(40), "--json").document
    status = document["latest_status"]
    assert status["hashrate"] == pytest.approx(104_400.0)
    assert [len(chain["chips"]) for chain in status["chains"]] == [1, 0]
    assert status["chains"][0]["chips"][0]["identifier"] == "chip-1"
    assert document["model"] == {
        "name": "Antminer S19j Pro", "alias": "s19jpro", "max_preset": None, "min_preset": None,
        "presets": ["disabled", "2300", "3080", "Turbo"],
    }  # fmt: skip
    assert document["settings"]["requested_preset"] == "3080"
    assert document["settings"]["version"] == 1
    assert [event["kind"] for event in document["events"]] == ["miner_found"]


def test_chips_of_another_time_are_not_taken_for_those_of_the_status(site: Site) -> None:
    num = site.miner(40)
    site.chips(num, ago=200.0)
    site.status(num)
    document = site.run("miners", "show", mac(40), "--json").document
    assert [chain["chips"] for chain in document["latest_status"]["chains"]] == [[], []]


def test_a_narrow_terminal_keeps_the_boards_in_line(site: Site) -> None:
    ran = site.watch("miners", "show", "192.168.7.9", columns=80)
    boards = ran.lines[ran.lines.index("Boards") + 1 :][:3]
    assert all(len(line) <= 80 for line in boards)
    assert boards[0].split()[:2] == ["BOARD", "STATE"]


def test_pools_count_from_one_as_troubles_and_events_count_them(site: Site) -> None:
    own = [PoolReading(slot, f"pool-{slot}.example:3333", "farm.rig") for slot in (0, 1)]
    site.status(site.miner(40), pools=tuple(own))
    ran = site.run("miners", "show", "192.168.7.40")
    assert [line.split()[0] for line in ran.lines if "example:3333" in line and "farm.rig" in line] == ["1", "2"]
