"""How old a stored response is, and how long it is fresh (RFC 9111 section 4.2)."""

from __future__ import annotations

from email.utils import mktime_tz, parsedate_tz
from typing import Any

from coda_network._cache.directives import MAX_SECONDS, Directives, of_response

HEURISTIC_FRACTION = 0.1
"""Of the time since it was modified, for which a response is fresh that says nothing of it (section 4.2.2)."""
HEURISTIC_MOST = 7 * 24 * 3600
"""Seconds for which that is so at most."""

HEURISTIC_STATUSES = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
"""RFC 9110 section 15.1; 206 is left to the servers."""


def date_of(headers: Any, name: str) -> float | None:
    """Return the time that a field names, in seconds since the epoch; None where it names none."""
    value = headers.get(name)
    try:
        parsed = parsedate_tz(value) if value else None
        return None if parsed is None else float(mktime_tz(parsed))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def age_at_arrival(headers: Any, requested: float, arrived: float) -> float:
    """Return how old a response was when it arrived (section 4.2.3), in seconds.

    :param requested: when its request was sent
    :param arrived: when its head came
    """
    date = date_of(headers, "Date")
    apparent = 0.0 if date is None else max(0.0, arrived - date)
    text = (headers.get("Age") or "").partition(",")[0].strip()
    age = min(int(text), MAX_SECONDS) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return max(apparent, age + max(0.0, arrived - requested))


def lifetime(status: int, headers: Any, arrived: float) -> float:
    """Return for how many seconds a response is fresh (section 4.2.1); ``s-maxage`` is for shared caches."""
    directives = of_response(headers)
    if (seconds := directives.seconds("max-age")) is not None:
        return seconds
    date = date_of(headers, "Date")
    if date is None:
        date = arrived
    if "Expires" in headers:
        expires = date_of(headers, "Expires")
        return 0.0 if expires is None else max(0.0, expires - date)  # section 5.3: "0" is a time in the past
    modified = date_of(headers, "Last-Modified")
    if modified is not None and (status in HEURISTIC_STATUSES or "public" in directives):
        return min(HEURISTIC_MOST, max(0.0, (date - modified) * HEURISTIC_FRACTION))
    return 0.0


def may_be_used(age: float, fresh_for: float, wants: Directives, says: Directives) -> bool:
    """Return whether a stored response may be used without asking the server (sections 4.2, 5.2.1).

    :param age: how old it is now
    :param fresh_for: its lifetime
    :param wants: what the request says
    :param says: what the response says
    """
    if "no-cache" in wants or says.applies_to_all("no-cache"):
        return False
    max_age, min_fresh = wants.seconds("max-age"), wants.seconds("min-fresh")
    if (max_age is not None and age > max_age) or (min_fresh is not None and fresh_for - age < min_fresh):
        return False
    if age < fresh_for:
        return True
    if "max-stale" not in wants or "must-revalidate" in says:
        return False
    return wants.value("max-stale") is None or age - fresh_for <= (wants.seconds("max-stale") or 0)


def may_stand_in(age: float, fresh_for: float, wants: Directives, says: Directives) -> bool:
    """Return whether a stored response may stand in for an error of the server (RFC 5861 section 4)."""
    if "must-revalidate" in says or says.applies_to_all("no-cache") or "no-cache" in wants:
        return False
    limits = [seconds for each in (says, wants) if (seconds := each.seconds("stale-if-error")) is not None]
    return bool(limits) and age - fresh_for <= max(limits)
