"""Every login at a proxy with every login at a site behind it, against squid and Apache."""

from __future__ import annotations

import hashlib
import ssl
from typing import Any

import pytest
from real.login_matrix import AT_PROXY, AT_SITE, BODIES, CELLS, SCHEMES, Cell, Outcome, names, open_cell, values
from support.apache import Apache
from support.squid import Squid

pytestmark = pytest.mark.servers

# How many requests a login adds to the one that was asked for.
LEGS = {"none": 0, "Basic": 1, "Digest": 1, "NTLM": 2, "Negotiate": 2}


@pytest.fixture(scope="session")
def squids(
    squid: Squid, squid_basic: Squid, squid_digest: Squid, squid_ntlm: Squid, squid_negotiate_ntlm: Squid
) -> dict[str, Squid]:
    """The proxies by the login that they demand."""
    return dict(zip(SCHEMES, (squid, squid_basic, squid_digest, squid_ntlm, squid_negotiate_ntlm), strict=True))


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_each_login_is_for_its_own_side(
    cell: Cell, squids: dict[str, Squid], apache: Apache, client_context: ssl.SSLContext
) -> None:
    outcome = open_cell(cell, squids[cell.proxy], apache, client_context)
    check_response(cell, outcome.echo)
    check_secrecy(cell, outcome)
    assert (outcome.requests, outcome.connections) == (expected_requests(cell), 1)


def check_response(cell: Cell, echo: dict[str, Any]) -> None:
    body = BODIES[cell.method] or b""
    assert echo["REQUEST_METHOD"] == cell.method
    assert (echo["body_length"], echo["body_sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    user = echo.get("REMOTE_USER", "")
    assert (AT_SITE.user in user, AT_PROXY.user in user) == (cell.site != "none", False)


def check_secrecy(cell: Cell, outcome: Outcome) -> None:
    assert {entry["proxy_authorization"] for entry in outcome.logged} == {"-"}
    assert not any(name.startswith("HTTP_PROXY") for name in outcome.echo)
    for_proxy = values(outcome.heads, "Proxy-Authorization")
    for_site = values(outcome.heads, "Authorization") + [entry["authorization"] for entry in outcome.logged]
    assert not any(names(value, AT_SITE) for value in for_proxy)
    assert not any(names(value, AT_PROXY) for value in for_site)
    assert any(names(value, AT_PROXY) for value in for_proxy) == (cell.proxy != "none")
    assert any(names(value, AT_SITE) for value in for_site) == (cell.site != "none")
    if cell.url_scheme == "https":
        assert values(outcome.heads, "Authorization") == []


def expected_requests(cell: Cell) -> int:
    at_proxy, at_site = LEGS[cell.proxy], LEGS[cell.site]
    by_head = 0
    if cell.method == "POST":
        # A body waits for the logins that HEAD goes through; a further HEAD tries whether that of the connection holds,
        # where the login of the other side has not shown it.
        read_by = at_site if cell.url_scheme == "https" else at_proxy + at_site
        last = at_site if cell.url_scheme == "https" else at_site or at_proxy
        by_head = (read_by > 0) + (last == 2)
    requests = 1 + at_proxy + at_site + by_head
    return requests + 1 if cell.url_scheme == "https" else requests
