"""Pythons started in odd ways: isolated, without site, optimised, warnings as errors; a zipapp; one inside another."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipapp
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.origin import Origin
from support.proxy import Proxy

import coda_network

PACKAGE = Path(coda_network.__file__).resolve().parent
# The folders of the package and of what it needs, for Pythons that are told to find neither.
SPECS = [find_spec(name) for name in ("coda_network", "spnego", "cryptography")]
NEEDED = sorted({str(Path(spec.origin).resolve().parents[1]) for spec in SPECS if spec and spec.origin})

EVERYTHING = """
import coda_network, urllib.request
from coda_network import connect, httplib, negotiate_auth, ntlm_auth, urllib2, utilities
url, proxy = sys.argv[-2:]
assert utilities.do_download(url, proxy_handlers=[urllib2.ProxyHandler({"http": proxy})])[0] == 200
for module in urllib.request, urllib2:
    with coda_network.patched():
        opener = module.build_opener(module.ProxyHandler({"http": proxy}))
        with opener.open(url) as response:
            assert response.status == 200, response.status
            response.read()
        opener.close()
host, port = url.split("/")[2].split(":")
sock = connect.create_connection((host, int(port)), proxy=proxy)
sock.close()
connection = httplib.HTTPSConnection("site.example", socket_keepalive=True)
connection.close()
import spnego
print("done")
"""
FLAGS = [("-I", "-S", "-OO"), ("-E", "-s", "-O", "-Xdev"), ("-bb", "-Werror")]
if sys.version_info >= (3, 11):
    FLAGS.append(("-P",))


def run(program: str, *arguments: str, flags: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    program = f"import sys; sys.path[:0] = {NEEDED!r}\n{program}"
    command = [sys.executable, "-B", *flags, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
def test_everything_works(flags: tuple[str, ...], origin: Origin, basic_proxy: Proxy) -> None:
    done = run(EVERYTHING, f"{origin.url}/status/200", basic_proxy.url_with_login, flags=flags)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


@pytest.mark.parametrize("flags", [("-I", "-OO"), ("-Werror",)], ids=" ".join)
def test_run_works(tmp_path: Path, flags: tuple[str, ...]) -> None:
    (tmp_path / "program.py").write_text("import coda_network\nprint(coda_network.is_patched(), __name__)\n")
    program = "from coda_network.cli import main\nsys.exit(main(['run', sys.argv[1]]))"
    done = run(program, str(tmp_path / "program.py"), flags=flags)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True __main__\n", "")


def test_a_zipapp_has_the_package_in_it(tmp_path: Path, origin: Origin, basic_proxy: Proxy) -> None:
    """As docs/pythons.md makes one, without what pip would bring beside the package."""
    source = tmp_path / "app"
    shutil.copytree(PACKAGE, source / "coda_network", ignore=shutil.ignore_patterns("__pycache__"))
    archive = tmp_path / "coda-network.pyz"
    zipapp.create_archive(source, archive, main="coda_network.cli:main", compressed=True)
    (tmp_path / "program.py").write_text(
        "import sys, urllib.request\n"
        "opener = urllib.request.build_opener(urllib.request.ProxyHandler({'http': sys.argv[2]}))\n"
        "print(opener.open(sys.argv[1]).status, sys.modules['coda_network'].__file__)\n"
        "opener.close()\n"
    )

    def start(*arguments: str) -> str:
        command = [sys.executable, "-I", "-S", str(archive), *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True).stdout

    assert start("--version") == f"coda-network {coda_network.__version__}\n"
    url, proxy = f"{origin.url}/status/200", basic_proxy.url_with_login
    assert start("run", "program.py", url, proxy).startswith(f"200 {archive}")
    assert start("get", "data:,text") == "text"


if sys.version_info >= (3, 14):

    def test_in_a_subinterpreter_the_report_says_what_is_in_the_way() -> None:
        """Modules in C may refuse to be loaded into an interpreter with a lock of its own, and cryptography's does."""
        inside = f"""
import sys; sys.path[:0] = {NEEDED!r}
from coda_network._auth import ntlm
from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import CannotServe, Peer, Role
import coda_network, urllib.request
with coda_network.patched():
    with urllib.request.build_opener().open("data:,text") as response:
        print(response.read())
try:
    ntlm.create(Credentials("user", "password"), Peer(Role.PROXY, "proxy", 3128))
except CannotServe as error:
    print(error)
else:
    print("NTLM can be served")
"""
        done = run(f"from concurrent import interpreters\ninterpreters.create().exec({inside!r})")
        assert (done.returncode, done.stderr) == (0, "")
        first, second = done.stdout.splitlines()
        assert first == "b'text'"
        # What this depends on is cryptography's; the report must not say that something is not installed.
        assert second == "NTLM can be served" or second.startswith("NTLM: pyspnego cannot be imported: ")
        assert "not installed" not in second
