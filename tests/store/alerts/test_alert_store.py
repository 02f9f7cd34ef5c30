"""Rules, alerts, notices and channels as the database keeps them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hived.errors import BadRequest, Conflict, NotFound
from hived.records.alerts import DEFAULTS, GIVE_UP_S, Alert, Channel, Member, Notice, Rule, Scope, Window
from hived.records.plans import Schedule
from hived.records.signs import SIGNS, explains
from hived.store import Store
from hived.store.alerts import alerts, channels, notices, rules, windows
from tests.databases import Databases

NOW = 1_800_000_000.0


def _notice(key: str, severity: str = "bad", at: float = NOW) -> Notice:
    return Notice(0, key, None, "disk", "opened", severity, "Disk full", "It is full.", None, at)  # type: ignore[arg-type]


async def test_the_rules_of_every_installation_are_rows_and_keep_what_was_changed(store: Store) -> None:
    assert [rule.name for rule in await store.read(rules.listing)] == list(DEFAULTS)
    await store.write(rules.install)
    hot = replace(DEFAULTS["too-hot"], threshold=80.0, scope=Scope(model="s19"), changed_at=NOW, changed_by="eva")
    await store.write(rules.put, hot)
    await store.write(rules.put, replace(DEFAULTS["disk"], per_day=1))  # as an older hived had it: nobody changed it
    await store.write(rules.install)
    assert await store.read(rules.one, "too-hot") == hot
    assert await store.read(rules.one, "disk") == DEFAULTS["disk"]
    assert await store.write(rules.reset, "too-hot") == DEFAULTS["too-hot"]


async def test_own_rules_come_and_go_and_those_of_hived_stay(store: Store) -> None:
    await store.write(rules.put, Rule("watts", "measure.power_w", "warn", threshold=4000, changed_at=NOW))
    assert [rule.name for rule in await store.read(rules.listing)] == [*DEFAULTS, "watts"]
    await store.write(rules.remove, "watts")
    with pytest.raises(NotFound):
        await store.read(rules.one, "watts")
    with pytest.raises(Conflict):
        await store.write(rules.remove, "disk")


def test_every_default_watches_a_sign_that_is_there_and_has_a_threshold_where_it_is_a_number() -> None:
    for rule in DEFAULTS.values():
        assert rule.watched is not None, rule.name
        assert rule.watched.is_number == (rule.threshold is not None), rule.name


def test_causes_explain_consequences_and_never_the_other_way_round() -> None:
    order = ("node.dead", "place.offline", "mark.offline", "mark.failure", "miner.boards_lost",
             "miner.hashrate_percent")  # fmt: skip
    for place, cause in enumerate(order):
        assert [explains(SIGNS[cause], SIGNS[one]) for one in order] == [place < n for n in range(len(order))]
    assert not explains(SIGNS["mark.offline"], SIGNS["event.pool_changed"])
    assert explains(SIGNS["mark.foreign"], SIGNS["event.pool_changed"])
    assert not explains(SIGNS["box.disk"], SIGNS["box.database"])


async def test_an_alert_keeps_its_members_and_what_it_explains(store: Store) -> None:
    number = await store.write(alerts.add, Alert(0, "disk", "box.disk", "", "bad", NOW, NOW, lost_at=NOW))
    await store.write(
        alerts.add_members,
        [
            Member(0, "miners-offline", "aa", NOW, alert=number, detail={"name": "10.0.0.1", "lost_hs": 5.0}),
            Member(0, "miner-low", "aa", NOW, under=number),
            Member(0, "miner-low", "bb", NOW),
        ],
    )
    (member,) = await store.read(alerts.members, number)
    assert (member.name, member.lost_hs) == ("10.0.0.1", 5.0)
    assert [one.rule for one in await store.read(alerts.explained, number)] == ["miner-low"]
    present = await store.read(alerts.present)
    assert [one.subject for one in present] == ["aa", "aa", "bb"]
    await store.write(alerts.drop_members, [present[2].id])
    await store.write(alerts.save_member, replace(member, back_at=NOW + 5))
    assert [one.back_at for one in await store.read(alerts.present)] == [NOW + 5, None]
    await store.write(alerts.save, number, {"ended_at": NOW + 9})
    assert [one.rule for one in await store.read(alerts.present)] == ["miner-low"]


async def test_an_alert_is_taken_in_hand_and_snoozed_while_it_is_open(store: Store) -> None:
    number = await store.write(alerts.add, Alert(0, "disk", "box.disk", "", "bad", NOW, NOW, lost_at=NOW))
    assert not await store.read(alerts.is_well)
    assert (await store.write(alerts.snooze, number, by="eva", until=NOW + 60)).is_quiet(NOW + 59)
    assert not (await store.read(alerts.one, number)).is_quiet(NOW + 60)
    assert (await store.write(alerts.acknowledge, number, by="eva", at=NOW)).is_quiet(NOW + 60)
    assert await store.read(alerts.is_well)
    await store.write(alerts.save, number, {"ended_at": NOW})
    with pytest.raises(Conflict):
        await store.write(alerts.acknowledge, number, by="eva", at=NOW)
    assert [one.id for one in await store.read(alerts.listing, is_open=False)] == [number]
    assert await store.read(alerts.listing, is_open=True) == []
    assert await store.write(alerts.forget, NOW + 1) == 1
    with pytest.raises(NotFound):
        await store.read(alerts.one, number)


async def test_a_notice_goes_to_each_channel_of_its_severity_once(store: Store) -> None:
    mail, pager = Channel("mail"), Channel("pager", least="bad")
    await store.write(notices.add, _notice("1"))
    await store.write(notices.add, _notice("1"))
    await store.write(notices.add, _notice("2", severity="warn"))
    assert await store.write(notices.spread, [mail, pager, Channel("off", enabled=False)], NOW) == (2, 3)
    assert await store.write(notices.spread, [mail, Channel("late")], NOW) == (0, 0)
    due = await store.write(notices.claim, NOW, lease_s=60.0)
    assert [(one.notice.key, one.channel) for one in due] == [("1", "mail"), ("1", "pager"), ("2", "mail")]
    assert await store.write(notices.claim, NOW + 59, lease_s=60.0) == []
    first, second, _ = due
    await store.write(notices.delivered, first.notice.id, "mail", NOW + 1, "250 ok" * 99)
    await store.write(notices.failed, second.notice.id, "pager", NOW + 300, "refused")
    again = await store.write(notices.claim, NOW + 60, lease_s=60.0)
    assert [(one.notice.key, one.channel) for one in again] == [("2", "mail")]  # who held it has died
    shown = {(one.notice.key, one.channel): one for one in await store.read(notices.deliveries)}
    assert (shown["1", "mail"].sent_at, len(shown["1", "mail"].said or "")) == (NOW + 1, 200)
    assert (shown["1", "pager"].attempts, shown["1", "pager"].said) == (1, "refused")


async def test_what_is_not_delivered_within_a_day_is_given_up_and_shown(store: Store) -> None:
    await store.write(notices.add, _notice("1"))
    await store.write(notices.spread, [Channel("mail")], NOW)
    await store.write(notices.failed, 1, "mail", NOW + GIVE_UP_S, "no route")
    assert await store.write(notices.claim, NOW + GIVE_UP_S + 1, lease_s=60.0) == []
    (lost,) = await store.read(notices.undelivered)
    assert (lost.given_up, lost.said) == (True, "no route")


async def test_the_url_of_a_channel_is_sealed(store: Store, databases: Databases) -> None:
    await store.write(channels.put, Channel("chat", "slack://secret-token", created_at=NOW, by="eva"))
    assert (await store.read(channels.one, "chat")).url == "slack://secret-token"
    assert "secret-token" not in repr(await store.read(channels.listing))
    assert b"secret-token" not in databases.contents()
    await store.write(channels.remove, "chat")
    with pytest.raises(NotFound):
        await store.write(channels.remove, "chat")


async def test_windows_have_names_of_their_own_and_a_limit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    window = Window(
        0, "rewiring", "maintenance", Schedule(at=NOW, until=NOW + 60), Scope(group="row A"), by="eva", created_at=NOW
    )
    number = await store.write(windows.add, window)
    assert await store.read(windows.listing) == [replace(window, id=number)]
    with pytest.raises(Conflict):
        await store.write(windows.add, window)
    monkeypatch.setattr(windows, "MAX_WINDOWS", 1)
    with pytest.raises(BadRequest):
        await store.write(windows.add, replace(window, name="other"))
    assert (await store.write(windows.remove, number)).name == "rewiring"
