"""Opening a TCP connection and setting the options of its socket."""

from __future__ import annotations

import errno
import socket
from collections import namedtuple

from coda_network._trace import Trace

# Type checkers know this name by itself; `typing` is not imported here because it would cost more than all
# the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Address = tuple[str, int]
    CreateConnection = Callable[[Address, float | None, Address | None], socket.socket]

# Linux takes no greater values (MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL and MAX_TCP_KEEPCNT in its net/tcp.h).
_LIMITS = (("idle", 32767), ("interval", 32767), ("count", 127))

# What Windows uses where nothing is set, in seconds. SIO_KEEPALIVE_VALS sets both at once, so the one that
# was not given needs a value.
_WINDOWS_IDLE = 7200
_WINDOWS_INTERVAL = 1

# How systems say that a socket has no such option: no TCP socket, or no socket with options at all.
_NO_SUCH_OPTION = frozenset({errno.ENOPROTOOPT, errno.EOPNOTSUPP})


log = Trace("net")


class SocketKeepalive(namedtuple("SocketKeepalive", ("idle", "interval", "count"))):
    """When the system probes a connection on which nothing is said (TCP keep-alive, RFC 9293 section 3.8.4).

    An instance is immutable and hashable. None leaves a value as the system has it.

    :param idle: seconds of silence before the first probe, from 1 to 32767
    :param interval: seconds between two probes, from 1 to 32767
    :param count: number of unanswered probes after which the connection counts as lost, from 1 to 127
    :raises ValueError: anything else
    """

    __slots__ = ()

    idle: int | None
    interval: int | None
    count: int | None

    def __new__(cls, idle: int | None = None, interval: int | None = None, count: int | None = None) -> SocketKeepalive:
        for (name, most), value in zip(_LIMITS, (idle, interval, count), strict=True):
            # True is an int, but not a number of seconds.
            if value is not None and (type(value) is not int or not 1 <= value <= most):
                raise ValueError(f"{name} must be a whole number from 1 to {most}, not {value!r}")
        return super().__new__(cls, idle, interval, count)


def apply_keepalive(sock: socket.socket, setting: bool | SocketKeepalive) -> None:
    """Switch TCP keep-alive on for a connected socket.

    What the system or this kind of socket lacks is left out without an error: the connection works without
    probes as well, and some programs put a unix socket, or an object of their own, in the place of a TCP
    socket.

    :param setting: True for the times of the system (two hours of silence on most), a SocketKeepalive for
        times of one's own as far as the system has the options, False to leave the socket as it is
    """
    if not setting:
        return
    _try_option(sock, socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if not isinstance(setting, SocketKeepalive):
        return
    # macOS calls the time before the first probe TCP_KEEPALIVE.
    idle = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)
    interval = getattr(socket, "TCP_KEEPINTVL", None)
    count = getattr(socket, "TCP_KEEPCNT", None)
    for option, value in ((idle, setting.idle), (interval, setting.interval), (count, setting.count)):
        if option is not None and value is not None:
            _try_option(sock, socket.IPPROTO_TCP, option, value)
    if idle is None and interval is None:
        _apply_windows_keepalive(sock, setting)


def _apply_windows_keepalive(sock: socket.socket, setting: SocketKeepalive) -> None:
    """Set both times through the older interface of Windows, in milliseconds; it knows no count."""
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
    # An object that only looks like a socket need not have options.
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
    """Connect to an address and return the socket, with TCP_NODELAY set where the socket has it.

    :param address: host and port
    :param timeout: seconds, for the attempt on each of the host's addresses and for every later call on the
        socket; None waits without limit
    :param source_address: local host and port to connect from
    :param socket_keepalive: as for apply_keepalive()
    :param create_connection: called with the first three arguments in place of socket.create_connection;
        programs replace it, so the options are set afterwards, on whatever it returns
    :raises OSError: no connection could be made; no socket is left open then
    """
    connect: CreateConnection = create_connection or socket.create_connection
    sock = connect(address, timeout, source_address)
    try:
        _send_at_once(sock)
        apply_keepalive(sock, socket_keepalive)
    except BaseException:
        sock.close()
        raise
    log("connected to %s port %s", *address[:2])
    return sock


def _send_at_once(sock: socket.socket) -> None:
    """Switch off Nagle's algorithm, which would hold back the last small segment of a request."""
    if (set_option := getattr(sock, "setsockopt", None)) is None:
        return
    try:
        set_option(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        if error.errno not in _NO_SUCH_OPTION:
            raise
