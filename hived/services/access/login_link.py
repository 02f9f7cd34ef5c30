"""A link that logs a browser on this machine in as admin, once: whoever may use the database may make one.

The code stands in the link's fragment, which no browser sends anywhere: not in a request, nor in a Referer. Only its
hash is stored, and no log and no audit row has it.
"""

from __future__ import annotations

from hived.errors import Forbidden, HivedError
from hived.records.access import By, Role
from hived.records.logins import code_hash, new_code
from hived.records.net import is_loopback
from hived.runtime.options import Http
from hived.store import Database, audit
from hived.store.access import codes

VALID_S = 600.0
MOST = 8  # that can be used at a time: more than anybody prints in ten minutes
SPENT = "this link was used, or is older than ten minutes: `sudo hivectl login-link` prints another"
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104  compared, not bound


def make(db: Database, by: By) -> tuple[str, float]:
    """Keep a new code; return it and until when it can be used."""
    code, expires_at = new_code(), by["at"] + VALID_S
    codes.add(db, code_hash(code), kind="link", at=by["at"], expires_at=expires_at, by=by["who"], most=MOST)
    audit.note(db, **by, action="login.link")
    return code, expires_at


def use(db: Database, user: str, code: str, by: By) -> Role:
    """Use a code up, given by its hash; return the role that it brings. Forbidden when it cannot be used any more."""
    if not codes.use(db, code, kind="link", at=by["at"], by=user):
        raise Forbidden(SPENT)
    audit.note(db, **by, action="login", target=user)
    return "admin"


def page(http: Http) -> str:
    """Return the URL of the page that takes a code, on this machine. HivedError when it has none by loopback."""
    host = "127.0.0.1" if http.addr.host in _EVERYWHERE else http.addr.host
    if not is_loopback(host):
        raise HivedError(
            f"hive-apid listens at {http.addr} alone, and a login link works by 127.0.0.1: set http.addr to"
            f" 0.0.0.0:{http.addr.port}, or make a user: hivectl users add NAME --role admin --password-prompt"
        )
    return f"{'http' if http.tls == 'off' else 'https'}://{http.addr._replace(host=host)}/login"
