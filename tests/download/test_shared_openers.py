"""Calls in a row share connections and logins: not between users, not for ever."""

from __future__ import annotations

import os
import threading
import time
import urllib.request
from typing import Any

import pytest
from support.accounts import ALICE, BOB
from support.nginx import Nginx
from support.origin import Origin, patterned
from support.proxy import REALM, Proxy
from support.relaying import CountingRelay
from support.squid import Squid

from coda_network import create_download_handle, do_download, ntlm_auth, urllib2
from coda_network._download import shared
from coda_network.utilities import close_connections


def test_calls_in_a_row_take_one_connection(origin: Origin) -> None:
    results = [do_download(f"{origin.url}/bytes/5") for _ in range(10)]
    assert origin.connections == 1
    assert [result.connection_reused for result in results] == [False] + [True] * 9


@pytest.mark.parametrize("limits", [(5.0, None), (None, 5.0), (0.5, 30.0)], ids=str)
def test_a_connection_serves_calls_with_and_without_a_limit(
    origin: Origin, limits: tuple[float | None, float | None]
) -> None:
    for limit in limits:
        assert do_download(f"{origin.url}/bytes/5", timeout_sec=limit)[0] == 200
    assert origin.connections == 1


def test_the_limit_of_one_call_does_not_hold_for_the_next_one(origin: Origin) -> None:
    assert do_download(origin.url, timeout_sec=0.2)[0] == 200
    time.sleep(0.3)
    assert do_download(origin.url)[0] == 200
    assert do_download(origin.url, timeout_sec=5)[0] == 200
    assert origin.connections == 1


def test_handles_read_to_their_end_share_too(origin: Origin) -> None:
    for _ in range(3):
        with create_download_handle(f"{origin.url}/bytes/5") as handle:
            assert handle.read() == patterned(5)
    assert origin.connections == 1


def test_handlers_made_for_each_call_share_connections(origin: Origin, proxy: Proxy) -> None:
    for _ in range(5):
        do_download(origin.url, proxy_handlers=urllib2.ProxyHandler({"http": proxy.url}))
    assert (len(proxy.requests), proxy.connections) == (5, 1)


@pytest.mark.parametrize("path", ["/status/404", "/bytes/0", "/chunked"])
def test_whatever_the_response_was_the_connection_goes_on(origin: Origin, path: str) -> None:
    for _ in range(3):
        do_download(origin.url + path)
    assert origin.connections == 1


def test_a_handler_may_serve_another_opener_meanwhile(origin: Origin) -> None:
    login = urllib2.HTTPBasicAuthHandler()
    login.add_password(REALM, origin.url, "a", "b")
    other = urllib2.build_opener(login)
    for _ in range(2):
        do_download(origin.url, auth_handlers=login)
        assert login.parent is not other
        other.add_handler(login)
    other.close()


def test_a_debug_level_set_later_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], origin: Origin
) -> None:
    import http.client

    do_download(origin.url)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    do_download(origin.url)
    assert "send: b'GET / HTTP/1.1" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY"])
def test_a_proxy_of_the_environment_is_used_while_it_is_there(
    monkeypatch: pytest.MonkeyPatch, origin: Origin, proxy: Proxy, name: str
) -> None:
    counts = []
    for value in (None, proxy.url, None):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
        assert do_download(origin.url)[0] == 200
        counts.append(len(proxy.requests))
    assert counts == [0, 1, 1]


def test_a_program_may_say_what_the_proxies_are(monkeypatch: pytest.MonkeyPatch, origin: Origin, proxy: Proxy) -> None:
    do_download(origin.url)
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"http": proxy.url})
    assert do_download(origin.url)[0] == 200
    assert len(proxy.requests) == 1


def test_a_transport_of_the_caller_comes_before_ours(origin: Origin) -> None:
    class Mine(urllib.request.BaseHandler):
        handler_order = 100

        def http_open(self, req: Any) -> Any:
            limits.append(req.timeout)
            return None

    limits: list[float] = []
    assert do_download(origin.url, auth_handlers=Mine(), timeout_sec=5)[0] == 200
    # Who knows no time limit finds a number of seconds.
    assert (limits, limits[0] + 1) == ([5.0], 6.0)


def test_many_openers_are_not_kept(origin: Origin) -> None:
    kept = [urllib2.HTTPBasicAuthHandler() for _ in range(shared.MOST_OPENERS + 10)]
    for handler in kept:
        do_download(origin.url, auth_handlers=handler)
    assert len(shared.shared_openers._openers) == shared.MOST_OPENERS
    assert origin.connections == 1


# -- not for ever


def closed(relay: CountingRelay) -> bool:
    """Return whether the client has closed its connections: only then the relay notes what it has sent."""
    for _ in range(200):
        if len(relay.sent) == relay.connections:
            return True
        time.sleep(0.01)
    return False


def test_connections_are_closed_when_nobody_calls_any_more(monkeypatch: pytest.MonkeyPatch, origin: Origin) -> None:
    monkeypatch.setattr(shared, "IDLE_SECONDS", 0.2)
    close_connections()
    with CountingRelay(origin.address) as relay:
        do_download(f"http://{relay.netloc}/")
        assert closed(relay)
        for thread in threading.enumerate():
            if "_close_when_idle" in thread.name:
                thread.join()
        assert shared.shared_openers._openers == {}
        # And it begins anew.
        do_download(f"http://{relay.netloc}/")
        assert closed(relay)


def test_connections_can_be_closed_at_once(origin: Origin) -> None:
    with CountingRelay(origin.address) as relay:
        do_download(f"http://{relay.netloc}/")
        before = threading.active_count()
        close_connections()
        assert closed(relay)
        assert threading.active_count() < before
        close_connections()


@pytest.mark.parametrize("exits_in", ["child", "parent"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # so are the servers here
def test_a_fork_closes_them_and_both_sides_can_go_on(origin: Origin, exits_in: str) -> None:
    do_download(origin.url)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if do_download(origin.url)[0] == 200 else 2
        finally:
            os._exit(code)
    assert do_download(origin.url)[0] == 200
    assert os.waitpid(child, 0)[1] == 0
    assert origin.connections == 3


# -- not between users


def proxy_login(account: Any, proxy: Any) -> list[Any]:
    passwords = urllib2.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, proxy.netloc, account.qualified, account.password)
    return [ntlm_auth.ProxyNtlmAuthHandler(passwords)]


@pytest.mark.servers
def test_a_hundred_downloads_through_ntlm_take_one_handshake(nginx: Nginx, squid_ntlm: Squid) -> None:
    with CountingRelay(squid_ntlm.address) as relay:
        proxy = urllib2.ProxyHandler({"http": f"http://{ALICE.qualified_userinfo}@{relay.netloc}"})
        for _ in range(100):
            assert do_download(nginx.url + nginx.small.path, proxy_handlers=proxy)[0] == 200
        close_connections()
        assert closed(relay)
    sent = b"".join(relay.sent)
    assert relay.connections <= 2
    assert sent.count(b"Proxy-Authorization: NTLM ") == 2  # the two messages of one handshake


@pytest.mark.servers
def test_each_user_has_connections_of_their_own(nginx: Nginx, squid_ntlm: Squid) -> None:
    proxy = urllib2.ProxyHandler({"http": squid_ntlm.url})
    with squid_ntlm.log.watch() as seen:
        for account in (ALICE, BOB, ALICE, BOB):
            handlers = proxy_login(account, squid_ntlm)
            assert do_download(nginx.url + nginx.small.path, proxy_handlers=proxy, auth_handlers=handlers)[0] == 200
        assert do_download(nginx.url + nginx.small.path, proxy_handlers=proxy) == (407, None)
    users = [entry["user"].rpartition("\\")[2].lower() for entry in seen.entries if entry["status"] == 200]
    assert users == [ALICE.user, BOB.user, ALICE.user, BOB.user]


def test_a_basic_login_is_not_lent_to_somebody_else(origin: Origin, basic_proxy: Proxy) -> None:
    with_login = urllib2.ProxyHandler({"http": basic_proxy.url_with_login})
    without = urllib2.ProxyHandler({"http": basic_proxy.url})
    assert do_download(origin.url, proxy_handlers=with_login)[0] == 200
    assert do_download(origin.url, proxy_handlers=without) == (407, None)
    assert do_download(origin.url, proxy_handlers=with_login)[0] == 200
