"""The main job: a program that knows only the standard library, a real proxy that demands a login, a large file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.accounts import ALICE
from support.certs import Authority
from support.nginx import Nginx
from support.relaying import CountingRelay
from support.squid import Squid

pytestmark = pytest.mark.servers

SIZE = 256 << 20

# Not a word of coda_network in it. The certificate authority and the proxy come by the environment. The kernel's VmHWM
# is the peak of this program; what getrusage() says counts the process that started it, too.
PROGRAM = """\
import hashlib, json, sys, urllib.request
large, small, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
digest, size = hashlib.sha256(), 0
with urllib.request.urlopen(large) as response:
    while block := response.read(65536):
        digest.update(block)
        size += len(block)
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
lengths = {len(urllib.request.urlopen(small).read()) for _ in range(count)}
print(json.dumps({"sha256": digest.hexdigest(), "size": size, "peak": peak, "lengths": sorted(lengths)}))
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "download.py"
    path.write_text(PROGRAM)
    return path


def run(command: list[str], ca: Authority, proxy: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SSL_CERT_FILE": str(ca.bundle), "https_proxy": proxy}
    return subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_large_download_over_https_through_a_proxy_with_a_login(
    nginx: Nginx, squid_basic: Squid, ca: Authority, program: Path
) -> None:
    large, small = nginx.file(SIZE), nginx.file(128)
    with CountingRelay(squid_basic.address) as relay:
        proxy = f"http://{ALICE.userinfo}@{relay.netloc}"
        arguments = [str(program), nginx.tls_url + large.path, nginx.tls_url + small.path, "100"]
        done = run(["-m", "coda_network", "run", *arguments], ca, proxy)
        assert done.returncode == 0, done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        assert (result["sha256"], result["size"], result["lengths"]) == (large.sha256, SIZE, [128])
        # One tunnel for the large file and for all that came after it.
        assert relay.connections == 1
        # KiB; half of it is Python, ssl and urllib themselves.
        assert result["peak"] < 40 * 1024


def test_without_the_patch_each_request_opens_a_tunnel_of_its_own(
    nginx: Nginx, squid_basic: Squid, ca: Authority, program: Path
) -> None:
    small = nginx.file(128)
    with CountingRelay(squid_basic.address) as relay:
        url = nginx.tls_url + small.path
        done = run([str(program), url, url, "3"], ca, f"http://{ALICE.userinfo}@{relay.netloc}")
        assert done.returncode == 0, done.stderr
        assert relay.connections == 4
