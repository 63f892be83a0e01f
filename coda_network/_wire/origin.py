"""Origins (RFC 6454): scheme, host and port; and whether a redirect has led to another one."""

from __future__ import annotations

from urllib.parse import urlsplit

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

    Origin = tuple[str, str | None, int | None]

_PORTS = {"http": 80, "https": 443}

# RFC 9110 section 15.4: these fields are meant for one origin only (CVE-2018-20060, CVE-2023-32681).
SECRET_FIELDS = ("Authorization", "Proxy-authorization", "Cookie")
"""As a Request capitalizes them."""


def origin(url: str) -> Origin:
    """Return the scheme, the host and the port of a URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", None, -1  # equal to no origin of a request; the request itself raises what is wrong
    return parts.scheme, parts.hostname, port or _PORTS.get(parts.scheme)


class Redirects(dict[str, int]):
    """The ``redirect_dict`` of a Request: how often each URL was redirected to; and the origin that was asked for."""

    def __init__(self, asked_for: Origin, followed: dict[str, int]) -> None:
        super().__init__(followed)
        self.asked_for = asked_for

    def __reduce__(self) -> tuple[Any, ...]:
        return Redirects, (self.asked_for, dict(self))


def asked_for(request: Any) -> Origin | None:
    """Return the origin that the program asked for; None where no redirect has led to this request."""
    redirects = getattr(request, "redirect_dict", None)
    return redirects.asked_for if isinstance(redirects, Redirects) else None


def is_led_astray(request: Any) -> bool:
    """Return whether a redirect has led to another origin than the program asked for."""
    first = asked_for(request)
    return first is not None and first != origin(request.full_url)


def is_stranger(request: Any) -> bool:
    """Return whether a redirect has led to another origin, and not only from http to https of the same host."""
    first = asked_for(request)
    if first is None:
        return False
    now = origin(request.full_url)
    return now != first and now != ("https", first[1], 443)
