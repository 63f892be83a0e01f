"""Which responses may be stored, and with which of their header fields (RFC 9111 sections 3 and 3.1)."""

from __future__ import annotations

from http.client import HTTPMessage
from typing import Any

from coda_network._cache.directives import Directives, of_response
from coda_network._cache.freshness import HEURISTIC_STATUSES

_NEVER = frozenset({206, 304, 401, 407})
"""Parts, what is no response of its own, and what a login made of the next request."""
_UNDERSTOOD = HEURISTIC_STATUSES | {302, 303, 307, 400, 403, 421, 451, 500, 502, 503, 504}

_OF_THE_CONNECTION = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade", "trailer"}
    | {"proxy-authenticate", "proxy-authentication-info", "proxy-authorization"}
    # Session cookies are secrets, and were for the request that got them.
    | {"set-cookie", "set-cookie2"}
)
_OF_THE_BODY = frozenset({"content-encoding", "content-type", "content-range", "content-length"})


def may_be_stored(wants: Directives, status: int, headers: Any) -> bool:
    """Return whether a private cache may store the response to a GET.

    Authorization in the request does not forbid it: section 3.5 is for shared caches, and here each user has his own.

    :param wants: what the request says
    """
    says = of_response(headers)
    if status < 200 or status in _NEVER or "no-store" in wants:
        return False
    if "must-understand" in says:
        if status not in _UNDERSTOOD:
            return False
    elif "no-store" in says:
        return False
    if "*" in names_in_vary(headers):
        return False  # it would never be found
    allows = "public" in says or "private" in says or "max-age" in says or "Expires" in headers
    return allows or status in HEURISTIC_STATUSES


def names_in_vary(headers: Any) -> list[str]:
    """Return the names of the fields on which the choice of a response depends, in lower case and in order."""
    lines = headers.get_all("Vary", [])
    return sorted({name.strip().lower() for line in lines for name in line.split(",") if name.strip()})


def fields_to_store(headers: Any) -> list[tuple[str, str]]:
    """Return the header fields that are stored."""
    says = of_response(headers)
    unwanted = _OF_THE_CONNECTION | set(says.fields("no-cache"))
    unwanted |= {name.strip().lower() for line in headers.get_all("Connection", []) for name in line.split(",")}
    return [(name, value) for name, value in headers.items() if name.lower() not in unwanted]


def merged(stored: Any, fresh: Any) -> HTTPMessage:
    """Return the header fields of a stored response after a 304 (section 3.2).

    :param stored: its header fields so far
    :param fresh: those of the 304, which replace them but for those of the body
    """
    new = [(name, value) for name, value in fields_to_store(fresh) if name.lower() not in _OF_THE_BODY]
    replaced = {name.lower() for name, _ in new} | {"age"}  # which was counted from another response
    kept = [(name, value) for name, value in stored.items() if name.lower() not in replaced]
    return message([*kept, *new])


def message(fields: list[tuple[str, str]]) -> HTTPMessage:
    """Return header fields as http.client has them."""
    headers = HTTPMessage()
    for name, value in fields:
        headers[name] = value
    return headers
