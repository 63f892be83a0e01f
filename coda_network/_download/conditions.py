"""The date of a conditional request: "only if it is newer than this" (RFC 9110 13.1.3)."""

from __future__ import annotations

import datetime
from email.utils import format_datetime

LastModified = datetime.datetime | float | str
"""A point in time: a datetime (UTC where it has no zone), seconds since 1970-01-01, or an HTTP date as text."""


def http_date(when: LastModified) -> str:
    """Return a point in time as an HTTP date (RFC 9110 5.6.7), in GMT whatever the zone of this machine.

    :param when: text is returned as it is
    :returns: the date
    :raises TypeError: it is none of those
    """
    if isinstance(when, str):
        return when
    if isinstance(when, datetime.datetime):
        zoned = when if when.tzinfo is not None else when.replace(tzinfo=datetime.timezone.utc)
    elif isinstance(when, (int, float)):
        # Not fromtimestamp(): on Windows it takes no time before 1970.
        zoned = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=when)
    else:
        raise TypeError("last_modified is a datetime, a number of seconds since 1970, or an HTTP date")
    return format_datetime(zoned.astimezone(datetime.timezone.utc), usegmt=True)
