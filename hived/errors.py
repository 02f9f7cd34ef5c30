"""What can go wrong: classes by what the caller has to do about it, codes by what a person has to do about it.

A code is what is stored, sent and looked up; texts are for people and may change. A code never changes: a database or
another node may hold it for years.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal


class HivedError(Exception):
    """Base of every error that hived raises on purpose. `code` is its key in PROBLEMS: the class's, or a finer one."""

    code: str = "error"

    def __init__(self, message: str = "", *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class Transient(HivedError):
    """Something outside fails just now (time-out, refused, 500, garbage): wait and try again."""

    code = "transient"


class Refused(HivedError):
    """The other side understood and said no: trying the same again will not help."""

    code = "refused"


class _Pausing(HivedError):
    """The other side wants a pause of `retry_after_s` seconds; None: it did not say how long."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class WrongPassword(_Pausing, Refused):
    """The miner refused this password; the pause is a lockout."""

    code = "wrong_password"


class LockedOut(_Pausing, Transient):
    """The miner accepts no password at all for now, after too many wrong ones."""

    code = "locked_out"


class BadCredentials(Refused):
    """The key or token that we sent is missing, expired or revoked: make a new one."""

    code = "key_refused"


class NotSupported(Refused):
    """This firmware version does not have the call (404)."""

    code = "no_such_call"


class NotThisFirmware(Refused):
    """Something answers, but it is not the firmware that this client speaks to. `kind` names what it looks like."""

    code = "other_device"

    def __init__(self, message: str, kind: str = "unknown", *, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.kind = kind


class AnotherDevice(Transient):
    """Another miner answers at the address than the one that is meant: the next sweep sorts out who is where."""

    code = "address_taken"


class Unreadable(Transient):
    """It is a miner by all signs, but its answer could not be read (cut, invalid, too large, wrong shape)."""

    code = "unreadable"


class Throttled(_Pausing, Transient):
    """The host wants fewer requests."""


class NotYet(Throttled):
    """Nothing was asked: the host's turn is too far away."""


class Blocked(Refused):
    """An address, port, name or scheme that must not be reached from here (private networks above all)."""


class NotAllowed(Refused):
    """The site's robots.txt forbids this page."""


class BadConfig(HivedError):
    """The configuration cannot be used; the text names file, line, key and what was expected."""


class SchemaMismatch(HivedError):
    """The database has another schema version than this program."""


class Damaged(HivedError):
    """The file of the database holds what SQLite cannot read.

    `mend` replaces it once nobody here has it open any more, and returns what it did; None: that is not ours to do.
    """

    def __init__(self, message: str, mend: Callable[[], str] | None = None) -> None:
        super().__init__(message)
        self.mend = mend


class Replaced(HivedError):
    """The database has been replaced by another: whoever used it starts over."""


class BadRequest(HivedError):
    """A person or program asked for something that makes no sense; the text says what was expected."""


class Forbidden(HivedError):
    """Whoever asks may not have this; the text says who may."""


class NotFound(HivedError):
    """The thing asked for does not exist."""


class Conflict(HivedError):
    """The thing exists already."""


def leaves(err: BaseException) -> Iterator[BaseException]:
    """Yield what was raised, from whatever groups of tasks it came through."""
    if isinstance(err, BaseExceptionGroup):
        for one in err.exceptions:
            yield from leaves(one)
    else:
        yield err


Severity = Literal["warn", "bad"]
"""warn: hived recovers by itself, or little is lost; bad: it stays until somebody acts."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What a code means to a person; `next_step` has the places {miner}, {ip} and others that its caller fills."""

    code: str
    words: str
    severity: Severity
    next_step: str


_ON = "hived tries again by itself"
_BUSY = "nothing yet: it may be restarting; if this persists, open http://{ip}/ or reboot it"
_STILL_READ = "nothing yet: its status is still being read; if this persists, reboot it"
_OPEN_IT = "give its password: hivectl miners set {miner} --password-prompt"
_REACH = "check power, cable and switch port: does `ping {ip}` answer?"

PROBLEMS: dict[str, Problem] = {one.code: one for one in (
    # Only the class is known.
    Problem("error", "something went wrong", "bad", "see the message: hivectl miners show {miner}"),
    Problem("transient", "does not work right now", "warn", f"nothing yet: {_ON}"),
    Problem("refused", "refuses what hived asks", "bad",
        "open http://{ip}/ and see what it says; reboot it if this persists"),
    # Between here and a miner.
    Problem("timeout", "does not answer in time", "bad", "check power and network: does `ping {ip}` answer?"),
    Problem("no_route", "cannot be reached", "bad", _REACH),
    Problem("network_unreachable", "this host has no route to its network", "bad",
        "check the routes: ip route get {ip}"),
    Problem("connection_refused", "accepts no connections", "bad", _BUSY),
    Problem("connection_lost", "closes the connection without an answer", "bad", _BUSY),
    Problem("connection_failed", "the connection fails", "bad", _BUSY),
    Problem("no_sockets", "this host is out of sockets", "bad",
        "lower discoverd.scan_concurrency and polld.concurrency, or raise the limit of open files"),
    # What a miner answers.
    Problem("unreadable", "its answers cannot be read", "bad", "open http://{ip}/ and reboot it if this persists"),
    Problem("server_error", "its web server fails", "bad", _BUSY),
    Problem("no_such_call", "its firmware lacks a call that hived needs", "bad",
        "this version of hived does not know its firmware: look for an update of either"),
    Problem("not_up", "is not fully up: what it tells of its settings may be incomplete", "warn",
        "nothing yet: wait until it mines or stands, then try again"),
    Problem("no_state", "does not report its state", "warn", "nothing yet: it may be between two states"),
    Problem("no_preset", "does not report its preset", "warn", _STILL_READ),
    Problem("no_chips", "does not report its chips", "warn", _STILL_READ),
    Problem("address_taken", "another miner answers at its address", "warn",
        "nothing: the next sweep finds who is where"),
    Problem("other_device", "something else answers at its address", "bad",
        "see what answers at http://{ip}/; if it is not a miner, add it to network.exclude"),
    Problem("stock_firmware", "booted the stock firmware", "bad",
        "open http://{ip}/ and reinstall the firmware that hived can read"),
    Problem("too_many_miners", "is beyond the number of miners that hived keeps", "bad",
        "check whether something answers with a new MAC address each time; if so, add it to network.exclude"),
    Problem("too_many_macs", "keeps answering with new MAC addresses", "bad",
        "see what answers at http://{ip}/; if it is not a miner, add it to network.exclude; a test bench for control"
        " boards can go on in an hour"),
    Problem("too_many_models", "is of a model beyond the number that hived keeps", "bad",
        "check whether something answers with a new model each time; if so, add it to network.exclude"),
    Problem("duplicate_mac", "has the MAC address of another miner", "bad",
        "look at both: one needs a MAC address of its own, or its control board exchanged; open http://{ip}/"),
    Problem("mac_twice", "another device answers with its MAC address", "bad",
        "look at both, http://{ip}/ and http://{other}/: one needs a MAC address of its own; if the other one is right:"
        " hivectl miners agree {miner} --at {other}"),
    Problem("no_settings", "does not report its settings", "warn", _STILL_READ),
    Problem("no_model", "does not report its model", "warn", _STILL_READ),
    Problem("no_presets", "does not report its presets", "warn", _STILL_READ),
    # The way in.
    Problem("no_password", "has a password that hived does not know", "bad", _OPEN_IT),
    Problem("not_agreed", "is at an address that nobody agreed to: it gets no password there", "bad",
        "check that http://{ip}/ is this miner; if so: hivectl miners agree {miner}"),
    Problem("outside_subnets", "is outside of network.subnets: no password is tried there", "bad",
        "add its network to network.subnets, or agree to it: hivectl miners agree {miner}"),
    Problem("wrong_password", "refuses the unlock password", "bad", _OPEN_IT),
    Problem("locked_out", "accepts no passwords for a while", "warn",
        f"nothing yet: {_ON}; then correct the password: hivectl miners set {{miner}} --password-prompt"),
    Problem("unlock_failed", "neither accepts nor rejects a password", "bad",
        f"nothing yet: {_ON}, later each time; if this persists, reboot it on http://{{ip}}/"),
    Problem("token_refused", "unlocks, and then rejects its own token", "bad",
        f"nothing yet: {_ON}, later each time; if this persists, reboot it on http://{{ip}}/ and look at its clock"),
    Problem("key_not_made", "unlocks, but does not store a key for hived", "bad",
        "open http://{ip}/ and remove unused API keys"),
    Problem("key_refused", "no longer accepts hived's key", "warn", "nothing: the next sweep makes a new key"),
    # How a miner is.
    Problem("failure", "has failed", "bad",
        "open http://{ip}/ and read its log; hived does not restart miners by itself"),
    Problem("dead_board", "has a dead board", "bad", "check the board's cables, then its chips on http://{ip}/"),
    Problem("offline", "the last sweeps did not find it", "bad",
        f"{_REACH} If it is gone for good: hivectl miners remove {{miner}}"),
    Problem("silent", "it has reported nothing lately", "warn", "check that hive-polld is running: hivectl status"),
    Problem("unpolled", "is not polled: hive-polld is not running", "bad",
        "systemctl start hive-polld; journalctl -u hive-polld says why it ended"),
    Problem("pool_foreign", "mines at a pool that is not allowed", "bad",
        "put it right: hivectl do pools FILE --miner {miner}, or on its page; if nobody of yours changed it, change the"
        " miner's password as well; if it is intended: hivectl pools allow URL"),
    Problem("lost_fan", "has lost a fan", "bad", "check the fan's plug and blades before it overheats"),
    # Nodes that watch miners.
    Problem("node_asks", "asks to join", "warn",
        "compare the phrase that it shows, then: hivectl nodes approve {node} PHRASE"),
    Problem("node_dead", "is dead", "bad", "check the node {node}: power, network, then its hive-syncd"),
    Problem("node_left", "was stopped", "warn", "start it again: systemctl start hived.target on {node}"),
    Problem("node_full", "has sent as much as is kept per node", "warn",
        "see what it sends; if it is no longer yours: hivectl nodes remove {node}, which removes its miners too"),
    Problem("too_many_artifacts", "has sent as many artifacts as are kept per node", "warn",
        "on the master: hivectl nodes list; nothing is lost here"),
    Problem("node_revoked", "is revoked", "warn", "remove it, or let it join again: hivectl nodes remove {node}"),
    Problem("node_unpolled", "does not poll: its hive-polld is not running", "bad",
        "on {node}: systemctl start hive-polld; journalctl -u hive-polld says why it ended"),
    Problem("node_plain", "sends without TLS: anyone on the path can read its key", "warn",
        "on {node}: hivectl secure"),
    Problem("collector_plain", "sends its key over plain HTTP", "warn",
        "have {node} use https://, on the same port; http.plain_ingest: false refuses http://"),
    # Daemons, and the box itself.
    Problem("daemon_down", "is not running", "bad",
        "systemctl start {daemon}; journalctl -u {daemon} says why it ended"),
    Problem("daemon_old", "is running another version", "warn",
        "systemctl restart {daemon}; it is still {version}"),
    Problem("disk_full", "the disk is full", "bad", "make room on the disk of {folder}; nothing needs a restart"),
    Problem("disk_readonly", "the disk cannot be written", "bad",
        "dmesg says why: repair or replace the disk, mount it writable or reboot; nothing else needs a restart"),
    Problem("not_writable", "hived has no permission to write its own files", "bad",
        "chown -h {user} {file}; runuser -u {user} -- chmod u+rwX {file}; nothing needs a restart"),
    Problem("database_full", "the database is full, and history is not the cause", "bad",
        "hivectl nodes list: remove a node that sends too much, or raise retention.max_database_mb"),
    Problem("database_replaced", "the database was damaged", "warn",
        "hivectl restore FILE, or go on with the new one; then remove {file}"),
    Problem("push_waits", "metrics cannot be sent on", "warn",
        "see whether {place} is up and takes remote write; metrics.push in hived.yaml names it"),
    # Where objects are collected.
    Problem("source_waits", "has asked for a pause", "warn", f"nothing yet: {_ON}"),
    Problem("source_fails", "does not answer as expected", "warn",
        f"nothing yet: {_ON}; if this persists, see whether {{url}} opens in a browser"),
    Problem("source_refuses", "refuses the requests", "bad",
        "see whether {url} is the address that was meant: hivectl sources list"),
    Problem("source_unreadable", "its answers cannot be read", "bad",
        f"nothing yet: {_ON}; if this persists, see what {{url}} answers"),
    Problem("source_flawed", "a part of its list cannot be read", "warn",
        "nothing: what could be read is collected; only the site's operator can mend its list"),
    Problem("source_cut", "its list ends early", "warn",
        "nothing: what was listed is collected; to retry the whole list, remove the source and add it again"),
    Problem("source_empty", "its list names nothing", "bad",
        "see whether {url} is the address that was meant: hivectl sources list"),
    # The way to the master.
    Problem("master_offered", "a master was found on the network", "warn",
        "to join it: hivectl join {url} CODE, with a code of `hivectl enroll-code` there; to ignore it:"
        " syncd.master: off"),
    Problem("master_unconfirmed", "nobody has confirmed the phrase on this node", "warn",
        "compare it with the one that the master shows; if it is the same, here: hivectl join {url} PHRASE;"
        " there: hivectl nodes approve {node} PHRASE"),
    Problem("master_asked", "the master's operator has not decided yet", "warn",
        "its operator compares the phrase and approves this node: hivectl nodes approve {node}"),
    Problem("master_refused", "the master refuses this node's key", "bad",
        "if that is a mistake: hivectl join {url}"),
    Problem("master_other_key", "the master answers with another key", "bad",
        "nothing, until you know who that is; if the master's key was replaced: hivectl join {url}"),
    Problem("master_not_trusted", "this box does not trust the master's certificate", "warn",
        "check both clocks with timedatectl; otherwise have the certificate renewed"),
    Problem("master_no_tls", "the master answers without TLS", "bad",
        "update hived there: it answers TLS on the same port; behind a proxy, name it by https://; to send unencrypted"
        " all the same: hivectl join {url} CODE --plain"),
    Problem("master_plain", "the master is reached without TLS: anyone on the path can read this node's key", "warn",
        "hivectl secure"),
    Problem("master_unreachable", "the master does not answer", "warn",
        f"see whether {{url}} opens in a browser on this network; {_ON}"),
    Problem("master_set_aside", "the master rejects some rows", "warn", "see which: hivectl sync dead"),
    Problem("other_owner", "the master has this miner from another node, or watches it itself", "warn",
        "nothing, if it was moved here: it follows when it is offline there, or on the master: hivectl miners remove"
        " {miner}. Otherwise find out why two boxes see it: network.subnets, network.exclude"),
    # Orders to miners that are refused whole.
    Problem("confirm_password", "takes an admin and the password again", "warn",
        "send the order with your password; or say where miners may mine, which ends this: hivectl pools allow URL"),
    Problem("pool_not_allowed", "names a pool that is not allowed", "warn", "to allow it: hivectl pools allow URL"),
    Problem("not_admin", "may be forced by an admin alone", "warn", "ask an admin, or leave out force"),
    Problem("key_used", "has the key of another order", "warn", "send it with a key of its own"),
    Problem("not_its_time", "was another node's miner at that time", "warn",
        "nothing: what happened before this node had the miner is the other node's to report"),
)}  # fmt: skip
"""What can be wrong, by its code: the one place for its words, how bad it is and what to do."""

NO_ANSWER = frozenset({
    "timeout", "no_route", "network_unreachable", "connection_refused", "connection_lost", "connection_failed",
})  # fmt: skip
"""Codes of a peer that said nothing at all."""

PARTS = frozenset({"no_chips", "no_preset", "no_presets", "no_settings", "no_model"})
"""Codes of a part that is missing in the answers of a miner that can be read."""

ELSEWHERE = frozenset({"other_device", "stock_firmware"})
"""Codes of something else that answers where a miner was: it can be looked at, also when the miner is offline."""

_NOWHERE = "check its power and network; if it is gone for good: hivectl miners remove {miner}"


def problem(code: str | None) -> Problem:
    """Return what a code means; a code that is not known here (a newer node's) or none (an old row) is an "error"."""
    return PROBLEMS.get(code or "error", PROBLEMS["error"])


def next_step(code: str | None, *, miner: str = "", ip: str | None = None, **places: str) -> str:
    """Return what to do about a code. `miner`: what hivectl finds it by; `ip`: where it is or was, None if unknown."""
    step = problem(code).next_step
    if ip is None and "{ip}" in step:
        step = _NOWHERE
    return step.format_map(defaultdict(lambda: "?", places, miner=miner, ip=ip))
