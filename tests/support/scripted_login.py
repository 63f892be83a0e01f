"""Login schemes that only count their legs, and a registry of them: for tests of what drives the schemes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http.client import HTTPMessage

from coda_network._auth.credentials import Credentials
from coda_network._auth.login import Login
from coda_network._auth.memory import LoginMemory
from coda_network._auth.registry import Entry
from coda_network._auth.scheme import CannotServe, Outgoing, Peer, Role, Scheme
from coda_network._wire.challenge import Challenge

ALICE = Credentials("alice", "secret")
PEER = Peer(Role.PROXY, "proxy.example", 3128)
GET = Outgoing("GET", "http://example.com/")
DIGEST = 'Digest realm="r", nonce="n1", qop="auth"'
STALE = 'Digest realm="r", nonce="n2", qop="auth", stale=TRUE'


def section(challenges: Iterable[str] = (), info: Iterable[str] = (), role: Role = Role.PROXY) -> HTTPMessage:
    """Return the header section of a response, with these lines of the fields that a login reads."""
    headers = HTTPMessage()
    for line in challenges:
        headers[role.challenge_header] = line
    for line in info:
        headers[role.info_header] = line
    return headers


class Scripted:
    """A scheme with a number of legs; its headers are "<name> <user> <leg>"."""

    def __init__(self, name: str, legs: int, credentials: Credentials | None) -> None:
        self.name = name
        self.binds_connection = legs > 1
        self.legs = legs
        self.sent = 0
        self.user = "ticket" if credentials is None else credentials.username
        self.seen: list[str | None] = []  # the tokens
        self.info: list[str | None] = []
        self.wrong_proof = False
        self.error: CannotServe | None = None

    @property
    def complete(self) -> bool:
        return self.sent >= self.legs

    @property
    def may_suffice(self) -> bool:
        return self.complete

    def step(self, challenge: Challenge, outgoing: Outgoing) -> str:
        if self.error is not None:
            raise self.error
        if self.complete and challenge.params.get("stale", "").lower() != "true":
            raise CannotServe(f"{self.name}: the user name or password was refused")
        self.seen.append(challenge.token)
        if self.sent and challenge.token is None and self.binds_connection:
            raise CannotServe(f"{self.name}: the peer did not go on")
        self.sent += 1
        return f"{self.name} {self.user} {self.sent}"

    def again(self, outgoing: Outgoing) -> str | None:
        return None if self.binds_connection else f"{self.name} {self.user} again"

    def accepted(self, info: str | None) -> None:
        self.info.append(info)
        if self.wrong_proof:
            raise CannotServe(f"{self.name}: the peer's proof is wrong")


class Bench:
    """A registry of scripted schemes; `made` has every scheme that was begun, `realms` every look-up."""

    def __init__(self, **legs: int) -> None:
        self.legs = {"Negotiate": 2, "NTLM": 2, "Digest": 1, "Basic": 1} | legs
        self.made: list[Scripted] = []
        self.realms: list[str | None] = []
        self.unservable: dict[str, str | CannotServe] = {}
        self.user: Credentials | None = ALICE
        self.schemes = {
            name.lower(): Entry(name, name in ("Digest", "Basic"), name != "Negotiate", self.loader(name))
            for name in self.legs
        }

    def loader(self, name: str) -> Callable[[], Callable[[Credentials | None, Peer], Scheme]]:
        def create(credentials: Credentials | None, peer: Peer) -> Scripted:
            if (reason := self.unservable.get(name)) is not None:
                raise reason if isinstance(reason, CannotServe) else CannotServe(f"{name}: {reason}")
            self.made.append(Scripted(name, self.legs[name], credentials))
            return self.made[-1]

        return lambda: create

    def source(self, realm: str | None) -> Credentials | None:
        self.realms.append(realm)
        return self.user

    def login(self, memory: LoginMemory | None = None, allow_basic_after_failure: bool = False) -> Login:
        return Login(
            Role.PROXY,
            PEER,
            self.source,
            self.schemes,
            memory,
            allow_basic_after_failure=allow_basic_after_failure,
        )
