"""The clients written in Rust, each as its own documentation shows it."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from place import Site

from clients.base import Client


class Wreq(Client):
    """wreq.blocking.Client."""

    name = "wreq"
    needs = ("wreq",)
    threads = True

    def __init__(self, site: Site, secure: bool) -> None:
        super().__init__(site, secure)
        options: dict[str, Any] = {"tls_verify": Path(site.ca)} if secure else {}
        library = import_module("wreq.blocking")
        self.client = library.Client(**options)

    def get(self, path: str) -> int:
        return len(self.client.get(self.base + path).bytes())

    read_whole = get

    def post(self, path: str, body: bytes) -> int:
        return len(self.client.post(self.base + path, body=body).bytes())

    def get_json(self, path: str) -> int:
        return len(self.client.get(self.base + path, headers={"Accept-Encoding": "gzip"}).json())

    def read_blocks(self, path: str) -> int:
        with self.client.get(self.base + path) as response:
            return sum(map(len, response.stream()))


class Primp(Client):
    """primp.Client."""

    name = "primp"
    needs = ("primp",)
    threads = True

    def __init__(self, site: Site, secure: bool) -> None:
        super().__init__(site, secure)
        options: dict[str, Any] = {"ca_cert_file": site.ca} if secure else {}
        self.client = import_module("primp").Client(**options)

    def get(self, path: str) -> int:
        return len(self.client.get(self.base + path).content)

    read_whole = get

    def post(self, path: str, body: bytes) -> int:
        return len(self.client.post(self.base + path, content=body).content)

    def get_json(self, path: str) -> int:
        return len(self.client.get(self.base + path, headers={"Accept-Encoding": "gzip"}).json())

    def read_blocks(self, path: str) -> int:
        return sum(map(len, self.client.get(self.base + path, stream=True).iter_bytes()))


class Pyreqwest(Client):
    """pyreqwest.client.SyncClient."""

    name = "pyreqwest"
    needs = ("pyreqwest",)
    threads = True

    def __init__(self, site: Site, secure: bool) -> None:
        super().__init__(site, secure)
        builder = import_module("pyreqwest.client").SyncClientBuilder()
        if secure:
            builder = builder.add_root_certificate_pem(Path(site.ca).read_bytes())
        self.client = builder.build()

    def get(self, path: str) -> int:
        return len(self.client.get(self.base + path).build().send().bytes())

    read_whole = get

    def post(self, path: str, body: bytes) -> int:
        return len(self.client.post(self.base + path).body_bytes(body).build().send().bytes())

    def get_json(self, path: str) -> int:
        request = self.client.get(self.base + path).header("Accept-Encoding", "gzip").build()
        return len(json.loads(request.send().bytes().to_bytes()))

    def read_blocks(self, path: str) -> int:
        total = 0
        with self.client.get(self.base + path).build_streamed() as response:
            while block := response.body_reader.read_chunk():
                total += len(block)
        return total
