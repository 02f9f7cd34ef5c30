"""When people are told, and when not."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from hived.records.alerts import DAY_S, Rule, Scope, Window
from hived.records.daemon import APID
from hived.records.host import HostTrouble
from hived.records.miner import PoolReading
from hived.records.plans import Schedule
from hived.store import Database
from hived.store.alerts import alerts, rules, windows
from hived.store.miners import allowed_pools
from hived.store.schema import Miner, Uplink
from tests.services.alerts.alertsite import AlertSite, board, mac

DEAD = {"hashboards": (board(1), board(2, state="failure", hashrate_hs=0.0)), "hashrate_hs": 50e12}
WELL = {"hashboards": (board(1), board(2)), "hashrate_hs": 102e12}
FULL = HostTrouble("disk_full", "the disk is full", "make room")

pytestmark = pytest.mark.sqlite_only("when somebody is told does not depend on the database")


async def test_a_miner_that_stays_away_keeps_the_trouble_open_and_is_told_again_every_day(site: AlertSite) -> None:
    await site.miners(range(1, 9), group="row A")
    await site.offline(*range(1, 9))
    await site.turn(3)
    await site.online(*range(1, 8))
    await site.turn(20)
    assert await site.said() == [("group-offline", "opened"), ("group-offline", "changed")]
    assert (await site.notices())[1].body.startswith("What: 10.0.0.8: offline; 7 of 8 back\n")
    site.clock.advance(DAY_S - 600)
    site.engine = site.fresh()
    await site.turn(15)
    assert (await site.said())[2:] == [("group-offline", "repeated")]


async def test_what_follows_from_an_open_trouble_goes_under_it_and_opens_nothing(site: AlertSite) -> None:
    await site.miners(range(1, 9))
    await site.tells(4, **DEAD)
    await site.turn(30)  # long enough for the rate as well
    assert await site.said() == [("boards-lost", "opened")]
    (alert,) = await site.open()
    assert [one.rule for one in await site.store.read(alerts.explained, alert.id)] == ["miner-low"]
    await site.tells(4, **WELL)
    await site.turn(5)
    assert await site.open() == []
    assert (await site.said())[1:] == [("boards-lost", "ended")]


async def test_a_consequence_that_was_told_first_is_named_under_its_cause_and_ends_silently(site: AlertSite) -> None:
    await site.miners(range(1, 9))
    await site.tells(4, hashrate_hs=50e12)
    await site.turn(20)
    await site.tells(4, **DEAD)
    await site.turn(10)
    assert await site.said() == [("miner-low", "opened"), ("boards-lost", "opened")]
    assert "It explains:\n  10.0.0.4: 48 % of what it should give" in (await site.notices())[1].body
    assert [alert.rule for alert in await site.open()] == ["boards-lost"]


async def test_what_is_still_wrong_when_its_cause_is_over_has_its_time_anew(site: AlertSite) -> None:
    await site.miners(range(1, 9))
    await site.tells(4, **DEAD)
    await site.turn(20)
    await site.tells(4, hashboards=(board(1), board(2)))
    await site.turn(16)
    assert await site.said() == [("boards-lost", "opened"), ("boards-lost", "ended")]
    await site.turn(4)
    assert (await site.said())[2:] == [("miner-low", "opened")]


async def test_fewer_miners_than_the_rule_wants_are_no_matter(site: AlertSite) -> None:
    await site.miners(range(1, 21))
    await site.offline(1, 2)
    await site.turn(60)
    assert await site.said() == []
    await site.offline(3)
    await site.turn(5)
    assert (await site.notices())[0].title == "3 miners offline: node id-1"


async def test_a_number_has_to_come_back_past_its_limit(site: AlertSite) -> None:
    await site.miners([1, 2])
    await site.tells(1, chip_temp_max_c=96.0)
    await site.turn(6)
    for warm in (92.0, 94.0):  # it would begin at 95, and ends at 90
        await site.tells(1, chip_temp_max_c=warm)
        await site.turn(10)
    assert await site.said() == [("too-hot", "opened")]
    await site.tells(1, chip_temp_max_c=89.0)
    await site.turn(4)
    assert (await site.said())[1:] == [("too-hot", "ended")]


async def test_one_that_flaps_stays_one_trouble(site: AlertSite) -> None:
    await site.miners([1, 2])
    for _ in range(10):
        await site.tells(1, chip_temp_max_c=99.0)
        await site.turn(6)
        await site.tells(1, chip_temp_max_c=70.0)
        await site.turn(1)
    assert await site.said() == [("too-hot", "opened")]


async def test_more_of_the_same_is_told_at_most_every_fifteen_minutes(site: AlertSite) -> None:
    await site.miners(range(1, 15))
    for number in range(1, 13):
        await site.tells(number, chip_temp_max_c=99.0)
        await site.turn(3)
    said = await site.notices()
    assert [one.told for one in said] == ["opened", "changed", "changed"]
    assert all(later.at - before.at >= 900 for before, later in pairwise(said))


async def test_groups_are_told_apart(site: AlertSite) -> None:
    await site.miners([1, 2], group="row A")
    await site.miners([3, 4], group="row B")
    for number in (1, 2, 3):
        await site.tells(number, chip_temp_max_c=99.0)
    await site.turn(8)
    assert [one.title for one in await site.notices()] == [
        "2 miners: hottest chip over 95 °C: group row A", "10.0.0.3: 99 °C hottest chip",
    ]  # fmt: skip


async def test_a_rule_has_so_many_notices_a_day_and_says_which_is_the_last(site: AlertSite) -> None:
    await site.rule("too-hot", per_day=2)
    await site.miners(range(1, 4))
    for number in (1, 2, 3):
        await site.tells(number, chip_temp_max_c=99.0)
        await site.turn(7)
        await site.tells(number, chip_temp_max_c=70.0)
        await site.turn(4)
    assert [one.told for one in await site.notices()] == ["opened", "ended", "opened", "ended"]
    assert "the last notice of this rule for today" in (await site.notices())[2].body
    site.clock.advance(DAY_S)
    site.engine = site.fresh()
    await site.tells(1, chip_temp_max_c=99.0)
    await site.turn(7)
    assert [one.told for one in await site.notices()][4:] == ["opened"]


@pytest.mark.parametrize("scope", [Scope(group="row A"), Scope(model="s19jpro"), Scope(node="id-1"), Scope()])
async def test_maintenance_keeps_what_is_in_its_scope_quiet_until_it_is_over(site: AlertSite, scope: Scope) -> None:
    await site.miners(range(1, 9), group="row A")
    plan = Schedule(at=site.clock(), until=site.clock() + 3600)
    await site.write(windows.add, Window(0, "rewiring", "maintenance", plan, scope))
    await site.offline(*range(1, 9))
    await site.turn(59)
    assert await site.said() == []
    await site.turn(4)
    assert await site.said() == [("group-offline", "opened")]


async def test_maintenance_of_others_changes_nothing(site: AlertSite) -> None:
    await site.miners(range(1, 9), group="row A")
    plan = Schedule(at=site.clock(), until=site.clock() + 3600)
    await site.write(windows.add, Window(0, "rewiring", "maintenance", plan, Scope(tag="barn")))
    await site.offline(*range(1, 9))
    await site.turn(3)
    assert await site.said() == [("group-offline", "opened")]


async def test_weekly_quiet_hours_hold_back_up_to_a_severity_until_they_are_over(site: AlertSite) -> None:
    await site.miners(range(1, 9))  # it is Friday, 8:00 UTC
    plan = Schedule(days=(4,), begins="08:00", ends="10:00")
    await site.write(windows.add, Window(0, "breakfast", "quiet", plan, severity="warn"))
    await site.tells(1, hashrate_hs=50e12)
    await site.tells(2, hashboards=(board(1, chips_red=9),))
    await site.turn(60)
    assert await site.said() == []
    site.facts = replace(site.facts, troubles=(FULL,))
    await site.turn(2)
    assert await site.said() == [("disk", "opened")]
    await site.tells(2, hashboards=(board(1),))
    await site.turn(60)
    assert {*(await site.said())[1:]} == {("chips-fading", "ended"), ("miner-low", "opened")}


async def test_what_somebody_has_in_hand_is_told_only_when_it_is_over(site: AlertSite) -> None:
    await site.miners(range(1, 9))
    await site.tells(1, chip_temp_max_c=99.0)
    await site.turn(7)
    (alert,) = await site.open()
    await site.write(alerts.acknowledge, alert.id, by="eva", at=site.clock())
    for number in (2, 3):
        await site.tells(number, chip_temp_max_c=99.0)
        await site.turn(20)
    assert await site.said() == [("too-hot", "opened")]
    for number in (1, 2, 3):
        await site.tells(number, chip_temp_max_c=70.0)
    await site.turn(4)
    assert (await site.said())[1:] == [("too-hot", "ended")]


async def test_what_is_snoozed_is_told_again_afterwards(site: AlertSite) -> None:
    await site.miners(range(1, 9))
    await site.tells(1, chip_temp_max_c=99.0)
    await site.turn(7)
    (alert,) = await site.open()
    await site.write(alerts.snooze, alert.id, by="eva", until=site.clock() + 3600)
    await site.tells(2, chip_temp_max_c=99.0)
    await site.turn(55)
    assert len(await site.said()) == 1
    await site.turn(6)
    assert (await site.said())[1:] == [("too-hot", "changed")]


async def test_a_paused_miner_raises_nothing_and_ends_nothing(site: AlertSite) -> None:
    await site.miners(range(1, 9))
    await site.tells(4, **DEAD)
    await site.turn(10)
    for number in range(1, 9):
        await site.tells(number, state="stopped", hashrate_hs=0.0, power_w=50.0, chip_temp_max_c=99.0)
    await site.turn(60)
    assert await site.said() == [("boards-lost", "opened")]


@pytest.mark.parametrize(("verb", "said"), [("reboot", []), ("locate", [("failure", "opened")])])
async def test_what_an_order_does_to_a_miner_is_no_trouble(
    site: AlertSite, verb: str, said: list[tuple[str, str]]
) -> None:
    await site.miners(range(1, 9))
    await site.ordered(4, verb, "confirmed")
    await site.tells(4, state="failure", hashrate_hs=0.0)
    await site.turn(9)
    assert await site.said() == said
    await site.turn(10)
    assert await site.said() == [("failure", "opened")]


async def test_a_new_list_of_pools_has_ten_minutes_before_what_was_there_is_an_alert(site: AlertSite) -> None:
    await site.miners(range(1, 6), group="row A")
    for number in (1, 2):
        await site.tells(number, pools=(PoolReading(0, "stratum+tcp://old.example:1", "farm.w1", status="active"),))
    await site.allow(ago=0.0)
    await site.turn(9)
    assert await site.said() == []
    await site.turn(2)
    (notice,) = await site.notices()
    assert "Next step: put it right: hivectl do pools FILE --miner MINER, or on its page" in notice.body
    await site.allow("old.example", ago=0.0)
    await site.turn(4)
    ended = (await site.notices())[1]
    assert ended.title.startswith(
        "Over: 2 miners at a pool or worker that is not allowed, group row A: 2 of 2 well again"
    )
    assert "old.example" not in ended.body


async def test_an_entry_that_is_taken_away_gives_the_same_time_and_a_thief_none(site: AlertSite) -> None:
    await site.miners(range(1, 3))
    await site.allow()
    await site.allow("other.example")
    await site.tells(1, pools=(PoolReading(0, "stratum+tcp://evil.example:1", "thief.1", status="active"),))
    await site.turn(1)
    assert await site.said() == [("foreign-pool", "opened")]
    await site.write(allowed_pools.remove, 1, at=site.clock())
    await site.turn(1)
    (alert,) = await site.open()
    assert alert.count == 1, "the other miner has not changed: its owner may be at work on the list"
    await site.turn(10)
    assert (await site.open())[0].count == 2


async def test_a_rule_of_the_operator_watches_any_measure_in_its_scope(site: AlertSite) -> None:
    await site.miners([1], group="row A")
    await site.miners([2], group="row B")
    own = Rule("watts", "measure.power_w", "warn", threshold=3500, scope=Scope(group="row B"), changed_at=1.0)
    await site.write(rules.put, own)
    for number in (1, 2):
        await site.tells(number, power_w=3600.0)
    await site.turn(1)
    assert [one.title for one in await site.notices()] == ["10.0.0.2: 3600 W power"]
    await site.write(rules.put, replace(own, enabled=False))
    await site.turn(1)
    assert await site.open() == []


async def _joined(site: AlertSite, ok_ago: float) -> None:
    def write(db: Database) -> None:
        ok_at = site.clock() - ok_ago
        Uplink.insert(name="master", state="joined", master_name="hall", ok_at=ok_at).on_conflict(
            conflict_target=[Uplink.name], update={Uplink.ok_at: ok_at}
        ).execute(db)

    await site.write(write)


async def test_a_node_leaves_the_telling_to_its_master_and_tells_what_is_bad_when_that_is_away(site: AlertSite) -> None:
    await site.miners(range(1, 9), group="row A")
    await _joined(site, 0)
    await site.offline(*range(1, 9))
    site.facts = replace(site.facts, disk_free_percent=3.0)
    await site.turn(9)
    assert await site.said() == []
    await site.turn(15)
    assert await site.said() == [("group-offline", "opened")]  # a low disk is no more than a warning
    await _joined(site, 0)
    await site.online(*range(1, 9))
    await site.turn(5)
    assert (await site.said())[1:] == [("group-offline", "ended")]  # whoever told the beginning tells the end


async def test_miners_that_nobody_watches_are_neither_wrong_nor_well(site: AlertSite) -> None:
    await site.node("n-2")
    await site.miners(range(1, 5), node="n-2")
    await site.tells(1, **DEAD)
    await site.turn(7)
    await site.cut_off("n-2")
    await site.turn(30)
    assert await site.said() == [("boards-lost", "opened"), ("node-silent", "opened")]
    assert "nobody knows how its 4 miners are, 416 TH/s" in (await site.notices())[1].body


async def test_a_clock_that_jumps_tells_nothing(site: AlertSite) -> None:
    await site.miners(range(1, 9))
    await site.tells(1, chip_temp_max_c=99.0)
    await site.turn(2)
    wall = 20 * DAY_S
    engine = site.engine
    engine._clock = lambda: site.clock() + wall
    await engine.tick()
    assert await site.said() == []


async def test_nothing_that_happened_before_the_first_round_is_told(site: AlertSite) -> None:
    await site.miners([1])
    await site.event("firmware_changed", 1, after="1.2.7")
    await site.turn(1)
    assert await site.said() == []
    await site.event("firmware_changed", 1, after="1.2.8")
    await site.turn(1)
    assert [one.title for one in await site.notices()] == ["10.0.0.1: now runs firmware 1.2.8"]


async def test_a_master_tells_of_its_fleet_in_one_notice(site: AlertSite) -> None:
    for number, node_id in ((1, "n-2"), (11, "n-3")):
        await site.node(node_id)
        await site.miners(range(number, number + 10), node=node_id)
    gone = [mac(number) for number in (1, 2, 11, 12)]

    def lose(db: Database) -> None:
        Miner.update(online=False, ip=None).where(Miner.mac.in_(gone)).execute(db)

    await site.write(lose)
    await site.turn(5)
    (told,) = await site.notices()
    assert told.title == "4 miners offline: 2 nodes"
    assert "10.0.0.1, 10.0.0.2, 10.0.0.11, 10.0.0.12" in told.body


async def test_a_notice_links_to_the_master_or_to_its_own_page_or_says_what_to_type(site: AlertSite) -> None:
    site.facts = replace(site.facts, troubles=(FULL,))
    site.running.remove(APID)
    site.clock.advance(60)  # its row is old
    await site.turn(1)
    (told,) = [one for one in await site.notices() if one.rule == "disk"]
    assert told.link is None
    assert told.body.endswith("More: hivectl alerts show 1")


async def test_what_a_node_says_of_itself_is_told_by_its_master(site: AlertSite) -> None:
    troubles = [{"kind": "disk_readonly", "text": "the disk cannot be written", "step": "dmesg says why"}]
    await site.node("n-2", troubles=troubles, backup_at=site.clock() - 40 * DAY_S)
    await site.turn(1)
    told = {one.rule: one for one in await site.notices()}  # of one round, in any order
    disk, backup = told["disk"], told["backup-old"]
    assert disk.title == "n-2: the disk cannot be written"
    assert "Next step: on n-2: dmesg says why" in disk.body
    assert backup.title == "n-2: 40 d without a backup"


@pytest.mark.parametrize(
    "health",
    [
        {"troubles": "full", "daemons": [], "backup_at": "never", "model_state": 7, "disk_free_bytes": "much"},
        {"troubles": [7, {"kind": None}], "daemons": {"x": 1, "y": {"alive": 0}}, "disk_total_bytes": 0},
        {"troubles": [{"kind": "disk_full", "text": "a\n\x1b[31mb" + "x" * 9000, "step": ["rm"]}] * 500},
        {"backup_at": float("inf"), "disk_free_bytes": float("nan"), "disk_total_bytes": 1},
    ],
)
async def test_whatever_a_node_says_of_itself_ends_nothing_here(site: AlertSite, health: dict[str, object]) -> None:
    await site.node("n-2", **health)
    await site.turn(12)
    for told in await site.notices():
        assert "\x1b" not in told.title + told.body
        assert len(told.title) < 400
        assert "\n" not in told.title


async def test_whatever_a_miner_says_ends_nothing_here(site: AlertSite) -> None:
    await site.miners([1, 2])
    await site.tells(
        1, extra={"boards_listed": "three", "boards_expected": [], "limit_hs": "x", "throttle_percent": -1}
    )
    await site.tells(
        2, hashrate_hs=1e18, target_hashrate_hs=0.0, hashboards=(), chip_temp_max_c=None, state="odd\nstate"
    )
    await site.turn(20)
    assert [one.title for one in await site.notices()] == []


async def test_an_engine_that_writes_no_rounds_watches_nothing(site: AlertSite) -> None:
    assert not site.fresh().watches()
    await site.turn(1)
    assert site.engine.watches()
    site.clock.advance(181)
    assert not site.engine.watches()
