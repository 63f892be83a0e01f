"""What a local proxy is told: where to listen, who may use it, and how long anything may take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from coda_network._route.route import Route

Network = IPv4Network | IPv6Network

Routes = Callable[[str], Sequence[Route]]
"""A function of a URL that returns the routes to it, to be tried in this order."""

LOOPBACK = ip_network("127.0.0.0/8"), ip_network("::1/128")


@dataclass(frozen=True)
class Limits:
    """How long, and how many. Times are in seconds."""

    idle: float = 75
    """For which a client may be silent between two requests."""
    head: float = 30
    """In which the head of a request has to come, once it has begun."""
    transfer: float = 120
    """Of silence in the middle of a body, and until an upstream responds."""
    connect: float = 20
    """For everything until a connection to an upstream is open, its logins included."""
    tunnel_idle: float = 3600
    """For which nothing passes through a tunnel."""
    total: float | None = None
    """For which a client's connection may last; None is no limit."""
    drain: float = 10
    """That requests under way get at the end."""
    clients: int = 1000
    """Connections of clients at once."""


@dataclass(frozen=True)
class Settings:
    """All that a local proxy is told when it starts."""

    routes: Routes
    listen_address: str = "127.0.0.1"
    port: int = 0
    secret: str | None = field(default=None, repr=False)
    """The password that clients have to give; None where any client of the allowed networks may use the proxy."""
    same_user: bool = False
    """Serve clients of the user of this process, too, where they do not give the secret: browsers and Java cannot."""
    allow: tuple[Network, ...] = LOOPBACK
    """The networks whose clients are served."""
    limits: Limits = Limits()
    filters: tuple[Callable[..., Any], ...] = ()
    """Called with each request before it is sent, and with it and its response."""
    access_log: Callable[[str], object] | None = None
    """Called with one line for each request."""
