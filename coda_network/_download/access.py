"""How a site is reached, as a value: the proxy and the credentials, for jobs that go to other processes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from coda_network import urllib2
from coda_network._auth.credentials import Credentials
from coda_network._secrets import hide_userinfo

Secret = Any
"""``(user, password)``; or a function that returns it, which is called where the download takes place."""


@dataclass(frozen=True, repr=False)
class Access:
    """The proxy and the credentials of downloads; it pickles, and shows no secret.

    :param proxy: the URL of the proxy for http and https, perhaps with userinfo; None takes the environment's, "" none
    :param credentials: for the sites: ``(user, password)``, or a function without arguments that returns it
    :param proxy_credentials: for the proxy: the same
    """

    proxy: str | None = None
    credentials: Secret = field(default=None)
    proxy_credentials: Secret = field(default=None)

    def handlers(self) -> list[Any]:
        """Return the handlers for an opener."""
        if self.proxy is None:
            return []
        return [_proxy_handler(with_credentials(self.proxy, self.proxy_credentials) if self.proxy else "")]

    def url(self, url: str) -> str:
        """Return a URL with the credentials as its userinfo, unless it has its own."""
        return with_credentials(url, self.credentials)

    def __repr__(self) -> str:
        proxy = None if self.proxy is None else hide_userinfo(self.proxy)
        return f"Access(proxy={proxy!r}, credentials {'hidden' if self.credentials else 'not given'})"


@functools.lru_cache(maxsize=32)
def _proxy_handler(proxy: str) -> Any:
    # The same one for the same proxy: downloads with the same handlers share an opener.
    return urllib2.ProxyHandler({"http": proxy, "https": proxy} if proxy else {})


def with_credentials(url: str, source: Secret | Callable[[], Any]) -> str:
    """Return a URL with userinfo.

    :param source: None leaves the URL as it is, and so does userinfo that is there
    :raises ValueError: it is no user and password
    """
    if source is None:
        return url
    found = source() if callable(source) else source
    if isinstance(found, Credentials):
        found = found.username, found.password
    try:
        user, password = found
        userinfo = f"{quote(user, safe='')}:{quote(password, safe='')}"
    except (TypeError, ValueError):
        raise ValueError("credentials are (user, password), or a function that returns it") from None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if not parts.netloc or "@" in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=f"{userinfo}@{parts.netloc}"))
