"""Basic gives the password away, so it does not follow a stronger scheme that has failed, unless asked to."""

from __future__ import annotations

import pytest
from support.peer import ScriptedPeer, Wire

from coda_network import ntlm_auth, urllib2


def offering_ntlm_that_fails(schemes: list[str]) -> object:
    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            header = next((line for line in head.split(b"\r\n") if line.startswith(b"Authorization: ")), b"")
            scheme = header.removeprefix(b"Authorization: ").partition(b" ")[0].decode()
            schemes.append(scheme)
            if scheme == "Basic":
                wire.respond(b"in")
            else:
                wire.respond(b"no", "401 Who", "WWW-Authenticate: NTLM", 'WWW-Authenticate: Basic realm="r"')

    return script


@pytest.mark.parametrize(("asked", "sent"), [(False, ["", "NTLM"]), (True, ["", "NTLM", "Basic"])])
def test_basic_follows_a_failed_ntlm_only_where_its_handler_says_so(asked: bool, sent: list[str]) -> None:
    schemes: list[str] = []
    basic = urllib2.HTTPBasicAuthHandler(urllib2.HTTPPasswordMgrWithDefaultRealm())
    if asked:
        basic.allow_basic_after_failure = True
    with ScriptedPeer(offering_ntlm_that_fails(schemes)) as peer:
        ntlm = ntlm_auth.HTTPNtlmAuthHandler(basic.passwd)
        basic.add_password(None, peer.url, "user", "password")
        opener = urllib2.build_opener(urllib2.ProxyHandler({}), ntlm, basic)
        if asked:
            assert opener.open(peer.url, timeout=10).read() == b"in"
        else:
            with pytest.raises(urllib2.HTTPError, match="401") as caught:
                opener.open(peer.url, timeout=10)
            assert "gives the password away" in str(caught.value.auth_report)
            caught.value.close()
        opener.close()
    assert schemes == sent
