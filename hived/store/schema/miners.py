"""Tables of miners: who they are, how they are and were, their models and settings; sweeps and other devices.

What changes with every poll (`Health`) is kept apart from what changes rarely (`Miner`): SQLite writes whole
pages, and a narrow hot table of 1,000 miners is 25 pages instead of 150.
History tables are keyed time first (appending costs a tenth of scattering); each row knows the time of the same
miner's row before it, so that "the newest N of one miner" is N look-ups and not a scan over the fleet.
"""

from __future__ import annotations

from collections.abc import Iterable

import peewee as pw

from hived.records import fleet_history, measures
from hived.store.schema.base import Table


def _numbers(names: Iterable[str]) -> dict[str, pw.Field]:
    return {name: pw.DoubleField(null=True) for name in names}


class Miner(Table):
    num = pw.AutoField()
    mac = pw.TextField(unique=True)
    ip = pw.TextField(null=True, index=True)
    last_ip = pw.TextField(null=True)
    """Where it was last seen; kept when it has no address any more."""
    former_mac = pw.TextField(null=True)
    """Of the control board that it had before this one."""
    agreed_ip = pw.TextField(null=True)
    """Where its secrets may go: where it was opened with a password, or where the operator agreed to it."""
    doubted_ip = pw.TextField(null=True)
    """Where a device with its MAC answers that gets nothing secret; it may be the address that it has itself."""
    online = pw.BooleanField(default=False)
    managed = pw.BooleanField(default=False)
    model_alias = pw.TextField(null=True)
    model_name = pw.TextField(null=True)
    hostname = pw.TextField(null=True)
    firmware = pw.TextField(null=True)
    """The family's name, which says by which protocol a miner is asked."""
    firmware_version = pw.TextField(null=True)
    features = pw.TextField(null=True)
    """What the family offers, names with blanks between; null: an older node did not say."""
    platform = pw.TextField(null=True)
    serial = pw.TextField(null=True)
    hashrate_unit = pw.TextField(default="GH/s")
    node_id = pw.TextField(null=True)
    remote = pw.BooleanField(default=False)
    """True on a master for what another node watches: our own daemons leave it alone."""
    seq = pw.IntegerField(default=0, index=True)
    """Grows with every change of this row; the stream `miners` goes by it."""
    node_has_key = pw.BooleanField(null=True)
    """Whether the node that watches it has a key; null: it is one of our own."""
    api_key = pw.TextField(null=True)
    """What opens it, sealed, whatever that is for its firmware; null until it has been opened."""
    unlock_password = pw.TextField(null=True)
    unlock_failures = pw.IntegerField(default=0)
    unlock_position = pw.IntegerField(default=0)
    unlock_not_before = pw.DoubleField(default=0.0)
    created_at = pw.DoubleField()
    updated_at = pw.DoubleField()


class Health(Table):
    num = pw.ForeignKeyField(Miner, primary_key=True, column_name="num", on_delete="CASCADE", backref="+")
    state = pw.TextField(null=True)
    preset = pw.TextField(null=True)
    seen_at = pw.DoubleField(null=True)
    missed_scans = pw.IntegerField(default=0)
    uptime_s = pw.DoubleField(null=True)
    uptime_at = pw.DoubleField(null=True)
    status_at = pw.DoubleField(null=True)
    chips_at = pw.DoubleField(null=True)
    next_status_at = pw.DoubleField(default=0.0)
    next_chips_at = pw.DoubleField(default=0.0)
    failures = pw.IntegerField(default=0)
    last_error = pw.TextField(null=True)
    last_error_code = pw.TextField(null=True)
    last_error_at = pw.DoubleField(null=True)
    error_count = pw.IntegerField(default=0)
    troubles = pw.TextField(null=True)
    """Those that are open: `records.troubles`."""
    settings_due_at = pw.DoubleField(null=True)
    active_pool = pw.TextField(null=True)
    pools = pw.TextField(null=True)
    """The owner's pools as last told: `records.pools`."""
    boards_seen = pw.TextField(null=True)
    """Numbers of the boards that worked when they were last judged; null: never yet."""
    fans_seen = pw.TextField(null=True)
    occupied_at = pw.DoubleField(null=True)
    """When it last let a sweep wait although it is polled: its web server may have one connection only."""
    asked_preset = pw.TextField(null=True)
    asked_clocks = pw.TextField(null=True)
    asked_at = pw.DoubleField(null=True)
    """When its settings were last read, which ask for these two."""
    tuned = pw.TextField(null=True)
    """JSON: the presets that it has tuned; null: it was never asked."""
    paused_at = pw.DoubleField(null=True)
    """Since when an order of ours has it stand; null: none does, or it was seen mining since."""
    rev = pw.IntegerField(default=0, index=True)


class Ownership(Table):
    """A stretch in which a node had a miner, on its master; times are the master's.

    Where two nodes follow each other, the stretches overlap: from when the first one last saw it until the master heard
    of the second one. There both are taken, and what the first one says counts more.
    """

    id = pw.AutoField()
    num = pw.ForeignKeyField(Miner, column_name="num", on_delete="CASCADE", backref="+")
    node_id = pw.TextField(null=True)
    """Null: the master itself had it, before a node of 0.1.0 took it over."""
    since = pw.DoubleField()
    sure_from = pw.DoubleField()
    """From here on nobody else's word counts."""
    sure_until = pw.DoubleField(null=True)
    until = pw.DoubleField(null=True)


class Contested(Table):
    """On a node, a miner that its master has from another one, and where what the master did not take of it begins."""

    num = pw.ForeignKeyField(Miner, primary_key=True, column_name="num", on_delete="CASCADE", backref="+")
    rollup_at = pw.DoubleField(null=True)
    event_id = pw.IntegerField(null=True)
    settled = pw.BooleanField(default=False)
    """Whether the master takes it from this node by now: then the rest can follow."""


class Baseline(Table):
    """What is remembered of a miner to tell what it should give: `records.expected.Baseline`."""

    num = pw.ForeignKeyField(Miner, primary_key=True, column_name="num", on_delete="CASCADE", backref="+")
    body = pw.TextField()


class Status(Table):
    at = pw.DoubleField()
    num = pw.IntegerField()
    before = pw.DoubleField(null=True)
    state = pw.TextField(null=True)
    preset = pw.TextField(null=True)
    locals().update(_numbers(measures.COLUMNS))
    partial = pw.BooleanField(default=False)
    detail = pw.BlobField(null=True)

    class Meta:
        primary_key = pw.CompositeKey("at", "num")
        without_rowid = True


class Chips(Table):
    """One row for each hashboard and time; `body` is `packing.pack_chips`."""

    at = pw.DoubleField()
    num = pw.IntegerField()
    board = pw.IntegerField()
    before = pw.DoubleField(null=True)
    body = pw.BlobField()

    class Meta:
        primary_key = pw.CompositeKey("at", "num", "board")
        without_rowid = True


class Rollup(Table):
    """What a miner did in one stretch of time: minimum, mean and maximum over `n` statuses, all in base units."""

    at = pw.DoubleField()
    num = pw.IntegerField()
    n = pw.IntegerField()
    hashing_n = pw.IntegerField()
    locals().update(_numbers(rolled.column for rolled in measures.ROLLED))

    class Meta:
        primary_key = pw.CompositeKey("at", "num")
        without_rowid = True


class Rollup5m(Rollup):
    class Meta:
        table_name = "rollup_5m"


class Rollup1h(Rollup):
    class Meta:
        table_name = "rollup_1h"


class FleetSums(Table):
    """What the miners of one model at one node gave together in one stretch of time: means over `n` looks."""

    at = pw.DoubleField()
    node_id = pw.TextField()
    """The node; or of a group of the operator's, whatever their models, `group:` and its name."""
    model = pw.TextField()
    n = pw.IntegerField()
    locals().update(_numbers(fleet_history.COLUMNS))

    class Meta:
        primary_key = pw.CompositeKey("at", "node_id", "model")
        without_rowid = True


class Fleet5m(FleetSums):
    seq = pw.IntegerField(null=True, index=True)
    """The number in the stream `fleet`; null while the stretch goes on, and for what another node told."""

    class Meta:
        table_name = "fleet_5m"


class Fleet1h(FleetSums):
    class Meta:
        table_name = "fleet_1h"


class Model(Table):
    short = pw.TextField(primary_key=True, column_name="alias")  # Model.alias is a method of peewee's
    name = pw.TextField(null=True)
    max_preset = pw.TextField(null=True)
    min_preset = pw.TextField(null=True)
    presets = pw.TextField(default="[]")
    chips_per_chain = pw.IntegerField(null=True)
    chains = pw.IntegerField(null=True)
    topology = pw.TextField(null=True)
    series = pw.TextField(null=True)
    firmware_versions = pw.TextField(default="[]")
    created_at = pw.DoubleField()
    refreshed_at = pw.DoubleField()
    told_by = pw.TextField(null=True)
    """The node whose word it is; null: it was read here; "": that node was removed."""


class Ladder(Table):
    """The presets of a model's miners that have one firmware version and one kind of boards."""

    short = pw.TextField(column_name="alias")
    firmware_version = pw.TextField()
    boards = pw.TextField()
    """As the miner's full name tells them; empty when it tells none."""
    presets = pw.TextField()
    read_at = pw.DoubleField()

    class Meta:
        primary_key = pw.CompositeKey("short", "firmware_version", "boards")


class SettingsVersion(Table):
    num = pw.ForeignKeyField(Miner, column_name="num", on_delete="CASCADE", backref="+")
    version = pw.IntegerField()
    read_at = pw.DoubleField()
    checked_at = pw.DoubleField()
    document = pw.TextField()
    changes = pw.TextField(default="[]")

    class Meta:
        primary_key = pw.CompositeKey("num", "version")
        without_rowid = True


class OtherDevice(Table):
    ip = pw.TextField(primary_key=True)
    kind = pw.TextField()
    code = pw.TextField(null=True)
    reason = pw.TextField()
    first_seen_at = pw.DoubleField()
    last_seen_at = pw.DoubleField()
    failures = pw.IntegerField(default=1)
    next_probe_at = pw.DoubleField(default=0.0)

    class Meta:
        table_name = "stranger"


class Sweep(Table):
    id = pw.AutoField()
    started_at = pw.DoubleField()
    finished_at = pw.DoubleField(null=True)
    addresses = pw.IntegerField(default=0)
    responders = pw.IntegerField(default=0)
    miners = pw.IntegerField(default=0)
    other_devices = pw.IntegerField(default=0, column_name="strangers")
    unreadable = pw.IntegerField(default=0)
    note = pw.TextField(null=True)


class AllowedPool(Table):
    """Where miners may mine: `records.pools.AllowedPool`; an empty worker is anybody."""

    id = pw.AutoField()
    url = pw.TextField()
    worker = pw.TextField(default="")
    added_at = pw.DoubleField()
    added_by = pw.TextField()

    class Meta:
        indexes = ((("url", "worker"), True),)
