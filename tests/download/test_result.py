"""What `do_download()` returns beside status and body; its further arguments."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from support.origin import Origin, patterned
from support.peer import ScriptedPeer, Wire

from coda_network import do_download
from coda_network._download.charset import text_of
from coda_network.utilities import DownloadResult, Retry, WrongDigest


def test_a_result_is_a_pair_that_knows_more(origin: Origin) -> None:
    result = do_download(f"{origin.url}/redirect/302?to={origin.url}/bytes/10", sha256=True)
    code, data = result
    assert (code, data) == result == (200, patterned(10))
    assert (result.code, result.data, result.reason) == (200, patterned(10), "OK")
    assert result.url == f"{origin.url}/bytes/10"
    assert result.headers["Content-Length"] == "10"
    assert 0 < result.elapsed < 10
    assert result.sha256 == hashlib.sha256(patterned(10)).hexdigest()
    assert repr(result) == "<DownloadResult 200, 10 bytes>"


def test_an_error_has_the_same_attributes_and_no_body(origin: Origin) -> None:
    result = do_download(f"{origin.url}/status/404")
    assert result == (404, None)
    assert (result.reason, result.url) == ("Not Found", f"{origin.url}/status/404")
    assert (result.headers["Content-Length"] is None, result.sha256) == (False, None)
    assert repr(result) == "<DownloadResult 404, no body>"
    for use in (lambda: result.text, result.json):
        with pytest.raises(ValueError, match="no body: the server responded with 404 Not Found"):
            use()


def test_it_is_pickled_whole(origin: Origin) -> None:
    result = do_download(f"{origin.url}/bytes/10", sha256=True)
    again: Any = pickle.loads(pickle.dumps(result))
    assert (type(again), again) == (DownloadResult, result)
    assert (again.url, again.sha256, again.elapsed) == (result.url, result.sha256, result.elapsed)
    assert again.headers.items() == result.headers.items()


@pytest.mark.parametrize("expected", [True, "0" * 64])
def test_304_has_no_body_whose_digest_could_be_wrong(origin: Origin, expected: Any) -> None:
    result = do_download(f"{origin.url}/status/304", etag='"a"', sha256=expected)
    assert (result.code, result.sha256) == (304, None)


@pytest.mark.parametrize("form", [str, str.upper, "sha256:{}".format], ids=["lower", "upper", "prefix"])
def test_a_digest_is_verified(origin: Origin, form: Any) -> None:
    right = hashlib.sha256(patterned(10)).hexdigest()
    assert do_download(f"{origin.url}/bytes/10", sha256=form(right)).sha256 == right
    with pytest.raises(WrongDigest, match=f"{right} came, 0{{64}} was expected") as caught:
        do_download(f"{origin.url}/bytes/10", sha256=form("0" * 64))
    assert (caught.value.found, caught.value.expected) == (right, "0" * 64)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("digest", ["", "12", "g" * 64, "0" * 65])
def test_what_is_no_digest_is_a_value_error(digest: str) -> None:
    with pytest.raises(ValueError, match="a sha256 digest is 64 hexadecimal digits"):
        do_download("http://127.0.0.1:1/", sha256=digest)


@pytest.mark.parametrize(
    ("arguments", "body", "media_type"),
    [
        ({"data": {"a": "1 &", "b": ["x", "y"]}}, b"a=1+%26&b=x&b=y", "application/x-www-form-urlencoded"),
        ({"data": b"raw"}, b"raw", "application/x-www-form-urlencoded"),
        ({"json": {"a": ["süß", 1, None]}}, '{"a": ["süß", 1, null]}'.encode(), "application/json"),
        ({"json": [], "headers": {"content-type": "application/ld+json"}}, b"[]", "application/ld+json"),
    ],
)
def test_what_is_sent(origin: Origin, arguments: dict[str, Any], body: bytes, media_type: str) -> None:
    seen = do_download(origin.url, **arguments).json()
    assert (seen["method"], seen["body_sha256"]) == ("POST", hashlib.sha256(body).hexdigest())
    assert dict(seen["headers"])["Content-Type"] == media_type


def test_method_headers_and_conditions(origin: Origin) -> None:
    do_download(origin.url, method="PUT", data=b"x", headers={"X-Kind": "test"}, etag='"a"', last_modified=0)
    [seen] = origin.requests
    assert (seen.method, seen.header("x-kind"), seen.header("if-none-match")) == ("PUT", "test", '"a"')
    assert seen.header("if-modified-since") == "Thu, 01 Jan 1970 00:00:00 GMT"


def test_not_modified_is_a_result() -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 304 Not Modified\r\n\r\n")

    with ScriptedPeer(script) as peer:
        assert do_download(peer.url, etag='"a"') == (304, b"")


@pytest.mark.parametrize(
    "arguments",
    [
        {"postdata": b"a", "data": b"b"},
        {"data": b"a", "json": 1},
        {"json": 1, "files": {}},
        {"data": b"a", "files": {}},
        {"json": float("nan")},
        {"files": {"a": 3}},
        {"files": {"a": ("only a name",)}},
    ],
    ids=str,
)
def test_bodies_that_make_no_sense_are_value_errors(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        do_download("http://127.0.0.1:1/", **arguments)


# -- files


def test_files_are_sent_from_disk_without_loading_them(origin: Origin, tmp_path: Path) -> None:
    import email
    import tracemalloc

    def script(wire: Wire) -> None:
        bodies.append(wire.read_request())
        wire.respond(b"")

    bodies: list[tuple[bytes, bytes]] = []
    large = tmp_path / 'na"me\n.bin'
    with open(large, "wb") as file:
        file.truncate(40 << 20)
    small = tmp_path / "größe.txt"
    small.write_text("hello", encoding="utf-8")
    with ScriptedPeer(script) as peer, open(small, "rb") as opened:
        opened.read(2)
        files: dict[str, Any] = {"a": small, "b": opened, "c": ("given.csv", b"1,2", "text/x"), "d": str(small)}
        assert do_download(peer.url, data={"field": ["ö", "2"]}, files=files)[0] == 200
    [(head, body)] = bodies
    message: Any = email.message_from_bytes(
        b"Content-Type: " + head.split(b"Content-Type: ")[1].split(b"\r\n")[0] + b"\n\n" + body
    )
    parts = message.get_payload()
    assert [part.get_payload(decode=True) for part in parts] == ["ö".encode(), b"2", b"hello", b"llo", b"1,2", b"hello"]
    assert [part.get_param("name", header="Content-Disposition") for part in parts] == ["field", "field", *"abcd"]
    assert parts[4].get_content_type() == "text/x"
    tracemalloc.start()
    assert do_download(origin.url, files={"f": large})[0] == 200
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 << 20  # the server of the test, in this process, included
    assert origin.requests[-1].body_length > 40 << 20


def test_a_missing_file_is_named_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        do_download("http://127.0.0.1:1/", files={"f": tmp_path / "none"})
    assert str(caught.value.filename) == str(tmp_path / "none")


# -- text


@pytest.mark.parametrize(
    ("data", "content_type", "text"),
    [
        ("süß".encode(), None, "süß"),
        ("süß".encode("latin-1"), None, "süß"),
        ("süß".encode("latin-1"), "text/plain; charset=iso-8859-1", "süß"),
        ("“süß”".encode("cp1252"), "text/plain; charset=iso-8859-1", "“süß”"),
        ("süß".encode(), "text/plain; charset=nonsense", "süß"),
        ("süß".encode(), 'text/plain; charset="utf-8"', "süß"),
        ("\ufeffsüß".encode(), "text/plain; charset=latin-1", "süß"),
        ("süß".encode("utf-16"), "text/plain", "süß"),
        ("привет".encode("koi8-r"), "text/plain; charset=koi8-r", "привет"),
        (
            b'<html><meta charset="koi8-r">' + "привет".encode("koi8-r"),
            "text/html",
            '<html><meta charset="koi8-r">привет',
        ),
        (
            b'<?xml version="1.0" encoding="cp1251"?>' + "я".encode("cp1251"),
            "text/xml",
            '<?xml version="1.0" encoding="cp1251"?>я',
        ),
        (b"\xfa", "text/plain; charset=ascii", "ú"),
        (b"a", "text/plain; charset=base64", "a"),
        (b"", None, ""),
    ],
)
def test_the_charset_is_found(data: bytes, content_type: str | None, text: str) -> None:
    from email.message import Message

    headers = Message()
    if content_type is not None:
        headers["Content-Type"] = content_type
    assert text_of(data, headers) == text


def test_json_in_any_unicode_charset(origin: Origin) -> None:
    assert do_download(origin.url).json()["method"] == "GET"
    for charset in ("utf-8", "utf-16", "utf-32-le"):
        assert DownloadResult(200, json.dumps({"a": "ö"}).encode(charset)).json() == {"a": "ö"}
    for bad in (b"{", b"\xff\xff"):
        with pytest.raises(ValueError):
            DownloadResult(200, bad).json()


def test_a_policy_can_be_given(origin: Origin) -> None:
    assert do_download(f"{origin.url}/status/503", retry=Retry(attempts=2, backoff=0)) == (503, None)
    assert len(origin.requests) == 2
