"""http.client, with what it lacks: keep it in place of ``http.client``.

Every public name of ``http.client`` is here. The exceptions and constants are the standard library's own objects;
``HTTPConnection``, ``HTTPSConnection`` and ``HTTPResponse`` are subclasses of its classes. ``HTTP`` is the interface
of Python 1.5, ``SocketKeepalive`` and ``TunnelError`` belong to what is new.
"""

from __future__ import annotations

import http.client as _stdlib
from http.client import *  # noqa: F403  # the public names are the standard library's own

from coda_network._http.connection import HTTPConnection as HTTPConnection
from coda_network._http.https import HTTPSConnection as HTTPSConnection
from coda_network._http.legacy import HTTP as HTTP
from coda_network._http.response import HTTPResponse as HTTPResponse
from coda_network._http.tunnel_login import TunnelError as TunnelError
from coda_network._net.dial import SocketKeepalive as SocketKeepalive

# What is new stays out of ``import *``: a program that gets the rest from here expects http.client's names.
__all__ = _stdlib.__all__

# Names outside __all__ that programs import from http.client nevertheless: statuses, ports, helpers.
globals().update(
    {
        name: value
        for name, value in vars(_stdlib).items()
        if name not in globals() and not (name.startswith("__") and name.endswith("__"))
    }
)
