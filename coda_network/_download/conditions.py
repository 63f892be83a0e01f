"""Conditional requests: the dates that HTTP writes (RFC 9110 13.1)."""

from __future__ import annotations

import datetime
from email.utils import format_datetime

LastModified = datetime.datetime | float | str
"""A point in time: a datetime (UTC where it has no zone), seconds since 1970-01-01, or a ready HTTP date."""


def http_date(when: LastModified) -> str:
    """Return a point in time as RFC 9110 5.6.7 has it, in GMT whatever the zone of this machine."""
    if isinstance(when, str):
        return when
    if isinstance(when, datetime.datetime):
        zoned = when if when.tzinfo is not None else when.replace(tzinfo=datetime.timezone.utc)
    elif isinstance(when, (int, float)):
        # Not fromtimestamp(): on Windows that knows no time before 1970.
        zoned = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=when)
    else:
        raise TypeError("last_modified is a datetime, a number of seconds since 1970, or an HTTP date")
    return format_datetime(zoned.astimezone(datetime.timezone.utc), usegmt=True)
