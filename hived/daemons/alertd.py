"""hive-alertd: tell people what is wrong.

`hive-alertd` looks at what the other daemons have stored, by the rules of `hivectl alerts`, and writes down what people
are to be told: once when a trouble begins, sparingly while it lasts, once when it is over. It brings that to people by
the channels that the configuration or an admin named, and tries so for a day. It asks no miner anything.
On a node that has joined a master it is silent, since the master's tells of the whole fleet; it tells what is bad
itself when the master has been away for ten minutes. It also tells webhooks of events, and a broker how the miners are,
and takes orders from there, as far as the section `mqtt` of the configuration says (docs/integrations.md).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

from hived import __version__
from hived.records.daemon import ALERTD
from hived.runtime.config import Config
from hived.runtime.runner import Beat, Life
from hived.runtime.tally import Numbers
from hived.services.alerts.boxes import Facts
from hived.services.alerts.delivery import NoticeDelivery
from hived.services.alerts.engine import AlertEngine, facts_of
from hived.services.alerts.heartbeat import EVERY_S, Heartbeat
from hived.services.alerts.outgoing import Outgoing
from hived.services.alerts.past_the_disk import PastTheDisk, to_all
from hived.services.alerts.places import dashboard
from hived.services.appliance.presence import PRESENCE_S, Presence
from hived.services.integrations.webhook_delivery import WebhookDelivery
from hived.store import Store, push_state
from hived.store.engine.node_id import node_id
from hived.store.engine.opening import opened

log = logging.getLogger(__name__)

LOOK_EVERY_S = 15.0
FORGET_EVERY_S = 3600.0
MQTT_EVERY_S = 1.0  # how soon a command is heard
DELIVER_EVERY_S = 5.0
DELIVERIES_S = 600.0
"""One round may take so long: a channel that does not answer takes half a minute of it."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What each job of this daemon works with. `says`: each may add its part of the daemon's status."""

    config: Config
    life: Life
    store: Store
    stack: AsyncExitStack
    node_id: str
    says: list[Callable[[], str]] = field(default_factory=list)
    watches: list[Callable[[], bool]] = field(default_factory=list)
    """Whether each that looks does so."""
    numbers: list[Callable[[], Numbers]] = field(default_factory=list)
    """What each counts about itself."""

    def summary(self) -> str:
        """Return what the jobs say of themselves."""
        return ", ".join(filter(None, (say() for say in self.says))) or "nothing to do"


async def alerts(desk: Desk) -> Sequence[Beat]:
    """Find what is wrong, and write what people are to be told."""
    config = desk.config
    own = Facts(config.node.effective_name, desk.node_id, dashboard=dashboard(config.http))
    engine = AlertEngine(
        desk.store, partial(facts_of, own, config.database.sqlite_path),
        status_seconds=config.intervals.status_seconds, clock=time.time,
        past=PastTheDisk(partial(to_all, desk.store, Outgoing.of(config))),
    )  # fmt: skip
    await desk.life.retry(engine.start)
    desk.says.append(engine.summary)
    desk.watches.append(engine.watches)
    return (
        Beat("alerts", engine.tick, every=LOOK_EVERY_S, limit=60.0, backoff_max=60.0),
        Beat("forget", engine.forget, every=FORGET_EVERY_S, limit=60.0),
    )


async def webhooks(desk: Desk) -> Sequence[Beat]:
    """Tell other programs of events."""
    delivery = WebhookDelivery(desk.store, Outgoing.of(desk.config, at_once=1), clock=time.time)
    desk.says.append(delivery.summary)
    return (Beat("webhooks", delivery.tick, every=DELIVER_EVERY_S, limit=DELIVERIES_S, backoff_max=60.0),)


async def mqtt(desk: Desk) -> Sequence[Beat]:
    """Tell a broker how the miners are, where the configuration names one."""
    own = desk.config.mqtt
    if own.url is None:
        return ()
    # A box without a broker does not pay for what speaks to one.
    from hived.records.mqtt import Broker, Topics, scope
    from hived.services.integrations.mqtt import Bridge
    from hived.services.integrations.mqtt_look import Telling
    from hived.services.integrations.mqtt_orders import Steering
    from hived.services.miners.orders import Rules

    broker, status_s = Broker.of(own.url, own.username), desk.config.intervals.status_seconds
    steers = own.steer and broker.may_steer
    if own.steer and not steers:
        log.error("mqtt.steer: nothing is ordered over %s: take mqtts://, or a broker on this host", own.url)
        desk.says.append(lambda: "MQTT steers nothing without TLS")
    allowed = scope(steer=steers, reboot=own.steer_reboot)
    node = desk.config.node
    topics = Topics.of(own.topic, own.discovery_prefix, desk.node_id)
    bridge = Bridge(
        desk.store, broker, Telling(topics, node.site or node.effective_name, allowed, status_s),
        Steering(allowed, Rules.of(desk.config.controld), status_s) if steers else None,
        password=own.password, ca=own.ca, clock=time.time, monotonic=time.monotonic,
    )  # fmt: skip
    desk.says.append((await desk.stack.enter_async_context(bridge)).summary)
    return (Beat("mqtt", bridge.tick, every=MQTT_EVERY_S, limit=120.0),)


async def deliveries(desk: Desk) -> Sequence[Beat]:
    """Bring to people what is written."""
    delivery = NoticeDelivery(desk.store, Outgoing.of(desk.config), clock=time.time)
    desk.says.append(delivery.summary)
    return (Beat("deliveries", delivery.tick, every=DELIVER_EVERY_S, limit=DELIVERIES_S, backoff_max=60.0),)


async def heartbeat(desk: Desk) -> Sequence[Beat]:
    """Be heard of while all is well."""
    if (url := desk.config.alerts.heartbeat) is None:
        return ()
    watches = partial(_all, desk.watches)
    heart = Heartbeat(desk.store, Outgoing.of(desk.config, at_once=1), url, watches)
    return (Beat("heartbeat", heart.tick, every=EVERY_S, limit=EVERY_S, backoff_max=EVERY_S),)


def _all(told: Sequence[Callable[[], bool]]) -> bool:
    return all(one() for one in told)


async def push(desk: Desk) -> Sequence[Beat]:
    """Send metrics on, where `metrics.push` says so."""
    config = desk.config
    if config.metrics.push is None:
        await desk.life.retry(lambda: desk.store.write(push_state.keep, None))
        return ()
    # What sends them takes memory that boxes without it keep.
    from hived.clients.remote_write.client import RemoteWrite
    from hived.services.integrations.push import READ_EVERY_S, SEND_EVERY_S, Box, Push

    client = RemoteWrite(config.metrics.push, version=__version__)
    box = Box(config.node.effective_name, desk.node_id, __version__, config.intervals.status_seconds, config.state_dir)
    work = Push(desk.store, box, client.send, place=client.place, clock=time.time, progress=lambda: sending.touch())
    desk.says.append(work.summary)
    desk.numbers.append(work.numbers)
    sending = Beat("push", work.send, every=SEND_EVERY_S, limit=60.0, backoff_max=30.0)
    return (Beat("metrics", work.read, every=READ_EVERY_S, limit=60.0), sending)


JOBS: Sequence[Callable[[Desk], Awaitable[Sequence[Beat]]]] = (alerts, deliveries, heartbeat, webhooks, mqtt, push)
"""What this daemon does: each job opens what it needs on the desk's stack, and returns its beats."""


async def alertd(config: Config, life: Life) -> None:
    """Do all jobs."""
    async with (
        opened(config.database.url, config.state_dir, waiting=life.waiting, retries=life.retries) as store,
        AsyncExitStack() as stack,
    ):
        own_id = await asyncio.to_thread(node_id, config.state_dir, config.node.id)
        desk = Desk(config, life, store, stack, own_id)
        beats = [beat for job in JOBS for beat in await job(desk)]
        if not life.once:
            presence = Presence(
                store, ALERTD, status=life.words(desk.summary), numbers=life.numbers(*desk.numbers), clock=time.time
            )
            beats.append(Beat("presence", presence.beat, every=PRESENCE_S, limit=15.0))
        await life.run(beats, status=desk.summary)
