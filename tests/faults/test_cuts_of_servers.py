"""The same cuts before nginx, squid with an NTLM login, and Apache: whole or an error, in time, no POST twice.

The positions are spread evenly: some in the short form, 200 in each direction with ``pytest -m soak``.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from support import exchanges
from support.accounts import ALICE
from support.cuts import Outcomes, assert_no_socket_is_left, cuts, delays, descriptors, measured
from support.fault_proxy import DRIP, STALL, FaultProxy
from support.nginx import Nginx

from coda_network import ntlm_auth, urllib2

pytestmark = pytest.mark.servers

SIZE = 6000
MOST_SECONDS = 10.0


class Stage(NamedTuple):
    """What an exchange needs: the fault proxy, the site behind it or behind the proxy there, and a name of its own."""

    faulty: FaultProxy
    nginx: Nginx
    context: Any
    name: str

    @property
    def login_url(self) -> str:
        return f"http://{ALICE.userinfo}@{self.faulty.netloc}"


def bodies(stage: Stage, proxies: dict[str, str], *requests: Any, handlers: tuple[Any, ...] = ()) -> list[bytes]:
    tls = urllib2.HTTPSHandler(context=stage.context)
    opener = urllib2.build_opener(urllib2.ProxyHandler(proxies), tls, *handlers)
    found = []
    try:
        for request in requests:
            with opener.open(request, timeout=exchanges.SECONDS) as response:
                found.append(response.read())
    finally:
        opener.close()
    return found


def get(stage: Stage) -> list[bytes]:
    return bodies(stage, {}, f"http://{stage.faulty.netloc}{stage.nginx.file(SIZE).path}")


def get_by_tls(stage: Stage) -> list[bytes]:
    return bodies(stage, {}, f"https://localhost:{stage.faulty.address[1]}{stage.nginx.file(SIZE).path}")


def order(stage: Stage, site: str) -> list[Any]:
    """Return a GET, and a POST on the connection that it leaves."""
    return [f"{site}/small.bin", urllib2.Request(f"{site}/upload?{stage.name}", b"x" * 500)]


def post(stage: Stage) -> list[bytes]:
    return bodies(stage, {}, *order(stage, f"http://{stage.faulty.netloc}"))


def download(stage: Stage) -> list[bytes]:
    file = stage.nginx.file(SIZE)
    return exchanges.to_file(stage.faulty, f"http://{stage.faulty.netloc}{file.path}", file.sha256)


def through_proxy(stage: Stage) -> list[bytes]:
    return bodies(stage, {"http": stage.login_url}, f"{stage.nginx.url}{stage.nginx.file(SIZE).path}")


def through_tunnel(stage: Stage) -> list[bytes]:
    return bodies(stage, {"https": stage.login_url}, f"{stage.nginx.tls_url}{stage.nginx.file(SIZE).path}")


def post_through_proxy(stage: Stage) -> list[bytes]:
    return bodies(stage, {"http": stage.login_url}, *order(stage, stage.nginx.url))


def download_through_proxy(stage: Stage) -> list[bytes]:
    file = stage.nginx.file(SIZE)
    return exchanges.to_file(stage.faulty, f"{stage.nginx.url}{file.path}", file.sha256, stage.login_url)


def logged_in(kind: str) -> Callable[[Stage], list[bytes]]:
    """Return a request to Apache with a login, whose result is the user that Apache saw."""

    def run(stage: Stage) -> list[bytes]:
        url = f"http://{stage.faulty.netloc}/{kind}/echo"
        passwords = urllib2.HTTPPasswordMgrWithDefaultRealm()
        user = ALICE.qualified if kind == "ntlm" else ALICE.user
        passwords.add_password(None, url, user, ALICE.password)  # type: ignore[arg-type]  # of any realm
        make = ntlm_auth.HTTPNtlmAuthHandler if kind == "ntlm" else urllib2.HTTPDigestAuthHandler
        [echo] = bodies(stage, {}, url, handlers=(make(passwords),))
        return [json.loads(echo)["REMOTE_USER"].encode()]

    return run


@dataclass(frozen=True)
class Exchange:
    """One kind of exchange.

    :param server: the name of its fixture
    :param address: what the fault proxy stands before
    """

    name: str
    server: str
    address: Callable[[Any], tuple[str, int]]
    run: Callable[[Stage], list[bytes]]


def http_port(server: Any) -> tuple[str, int]:
    return "127.0.0.1", server.http_port


EXCHANGES = (
    Exchange("nginx: GET", "nginx", http_port, get),
    Exchange("nginx: GET over https", "nginx", lambda nginx: ("127.0.0.1", nginx.https_port), get_by_tls),
    Exchange("nginx: POST on a reused connection", "nginx", http_port, post),
    Exchange("nginx: download with resume", "nginx", http_port, download),
    Exchange("squid, NTLM: GET", "squid_ntlm", lambda squid: squid.address, through_proxy),
    Exchange("squid, NTLM: GET by CONNECT", "squid_ntlm", lambda squid: squid.address, through_tunnel),
    Exchange("squid, NTLM: POST on a reused connection", "squid_ntlm", lambda squid: squid.address, post_through_proxy),
    Exchange("squid, NTLM: download with resume", "squid_ntlm", lambda squid: squid.address, download_through_proxy),
    Exchange("Apache: Digest", "apache", http_port, logged_in("digest")),
    Exchange("Apache: NTLM", "apache", http_port, logged_in("ntlm")),
    Exchange(
        "Apache as proxy, Digest: GET by CONNECT", "apache_proxy", lambda it: it.address("digest"), through_tunnel
    ),
)
WITH_STALLS = ("nginx: download with resume", "squid, NTLM: GET by CONNECT", "squid, NTLM: POST on a reused connection")


@pytest.fixture(autouse=True)
def no_password_is_held_back(monkeypatch):
    monkeypatch.setenv("CODA_NETWORK_REFUSED_SECONDS", "0")  # a login that was cut is none that was refused


def carry_out(exchange: Exchange, faults: Any, request: Any, nginx: Nginx, context: Any) -> Outcomes:
    """Carry an exchange out with each of the faults; return what came of it."""
    run_name = uuid.uuid4().hex
    server = request.getfixturevalue(exchange.server)
    with FaultProxy(exchange.address(server)) as faulty:
        stage = Stage(faulty, nginx, context, f"{run_name}-0")
        expected, sizes = measured(lambda: exchange.run(stage), faulty)
        assert all(expected)
        before = descriptors()
        outcomes = Outcomes(expected, MOST_SECONDS)
        for number, fault in enumerate(faults(sizes), 1):
            faulty.reset(fault)
            stage = stage._replace(name=f"{run_name}-{number}")
            outcomes.note(lambda stage=stage: exchange.run(stage), fault)
        assert_no_socket_is_left(before)
    posts = Counter(entry["target"] for entry in nginx.log.entries() if run_name in entry["target"])
    outcomes.wrong += [f"{target} came {count} times" for target, count in posts.items() if count > 1]
    assert bool(posts) == ("POST" in exchange.name)
    print(f"{exchange.name}: {outcomes}")
    return outcomes


@pytest.mark.parametrize("few", [pytest.param(3, id="short"), pytest.param(200, id="long", marks=pytest.mark.soak)])
@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.name)
def test_cut_before_a_real_server_it_is_whole_or_an_error(exchange, few, request, nginx, client_context):
    outcomes = carry_out(exchange, lambda sizes: cuts(sizes, few), request, nginx, client_context)
    assert outcomes.wrong == []
    assert outcomes.errors
    assert "WrongDigest" not in outcomes.errors  # what is cut is never mixed up


def stalls() -> list[Any]:
    short = [
        pytest.param(exchange, 2, (STALL,), id=f"{exchange.name}-short")
        for exchange in EXCHANGES
        if exchange.name in WITH_STALLS
    ]
    long = [
        pytest.param(exchange, 20, (STALL, DRIP), id=f"{exchange.name}-long", marks=pytest.mark.soak)
        for exchange in EXCHANGES
    ]
    return short + long


@pytest.mark.parametrize(("exchange", "few", "kinds"), stalls())
def test_stalled_before_a_real_server_it_ends_in_time(
    exchange, few, kinds, request, nginx, client_context, monkeypatch
):
    monkeypatch.setattr("support.exchanges.SECONDS", 0.4)
    outcomes = carry_out(exchange, lambda sizes: delays(sizes, few, kinds), request, nginx, client_context)
    assert outcomes.wrong == []
