"""What is measured: each kind is one operation of the clients, its arguments, and the number that it must return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from place import MEDIUM, POSTED, RECORDS, SMALL, Site

SMALL_REQUESTS = "requests"
STREAMS = "streams"


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
    """

    name: str
    title: str
    group: str
    operation: str
    arguments: tuple[Any, ...]
    expected: Callable[[Site], int]
    secure: bool = False
    threads: int = 1


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
    Kind("get-10k", "GET 10 KiB", SMALL_REQUESTS, "get", ("/medium",), _medium),
    Kind("get-tls", "GET 128 B, TLS", SMALL_REQUESTS, "get", ("/small",), _small, secure=True),
    Kind("get-10k-tls", "GET 10 KiB, TLS", SMALL_REQUESTS, "get", ("/medium",), _medium, secure=True),
    Kind("new", "new connection", SMALL_REQUESTS, "get", ("/close/small",), _small),
    Kind("new-tls", "new connection, TLS", SMALL_REQUESTS, "get", ("/close/small",), _small, secure=True),
    Kind("post", "POST 1 KiB", SMALL_REQUESTS, "post", ("/upload", POSTED), _small),
    Kind("json", "gzip JSON", SMALL_REQUESTS, "get_json", ("/records.json",), _records),
    Kind("threads", "8 threads", SMALL_REQUESTS, "get", ("/small",), _small, threads=8),
    Kind("ntlm", "NTLM login", SMALL_REQUESTS, "log_in", ("/ntlm/small",), _small),
    *(
        Kind(f"{name}{'-tls' * secure}", f"{title}{', TLS' * secure}", STREAMS, operation, ("/large",), _large, secure)
        for secure in (False, True)
        for name, title, operation in (
            ("blocks", "read(65536)", "read_blocks"),
            ("whole", "read()", "read_whole"),
            ("into", "readinto()", "read_into"),
            ("lines", "lines", "read_lines"),
        )
    ),
]
