"""``shared_context()``: one context for many connections, until something changes that it was made from."""

from __future__ import annotations

import functools
import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.certs import Authority

from coda_network import urllib2
from coda_network._net import tls
from coda_network._net.tls import client_context, shared_context


@pytest.fixture
def store(ca: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A trust store: the file that OpenSSL reads, and beside it the folder."""
    file = tmp_path / "store.pem"
    file.write_bytes(ca.bundle.read_bytes())
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join([str(tmp_path / "none"), str(tmp_path / "folder")]))
    return file


def test_the_shared_context_is_made_once_and_is_a_default_one(store: Path) -> None:
    context = shared_context()
    assert shared_context() is context
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.post_handshake_auth
    assert context.cert_store_stats()["x509_ca"] == 1


def other_file(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = store.with_name("other.pem")
    other.write_bytes(store.read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(other))


def other_folder(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(store.parent))


def no_variables(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")


def longer_file(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.open("ab") as file:
        file.write(b"\n")


def file_moved_into_its_place(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = store.stat()
    other_file(store, monkeypatch)
    store.with_name("other.pem").replace(store)
    monkeypatch.setenv("SSL_CERT_FILE", str(store))
    os.utime(store, ns=(before.st_atime_ns, before.st_mtime_ns))


def file_removed(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.unlink()


def certificate_in_the_second_folder(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (store.parent / "folder" / "01234567.0").write_bytes(store.read_bytes())


def checks_switched_off(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssl, "_create_default_https_context", ssl._create_unverified_context)


class OfTheSystem:
    """A context that has its certificates from elsewhere, like that of ``truststore``."""

    verify_mode = ssl.CERT_REQUIRED
    verify_flags = ssl.VERIFY_DEFAULT
    post_handshake_auth = None

    def __init__(self, protocol: int) -> None:
        pass

    def load_default_certs(self, purpose: object) -> None:
        pass

    def set_alpn_protocols(self, protocols: list[str]) -> None:
        pass


def other_class(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssl, "SSLContext", OfTheSystem)


def keys_logged(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(store.with_name("keys")))


def time_gone_by(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = tls.monotonic()
    monkeypatch.setattr(tls, "monotonic", lambda: now + tls.MOST_AGE)


@pytest.mark.parametrize(
    "change",
    [
        other_file,
        other_folder,
        no_variables,
        longer_file,
        file_moved_into_its_place,
        file_removed,
        certificate_in_the_second_folder,
        checks_switched_off,
        other_class,
        keys_logged,
        time_gone_by,
    ],
)
def test_a_new_context_is_made_when_what_it_depends_on_changes(
    store: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path, pytest.MonkeyPatch], None]
) -> None:
    before = shared_context()
    change(store, monkeypatch)
    after = shared_context()
    assert after is not before
    assert (after.verify_mode is ssl.CERT_NONE) is (change is checks_switched_off)
    assert shared_context() is after


def wrapped(ca: Authority) -> Callable[[], ssl.SSLContext]:
    # It looks like the function of ssl that it wraps.
    return functools.wraps(ssl.create_default_context)(lambda: ca.client_context())


def bound(ca: Authority) -> Callable[[], ssl.SSLContext]:
    return functools.partial(ssl.create_default_context, cafile=str(ca.bundle))


@pytest.mark.parametrize("make", [wrapped, bound, lambda ca: ca.client_context])
def test_a_function_of_the_program_is_called_each_time(
    ca: Authority, monkeypatch: pytest.MonkeyPatch, make: Callable[[Authority], Any]
) -> None:
    monkeypatch.setattr(ssl, "_create_default_https_context", make(ca))
    first, second = shared_context(), shared_context()
    assert first is not second
    monkeypatch.undo()
    assert shared_context() not in (first, second)


def test_a_program_never_gets_to_see_the_shared_context(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = shared_context()
    assert client_context() is not shared
    handler = urllib2.HTTPSHandler(check_hostname=False)
    assert handler._context is not shared
    assert shared.check_hostname
    opened = urllib2.HTTPSHandler()
    monkeypatch.setattr(opened, "do_open", lambda *_, **options: options["context"])
    assert opened.https_open(None) is not shared
