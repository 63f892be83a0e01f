"""Ranges and validators: what a partial response has, what names one state of a file (RFC 9110 sections 8.8, 14)."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

_CONTENT_RANGE = re.compile(r"bytes\s+(\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.IGNORECASE)
_ETAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')


class ContentRange(NamedTuple):
    """A ``Content-Range``: the first and the last byte, and the size of the whole, None where it is not known."""

    first: int
    last: int
    total: int | None


def content_range(headers: Any) -> ContentRange | None:
    """Return what ``Content-Range`` says (RFC 9110 section 14.4); None where it is missing or makes no sense."""
    match = _CONTENT_RANGE.fullmatch((headers.get("Content-Range") or "").strip())
    if match is None:
        return None
    first, last, total = int(match[1]), int(match[2]), None if match[3] == "*" else int(match[3])
    return None if last < first or (total is not None and last >= total) else ContentRange(first, last, total)


def strong_validator(headers: Any) -> str | None:
    """Return what stands in ``If-Range`` for the state of the file that a response has; None where nothing is sure.

    That is a strong ETag; or a Last-Modified that is older than the response (RFC 9110 section 8.8.2.2), as a file may
    change twice within a second.
    """
    etag = (headers.get("ETag") or "").strip()
    if etag:
        return etag if _ETAG.fullmatch(etag) else None
    modified, date = _moment(headers.get("Last-Modified")), _moment(headers.get("Date"))
    if modified is None or date is None or date - modified < 2:
        return None
    return str(headers.get("Last-Modified")).strip()


def is_of_state(headers: Any, validator: str) -> bool:
    """Return whether a response may be of the state that a strong validator names: it names no other one."""
    field = headers.get("ETag" if validator.startswith('"') else "Last-Modified")
    return field is None or field.strip() == validator


def content_length(headers: Any) -> int | None:
    """Return ``Content-Length``; None where it is missing or no number."""
    value = (headers.get("Content-Length") or "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None


def _moment(date: str | None) -> float | None:
    try:
        return None if date is None else parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def modified_at(headers: Any) -> float | None:
    """Return ``Last-Modified`` in seconds since 1970; None where it is missing or no date."""
    return _moment(headers.get("Last-Modified"))
