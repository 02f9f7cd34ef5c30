"""Guarded HTTP for hosts outside: addresses, sizes, times, charsets and robots.txt."""

from hived.clients.fetch.charset import Decoded, decode
from hived.clients.fetch.fetch import Fetcher, Gate, Kind, Limits
from hived.clients.fetch.guard import Guard, OwnHosts
from hived.clients.fetch.inflate import gunzip
from hived.clients.fetch.reply import (
    ANYTHING,
    GZIP,
    JSON,
    PAGES,
    XML,
    BadStatus,
    Reply,
    TooManyRedirects,
    is_wanted,
    retry_after,
)
from hived.clients.fetch.robots import AGENT, Orders, RobotsRules, orders
from hived.clients.fetch.urls import shown

__all__ = [
    "AGENT",
    "ANYTHING",
    "GZIP",
    "JSON",
    "PAGES",
    "XML",
    "BadStatus",
    "Decoded",
    "Fetcher",
    "Gate",
    "Guard",
    "Kind",
    "Limits",
    "Orders",
    "OwnHosts",
    "Reply",
    "RobotsRules",
    "TooManyRedirects",
    "decode",
    "gunzip",
    "is_wanted",
    "orders",
    "retry_after",
    "shown",
]
