"""Fixtures of all tests. What each offers is listed in support/README.md."""

from __future__ import annotations

import gc
import logging
import ssl
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import keyring
import pytest
from hypothesis import HealthCheck, find, settings
from hypothesis.strategies import booleans
from support import guard, listening
from support.accounts import ALICE
from support.apache import Apache, ApacheProxy
from support.certs import Authority
from support.kdc import KDC
from support.keyrings import MemoryKeyring
from support.nginx import Nginx
from support.origin import Origin
from support.proxy import Proxy
from support.roots import PROJECT, Roots, made_by_tools
from support.servers import public_directory, running
from support.socks import Dante, Microsocks
from support.squid import BasicLogin, DigestLogin, KerberosLogin, NegotiateNTLMLogin, NTLMLogin, Squid

import coda_network
from coda_network import urllib2
from coda_network._auth.memory import LoginMemory
from coda_network._auth.refused_passwords import refused_passwords
from coda_network._http import header_login

# Taken out of the environment of every test: what the machine says about proxies, certificates and logins.
PROXY_VARIABLES = (
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "all_proxy",
    "no_proxy",
    "socks_proxy",
    "request_method",
)
CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
LOGIN_VARIABLES = (
    "CODA_NETWORK_CONFIG",
    "CODA_NETWORK_PROFILE",
    "NTLM_USER_FILE",
    "LM_COMPAT_LEVEL",
    "KRB5_CONFIG",
    "KRB5CCNAME",
    "KRB5_KTNAME",
    "KRB5_CLIENT_KTNAME",
)

guard.install()


def pytest_collection_finish() -> None:
    """Take what pytest has made of all the files out of the collector's sight: many tests call it, and it looks at all.

    Tests that list all objects do not see these either.
    """
    # Hypothesis looks, the first time, for those who refer to its source of chance, and would not see them either.
    find(booleans(), lambda value: True)
    gc.collect()
    if hasattr(gc, "freeze"):  # which PyPy has not
        gc.freeze()


# A slow machine is no failure.
settings.register_profile("in any time", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("in any time")
# For interpreters that are tested in the shorter form: pytest --hypothesis-profile=short.
settings.register_profile("short", max_examples=20)


@pytest.fixture(scope="session", autouse=True)
def no_file_is_left_behind() -> Iterator[None]:
    """Fail the session whose tests wrote, or removed, something outside their temporary folders."""
    folders = {Path(PROJECT.anchor), Path.home(), PROJECT}
    roots = Roots([folder for folder in folders if folder.is_dir()], made_by_tools())
    yield
    changes = roots.changes()
    assert not changes, f"came or went during the tests, outside their temporary folders: {changes}"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Take proxies, certificates and logins of the surroundings away."""
    for name in (*PROXY_VARIABLES, *CERTIFICATE_VARIABLES, *LOGIN_VARIABLES):
        for spelling in {name, name.upper(), name.lower()}:
            monkeypatch.delenv(spelling, raising=False)
    # A file that does not exist, so that nobody reads ~/.netrc instead; the same for our configuration file.
    monkeypatch.setenv("NETRC", str(tmp_path_factory.getbasetemp() / "no-netrc"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "no-configuration"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture(autouse=True)
def no_password_was_refused() -> None:
    """Forget the passwords that a test before has had refused: ports come again."""
    refused_passwords.clear()


@pytest.fixture(autouse=True)
def no_proxy_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what a proxy of a test before has accepted: ports come again."""
    monkeypatch.setattr(header_login, "_memory", LoginMemory())
    monkeypatch.setattr(header_login, "_accepted_headers", {})


@pytest.fixture(autouse=True)
def no_shared_connections() -> Iterator[None]:
    """No test finds the connections and logins of a download in another one: ports come again."""
    yield
    if "coda_network._download.shared" in sys.modules:
        sys.modules["coda_network._download.shared"].close_connections()


@pytest.fixture(autouse=True)
def no_log_goes_on() -> Iterator[None]:
    """No test hears the log of another one: its handler would write to a stream that is closed by then."""
    log = logging.getLogger("coda_network")
    before = log.level, list(log.handlers)
    yield
    assert (log.level, log.handlers) == before


@pytest.fixture(scope="session")
def ca() -> Iterator[Authority]:
    """The certificate authority of all TLS servers."""
    with public_directory() as directory:
        yield Authority(directory)


@pytest.fixture
def client_context(ca: Authority) -> ssl.SSLContext:
    """A new SSLContext that trusts `ca` and nothing else."""
    return ca.client_context()


@pytest.fixture
def origin() -> Iterator[Origin]:
    """The echo origin over http."""
    with Origin() as server:
        yield server


@pytest.fixture
def tls_origin(ca: Authority) -> Iterator[Origin]:
    """The echo origin over https."""
    with Origin(ca.server_context()) as server:
        yield server


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """The proxy in this process, without a login."""
    with Proxy() as server:
        yield server


@pytest.fixture
def basic_proxy() -> Iterator[Proxy]:
    """The proxy in this process; alice has to log in with Basic."""
    with Proxy((ALICE.user, ALICE.password)) as server:
        yield server


@pytest.fixture
def black_hole() -> Iterator[tuple[str, int]]:
    """An address of which nobody accepts."""
    with listening.black_hole() as address:
        yield address


@pytest.fixture(scope="session")
def nginx(ca: Authority) -> Iterator[Nginx]:
    with running(Nginx(ca)) as server:
        yield server


@pytest.fixture(scope="session")
def squid(ca: Authority) -> Iterator[Squid]:
    """squid without a login."""
    with running(Squid(ca)) as server:
        yield server


@pytest.fixture(scope="session")
def squid_basic(ca: Authority) -> Iterator[Squid]:
    with running(Squid(ca, BasicLogin())) as server:
        yield server


@pytest.fixture(scope="session")
def squid_digest(ca: Authority) -> Iterator[Squid]:
    with running(Squid(ca, DigestLogin())) as server:
        yield server


@pytest.fixture(scope="session")
def squid_ntlm(ca: Authority) -> Iterator[Squid]:
    """Offers NTLM only and verifies NTLMv2 and its MIC."""
    with running(Squid(ca, NTLMLogin())) as server:
        yield server


@pytest.fixture(scope="session")
def squid_negotiate_ntlm(ca: Authority) -> Iterator[Squid]:
    """Offers Negotiate only and takes NTLM inside SPNEGO."""
    with running(Squid(ca, NegotiateNTLMLogin())) as server:
        yield server


@pytest.fixture(scope="session")
def kdc() -> Iterator[KDC]:
    with running(KDC()) as server:
        yield server


@pytest.fixture(scope="session")
def squid_negotiate(ca: Authority, kdc: KDC) -> Iterator[Squid]:
    """Offers Negotiate only and takes Kerberos tickets of `kdc`."""
    with running(Squid(ca, KerberosLogin(kdc))) as server:
        yield server


@pytest.fixture(scope="session")
def apache(ca: Authority, kdc: KDC) -> Iterator[Apache]:
    with running(Apache(ca, kdc)) as server:
        yield server


@pytest.fixture(scope="session")
def apache_proxy(ca: Authority, kdc: KDC) -> Iterator[ApacheProxy]:
    with running(ApacheProxy(ca, kdc)) as server:
        yield server


@pytest.fixture(scope="session")
def microsocks() -> Iterator[Microsocks]:
    """SOCKS5 without a login."""
    with running(Microsocks()) as server:
        yield server


@pytest.fixture(scope="session")
def microsocks_login() -> Iterator[Microsocks]:
    """SOCKS5; alice has to log in."""
    with running(Microsocks(ALICE.user, ALICE.password)) as server:
        yield server


@pytest.fixture(scope="session")
def dante() -> Iterator[Dante]:
    """SOCKS4 and SOCKS5 without a login."""
    with running(Dante()) as server:
        yield server


@pytest.fixture
def alice_ticket(kdc: KDC, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Puts alice's Kerberos ticket into the environment of the test."""
    environment = kdc.ticket(ALICE)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


@pytest.fixture
def memory_keyring() -> Iterator[MemoryKeyring]:
    """A keyring in memory, in place of the system's."""
    before = keyring.get_keyring()
    memory = MemoryKeyring()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


@pytest.fixture(params=["urllib2", "patched"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module with urllib.request's names: ours, or the standard library's own under the patch."""
    module: Any = urllib2
    if request.param == "patched":
        module = urllib.request
        coda_network.patch()
    # The opener that urlopen() makes for itself; proxies of the environment are read when it is made.
    monkeypatch.setattr(module, "_opener", None)
    yield module
    if module._opener is not None:
        module._opener.close()
    if module is urllib.request:
        coda_network.unpatch()


@pytest.fixture
def direct(library: ModuleType) -> Iterator[Any]:
    """An opener without proxies."""
    opener = library.build_opener(library.ProxyHandler({}))
    yield opener
    opener.close()
