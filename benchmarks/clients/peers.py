"""The libraries that programs use today, each as its own documentation shows it."""

from __future__ import annotations

import json
from importlib import import_module
from io import BytesIO
from typing import Any, ClassVar

from place import BLOCK, DOMAIN, PASSWORD, USER, Site

from clients.base import Client


class Urllib3(Client):
    """urllib3.PoolManager."""

    name = "urllib3"
    needs = ("urllib3",)
    threads = True

    def __init__(self, site: Site, secure: bool) -> None:
        super().__init__(site, secure)
        self.pool = self.new_pool(8)

    def new_pool(self, size: int) -> Any:
        """Return a manager that keeps *size* connections to the site."""
        options = {"ssl_context": self.context()} if self.secure else {}
        return import_module("urllib3").PoolManager(maxsize=size, **options)

    def ask(self, path: str) -> Any:
        return self.pool.request("GET", self.base + path, preload_content=False)

    def get(self, path: str) -> int:
        return len(self.pool.request("GET", self.base + path).data)

    read_whole = get

    def post(self, path: str, body: bytes) -> int:
        return len(self.pool.request("POST", self.base + path, body=body).data)

    def get_json(self, path: str) -> int:
        return len(self.pool.request("GET", self.base + path, headers={"Accept-Encoding": "gzip"}).json())

    def read_blocks(self, path: str) -> int:
        response = self.ask(path)
        total = sum(map(len, response.stream(BLOCK)))
        response.release_conn()
        return total

    def read_into(self, path: str) -> int:
        response = self.ask(path)
        buffer = bytearray(BLOCK)
        total = 0
        while count := response.readinto(buffer):
            total += count
        response.release_conn()
        return total

    def read_lines(self, path: str) -> int:
        response = self.ask(path)
        total = sum(map(len, response))
        response.release_conn()
        return total

    def leave_idle(self, path: str, count: int) -> object:
        self.pool = self.new_pool(count)
        for response in [self.ask(path) for _ in range(count)]:
            response.read()
            response.release_conn()
        return self.pool

    def close(self) -> None:
        self.pool.clear()


class PatchedUrllib3(Urllib3):
    """urllib3.PoolManager after coda_network.patch()."""

    name = "urllib3, patched"
    needs = ("urllib3", "coda_network")
    ours = True

    def __init__(self, site: Site, secure: bool) -> None:
        import_module("coda_network").patch()
        super().__init__(site, secure)


class Requests(Client):
    """requests.Session."""

    name = "requests"
    module = "requests"
    needs: ClassVar[tuple[str, ...]] = ("requests",)
    threads = True

    def __init__(self, site: Site, secure: bool) -> None:
        super().__init__(site, secure)
        self.session = import_module(self.module).Session()
        self.session.verify = site.ca

    def get(self, path: str) -> int:
        return len(self.session.get(self.base + path).content)

    read_whole = get

    def post(self, path: str, body: bytes) -> int:
        return len(self.session.post(self.base + path, data=body).content)

    def get_json(self, path: str) -> int:
        return len(self.session.get(self.base + path).json())

    def read_blocks(self, path: str) -> int:
        with self.session.get(self.base + path, stream=True) as response:
            return sum(map(len, response.iter_content(BLOCK)))

    def read_lines(self, path: str) -> int:
        # Lines come without their ends here.
        with self.session.get(self.base + path, stream=True) as response:
            return sum(len(line) + 1 for line in response.iter_lines(BLOCK))

    def leave_idle(self, path: str, count: int) -> object:
        adapter = import_module(self.module).adapters.HTTPAdapter(pool_maxsize=count)
        self.session.mount("http://", adapter)
        for response in [self.session.get(self.base + path, stream=True) for _ in range(count)]:
            assert response.content
        return self.session

    def close(self) -> None:
        self.session.close()


class RequestsNtlm(Client):
    """requests.Session with requests_ntlm: for its logins only."""

    name = "requests-ntlm"
    needs = ("requests_ntlm",)

    def __init__(self, site: Site, secure: bool) -> None:
        super().__init__(site, secure)
        self.session = import_module("requests").Session()
        self.session.auth = import_module("requests_ntlm").HttpNtlmAuth(f"{DOMAIN}\\{USER}", PASSWORD)

    def log_in(self, path: str) -> int:
        return len(self.session.get(self.base + path).content)

    def close(self) -> None:
        self.session.close()


class PatchedRequests(Requests):
    """requests.Session after coda_network.patch()."""

    name = "requests, patched"
    needs = ("requests", "coda_network")
    ours = True

    def __init__(self, site: Site, secure: bool) -> None:
        import_module("coda_network").patch()
        super().__init__(site, secure)


class Niquests(Requests):
    """niquests.Session."""

    name = "niquests"
    module = "niquests"
    needs = ("niquests",)


class Httpx(Client):
    """httpx.Client."""

    name = "httpx"
    needs = ("httpx",)
    threads = True

    def __init__(self, site: Site, secure: bool) -> None:
        super().__init__(site, secure)
        self.client = self.new_client(8)

    def new_client(self, size: int) -> Any:
        """Return a client that keeps *size* connections."""
        httpx = import_module("httpx")
        limits = httpx.Limits(max_connections=size, max_keepalive_connections=size, keepalive_expiry=600)
        return httpx.Client(verify=self.context(), limits=limits, timeout=60)

    def get(self, path: str) -> int:
        return len(self.client.get(self.base + path).content)

    read_whole = get

    def post(self, path: str, body: bytes) -> int:
        return len(self.client.post(self.base + path, content=body).content)

    def get_json(self, path: str) -> int:
        return len(self.client.get(self.base + path).json())

    def read_blocks(self, path: str) -> int:
        with self.client.stream("GET", self.base + path) as response:
            return sum(map(len, response.iter_bytes(BLOCK)))

    def read_lines(self, path: str) -> int:
        # Lines come without their ends here.
        with self.client.stream("GET", self.base + path) as response:
            return sum(len(line) + 1 for line in response.iter_lines())

    def leave_idle(self, path: str, count: int) -> object:
        self.client = self.new_client(count)
        request = self.client.build_request("GET", self.base + path)
        for response in [self.client.send(request, stream=True) for _ in range(count)]:
            response.read()
        return self.client

    def close(self) -> None:
        self.client.close()


class Aiohttp(Client):
    """aiohttp.ClientSession, one request after the other in one event loop."""

    name = "aiohttp"
    needs = ("aiohttp",)

    def __init__(self, site: Site, secure: bool) -> None:
        super().__init__(site, secure)
        import asyncio

        self.loop = asyncio.new_event_loop()
        self.session = self.loop.run_until_complete(self._start(8))

    async def _start(self, size: int) -> Any:
        aiohttp = import_module("aiohttp")
        options = {"ssl": self.context()} if self.secure else {}
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=size, keepalive_timeout=600, **options))

    def repeat(self, count: int, operation: str, arguments: tuple[Any, ...], expected: int) -> None:
        self.loop.run_until_complete(self._repeat(count, operation, arguments, expected))

    async def _repeat(self, count: int, operation: str, arguments: tuple[Any, ...], expected: int) -> None:
        act = getattr(self, operation)
        for _ in range(count):
            if (came := await act(*arguments)) != expected:
                raise ValueError(f"{self.name}: {operation} returned {came}, not {expected}")

    async def get(self, path: str) -> int:
        async with self.session.get(self.base + path) as response:
            return len(await response.read())

    read_whole = get

    async def post(self, path: str, body: bytes) -> int:
        async with self.session.post(self.base + path, data=body) as response:
            return len(await response.read())

    async def get_json(self, path: str) -> int:
        async with self.session.get(self.base + path) as response:
            return len(await response.json())

    async def read_blocks(self, path: str) -> int:
        total = 0
        async with self.session.get(self.base + path) as response:
            async for block in response.content.iter_chunked(BLOCK):
                total += len(block)
        return total

    async def read_lines(self, path: str) -> int:
        total = 0
        async with self.session.get(self.base + path) as response:
            async for line in response.content:
                total += len(line)
        return total

    def leave_idle(self, path: str, count: int) -> object:
        import asyncio

        async def fill() -> None:
            await self.session.close()
            self.session = await self._start(count)
            await asyncio.gather(*(self.get(path) for _ in range(count)))

        self.loop.run_until_complete(fill())
        return self.session

    def close(self) -> None:
        self.loop.run_until_complete(self.session.close())
        self.loop.close()


class Pycurl(Client):
    """pycurl.Curl as one gets the most out of it: one handle for all requests, and bodies returned by perform_rb()."""

    name = "pycurl, tuned"
    needs = ("pycurl",)

    def __init__(self, site: Site, secure: bool) -> None:
        super().__init__(site, secure)
        self.pycurl = import_module("pycurl")
        self.curl = self.pycurl.Curl()
        if secure:
            self.curl.setopt(self.pycurl.CAINFO, site.ca)

    def get(self, path: str) -> int:
        self.curl.setopt(self.pycurl.URL, self.base + path)
        return len(self.curl.perform_rb())

    read_whole = get

    def post(self, path: str, body: bytes) -> int:
        self.curl.setopt(self.pycurl.POSTFIELDS, body)
        return self.get(path)

    def get_json(self, path: str) -> int:
        self.curl.setopt(self.pycurl.ACCEPT_ENCODING, "gzip")
        self.curl.setopt(self.pycurl.URL, self.base + path)
        return len(json.loads(self.curl.perform_rb()))

    def log_in(self, path: str) -> int:
        self.curl.setopt(self.pycurl.HTTPAUTH, self.pycurl.HTTPAUTH_NTLM)
        self.curl.setopt(self.pycurl.USERPWD, f"{DOMAIN}\\{USER}:{PASSWORD}")
        return self.get(path)

    def get_by_proxy(self, path: str, login: str) -> int:
        pycurl = self.pycurl
        if login.startswith("tls"):
            self.curl.setopt(pycurl.PROXY_CAINFO, self.site.ca)
        elif login and login != "socks":
            scheme = {"basic": pycurl.HTTPAUTH_BASIC, "digest": pycurl.HTTPAUTH_DIGEST, "ntlm": pycurl.HTTPAUTH_NTLM}
            self.curl.setopt(pycurl.PROXYAUTH, scheme[login])
            self.curl.setopt(
                pycurl.PROXYUSERPWD, f"{DOMAIN}\\{USER}:{PASSWORD}" if login == "ntlm" else f"{USER}:{PASSWORD}"
            )
        self.curl.setopt(pycurl.NOPROXY, "")
        self.curl.setopt(pycurl.PROXY, self.site.proxy_for(login))
        return self.get(path)

    def upload(self, path: str) -> int:
        with open(self.site.file, "rb") as body:
            self.curl.setopt(self.pycurl.UPLOAD, 1)
            self.curl.setopt(self.pycurl.READDATA, body)
            self.curl.setopt(self.pycurl.UPLOAD_BUFFERSIZE, 1 << 20)
            self.curl.setopt(self.pycurl.INFILESIZE_LARGE, self.site.large)
            return self.get(path)

    def read_blocks(self, path: str) -> int:
        total = 0

        def take(block: bytes) -> None:
            nonlocal total
            total += len(block)

        self.curl.setopt(self.pycurl.BUFFERSIZE, BLOCK)
        self.curl.setopt(self.pycurl.WRITEFUNCTION, take)
        self.curl.setopt(self.pycurl.URL, self.base + path)
        self.curl.perform()
        return total

    def close(self) -> None:
        self.curl.close()


class PlainPycurl(Pycurl):
    """pycurl.Curl as its documentation shows it: what comes is written to a BytesIO."""

    name = "pycurl"

    def get(self, path: str) -> int:
        buffer = BytesIO()
        self.curl.setopt(self.pycurl.URL, self.base + path)
        self.curl.setopt(self.pycurl.WRITEDATA, buffer)
        self.curl.perform()
        return len(buffer.getvalue())

    read_whole = get
