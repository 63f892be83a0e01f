"""Windows, simulated: SSPI logs in as the logged-on user where nobody is named.

What is simulated: the module `sspilib` is there, and `spnego.client()` without a user name makes its messages for the
account that is "logged on". The messages themselves are real, and the peer verifies them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import HTTPError

import pytest
import spnego
from support.ntlm_peer import NtlmPeer
from support.peer import ScriptedPeer

from coda_network import ntlm_auth
from coda_network._auth import ntlm, ntlm3, security_context
from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import CannotServe, Peer, Role

PROXY = Peer(Role.PROXY, "proxy.coda.test", 3128)


@pytest.fixture
def logged_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Simulate Windows with alice logged on; return her name."""
    (tmp_path / "users").write_text("CODA:alice:her password", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "users"))
    real: Any = spnego.client

    def client(username: Any = None, password: Any = None, **options: Any) -> Any:
        if username is None:
            username, password = "CODA\\alice", "her password"
        return real(username=username, password=password, **options)

    monkeypatch.setattr(spnego, "client", client)
    monkeypatch.setitem(sys.modules, "sspilib", ModuleType("sspilib"))
    return "alice"


def test_a_proxy_gets_the_logged_on_user_when_it_asks(library: ModuleType, logged_on: str) -> None:
    proxy = NtlmPeer("proxy")
    with ScriptedPeer(proxy) as peer:
        opener = library.build_opener(library.ProxyHandler({"http": peer.url}))
        with opener.open("http://www.coda.test/") as response:
            assert response.status == 200
        opener.close()
    assert [user.rpartition("\\")[2] for user in proxy.users if user] == [logged_on]


def test_a_site_gets_the_logged_on_user_where_a_handler_says_so(library: ModuleType, logged_on: str) -> None:
    site = NtlmPeer()
    with ScriptedPeer(site) as peer:
        opener = library.build_opener(library.ProxyHandler({}), ntlm_auth.HTTPNtlmAuthHandler())
        with opener.open(peer.url) as response:
            assert response.status == 200
        opener.close()
    assert [user.rpartition("\\")[2] for user in site.users if user] == [logged_on]


def test_a_site_gets_nobody_without_such_a_handler(direct: Any, logged_on: str) -> None:
    site = NtlmPeer()
    with ScriptedPeer(site) as peer:
        with pytest.raises(HTTPError) as caught:
            direct.open(peer.url)
        caught.value.close()
        direct.close()
    assert (caught.value.code, site.messages) == (401, [0])


@pytest.mark.parametrize("credentials", [None, Credentials("", ""), Credentials("DOMAIN\\", "")], ids=repr)
def test_without_sspi_a_name_is_missing(credentials: Credentials | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sspilib", None)
    with pytest.raises(CannotServe, match=r"^NTLM: no user name given$"):
        ntlm.create(credentials, PROXY)


def test_ntlm_of_version_1_knows_no_logged_on_user(logged_on: str) -> None:
    with pytest.raises(CannotServe, match=r"^NTLM: no user name given$"):
        ntlm3.create(None, PROXY)


class _Raising:
    """Finds `spnego`, and fails to import it."""

    def __init__(self, error: ImportError) -> None:
        self.error = error

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "spnego":
            raise self.error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ModuleNotFoundError("No module named 'spnego'", name="spnego"), "pyspnego is not installed"),
        (
            ModuleNotFoundError("No module named 'cryptography'", name="cryptography"),
            "pyspnego cannot be imported: cryptography is not installed",
        ),
        (
            ImportError("module does not support loading in subinterpreters"),
            "pyspnego cannot be imported: module does not support loading in subinterpreters",
        ),
    ],
    ids=repr,
)
def test_the_report_names_why_pyspnego_is_out_of_reach(
    error: ImportError, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "spnego")
    monkeypatch.setattr(sys, "meta_path", [_Raising(error), *sys.meta_path])
    with pytest.raises(CannotServe, match=f"^NTLM: {text}$"):
        security_context.load_spnego("NTLM")
