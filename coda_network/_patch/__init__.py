"""Our behaviour under the standard library's names: ``patch()``, ``unpatch()``, ``patched()``, ``is_patched()``.

What is replaced is listed in ``targets``, how it is replaced and put back is in ``switch``. Both load with the first
``patch()``, and with them ``http.client`` and ``urllib.request``.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager

from coda_network._fork import renew_module_lock
from coda_network._secrets import lets_out_no_secret

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Iterator

    from coda_network._auth.defaults import Defaults, Given
    from coda_network._patch.switch import Switch

__all__ = ["is_patched", "patch", "patched", "unpatch"]

_lock = threading.Lock()

renew_module_lock(__name__)
_switch: Switch | None = None
# The credentials and the seconds of each ``patch()`` that was not taken back.
_given: list[tuple[Defaults | None, float | None]] = []


@lets_out_no_secret
def patch(credentials: Given | None = None, *, refused_seconds: float | None = None) -> None:
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
    :raises TypeError: ``credentials`` is none of these; nothing is patched then
    :raises ValueError: ``refused_seconds`` is below 0, or no number; nothing is patched then
    """
    switch = _the_switch()
    defaults = seconds = None
    if refused_seconds is not None:
        from coda_network._auth.refused_passwords import set_seconds, unset_seconds

        seconds = set_seconds(refused_seconds)
    if credentials is not None:
        from coda_network._auth.defaults import install

        try:
            defaults = install(credentials)
        except TypeError:
            if seconds is not None:
                unset_seconds(seconds)
            raise
    switch.install()
    with _lock:
        _given.append((defaults, seconds))


def unpatch() -> None:
    """Take back one ``patch()``; the last call restores every attribute that was replaced.

    An attribute that somebody else replaced after ``patch()`` stays as they left it. The credentials and the seconds of
    the last ``patch()`` are forgotten. Without a ``patch()`` before, nothing happens.
    """
    if _switch is None:
        return
    _switch.remove()
    with _lock:
        defaults, seconds = _given.pop() if _given else (None, None)
    if defaults is not None:
        from coda_network._auth.defaults import remove

        remove(defaults)
    if seconds is not None:
        from coda_network._auth.refused_passwords import unset_seconds

        unset_seconds(seconds)


@contextmanager
def patched(credentials: Given | None = None, *, refused_seconds: float | None = None) -> Iterator[None]:
    """Patch for the length of a block (``with patched():``) or of each call of a function (``@patched()``).

    The whole process is patched meanwhile, not this thread alone.

    :param credentials: as for ``patch()``
    :param refused_seconds: as for ``patch()``
    """
    try:
        patch(credentials, refused_seconds=refused_seconds)
    finally:
        del credentials  # an error of the block passes through here, and takes no secret along
    try:
        yield
    finally:
        unpatch()


def is_patched() -> bool:
    """Return whether ``patch()`` was called more often than ``unpatch()``."""
    return _switch is not None and _switch.installed


def _the_switch() -> Switch:
    global _switch
    with _lock:  # one switch only: each counts its own calls
        if _switch is None:
            from coda_network._patch import targets
            from coda_network._patch.switch import Switch

            _switch = Switch(targets.build(), targets.subclass_rules())
        return _switch
