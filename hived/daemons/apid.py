"""hive-apid: serve the API and the dashboard.

`hive-apid` makes a node a master: it serves the dashboard and the API at `http.addr`, and takes what the other nodes
send. It never talks to a miner; what a person wants is a row that another daemon reads. The first start logs where
the dashboard is and a code with which the first user is made:

    journalctl -u hive-apid
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from functools import partial

from aiohttp import web

from hived.api import context
from hived.api.app import make_app
from hived.api.http import access
from hived.api.http.listener import SHUTDOWN_S, Listener
from hived.api.miners.live_miners import BEAT_S, LiveMiners
from hived.errors import HivedError, Transient
from hived.records.daemon import APID
from hived.records.net import is_loopback
from hived.runtime.config import Config
from hived.runtime.kinds import Endpoint
from hived.runtime.runner import Beat, Life
from hived.services.access import setup_code
from hived.services.access.setup_code import SetupCode
from hived.services.alerts.outgoing import Outgoing
from hived.services.appliance.presence import PRESENCE_S, Presence
from hived.services.appliance.tls import Tls, tls_of
from hived.services.miners.orders import Rules
from hived.services.nodes.node_presence import WATCH_S, NodeWatch
from hived.store import Store, daemon_rows
from hived.store.access import sessions
from hived.store.engine.node_id import node_id
from hived.store.engine.opening import opened

log = logging.getLogger(APID)

CONNECTIONS = 4  # of each kind to a PostgreSQL server: a browser asks for several lists at once, nodes send meanwhile


TLS_LOOK_S = 60.0  # for files that changed, and certificates that end


async def apid(config: Config, life: Life) -> None:
    """Serve until the end is asked for. HivedError when the address cannot be had."""
    url, folder = config.database.url, config.state_dir
    async with opened(url, folder, connections=CONNECTIONS, waiting=life.waiting, retries=life.retries) as store:
        tls = await asyncio.to_thread(tls_of, config)  # may write a certificate: only now the disk is known to take it
        own_id = await asyncio.to_thread(node_id, config.state_dir, config.node.id)
        nodes = NodeWatch(store, own_id, name=config.node.effective_name, site=config.node.site, clock=time.time)
        await life.retry(nodes.beat)  # whoever asks finds its master there
        fleet = LiveMiners(store, status_seconds=config.intervals.status_seconds)
        await life.retry(fleet.beat)  # the first list is whole
        app = make_app(
            store, fleet=fleet, node_name=config.node.effective_name, node_id=own_id, names=config.http.names,
            plain_ingest=config.http.plain_ingest, metrics_from=config.http.metrics_from, certificate=tls.current,
            steering=Rules.of(config.controld), outgoing=Outgoing.of(config),
        )  # fmt: skip
        runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        try:
            for address in await store.read(sessions.addresses, time.time()):
                app[access.KNOWN].note(address)
            plain = config.http.tls == "off"
            where = await life.retry(lambda: listen(runner, config.http.addr, tls, plain=plain))
            warn(config)

            def status() -> str:
                return f"{where}, {len(fleet)} miners"

            presence = Presence(
                store, APID, status=life.words(status), numbers=life.numbers(app[context.TALLY].numbers)
            )
            beats = [
                Beat("fleet", fleet.beat, every=BEAT_S, limit=30.0, backoff_max=10.0),
                Beat("nodes", nodes.beat, every=WATCH_S, limit=30.0),
                Beat("presence", presence.beat, every=PRESENCE_S, limit=30.0),
                Beat("tls", partial(look_at, tls, store), every=TLS_LOOK_S, limit=30.0),
            ]
            code = SetupCode(store, where, time.time)
            await life.retry(code.beat)
            beats.append(Beat("setup", code.beat, every=setup_code.LOOK_S, limit=30.0))
            await life.run(beats, status)
        finally:
            await runner.cleanup()


async def look_at(tls: Tls, store: Store) -> None:
    """Renew or reload the certificate when it is time, and tell the alerts when it ends. Transient: database busy."""
    await tls.beat()
    ends_at = tls.current().ends_at
    if await store.read(daemon_rows.noted, daemon_rows.CERTIFICATE_UNTIL) != ends_at:
        await store.write(daemon_rows.note, daemon_rows.CERTIFICATE_UNTIL, ends_at)


def warn(config: Config) -> None:
    """Say what of the configuration an operator should know to be open."""
    if config.http.tls == "off" and not is_loopback(config.http.addr.host):
        log.warning("logins over http:// send the password unencrypted: use https://, or set http.tls: self-signed")


async def listen(runner: web.AppRunner, where: Endpoint, tls: Tls, *, plain: bool) -> str:
    """Open the listener and return its URL, with `plain` that without TLS.

    Transient when this host does not have the address, else HivedError.
    """
    listener = Listener(runner, where.host, where.port, tls=tls.context, plain=plain, known=runner.app[access.KNOWN])
    try:
        await listener.start()
    except OSError as err:
        if err.errno == errno.EADDRINUSE:
            raise HivedError(f"{where} is in use by another program: stop it or set http.addr") from err
        # An address of a router, and a name server, may be there minutes after the start.
        absent = err.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, socket.EAI_AGAIN)
        why = err.strerror or str(err)
        raise (Transient if absent else HivedError)(f"cannot listen on {where}: {why}") from err
    place = Endpoint(shown(where.host), listener.port)
    url = f"{'http' if plain else 'https'}://{place}"
    over_tls = f", over TLS at https://{place}" if plain else ""
    log.info("dashboard at %s%s, fingerprint of the certificate %s", url, over_tls, tls.current().fingerprint)
    return url


def shown(host: str) -> str:
    """Return a host that a browser can open: for "all addresses" the one that this machine would send from."""
    if host not in ("", "0.0.0.0", "::"):  # noqa: S104  compared, not bound
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # chooses a route, sends nothing (RFC 5737: nobody has this address)
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])
