"""Servers that the programs of ``programs.py`` talk to beside the site: sshd, websockets, Mercurial."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import shutil
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from support.certs import Authority
from support.servers import ServerProcess, free_port

CODA_NETWORK = [sys.executable, "-m", "coda_network"]


class Sshd:
    """A real sshd on a port of its own, with a key of its own."""

    def __init__(self, place: Path) -> None:
        self.port, self.folder = free_port(), place / "ssh"
        self.folder.mkdir(mode=0o700)
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name], check=True)
        shutil.copy(self.folder / "user.pub", self.folder / "authorized_keys")
        (self.folder / "config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\nStrictModes no\n"
            f"AuthorizedKeysFile {self.folder}/authorized_keys\nPidFile {self.folder}/pid\nUsePAM no\n"
            f"PermitRootLogin yes\nSubsystem sftp internal-sftp\n"
        )

    def __enter__(self) -> Sshd:
        Path("/run/sshd").mkdir(exist_ok=True)
        command = [shutil.which("sshd") or "sshd", "-D", "-e", "-f", self.folder / "config"]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.terminate()
        self.process.wait()

    def _options(self) -> str:
        through = f"{' '.join(CODA_NETWORK)} connect %h %p"
        known = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o BatchMode=yes"
        return f"-F none -i {self.folder}/user {known} -o 'ProxyCommand={through}'"

    def ssh(self, command: str) -> str:
        return f"ssh {self._options()} -p {self.port} {getpass.getuser()}@localhost '{command}'"

    def scp(self, source: Path, target: Path) -> str:
        return f"scp -q {self._options()} -P {self.port} {getpass.getuser()}@localhost:{source} {target}"


@contextmanager
def echo_of_websockets(context: ssl.SSLContext | None) -> Iterator[int]:
    """Run a server that says what it is told; yield its port, 0 where the package is missing."""
    try:
        import websockets
    except ImportError:
        yield 0
        return
    port, loop = free_port(), asyncio.new_event_loop()

    async def echo(socket: Any) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in socket:
                await socket.send(message)

    async def serve() -> None:
        await websockets.serve(echo, "127.0.0.1", port, ssl=context)

    loop.run_until_complete(serve())
    threading.Thread(target=loop.run_forever, daemon=True).start()
    yield port
    loop.call_soon_threadsafe(loop.stop)


@contextmanager
def mercurial(repository: Path, ca: Authority, tls: bool) -> Iterator[int]:
    """Serve a repository by ``hg serve``; yield the port, 0 where there is no hg."""
    if not shutil.which("hg"):
        yield 0
        return
    port = free_port()
    command = ["hg", "serve", "-R", str(repository), "--address", "127.0.0.1", "--port", str(port)]
    if tls:
        both = repository.parent / "hg.pem"
        both.write_bytes(ca.server_key.read_bytes() + ca.server_certificate.read_bytes())
        command += ["--certificate", str(both)]
    server = ServerProcess(command, repository.parent / "hg.log")
    server.start(port)
    try:
        yield port
    finally:
        server.stop()


class Servers:
    """All of them, for a with statement; what is not installed has None, or 0 as its port."""

    def __init__(self, place: Path, ca: Authority) -> None:
        self._place, self._ca = place, ca
        self._stack = ExitStack()

    def __enter__(self) -> Servers:
        enter = self._stack.enter_context
        self.ws, self.wss = (enter(echo_of_websockets(each)) for each in (None, self._ca.server_context()))
        self.hg, self.hgs = (enter(mercurial(self._place / "files" / "hg", self._ca, tls)) for tls in (False, True))
        self.sshd = enter(Sshd(self._place)) if shutil.which("sshd") else None
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()
