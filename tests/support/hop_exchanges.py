"""Exchanges by proxies of each kind, alone and one behind the other: every byte of their handshakes can be cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coda_network import connect, urllib2
from support.accounts import ALICE
from support.exchanges import BODY, SECONDS, Exchange, closing, get, site
from support.fault_proxy import FaultProxy
from support.hop_scripts import http_hop, socks4_hop, socks5_hop, socks5_login_hop

LOGIN = f"socks5h://{ALICE.userinfo}@"


def _route(proxy: FaultProxy, before: tuple[str, ...]) -> list[str]:
    """Return the URLs of proxies of which the fault proxy leads to the first.

    :param before: what stands before the address of each: the scheme, and who logs in
    """
    return [start + netloc for start, netloc in zip(before, [proxy.netloc, *proxy.behind], strict=False)]


def _by(scheme: str, *before: str) -> Callable[[FaultProxy, Any], list[bytes]]:
    """Return what gets a site of a scheme by these proxies. Where the last reads requests, it is the server."""

    def run(proxy: FaultProxy, context: Any) -> list[bytes]:
        handlers = [urllib2.ProxyHandler({scheme: _route(proxy, before)}, context=context)]
        handlers += [urllib2.HTTPSHandler(context=context)] if scheme == "https" else []
        is_behind = len(proxy.behind) == len(before)
        with closing(urllib2.build_opener(*handlers)) as opener:
            return [get(opener, f"{scheme}://{proxy.behind[-1] if is_behind else 'site.example'}/plain")]

    return run


def _post_on_reused(proxy: FaultProxy, context: Any) -> list[bytes]:
    url = f"http://{proxy.behind[-1]}/plain"
    with closing(urllib2.build_opener(urllib2.ProxyHandler({"http": _route(proxy, (LOGIN,))}))) as opener:
        return [get(opener, url), get(opener, urllib2.Request(url, b"order"))]


def _plain_socket(proxy: FaultProxy, context: Any) -> list[bytes]:
    host, _, port = proxy.behind[-1].rpartition(":")
    with connect.create_connection((host, int(port)), SECONDS, proxy=_route(proxy, (LOGIN, "http://"))) as sock:
        sock.sendall(b"GET /plain HTTP/1.1\r\nHost: site.example\r\n\r\n")
        data = b""
        while not data.endswith(BODY):
            piece = sock.recv(65536)
            if not piece:
                raise ConnectionError("cut")
            data += piece
        return [data[-len(BODY) :]]


HOPS = (
    Exchange("http by a TLS proxy", site, _by("http", "https://"), over_tls=True),
    Exchange("https by SOCKS4", site, _by("https", "socks4a://"), hops=(socks4_hop,), ends_in_tls=True),
    Exchange(
        "https by a TLS proxy, then SOCKS5",
        site,
        _by("https", "https://", "socks5h://"),
        over_tls=True,
        hops=(http_hop, socks5_hop),
        ends_in_tls=True,
    ),
)

MORE_HOPS = (
    Exchange("http by SOCKS4", site, _by("http", "socks4://user@"), hops=(socks4_hop,)),
    Exchange("http by SOCKS5", site, _by("http", "socks5h://"), hops=(socks5_hop,)),
    Exchange("http by SOCKS5 with a login", site, _by("http", LOGIN), hops=(socks5_login_hop,)),
    Exchange("https by SOCKS5 with a login", site, _by("https", LOGIN), hops=(socks5_login_hop,), ends_in_tls=True),
    Exchange("POST on a reused connection by SOCKS5", site, _post_on_reused, ("POST order",), hops=(socks5_login_hop,)),
    Exchange("http by HTTP, then SOCKS5", site, _by("http", "http://", LOGIN), hops=(http_hop, socks5_login_hop)),
    Exchange("http by SOCKS5, then HTTP", site, _by("http", LOGIN, "http://"), hops=(socks5_login_hop,)),
    Exchange(
        "http by a TLS proxy, then SOCKS4",
        site,
        _by("http", "https://", "socks4a://"),
        (),
        True,
        (http_hop, socks4_hop),
    ),
    Exchange(
        "https by a TLS proxy, then HTTP",
        site,
        _by("https", "https://", "http://"),
        over_tls=True,
        hops=(http_hop, http_hop),
        ends_in_tls=True,
    ),
    Exchange("plain socket by SOCKS5, then HTTP", site, _plain_socket, hops=(socks5_login_hop, http_hop)),
)
"""Whose stalls are for the soak: the short form has some of their kind."""
