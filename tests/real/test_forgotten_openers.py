"""Openers that a program lets go of without ``close()``: their connections end with them, whatever logged them in."""

from __future__ import annotations

import gc
import socket
import ssl
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
from real.login_matrix import PATHS, PROXY_HANDLERS, SITE_HANDLERS
from support.accounts import ALICE, Account
from support.apache import Apache
from support.nginx import Nginx
from support.squid import Squid

from coda_network import urllib2

pytestmark = pytest.mark.servers

SCHEMES = ["none", "Basic", "Digest", "NTLM", "Negotiate"]
COUNT = 5


@pytest.fixture(scope="session")
def squids(
    squid: Squid, squid_basic: Squid, squid_digest: Squid, squid_ntlm: Squid, squid_negotiate_ntlm: Squid
) -> dict[str, Squid]:
    peers = (squid, squid_basic, squid_digest, squid_ntlm, squid_negotiate_ntlm)
    return dict(zip(SCHEMES, peers, strict=True))


def open_sockets(*ports: int) -> int:
    """Return how many sockets of this process are connected to one of these ports."""
    count = 0
    for found in gc.get_objects():
        if isinstance(found, socket.socket) and found.fileno() != -1:
            try:
                count += found.getpeername()[1] in ports
            except OSError:
                pass
    return count


@contextmanager
def by_the_count_of_references() -> Iterator[None]:
    """Keep the collector away."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def handler(kind: Any, where: str, account: Account, scheme: str) -> Any:
    made = kind(urllib2.HTTPPasswordMgrWithDefaultRealm())
    user = account.qualified if scheme in ("NTLM", "Negotiate") else account.user
    made.add_password(None, where, user, account.password)
    return made


@pytest.mark.parametrize("url_scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("at_proxy", "at_site"),
    [*((scheme, "none") for scheme in SCHEMES), *(("direct", scheme) for scheme in SCHEMES), ("NTLM", "Digest")],
)
def test_an_opener_that_is_let_go_of_leaves_no_socket(
    library: ModuleType,
    squids: dict[str, Squid],
    apache: Apache,
    client_context: ssl.SSLContext,
    url_scheme: str,
    at_proxy: str,
    at_site: str,
) -> None:
    base = apache.url if url_scheme == "http" else apache.tls_url
    port = (apache.http_port if url_scheme == "http" else apache.https_port) if at_proxy == "direct" else 0
    handlers = []
    proxies = {}
    if at_proxy != "direct":
        proxies = {url_scheme: squids[at_proxy].url}
        port = squids[at_proxy].port
        if at_proxy != "none":
            handlers.append(handler(PROXY_HANDLERS[at_proxy], squids[at_proxy].netloc, ALICE, at_proxy))
    if at_site != "none":
        handlers.append(handler(SITE_HANDLERS[at_site], base, ALICE, at_site))

    def opened() -> Any:
        opener = library.build_opener(
            library.ProxyHandler(proxies), library.HTTPSHandler(context=client_context), *handlers
        )
        with opener.open(base + PATHS[at_site], timeout=20) as response:
            assert response.status == 200
            response.read()
        return weakref.ref(opener)

    gone = []
    for _ in range(COUNT):
        gone.append(opened())
        for used in handlers:
            used.parent = None  # the handlers are the test's own, and go on
    assert open_sockets(port) > 0
    gc.collect()
    assert ([opener() for opener in gone], open_sockets(port)) == ([None] * COUNT, 0)


@pytest.mark.parametrize("url_scheme", ["http", "https"])
def test_an_opener_taken_apart_frees_its_tunnel_without_the_collector(
    library: ModuleType, squid_basic: Squid, apache: Apache, client_context: ssl.SSLContext, url_scheme: str
) -> None:
    base = apache.url if url_scheme == "http" else apache.tls_url
    opener = library.build_opener(
        library.ProxyHandler({url_scheme: squid_basic.url_for(ALICE)}), library.HTTPSHandler(context=client_context)
    )
    opener.open(base + PATHS["none"], timeout=20).read()
    assert open_sockets(squid_basic.port) == 1
    # urllib's own cycle: an opener and its handlers refer to each other. The connections must add none.
    for part in opener.handlers:
        part.parent = None
    with by_the_count_of_references():
        del opener, part
        assert open_sockets(squid_basic.port) == 0


def test_urlopen_with_a_new_context_each_time_keeps_few_sockets(library: ModuleType, nginx: Nginx, ca: Any) -> None:
    for _ in range(20):
        with library.urlopen(nginx.tls_url + nginx.small.path, timeout=20, context=ca.client_context()) as response:
            response.read()
        assert open_sockets(nginx.https_port) <= 2


def test_urlopen_with_two_contexts_in_turn_keeps_both_connections(library: ModuleType, nginx: Nginx, ca: Any) -> None:
    contexts = [ca.client_context(), ca.client_context()]
    with nginx.log.watch() as seen:
        for number in range(6):
            with library.urlopen(
                nginx.tls_url + nginx.small.path, timeout=20, context=contexts[number % 2]
            ) as response:
                response.read()
    assert (seen.requests, seen.connections) == (6, 2)
