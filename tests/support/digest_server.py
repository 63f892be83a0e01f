"""A server that demands Digest: it verifies authorizations by their text alone."""

from __future__ import annotations

import hashlib
import re
import threading
from urllib.parse import unquote_to_bytes

from coda_network._auth import digest
from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import Outgoing, Peer, Role
from coda_network._wire.challenge import Challenge

PEER = Peer(Role.ORIGIN, "www.example.org", 80)
GET = Outgoing("GET", "/a/b?c=d&e=%2F")
ALGORITHMS = ["MD5", "SHA", "SHA-256", "SHA-512-256"]
HASHES = {"MD5": "md5", "SHA": "sha1", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}

FIELD = re.compile(r'([a-z*]+)=(?:"((?:[^"\\]|\\.)*)"|([^",\s]+))(?:, |$)')
QUOTED = {"username", "realm", "nonce", "uri", "response", "opaque", "cnonce"}


class DigestServer:
    """Sends challenges, and verifies authorizations by their text alone.

    ``username`` and ``password`` are the octets in its password file. It accepts each pair of nonce and count
    once, as RFC 7616 section 3.4 recommends, and keeps the key of a -sess algorithm from the first request of
    a session.
    """

    def __init__(self, username: bytes, password: bytes, realm: bytes = b"the realm", /, **params: str) -> None:
        self.username, self.password, self.realm, self.params = username, password, realm, params
        self.nonces = [b"nonce-1"]
        self.used: set[tuple[bytes, str]] = set()
        self.session_key: bytes | None = None
        self.lock = threading.Lock()
        self.fields: dict[str, bytes] = {}

    def hash(self, *parts: bytes) -> bytes:
        algorithm = self.params.get("algorithm", "MD5").upper().removesuffix("-SESS")
        return hashlib.new(HASHES[algorithm], b":".join(parts)).hexdigest().encode()

    def challenge(self, *, stale: bool = False) -> Challenge:
        nonce = self.nonces[-1]
        if stale:
            nonce = b"nonce-%d" % (len(self.nonces) + 1)
            self.nonces.append(nonce)
            self.session_key = None
        params = {"realm": self.realm.decode("latin-1"), "nonce": nonce.decode(), **self.params}
        return Challenge("digest", None, params | ({"stale": "TRUE"} if stale else {}))

    def verifies(self, header: str, outgoing: Outgoing = GET, body: bytes = b"") -> bool:
        """Return whether the proof in a field is right for the request that came with it."""
        fields = self.fields = self.read(header)
        assert fields["uri"] == outgoing.uri.encode()
        assert fields["realm"] == self.realm
        assert fields.get("opaque") == (self.params["opaque"].encode() if "opaque" in self.params else None)
        assert fields.get("algorithm") == (self.params["algorithm"].encode() if "algorithm" in self.params else None)
        if fields["nonce"] not in self.nonces or not self.knows(fields):
            return False
        key = self.hash(self.username, self.realm, self.password)
        if self.params.get("algorithm", "").lower().endswith("-sess"):
            self.session_key = self.session_key or self.hash(key, fields["nonce"], fields["cnonce"])
            key = self.session_key
        signed = [outgoing.method.encode(), fields["uri"]]
        middle = [fields["nonce"]]
        if "qop" in fields:
            with self.lock:
                use = (fields["nonce"], fields["nc"].decode())
                assert use not in self.used, "a count was used twice"
                self.used.add(use)
            middle += [fields["nc"], fields["cnonce"], fields["qop"]]
            if fields["qop"] == b"auth-int":
                signed.append(self.hash(body))
        return fields["response"] == self.hash(key, *middle, self.hash(*signed))

    def knows(self, fields: dict[str, bytes]) -> bool:
        if fields.get("userhash") == b"true":
            return fields["username"] == self.hash(self.username, self.realm)
        if "username*" in fields:
            assert fields["username*"].startswith(b"UTF-8''")
            return unquote_to_bytes(fields["username*"][len(b"UTF-8''") :]) == self.username
        return fields["username"] == self.username

    def proof(self, qop: bytes = b"auth") -> str:
        """Return Authentication-Info for the request that was verified last (RFC 7616 section 3.5)."""
        fields = self.fields
        key = self.session_key or self.hash(self.username, self.realm, self.password)
        signed = self.hash(b"", fields["uri"])
        rspauth = self.hash(key, fields["nonce"], fields["nc"], fields["cnonce"], qop, signed).decode()
        return (
            f'rspauth="{rspauth}", cnonce="{fields["cnonce"].decode()}", nc={fields["nc"].decode()}, qop={qop.decode()}'
        )

    @staticmethod
    def read(header: str) -> dict[str, bytes]:
        scheme, _, rest = header.partition(" ")
        assert scheme == "Digest"
        fields: dict[str, bytes] = {}
        position = 0
        while position < len(rest):
            match = FIELD.match(rest, position)
            assert match is not None, rest[position:]
            name, quoted, plain = match.groups()
            assert (quoted is not None) == (name in QUOTED), name
            value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            assert name not in fields
            fields[name] = value.encode("latin-1")
            position = match.end()
        return fields


def mufasa(**params: str) -> DigestServer:
    return DigestServer(b"Mufasa", b"Circle of Life", **params)


def client(username: str = "Mufasa", password: str = "Circle of Life") -> digest.Digest:
    return digest.create(Credentials(username, password), PEER)
