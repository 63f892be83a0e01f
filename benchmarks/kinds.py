"""What is measured: each kind is one operation of the clients, its arguments, and the number that it must return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from place import MEDIUM, PADDING, POSTED, RECORDS, SMALL, Site

SMALL_REQUESTS = "requests"
WAYS = "ways"
HEADS = "heads"
GROWTH = "growth"
STREAMS = "streams"

STREAMERS = "coda httplib,coda urllib2,http.client,pycurl,primp"
OPENERS = "coda urllib2,urllib.request,pycurl"
HOPPERS = "coda urllib2,pycurl"


@dataclass(frozen=True)
class Kind:
    """One kind of request.

    name: on the command line and in the results
    title: in the tables
    group: of which table it is a column
    operation: the method of a client
    arguments: what it is called with
    expected: what it must return: bytes of a body, or records of a list
    secure: over TLS
    threads: how many call it at the same time
    quick: whether a first impression has it
    most: words of the names of the clients that are measured, with commas; all where there are none
    """

    name: str
    title: str
    group: str
    operation: str
    arguments: tuple[Any, ...]
    expected: Callable[[Site], int]
    secure: bool = False
    threads: int = 1
    quick: bool = True
    most: str = ""

    @property
    def is_long(self) -> bool:
        """Return whether one operation takes long enough to be measured by itself."""
        return self.group in (STREAMS, HEADS) or self.operation == "upload"

    def is_for(self, client: str) -> bool:
        """Return whether a client is measured."""
        return not self.most or client == "bare socket loop" or any(word in client for word in self.most.split(","))


def _small(site: Site) -> int:
    return SMALL


def _medium(site: Site) -> int:
    return MEDIUM


def _records(site: Site) -> int:
    return RECORDS


def _large(site: Site) -> int:
    return site.large


KINDS = [
    Kind("get", "GET 128 B", SMALL_REQUESTS, "get", ("/small",), _small),
    Kind("get-10k", "GET 10 KiB", SMALL_REQUESTS, "get", ("/medium",), _medium, quick=False),
    Kind("get-tls", "GET 128 B, TLS", SMALL_REQUESTS, "get", ("/small",), _small, secure=True),
    Kind("get-10k-tls", "GET 10 KiB, TLS", SMALL_REQUESTS, "get", ("/medium",), _medium, secure=True, quick=False),
    Kind("new", "new connection", SMALL_REQUESTS, "get", ("/close/small",), _small, quick=False),
    Kind("new-tls", "new connection, TLS", SMALL_REQUESTS, "get", ("/close/small",), _small, secure=True),
    Kind("post", "POST 1 KiB", SMALL_REQUESTS, "post", ("/upload", POSTED), _small, quick=False),
    Kind("json", "gzip JSON", SMALL_REQUESTS, "get_json", ("/records.json",), _records, quick=False),
    Kind("threads", "8 threads", SMALL_REQUESTS, "get", ("/small",), _small, threads=8),
    Kind("ntlm", "NTLM login", SMALL_REQUESTS, "log_in", ("/ntlm/small",), _small),
    Kind("wait", "GET, answered after 1 ms", SMALL_REQUESTS, "get", ("/wait/small",), _small),
    Kind("proxy", "by a proxy", WAYS, "get_by_proxy", ("/small", ""), _small, most=OPENERS),
    Kind("proxy-basic", "Basic at the proxy", WAYS, "get_by_proxy", ("/small", "basic"), _small, most=OPENERS),
    Kind("proxy-digest", "Digest at the proxy", WAYS, "get_by_proxy", ("/small", "digest"), _small, most=OPENERS),
    Kind(
        "tunnel-ntlm",
        "TLS in a tunnel, NTLM",
        WAYS,
        "get_by_proxy",
        ("/small", "ntlm"),
        _small,
        True,
        most="coda,pycurl",
    ),
    Kind("socks", "by SOCKS5", WAYS, "get_by_proxy", ("/small", "socks"), _small, quick=False, most=HOPPERS),
    Kind("tls-proxy", "by a TLS proxy", WAYS, "get_by_proxy", ("/small", "tls"), _small, quick=False, most=HOPPERS),
    Kind(
        "tls-in-tls",
        "TLS in TLS",
        WAYS,
        "get_by_proxy",
        ("/small", "tls-tunnel"),
        _small,
        True,
        quick=False,
        most=HOPPERS,
    ),
    *(
        Kind(name, title, WAYS, "get_by_proxy", ("/small", name), _small, quick=False, most="coda urllib2")
        for name, title in (("chain", "HTTP, then SOCKS5"), ("pac", "a PAC file"), ("pac-direct", "PAC, DIRECT"))
    ),
    Kind("upload", "a file sent", WAYS, "upload", ("/upload",), _small, most="coda,http.client,urllib.request,pycurl"),
    Kind("urls", "5,000 URLs in turn", GROWTH, "get_many", (5000,), _small, most=OPENERS),
    Kind("networks", "1,000 networks", GROWTH, "get_past_networks", ("/small", 1000), _small, most=OPENERS),
    Kind("passwords", "10,000 passwords", GROWTH, "get_with_passwords", ("/small", 10_000), _small, most=OPENERS),
    Kind(
        "long-head", "a head of 300 KiB", GROWTH, "get", ("/long-head/small",), _small, most="coda,http.client,pycurl"
    ),
    *(
        Kind(f"head-{number}", f"head {number}", HEADS, "read_blocks", (f"/padded-{number}",), _large, most=STREAMERS)
        for number in range(len(PADDING))
    ),
    *(
        Kind(
            f"{name}{'-tls' * secure}",
            f"{title}{', TLS' * secure}",
            STREAMS,
            operation,
            ("/large",),
            _large,
            secure,
            quick=name == "blocks",
        )
        for secure in (False, True)
        for name, title, operation in (
            ("blocks", "read(65536)", "read_blocks"),
            ("whole", "read()", "read_whole"),
            ("into", "readinto()", "read_into"),
            ("lines", "lines", "read_lines"),
        )
    ),
]
