"""Which routes have failed lately, and are tried after the others for a while."""

from __future__ import annotations

import threading
from time import monotonic

from coda_network._fork import renew_in_children

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Sequence

    from coda_network._route.route import Route

FIRST_SECONDS = 30.0
"""For which a proxy that could not be reached comes last; each failure in a row doubles it."""

MOST_SECONDS = 1800.0

MOST_ROUTES = 500


class DeadRoutes:
    """Routes that could not be opened, and until when they are to come last; safe for threads."""

    def __init__(self) -> None:
        # Of each route: until when, and for how many seconds that was.
        self._until: dict[object, tuple[float, float]] = {}
        self._renew_lock()
        renew_in_children(self, DeadRoutes._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def in_order(self, routes: Sequence[Route]) -> Sequence[Route]:
        """Return *routes* with those that failed lately behind the others: where all have failed, all are tried."""
        if not self._until or len(routes) == 1:
            return routes
        now = monotonic()
        return sorted(routes, key=lambda route: self._until.get(route.hops, (0.0, 0.0))[0] > now)

    def note_failure(self, route: Route) -> None:
        """Let a route come last for a while. A direct one never does: its failure is the site's."""
        if route.is_direct:
            return
        now = monotonic()
        with self._lock:
            until, seconds = self._until.pop(route.hops, (0.0, 0.0))
            if until <= now:  # else it is a failure of the same time, in another thread say
                seconds = min(seconds * 2, MOST_SECONDS) or FIRST_SECONDS
                until = now + seconds
            self._until[route.hops] = until, seconds
            if len(self._until) > MOST_ROUTES:
                del self._until[next(iter(self._until))]

    def note_success(self, route: Route) -> None:
        """Forget the failures of a route."""
        if self._until:
            with self._lock:
                self._until.pop(route.hops, None)

    def clear(self) -> None:
        """Forget all failures."""
        with self._lock:
            self._until.clear()


dead_routes = DeadRoutes()
