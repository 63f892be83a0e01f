"""Every login at a proxy with every login at a site behind it: one cell of the table, and the table as text.

    cd tests && python -m real.login_matrix

starts the servers and prints for each cell how many requests and how many connections to the proxy it took.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, product
from typing import Any

from support.accounts import ALICE, BOB, Account
from support.apache import Apache
from support.certs import Authority
from support.kdc import KDC
from support.relaying import CountingRelay
from support.servers import public_directory
from support.squid import BasicLogin, DigestLogin, NegotiateNTLMLogin, NTLMLogin, Squid

from coda_network import negotiate_auth, ntlm_auth, urllib2

SCHEMES = ("none", "Basic", "Digest", "NTLM", "Negotiate")
URL_SCHEMES = ("http", "https")
LARGE = 5 << 20
BODIES = {"GET": None, "POST": bytes(range(256)) * (LARGE // 256)}

# Alice logs in at the proxy and Bob at the site, so that a login which goes astray is seen.
AT_PROXY, AT_SITE = ALICE, BOB
PROXY_HANDLERS: dict[str, Any] = {
    "Basic": urllib2.ProxyBasicAuthHandler,
    "Digest": urllib2.ProxyDigestAuthHandler,
    "NTLM": ntlm_auth.ProxyNtlmAuthHandler,
    "Negotiate": negotiate_auth.ProxyNegotiateAuthHandler,
}
SITE_HANDLERS: dict[str, Any] = {
    "Basic": urllib2.HTTPBasicAuthHandler,
    "Digest": urllib2.HTTPDigestAuthHandler,
    "NTLM": ntlm_auth.HTTPNtlmAuthHandler,
    "Negotiate": negotiate_auth.HTTPNegotiateAuthHandler,
}
PATHS = {
    "none": "/echo",
    "Basic": "/basic/echo",
    "Digest": "/digest/echo",
    "NTLM": "/ntlm/echo",
    # It offers NTLM and Basic as well; the one handler that there is decides.
    "Negotiate": "/several/echo",
}


@dataclass(frozen=True)
class Cell:
    """What is asked for: a login at the proxy, one at the site, a scheme of the URL and a method."""

    proxy: str
    site: str
    url_scheme: str
    method: str

    def __str__(self) -> str:
        return f"{self.proxy}-{self.site}-{self.url_scheme}-{self.method}"


CELLS = [Cell(*parts) for parts in product(SCHEMES, SCHEMES, URL_SCHEMES, BODIES)]


@dataclass(frozen=True)
class Outcome:
    """What came of a cell."""

    echo: dict[str, Any]
    """What the site saw of the request that it served."""
    heads: list[str]
    """The heads of the requests as the proxy saw them, in their order."""
    logged: list[dict[str, Any]]
    """What the site logged of the requests that reached it."""
    connections: int
    """Connections to the proxy."""

    @property
    def requests(self) -> int:
        """All requests: those that the proxy saw, and those inside the tunnel."""
        inside = len(self.logged) if self.heads[0].startswith("CONNECT") else 0
        return len(self.heads) + inside


def open_cell(cell: Cell, squid: Squid, apache: Apache, context: ssl.SSLContext) -> Outcome:
    """Open the URL of a cell in a new opener."""
    base = apache.url if cell.url_scheme == "http" else apache.tls_url
    path = f"{PATHS[cell.site]}/{next(_numbers)}"
    with CountingRelay(squid.address) as relay:
        handlers = [
            urllib2.ProxyHandler({cell.url_scheme: f"http://{relay.netloc}"}),
            urllib2.HTTPSHandler(context=context),
        ]
        if cell.proxy != "none":
            handlers.append(_handler(PROXY_HANDLERS[cell.proxy], relay.netloc, AT_PROXY, cell.proxy))
        if cell.site != "none":
            handlers.append(_handler(SITE_HANDLERS[cell.site], base, AT_SITE, cell.site))
        opener = urllib2.build_opener(*handlers)
        try:
            request = urllib2.Request(base + path, BODIES[cell.method], method=cell.method)
            with opener.open(request, timeout=20) as response:
                echo = json.loads(response.read())
        finally:
            opener.close()
        heads = [head for sent in relay.sent for head in _heads(sent)]
    return Outcome(echo, heads, _logged(apache, path, cell.method), relay.connections)


_numbers = count(1)


def _logged(apache: Apache, path: str, method: str) -> list[dict[str, Any]]:
    """Return what the site logged of a path; the request that was let in is the last one."""
    while True:
        entries = [entry for entry in apache.log.entries() if entry["target"] == path]
        if entries and (entries[-1]["method"], entries[-1]["status"]) == (method, 200):
            return entries


def _handler(kind: Any, where: str, account: Account, scheme: str) -> Any:
    handler = kind(urllib2.HTTPPasswordMgrWithDefaultRealm())
    user = account.qualified if scheme in ("NTLM", "Negotiate") else account.user
    handler.add_password(None, where, user, account.password)
    return handler


_head = re.compile(rb"(?:GET|HEAD|POST|CONNECT) \S+ HTTP/1\.1\r\n(?:[^\r\n]+\r\n)+\r\n")


def _heads(sent: bytes) -> Iterator[str]:
    for found in _head.finditer(sent):
        yield found[0].decode("latin-1")


def values(heads: list[str], name: str) -> list[str]:
    """Return the values of one header."""
    return [
        value.strip()
        for head in heads
        for line in head.split("\r\n")[1:]
        if line and (value := line.partition(":")[2]) and line.partition(":")[0].lower() == name.lower()
    ]


def names(value: str, account: Account) -> bool:
    """Tell whether a header with a login names an account, in any of the ways that the schemes have."""
    try:
        token = base64.b64decode(value.partition(" ")[2], validate=True)
    except binascii.Error:
        token = value.encode("latin-1")
    return account.user.encode() in token or account.user.encode("utf-16-le") in token


def _servers(stack: ExitStack) -> tuple[dict[str, Squid], Apache, ssl.SSLContext]:
    ca = Authority(stack.enter_context(public_directory()))
    logins = (None, BasicLogin(), DigestLogin(), NTLMLogin(), NegotiateNTLMLogin())
    squids = {name: stack.enter_context(Squid(ca, login)) for name, login in zip(SCHEMES, logins, strict=True)}
    return squids, stack.enter_context(Apache(ca, stack.enter_context(KDC()))), ca.client_context()


def main() -> int:
    """Print the table; return 1 if a cell failed."""
    failed = 0
    columns = [f"{scheme} {method}" for scheme in URL_SCHEMES for method in BODIES]
    with ExitStack() as stack:
        squids, apache, context = _servers(stack)
        began = time.monotonic()
        print("requests/connections to the proxy, by the logins at proxy and site; POST sends 5 MiB")
        print(f"{'proxy':<10} {'site':<10}" + "".join(f"{column:>12}" for column in columns))
        for proxy, site in product(SCHEMES, SCHEMES):
            line = f"{proxy:<10} {site:<10}"
            for url_scheme, method in product(URL_SCHEMES, BODIES):
                try:
                    outcome = open_cell(Cell(proxy, site, url_scheme, method), squids[proxy], apache, context)
                    line += f"{f'{outcome.requests}/{outcome.connections}':>12}"
                except OSError as error:
                    failed = 1
                    line += f"{type(error).__name__[:11]:>12}"
            print(line, flush=True)
        print(f"{len(CELLS)} cells in {time.monotonic() - began:.1f} seconds")
    return failed


if __name__ == "__main__":
    sys.exit(main())
