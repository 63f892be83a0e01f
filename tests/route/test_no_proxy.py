"""no_proxy means what it means to the standard library, and networks, IPv6 and wildcards besides."""

from __future__ import annotations

import ipaddress
import socket
import urllib.request
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coda_network._route.no_proxy import bypasses

# Host, port, value of no_proxy, whether it applies: the standard library says the same in each case.
STANDARD = [
    ("example.com", 80, "", False),
    ("example.com", 80, " , ,", False),
    ("example.com", 80, "*", True),
    ("127.0.0.1", 80, "*", True),
    ("example.com", 80, "*, other.example", False),
    ("example.com", 80, "example.com", True),
    ("EXAMPLE.com", 80, "example.COM", True),
    ("example.com", 80, "localhost, example.com ,other", True),
    ("www.example.com", 80, "example.com", True),
    ("www.example.com", 80, ".example.com", True),
    ("example.com", 80, ".example.com", True),
    ("example.com", 80, "..example.com", True),
    ("badexample.com", 80, "example.com", False),
    ("example.com.evil", 80, "example.com", False),
    ("example.com", 80, "www.example.com", False),
    ("example.com", 80, "com", True),
    ("example.com", 8080, "example.com:8080", True),
    ("www.example.com", 8080, ".example.com:8080", True),
    ("example.com", 80, "example.com:8080", False),
    ("example.com", None, "example.com:8080", False),
    ("example.com", None, "example.com", True),
    ("127.0.0.1", 80, "127.0.0.1", True),
    ("127.0.0.1", 80, "127.0.0.1:80", True),
    ("127.0.0.1", 81, "127.0.0.1:80", False),
    ("127.0.0.1", 80, "localhost", False),
    ("localhost", 80, "127.0.0.1", False),
    ("[::1]", 80, "[::1]", True),
    ("[::1]", 80, "[::1]:80", True),
    ("[::1]", 81, "[::1]:80", False),
]

FURTHER = [
    # IPv6, in any spelling
    ("::1", 80, "::1", True),
    ("::1", 80, "[::1]", True),
    ("[::1]", 80, "::1", True),
    ("::1", 80, "[::1]:80", True),
    ("::1", 81, "[::1]:80", False),
    ("::1", None, "[::1]:80", False),
    ("::1", 80, "0:0:0:0:0:0:0:1", True),
    ("0:0::1", 80, "[::1]:80", True),
    ("FE80::A", 80, "fe80::a", True),
    ("fe80::1%eth0", 80, "fe80::1", True),
    ("::2", 80, "::1", False),
    # networks
    ("10.1.2.3", 80, "10.0.0.0/8", True),
    ("10.1.2.3", 80, "10.1.2.99/8", True),
    ("11.1.2.3", 80, "10.0.0.0/8", False),
    ("10.1.2.3", 80, "localhost, 192.168.0.0/16, 10.1.2.3/32", True),
    ("10.1.2.3", 80, "0.0.0.0/0", True),
    ("::1", 80, "0.0.0.0/0", False),
    ("fd00::1", 80, "fd00::/8", True),
    ("[fd00::1]", 80, "fd00::/8", True),
    ("fe80::1%eth0", 80, "fe80::/10", True),
    ("fc00::1", 80, "fd00::/8", False),
    ("10.1.2.3", 80, "fd00::/8", False),
    ("::ffff:10.1.2.3", 80, "10.0.0.0/8", True),
    ("host.example", 80, "0.0.0.0/0, ::/0", False),
    ("10.example", 80, "10.0.0.0/8", False),
    ("10.1.2.3", 80, "10.0.0.0/33", False),
    ("10.1.2.3", 80, "10.0.0.0/", False),
    ("10.1.2.3", 80, "/8", False),
    ("10.1.2.3", 80, "example.com/8", False),
    ("300.1.2.3", 80, "0.0.0.0/0", False),
    # wildcards
    ("www.example.com", 80, "*.example.com", True),
    ("a.b.example.com", 80, "*.example.com", True),
    ("example.com", 80, "*.example.com", False),
    ("badexample.com", 80, "*.example.com", False),
    ("WWW.Example.com", 80, "*.eXample.com", True),
    ("www.example.com", 8080, "*.example.com:8080", True),
    ("www.example.com", 80, "*.example.com:8080", False),
    ("10.1.2.3", 80, "10.1.*", True),
    ("10.2.2.3", 80, "10.1.*", False),
    ("build7.example.com", 80, "build*.example.com", True),
]


@pytest.mark.parametrize(("host", "port", "no_proxy", "expected"), STANDARD + FURTHER)
def test_no_proxy_exempts_what_an_entry_matches(host: str, port: int | None, no_proxy: str, expected: bool) -> None:
    assert bypasses(host, port, no_proxy) is expected


@pytest.mark.parametrize(("host", "port", "no_proxy", "expected"), STANDARD)
def test_the_standard_library_agrees(host: str, port: int | None, no_proxy: str, expected: bool) -> None:
    netloc = host if port is None else f"{host}:{port}"
    assert bool(urllib.request.proxy_bypass_environment(netloc, {"no": no_proxy})) is expected


def test_a_network_never_makes_a_name_be_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **keywords: object) -> None:
        pytest.fail("a name was looked up")

    for function in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        monkeypatch.setattr(socket, function, refuse)
    assert not bypasses("localhost", 80, "127.0.0.1, 127.0.0.0/8, ::1, *.example")


def one_entry_names(entry: str, host: str, port: int | None) -> bool:
    """What an entry means, by the words of the docstring, one entry at a time."""
    spellings = [host, f"[{host}]"] if ":" in host else [host]
    if port is not None:
        spellings.append(f"{spellings[-1]}:{port}")
    if any(spelling == entry or spelling.endswith("." + entry) for spelling in spellings):
        return True
    if "*" in entry and entry != "*" and any(fnmatchcase(spelling, entry) for spelling in spellings):
        return True
    text, bracket, entry_port = entry.removeprefix("[").partition("]")
    try:
        network, address = ipaddress.ip_network(text.partition("%")[0], strict=False), ipaddress.ip_address(host)
    except ValueError:
        return False
    return address in network and (not bracket or entry_port in ("", f":{port}"))


hosts = st.sampled_from(["a", "b.a", "c.b.a", "xa", "10.1.2.3", "10.1.2.4", "fd00::1", "1", "a.", "300.1.2.3"])
names = ["a", ".a", "b.a", "a:80", ".b.a:80", "*.a", "*.b.a", "*", "c*", "x", "1", "", " "]
networks = ["10.1.*", "10.0.0.0/8", "10.1.2.3", "10.1.2.3:80", "0.0.0.0/0", "fd00::/8", "[fd00::1]", "[fd00::1]:80"]
entries = st.sampled_from([*names, *networks])


@given(hosts, st.sampled_from([None, 80, 81]), st.lists(entries, min_size=2))
def test_a_list_names_what_one_of_its_entries_names(host: str, port: int | None, listed: list[str]) -> None:
    stripped = [entry.strip().lstrip(".") for entry in listed]
    expected = any(one_entry_names(entry, host, port) for entry in stripped if entry)
    # Only one that is all of the value means every host.
    assert bypasses(host, port, ",".join(listed)) is expected


def test_a_long_list_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    networks = ",".join(f"10.9.{number}.0/24" for number in range(250))
    assert bypasses("10.9.7.1", 80, networks)

    def refuse(*arguments: object, **keywords: object) -> None:
        pytest.fail("a network was read again")

    monkeypatch.setattr(ipaddress, "ip_network", refuse)
    assert bypasses("10.9.8.1", 80, networks)
    assert not bypasses("10.8.8.1", 80, networks)
