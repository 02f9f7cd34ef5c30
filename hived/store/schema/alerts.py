"""Tables of alerts: rules, what is wrong by them, and what was told of it to whom."""

from __future__ import annotations

import peewee as pw

from hived.store.schema.base import Table


class AlertRule(Table):
    """`records.alerts.Rule`."""

    name = pw.TextField(primary_key=True)
    sign = pw.TextField()
    severity = pw.TextField()
    for_s = pw.DoubleField()
    clear_s = pw.DoubleField()
    over = pw.TextField()
    threshold = pw.DoubleField(null=True)
    clear = pw.DoubleField(null=True)
    miners = pw.IntegerField()
    scope = pw.TextField(default="{}")
    per_day = pw.IntegerField()
    enabled = pw.BooleanField()
    changed_at = pw.DoubleField(null=True)
    changed_by = pw.TextField(null=True)

    class Meta:
        table_name = "alert_rule"


class Alert(Table):
    """`records.alerts.Alert`."""

    id = pw.AutoField()
    rule = pw.TextField()
    sign = pw.TextField()
    group = pw.TextField(column_name="group_name")
    severity = pw.TextField()
    since = pw.DoubleField()
    opened_at = pw.DoubleField()
    most = pw.IntegerField(default=0)
    count = pw.IntegerField(default=0)
    lost_hs = pw.DoubleField(default=0.0)
    lost_hss = pw.DoubleField(default=0.0)
    lost_at = pw.DoubleField()
    told_at = pw.DoubleField(null=True)
    told_count = pw.IntegerField(default=0)
    told_open = pw.IntegerField(default=0)
    notices = pw.IntegerField(default=0)
    ended_at = pw.DoubleField(null=True, index=True)
    owed = pw.BooleanField(default=False)
    under = pw.IntegerField(null=True)
    acknowledged_at = pw.DoubleField(null=True)
    acknowledged_by = pw.TextField(null=True)
    snoozed_until = pw.DoubleField(null=True)
    snoozed_by = pw.TextField(null=True)


class AlertMember(Table):
    """`records.alerts.Member`; one that never became part of an alert is deleted when it is over."""

    id = pw.AutoField()
    rule = pw.TextField()
    subject = pw.TextField()
    since = pw.DoubleField()
    well_at = pw.DoubleField(null=True)
    alert = pw.ForeignKeyField(Alert, null=True, column_name="alert_id", on_delete="CASCADE", backref="+")
    under = pw.IntegerField(null=True)
    back_at = pw.DoubleField(null=True, index=True)
    detail = pw.TextField(default="{}")

    class Meta:
        table_name = "alert_member"


class AlertNotice(Table):
    """`records.alerts.Notice`. `spread`: each channel has its row of it."""

    id = pw.AutoField()
    key = pw.TextField(unique=True)
    alert = pw.IntegerField(null=True, index=True)
    rule = pw.TextField()
    told = pw.TextField()
    severity = pw.TextField()
    title = pw.TextField()
    body = pw.TextField()
    link = pw.TextField(null=True)
    at = pw.DoubleField(index=True)
    spread = pw.BooleanField(default=False, index=True)

    class Meta:
        table_name = "alert_notice"


class AlertDelivery(Table):
    """One notice on its way to one channel."""

    notice = pw.ForeignKeyField(AlertNotice, column_name="notice_id", on_delete="CASCADE", backref="+")
    channel = pw.TextField()
    attempts = pw.IntegerField(default=0)
    next_try = pw.DoubleField(null=True, index=True)
    """Null: it arrived, or was given up."""
    sent_at = pw.DoubleField(null=True)
    said = pw.TextField(null=True)
    given_up = pw.BooleanField(default=False)

    class Meta:
        table_name = "alert_delivery"
        primary_key = pw.CompositeKey("notice", "channel")


class AlertWindow(Table):
    """`records.alerts.Window`."""

    id = pw.AutoField()
    name = pw.TextField(unique=True)
    kind = pw.TextField()
    schedule = pw.TextField()
    scope = pw.TextField(default="{}")
    severity = pw.TextField()
    by = pw.TextField()
    created_at = pw.DoubleField()

    class Meta:
        table_name = "alert_window"


class AlertChannel(Table):
    """`records.alerts.Channel`. Its URL holds passwords, and is sealed; null: the configuration has it."""

    name = pw.TextField(primary_key=True)
    url = pw.TextField(null=True)
    least = pw.TextField()
    enabled = pw.BooleanField(default=True)
    created_at = pw.DoubleField()
    by = pw.TextField()

    class Meta:
        table_name = "alert_channel"
