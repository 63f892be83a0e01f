"""`download_file()`: the digest that is expected, or that the response names, is that of the file."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from support.file_server import BODY, FileServer, begun, only
from support.origin import Origin
from support.peer import ScriptedPeer

from coda_network.utilities import WrongDigest, download_file


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_an_expected_digest_is_verified(origin: Origin, tmp_path: Path, kind: str, right: bool) -> None:
    digest = hashlib.new(kind, BODY if right else b"").hexdigest()
    arguments: dict[str, Any] = {kind: digest}
    (tmp_path / "file").write_bytes(b"old")
    if right:
        download_file(f"{origin.url}/bytes/300000", tmp_path / "file", **arguments)
        assert (tmp_path / "file").read_bytes() == BODY
        return
    with pytest.raises(WrongDigest, match=r"file\.part\.wrong") as caught:
        download_file(f"{origin.url}/bytes/300000", tmp_path / "file", **arguments)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert caught.value.kept == str(tmp_path / "file.part.wrong")
    assert Path(caught.value.kept).read_bytes() == BODY
    assert only(tmp_path, "file", "file.part.wrong")


def encoded(kind: str, data: bytes = BODY) -> str:
    return base64.b64encode(hashlib.new(kind, data).digest()).decode()


ANNOUNCED = {
    "Repr-Digest": "sha-256=:{sha256}:, sha-512=:{sha512}:",
    "Content-Digest": "md5=:{md5}:",
    "Digest": "UNIXsum=1,MD5={md5},SHA-256={sha256}",
    "Content-MD5": "{md5}",
}


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("name", ANNOUNCED)
def test_a_digest_of_the_response_is_verified(tmp_path: Path, name: str, right: bool) -> None:
    data = BODY if right else b""
    value = ANNOUNCED[name].format(**{kind: encoded(kind, data) for kind in ("sha256", "sha512", "md5")})
    server = FileServer()
    server.fields = [f"{name}: {value}"]
    with ScriptedPeer(server) as peer:
        if right:
            download_file(peer.url, tmp_path / "file")
        else:
            with pytest.raises(WrongDigest, match=re.escape(f"({name})")):
                download_file(peer.url, tmp_path / "file")
            download_file(peer.url, tmp_path / "file", check_digest=False)
    assert (tmp_path / "file").read_bytes() == BODY


@pytest.mark.parametrize("value", ["", "sha-256", "sha-256=:AA==:", "sha-256=:!!:", "crc=:AAAA:", "=,=,,;"])
def test_a_digest_that_is_none_says_nothing(tmp_path: Path, value: str) -> None:
    server = FileServer()
    server.fields = [f"Repr-Digest: {value}", f"Digest: {value}"]
    with ScriptedPeer(server) as peer:
        download_file(peer.url, tmp_path / "file")


def test_the_digest_of_a_resumed_file_is_of_all_of_it(tmp_path: Path) -> None:
    server = FileServer()
    server.fields = [f"Repr-Digest: sha-256=:{encoded('sha256')}:", f"Content-MD5: {encoded('md5', b'part')}"]
    with ScriptedPeer(server) as peer:
        begun(peer, server, tmp_path)
        digest = hashlib.sha256(BODY).hexdigest()
        assert download_file(peer.url, tmp_path / "file", sha256=digest).resumed_from == 100_000
