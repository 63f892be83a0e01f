"""ftp URLs by way of a proxy: an http proxy fetches them, and nothing else does."""

from __future__ import annotations

from urllib.error import URLError

from coda_network._route.route import UnusableProxy

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from coda_network._route.route import Route


def open_ftp_over(opener: Any, request: Any, routes: Sequence[Route]) -> Any:
    """Open an ftp URL over the first of its routes.

    :returns: None where that is direct, and the handler of ftp is to open it
    :raises URLError: the route ends with a proxy that cannot fetch ftp URLs
    """
    route = routes[0]
    if route.is_direct:
        return None
    if not route.reads_requests:
        raise URLError(UnusableProxy(f"ftp URLs are fetched by http:// and https:// proxies, not over {route}"))
    # As urllib does it: from here on it is a request in absolute-form.
    request._routes = [route]
    request.set_proxy(route.hops[-1].authority, "http")
    return opener.open(request, timeout=request.timeout)
