"""A socket over the first of several routes that can be opened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from coda_network._http.tunnel_login import TunnelError
from coda_network._net.deadline_socket import connect_within, lift_deadline
from coda_network._net.timeout import for_opening
from coda_network._route.back_off import dead_routes
from coda_network._route.hops import Address, hops_for, open_stream
from coda_network._trace import Trace

if TYPE_CHECKING:
    from coda_network._route.route import Route

log = Trace("net")


def connect_over(
    routes: Iterable[Route],
    target: Address,
    seconds: float | None,
    source_address: Address | None = None,
) -> Any:
    """Connect to *target* over the first route that can be opened, and return the socket.

    A proxy that cannot be reached is a reason to try the next route; one that refuses is none.

    :param routes: as ``find_routes()`` returns them
    :param target: host and port
    :param seconds: until the connection is open, for all routes together; afterwards the timeout of each call. A
        Timeout has a value for each of these
    :param source_address: local host and port to connect from
    :returns: a socket: a plain one, or one of TLS where the way to the last hop is TLS
    :raises TunnelError: a proxy refused the tunnel
    :raises OSError: no route could be opened; this is the error of the last one
    :raises UnusableProxy: (a ValueError) a hop cannot be used
    """
    deadline, seconds = for_opening(seconds)
    failed: OSError | None = None

    def dial(address: Address, timeout: Any, source: Address | None) -> Any:
        return connect_within(deadline, address, None, source_address)

    for route in dead_routes.in_order(list(routes)):
        try:
            sock = open_stream(hops_for(route.hops, route.context), target, deadline, dial)
        except TunnelError:
            raise
        except OSError as error:
            if deadline.remaining() != 0:
                dead_routes.note_failure(route)
            log("the route %s failed: %s", route, type(error).__name__)
            failed = error
            continue
        dead_routes.note_success(route)
        return lift_deadline(sock, seconds)
    try:
        raise failed or OSError("there is no route")
    finally:
        del failed  # a reference cycle: its traceback holds this frame
