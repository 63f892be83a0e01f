"""Opening a TCP connection and setting the options of its socket."""

from __future__ import annotations

import errno
import socket
import sys
from collections import namedtuple

from coda_network._trace import Trace

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable

    Address = tuple[str, int]
    CreateConnection = Callable[[Address, float | None, Address | None], socket.socket]

# The greatest values that Linux accepts (MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL and MAX_TCP_KEEPCNT in its net/tcp.h).
_LIMITS = (("idle", 32767), ("interval", 32767), ("count", 127))

# The defaults of Windows, in seconds. SIO_KEEPALIVE_VALS sets both at once, so one that is not given needs a value.
_WINDOWS_IDLE = 7200
_WINDOWS_INTERVAL = 1

# The errors for a socket that does not have the option, or has no options at all: it is not a TCP socket.
_NO_SUCH_OPTION = frozenset({errno.ENOPROTOOPT, errno.EOPNOTSUPP})


log = Trace("net")


class SocketKeepalive(namedtuple("SocketKeepalive", ("idle", "interval", "count"))):
    """When the system probes an idle connection (TCP keep-alive, RFC 9293 section 3.8.4).

    Instances are immutable and hashable. None means the system's default.

    :param idle: seconds of silence before the first probe, from 1 to 32767
    :param interval: seconds between two probes, from 1 to 32767
    :param count: number of probes without a reply after which the connection is lost, from 1 to 127
    :raises ValueError: a value is neither None nor a whole number in its range
    """

    __slots__ = ()

    idle: int | None
    interval: int | None
    count: int | None

    def __new__(cls, idle: int | None = None, interval: int | None = None, count: int | None = None) -> SocketKeepalive:
        for (name, most), value in zip(_LIMITS, (idle, interval, count), strict=True):
            # True is an int too, but not a number of seconds.
            if value is not None and (type(value) is not int or not 1 <= value <= most):
                raise ValueError(f"{name} must be a whole number from 1 to {most}, not {value!r}")
        return super().__new__(cls, idle, interval, count)


def apply_keepalive(sock: socket.socket, setting: bool | SocketKeepalive) -> None:
    """Switch TCP keep-alive on for a connected socket.

    An option that the system or the socket does not have is no error: the connection works without probes too, and some
    programs use a unix socket, or an object of their own, instead of a TCP socket.

    :param setting: True for the system's times (the first probe after two hours on most), a ``SocketKeepalive`` for
        other times, as far as the system has options for them, False to leave the socket as it is
    """
    if not setting:
        return
    _try_option(sock, socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if not isinstance(setting, SocketKeepalive):
        return
    # On macOS the time before the first probe is called TCP_KEEPALIVE.
    idle = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)
    interval = getattr(socket, "TCP_KEEPINTVL", None)
    count = getattr(socket, "TCP_KEEPCNT", None)
    for option, value in ((idle, setting.idle), (interval, setting.interval), (count, setting.count)):
        if option is not None and value is not None:
            _try_option(sock, socket.IPPROTO_TCP, option, value)
    if idle is None and interval is None:
        _apply_windows_keepalive(sock, setting)


def _apply_windows_keepalive(sock: socket.socket, setting: SocketKeepalive) -> None:
    """Set both times by the older interface of Windows, in milliseconds; it has no count of probes."""
    control = getattr(socket, "SIO_KEEPALIVE_VALS", None)
    ioctl = getattr(sock, "ioctl", None)
    if control is None or ioctl is None or (setting.idle is None and setting.interval is None):
        return
    idle = setting.idle or _WINDOWS_IDLE
    interval = setting.interval or _WINDOWS_INTERVAL
    try:
        ioctl(control, (1, idle * 1000, interval * 1000))
    except OSError:
        pass


def _try_option(sock: socket.socket, level: int, option: int, value: int) -> None:
    # A stand-in for a socket need not have options.
    if (set_option := getattr(sock, "setsockopt", None)) is None:
        return
    try:
        set_option(level, option, value)
    except OSError:
        pass


def open_socket(
    address: Address,
    timeout: float | None,
    source_address: Address | None = None,
    *,
    socket_keepalive: bool | SocketKeepalive = False,
    create_connection: CreateConnection | None = None,
) -> socket.socket:
    """Connect to an address and return the socket, with TCP_NODELAY set where the socket has that option.

    :param address: host and port
    :param timeout: seconds for the attempt on each of the host's addresses, and for each later call on the socket; None
        for no limit
    :param source_address: local host and port to connect from
    :param socket_keepalive: as for ``apply_keepalive()``
    :param create_connection: called with the first three arguments in place of ``socket.create_connection``. The socket
        may be of any kind, because programs bring functions of their own; the options are set on what it returns
    :raises OSError: the connection failed; no socket is left open
    """
    port = address[1]
    if isinstance(port, int) and not 0 <= port <= 65535:
        # The system speaks of an unknown service, or does not ask at all.
        raise OSError(f"port {port} is not between 0 and 65535")
    connect: CreateConnection = create_connection or socket.create_connection
    if "coda_network._net.happy_eyeballs" in sys.modules:  # else nobody has switched it on
        from coda_network._net import happy_eyeballs

        if happy_eyeballs.is_switched_on() and happy_eyeballs.stands_in_for(connect):
            connect = happy_eyeballs.create_connection
    sock = connect(address, timeout, source_address)
    try:
        _send_at_once(sock)
        apply_keepalive(sock, socket_keepalive)
        log("connected to %s port %s", *address[:2])
    except BaseException:  # a program's logging may raise too
        sock.close()
        raise
    return sock


def _send_at_once(sock: socket.socket) -> None:
    """Switch off Nagle's algorithm, which holds back the last small segment of a request."""
    if (set_option := getattr(sock, "setsockopt", None)) is None:
        return
    try:
        set_option(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        if error.errno not in _NO_SUCH_OPTION:
            raise
