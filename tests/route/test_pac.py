"""PAC files: what their functions say, which routes they make, and how they are held to limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from support.peer import ScriptedPeer, Wire

from coda_network._net.deadline import Deadline
from coda_network._route import pac_engine, pac_source
from coda_network._route.pac import PAC, PACError, parse_result
from coda_network._route.pac_names import MOST_REMEMBERED, Names
from coda_network._route.pac_source import wpad_hosts
from coda_network.proxies import find, from_pac

KNOWN = {
    "v4.example": ["192.0.2.7"],
    "both.example": ["2001:db8::7", "192.0.2.8"],
    "v6.example": ["2001:db8::9"],
}


class Resolver:
    """Knows a few names, and counts who asks."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def look_up(self, host: str, deadline: Deadline) -> Iterable[str]:
        self.asked.append(host)
        if host not in KNOWN:
            raise OSError("no such name")
        return KNOWN[host]

    @staticmethod
    def own() -> Iterable[str]:
        return ["10.0.0.5", "fd00::5"]


@pytest.fixture
def resolver() -> Resolver:
    return Resolver()


def pac(body: str, resolver: Resolver | None = None) -> PAC:
    names = resolver or Resolver()
    return PAC(f"function FindProxyForURL(url, host) {{ {body} }}", Names(names.look_up, names.own))


def value_of(expression: str) -> str:
    """Return what an expression is inside of a PAC file, as JavaScript writes it."""
    found = pac(f"return 'PROXY x' + encodeURIComponent(JSON.stringify({expression})) + ':1';")
    engine, _ = found._current()
    from urllib.parse import unquote

    return unquote(engine.find("http://site.example/", "site.example")[len("PROXY x") : -len(":1")])


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("isPlainHostName('www')", "true"),
        ("isPlainHostName('www.example')", "false"),
        ("isPlainHostName('::1')", "false"),
        ("dnsDomainIs('www.example.com', '.example.com')", "true"),
        ("dnsDomainIs('WWW.Example.com', '.example.COM')", "true"),
        ("dnsDomainIs('www.example.org', '.example.com')", "false"),
        ("dnsDomainIs('com', '.example.com')", "false"),
        ("localHostOrDomainIs('www', 'www.example.com')", "true"),
        ("localHostOrDomainIs('www.example.com', 'www.example.com')", "true"),
        ("localHostOrDomainIs('www.other.com', 'www.example.com')", "false"),
        ("localHostOrDomainIs('ww', 'www.example.com')", "false"),
        ("dnsDomainLevels('www')", "0"),
        ("dnsDomainLevels('www.example.com')", "2"),
        ("shExpMatch('http://a.example/x/y', '*/x/*')", "true"),
        ("shExpMatch('http://a.example/x.y', 'http://?.example/*')", "true"),
        ("shExpMatch('a.example', 'a+example')", "false"),
        ("shExpMatch('a(b)[c]{d}', 'a(b)[c]{d}')", "true"),
        ("shExpMatch('line\\nbreak', 'line*break')", "true"),
        ("shExpMatch('abc', 'ab')", "false"),
        ("dnsResolve('v4.example')", '"192.0.2.7"'),
        ("dnsResolve('both.example')", '"192.0.2.8"'),
        ("dnsResolve('v6.example')", "null"),
        ("dnsResolve('none.example')", "null"),
        ("dnsResolve('10.1.2.3')", '"10.1.2.3"'),
        ("isResolvable('v4.example')", "true"),
        ("isResolvable('none.example')", "false"),
        ("isInNet('10.1.2.3', '10.0.0.0', '255.0.0.0')", "true"),
        ("isInNet('11.1.2.3', '10.0.0.0', '255.0.0.0')", "false"),
        ("isInNet('v4.example', '192.0.2.0', '255.255.255.0')", "true"),
        ("isInNet('none.example', '0.0.0.0', '0.0.0.0')", "false"),
        ("convert_addr('1.2.3.4')", "16909060"),
        ("myIpAddress()", '"10.0.0.5"'),
        ("dnsResolveEx('both.example')", '"2001:db8::7;192.0.2.8"'),
        ("dnsResolveEx('none.example')", '""'),
        ("isResolvableEx('v6.example')", "true"),
        ("isResolvableEx('none.example')", "false"),
        ("isInNetEx('2001:db8::7', '2001:db8::/32')", "true"),
        ("isInNetEx('2001:db9::7', '2001:db8::/32')", "false"),
        ("isInNetEx('v6.example', '2001:db8:0:0::/60')", "true"),
        ("isInNetEx('10.1.2.3', '10.0.0.0/8')", "true"),
        ("isInNetEx('10.1.2.3', '2001:db8::/32')", "false"),
        ("isInNetEx('10.1.2.3', '10.0.0.0')", "false"),
        ("isInNetEx('::ffff:10.1.2.3', '::ffff:10.0.0.0/104')", "true"),
        ("isInNetEx('::1', '::/0')", "true"),
        ("isInNetEx('1::2::3', '::/0')", "false"),
        ("myIpAddressEx()", '"10.0.0.5;fd00::5"'),
        (
            "sortIpAddressList('10.2.3.9;2001:4898:28:3:201:2ff:feea:fc14;::1;127.0.0.1')",
            '"::1;2001:4898:28:3:201:2ff:feea:fc14;10.2.3.9;127.0.0.1"',
        ),
        ("sortIpAddressList('10.2.3.9; nonsense')", "false"),
        ("getClientVersion()", '"1.0"'),
        ("typeof alert('x')", '"undefined"'),
        ("weekdayRange('SUN', 'SAT')", "true"),
        ("weekdayRange('NEVER')", "false"),
        ("dateRange(1, 31)", "true"),
        ("dateRange('JAN', 'DEC')", "true"),
        ("dateRange(1995)", "false"),
        ("dateRange(2020, 2999)", "true"),
        ("dateRange(1, 'JAN', 2020, 31, 'DEC', 2999, 'GMT')", "true"),
        ("dateRange('JAN', 2001, 'DEC', 2002)", "false"),
        ("timeRange(0, 23)", "true"),
        ("timeRange(0, 0, 0, 23, 59, 59, 'GMT')", "true"),
        ("timeRange(0, 0, 23, 59)", "true"),
        ("timeRange(1, 2, 3)", "false"),
    ],
)
def test_each_function_says_what_it_says_in_browsers(expression: str, value: str) -> None:
    assert value_of(expression) == value


# 22:30:15 GMT on Wednesday, 25 February 2026, in milliseconds.
NOW = 1772058615000


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("weekdayRange('WED', 'GMT')", "true"),
        ("weekdayRange('THU', 'GMT')", "false"),
        ("weekdayRange('MON', 'FRI', 'GMT')", "true"),
        ("weekdayRange('SAT', 'TUE', 'GMT')", "false"),
        ("weekdayRange('TUE', 'MON', 'GMT')", "true"),
        ("dateRange(25, 'GMT')", "true"),
        ("dateRange(26, 'GMT')", "false"),
        ("dateRange(20, 28, 'GMT')", "true"),
        ("dateRange('FEB', 'GMT')", "true"),
        ("dateRange('NOV', 'MAR', 'GMT')", "true"),
        ("dateRange('MAR', 'NOV', 'GMT')", "false"),
        ("dateRange(2026, 'GMT')", "true"),
        ("dateRange(24, 'DEC', 26, 'FEB', 'GMT')", "true"),
        ("dateRange(1, 'MAR', 24, 'FEB', 'GMT')", "false"),
        ("dateRange('FEB', 2026, 'MAR', 2026, 'GMT')", "true"),
        ("dateRange(25, 'FEB', 2026, 25, 'FEB', 2026, 'GMT')", "true"),
        ("dateRange(26, 'FEB', 2026, 1, 'MAR', 2027, 'GMT')", "false"),
        ("timeRange(22, 'GMT')", "true"),
        ("timeRange(21, 22, 'GMT')", "true"),
        ("timeRange(20, 21, 'GMT')", "false"),
        ("timeRange(22, 6, 'GMT')", "true"),
        ("timeRange(22, 30, 22, 31, 'GMT')", "true"),
        ("timeRange(22, 31, 22, 40, 'GMT')", "false"),
        ("timeRange(22, 30, 15, 22, 30, 15, 'GMT')", "true"),
        ("timeRange(22, 30, 16, 23, 0, 0, 'GMT')", "false"),
    ],
)
def test_the_functions_of_time_compare_with_now(call: str, value: str) -> None:
    fixed = f"(function () {{ var Real = Date; Date = function () {{ return new Real({NOW}); }}; return {call}; }})()"
    assert value_of(fixed) == value


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("DIRECT", ["DIRECT"]),
        ("", ["DIRECT"]),
        (" ; ", ["DIRECT"]),
        ("PROXY a:8080", ["http://a:8080"]),
        ("PROXY a", ["http://a:80"]),
        ("proxy a:1;direct", ["http://a:1", "DIRECT"]),
        ("HTTP a:1; HTTPS b:2", ["http://a:1", "https://b:2"]),
        ("SOCKS a:1; SOCKS4 b; SOCKS5 c:3;", ["socks4://a:1", "socks4://b:1080", "socks5h://c:3"]),
        ("PROXY [::1]:8080", ["http://[::1]:8080"]),
    ],
)
def test_a_result_is_routes_in_their_order(result: str, expected: list[str]) -> None:
    assert ["DIRECT" if route.is_direct else route.urls[0] for route in parse_result(result, "x")] == expected


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ("PROXI a:1", "an entry is DIRECT, or one of PROXY"),
        ("PROXY", "with host and port"),
        ("PROXY a:1 b:2", "with host and port"),
        ("DIRECT a:1", "with host and port"),
        ("PROXY a:99999", "not a number from 0 to 65535"),
        ("DIRECT; PROXY a:x", "not a number"),
    ],
)
def test_a_result_that_cannot_be_used_is_an_error(result: str, message: str) -> None:
    with pytest.raises(PACError, match=message):
        parse_result(result, "x")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("while (true) {}", r"stopped after 0\.2 s"),
        ("var a = []; while (true) a.push(new Array(1000000).join('x') + a.length);", "more than 32 MiB"),
        ("throw new Error('oh no');", "FindProxyForURL failed: Error: oh no"),
        ("return nowhere(1);", "ReferenceError: nowhere is not defined"),
        ("function f() { return f() + 1; } return f();", "call stack"),
        ("return 42;", "returned number, not a text"),
        ("", "returned undefined, not a text"),
        ("for (var i = 0; ; i++) dnsResolve('n' + i + '.example');", "looks up more than 50 names"),
    ],
)
def test_a_file_that_fails_is_stopped_and_the_error_says_why(
    monkeypatch: pytest.MonkeyPatch, body: str, message: str
) -> None:
    monkeypatch.setattr(pac_engine, "SECONDS", 0.2)
    failing = pac(f"if (host === 'bad.example') {{ {body} }} else return 'DIRECT';")
    for _ in range(2):
        with pytest.raises(PACError, match=message) as caught:
            failing.routes("http://bad.example/")
        assert "the PAC file given as text cannot be used" in str(caught.value)
    assert failing("http://good.example/") == ["DIRECT"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!DOCTYPE html><html>log in</html>", "page of HTML"),
        ("\ufeff  <html>", "page of HTML"),
        ("var x = 1;", "defines no function FindProxyForURL"),
        ("function FindProxyForURL(url, host) {", "SyntaxError"),
        ("", "this is empty"),
    ],
)
def test_what_is_no_pac_file_is_told(text: str, message: str) -> None:
    with pytest.raises(PACError, match=message):
        from_pac(text)


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "quickjs", None)
    with pytest.raises(PACError, match=r"pip install 'coda_network\[pac\]'"):
        pac("return 'DIRECT';")


def test_a_file_sees_no_userinfo_and_of_https_no_path() -> None:
    seen = pac("throw new Error('<' + url + '> <' + host + '>');")
    for url, shown in [
        ("http://u:secret@a.example:81/x?y#z", "<http://a.example:81/x?y> <a.example>"),
        ("https://u:secret@a.example/x?y", "<https://a.example/> <a.example>"),
        ("http://a.example", "<http://a.example/> <a.example>"),
        ("https://[::1]:8443/x", r"<https://[::1]:8443/> <::1>"),
    ]:
        with pytest.raises(PACError) as caught:
            seen.routes(url)
        assert shown in str(caught.value)


def test_names_are_looked_up_once_and_a_catch_hides_no_question(resolver: Resolver) -> None:
    both = pac(
        "var found; try { found = dnsResolve(host); } catch (e) { found = 'nothing'; } return 'PROXY ' + found + ':1';",
        resolver,
    )
    for _ in range(3):
        assert both("http://v4.example/") == ["http://192.0.2.7:1"]
    assert resolver.asked == ["v4.example"]


def test_answers_are_forgotten_when_there_are_many(resolver: Resolver) -> None:
    names = Names(resolver.look_up, resolver.own)
    for number in range(MOST_REMEMBERED + 10):
        names.answer(f"4 n{number}.example", Deadline(1))
    assert len(names._answers) == MOST_REMEMBERED


def test_the_reason_names_the_entry_and_the_line() -> None:
    text = (
        'function FindProxyForURL(url, host) {\n  if (host === "a") return "PROXY p:1; DIRECT";\n  return "DIRECT";\n}'
    )
    first, second = find("http://a/", choose=from_pac(text))
    assert first.why == 'the PAC file given as text, line 2, returns "PROXY p:1"'
    assert (second.is_direct, second.why) == (True, 'the PAC file given as text, line 2, returns "DIRECT"')


def test_ipv6_files_are_asked_by_their_own_function(resolver: Resolver) -> None:
    text = "function FindProxyForURLEx(url, host) { return 'PROXY six:1'; }"
    assert PAC(text, Names(resolver.look_up, resolver.own))("http://a/") == ["http://six:1"]


def test_threads_may_ask_at_once() -> None:
    asked = pac("return 'PROXY ' + host + ':1';")
    found: dict[int, list[str]] = {}

    def ask(number: int) -> None:
        for _ in range(20):
            found[number] = asked(f"http://h{number}.example/")

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [f"http://h{number}.example:1"] for number in range(8)}


# Where it comes from


PROXY_A = b"function FindProxyForURL(url, host) { return 'PROXY a:1'; }"
PROXY_B = PROXY_A.replace(b"a:1", b"b:1")


def test_a_file_is_fetched_directly_and_asked_for_again_by_its_validators(monkeypatch: pytest.MonkeyPatch) -> None:
    heads = []

    def first(wire: Wire) -> None:
        heads.append(wire.read_head())
        wire.send(b'HTTP/1.1 200 OK\r\nETag: "1"\r\nConnection: close\r\n\r\n' + PROXY_A)

    def unchanged(wire: Wire) -> None:
        heads.append(wire.read_head())
        wire.send(b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n")

    def down(wire: Wire) -> None:
        heads.append(wire.read_head())
        wire.send(b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def changed(wire: Wire) -> None:
        heads.append(wire.read_head())
        wire.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + PROXY_B)

    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setattr(pac_source, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(pac_source, "RETRY_SECONDS", 0.0)
    with ScriptedPeer([first, unchanged, down, changed]) as peer:
        found = from_pac(f"{peer.url}/proxy.pac?token=secret")
        # It was asked for twice when it was loaded, as nothing stays fresh here.
        assert [found("http://x/") for _ in range(2)] == [["http://a:1"], ["http://b:1"]]
        assert found.place == f"{peer.url}/proxy.pac"
    assert [b'If-None-Match: "1"' in head for head in heads] == [False, True, True, True]


def test_a_fresh_file_is_not_asked_for_again() -> None:
    def serve(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + PROXY_A)

    with ScriptedPeer([serve]) as peer:
        found = from_pac(f"{peer.url}/")
        for _ in range(3):
            assert found("http://x/") == ["http://a:1"]


def test_a_path_and_a_file_url_name_a_file(tmp_path: Path) -> None:
    path = tmp_path / "proxy file.pac"
    path.write_bytes(PROXY_A)
    assert from_pac(str(path))("http://x/") == from_pac(path.as_uri())("http://x/") == ["http://a:1"]


def test_a_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.pac"
    path.write_bytes(PROXY_A + b" " * (1 << 20))
    with pytest.raises(PACError, match="longer than 1 MiB"):
        from_pac(str(path))


@pytest.mark.parametrize(
    ("name", "hosts"),
    [
        ("pc.example.com", ["wpad.example.com"]),
        ("pc.dept.corp.example.com.", ["wpad.dept.corp.example.com", "wpad.corp.example.com"]),
        ("pc.uk", []),
        ("pc", []),
    ],
)
def test_wpad_asks_for_no_name_that_may_belong_to_others(name: str, hosts: list[str]) -> None:
    assert list(wpad_hosts(name)) == hosts


def test_wpad_is_asked_only_where_somebody_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def look_up(host: str, *rest: Any) -> Any:
        asked.append(host)
        raise OSError("no such name")

    monkeypatch.setattr(pac_source, "resolve", look_up)
    monkeypatch.setattr(pac_source.socket, "getfqdn", lambda: "pc.example.com")
    from_pac(PROXY_A.decode())
    assert asked == []
    with pytest.raises(PACError, match=r"WPAD found no PAC file: wpad\.example\.com"):
        from_pac("wpad")
    assert asked == ["wpad.example.com"]


def test_thousands_of_decisions_take_a_second() -> None:
    asked = pac("return shExpMatch(host, '*.example') ? 'PROXY a:1' : 'DIRECT';")
    begin = time.process_time()
    for number in range(300):
        asked(f"http://h{number}.example/")
    assert time.process_time() - begin < 0.3
