"""Load on local proxies that log in by NTLM: ours, cntlm and px, before the same squid and site.

``python benchmarks/local_proxies.py [--clients 200 500] [--kinds http CONNECT] [--seconds 60] [NAME ...]`` prints a
table: requests a second, errors and their kinds, the time of a response (the 99th of a hundred, and the longest), CPU
of the proxy for a request, and its memory and sockets before the load, at a quarter, the middle and the end of it, and
behind it: what is flat does not grow between these. Requests in the clear are made by ``wrk``, to which a response that
takes more than 20 seconds is an error; those in tunnels by this file: each of its clients opens one tunnel and keeps
it, and when all are open (which has 20 seconds) the time and the CPU begin to count. The proxies are run one after the
other, twelve rows of ``--seconds`` and about five more each: 13 minutes with 60 seconds.
Needs Debian's squid, nginx, wrk and cntlm; px is ``px-proxy`` of PyPI, in the same environment or on the PATH.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support import nginx as nginx_module
from support import squid as squid_module
from support.accounts import ALICE, DOMAIN
from support.certs import Authority
from support.nginx import Nginx
from support.servers import free_port, public_directory
from support.squid import NTLMLogin, Squid

OPEN_SECONDS = 20
TICKS = os.sysconf("SC_CLK_TCK")
PASSWORD = {"PROXY_PASSWORD": ALICE.password, "PX_PASSWORD": ALICE.password}
SCRIPT = 'request = function() return wrk.format("GET", "{url}") end\n'


class State(NamedTuple):
    """What a process and its children have used, and hold."""

    seconds: float
    mib: float
    sockets: int


def state_of(pid: int) -> State:
    seconds, kib, sockets = 0.0, 0, 0
    for each in (pid, *_children(pid)):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            status = Path(f"/proc/{each}/status").read_text()
            sockets += sum(_is_socket(file) for file in Path(f"/proc/{each}/fd").iterdir())
        except (FileNotFoundError, ProcessLookupError):
            continue
        seconds += (int(fields[11]) + int(fields[12])) / TICKS
        kib += int((re.search(r"VmRSS:\s+(\d+)", status) or [0, "0"])[1])
    return State(seconds, kib / 1024, sockets)


def _is_socket(file: Path) -> bool:
    try:
        return os.readlink(file).startswith("socket:")
    except FileNotFoundError:  # closed by now
        return False


def _children(pid: int) -> Iterator[int]:
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            children = Path(f"/proc/{pid}/task/{task}/children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):  # a thread that has ended
            continue
        for child in map(int, children):
            yield child
            yield from _children(child)


# -- the proxies


def ours(squid: Squid, folder: Path, port: int) -> list[str]:
    command = [sys.executable, "-m", "coda_network", "proxy", "-q", "--port", str(port), "--proxy", squid.url]
    return [*command, "--user", ALICE.qualified, "--password-env", "PROXY_PASSWORD"]


def cntlm(squid: Squid, folder: Path, port: int) -> list[str]:
    settings = folder / "cntlm.conf"
    settings.write_text(
        f"Username {ALICE.user}\nDomain {DOMAIN}\nPassword {ALICE.password}\nProxy {squid.netloc}\n"
        f"Listen 127.0.0.1:{port}\nAuth NTLMv2\nNoProxy none.example\n"
    )
    settings.chmod(0o600)
    return [shutil.which("cntlm") or "/usr/sbin/cntlm", "-f", "-c", str(settings)]


def px(squid: Squid, folder: Path, port: int) -> list[str]:
    beside = Path(sys.executable).with_name("px")
    program = str(beside) if beside.exists() else shutil.which("px")
    if program is None:
        raise SystemExit("px is not installed: pip install px-proxy")
    command = [program, f"--proxy={squid.netloc}", f"--port={port}", "--auth=NTLM"]
    return [*command, f"--username={ALICE.qualified}", "--threads=600", "--workers=1"]


PROXIES = {"coda-network": ours, "cntlm": cntlm, "px": px}


@contextmanager
def running(command: list[str], port: int) -> Iterator[int]:
    """Run a proxy; yield its process when it listens."""
    with subprocess.Popen(
        command, env={**os.environ, **PASSWORD}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            for _ in range(200):
                time.sleep(0.1)
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    continue
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


# -- the load


class Load(NamedTuple):
    """What came of it."""

    requests: int
    errors: dict[str, int]
    seconds: float
    most_ms: float
    """Of 99 in a hundred responses."""
    longest_ms: float

    def errors_shown(self) -> str:
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.errors.items()) if count)
        return f"{sum(self.errors.values())} ({kinds})" if kinds else "0"


def in_the_clear(url: str, port: int, clients: int, seconds: int, folder: Path) -> Load:
    script = folder / "wrk.lua"
    script.write_text(SCRIPT.format(url=url))
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", "--timeout", "20s", "-s", str(script)]
    done = subprocess.run([*command, f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True).stdout
    total = re.search(r"(\d+) requests in (\S+),", done)
    most = re.search(r"(?m)^\s+99%\s+(\S+)", done)
    longest = re.search(r"(?m)^\s+Latency\s+\S+\s+\S+\s+(\S+)", done)
    assert total and most and longest, done
    errors = {kind: int(number) for kind, number in re.findall(r"(connect|read|write|timeout) (\d+)", done)}
    errors["not 2xx"] = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", done)))
    return Load(int(total[1]), errors, _seconds(total[2]), _seconds(most[1]) * 1e3, _seconds(longest[1]) * 1e3)


def _seconds(text: str) -> float:
    """Read a time as wrk writes it: ``1.20m``, ``17.03s``, ``380.11ms``, ``90.00us``."""
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]  # or it is no time
    return float(number) * {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6}[unit]


async def _in_tunnels(host: str, path: str, port: int, clients: int, seconds: int) -> None:
    """Print a line when the tunnels are open, then what came of the load."""
    times: list[float] = []
    ask = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()

    async def tunnel() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(head)
        return reader, writer

    async def use(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, end: float) -> None:
        while (began := time.monotonic()) < end:
            writer.write(ask)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            length = re.search(rb"(?i)content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            times.append(time.monotonic() - began)

    opened = await asyncio.gather(
        *(asyncio.wait_for(tunnel(), OPEN_SECONDS) for _ in range(clients)), return_exceptions=True
    )
    print("open", flush=True)
    end = time.monotonic() + seconds
    tunnels = [each for each in opened if not isinstance(each, BaseException)]
    used = await asyncio.gather(*(use(*each, end) for each in tunnels), return_exceptions=True)
    errors = Counter(f"{type(each).__name__} opening" for each in opened if isinstance(each, BaseException))
    errors += Counter(type(each).__name__ for each in used if isinstance(each, BaseException))
    times.sort()
    most, longest = (times[len(times) * 99 // 100] * 1e3, times[-1] * 1e3) if times else (0, 0)
    print(json.dumps(Load(len(times), errors, seconds, most, longest)), flush=True)
    os._exit(0)  # the tunnels end with it


def in_tunnels(host: str, path: str, port: int, clients: int, seconds: int, begun: threading.Event) -> Load:
    """Make the load in a process of its own: its CPU is not the proxy's, nor this one's."""
    arguments = ["--tunnels", host, path, str(port), str(clients), str(seconds)]
    with subprocess.Popen([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        begun.set()
        return Load(*json.loads(process.stdout.readline()))


def main() -> None:
    if sys.argv[1:2] == ["--tunnels"]:
        host, path, port, clients, seconds = sys.argv[2:]
        asyncio.run(_in_tunnels(host, path, int(port), int(clients), int(seconds)))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--clients", nargs="+", type=int, default=[200, 500])
    parser.add_argument("--kinds", nargs="+", choices=("http", "CONNECT"), default=["http", "CONNECT"])
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    # A client takes two of squid's, and all of them log in at once.
    for module, few, many in (
        (squid_module, "max_filedescriptors 1024", "max_filedescriptors 8192"),
        (nginx_module, "worker_connections 512", "worker_connections 8192"),
    ):
        assert few in module.CONFIGURATION
        module.CONFIGURATION = module.CONFIGURATION.replace(few, many)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ca = Authority(stack.enter_context(public_directory()))
        nginx = stack.enter_context(Nginx(ca))
        squid = stack.enter_context(Squid(ca, NTLMLogin()))
        print("| proxy | clients | kind | requests/s | errors | 99%, longest (ms) | CPU us/request | MiB | sockets |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
        host = nginx.url.partition("://")[2]
        for name in options.names or PROXIES:
            port = free_port()
            with running(PROXIES[name](squid, folder, port), port) as pid:
                for clients in options.clients:
                    for kind in options.kinds:
                        _measure(name, kind, pid, port, nginx, host, clients, options.seconds, folder)


def _measure(
    name: str, kind: str, pid: int, port: int, nginx: Nginx, host: str, clients: int, seconds: int, folder: Path
) -> None:
    before, states = state_of(pid), []
    begun, ended = threading.Event(), threading.Event()

    def watch() -> None:
        begun.wait()
        states.append(state_of(pid))
        while not ended.wait(0.5):
            states.append(state_of(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        if kind == "http":
            begun.set()
            load = in_the_clear(nginx.url + nginx.small.path, port, clients, seconds, folder)
        else:
            load = in_tunnels(host, nginx.small.path, port, clients, seconds, begun)
    finally:
        begun.set()
        ended.set()
        watcher.join()
    time.sleep(2)
    after = state_of(pid)
    cpu = (after.seconds - states[0].seconds) / max(load.requests, 1) * 1e6
    looks = [before, *(states[len(states) * part // 4] for part in (1, 2)), states[-1], after]
    mib = ", ".join(f"{look.mib:.0f}" for look in looks)
    sockets = ", ".join(str(look.sockets) for look in looks)
    rate = load.requests / load.seconds
    shown = f"{load.errors_shown()} | {load.most_ms:.0f}, {load.longest_ms:.0f} | {cpu:.0f} | {mib} | {sockets}"
    print(f"| {name} | {clients} | {kind} | {rate:.0f} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
