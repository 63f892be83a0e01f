"""`coda-network check` and the log print what docs/authentication.md shows, but for numbers."""

from __future__ import annotations

import logging
import re

import pytest
from support.accounts import ALICE, BOB
from support.apache import Apache
from support.certs import Authority
from support.origin import Origin
from support.pages import PROJECT, blocks
from support.proxy import Proxy
from support.squid import Squid

from coda_network import urllib2
from coda_network.cli import main

PAGE = PROJECT / "docs" / "authentication.md"


def without_numbers(text: str) -> str:
    """Return a text with N for ports and lengths; the statuses, the schemes' own numbers and the address stay."""
    text = re.sub(r"(127\.0\.0\.1|localhost)(:| port )\d+", r"\1\2N", text)
    return re.sub(r"\d+ (bytes|characters)", r"N \1", text)


@pytest.mark.servers
def test_check_prints_the_session_of_the_page(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ca: Authority,
    squid_ntlm: Squid,
    apache: Apache,
) -> None:
    [session] = blocks(PAGE, "console")
    shown = [line for line in session.text.splitlines() if not line.startswith("$ ")]
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))
    monkeypatch.setenv("https_proxy", squid_ntlm.url_for(ALICE, qualified=True))
    assert main(["check", apache.tls_url.replace("//", f"//{BOB.userinfo}@") + "/digest/echo"]) == 0
    printed = capsys.readouterr().out
    assert without_numbers(printed).splitlines() == without_numbers("\n".join(shown)).splitlines()


def test_the_log_of_two_requests_is_the_one_of_the_page(
    caplog: pytest.LogCaptureFixture, origin: Origin, basic_proxy: Proxy
) -> None:
    [log] = [block for block in blocks(PAGE, "text") if block.text.startswith("coda_network.net: ")]
    caplog.set_level(logging.DEBUG, logger="coda_network")
    opener = urllib2.build_opener(urllib2.ProxyHandler({"http": basic_proxy.url_with_login}))
    for _ in range(2):
        opener.open(f"{origin.url}/", timeout=10).read()
    records = "\n".join(f"{record.name}: {record.getMessage()}" for record in caplog.records)
    opener.close()
    assert without_numbers(records).splitlines() == without_numbers(log.text).splitlines()
