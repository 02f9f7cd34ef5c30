"""The superuser becomes the owner of a folder for good before it works there.

Whoever owns a folder can put a link in the place of any name in it, at any moment: what root opened, gave away or
changed there by its name could then be any file of this machine.
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import NamedTuple

from hived.errors import HivedError


class Owner(NamedTuple):
    """Whose folder it is: the numbers of a user and a group."""

    uid: int
    gid: int

    @property
    def name(self) -> str:
        """The user's name, or its number where it has none."""
        return self.known.pw_name if self.known else f"user {self.uid}"

    @property
    def known(self) -> pwd.struct_passwd | None:
        """What the system knows of the user, None in a container that knows nothing."""
        try:
            return pwd.getpwuid(self.uid)
        except KeyError:
            return None


def to_become(*folders: Path) -> Owner | None:
    """Return whom the superuser has to become before it works in these folders.

    None for anybody else, and where they and all above them are root's. HivedError when several users could change what
    their names mean.
    """
    if os.geteuid() != 0:
        return None
    found = {owner.uid: owner for folder in folders for owner in _owners(folder)}
    if len(found) > 1:
        names = " and ".join(sorted(owner.name for owner in found.values()))
        raise HivedError(f"{folders[0]} is in the hands of {names}: run this as one of them, such as with `sudo -u`")
    return next(iter(found.values()), None)


def become(owner: Owner) -> None:
    """Be this user from now on, with no way back. Call it before any thread begins."""
    known = owner.known
    gid = known.pw_gid if known else owner.gid
    if known:
        os.initgroups(known.pw_name, gid)
        os.environ.update(HOME=known.pw_dir, USER=known.pw_name, LOGNAME=known.pw_name)
    else:
        os.setgroups([gid])
    os.setresgid(gid, gid, gid)
    os.setresuid(owner.uid, owner.uid, owner.uid)
    os.umask(0o077)


def _owners(folder: Path) -> set[Owner]:
    """Return who, beside root, owns a folder, one above it, or a link on the way."""
    found = set()
    for way in {Path(os.path.abspath(folder)), Path(os.path.realpath(folder))}:  # noqa: PTH100 - as it is written
        for place in (way, *way.parents):
            try:
                at = place.lstat()
            except (FileNotFoundError, NotADirectoryError):
                continue  # made later, by whoever owns what is above it
            if at.st_uid != 0:
                found.add(Owner(at.st_uid, at.st_gid))
    return found
