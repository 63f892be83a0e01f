"""The TLS context of an opener that was given none: whose it is, and when it is looked up again."""

from __future__ import annotations

import functools
import ssl
import sys
import urllib.error
from types import ModuleType
from typing import Any

import pytest
from support.certs import Authority
from support.origin import Origin

from coda_network._net import default_context
from coda_network._net.tls import client_context
from coda_network.utilities import do_download

PER_REQUEST = sys.version_info < (3, 12)
"""The standard library looks the function up for each request; later versions when an opener is built."""


def check(monkeypatch: pytest.MonkeyPatch, is_on: bool) -> None:
    make = ssl.create_default_context if is_on else ssl._create_unverified_context
    monkeypatch.setattr(ssl, "_create_default_https_context", make)


def is_let_in(open_url: Any, origin: Origin) -> bool:
    """Return whether the origin, which nobody trusts, is read from."""
    try:
        open_url(f"{origin.url}/x", timeout=10).read()
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ssl.SSLCertVerificationError):
            raise
        return False
    return True


@pytest.mark.parametrize("at_first", [True, False], ids=["checked", "unchecked"])
@pytest.mark.parametrize("way", ["opener", "urlopen", "check_hostname"])
def test_what_was_set_for_one_request_does_not_last(
    library: ModuleType, tls_origin: Origin, monkeypatch: pytest.MonkeyPatch, at_first: bool, way: str
) -> None:
    check(monkeypatch, at_first)
    if way == "urlopen":
        open_url = library.urlopen
    else:
        options = {"check_hostname": False} if way == "check_hostname" else {}
        opener = library.build_opener(library.ProxyHandler({}), library.HTTPSHandler(**options))
        open_url = opener.open
    assert is_let_in(open_url, tls_origin) is not at_first
    check(monkeypatch, not at_first)
    assert is_let_in(open_url, tls_origin) is (at_first if PER_REQUEST else not at_first)
    check(monkeypatch, at_first)
    assert is_let_in(open_url, tls_origin) is not at_first
    if way != "urlopen":
        opener.close()


@pytest.mark.parametrize("at_first", [True, False], ids=["checked", "unchecked"])
def test_an_opener_that_was_built_earlier_keeps_to_its_time_from_312_on(
    library: ModuleType, tls_origin: Origin, monkeypatch: pytest.MonkeyPatch, at_first: bool
) -> None:
    check(monkeypatch, at_first)
    opener = library.build_opener(library.ProxyHandler({}))
    check(monkeypatch, not at_first)
    assert is_let_in(opener.open, tls_origin) is (at_first if PER_REQUEST else not at_first)
    opener.close()


def test_urlretrieve_and_downloads_look_it_up_too(
    library: ModuleType, tls_origin: Origin, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(ssl, "_create_default_https_context", ssl._create_unverified_context)
    library.urlretrieve(f"{tls_origin.url}/x", str(tmp_path / "x"))
    assert do_download(f"{tls_origin.url}/x")[0] == 200
    assert do_download(f"{tls_origin.url}/x", timeout_sec=10)[0] == 200
    monkeypatch.undo()
    for timeout in (None, 10):
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            do_download(f"{tls_origin.url}/x", timeout_sec=timeout)


def test_connections_are_reused_while_nothing_has_changed(
    library: ModuleType, ca: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))
    with Origin(ca.server_context()) as site:
        opener = library.build_opener(library.ProxyHandler({}))
        for _ in range(3):
            opener.open(site.url, timeout=10).read()
        assert site.connections == 1
        check(monkeypatch, False)
        opener.open(site.url, timeout=10).read()
        assert site.connections == (2 if PER_REQUEST else 1)
        check(monkeypatch, True)
        opener.close()


def test_one_is_made_once_when_an_https_url_is_opened(
    library: ModuleType, origin: Origin, ca: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[ssl.SSLContext] = []

    def counted(**options: Any) -> ssl.SSLContext:
        made.append(client_context(**options))
        return made[-1]

    monkeypatch.setattr(default_context, "client_context", counted)
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))
    opener = library.build_opener(library.ProxyHandler({}))
    opener.open(origin.url, timeout=10).read()
    assert made == []
    for _ in range(2):
        with Origin(ca.server_context()) as site:
            opener.open(site.url, timeout=10).read()
    assert len(made) == 1
    opener.close()


def test_a_trust_store_that_is_taken_away_is_trusted_no_longer(
    library: ModuleType, tls_origin: Origin, ca: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener = library.build_opener(library.ProxyHandler({}))
    with monkeypatch.context() as for_one_request:
        for_one_request.setenv("SSL_CERT_FILE", str(ca.bundle))
        assert is_let_in(opener.open, tls_origin)
    assert is_let_in(opener.open, tls_origin) is not PER_REQUEST
    opener.close()


def test_a_function_of_the_program_is_asked_as_often_as_urllib_asks_it(
    direct: Any, library: ModuleType, tls_origin: Origin, ca: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[ssl.SSLContext] = []

    def make(bundle: str) -> ssl.SSLContext:
        asked.append(ssl.create_default_context(cafile=bundle))
        return asked[-1]

    monkeypatch.setattr(ssl, "_create_default_https_context", functools.partial(make, str(ca.bundle)))
    opener = library.build_opener(library.ProxyHandler({}))
    assert len(asked) == (0 if PER_REQUEST else 1)
    for _ in range(2):
        assert is_let_in(opener.open, tls_origin)
    assert len(asked) == (2 if PER_REQUEST else 1)
    opener.close()
