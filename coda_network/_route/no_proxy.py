"""Which hosts are reached without the proxy: the value of the `no_proxy` environment variable."""

from __future__ import annotations

from fnmatch import fnmatchcase


def bypasses(host: str, port: int | None, no_proxy: str) -> bool:
    """Whether `no_proxy` says that `host` is reached directly.

    The meaning is that of `urllib.request.proxy_bypass_environment`: `*` as the whole value means every host;
    else the value is a list with commas, whose entries match the host itself and the hosts below it, a
    leading dot making no difference, and, where they end in `:port`, on that port only. Beyond that, an entry
    may be a network (`10.0.0.0/8`, `fd00::/8`), an IPv6 address in any spelling, with or without brackets, or
    have wildcards (`*.example.com`, `10.1.*`). No name is ever looked up: networks match hosts that are
    written as addresses.
    """
    if no_proxy.strip() == "*":
        return True
    host = host.lower().removeprefix("[").removesuffix("]")
    is_ipv6 = ":" in host
    spellings = [host, f"[{host}]"] if is_ipv6 else [host]
    if port is not None:
        spellings.append(f"{spellings[-1]}:{port}")
    is_address = is_ipv6 or host.rpartition(".")[2].isdigit()
    return any(
        _names(entry, spellings) or (is_address and _contains(entry, host, port))
        for entry in (piece.strip().lower().lstrip(".") for piece in no_proxy.split(","))
        if entry
    )


def _names(entry: str, spellings: list[str]) -> bool:
    if any(spelling == entry or spelling.endswith("." + entry) for spelling in spellings):
        return True
    # `*` among other entries means nothing to the standard library: only as the whole value does it mean all
    # hosts.
    return "*" in entry and entry != "*" and any(fnmatchcase(spelling, entry) for spelling in spellings)


def _contains(entry: str, host: str, port: int | None) -> bool:
    """Whether the entry is an address or a network that has the address `host` in it."""
    import ipaddress  # most values of no_proxy are only names, most hosts too

    address_text, bracket, entry_port = entry.removeprefix("[").partition("]")
    if bracket and entry_port and entry_port != f":{port}":
        return False
    try:
        address = ipaddress.ip_address(host)
        network = ipaddress.ip_network(address_text.partition("%")[0], strict=False)
    except ValueError:  # either of them is a name after all
        return False
    # An IPv4 address in its IPv6 spelling (RFC 4291 2.5.5.2) is meant by the networks of IPv4 as well.
    mapped = getattr(address, "ipv4_mapped", None)
    return address in network or (mapped is not None and mapped in network)
