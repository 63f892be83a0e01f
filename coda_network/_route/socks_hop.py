"""A hop through a SOCKS proxy: versions 4, 4a and 5 (RFC 1928, RFC 1929), by the package python-socks.

The package speaks the protocol; the socket is ours, so that deadlines, keep-alive options and ``source_address`` hold.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

from coda_network._net.deadline import Deadline
from coda_network._net.resolve import resolve
from coda_network._route.hops import Address, Dial, Hop
from coda_network._route.route import UnusableProxy

if TYPE_CHECKING:
    from ssl import SSLContext

    from coda_network._route.proxy_url import ProxyURL

RESOLVES_THE_NAME = frozenset({"socks4a", "socks5h"})
"""The schemes whose proxy is given names; with the others a name is resolved on this machine."""

LONGEST = 255
"""The longest user name or password, in bytes (RFC 1929 section 2)."""


class SOCKSHop(Hop):
    """A socks4://, socks4a://, socks5:// or socks5h:// proxy."""

    def __init__(self, proxy: ProxyURL, context: SSLContext | None) -> None:
        super().__init__(proxy, context)
        try:
            import python_socks.sync  # noqa: F401  # only whether it is there
        except ImportError:
            need = f"a {proxy.scheme} proxy needs the package python-socks: pip install 'coda_network[socks]'"
            raise UnusableProxy(need) from None
        if proxy.scheme.startswith("socks4") and proxy.password:
            raise UnusableProxy(f"{proxy.scheme} has user names, but no passwords; socks5 has both")
        for name, text in (("user name", proxy.username), ("password", proxy.password)):
            if text is not None and len(text.encode(errors="replace")) > LONGEST:
                raise UnusableProxy(f"the {name} for a SOCKS proxy has more than {LONGEST} bytes")

    def why_not(self, address: Address) -> str | None:
        """Decline IPv6 addresses for version 4, and names that are too long for its request."""
        host = _literal(address[0])
        if self.proxy.scheme.startswith("socks4") and isinstance(host, IPv6Address):
            return "SOCKS4 has no room for an IPv6 address"
        if host is None and self.proxy.scheme in RESOLVES_THE_NAME and len(_idna(address[0])) > LONGEST:
            return f"a host name has more than {LONGEST} bytes"
        return None

    def open(self, reach: Dial, address: Address, deadline: Deadline) -> Any:
        """Ask the proxy for a connection.

        :raises ConnectionError: the proxy refused, or does not speak SOCKS
        :raises OSError: the proxy is not reached
        """
        from python_socks import ProxyError, ProxyType
        from python_socks.sync import Proxy

        version_5 = self.proxy.scheme.startswith("socks5")
        host, port = address
        if _literal(host) is None and self.proxy.scheme not in RESOLVES_THE_NAME:
            host = self._resolved(host, port, version_5, deadline)
        sock = reach((self.proxy.host, self.proxy.port), None, None)
        user, password = self.proxy.username, self.proxy.password
        client = Proxy(
            ProxyType.SOCKS5 if version_5 else ProxyType.SOCKS4,
            self.proxy.host,
            self.proxy.port,
            None if user is None else _Text(user),
            None if password is None else _Text(password),
            rdns=True,
            forward=_Dialled(sock),  # type: ignore[arg-type]  # it has the one method that is called
        )
        where = f"the SOCKS proxy {self.proxy.authority}"
        try:
            client.connect(host, port, timeout=deadline.timeout_for_socket())
        except ProxyError as error:
            sock.close()
            raise ConnectionError(f"{where} did not connect: {error}") from None
        except TimeoutError:
            sock.close()
            raise TimeoutError(f"{where} did not respond in time") from None
        except OSError:
            sock.close()
            raise
        except Exception as error:
            # A reply that no SOCKS proxy gives; the error may hold what was sent.
            sock.close()
            raise ConnectionError(f"{where} does not respond as SOCKS proxies do ({type(error).__name__})") from None
        except BaseException:
            sock.close()
            raise
        return sock

    def _resolved(self, host: str, port: int, version_5: bool, deadline: Deadline) -> str:
        """Return an address of a host: of IPv4 where there is one, as more proxies reach those."""
        family = socket.AF_UNSPEC if version_5 else socket.AF_INET
        found = resolve(host, port, deadline, family)
        return str(min(found, key=lambda info: info[0] != socket.AF_INET)[4][0])


class _Dialled:
    """Gives python-socks a socket that is connected already, in the place of a proxy before its own."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def connect(self, dest_host: str, dest_port: int, timeout: float | None = None) -> Any:
        return self._sock


class _Text(str):
    """A user name or password, which goes out as UTF-8: python-socks knows ASCII only, the RFC any bytes."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return str.encode(self, "utf-8", "surrogateescape")

    def __len__(self) -> int:
        return len(self.encode())

    def __repr__(self) -> str:
        return "<hidden>"


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _idna(host: str) -> bytes:
    return host.encode() if host.isascii() else host.encode("idna")
