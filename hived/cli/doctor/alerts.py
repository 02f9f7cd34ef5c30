"""`hivectl doctor`: whether somebody is told when something is wrong."""

from __future__ import annotations

from hived.cli.doctor.words import Check, ok, warn
from hived.services.alerts.audience import STEP, Audience, sentence


def heard(audience: Audience) -> list[Check]:
    """Whether anybody hears of alerts. A new box without a channel is well, as long as there is nothing to tell."""
    bad, least = audience.open["bad"], audience.open["warn"]
    count = f"{bad + least:,} open, {bad:,} of them bad" if bad + least else "none is open"
    text = f"{count}; {sentence(audience)}"
    if audience.is_there:
        return [ok("alerts", text)]
    return [warn("alerts", text, STEP)] if bad + least else [ok("alerts", f"{text}; {STEP}")]
