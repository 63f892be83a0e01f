"""Our behaviour under the standard library's names: ``patch()``, ``unpatch()``, ``patched()``, ``is_patched()``.

What is replaced is listed in ``targets``, how it is replaced and put back is in ``switch``. Both load with the first
``patch()``, and with them ``http.client`` and ``urllib.request``.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager

from coda_network._fork import renew_module_lock
from coda_network._secrets import lets_out_no_secret

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from coda_network._auth.defaults import Given
    from coda_network._patch.switch import Switch

__all__ = ["is_patched", "patch", "patched", "unpatch"]

_lock = threading.Lock()

renew_module_lock(__name__)
_switch: Switch | None = None
# What undoes the settings of each ``patch()`` that was not taken back.
_given: list[ExitStack] = []


@lets_out_no_secret
def patch(
    credentials: Given | None = None,
    *,
    refused_seconds: float | None = None,
    choose: Callable[[str], Any] | None = None,
    pac: Any = None,
    https_proxies: bool = False,
    happy_eyeballs: bool = False,
    children: bool = False,
    cache: Any = None,
) -> None:
    """Give ``http.client`` and ``urllib.request`` the abilities of ``coda_network``, in place.

    It does not matter what was imported before: classes keep their identity, and subclasses of them that exist already
    (those of urllib3, say) have the new abilities too. Calls are counted: each needs its own ``unpatch()``.

    :param credentials: who logs in, to proxies and sites, where neither the program nor the URL of the proxy or site
        names a user. A ``(user, password)`` tuple serves all of them; a mapping has such tuples for ``"host"`` or
        ``"host:port"``; a function is called with ``"host:port"`` and the realm (None where the scheme has none: NTLM,
        Negotiate), once for each realm, and returns a tuple, or None for nobody. A later call of ``patch()`` is asked
        first; where no call names a user, netrc is looked up
    :param refused_seconds: for how many seconds a password is not sent again to the peer that has refused it; 0 sends
        it each time. None is what an earlier call or the environment (``CODA_NETWORK_REFUSED_SECONDS``) says, else 300
    :param choose: who chooses the routes of each URL, for openers that are made from now on and are given no proxies:
        called with the URL, returns a list of routes to try in their order, each the URL of a proxy, a list of URLs (a
        chain) or ``"DIRECT"``
    :param pac: in place of ``choose``: the PAC file that chooses, as ``proxies.from_pac()`` takes or returns it
    :param https_proxies: reach ``https://`` proxies by TLS; else the standard library speaks plain text to them for
        https sites, as many write ``https://`` there by mistake
    :param happy_eyeballs: race the addresses of a host (RFC 8305) in place of trying one after the other
    :param children: have the Python processes that this one starts patched, too: those that get its ``os.environ``, in
        which ``PYTHONPATH`` changes until ``unpatch()``. They have none of these arguments
    :param cache: where the openers of ``urllib.request`` store responses and find them again (RFC 9111): a folder, or
        an ``HTTPCache``. What uses ``http.client`` itself, as urllib3 and requests do, is not cached
    :raises TypeError: ``credentials`` is none of these, or ``choose`` and ``pac`` are both given; nothing is patched
        then
    :raises ValueError: ``refused_seconds`` is below 0, or no number; nothing is patched then
    :raises OSError: the PAC file cannot be had or is none, or the folder of the cache cannot be written to; nothing is
        patched then
    """
    switch = _the_switch()
    with ExitStack() as undo:
        if refused_seconds is not None:
            from coda_network._auth.refused_passwords import set_seconds, unset_seconds

            undo.callback(unset_seconds, set_seconds(refused_seconds))
        if credentials is not None:
            from coda_network._auth.defaults import install, remove

            undo.callback(remove, install(credentials))
        if choose is not None or pac is not None or https_proxies:
            from coda_network._route import installed

            settings = installed.Installed(_choice(choose, pac), https_proxies)
            installed.install(settings)
            undo.callback(installed.remove, settings)
        if happy_eyeballs:
            from coda_network._net import happy_eyeballs as racing

            racing.switch_on()
            undo.callback(racing.switch_off)
        if cache is not None:
            from coda_network._cache import cache as caches
            from coda_network._cache import opener as caching

            folder = caches.cache_of(cache)
            caching.install(folder)
            undo.callback(caching.remove, folder)
        if children:
            from coda_network._patch.children import patch_children

            undo.callback(patch_children())
        switch.install()
        with _lock:
            _given.append(undo.pop_all())


def _choice(choose: Any, pac: Any) -> Any:
    if choose is not None and pac is not None:
        raise TypeError("choose or pac, not both: each of them chooses for every URL")
    if not isinstance(pac, str):
        return pac if choose is None else choose
    from coda_network._route.pac import PAC

    return PAC(pac)


def unpatch() -> None:
    """Take back one ``patch()``; the last call restores every attribute that was replaced.

    An attribute that somebody else replaced after ``patch()`` stays as they left it. What the last
    ``patch()`` was given is forgotten. Without a ``patch()`` before, nothing happens.
    """
    if _switch is None:
        return
    _switch.remove()
    with _lock:
        undo = _given.pop() if _given else None
    if undo is not None:
        undo.close()


@contextmanager
def patched(credentials: Given | None = None, **settings: Any) -> Iterator[None]:
    """Patch for the length of a block (``with patched():``) or of each call of a function (``@patched()``).

    The whole process is patched meanwhile, not this thread alone.

    :param credentials: as for ``patch()``
    :param settings: the other arguments of ``patch()``: ``refused_seconds``, ``choose``, ``pac``, ``https_proxies``,
        ``happy_eyeballs``, ``children``, ``cache``
    """
    try:
        patch(credentials, **settings)
    finally:
        del credentials, settings  # an error of the block passes through here, and takes no secret along
    try:
        yield
    finally:
        unpatch()


def is_patched() -> bool:
    """Return whether ``patch()`` was called more often than ``unpatch()``."""
    return _switch is not None and _switch.installed


def _the_switch() -> Switch:
    global _switch
    if _switch is not None:
        return _switch
    # Without the lock: the import of http.client may lead here again, as it is this that the lazy patch waits for.
    from coda_network._patch import targets
    from coda_network._patch.switch import Switch

    with _lock:  # one switch only: each counts its own calls
        if _switch is None:
            _switch = Switch(targets.steps(), targets.subclass_rules())
        return _switch
