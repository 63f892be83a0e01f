"""Which proxies lead to the sites, as options and the configuration file say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coda_network._route.named import named_routes
from coda_network._settings.options import Usage, as_list

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence


class NoPAC(Usage):
    """The PAC file cannot be had, or is none."""


SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
LOGINS = ("basic", "digest", "ntlm", "negotiate")


def add_route_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which proxies lead to the sites."""
    group = parser.add_argument_group("which proxies lead to the sites")
    group.add_argument(
        "--proxy",
        action="append",
        metavar="URL",
        help="http://host:port; several in one value, with commas, are passed through one after the other; given "
        "again it is the way to take where the one before cannot be reached; 'direct' is no proxy. Default: what the "
        "environment says",
    )
    group.add_argument("--no-proxy", metavar="HOSTS", help="hosts that are reached without a proxy, with commas")
    add_pac_option(group)


def add_chain_option(parser: Any) -> None:
    """Add ``--proxy`` as the commands have it that serve one address: given again it is the next hop of a chain."""
    parser.add_argument(
        "--proxy",
        dest="chain",
        metavar="URL",
        action="append",
        help="the proxy to use, in place of the one in the environment; given more than once, they are a chain, the "
        "nearest proxy first",
    )
    parser.set_defaults(proxy=None, no_proxy=None)  # what the configuration file says


def add_pac_option(parser: Any) -> None:
    """Add the option that names a PAC file."""
    parser.add_argument(
        "--pac", metavar="URL", help="the PAC file that chooses the proxy: its URL or path, or wpad to ask DNS for it"
    )


def choice_of(options: Any) -> Callable[[str], Sequence[Any]] | None:
    """Return who chooses the routes, for ``choose=``; None where the options leave that to the environment.

    :raises Usage: a proxy cannot be used
    :raises NoPAC: the PAC file cannot be used
    """
    kind = getattr(options, "proxy_type", None)
    if kind in ("none", "direct"):
        return named_routes([()], why="named by --proxy-type")
    scheme = kind if kind in SCHEMES else "http"
    ways = []
    for value in as_list(options.proxy):
        hops = [hop.strip() for hop in value.split(",") if hop.strip()]
        if [hop.lower() for hop in hops] == ["direct"]:
            hops = []
        ways.append([hop if "://" in hop else f"{scheme}://{hop}" for hop in hops])
    origins = getattr(options, "origins", {})
    origin = origins.get("proxy", "--proxy")
    if ways:
        try:
            return named_routes(ways, ",".join(as_list(options.no_proxy)), f"named by {origin}")
        except ValueError as error:
            raise Usage(f"{origin}: {error}") from None
    if not options.pac:
        return None
    from coda_network._route.pac import PAC

    try:
        return PAC(options.pac)
    except OSError as error:
        raise NoPAC(f"{origins.get('pac', '--pac')}: {error}") from None
