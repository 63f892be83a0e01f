"""A proxy on this machine that logs in at the proxies on the way to the sites, for programs that cannot.

``python -m coda_network.mini_proxy`` is the program of the first coda_network under its own name, with its options;
``coda-network proxy`` is the same. ``MiniProxy`` is the same within a program.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any

from coda_network._auth import defaults
from coda_network._auth.credentials import Credentials
from coda_network._local_proxy.command import main as _main
from coda_network._local_proxy.proxy import LocalProxy
from coda_network._local_proxy.settings import Limits, Routes, Settings
from coda_network._route.find import find_routes
from coda_network._route.named import named_routes
from coda_network._settings.options import log_in_as

__all__ = ["Limits", "MiniProxy", "main"]


class MiniProxy:
    """A local proxy in threads of this process; use it in a ``with`` statement, or call ``close()``.

    :param listen_address: an address of this machine
    :param port: 0 for any that is free
    :param proxy: URL of the upstream proxy; or a list of URLs, to be tried in this order; None takes the environment's,
        an empty string is none
    :param user: who logs in at the upstream, where its URL names nobody; for every proxy of this process
    :param password: of the user
    :param secret: the password that clients have to give; True for one made here, which ``url`` has; None for none
    :param filters: functions that see each request, and each response's head
    :param limits: of time and number
    :param access_log: called with one line for each request
    :raises OSError: the address is in use, or not of this machine
    :raises ValueError: the URL of a proxy cannot be used
    """

    def __init__(
        self,
        listen_address: str = "127.0.0.1",
        port: int = 0,
        *,
        proxy: str | Iterable[str] | None = None,
        user: str | None = None,
        password: str | None = None,
        secret: str | bool | None = None,
        filters: Iterable[Callable[..., Any]] = (),
        limits: Limits | None = None,
        access_log: Callable[[str], object] | None = None,
    ) -> None:
        routes: Routes
        if proxy is None:
            routes = find_routes
        elif isinstance(proxy, str):
            routes = named_routes([[proxy] if proxy else []], why="named by proxy=")
        else:
            routes = named_routes(([url] if url else [] for url in proxy), why="named by proxy=")
        if secret is True:
            secret = secrets.token_urlsafe(24)
        settings = Settings(
            routes,
            listen_address,
            port,
            secret or None,
            limits=limits or Limits(),
            filters=tuple(filters),
            access_log=access_log,
        )
        self._login: defaults.Defaults | None = None
        self._proxy = LocalProxy(settings)
        if user is not None:
            self._login = log_in_as(Credentials(user, password or ""))
        self._proxy.start()

    @property
    def address(self) -> tuple[str, int]:
        """Return the host and port that it listens on."""
        return self._proxy.address

    @property
    def url(self) -> str:
        """Return its URL, for ``http_proxy`` and the like; with the secret where there is one."""
        return self._proxy.url

    def close(self, drain: float | None = None) -> None:
        """Accept no more clients, let the requests under way come to their end, and end.

        :param drain: seconds for these; None for those of the limits
        """
        self._proxy.close(drain)
        login, self._login = self._login, None
        if login is not None:
            defaults.remove(login)

    def __enter__(self) -> MiniProxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        host, port = self.address
        return f"<MiniProxy {host}:{port}>"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program: see ``python -m coda_network.mini_proxy --help``.

    :param arguments: without the program's name; None for those of the process
    :returns: the exit code
    """
    return _main(arguments, "mini_proxy")


if __name__ == "__main__":
    raise SystemExit(main())
