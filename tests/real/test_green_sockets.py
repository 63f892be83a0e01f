"""gevent and eventlet put sockets of their own in place of the system's: logins keep to one connection there, too."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from real.login_matrix import PATHS
from support.accounts import ALICE
from support.apache import Apache
from support.certs import Authority
from support.relaying import CountingRelay
from support.squid import Squid

import coda_network

pytestmark = [pytest.mark.servers, pytest.mark.programs]

# They take part where they are installed.
GREEN = {
    name: start
    for name, start in {
        "gevent": "from gevent import monkey; monkey.patch_all()",
        "eventlet": "import eventlet; eventlet.monkey_patch()",
    }.items()
    if find_spec(name)
}
URLLIB2 = "from coda_network import urllib2 as library"
PATCHED = "import coda_network, urllib.request as library; coda_network.patch()"
STARTS = {
    "urllib2-first": URLLIB2 + "\n{green}",
    "urllib2-last": "{green}\n" + URLLIB2,
    "patched-first": PATCHED + "\n{green}",
    "patched-last": "{green}\n" + PATCHED,
}
PROGRAM = """
import sys, warnings
warnings.simplefilter("ignore")
{start}
from coda_network import ntlm_auth
proxy, user, password, bundle, *urls = sys.argv[1:]
import ssl
handlers = [ntlm_auth.ProxyNtlmAuthHandler(), ntlm_auth.HTTPNtlmAuthHandler()]
handlers[0].add_password(None, proxy, user, password)
for url in urls:
    handlers[1].add_password(None, url, user, password)
opener = library.build_opener(
    library.ProxyHandler({{"http": proxy, "https": proxy}} if proxy else {{}}),
    library.HTTPSHandler(context=ssl.create_default_context(cafile=bundle)),
    *handlers,
)
for url in urls * 3:
    with opener.open(url, timeout=20) as response:
        assert response.status == 200
        response.read()
opener.close()
print("done")
"""


@pytest.fixture(params=GREEN)
def green(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run(start: str, green: str, ca: Authority, proxy: str, *urls: str) -> None:
    program = PROGRAM.format(start=STARTS[start].format(green=GREEN[green]))
    command = [sys.executable, "-c", program, proxy, ALICE.qualified, ALICE.password, str(ca.bundle), *urls]
    environment = {**os.environ, "PYTHONPATH": str(Path(coda_network.__file__).resolve().parents[1])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("done\n", "", 0)


@pytest.mark.parametrize("start", STARTS)
def test_a_login_at_a_proxy_takes_one_connection(
    squid_ntlm: Squid, apache: Apache, ca: Authority, green: str, start: str
) -> None:
    with CountingRelay(squid_ntlm.address) as relay:
        http, https = (f"{base}{PATHS['none']}" for base in (apache.url, apache.tls_url))
        run(start, green, ca, f"http://{relay.netloc}", http, https)
        assert relay.connections == 2  # one for what the proxy reads, one for the tunnel


@pytest.mark.parametrize("start", STARTS)
def test_a_login_at_a_site_takes_one_connection(apache: Apache, ca: Authority, green: str, start: str) -> None:
    plain, tls = ("127.0.0.1", apache.http_port), ("127.0.0.1", apache.https_port)
    with CountingRelay(plain) as http, CountingRelay(tls) as https:
        urls = [f"{scheme}://{relay.netloc}{PATHS['NTLM']}" for scheme, relay in (("http", http), ("https", https))]
        run(start, green, ca, "", *urls)
        assert (http.connections, https.connections) == (1, 1)
