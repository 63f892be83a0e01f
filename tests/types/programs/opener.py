"""A program of the days of urllib2, behind a proxy with a login: openers, handlers, password managers, errors."""

from __future__ import annotations

import json
from http.cookiejar import CookieJar

from coda_network import urllib2
from coda_network.negotiate_auth import HTTPNegotiateAuthHandler
from coda_network.ntlm_auth import ProxyNtlmAuthHandler


def make_opener(proxy: str, user: str, password: str) -> urllib2.OpenerDirector:
    passwords = urllib2.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, proxy, user, password)
    return urllib2.build_opener(
        urllib2.ProxyHandler({"http": proxy, "https": proxy}),
        ProxyNtlmAuthHandler(passwords),
        urllib2.ProxyBasicAuthHandler(passwords),
        urllib2.ProxyDigestAuthHandler(passwords),
        HTTPNegotiateAuthHandler(),
        urllib2.HTTPCookieProcessor(CookieJar()),
        urllib2.HTTPHandler(socket_keepalive=True),
        urllib2.HTTPSHandler(cert=("client.pem", "client.key"), socket_keepalive=True),
        urllib2.HTTPRedirectHandler,
    )


def delete(opener: urllib2.OpenerDirector, url: str) -> int:
    request = urllib2.Request(url, headers={"Accept": "application/json"}, method="DELETE")
    request.add_data(b"{}")
    body: object = request.get_data()
    host: str = request.get_host()
    try:
        with opener.open(request, timeout=10) as response:
            status: int = response.status
            kind: str | None = response.headers.get("Content-Type")
            print(host, body, kind, json.load(response))
            return status
    except urllib2.HTTPError as error:
        print(error.code, error.headers["WWW-Authenticate"], error.read())
        return error.code
    except urllib2.TunnelRefused as refused:
        return int(refused.code)
    except urllib2.URLError as error:
        print(error.reason)
        raise
    finally:
        opener.close()


def wrong(opener: urllib2.OpenerDirector) -> None:
    """Every line is a mistake, and a checker says so."""
    opener.open(42)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    opener.open("http://site/", data="text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    urllib2.urlopen("http://site/", timeout="10")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    urllib2.urlopen("http://site/", nonsense=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    urllib2.Request("http://site/", method=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    urllib2.HTTPSHandler(certificate="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    urllib2.build_opener("http://proxy/")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    print(urllib2.nonsense)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
    number: int = urllib2.urlopen("http://site/").read()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    print(number)
