"""The value of ``no_proxy``: which hosts are reached without the proxy."""

from __future__ import annotations

from fnmatch import fnmatchcase


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
    # To the standard library ``*`` means every host as the whole value only, and nothing among other entries.
    return "*" in entry and entry != "*" and any(fnmatchcase(spelling, entry) for spelling in spellings)


def _contains(entry: str, host: str, port: int | None) -> bool:
    """Return whether an entry is an address or a network that contains the address *host*."""
    import ipaddress  # loaded late: most entries and hosts are names

    address_text, bracket, entry_port = entry.removeprefix("[").partition("]")
    if bracket and entry_port and entry_port != f":{port}":
        return False
    try:
        address = ipaddress.ip_address(host)
        network = ipaddress.ip_network(address_text.partition("%")[0], strict=False)
    except ValueError:  # one of them is a name
        return False
    # An IPv4 address in its IPv6 spelling (RFC 4291 2.5.5.2) is in the networks of IPv4, too.
    mapped = getattr(address, "ipv4_mapped", None)
    return address in network or (mapped is not None and mapped in network)
