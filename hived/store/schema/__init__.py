"""Tables only, by wing. Column names live here and nowhere else; changes go through `store/migrations/`."""

from __future__ import annotations

from typing import Any

from hived.store.schema.access import ApiToken, Attempt, Audit, OneTimeCode, Session, User
from hived.store.schema.alerts import (
    Alert,
    AlertChannel,
    AlertDelivery,
    AlertMember,
    AlertNotice,
    AlertRule,
    AlertWindow,
)
from hived.store.schema.base import Table
from hived.store.schema.collecting import Artifact, Borrowed, Collector, Contribution, Frontier, Host, Refusal, Source
from hived.store.schema.integrations import Webhook
from hived.store.schema.miners import (
    AllowedPool,
    Baseline,
    Chips,
    Contested,
    Fleet1h,
    Fleet5m,
    Health,
    Ladder,
    Miner,
    Model,
    OtherDevice,
    Ownership,
    Rollup,
    Rollup1h,
    Rollup5m,
    SettingsVersion,
    Status,
    Sweep,
)
from hived.store.schema.nodes import DeadLetter, Node, NodeKey, Peer, SyncPoint, Uplink
from hived.store.schema.orders import MinerOrder, MinerRules, OrderTarget, Plan
from hived.store.schema.shared import Command, Counter, Daemon, Event, Setting

__all__ = [
    "TABLES",
    "Alert",
    "AlertChannel",
    "AlertDelivery",
    "AlertMember",
    "AlertNotice",
    "AlertRule",
    "AlertWindow",
    "AllowedPool",
    "ApiToken",
    "Artifact",
    "Attempt",
    "Audit",
    "Baseline",
    "Borrowed",
    "Chips",
    "Collector",
    "Command",
    "Contested",
    "Contribution",
    "Counter",
    "Daemon",
    "DeadLetter",
    "Event",
    "Fleet1h",
    "Fleet5m",
    "Frontier",
    "Health",
    "Host",
    "Ladder",
    "Miner",
    "MinerOrder",
    "MinerRules",
    "Model",
    "Node",
    "NodeKey",
    "OneTimeCode",
    "OrderTarget",
    "OtherDevice",
    "Ownership",
    "Peer",
    "Plan",
    "Refusal",
    "Rollup",
    "Rollup1h",
    "Rollup5m",
    "Session",
    "Setting",
    "SettingsVersion",
    "Source",
    "Status",
    "Sweep",
    "SyncPoint",
    "Table",
    "Uplink",
    "User",
    "Webhook",
]

TABLES: list[Any] = [
    Miner, Health, Status, Chips, Rollup5m, Rollup1h, Model, Ladder, SettingsVersion, Event, OtherDevice, Sweep,
    Command, Daemon, Counter, Source, Frontier, Host, Artifact, Contribution, Refusal, Collector, Setting, Node,
    NodeKey, OneTimeCode, SyncPoint, Uplink, DeadLetter, Peer, User, Session, ApiToken, Audit, Attempt,
    Baseline, Fleet5m, Fleet1h, AllowedPool, Ownership, Contested, Borrowed,
    MinerRules, MinerOrder, OrderTarget, Plan,
    AlertRule, Alert, AlertMember, AlertNotice, AlertDelivery, AlertWindow, AlertChannel, Webhook,
]  # fmt: skip
