"""What to do about an error of a miner, in one sentence each."""

from __future__ import annotations

_OPEN_IT = "give its password: hivectl miners set {miner} --password-prompt"
_LOCKED = "nothing yet: it takes no passwords for a while and hived tries again; then see to the password"
_NEW_KEY = "nothing: hive-discoverd makes a new key with one of the next sweeps"
_GARBLED = "its firmware answers what nobody can read: open http://{ip}/ and reboot it if this stays"
_BUSY = "nothing yet: it may be restarting; if this stays, open http://{ip}/ or reboot it"
_OTHER = "no firmware that hived knows answers there: reinstall it, or name the address in network.exclude"

NEXT_STEPS: tuple[tuple[str, str], ...] = (
    # A part of a miner's answer is missing, whatever the reason after it: the rest is still read.
    ("chips not told", "nothing yet: its status is still read; if this stays, reboot it"),
    ("preset not told", "nothing yet: its status is still read; if this stays, reboot it"),
    ("wrong unlock password", _OPEN_IT),
    ("passwords opens it", _OPEN_IT),
    ("no unlock password is configured", _OPEN_IT),
    ("locked out", _LOCKED),
    ("takes no tries for now", _LOCKED),
    ("no key could be made", "open http://{ip}/ and remove API keys that nobody uses"),
    ("our key is refused", _NEW_KEY),
    ("does not take the key or token", _NEW_KEY),
    ("address now", "nothing: the next sweep finds who is where"),
    ("another device answers", _OTHER),
    ("asks for a login", _OTHER),
    ("redirects elsewhere", _OTHER),
    ("tells no state", "nothing: it is between two states"),
    ("no answer within", "look for power and network: does `ping {ip}` answer?"),
    ("no route to host", "look for power, cable and switch port: does `ping {ip}` answer?"),
    ("network unreachable", "this host has no way to that network: see `ip route get {ip}`"),
    ("connection refused", _BUSY),
    ("connection reset", _BUSY),
    ("connection closed without an answer", _BUSY),
    ("no sockets left", "this host has too few: lower discoverd.scan_concurrency or raise the file limit"),
    ("has no such call", "this version of hived does not know its firmware: look for an update of either"),
    ("tells no usable MAC address", _GARBLED),
    ("names no model", _GARBLED),
    ("the answer ", _GARBLED),
    ("HTTP ", _BUSY),
)
"""(a phrase of the error, what to do); the first phrase that is found counts."""

FAILURE = "open http://{ip}/ and read its log; hived does not restart miners by itself"
BROKEN_BOARD = "check the board's cables, then its chips on http://{ip}/"
LOST_FAN = "check the fan's plug and blades before it overheats"
_UNKNOWN = "see hivectl miners show {miner}"


def next_step(error: str, miner: str, ip: str | None) -> str:
    """Return what to do about an error; `miner` is what hivectl finds it by."""
    advice = next((advice for phrase, advice in NEXT_STEPS if phrase in error), _UNKNOWN)
    if ip is None and "{ip}" in advice:
        advice = "it is offline: look for power and network"
    return advice.format(miner=miner, ip=ip)
