"""`hivectl config check`: what is in effect, as every daemon would print it with --check; and what is odd about it."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from hived.cli.context import CommandContext, owner
from hived.records.mqtt import Broker
from hived.runtime.config import SECRETS, show
from hived.runtime.options import Mqtt


async def check(context: CommandContext) -> int:
    """Print the effective configuration without secrets; a bad one never gets here, its line and 78 are the answer."""
    config, odd = context.config, list(oddities(context))
    if context.json:
        warnings = [{"text": text, "next": step} for text, step in odd]
        document = {"config": config.public(), "origin": dict(config.origin), "warnings": warnings}
        context.screen.document(document)
    else:
        for text, step in odd:
            context.note(f"{text}; next: {step}")
        for line in show(config).splitlines():
            context.screen.say(line)
    return 0


def oddities(context: CommandContext) -> Iterator[tuple[str, str]]:
    """Yield what works and is wrong all the same, each with the next step."""
    for line in context.config.ignored:
        yield line, "take the line out"
    secrets = context.config_file.parent / SECRETS
    for file, options in context.config.secrets().items():
        mode = stat.S_IMODE(file.stat().st_mode)
        what = f"{file} holds {' and '.join(options)}, and others may read it (mode {mode:04o})"
        if file == secrets and mode & 0o077:
            yield what, f"chmod 600 {file}"
        elif file != secrets and mode & 0o004:
            yield what, f"move that to {secrets}, which the user {owner(context.config.state_dir)} alone may read"
    yield from _mqtt(context.config.mqtt)


def _mqtt(mqtt: Mqtt) -> Iterator[tuple[str, str]]:
    if mqtt.url and mqtt.steer and not Broker.of(mqtt.url).may_steer:
        yield f"mqtt.steer: nothing is ordered over {mqtt.url}", "take mqtts://, or a broker on this host"
    if mqtt.url and mqtt.password and not Broker.of(mqtt.url).may_steer:
        yield f"mqtt.password can be read by whoever listens on the way to {mqtt.url}", "take mqtts://"
    if mqtt.steer_reboot and not mqtt.steer:
        yield "mqtt.steer_reboot does nothing without mqtt.steer", "set mqtt.steer, or take it out"
