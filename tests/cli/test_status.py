"""`hivectl status`: the first thing an operator types."""

from __future__ import annotations

import pytest

from hived.records.miner import FanReading
from hived.store.miners import discovery as stored_site
from hived.store.miners import miners
from hived.store.schema import Node
from tests.cli.site import DAY, HOUR, MINUTE, Site, board, mac


def test_a_healthy_site_is_told_in_one_look_and_exits_with_0(site: Site) -> None:
    site.other_device(200, "printer")
    site.other_device(201, "printer")
    site.other_device(202, "unreadable")
    ran = site.run("status")
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines[0].startswith("shed, North field (hived ")
    assert ran.lines[0].endswith(": all is well")
    assert ("SITE/hived.db, " if site.server_url is None else "postgresql://hived@/") in ran.row("database")
    assert "integrity not checked" in ran.row("database")
    assert ran.row("hive-polld") == "  hive-polld      runs for 60 min: 60 polls, 0 failed"
    assert ran.row("last sweep") == "  last sweep  12 s ago: 254 addresses in 0.4 s, 4 answered, 4 miners"
    assert ran.row("others") == "  others      2 printer, 1 unreadable"
    assert ran.row(" known,") == "              4 known, 4 online, 4 hashing, 0 failing, 0 failure, 0 silent"
    assert ran.row("states") == "  states      4 mining"
    assert ran.row("hashrate") == "  hashrate    417.6 TH/s of 424.0 TH/s expected (98.5 %)"
    assert ran.row("power") == "  power       12.4 kW"
    assert ran.row("efficiency") == "  efficiency  29.6 J/TH"
    assert "errors" not in ran.out


def test_a_daemon_that_stopped_beating_is_down_and_exits_with_1(site: Site) -> None:
    site.daemon("hive-polld", beat_ago=31.0)
    ran = site.run("status")
    assert ran.code == 1
    assert ran.lines[0].endswith(": hive-polld is not running")
    assert "hive-polld      is not running, last heard of 31 s ago" in ran.out
    assert "next: systemctl start hive-polld; journalctl -u hive-polld" in ran.out


def test_a_beat_of_half_a_minute_ago_still_counts_as_running(site: Site) -> None:
    site.daemon("hive-polld", beat_ago=29.0)
    assert site.run("status").code == 0


def test_a_beat_from_a_clock_that_was_set_back_says_nothing(site: Site) -> None:
    site.daemon("hive-polld", beat_ago=-HOUR)
    assert site.run("status").code == 1


def test_daemons_that_never_ran_are_missed_and_others_only_once_they_ran(empty: Site) -> None:
    ran = empty.run("status")
    assert ran.code == 1
    missing = "hive-alertd, hive-controld, hive-discoverd, hive-minerd, hive-polld and hive-syncd are not running"
    assert ran.lines[0].endswith(missing)
    assert ran.out.count("has never run") == 6
    assert "hive-apid" not in ran.out
    empty.daemons()
    assert empty.run("status").code == 0
    empty.daemon("hive-apid", beat_ago=5 * MINUTE)
    assert empty.run("status").code == 1


def test_a_daemon_of_another_version_is_to_be_restarted(site: Site) -> None:
    site.daemon("hive-polld", version="0.0.9")
    assert "next: systemctl restart hive-polld; it is still 0.0.9" in site.run("status").out


def test_without_subnets_it_says_which_line_to_write_where(site: Site) -> None:
    site.configure("network: {subnets: []}")
    ran = site.run("status")
    assert "none: nothing is scanned" in ran.out
    assert "next: set this in SITE/hived.yaml" in ran.out
    assert "network: {subnets: [192.168.1.0/24]}" in ran.out
    assert ran.code == 0


def test_only_what_is_known_now_counts_into_the_sums(site: Site) -> None:
    site.status(site.miner(20), ago=46.0)  # three polls of 15 s are over
    site.miner(21)
    ran = site.run("status")
    assert ran.row(" known,") == "              6 known, 6 online, 4 hashing, 0 failing, 0 failure, 2 silent"
    assert ran.lines[0].endswith(": 1 miner needs a look")  # the other one was found just now
    assert ran.code == 1
    assert "417.6 TH/s of 530.0" in ran.row("hashrate")
    assert ran.row("lost ").split("  ")[-1] == "106.0 TH/s unreadable (1 miner), 6.4 TH/s weak (4 miners)"


def test_efficiency_leaves_out_miners_that_tell_no_watts(site: Site) -> None:
    site.status(site.miner(20), power_w=None, reported_power_w=None)
    ran = site.run("status")
    assert ran.row("efficiency") == "  efficiency  29.6 J/TH"
    assert "522.0 TH/s" in ran.row("hashrate")


def test_each_error_comes_with_its_next_step_and_the_newest_first(site: Site) -> None:
    silent = site.miner(20)
    site.poll_failed(silent, "no answer within 5 s", ago=40.0)
    locked = site.miner(21, key=False)
    site.poll_failed(locked, "wrong unlock password", code="wrong_password", ago=20.0)
    failed = site.miner(22)
    site.status(failed, state="failure", state_s=10 * MINUTE, extra={"failure_code": 1002, "description": "Chain 3"})
    ran = site.run("status")
    assert ran.lines[0].endswith(": 3 miners need a look")
    told = ran.lines[ran.lines.index("Newest errors") + 1 :]
    assert told == [
        "  20 s ago    192.168.7.21 (rack1-21): wrong unlock password",
        "              next: give its password: hivectl miners set 192.168.7.21 --password-prompt",
        "  40 s ago    192.168.7.20 (rack1-20): no answer within 5 s",
        "              next: check power and network: does `ping 192.168.7.20` answer?",
        "  10 min ago  192.168.7.22 (rack1-22): failure: Chain 3, code 1002",
        "              next: open http://192.168.7.22/ and read its log; hived does not restart miners by itself",
    ]


def test_an_error_without_a_code_is_told_with_the_step_that_fits_all(site: Site) -> None:
    """The rows of 0.1.0 have a text alone; its words say nothing of what to do."""
    site.poll_failed(site.miner(20), "wrong unlock password", code=None)
    assert "next: see the message: hivectl miners show 192.168.7.20" in site.run("status").out
    assert "next: see the message: hivectl miners show 192.168.7.20" in site.run("miners", "show", "rack1-20").out
    assert site.run("miners", "show", "rack1-20", "--json").document["last_error_code"] is None


def test_the_same_error_of_many_miners_is_one_line(site: Site) -> None:
    for number in range(20, 27):
        site.poll_failed(site.miner(number), "no answer within 5 s", ago=float(number))
    ran = site.run("status")
    assert ran.row("no answer").endswith(
        "7 miners (192.168.7.20, 192.168.7.21, 192.168.7.22, ...): no answer within 5 s"
    )


def test_no_more_than_five_errors_are_shown(site: Site) -> None:
    for number in range(20, 28):
        site.poll_failed(site.miner(number), f"HTTP 500: {number}", ago=float(number))
    ran = site.run("status")
    assert "Newest errors (5 of 8; more: hivectl miners list --sort worst)" in ran.lines
    assert ran.out.count("next: ") == 5
    assert "HTTP 500: 24" in ran.out
    assert "HTTP 500: 25" not in ran.out
    assert len(site.run("status", "--json").document["errors"]) == 8


def test_a_healed_error_is_called_over_and_forgotten_after_a_day(site: Site) -> None:
    num = site.miner(20)
    site.poll_failed(num, "connection reset", ago=90.0)
    site.status(num)
    ran = site.run("status")
    assert "it is over" in ran.out
    assert ran.lines[0].endswith("all is well")
    site.clock.advance(DAY)
    site.daemons()
    assert "connection reset" not in site.run("status").out


def test_a_miner_that_is_gone_needs_a_look_until_it_is_removed(site: Site) -> None:
    num = site.miner(20)
    site.poll_failed(num, "no route to host")
    site.write(miners.missed, [num], site.now, offline_after=1)
    for _ in range(2):
        ran = site.run("status")
        assert (ran.code, ran.lines[0].endswith(": 1 miner needs a look")) == (1, True)
        assert "192.168.7.20 (rack1-20): the last sweeps did not find it" in ran.out
        assert "does `ping 192.168.7.20` answer? If it is gone for good: hivectl miners remove 02:0e:7e" in ran.out
        site.clock.advance(DAY)
        site.daemons()
        for number in range(1, 5):
            site.status(number)
    assert site.run("miners", "remove", "192.168.7.20").code == 0
    assert site.run("status").code == 0


def test_monitoring_gets_1_for_whatever_needs_a_look_and_the_reason(site: Site) -> None:
    assert site.run("status", "--json").document["ok"] is True
    site.poll_failed(site.miner(20), "no answer within 5 s")
    ran = site.run("status", "--json")
    assert (ran.code, ran.document["ok"], len(ran.document["errors"])) == (1, False, 1)
    assert site.run("status").code == 1


def test_a_node_that_is_away_and_one_that_asks_are_told(site: Site) -> None:
    contact = {"contact_at": site.now - 5 * MINUTE, "since": site.now - MINUTE}
    row = Node.insert(id="h2", name="hall-2", role="node", status="approved", state="dead", **contact)
    site.write(lambda db: row.execute(db))
    ran = site.run("status")
    assert (ran.code, ran.lines[0].endswith(": 1 node needs a look")) == (1, True)
    assert ran.row("  node ") == "  node        node hall-2 is dead: last heard of 5 min ago"
    assert "next: check the node hall-2" in ran.out
    assert [one["text"] for one in site.run("status", "--json").document["nodes"]] == [
        "node hall-2 is dead: last heard of 5 min ago"
    ]


def test_broken_boards_and_lost_fans_need_a_look(site: Site) -> None:
    site.status(site.miner(20), hashboards=(board(1), board(2, state="failure", description="Failed to start")))
    site.status(site.miner(21), fans=(FanReading(0, 4000, 6000, "ok"), FanReading(1, 0, 6000, "lost")))
    ran = site.run("status")
    assert "192.168.7.20 (rack1-20): board 2 is failure: Failed to start" in ran.out
    assert "192.168.7.21 (rack1-21): fan 1 is lost" in ran.out


def test_the_first_sweep_and_no_sweep_are_told_apart(empty: Site) -> None:
    assert empty.run("status").row("last sweep") == "  last sweep  none yet"
    empty.write(stored_site.start_sweep, empty.now - 3)
    assert empty.run("status").row("last sweep") == "  last sweep  the first one has run for 3 s"


@pytest.mark.parametrize("columns", [60, 80, 160])
def test_a_long_list_of_states_keeps_within_the_terminal(site: Site, columns: int) -> None:
    for number, state in enumerate(("stopped", "starting", "restarting", "initializing", "shutting-down"), start=30):
        site.status(site.miner(number), state=state)
    ran = site.watch("status", columns=columns)
    start = next(i for i, line in enumerate(ran.lines) if line.startswith("  states"))
    assert all(len(line) <= columns for line in ran.lines[start : start + 4])
    assert "shutting-down" in ran.out


def test_the_json_document_has_the_words_of_the_api(site: Site) -> None:
    site.other_device(200, "printer")
    site.poll_failed(site.miner(20), "no answer within 5 s")
    document = site.run("status", "--json").document
    assert document["ok"] is False
    assert document["node"] == "shed"
    assert document["database"]["path"] == ("SITE/hived.db" if site.server_url is None else None)
    assert document["database"]["bytes"] > 0
    assert [(one["name"], one["alive"]) for one in document["daemons"]] == [
        ("hive-alertd", True),
        ("hive-controld", True),
        ("hive-discoverd", True),
        ("hive-minerd", True),
        ("hive-polld", True),
        ("hive-syncd", True),
    ]
    assert document["fleet"]["hashrate_ths"] == pytest.approx(417.6)
    assert document["fleet"]["strangers"] == {"printer": 1}
    assert document["fleet"]["last_sweep"]["addresses"] == 254
    assert document["errors"] == [
        {
            "text": "no answer within 5 s",
            "next": "check power and network: does `ping 192.168.7.20` answer?",
            "at": "2027-01-15T07:59:55.000Z",
            "over": False,
            "miners": [mac(20)],
        }
    ]


def test_the_json_document_of_an_unused_database_is_complete(empty: Site) -> None:
    ran = empty.run("status", "--json")
    assert ran.code == 1
    assert ran.document["ok"] is False
    assert ran.document["fleet"]["hashrate_ths"] is None
    assert ran.document["fleet"]["last_sweep"] is None
    assert ran.document["daemons"][0]["beat_at"] is None
