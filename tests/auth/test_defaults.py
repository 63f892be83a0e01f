"""Credentials where the program gives none: those of the patch, then netrc."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from coda_network._auth import defaults
from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import Peer, Role

PROXY = Peer(Role.PROXY, "proxy.example", 3128)
SITE = Peer(Role.ORIGIN, "Site.example", 443)
ALICE = Credentials("alice", "wonder1and")


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(place))
    return place


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    assert list(defaults._installed) == []


def look_up(given: defaults.Given, peer: Peer, realm: str | None = None) -> Credentials | None:
    installed = defaults.install(given)
    try:
        return defaults.default_credentials(peer)(realm)
    finally:
        defaults.remove(installed)


@pytest.mark.parametrize(
    ("given", "peer", "found"),
    [
        (("alice", "wonder1and"), PROXY, ALICE),
        (ALICE, SITE, ALICE),
        ({"proxy.example": ("alice", "wonder1and")}, PROXY, ALICE),
        ({"proxy.example:3128": ALICE}, PROXY, ALICE),
        ({"proxy.example:3128": ALICE, "proxy.example": ("bob", "x")}, PROXY, ALICE),
        ({"proxy.example:8080": ALICE}, PROXY, None),
        ({"site.example": ALICE}, SITE, ALICE),
        ({"[::1]:80": ALICE}, Peer(Role.ORIGIN, "::1", 80), ALICE),
        ({}, PROXY, None),
        (lambda host, realm: ("alice", "wonder1and") if host == "proxy.example:3128" else None, PROXY, ALICE),
        (lambda host, realm: None, PROXY, None),
    ],
)
def test_given_credentials_are_found(given: defaults.Given, peer: Peer, found: Credentials | None) -> None:
    assert look_up(given, peer) == found


def test_a_function_is_called_once_for_each_peer_and_realm() -> None:
    asked: list[tuple[str, str | None]] = []

    def ask(host: str, realm: str | None) -> tuple[str, str]:
        asked.append((host, realm))
        return "alice", realm or ""

    installed = defaults.install(ask)
    for _ in range(3):
        assert defaults.default_credentials(PROXY)("one") == Credentials("alice", "one")
        assert defaults.default_credentials(PROXY)("two") == Credentials("alice", "two")
        assert defaults.default_credentials(SITE)(None) == Credentials("alice", "")
    defaults.remove(installed)
    assert asked == [("proxy.example:3128", "one"), ("proxy.example:3128", "two"), ("site.example:443", None)]


def test_the_credentials_given_last_come_first_and_then_the_earlier_ones() -> None:
    outer = defaults.install({"proxy.example": ("outer", ""), "site.example": ("outer", "")})
    inner = defaults.install({"proxy.example": ("inner", "")})
    found = [defaults.default_credentials(peer)(None) for peer in (PROXY, SITE)]
    defaults.remove(inner)
    found.append(defaults.default_credentials(PROXY)(None))
    defaults.remove(outer)
    defaults.remove(outer)
    assert [one and one.username for one in found] == ["inner", "outer", "outer"]


def test_a_function_is_not_called_to_see_if_there_may_be_credentials() -> None:
    def ask(host: str, realm: str | None) -> None:
        raise AssertionError("nobody has asked for credentials")

    assert not defaults.may_have_credentials(PROXY)
    for given, known in ((ask, True), ({"proxy.example": ALICE}, True), ({"site.example": ALICE}, False)):
        installed = defaults.install(given)
        assert defaults.may_have_credentials(PROXY) is known
        defaults.remove(installed)


@pytest.mark.parametrize("given", ["alice:secret", ("alice",), ("alice", 1), ("a", "b", "c"), 7])
def test_anything_else_is_a_type_error_without_the_password(given: object) -> None:
    with pytest.raises(TypeError) as error:
        defaults.install(given)
    assert "secret" not in str(error.value)


def test_no_repr_shows_a_password() -> None:
    assert "wonder1and" not in repr(defaults.Defaults(("alice", "wonder1and")))


class TestNetrc:
    def test_the_entry_of_the_host_is_used(self, netrc: Path) -> None:
        netrc.write_text("machine proxy.example login alice password wonder1and\n")
        assert defaults.default_credentials(PROXY)(None) == ALICE
        assert defaults.default_credentials(SITE)("realm") is None

    def test_it_comes_after_given_credentials(self, netrc: Path) -> None:
        netrc.write_text("machine proxy.example login carol password c\n")
        assert look_up({"proxy.example": ALICE}, PROXY) == ALICE
        assert look_up({"site.example": ALICE}, PROXY) == Credentials("carol", "c")

    def test_a_default_entry_is_ignored(self, netrc: Path) -> None:
        netrc.write_text("default login anonymous password me@example.com\n")
        assert defaults.from_netrc("proxy.example") is None
        assert defaults.from_netrc("default") is None

    @pytest.mark.parametrize("text", ["machine", "nonsense", "machine a login \udcff"])
    def test_a_malformed_file_is_ignored(self, netrc: Path, text: str) -> None:
        netrc.write_bytes(text.encode("utf-8", "surrogateescape"))
        assert defaults.from_netrc("a") is None

    @pytest.mark.parametrize("text", [r"CORP\alice", r"CORP\\alice", r'"CORP\\alice"'])
    def test_a_backslash_is_kept_whether_written_for_curl_or_for_python(self, netrc: Path, text: str) -> None:
        netrc.write_text(f"machine proxy.example login {text} password a\\b\\\\c\n")
        assert defaults.from_netrc("proxy.example") == Credentials("CORP\\alice", "a\\b\\c")

    def test_a_missing_file_is_ignored(self, netrc: Path) -> None:
        assert defaults.from_netrc("proxy.example") is None

    def test_a_changed_file_is_read_again(self, netrc: Path) -> None:
        for number, password in enumerate(("old", "new")):
            netrc.write_text(f"machine proxy.example login alice password {password}\n")
            os.utime(netrc, (number, number))
            assert defaults.from_netrc("proxy.example") == Credentials("alice", password)

    def test_without_the_variable_the_file_is_in_the_home_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("NETRC")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        place = tmp_path / ".netrc"
        place.write_text("machine proxy.example login alice password wonder1and\n")
        place.chmod(0o600)
        assert defaults.from_netrc("proxy.example") == ALICE
