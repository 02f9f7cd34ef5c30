"""All that metrics are made of, of one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hived.records.condition import Moment
from hived.records.daemon import DaemonRow
from hived.records.discovery import Sweep
from hived.records.host import HostTrouble
from hived.records.node import PENDING, NodeView
from hived.records.totals import Judged


@dataclass(frozen=True, slots=True)
class Box:
    """What the database and the machine say, beside the miners."""

    daemons: Sequence[DaemonRow]
    numbers: Mapping[str, Any]
    """What each daemon counts about itself: `runtime.tally.Numbers`, by the daemon's name."""
    nodes: Sequence[NodeView]
    database_bytes: int
    log_bytes: int | None
    """None: the log belongs to a server."""
    sweep: Sweep | None
    other_devices: Mapping[str, int]
    artifacts: Mapping[str, int]
    newest_event: int
    open_targets: Mapping[str, int]
    """Miners of orders that are not done, by state."""
    alerts: Mapping[str, int]
    """Open ones, by severity."""
    troubles: Sequence[HostTrouble] = ()
    health: Mapping[str, Any] = field(default_factory=dict)
    """Of this box, as a node tells it its master."""


@dataclass(frozen=True, slots=True)
class Facts:
    """`node_id`, `node_name` and `version` are of this box; `names` are the nodes' labels by their ids."""

    moment: Moment
    node_id: str
    node_name: str
    version: str
    miners: Sequence[Judged]
    box: Box

    def names(self) -> dict[str, str]:
        """Return what each node that was let in is called in labels: its name, with its id where it is taken."""
        named = {self.node_id: self.node_name}
        taken = {self.node_name}
        for node in sorted(self.box.nodes, key=lambda one: one.node_id):
            if node.status == PENDING or node.node_id in named:
                continue
            name = node.name
            while name in taken:
                name = f"{name} {node.node_id}"
            named[node.node_id] = name
            taken.add(name)
        return named
