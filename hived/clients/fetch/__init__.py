"""Guarded HTTP for hosts outside: addresses, sizes, times, charsets and robots.txt."""

from hived.clients.fetch.fetch import Fetcher
from hived.clients.fetch.reply import GZIP, JSON, XML, BadStatus, Reply
from hived.clients.fetch.robots import AGENT, Orders, RobotsRules, orders
from hived.clients.fetch.urls import shown

__all__ = [
    "AGENT",
    "GZIP",
    "JSON",
    "XML",
    "BadStatus",
    "Fetcher",
    "Orders",
    "Reply",
    "RobotsRules",
    "orders",
    "shown",
]
