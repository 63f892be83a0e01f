"""What the demo shows, in three acts: the standard library alone, the same program patched, a wrong password."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.parse import quote

import coda_network
from coda_network._cli.demo import certificate
from coda_network._cli.demo.doors import DOORS, Account
from coda_network._cli.demo.proxy import Proxy
from coda_network._cli.demo.site import Site

SIZE = 4 << 20
REQUESTS = 10
"""How many requests follow the first."""

LINES = 3
"""How many of the CONNECTs of one act are printed."""

# Variables that could take the place of https_proxy, or exempt localhost.
_IN_THE_WAY = ("HTTPS_PROXY", "no_proxy", "NO_PROXY")


class Result(NamedTuple):
    """What the program got: the size of each body and the SHA-256 of the first, or the error."""

    sizes: list[int]
    sha256: str
    error: str = ""


def program(url: str) -> Result:
    """Be the program, which knows nothing but the standard library."""
    opener = urllib.request.build_opener()
    try:
        with opener.open(f"{url}/file") as response:
            data = response.read()
        sizes = [len(data)]
        for number in range(REQUESTS):
            with opener.open(f"{url}/{number}") as response:
                sizes.append(len(response.read()))
    except URLError as error:
        return Result([], "", str(error))
    finally:
        opener.close()
    return Result(sizes, hashlib.sha256(data).hexdigest())


def tell(scheme: str) -> int:
    """Run the demo with a proxy that demands ``scheme``; return the exit code."""
    account = Account("DEMO", "alice", secrets.token_urlsafe(12))
    content = secrets.token_bytes(SIZE)
    with tempfile.TemporaryDirectory(prefix="coda-network-") as name:
        files = certificate.make(Path(name))
        users = Path(name, "users")
        users.write_text(f"{account.domain}:{account.user}:{account.password}\n", encoding="utf-8")
        # The first two are for pyspnego's acceptor in the proxy, the last is for the program.
        environment = {
            "NTLM_USER_FILE": str(users),
            "LM_COMPAT_LEVEL": "5",
            "SSL_CERT_FILE": str(files.authority),
        }
        with (
            _environment(environment),
            Site(content, files.site) as site,
            Proxy(lambda: DOORS[scheme](account)) as proxy,
        ):
            story = _Story(scheme, account, content, site, proxy)
            story.introduce()
            story.without_patch()
            story.with_patch()
            story.with_wrong_password()
    return story.conclude()


class _Story:
    def __init__(self, scheme: str, account: Account, content: bytes, site: Site, proxy: Proxy) -> None:
        self.name = {"ntlm": "NTLM"}.get(scheme, scheme.capitalize())
        self.account = account
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.site = site
        self.proxy = proxy
        # Basic is what urllib.request sends through proxies by itself.
        self.served_by_stdlib = scheme == "basic"
        self.failures: list[str] = []

    # -- the acts

    def introduce(self) -> None:
        say(f"site     {self.site.url}, with a certificate made just now")
        say(f"file     {SIZE:,} bytes, SHA-256 {self.sha256}")
        say(f"proxy    http://127.0.0.1:{self.proxy.port}, lets nobody through who has not logged in by {self.name}")
        say(f"program  urllib.request.build_opener().open(...), for the file and {REQUESTS} times again")
        say(f"         https_proxy={self._proxy_url('********')}")

    def without_patch(self) -> None:
        say("\n1. The program as it is")
        result, proxy_connections, _ = self._run(self.account.password)
        if self.served_by_stdlib:
            self._say_and_check("the file arrived", result.sha256 == self.sha256, result.error)
            say(f"   TCP connections: {proxy_connections} for {len(result.sizes)} requests")
        else:
            say(f"   fails: {result.error}")
            self._check("the standard library fails with 407", "407" in result.error)

    def with_patch(self) -> None:
        say("\n2. The same program under coda_network.patch()")
        with coda_network.patched():
            result, proxy_connections, site_connections = self._run(self.account.password)
        if result.error:
            say(f"   fails: {result.error}")
        passed = [seen for seen in self.proxy.seen if seen.status == 200]
        self._check(f"one {self.name} login was verified", [seen.scheme for seen in passed] == [self.name])
        complete = result.sizes == [SIZE] * (REQUESTS + 1)
        self._say_and_check(f"{sum(result.sizes[:1]):,} bytes arrived, then {REQUESTS} times as many", complete)
        self._say_and_check("SHA-256 equal", result.sha256 == self.sha256, result.sha256)
        counts = f"{proxy_connections} at the proxy, {site_connections} at the site, {len(result.sizes)} requests"
        self._say_and_check(f"TCP connections: {counts}", (proxy_connections, site_connections) == (1, 1))

    def with_wrong_password(self) -> None:
        say("\n3. The same with a wrong password")
        with coda_network.patched():
            result, _, site_connections = self._run(secrets.token_urlsafe(12))
        say(f"   fails: {result.error}")
        self._check("a wrong password is refused with 407", "407" in result.error and site_connections == 0)

    def conclude(self) -> int:
        if self.failures:
            say("\nFAILED: it did not happen that " + "; nor that ".join(self.failures))
            return 1
        say("\nAll of this was checked.")
        return 0

    # -- the means

    def _run(self, password: str) -> tuple[Result, int, int]:
        """Run the program and print what the proxy saw; return its result and the connections at proxy and site."""
        before = self.proxy.connections, self.site.connections
        self.proxy.seen.clear()
        with _environment({"https_proxy": self._proxy_url(quote(password, safe=""))}, without=_IN_THE_WAY):
            result = program(self.site.url)
        for seen in self.proxy.seen[:LINES]:
            login = f"with {seen.scheme}" if seen.scheme else "without a login"
            say(f"   CONNECT {seen.target} {login:<15}  {seen.status}  {seen.remark}")
        if (more := len(self.proxy.seen) - LINES) > 0:
            say(f"   and so on, {more} more")
        return result, self.proxy.connections - before[0], self.site.connections - before[1]

    def _proxy_url(self, password: str) -> str:
        return f"http://{self.account.domain}%5C{self.account.user}:{password}@127.0.0.1:{self.proxy.port}"

    def _say_and_check(self, text: str, happened: bool, otherwise: str = "") -> None:
        say(f"   {text}" if happened else f"   NOT: {text} {otherwise}".rstrip())
        self._check(text, happened)

    def _check(self, text: str, happened: bool) -> None:
        if not happened:
            self.failures.append(text)


def say(text: str) -> None:
    """Print a line and flush it, so that each step shows when it happens."""
    print(text, flush=True)


@contextmanager
def _environment(values: Mapping[str, str], without: tuple[str, ...] = ()) -> Iterator[None]:
    """Set some environment variables and remove others, for the length of a block."""
    names = {*values, *without}
    before = {name: os.environ.get(name) for name in names}
    try:
        for name in names:
            _set(name, values.get(name))
        yield
    finally:
        for name, value in before.items():
            _set(name, value)


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
