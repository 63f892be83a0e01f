"""`coda-network get`: what it writes where, what it says, and how it ends."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.accounts import ALICE
from support.certs import Authority
from support.nginx import Nginx
from support.origin import Origin, patterned
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy
from support.squid import Squid

import coda_network
from coda_network import utilities
from coda_network.cli import main

PACKAGE_ROOT = str(Path(coda_network.__file__).resolve().parent.parent)


def command(*arguments: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "coda_network", "get", *arguments],
        env={**os.environ, "PYTHONPATH": PACKAGE_ROOT},
        stdout=stdout,
        stderr=subprocess.PIPE,
    )


def test_without_a_file_it_writes_to_standard_output(origin: Origin, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["get", f"{origin.url}/bytes/100000"]) == 0
    assert capfdbinary.readouterr() == (patterned(100000), b"")


def test_a_dash_is_standard_output(origin: Origin, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["get", "-o", "-", f"{origin.url}/bytes/10"]) == 0
    assert capfdbinary.readouterr().out == patterned(10)


def test_a_file_is_replaced_when_all_is_there(origin: Origin, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"old")
    assert main(["get", f"{origin.url}/bytes/200000", "-o", str(place)]) == 0
    assert place.read_bytes() == patterned(200000)
    assert list(tmp_path.iterdir()) == [place]


def cut(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")


def cut_chunks(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc")


def gone(wire: Wire) -> None:
    wire.read_head()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (cut, "the connection ended too early, 97 bytes are missing"),
        (cut_chunks, "the connection ended too early"),
        (gone, "Remote end closed connection without response"),
    ],
)
def test_what_breaks_off_never_looks_complete(
    script: Callable[[Wire], None], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"old")
    with ScriptedPeer(script) as peer:
        assert main(["get", peer.url, "-o", str(place)]) == 1
        assert capsys.readouterr().err.startswith(f"coda-network get: {peer.url}: {message}")
    assert place.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize(
    ("path", "message"), [("/status/404", "404 Not Found"), ("/status/503", "503 Service Unavailable")]
)
def test_an_error_of_the_server_is_3(
    origin: Origin, path: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["get", origin.url + path, "-o", str(tmp_path / "file")]) == 3
    assert capsys.readouterr().err == f"coda-network get: {origin.url}{path}: {message}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_proxy_that_refuses_is_3_and_says_why(
    basic_proxy: Proxy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("https_proxy", basic_proxy.url_with_login.replace(ALICE.password, "s3cret"))
    assert main(["get", "https://far.example/"]) == 3
    said = capsys.readouterr().err
    assert said.startswith(
        "coda-network get: https://far.example/: Tunnel connection failed: 407 Proxy Authentication Required"
    )
    assert "Basic: " in said
    assert "refused" in said
    assert "s3cret" not in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "url",
    ["no-scheme", "http://", "http://user:s3cret@host:port/", "http://user:s3/cret@host/", "http://u:s3cret@h ost/"],
)
def test_a_url_that_makes_no_sense_is_2(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", url]) in (1, 2)
    said = capsys.readouterr().err
    assert said.startswith("coda-network get: ")
    assert "s3" not in said


def test_a_login_in_the_url_is_used_and_not_shown(origin: Origin, capfd: pytest.CaptureFixture[str]) -> None:
    url = origin.url.replace("://", "://alice:s3cret@")
    assert main(["get", f"{url}/basic/alice/s3cret"]) == 0
    capfd.readouterr()
    assert main(["get", f"{url}/basic/alice/other"]) == 3
    said = capfd.readouterr().err
    assert said.startswith(f"coda-network get: {origin.url}/basic/alice/other: 401 Unauthorized")
    assert "s3cret" not in said


def test_a_port_where_nobody_listens_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "http://127.0.0.1:1/"]) == 1
    assert capsys.readouterr().err == "coda-network get: http://127.0.0.1:1/: Connection refused\n"


def test_a_file_that_cannot_be_written_is_1(origin: Origin, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "no-such-folder" / "file"
    assert main(["get", origin.url, "-o", str(place)]) == 1
    assert capsys.readouterr().err == f"coda-network get: {place}.part: No such file or directory\n"


def test_a_reader_that_goes_away_ends_it_in_silence(origin: Origin) -> None:
    with command(f"{origin.url}/bytes/20000000") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(10) == patterned(10)
        process.stdout.close()
        assert (process.stderr.read(), process.wait(30)) == (b"", 1)


def test_an_interrupted_download_leaves_nothing(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(handle: object, count: int) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(utilities.DownloadHandle, "read1", interrupt)
    assert main(["get", origin.url, "-o", str(tmp_path / "file")]) == 130
    assert capsys.readouterr().err == "coda-network get: interrupted\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.servers
def test_it_goes_through_the_proxy_of_the_environment(
    nginx: Nginx, squid_ntlm: Squid, ca: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", squid_ntlm.url_for(ALICE, qualified=True))
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))
    file = nginx.file(3 << 20)
    place = tmp_path / "file"
    with command(nginx.tls_url + file.path, "-o", str(place)) as process:
        assert process.communicate(timeout=60) == (b"", b"")
        assert process.returncode == 0
    assert place.read_bytes() == file.place.read_bytes()


class Terminal(io.StringIO):
    """Standard error, as if it were a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("rich_is_there", [True, False])
def test_progress_is_shown_on_a_terminal_where_rich_is_there(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rich_is_there: bool
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    if not rich_is_there:
        monkeypatch.setitem(sys.modules, "rich.console", None)
    assert main(["get", f"{origin.url}/bytes/500000", "-o", str(tmp_path / "file")]) == 0
    assert ("500.0/500.0 kB" in terminal.getvalue()) is rich_is_there


def test_each_of_several_downloads_at_once_has_its_bar(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    urls = [f"{origin.url}/bytes/{size}" for size in (300_000, 400_000)]
    assert main(["get", "-O", "--parallel", "2", *urls, f"{origin.url}/status/404"]) == 3
    assert all(name in terminal.getvalue() for name in ("300000", "400000", "404 Not Found"))
    terminal.truncate(0)
    assert main(["get", "-q", "-O", "--parallel", "2", *urls]) == 0
    assert terminal.getvalue() == ""


# -- more than one URL, and more than GET


def test_several_urls_go_to_the_files_that_they_name(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    urls = [f"{origin.url}/bytes/{size}" for size in (10, 20, 30)]
    assert main(["get", "-O", "--parallel", "3", *urls]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["10", "20", "30"]
    assert (tmp_path / "30").read_bytes() == patterned(30)


def test_a_list_with_one_bad_url_gets_the_others(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list").write_text(
        f"# files\n{origin.url}/bytes/10\n\n{origin.url}/status/404\n{origin.url}/bytes/20\n"
    )
    assert main(["get", "-O", "-i", "list"]) == 3
    assert capsys.readouterr().err == f"coda-network get: {origin.url}/status/404: 404 Not Found\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["10", "20", "list"]


def test_several_urls_go_to_standard_output_in_turn(origin: Origin, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["get", f"{origin.url}/bytes/10", f"{origin.url}/bytes/20"]) == 0
    assert capfdbinary.readouterr().out == patterned(10) + patterned(20)


def test_method_header_and_data_are_sent(origin: Origin, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "body").write_bytes(b"from a file")
    assert main(["get", origin.url, "-d", "a=1", "-d", "b=2", "-H", "X-Kind: test", "-X", "PUT"]) == 0
    assert main(["get", origin.url, "-d", f"@{tmp_path / 'body'}"]) == 0
    assert main(["get", origin.url, "--json", '{"a": 1}']) == 0
    seen = origin.requests
    assert [(each.method, each.body_length) for each in seen] == [("PUT", 7), ("POST", 11), ("POST", 8)]
    assert (seen[0].header("X-Kind"), seen[2].header("Content-Type")) == ("test", "application/json")


def test_the_head_only(origin: Origin, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "-I", f"{origin.url}/bytes/10"]) == 0
    shown = capfd.readouterr().out.splitlines()
    assert shown[0] == "HTTP/1.1 200 OK"
    assert "Content-Length: 10" in shown
    assert origin.requests[0].method == "HEAD"


@pytest.mark.parametrize("resume", [False, True])
def test_a_wrong_digest_is_4(origin: Origin, tmp_path: Path, resume: bool, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "file"
    arguments = ["get", f"{origin.url}/bytes/10", "-o", str(place), *(["--resume"] if resume else [])]
    assert main([*arguments, "--sha256", "0" * 64]) == 4
    assert "wrong sha256 digest" in capsys.readouterr().err
    assert not place.exists()
    assert main([*arguments, "--sha256", hashlib.sha256(patterned(10)).hexdigest()]) == 0
    assert place.read_bytes() == patterned(10)


def test_what_broke_off_is_gone_on_with(tmp_path: Path) -> None:
    body = patterned(1000)

    def script(wire: Wire) -> None:
        head = wire.read_head()
        if b"Range: bytes=400-" in head:
            wire.respond(body[400:], "206 Partial", 'ETag: "a"', "Content-Range: bytes 400-999/1000")
        else:
            wire.send(b'HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: 1000\r\n\r\n' + body[:400])

    with ScriptedPeer([script, script]) as peer:
        assert main(["get", "--resume", peer.url, "-o", str(tmp_path / "file")]) == 1
        assert main(["get", "--resume", peer.url, "-o", str(tmp_path / "file")]) == 0
    assert (tmp_path / "file").read_bytes() == body


@pytest.mark.parametrize("retries", [0, 1])
def test_it_tries_again_only_when_asked(retries: int, capfd: pytest.CaptureFixture[str]) -> None:
    def refuse(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"", "503 Later", "Retry-After: 0", "Connection: close")

    def serve(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"there")

    with ScriptedPeer([refuse, serve][: retries + 1]) as peer:
        assert main(["get", "--retry", str(retries), peer.url]) == (0 if retries else 3)


def test_compressed_is_asked_for_and_decoded(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.respond(gzip.compress(b"text"), "200 OK", "Content-Encoding: gzip")

    with ScriptedPeer(script) as peer:
        assert main(["get", "--compressed", peer.url]) == 0
        assert capfdbinary.readouterr().out == b"text"
        assert main(["get", peer.url]) == 0
        assert gzip.decompress(capfdbinary.readouterr().out) == b"text"
        assert b"Accept-Encoding: identity" in peer.heads[1]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["http://a/", "http://b/", "-o", "x"],
        ["http://a/", "-o", "x", "-O"],
        ["http://a/", "--resume"],
        ["http://a/", "-H", "no field"],
        ["http://a/", "--parallel", "0"],
        ["http://a/", "--sha256", "12"],
        ["http://a/", "-d", "@x", "-d", "y"],
    ],
    ids=" ".join,
)
def test_what_does_not_fit_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", *arguments]) == 2
    assert capsys.readouterr().err.startswith("coda-network get: ")


@pytest.mark.parametrize("option", ["-i", "-d"])
def test_a_file_that_is_not_there_is_named(origin: Origin, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    value = "@missing" if option == "-d" else "missing"
    assert main(["get", origin.url, option, value]) == 1
    assert capsys.readouterr().err == "coda-network get: missing: No such file or directory\n"
