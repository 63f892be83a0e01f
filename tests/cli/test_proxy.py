"""``coda-network proxy``, and ``mini_proxy``, its name of 2010: their options, their signals, and how they end."""

from __future__ import annotations

import os
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from support.accounts import ALICE
from support.listening import TIMEOUT
from support.local import RawClient
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import REALM, Proxy
from support.proxy_process import running

from coda_network._local_proxy import command
from coda_network._local_proxy.proxy import LocalProxy
from coda_network.cli import main
from coda_network.mini_proxy import MiniProxy
from coda_network.mini_proxy import main as mini_proxy


def test_the_program_of_2010_still_takes_its_options(origin: Origin, basic_proxy: Proxy) -> None:
    options = ["--listen-address", "0.0.0.0", "--allow", "10.0.0.0/8", "--proxy-type", "basic"]
    upstream = ["--proxy", basic_proxy.netloc, "--user", ALICE.user, "--password", ALICE.password, "--realm", REALM]
    with running("coda_network.mini_proxy", *options, *upstream) as proxy:
        assert any("warning: other machines can reach 0.0.0.0" in line for line in proxy.said)
        with RawClient(proxy) as client:
            assert client.get(origin.url)[0] == 200
        proxy.process.send_signal(signal.SIGINT)
        assert proxy.end() == 0
    assert [request.status for request in basic_proxy.requests] == [407, 200]
    assert ALICE.password not in "".join(proxy.said)


def test_signals_tell_figures_read_the_configuration_again_and_end_it_in_order(
    origin: Origin, basic_proxy: Proxy, tmp_path: Path
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def script(wire: Wire) -> None:
        wire.read_head()
        asked.set()
        assert go_on.wait(TIMEOUT)
        wire.respond(b"in time")

    password, file = tmp_path / "password", tmp_path / "config.toml"
    password.write_text("wrong")
    password.chmod(0o600)
    settings = f"user = '{ALICE.user}'\npassword-file = '{password}'\nno-proxy = ['localhost']\n"
    file.write_text(f"proxy = '{basic_proxy.url}'\n{settings}")
    with (
        ScriptedPeer(script) as peer,
        running("coda_network", "proxy", "--drain", "60", CODA_NETWORK_CONFIG=str(file)) as proxy,
    ):
        with RawClient(proxy) as client:
            assert client.get(origin.url)[0] == 502
            proxy.process.send_signal(signal.SIGUSR1)
            assert "clients=1 " in proxy.line_with(" requests=")

            file.write_text("proxy = 'gopher://x'\n")
            proxy.process.send_signal(signal.SIGHUP)
            assert "the scheme of a proxy" in proxy.line_with("the configuration stays as it was")
            password.chmod(0o644)
            file.write_text(f"proxy = '{basic_proxy.url}'\n{settings}")
            proxy.process.send_signal(signal.SIGHUP)
            assert str(password) in proxy.line_with("the configuration stays as it was")
            password.chmod(0o600)
            password.write_text(ALICE.password)
            proxy.process.send_signal(signal.SIGHUP)
            proxy.line_with("the configuration was read again")
            assert client.get(origin.url)[0] == 200

            port = peer.netloc.rpartition(":")[2]
            client.send(f"GET http://localhost:{port}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert asked.wait(TIMEOUT)
            proxy.process.send_signal(signal.SIGTERM)
            go_on.set()
            assert client.response()[2] == b"in time"
        assert proxy.end() == 0
    assert ALICE.password not in "".join(proxy.said)


def test_a_signal_amid_what_another_one_has_begun_waits_for_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    start, settings_of = LocalProxy.start, command.settings_of
    under_way: list[int] = []
    deepest = times = 0

    def begin(proxy: LocalProxy) -> None:
        start(proxy)
        os.kill(os.getpid(), signal.SIGHUP)

    def read(*arguments: Any) -> Any:
        nonlocal deepest, times
        times += 1
        under_way.append(times)
        deepest = max(deepest, len(under_way))
        if times > 1:  # the first one is before it listens
            os.kill(os.getpid(), signal.SIGHUP if times < 4 else signal.SIGTERM)
        found = settings_of(*arguments)
        under_way.pop()
        return found

    monkeypatch.setattr(LocalProxy, "start", begin)
    monkeypatch.setattr(command, "settings_of", read)
    assert command.main(["--port", "0", "--proxy", "direct"]) == 0
    assert (deepest, times) == (1, 4)


def test_a_second_signal_ends_it_at_once() -> None:
    with ScriptedPeer(lambda wire: wire.read_to_end()) as peer:
        with (
            running("coda_network", "proxy", "--proxy", "direct", "--drain", "3600") as proxy,
            RawClient(proxy) as client,
        ):
            client.send(f"CONNECT {peer.netloc} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert client.head().startswith(b"HTTP/1.1 200")
            proxy.process.send_signal(signal.SIGTERM)
            while _accepts(proxy.address):
                pass
            proxy.process.send_signal(signal.SIGTERM)
            assert proxy.end() == 1
            assert client.file.read() == b""


def _accepts(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, TIMEOUT).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("program", ["proxy", "mini_proxy"])
def test_a_port_in_use_is_1_and_says_so(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = ["--proxy", "direct", "--port", str(taken.getsockname()[1])]
        assert (mini_proxy(words) if program == "mini_proxy" else main([program, *words])) == 1
        said = capsys.readouterr().err
    assert f"127.0.0.1:{words[-1]}: " in said
    assert "in use" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--port", "70000"], "--port: 70000"),
        (["--allow", "10.0.0.0/99"], "10.0.0.0/99"),
        (["--idle", "-1"], "idle: -1"),
        (["--max-clients", "0"], "clients: 0"),
        (["--filter", "no_such_module:function"], "no_such_module"),
        (["--filter", "os"], "module:function"),
        (["--proxy", "gopher://x"], "--proxy: the scheme of a proxy must be one of"),
        (["--user", "alice", "--password-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE"),
        (["--log-level", "loud"], "loud"),
    ],
)
def test_options_that_cannot_be_used_are_2_and_say_why(
    words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["proxy", "--port", "0", *words]) == 2
    said = capsys.readouterr().err
    assert why in said
    assert "Traceback" not in said


def test_within_a_program_it_is_a_context_manager(origin: Origin, basic_proxy: Proxy) -> None:
    lines: list[str] = []
    upstream = {"proxy": basic_proxy.url, "user": ALICE.user, "password": ALICE.password}
    with MiniProxy(**upstream, access_log=lines.append) as proxy, RawClient(proxy) as client:
        assert client.get(origin.url)[0] == 200
    assert not _accepts(proxy.address)
    assert len(lines) == 1
    with pytest.raises(ValueError, match="scheme"):
        MiniProxy(proxy="gopher://x")
