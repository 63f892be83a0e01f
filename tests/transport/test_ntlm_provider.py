"""Who makes the messages of NTLM is chosen by name: NTLMv2 unless somebody asks for python-ntlm3, NTLMv1."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import spnego
from support.accounts import ALICE
from support.peer import ScriptedPeer, Wire

from coda_network.ntlm_auth import HTTPNtlmAuthHandler, ProxyNtlmAuthHandler

NTLM_V1_RESPONSE = 24
"""Bytes of an NTLMv1 response (MS-NLMP 2.2.2.6); one of NTLMv2 is longer."""


@pytest.fixture(autouse=True)
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may log in at the acceptor, which takes NTLMv1 and NTLMv2 (level 3)."""
    (tmp_path / "users").write_text(f":{ALICE.user}:{ALICE.password}\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "users"))
    monkeypatch.setenv("LM_COMPAT_LEVEL", "3")


def door(status: str, ask: str, field: str, lengths: list[int]) -> Callable[[Wire], None]:
    """Return a script that lets NTLM pass; *lengths* takes those of the responses that were accepted."""

    def script(wire: Wire) -> None:
        acceptor: Any = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
        for head in wire.read_heads():
            _, found, value = head.decode().partition(f"\r\n{field}: NTLM ")
            if not found:
                wire.respond(b"", status, f"{ask}: NTLM")
                continue
            token = base64.b64decode(value.partition("\r\n")[0])
            reply = acceptor.step(token)
            if acceptor.complete:
                lengths.append(int.from_bytes(token[20:22], "little"))  # MS-NLMP 2.2.1.3, NtChallengeResponseFields
                wire.respond(b"in")
            else:
                wire.respond(b"", status, f"{ask}: NTLM {base64.b64encode(reply).decode()}")

    return script


@pytest.mark.parametrize(("provider", "is_v1"), [("spnego", False), ("ntlm3", True)])
@pytest.mark.parametrize("role", ["site", "proxy"])
def test_the_provider_is_chosen_by_name(library: ModuleType, provider: str, is_v1: bool, role: str) -> None:
    lengths: list[int] = []
    if role == "site":
        script = door("401 Unauthorized", "WWW-Authenticate", "Authorization", lengths)
        handler: Any = HTTPNtlmAuthHandler(provider=provider)
    else:
        script = door("407 Proxy Authentication Required", "Proxy-Authenticate", "Proxy-Authorization", lengths)
        handler = ProxyNtlmAuthHandler(provider=provider)
    with ScriptedPeer(script) as peer:
        url = peer.url if role == "site" else "http://site.example"
        handler.add_password(None, peer.url if role == "site" else peer.netloc, ALICE.user, ALICE.password)
        proxies = {} if role == "site" else {"http": peer.url}
        opener = library.build_opener(library.ProxyHandler(proxies), handler)
        with opener.open(f"{url}/", timeout=10) as response:
            assert response.read() == b"in"
        opener.close()
    assert [length == NTLM_V1_RESPONSE for length in lengths] == [is_v1]


def test_the_provider_of_one_role_is_not_that_of_the_other(library: ModuleType) -> None:
    lengths: list[int] = []
    with ScriptedPeer(door("401 Unauthorized", "WWW-Authenticate", "Authorization", lengths)) as peer:
        handler = HTTPNtlmAuthHandler()
        handler.add_password(None, peer.url, ALICE.user, ALICE.password)
        opener = library.build_opener(library.ProxyHandler({}), handler, ProxyNtlmAuthHandler(provider="ntlm3"))
        opener.open(f"{peer.url}/", timeout=10).read()
        opener.close()
    assert lengths != [NTLM_V1_RESPONSE]


@pytest.mark.parametrize("handler", [HTTPNtlmAuthHandler, ProxyNtlmAuthHandler])
def test_an_unknown_provider_is_a_value_error(handler: Any) -> None:
    with pytest.raises(ValueError, match=r"^provider must be one of spnego, ntlm3$"):
        handler(provider="ntlm4")
