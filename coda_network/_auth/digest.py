"""Digest access authentication (RFC 7616, and RFC 2617 for peers that know no more)."""

from __future__ import annotations

import functools
import re
from collections import deque
from typing import IO, Any, NamedTuple
from urllib.parse import quote

from coda_network._auth.credentials import Credentials
from coda_network._auth.digest_nonces import DigestState, Use, new_cnonce
from coda_network._auth.digest_terms import Terms, is_true, new_hash_of, octets, read_terms
from coda_network._auth.scheme import CannotServe, Outgoing, Peer
from coda_network._wire.challenge import Challenge, parse_challenges

# How many requests without a response are remembered, so that the rspauth of their responses can be checked.
AWAITING_LIMIT = 64
# Requests of which H(A2) is remembered: many programs ask for the same URL again and again.
SIGNED_LIMIT = 64
BLOCK = 65536

# RFC 8187 section 3.2.1, attr-char: what needs no percent-encoding in username*, besides letters and digits.
_ATTR_CHARS = "!#$&+-.^_`|~"

_new = tuple.__new__  # makes a NamedTuple without a function of Python


class Sent(NamedTuple):
    """What is needed to check the peer's proof in the response to one request."""

    use: Use
    cnonce: bytes
    qop: str | None
    key: bytes
    uri: bytes

    def __repr__(self) -> str:  # the key is as secret as the password
        return f"<Sent: use {self.use.nc} of {self.use.nonce!r}, key hidden>"


class Made(NamedTuple):
    """What all authorizations under the same terms have in common: to make it anew took a third of a proof's time."""

    terms: Terms
    key: bytes
    """H(A1) of an algorithm without -sess."""
    named: str
    """The scheme, the user name and the realm."""
    repeated: str
    """What the challenge said of the algorithm, and its opaque."""

    def __repr__(self) -> str:
        return "<Made: key hidden>"


class Template:
    """What all authorizations with one nonce have in common, for requests whose URI needs no care.

    :param terms: of the challenge
    :param nonce: the nonce
    """

    __slots__ = ("begun", "key", "nonce", "sign", "terms", "text")

    def __init__(self, terms: Terms, nonce: bytes) -> None:
        self.terms = terms
        self.nonce = nonce
        self.begun: Any = None
        """The hash of what comes first in each proof; None where each authorization needs the long way."""
        self.key = b""
        self.text = ""
        self.sign: Any = None
        """Returns the octets of a URI, the URI quoted, and H(A2), as of the same few; None for what needs care."""


class Digest:
    """The Digest scheme for one user at one peer.

    Once its login was accepted, one object serves all connections to that peer, from any thread. Where the challenge
    has no ``charset``, names and passwords are sent as UTF-8, which is what servers' password files have today. The
    quality of protection is ``auth`` where that is offered, else ``auth-int``.
    """

    name = "Digest"
    binds_connection = False

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._state = DigestState()
        self._made: Made | None = None
        self._template: Template | None = None
        # Responses come in any order, and to any thread.
        self._awaiting: deque[Sent] = deque(maxlen=AWAITING_LIMIT)
        self.complete = False

    @property
    def may_suffice(self) -> bool:
        """Return True: each authorization is a whole login."""
        return True

    def step(self, challenge: Challenge, outgoing: Outgoing) -> str:
        """Return the authorization for a first challenge, or for one with ``stale=true``."""
        stale = is_true(challenge.params.get("stale"))
        if self.complete and not stale:  # RFC 7616 section 3.3, stale
            raise CannotServe("Digest: the user name or password was refused")
        header = self._authorization(self._state.adopt(read_terms(challenge), stale and self.complete), outgoing)
        self.complete = True
        return header

    def again(self, outgoing: Outgoing) -> str | None:
        """Return the authorization for one more request with the same nonce (RFC 7616 section 3.4, nc)."""
        use = self._state.next_use()
        if use is None:
            return None
        try:
            template = self._template
            if template is None or template.terms is not use.terms or template.nonce is not use.nonce:
                template = self._template = self._make_template(use)
            if template.begun is None or (signed := template.sign(outgoing.method, outgoing.uri)) is None:
                return self._authorization(use, outgoing)
            # The short way: what _authorization() makes, of which most is the same as in the request before. A request
            # with Digest took 412,000 instructions the long way, and takes 368,000.
            uri, quoted, hashed = signed
            cnonce, nc = new_cnonce(), b"%08x" % use.nc
            proof = template.begun.copy()
            proof.update(b"%b:%b:auth:%b" % (nc, cnonce, hashed))
            self._awaiting.append(_new(Sent, (use, cnonce, "auth", template.key, uri)))
            return template.text % (quoted, proof.hexdigest(), nc.decode("ascii"), cnonce.decode("ascii"))
        except CannotServe:  # the body cannot be hashed; step() will say so when the challenge comes
            return None

    def accepted(self, info: str | None) -> None:
        """Use ``nextnonce`` of (Proxy-)Authentication-Info, and check ``rspauth`` (RFC 7616 section 3.5).

        :raises CannotServe: the peer sent a proof, and it is wrong
        """
        if not info:
            self._state.stale = 0
            return
        params = _info_params(info)
        if "rspauth" in params and params.get("qop", "").lower() != "auth-int":
            # Not with auth-int: that proof covers the body of the response, which has not been read yet.
            self._check_proof(params)
        next_nonce = params.get("nextnonce")
        self._state.accepted(octets(next_nonce) if next_nonce else None)

    def __repr__(self) -> str:
        return f"<Digest for {self._credentials.username!r}>"

    def _authorization(self, use: Use, outgoing: Outgoing) -> str:
        """Return the authorization (RFC 7616 section 3.4)."""
        terms = use.terms
        made = self._made
        if made is None or made.terms is not terms:
            made = self._made = self._make(terms)
        key = made.key
        if terms.session:
            key = terms.hash(b":".join((key, use.first_nonce, use.first_cnonce)))
        uri = octets(outgoing.uri)
        qop, signed = _choose_protection(terms, outgoing, uri)
        # A new cnonce for each request, unless the key was made from it.
        cnonce = use.first_cnonce if terms.session else new_cnonce()
        sent = Sent(use, cnonce, qop, key, uri)

        self._awaiting.append(sent)
        proof = _proof(sent, signed).decode("ascii")
        header = f'{made.named}, nonce={_quoted(use.nonce)}, uri={_quoted(uri)}, response="{proof}"{made.repeated}'
        if qop is not None:
            header += f", qop={qop}, nc={use.nc:08x}"
        if qop is not None or terms.session:
            header += f', cnonce="{cnonce.decode("ascii")}"'
        return header + ", userhash=true" if terms.userhash else header

    def _make_template(self, use: Use) -> Template:
        terms, template = use.terms, Template(use.terms, use.nonce)
        if "auth" not in terms.qop or terms.session:
            return template
        made = self._made
        if made is None or made.terms is not terms:
            made = self._made = self._make(terms)
        template.begun = new_hash_of(terms.hash_name)(b"%b:%b:" % (made.key, use.nonce))
        template.key = made.key
        named = f"{made.named}, nonce={_quoted(use.nonce)}".replace("%", "%%")
        repeated = made.repeated.replace("%", "%%")
        template.text = f'{named}, uri=%s, response="%s"{repeated}, qop=auth, nc=%s, cnonce="%s"'
        if terms.userhash:
            template.text += ", userhash=true"
        template.sign = functools.lru_cache(SIGNED_LIMIT)(functools.partial(_sign, terms))
        return template

    def _make(self, terms: Terms) -> Made:
        """Return what the terms and the user determine (RFC 7616 section 3.4.2)."""
        username, password = self._credentials.username, self._credentials.password
        if terms.utf8 and not (username.isascii() and password.isascii()):
            # RFC 7616 section 4. Imported late: it loads large tables.
            from unicodedata import normalize

            username, password = normalize("NFC", username), normalize("NFC", password)
        try:
            # surrogateescape: bytes from the environment that are not UTF-8 are sent as they are.
            user_octets = username.encode("utf-8", "surrogateescape")
            secret = b":".join((user_octets, terms.realm, password.encode("utf-8", "surrogateescape")))
        except UnicodeEncodeError:
            raise CannotServe("Digest: the user name or password is not valid text") from None
        named = f"Digest {self._username_field(terms, user_octets)}, realm={_quoted(terms.realm)}"
        # algorithm, qop and nc are not quoted, because old servers cannot read them quoted (RFC 7616 section 3.4).
        repeated = "" if terms.algorithm is None else f", algorithm={terms.algorithm}"
        if terms.opaque is not None:
            repeated += f", opaque={_quoted(terms.opaque)}"
        return Made(terms, terms.hash(secret), named, repeated)

    @staticmethod
    def _username_field(terms: Terms, username: bytes) -> str:
        if terms.userhash:  # RFC 7616 section 3.4.4
            return "username=" + _quoted(terms.hash(username + b":" + terms.realm))
        if terms.utf8 and not username.isascii():
            return "username*=UTF-8''" + quote(username, safe=_ATTR_CHARS)
        return "username=" + _quoted(username)

    def _take(self, sent: Sent) -> bool:
        """Return whether a request still awaited its response; it no longer does."""
        try:
            self._awaiting.remove(sent)
        except (ValueError, IndexError):  # another thread was faster
            return False
        return True

    def _check_proof(self, params: dict[str, str]) -> None:
        """Compare ``rspauth`` with the proof that only a peer who knows the password can compute.

        :raises CannotServe: they differ
        """
        waiting = list(self._awaiting.copy())
        if "nc" in params and "cnonce" in params:
            # RFC 7616 section 3.5: they are those of the request to which this is the response.
            named = _count(params["nc"]), octets(params["cnonce"])
            waiting = [sent for sent in waiting if (sent.use.nc, sent.cnonce) == named and self._take(sent)]
        given = octets(params["rspauth"]).lower()
        # A2 of a response has no method (RFC 7616 section 3.5).
        if not any(given == _proof(sent, b":" + sent.uri) for sent in waiting):
            raise CannotServe("Digest: the peer's own proof (rspauth) is wrong")


def create(credentials: Credentials | None, peer: Peer) -> Digest:
    """Return the scheme for one user; the peer plays no part in Digest.

    :raises CannotServe: there is no user
    """
    if credentials is None:
        raise CannotServe("Digest: no user name given")
    return Digest(credentials)


def _sign(terms: Terms, method: str, uri: str) -> tuple[bytes, str, bytes] | None:
    if not (uri.isascii() and uri.isprintable()) or '"' in uri or "\\" in uri:
        return None
    raw = uri.encode("ascii")
    return raw, f'"{uri}"', terms.hash(octets(method) + b":" + raw)


def _choose_protection(terms: Terms, outgoing: Outgoing, uri: bytes) -> tuple[str | None, bytes]:
    """Return the quality of protection, and A2: the parts of the request that are signed (RFC 7616 section 3.4.3)."""
    signed = octets(outgoing.method) + b":" + uri
    if not terms.qop:
        return None, signed
    if "auth" in terms.qop:
        return "auth", signed
    return "auth-int", signed + b":" + _body_hash(terms, outgoing.body)


def _proof(sent: Sent, signed: bytes) -> bytes:
    """Return ``response`` or ``rspauth`` (RFC 7616 section 3.4.1; without qop, RFC 2617 section 3.2.2.1)."""
    use = sent.use
    middle = [use.nonce]
    if sent.qop is not None:
        middle += [b"%08x" % use.nc, sent.cnonce, sent.qop.encode("ascii")]
    return use.terms.hash(b":".join((sent.key, *middle, use.terms.hash(signed))))


def _body_hash(terms: Terms, body: bytes | IO[bytes] | None) -> bytes:
    """Return H(entity-body).

    A file is read in blocks from its position, and then set back to that position.

    :raises CannotServe: the body cannot be read twice
    """
    if body is None or isinstance(body, (bytes, bytearray, memoryview)):
        return terms.hash(bytes(body or b""))
    state = new_hash_of(terms.hash_name)(b"")
    try:
        start = body.tell()
        try:
            while block := body.read(BLOCK):
                state.update(block)
        finally:
            body.seek(start)
    except (AttributeError, TypeError, ValueError, OSError):
        # An iterable, a text file or a pipe: it cannot be hashed without using it up.
        raise CannotServe("Digest: auth-int needs a body of bytes, or a binary file that can seek") from None
    return state.hexdigest().encode("ascii")


_control_character = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]").search


def _quoted(value: bytes) -> str:
    """Return a quoted-string (RFC 9110 section 5.6.4).

    :raises CannotServe: there is a control character, which no field can have
    """
    text = value.decode("latin-1")
    if _control_character(text):
        raise CannotServe("Digest: a control character in the user name, the realm, the nonce or the URI")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _info_params(info: str) -> dict[str, str]:
    """Return the parameters of (Proxy-)Authentication-Info: the syntax of a challenge without the scheme."""
    challenges = parse_challenges(["Digest " + info])
    return dict(challenges[0].params) if challenges else {}


def _count(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return 0  # counts begin with 1
