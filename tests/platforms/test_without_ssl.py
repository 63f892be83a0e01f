"""A Python that was built without TLS, simulated by taking `_ssl` away: http works, https says why it does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.origin import Origin

import coda_network

PACKAGE_ROOT = str(Path(coda_network.__file__).resolve().parent.parent)
# A Python without OpenSSL has all of ssl.py, which cannot import this.
WITHOUT = "import sys\nsys.modules['_ssl'] = None\n"
REASON = "https needs the module ssl, and this Python was built without it"


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", WITHOUT + program, *arguments]
    environment = {"PYTHONPATH": PACKAGE_ROOT}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


EVERYTHING = """
import coda_network
from coda_network import connect, httplib, negotiate_auth, ntlm_auth, urllib2, utilities
from urllib.error import URLError
import urllib.request

url = sys.argv[1]
assert utilities.do_download(url)[0] == 200
assert utilities.do_download(url, timeout_sec=20)[0] == 200
with urllib2.urlopen(url) as response:
    print(response.status)
connection = httplib.HTTPConnection(response.url.split("/")[2])
connection.request("GET", "/")
print(connection.getresponse().read()[:1])
connection.close()
with coda_network.patched():
    with urllib.request.urlopen(url) as response:
        print(response.status)
    urllib.request._opener.close()
urllib2._opener.close()
"""


def test_http_works(origin: Origin) -> None:
    done = run(EVERYTHING, f"{origin.url}/status/200")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("200\n")
    assert done.stdout.endswith("200\n")


WAYS = {
    "urllib2.urlopen": "from coda_network import urllib2; urllib2.urlopen(url)",
    "opener": "from coda_network import urllib2; urllib2.build_opener().open(url)",
    "handler": "from coda_network import urllib2; urllib2.build_opener(urllib2.HTTPSHandler(cert='x')).open(url)",
    "urlopen, patched": "import coda_network, urllib.request; coda_network.patch(); urllib.request.urlopen(url)",
    "httplib": "from coda_network import httplib; httplib.HTTPSConnection('site.example')",
    "do_download": "from coda_network import utilities; utilities.do_download(url)",
    "do_download in time": "from coda_network import utilities; utilities.do_download(url, timeout_sec=9)",
    "a TLS proxy": """import socket; from coda_network.connect import create_connection
    with socket.create_server(('127.0.0.1', 0)) as proxy:
        create_connection(('x', 1), proxy='https://127.0.0.1:%d' % proxy.getsockname()[1])""",
}


@pytest.mark.parametrize("way", WAYS)
def test_https_says_why_not(way: str) -> None:
    program = f"""
url = "https://site.example/"
try:
    {WAYS[way]}
except OSError as error:
    print(error)
"""
    done = run(program)
    assert (done.returncode, done.stderr) == (0, "")
    assert REASON in done.stdout


def test_other_unknown_schemes_are_unknown_under_the_patch() -> None:
    program = "import coda_network, urllib.request; coda_network.patch(); urllib.request.urlopen('gopher://x/')"
    assert run(program).stderr.endswith("<urlopen error unknown url type: gopher>\n")


@pytest.mark.parametrize(("command", "code"), [("get", 1), ("check", 1), ("demo", 1)])
def test_the_commands_say_it_too(command: str, code: int) -> None:
    program = "from coda_network.cli import main\nsys.exit(main(sys.argv[1:]))"
    arguments = [command] if command == "demo" else [command, "https://site.example/"]
    done = run(program, *arguments)
    assert done.returncode == code
    assert REASON in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
