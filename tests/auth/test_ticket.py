"""The ticket by user name and password, with a stand-in for the library; the real one is tested against a KDC."""

from __future__ import annotations

import gc
import sys
from types import ModuleType
from typing import Any

import pytest
import spnego

from coda_network._auth import negotiate, security_context
from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import CannotServe, Outgoing, PasswordRefused, Peer, Role
from coda_network._auth.ticket import TicketCache
from coda_network._wire.challenge import Challenge

PREAUTH_FAILED, BAD_INTEGRITY, UNKNOWN_USER, NO_KDC = -1765328360, -1765328353, -1765328378, -1765328228
ALICE = Credentials("alice@CODA.TEST", "wonder1and")


class Krb5Error(Exception):
    def __init__(self, code: int) -> None:
        super().__init__("told by the library")
        self.err_code = code


class Cache:
    """A cache of the library."""

    name = b"unique"

    def __init__(self) -> None:
        self.held: list[Any] = []


class Library(ModuleType):
    """What is used of the package krb5; ``asked`` has the users and passwords that the KDC was asked with."""

    Krb5Error = Krb5Error

    def __init__(self) -> None:
        super().__init__("krb5")
        self.verdict = 0
        self.broken = False
        self.asked: list[tuple[bytes, bytes]] = []
        self.cache = Cache()
        self.destroyed = 0

    def init_context(self) -> object:
        if self.broken:
            raise Krb5Error(-1765328252)
        return object()

    def cc_new_unique(self, context: object, kind: bytes) -> Cache:
        assert kind == b"MEMORY"
        return self.cache

    def cc_destroy(self, context: object, cache: Cache) -> None:
        self.destroyed += 1

    def cc_initialize(self, context: object, cache: Cache, client: object) -> None:
        cache.held = [client]

    def cc_store_cred(self, context: object, cache: Cache, ticket: object) -> None:
        cache.held.append(ticket)

    def parse_name_flags(self, context: object, name: bytes) -> bytes:
        return name

    def get_init_creds_opt_alloc(self, context: object) -> object:
        return object()

    def get_init_creds_opt_set_canonicalize(self, options: object, value: bool) -> None:
        assert value

    def get_init_creds_password(self, context: object, principal: bytes, options: object, password: bytes) -> Any:
        self.asked.append((principal, password))
        if self.verdict:
            raise Krb5Error(self.verdict)
        return type("Ticket", (), {"client": principal})()


class Heimdal(Library):
    """It has its defaults set by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.realms: list[bytes] = []

    def principal_get_realm(self, context: object, principal: bytes) -> bytes:
        return principal.partition(b"@")[2]

    def get_init_creds_opt_set_default_flags(self, context: object, options: object, name: bytes, realm: bytes) -> None:
        self.realms.append(realm)


@pytest.fixture
def krb5(monkeypatch: pytest.MonkeyPatch) -> Library:
    library = Library()
    monkeypatch.setitem(sys.modules, "krb5", library)
    return library


def test_the_cache_of_the_ticket_is_destroyed_with_the_object(krb5: Library) -> None:
    ticket = TicketCache("Negotiate", ALICE)
    assert ticket.name == "MEMORY:unique"
    assert krb5.asked == [(b"alice@CODA.TEST", b"wonder1and")]
    assert len(krb5.cache.held) == 2
    assert krb5.destroyed == 0
    del ticket
    gc.collect()
    assert krb5.destroyed == 1


def test_heimdal_is_told_to_read_its_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Heimdal()
    monkeypatch.setitem(sys.modules, "krb5", library)
    TicketCache("Negotiate", ALICE)
    assert library.realms == [b"CODA.TEST"]


@pytest.mark.parametrize("code", [PREAUTH_FAILED, BAD_INTEGRITY])
def test_a_wrong_password_is_reported_as_refused(krb5: Library, code: int) -> None:
    krb5.verdict = code
    with pytest.raises(PasswordRefused, match=r"^Negotiate: the KDC refused the password$"):
        TicketCache("Negotiate", ALICE)


@pytest.mark.parametrize("code", [UNKNOWN_USER, NO_KDC])
def test_without_a_ticket_the_cache_stays_empty(krb5: Library, code: int) -> None:
    krb5.verdict = code
    assert TicketCache("Negotiate", ALICE).name == "MEMORY:unique"
    assert krb5.cache.held == []


@pytest.mark.parametrize("credentials", [Credentials("CODA\\alice", "x"), Credentials("alice", "\udcff")])
def test_names_that_kerberos_does_not_have_are_not_sent_to_the_kdc(krb5: Library, credentials: Credentials) -> None:
    TicketCache("Negotiate", credentials)
    assert krb5.asked == []


def test_with_an_unreadable_configuration_there_is_no_ticket(krb5: Library) -> None:
    krb5.broken = True
    assert TicketCache("Negotiate", ALICE).name == "MEMORY:"


def test_the_repr_shows_no_secret(krb5: Library) -> None:
    assert repr(TicketCache("Negotiate", ALICE)) == "<TicketCache>"


@pytest.mark.parametrize(("verdict", "refused"), [(PREAUTH_FAILED, True), (NO_KDC, False)])
def test_negotiate_asks_the_kdc_once(
    krb5: Library, monkeypatch: pytest.MonkeyPatch, verdict: int, refused: bool
) -> None:
    given: list[Any] = []

    def client(**options: Any) -> None:
        given.append(options["username"])
        raise ValueError("enough is known")

    monkeypatch.setattr(spnego, "client", client)
    monkeypatch.setattr(security_context, "has_sspi", lambda: False)
    krb5.verdict = verdict
    scheme = negotiate.create(ALICE, Peer(Role.PROXY, "proxy.example", 3128))
    with pytest.raises(CannotServe) as caught:
        scheme.step(Challenge("negotiate"), Outgoing("GET", "/"))
    assert isinstance(caught.value, PasswordRefused) is refused
    assert len(krb5.asked) == 1
    assert [[type(credential) for credential in named] for named in given] == (
        [] if refused else [[spnego.KerberosCCache, spnego.Password]]
    )
