"""``coda-network login``: a password is tried once, and kept where it was accepted."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.accounts import ALICE, BOB
from support.keyrings import MemoryKeyring
from support.nginx import Nginx
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy
from support.servers import free_port
from support.squid import Squid

from coda_network._cli import login
from coda_network.cli import main


class Login:
    """Runs the command with a password that is typed in; it is never printed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str, password: str = ALICE.password) -> tuple[int, str, str]:
        self._monkeypatch.setattr(login, "from_keyboard", lambda user: password)
        code = main(["login", *arguments])
        out, err = self._capsys.readouterr()
        assert password not in out + err
        return code, out, err


@pytest.fixture
def log_in(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Login:
    return Login(monkeypatch, capsys)


@pytest.mark.servers
def test_a_password_that_an_ntlm_proxy_accepts_is_kept(
    log_in: Login, squid_ntlm: Squid, nginx: Nginx, memory_keyring: MemoryKeyring
) -> None:
    seen = log_in("--proxy", f"http://{squid_ntlm.netloc}", "--user", ALICE.qualified, nginx.url)
    assert seen == (0, f"the password of {ALICE.qualified} is in the keyring\n", "")
    assert memory_keyring.passwords == {("coda_network", ALICE.qualified): ALICE.password}


def test_a_refused_password_is_tried_once_and_not_kept(
    log_in: Login, basic_proxy: Proxy, origin: Origin, memory_keyring: MemoryKeyring
) -> None:
    memory_keyring.passwords["coda_network", "alice"] = "as it was"
    code, out, err = log_in("--proxy", basic_proxy.url, "--user", "alice", origin.url, password=BOB.password)
    assert (code, out) == (1, "")
    assert err == "coda-network login: The proxy refused the user name or password. The password is not kept.\n"
    assert memory_keyring.passwords == {("coda_network", "alice"): "as it was"}
    sent = [request for request in basic_proxy.requests if request.header("Proxy-Authorization")]
    assert len(sent) == 1


def test_what_the_site_says_behind_the_login_does_not_matter(
    log_in: Login, basic_proxy: Proxy, memory_keyring: MemoryKeyring
) -> None:
    url = f"http://127.0.0.1:{free_port()}/"  # the proxy responds 502
    assert log_in("--proxy", basic_proxy.url, "--user", "alice", url)[0] == 0
    assert memory_keyring.passwords


def asks_for_basic(wire: Wire) -> None:
    for head in wire.read_heads():
        known = b"authorization: basic" in head.lower()
        status = b"200 OK" if known else b'401 No\r\nWWW-Authenticate: Basic realm="x"'
        wire.send(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")


def test_a_password_for_a_site_is_tried_there(log_in: Login, memory_keyring: MemoryKeyring) -> None:
    with ScriptedPeer(asks_for_basic) as site:
        assert log_in("--user", "alice", "--login-at", site.netloc, site.url)[0] == 0
    assert memory_keyring.passwords == {("coda_network", "alice"): ALICE.password}


def test_where_nobody_asks_nothing_is_kept_unless_it_is_wanted(
    log_in: Login, proxy: Proxy, origin: Origin, memory_keyring: MemoryKeyring
) -> None:
    code, _, err = log_in("--proxy", proxy.url, "--user", "alice", origin.url)
    assert (code, "The proxy asked for no login, so that nothing was tried" in err) == (1, True)
    assert memory_keyring.passwords == {}
    assert log_in("--proxy", proxy.url, "--user", "alice", "--no-try", origin.url)[0] == 0
    assert memory_keyring.passwords == {("coda_network", "alice"): ALICE.password}


def test_a_proxy_that_is_not_there_is_told(log_in: Login, memory_keyring: MemoryKeyring) -> None:
    code, _, err = log_in("--proxy", f"http://127.0.0.1:{free_port()}", "--user", "alice")
    assert (code, memory_keyring.passwords) == (1, {})
    assert "There is no connection to the proxy" in err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "name a user with --user"),
        (["--user", "alice"], "no proxy leads to example.com"),
        (["--user", "alice", "no-url"], "the URL cannot be used"),
        (["--user", "alice", "--proxy", "gopher://x"], "the scheme of a proxy must be one of"),
        (["--user", "alice", "--password-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE is not set"),
    ],
)
def test_a_wrong_command_line_is_2(log_in: Login, arguments: list[str], why: str) -> None:
    code, _, err = log_in(*arguments)
    assert (code, why in err) == (2, True), err


def test_a_new_password_of_a_file_replaces_the_one_in_the_keyring(
    log_in: Login, basic_proxy: Proxy, origin: Origin, memory_keyring: MemoryKeyring, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(ALICE.password)
    file.chmod(0o600)
    memory_keyring.passwords["coda_network", "alice"] = "an old one"
    options = ["--proxy", basic_proxy.url, "--user", "alice", "--password-file", str(file)]
    assert log_in(*options, origin.url, password="not asked for")[0] == 0
    assert memory_keyring.passwords == {("coda_network", "alice"): ALICE.password}


def test_a_keyring_that_is_locked_is_told(
    log_in: Login, basic_proxy: Proxy, origin: Origin, memory_keyring: MemoryKeyring
) -> None:
    memory_keyring.is_locked = True
    code, _, err = log_in("--proxy", basic_proxy.url, "--user", "alice", origin.url)
    assert (code, "the keyring of this system cannot be used" in err) == (1, True)
