"""squid verifies each proof of NTLM, as a directory does that locks accounts: a wrong password reaches it once."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
import requests
from requests.adapters import HTTPAdapter
from support.accounts import ALICE
from support.squid import Squid
from urllib3.util import Retry

import coda_network
from coda_network.connect import create_connection

pytestmark = pytest.mark.servers

PACKAGE_ROOT = Path(coda_network.__file__).resolve().parent.parent


def by_pip(proxy: str, scheme: str) -> None:
    command = [sys.executable, "-m", "coda_network", "run", "-m", "pip", "download", "--no-cache-dir"]
    options = ["--disable-pip-version-check", "--retries", "2", "--index-url", f"{scheme}://localhost:1/", "nothing"]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PIP_")},
        "PIP_CONFIG_FILE": os.devnull,
        "HTTP_PROXY": proxy,
        "HTTPS_PROXY": proxy,
        "PYTHONPATH": str(PACKAGE_ROOT),
    }
    done = subprocess.run(
        [*command, *options], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    if scheme == "https":
        assert "s ago, and is not sent again" in done.stdout + done.stderr


def by_urlopen(proxy: str, scheme: str) -> None:
    with coda_network.patched():
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({scheme: proxy}))
        for _ in range(10):
            with pytest.raises(URLError, match="407") as refused:
                opener.open(f"{scheme}://localhost:1/", timeout=10)
            if isinstance(refused.value, HTTPError):
                refused.value.close()
        opener.close()


def by_requests(proxy: str, scheme: str) -> None:
    with coda_network.patched(), requests.Session() as session:
        session.mount(f"{scheme}://", HTTPAdapter(max_retries=Retry(5, backoff_factor=0, status_forcelist=[407])))
        with pytest.raises(requests.exceptions.RequestException):
            session.get(f"{scheme}://localhost:1/", proxies={scheme: proxy}, timeout=10)


def by_plain_sockets(proxy: str, scheme: str) -> None:
    for _ in range(3):
        with pytest.raises(OSError, match="407"):
            create_connection(("localhost", 1), timeout=10, proxy=proxy)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("way", [by_pip, by_urlopen, by_requests, by_plain_sockets])
def test_a_wrong_password_is_verified_once(squid_ntlm: Squid, way: Callable[[str, str], None], scheme: str) -> None:
    before = squid_ntlm.proofs()
    proxy = squid_ntlm.url_for(ALICE, qualified=True).replace(ALICE.password, "wrong")
    way(proxy, scheme)
    assert squid_ntlm.proofs() == before + 1
