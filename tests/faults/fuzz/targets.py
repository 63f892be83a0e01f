"""What is fuzzed: functions of bytes that a peer sends; each returns, or raises an error of its documented kinds.

Run by hypothesis with the other tests (``test_fuzz.py``), and by atheris with ``tox -e fuzz`` (``run_atheris.py``).
"""

from __future__ import annotations

import http.client
import io
from collections.abc import Callable
from urllib.error import HTTPError

from coda_network import httplib
from coda_network._auth.credentials import Credentials
from coda_network._auth.login import Login
from coda_network._auth.scheme import CannotServe, Outgoing, Peer, Role
from coda_network._cache import directives, freshness, storable
from coda_network._download import digests, ranges
from coda_network._download.file_name import name_for
from coda_network._download.retry import seconds_of_retry_after
from coda_network._route.proxy_url import parse_proxy_url, without_userinfo
from coda_network._secrets import hide_userinfo
from coda_network._wire import challenge, heads
from coda_network._wire.authority import split_authority, split_userinfo
from coda_network._wire.framing import keep_alive_limits
from coda_network._wire.request_head import read_request_head, request_framing

DOCUMENTED = (http.client.HTTPException, OSError, ValueError, CannotServe)
ALICE = Credentials("CODA\\alice", "wonder1and")

# Pieces that parsers look for, so that more than noise comes.
PIECES = [
    b"HTTP/1.1 200 OK\r\n", b"\r\n", b"\n", b"\r", b": ", b"Content-Length: 5", b"Transfer-Encoding: chunked",
    b"5\r\nhello", b"0\r\n\r\n", b";", b",", b'"', b"\\", b"=", b"Basic realm=", b"Digest ", b"nonce=", b"qop=auth",
    b"algorithm=SHA-256", b"NTLM ", b"Negotiate ", b"TlRMTVNTUAACAAAA", b"://", b"http", b"user:pass@", b"[::1]",
    b":99999", b"%", b"/", b"#", b"?", b"\0", b"\xff", b"\xe4", b" ", b"\t", b"stale=true", b"userhash=true",
    b"charset=UTF-8", b"\x60\x82", b"\xa1\x07",
]  # fmt: skip


class _Stand:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def makefile(self, mode: str, *arguments: object) -> io.BufferedReader:
        return io.BufferedReader(io.BytesIO(self.data))  # type: ignore[arg-type]  # what a reader needs


def response(data: bytes) -> None:
    """A whole response: head, framing, chunks, trailers."""
    read = httplib.HTTPResponse(_Stand(data), method="GET")  # type: ignore[arg-type]  # a stand-in for a socket
    read.begin()
    _ = read.headers, read.getheader("x"), read.getheaders()
    while read.read(7):
        pass


def chunks(data: bytes) -> None:
    """The chunks behind an ordinary head."""
    response(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + data)


def head(data: bytes) -> None:
    """A header section."""
    heads.is_odd(data)
    heads.parse_fields(data).items()


def challenges(data: bytes) -> None:
    """The value of WWW-Authenticate, and what a login makes of it."""
    message = http.client.HTTPMessage()
    message["Proxy-Authenticate"] = data.decode("latin-1").replace("\n", " ").replace("\r", " ")
    challenge.parse_challenges([message["Proxy-Authenticate"]])
    login = Login(Role.PROXY, Peer(Role.PROXY, "proxy", 3128), lambda realm: ALICE)
    outgoing = Outgoing("GET", "/", None)
    login.start(outgoing)
    login.on_challenge(message, outgoing, False)


def _handshake(scheme: str, data: bytes) -> None:
    import base64

    login = Login(Role.PROXY, Peer(Role.PROXY, "proxy", 3128), lambda realm: ALICE)
    outgoing = Outgoing("GET", "/", None)
    for value in (scheme, f"{scheme} {base64.b64encode(data).decode()}"):
        message = http.client.HTTPMessage()
        message["Proxy-Authenticate"] = value
        login.on_challenge(message, outgoing, False)
    login.on_response(http.client.HTTPMessage())


def ntlm_token(data: bytes) -> None:
    """The server's token of NTLM."""
    _handshake("NTLM", b"NTLMSSP\0\x02\0\0\0" + data)


def spnego_token(data: bytes) -> None:
    """The server's token of Negotiate."""
    _handshake("Negotiate", data)


def proxy_url(data: bytes) -> None:
    """The address of a proxy, and what people are shown of it."""
    text = data.decode("latin-1")
    hide_userinfo(text)
    without_userinfo(text)
    split_userinfo(text)
    try:
        split_authority(text, 80)
    except ValueError:
        pass
    parse_proxy_url(text)


def location(data: bytes) -> None:
    """The Location of a redirect."""
    from coda_network import urllib2

    handler = urllib2.HTTPRedirectHandler()
    handler.add_parent(urllib2.OpenerDirector())
    fields = http.client.HTTPMessage()
    fields["Location"] = data.decode("latin-1").replace("\n", " ").replace("\r", " ")
    request = urllib2.Request("http://site/")
    request.timeout = 1
    handler.http_error_302(request, io.BytesIO(), 302, "Found", fields)


def request_head(data: bytes) -> None:
    """What a client sends to the local proxy: a head, and how its body is framed."""
    head = read_request_head(io.BufferedReader(io.BytesIO(data)))  # type: ignore[arg-type]  # what a reader needs
    if head is not None:
        request_framing(head)


def file_name(data: bytes) -> None:
    """The name of a file, in Content-Disposition or in the URL: never one of another folder."""
    text = data.decode("latin-1").replace("\n", " ").replace("\r", " ")
    fields = http.client.HTTPMessage()
    fields["Content-Disposition"] = text
    for name in (name_for(fields, "http://site/"), name_for({}, f"http://site/{text}")):
        assert name not in ("", ".", "..") and not set(name) & set("/\\\0") and len(name.encode()) < 255, repr(name)


def fields(data: bytes) -> None:
    """What downloads and caches read of a response: ranges, validators, digests, times, directives."""
    text = data.decode("latin-1").replace("\n", " ").replace("\r", " ")
    message = http.client.HTTPMessage()
    for name in ("Content-Range", "Content-Length", "ETag", "Last-Modified", "Date", "Repr-Digest", "Content-MD5"):
        message[name] = text
    for name in ("Cache-Control", "Age", "Expires", "Vary", "Connection", "Keep-Alive", "Retry-After"):
        message[name] = text
    ranges.content_range(message), ranges.content_length(message), ranges.strong_validator(message)
    digests.announced(message, True)
    seconds_of_retry_after(message)
    keep_alive_limits(message)
    assert freshness.age_at_arrival(message, 1e9, 1e9) >= 0
    assert freshness.lifetime(200, message, 1e9) >= 0
    storable.may_be_stored(directives.of_request({"Cache-Control": text}), 200, message)
    storable.fields_to_store(message)


TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each
    for each in (
        response, chunks, head, challenges, ntlm_token, spnego_token, proxy_url, location, request_head, file_name,
        fields,
    )
}  # fmt: skip


# The CHALLENGE_MESSAGE of MS-NLMP section 4.2.4.3, behind signature and type; and in a NegTokenResp (RFC 4178).
_NTLM = bytes.fromhex(
    "0c000c003800000033828ae20123456789abcdef00000000000000002400240044000000060070170000000f530065007200760065007200"
    "02000c0044006f006d00610069006e0001000c0053006500720076006500720000000000"
)
_SPNEGO = bytes.fromhex("a18181307fa0030a0101a10c060a2b06010401823702020aa26a04684e544c4d5353500002000000") + _NTLM

# What is right, for atheris to begin with: noise alone does not come far.
SEEDS: dict[str, list[bytes]] = {
    "response": [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: x\r\n\r\n",
    ],
    "chunks": [b'5;a="b"\r\nhello\r\n0A\r\n0123456789\r\n0\r\nT: x\r\n\r\n'],
    "head": [b"A: b\r\n c\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"],
    "challenges": [
        b'Digest realm="r", nonce="n", qop="auth, auth-int", algorithm=SHA-256, userhash=true, stale=true',
        b'Basic realm="\\"x", charset="UTF-8", NTLM, Negotiate YQ==, Newauth realm="apps", type=1',
    ],
    "ntlm_token": [_NTLM],
    "spnego_token": [_SPNEGO],
    "proxy_url": [b"http://user:p%40ss@[::1]:3128/", b"socks5h://DOMAIN%5Cuser@proxy.example", b"proxy.example:3128"],
    "request_head": [
        b"POST http://site/ HTTP/1.1\r\nHost: site\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n",
    ],
    "file_name": [
        b'attachment; filename="a b\\".txt"; filename*=UTF-8\'\'%e2%82%ac%2f..%2fb',
        b"../x/%2e%2e%2fcon.txt?y",
    ],
    "fields": [
        b"bytes 0-4/10",
        b'"etag"',
        b"Mon, 15 Nov 2010 08:12:31 GMT",
        b"timeout=5, max=100",
        b"120",
        b'private="a, b", max-age=60, no-cache="set-cookie", stale-if-error=5',
        b"sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
    ],
    "location": [b"//other.example:8080/a/../b?x=y#z", b"/a b", b"https://user:password@[::1]/\xe4"],
}


def attempt(target: Callable[[bytes], None], data: bytes) -> bool:
    """Run a target; return whether it ended with a documented error. Any other is a find."""
    try:
        target(data)
    except DOCUMENTED as error:
        if isinstance(error, HTTPError):
            error.close()
        return True
    return False
