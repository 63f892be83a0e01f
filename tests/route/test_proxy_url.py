"""Proxy addresses are read as people write them, and a wrong one is refused without repeating it."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coda_network._route.proxy_url import ProxyURL, parse_proxy_url, without_userinfo


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("proxy:3128", ProxyURL("http", "proxy", 3128)),
        ("proxy", ProxyURL("http", "proxy", 80)),
        ("proxy:", ProxyURL("http", "proxy", 80)),
        ("//proxy:3128/", ProxyURL("http", "proxy", 3128)),
        ("http://proxy", ProxyURL("http", "proxy", 80)),
        ("HTTPS://proxy/path?query#fragment", ProxyURL("https", "proxy", 443)),
        ("https://proxy:8443?q", ProxyURL("https", "proxy", 8443)),
        ("socks5://proxy", ProxyURL("socks5", "proxy", 1080)),
        ("socks5h://u:p@proxy:9050", ProxyURL("socks5h", "proxy", 9050, "u", "p")),
        ("http://user:pa%40ss@proxy:3128/", ProxyURL("http", "proxy", 3128, "user", "pa@ss")),
        ("http://user:pa@ss@proxy:3128/", ProxyURL("http", "proxy", 3128, "user", "pa@ss")),
        ("user:pa:ss@proxy:3128", ProxyURL("http", "proxy", 3128, "user", "pa:ss")),
        ("user:a/b?c#d@proxy:3128/", ProxyURL("http", "proxy", 3128, "user", "a/b?c#d")),
        ("user:x://y@proxy:3128", ProxyURL("http", "proxy", 3128, "user", "x://y")),
        ("http://CORP%5Cuser:p@proxy", ProxyURL("http", "proxy", 80, "CORP\\user", "p")),
        ("http://user%40corp.example:p@proxy", ProxyURL("http", "proxy", 80, "user@corp.example", "p")),
        ("http://user:%2540@proxy", ProxyURL("http", "proxy", 80, "user", "%40")),
        ("http://user:100%@proxy", ProxyURL("http", "proxy", 80, "user", "100%")),
        ("http://user:a+b@proxy", ProxyURL("http", "proxy", 80, "user", "a+b")),
        ("http://us%C3%A9r:p%E9@proxy", ProxyURL("http", "proxy", 80, "us\xe9r", "p\xe9")),
        ("http://user@proxy", ProxyURL("http", "proxy", 80, "user", None)),
        ("http://user:@proxy", ProxyURL("http", "proxy", 80, "user", "")),
        ("http://:@proxy", ProxyURL("http", "proxy", 80, "", "")),
        ("http://[::1]:3128/", ProxyURL("http", "::1", 3128)),
        ("http://u:p@[fe80::1%25eth0]/", ProxyURL("http", "fe80::1%eth0", 80, "u", "p")),
        ("http://u:[x]@proxy/", ProxyURL("http", "proxy", 80, "u", "[x]")),
        ("http://b\xfccher.example:1", ProxyURL("http", "b\xfccher.example", 1)),
        ("http://proxy/a/b", ProxyURL("http", "proxy", 80)),
    ],
)
def test_a_proxy_url_is_read_as_people_write_it(text: str, expected: ProxyURL) -> None:
    assert parse_proxy_url(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://",
        "http://u:secret@",
        "http://:3128",
        "http://u:secret",  # the host and port of somebody who forgot the rest
        "http://u:secret@proxy:secret",
        "http://u:secret@proxy:-1",
        "http://u:secret@proxy:65536",
        "http://u:secret@proxy:3128x",
        "http://u:secret@proxy:\u0663\u0661",
        "http://u:secret@proxy:0000080",
        "ftp://u:secret@proxy",
        "secret://u:secret@proxy",
        "http://u:secret@pro xy",
        "http://u:secret@pro\txy:80",
        "http://u:secret@proxy\r\nX-Injected: 1",
        "http://u:secret@proxy\n:80",
        "http://u:secret@proxy:80\n",
        "http://u:secret@pro\x00xy",
        "http://u:secret@pro\x7fxy",
        "http://u:secret@pro\xa0xy",
        "http://u:secret@pro\u2028xy",
        "http://u:secret@pro\\xy",
        "http://u:secret@[::1",
        "http://u:secret@[::1]80",
        "http://u:secret@[proxy]:80",
        "http://u:secret@[::1\r\n]:80",
        "http://u:secret@::1]:80",
        "http://u:secret@a:b:80",
    ],
)
def test_a_wrong_proxy_url_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"proxy|network address") as caught:
        parse_proxy_url(text)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("text", ["user:secret@proxy", "http://user:secret@proxy:1"])
def test_the_password_is_in_no_printed_form(text: str) -> None:
    proxy = parse_proxy_url(text)
    printed = f"{proxy} {proxy!r} {[proxy]}"
    assert "user" in printed
    assert "secret" not in printed


@given(st.text(alphabet=string.printable + "\xe9\u2028", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        proxy = parse_proxy_url(text)
    except ValueError:
        return
    assert proxy.host
    assert not set(proxy.host) & set(string.whitespace + "\x00\u2028/@?#")
    assert 0 <= proxy.port <= 65535


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://user:secret@proxy:3128/", "http://proxy:3128"),
        ("user:secret@proxy", "http://proxy:80"),
        ("https://user@[::1]/", "https://[::1]:443"),
        ("http://proxy:3128/path", "http://proxy:3128/path"),
        ("proxy:3128", "proxy:3128"),
        ("http://user:secret@proxy:x", "http://user:secret@proxy:x"),
    ],
)
def test_a_url_without_userinfo_names_the_same_proxy(text: str, expected: str) -> None:
    assert without_userinfo(text) == expected


@pytest.mark.parametrize(("host", "expected"), [("proxy", "proxy:1"), ("127.0.0.1", "127.0.0.1:1"), ("::1", "[::1]:1")])
def test_the_authority_of_an_ipv6_address_has_brackets(host: str, expected: str) -> None:
    proxy = ProxyURL("http", host, 1)
    assert proxy.authority == expected
    assert parse_proxy_url(proxy.authority) == proxy
