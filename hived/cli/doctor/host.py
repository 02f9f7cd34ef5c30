"""`hivectl doctor`: the machine and its configuration."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path

from hived.cli.config_check import oddities
from hived.cli.context import CommandContext, owner
from hived.cli.doctor.words import Check, fail, ok, output, warn
from hived.cli.output.text import counted, size
from hived.errors import problem
from hived.runtime.disk import room
from hived.runtime.interfaces import own_ipv4
from hived.runtime.kinds import TlsFiles
from hived.services.appliance.certificates import KEY_NAME
from hived.services.appliance.host_troubles import host_troubles
from hived.services.miners.sweep import own_networks
from hived.store.engine.node_id import NAME as NODE_ID
from hived.store.engine.secret_box import NAME as SECRET

OLDEST_YEAR = 2025
"""No clock that is right shows an older one."""
LOW_SHARE, LOW_BYTES = 0.05, 200 * 1024 * 1024
_MDNS = "224.0.0.251"
_MIB = 1024 * 1024


def config(context: CommandContext) -> Iterator[Check]:
    """The configuration is good, or hivectl had not come here; some of it may hurt all the same."""
    file, own = context.config_file, context.config
    yield ok("config", f"{file if file.exists() else f'no {file}: defaults are in effect'}")
    for text, step in oddities(context):
        yield warn("config", text, step)
    if own.minerd.autostart and own.minerd.contact is None and not own.minerd.allow_hosts:
        text = "minerd.autostart is set, but without minerd.contact no host is asked"
        yield warn("config", text, f"set minerd: {{contact: you@example.org}} in {file}; systemctl reload hive-minerd")
    if own.log.level == "debug":
        text = "log.level: debug writes a lot to the disk"
        yield warn("config", text, f"set log: {{level: info}} in {file}; systemctl reload 'hive-*'")


def disk(context: CommandContext) -> Iterator[Check]:
    """Room on the disk of the database, and whether the budget fits."""
    database = context.config.database.sqlite_path
    folder = database.parent if database is not None else context.config.state_dir
    for one in host_troubles(database):
        kind = fail if problem(one.kind).severity == "bad" else warn
        yield kind("database" if one.kind == "database_replaced" else "disk", one.text, one.step)
    free = room(folder)
    if free is None:
        yield warn("disk", f"{folder} cannot be looked at", f"ls -ld {folder}")
        return
    total = shutil.disk_usage(folder).total
    look = f"du -xh {folder} | sort -h | tail; journalctl --disk-usage"
    text = f"{size(free)} of {size(total)} are free on the disk of {folder}"
    yield warn("disk", text, look) if free < max(LOW_BYTES, LOW_SHARE * total) else ok("disk", text)
    if database is not None:
        budget = context.config.retention.max_database_mb * _MIB
        used = database.stat().st_size if database.exists() else 0
        if budget - used > free:
            text = f"the database may grow to {size(budget)}, and there is room for {size(used + free)}"
            fits = max(16, int((used + free) * 0.8) // _MIB)
            yield warn("disk", text, f"set retention: {{max_database_mb: {fits}}} in {context.config_file}")


def secrets(context: CommandContext) -> Iterator[Check]:
    """Who may read what opens the miners and proves who this node is."""
    folder, found = context.config.state_dir, []
    files = [folder / SECRET, folder / KEY_NAME, folder / NODE_ID]
    if isinstance(context.config.http.tls, TlsFiles):
        files.append(Path(context.config.http.tls.key))
    if context.config.database.sqlite_path is not None:
        files.append(context.config.database.sqlite_path)
    for path in files:
        mode = _mode(path)
        if mode is None:
            continue
        found.append(path.name)
        if mode & 0o077:
            step = f"sudo -u {owner(path)} chmod 600 {path}"  # root would follow a link that its owner put there
            yield fail("secrets", f"others may read {path} (mode {stat.S_IMODE(mode):04o})", step)
    if (folder / SECRET).exists():
        yield ok("secrets", f"{', '.join(sorted(found))} in {folder}")
    else:
        yield ok("secrets", f"no {SECRET} in {folder} yet: it is made with the first miner's key")


async def clock(context: CommandContext) -> list[Check]:
    """A sane year, and somebody who keeps the clock right."""
    now = datetime.fromtimestamp(context.clock(), UTC)
    if now.year < OLDEST_YEAR:
        return [fail("clock", f"it shows {now:%Y-%m-%d %H:%M}: history gets wrong times", "timedatectl set-ntp true")]
    at = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    synchronised = (await output("timedatectl", "show", "-p", "NTPSynchronized", "--value") or "").strip()
    if synchronised == "yes":
        return [ok("clock", f"{at}, kept right by a time server")]
    if synchronised == "no":
        step = "timedatectl set-ntp true; timedatectl timesync-status"
        return [warn("clock", f"{at}, but no time server keeps it right", step)]
    return [ok("clock", f"{at}; this system does not say whether a time server keeps it right")]


def subnets(context: CommandContext) -> Iterator[Check]:
    """What is scanned, and whether this host is there."""
    configured = context.config.network.subnets
    reload = "systemctl reload hive-discoverd"
    if not configured:
        step = f"set network: {{subnets: [192.168.1.0/24]}} in {context.config_file}; {reload}"
        yield warn("subnets", "none is configured: nothing is scanned", step)
        return
    own = own_ipv4(running=True)
    for subnet in configured:
        if not isinstance(subnet, IPv4Network):
            found = own_networks()
            if found:
                yield ok("subnets", f"auto: {', '.join(str(one) for one in found)}")
            else:
                step = f"ip -brief address; or name networks in network.subnets of {context.config_file}; {reload}"
                yield fail("subnets", "auto: this host has no network of its own", step)
            continue
        here = [str(address) for address in own if address in subnet or (subnet.is_loopback and address.is_loopback)]
        if here:
            yield ok("subnets", f"{subnet}: this host is there as {here[0]}")
        elif _routed(subnet):
            first = next(subnet.hosts())
            text = f"{subnet}: this host is not in it, it is reached through a router"
            yield warn("subnets", text, f"ip route get {first}")
        else:
            step = f"ip route; ip -brief address; see {context.config_file}"
            yield fail("subnets", f"{subnet}: there is no route to it from here", step)


def _routed(subnet: IPv4Network) -> bool:
    """Ask the kernel for a way; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(next(subnet.hosts())), 9))
        except OSError:
            return False
    return True


def zeroconf(context: CommandContext) -> Iterator[Check]:
    """Whether other boxes can be heard of."""
    own = context.config.discoverd
    if not own.zeroconf:
        yield ok("zeroconf", "switched off: discoverd.zeroconf")
        return
    wanted = own.zeroconf_interfaces or tuple(str(one) for one in own_ipv4(running=True) if not one.is_loopback)
    deaf = [address for address in wanted if not _hears(address)]
    if not wanted:
        yield warn("zeroconf", "this host has no network", "ip -brief address")
    elif deaf:
        text = f"no multicast over {', '.join(deaf)}"
        yield warn("zeroconf", text, f"ip link show; or set syncd: {{master: URL}} in {context.config_file}")
    else:
        yield ok("zeroconf", f"multicast over {counted(len(wanted), 'address', 'addresses')}")


def _hears(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            group = socket.inet_aton(_MDNS) + socket.inet_aton(address)
            probe.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        except OSError:
            return False
    return True


def _mode(path: Path) -> int | None:
    try:
        return os.stat(path).st_mode  # noqa: PTH116 - beside S_IMODE
    except OSError:
        return None
