"""What the kernel grants this process."""

from __future__ import annotations

import resource

MAX_FILES = 65_536  # far above any scan_concurrency; more would only make a leak harder to see


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one, at most 65,536; return what is granted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MAX_FILES
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft >= wanted:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # a container may forbid it: work with what there is
        return soft
    return wanted


RESERVED_FILES = 64  # the database, its log, the journal, libraries


def file_budget(share: float) -> int:
    """Return how many sockets one use may hold when it takes this share of what the kernel grants the process."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    granted = MAX_FILES if soft == resource.RLIM_INFINITY else min(soft, MAX_FILES)
    return max(8, int((granted - RESERVED_FILES) * share))
