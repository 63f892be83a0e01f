"""One request over the first of several routes that can be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.error import URLError

from coda_network._net.deadline import TimeLimit
from coda_network._route.back_off import dead_routes
from coda_network._route.route import RouteFailed, UnusableProxy
from coda_network._trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coda_network._route.route import Route

log = Trace("opener")


def over_routes(routes: Sequence[Route], send: Callable[[Route], Any], timeout: Any = None) -> Any:
    """Send a request over a route; where that cannot be opened, over the next one.

    What a proxy says is a response, and no reason to try another: a login that failed, a tunnel that was refused.

    :param routes: in their order
    :param send: sends the request over a route
    :param timeout: of the request; with one for all of it nothing is tried when that is over
    :raises URLError: none could be opened; this is the error of the last one. Or one cannot be used as it is written
    """
    order = dead_routes.in_order(routes)
    failed: OSError | None = None
    for route in order:
        try:
            response = send(route)
        except UnusableProxy as error:
            raise URLError(error)  # noqa: B904  # its own message is complete
        except RouteFailed as failure:
            failed = failure.error
            if isinstance(timeout, TimeLimit) and timeout.deadline.remaining() == 0:
                break  # which says nothing of this route
            dead_routes.note_failure(route)
            log("the route %s failed: %s", route, _why(failed))
            continue
        dead_routes.note_success(route)
        if len(order) > 1:
            log("the route %s is taken", route)
        return response
    try:
        raise failed or URLError("no route")
    finally:
        del failed  # a reference cycle: its traceback holds this frame


def _why(error: OSError) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    return type(reason).__name__
