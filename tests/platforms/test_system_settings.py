"""Windows and macOS, simulated: where they keep the proxies, and what they lack or do otherwise.

What is simulated: the registry and the system configuration are stand-ins, and the name of the platform is changed
while urllib.request is imported, so that its own code for that platform reads them. Then the name is put back.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.origin import Origin
from support.proxy import Proxy

import coda_network
from coda_network.cli import main

PACKAGE_ROOT = str(Path(coda_network.__file__).resolve().parent.parent)

WINDOWS = """
import os, shutil, socket, ssl, tempfile, sys, types
import email.message, http.client, mimetypes, random
values = {"ProxyEnable": 1, "ProxyServer": "http=@P@;https=@P@", "ProxyOverride": "@E@"}
winreg = types.ModuleType("winreg")
winreg.HKEY_CURRENT_USER = 1
class Key:
    def Close(self): pass
winreg.OpenKey = lambda *where: Key()
winreg.QueryValueEx = lambda key, name: (values[name], 1)
sys.modules["winreg"] = winreg
name, os.name = os.name, "nt"
import urllib.request
os.name = name
"""
MACOS = """
import sys, types
import email.message, http.client, mimetypes, random, shutil, socket, ssl, tempfile
scproxy = types.ModuleType("_scproxy")
scproxy._get_proxies = lambda: {"http": "http://@P@", "https": "http://@P@"}
scproxy._get_proxy_settings = lambda: {"exclude_simple": False, "exceptions": ["@E@"]}
sys.modules["_scproxy"] = scproxy
name, sys.platform = sys.platform, "darwin"
import urllib.request
sys.platform = name
"""
PROGRAM = """
import coda_network
from coda_network import proxies, urllib2, utilities
url = sys.argv[1]
for found in (url, url.replace("http:", "https:")):
    for route in proxies.find(found):
        print("found:", route, route.why)
assert utilities.do_download(url)[0] == 200
with urllib2.urlopen(url) as response:
    response.read()
urllib2._opener.close()
with coda_network.patched():
    with urllib.request.urlopen(url) as response:
        response.read()
    urllib.request._opener.close()
from coda_network.cli import main
main(["check", url])
"""


@pytest.mark.parametrize("settings", [WINDOWS, MACOS], ids=["Windows", "macOS"])
@pytest.mark.parametrize(("exempt", "requests"), [("other.test", 4), ("127.0.0.1", 0)])
def test_the_proxies_of_the_system_are_used(
    settings: str, exempt: str, requests: int, origin: Origin, proxy: Proxy
) -> None:
    program = settings.replace("@P@", proxy.netloc).replace("@E@", exempt)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program + PROGRAM, f"{origin.url}/status/200"],
        env={**os.environ, "PYTHONPATH": PACKAGE_ROOT},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(proxy.requests) == requests
    assert ("proxy: none" in done.stdout) is (requests == 0)
    found = [line for line in done.stdout.splitlines() if line.startswith("found:")]
    if requests:
        assert found == [f"found: http://{proxy.netloc} named by the system's settings"] * 2
    else:
        assert found == ["found: DIRECT the system's settings name this host"] * 2


def test_without_hooks_for_forks_everything_is_imported_and_locks_work() -> None:
    program = """
import os
del os.register_at_fork
import coda_network
from coda_network import httplib, urllib2, utilities
coda_network.patch()
import urllib.request
with urllib.request.build_opener().open("data:,text") as response:
    print(response.read())
"""
    environment = {**os.environ, "PYTHONPATH": PACKAGE_ROOT}
    # What the standard library does with it itself is done by then.
    before = "import concurrent.futures.thread, logging, random, ssl, threading\n"
    command = [sys.executable, "-W", "error", "-c", before + program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "b'text'\n", "")


def test_a_file_that_another_program_has_open_is_left_and_named(
    tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Windows does not let a file be replaced that is open without leave for it."""
    target = tmp_path / "file"
    target.write_text("as it was")

    def refuse(source: str, destination: str) -> None:
        raise PermissionError(13, "Access is denied", str(source), 5, str(destination))

    monkeypatch.setattr(os, "replace", refuse)
    assert main(["get", "-o", str(target), f"{origin.url}/status/200"]) == 1
    assert "Access is denied" in (said := capsys.readouterr().err) and "file" in said
    assert target.read_text() == "as it was"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
