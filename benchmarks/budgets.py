"""What this package promises about its speed, each promise as a comparison of two measurements."""

from __future__ import annotations

from dataclasses import dataclass

from kinds import HEADS, KINDS
from results import Results

FAST = ("pycurl, tuned", "wreq", "primp", "pyreqwest")
"""The clients that are not written in Python."""


@dataclass(frozen=True)
class Budget:
    """One promise.

    path: what is measured
    must: the greatest value that is within it
    unit: what the value is a multiple of, or its unit
    """

    path: str
    value: float | None
    must: float
    unit: str

    @property
    def kept(self) -> bool | None:
        """Whether it is kept; None where it was not measured."""
        return None if self.value is None else self.value <= self.must


def budgets(results: Results) -> list[Budget]:
    """Return all promises with what was measured."""
    ratio = results.ratio
    package = results.import_cpu("coda_network")
    module, stdlib = results.import_cpu("coda_network.urllib2"), results.import_cpu("urllib.request")
    tuned, opener = "pycurl, tuned", "coda urllib2"
    heads = [kind.name for kind in KINDS if kind.group == HEADS]
    return [
        Budget("httplib, GET 128 B", ratio("get", "coda httplib", tuned), 0.65, tuned),
        Budget("opener, GET 128 B", results.to_cheapest("get", opener, FAST), 1.0, "cheapest of the fast ones"),
        Budget("the same, answered after 1 ms", results.to_cheapest("wait", opener, FAST), 1.0, "cheapest of them"),
        Budget("opener, GET 128 B over TLS", ratio("get-tls", opener, tuned), 1.05, tuned),
        Budget("the same", ratio("get-tls", opener, "primp"), 1.25, "primp"),
        Budget("opener by a proxy", results.across("proxy", "get", opener), 1.2, "opener directly"),
        Budget("opener by a proxy, Basic", results.across("proxy-basic", "get", opener), 1.5, "opener directly"),
        Budget("opener by a proxy, Digest", results.across("proxy-digest", "get", opener), 1.5, "opener directly"),
        Budget("opener by SOCKS5", results.across("socks", "get", opener), 1.2, "opener directly"),
        Budget("opener by a TLS proxy", results.across("tls-proxy", "get-tls", opener), 1.2, "opener by TLS directly"),
        Budget("opener by HTTP, then SOCKS5", results.across("chain", "get", opener), 1.2, "opener directly"),
        Budget("opener in a tunnel, NTLM", results.across("tunnel-ntlm", "get-tls", opener), 1.15, "opener directly"),
        Budget("8 threads on one opener", ratio("threads", opener, tuned), 1.1, tuned),
        Budget("opener, read(65536), worst of six heads", results.worst(heads, opener, tuned), 1.1, f"{tuned}, worst"),
        Budget("opener, read(65536) over TLS", ratio("blocks-tls", opener, tuned), 1.15, tuned),
        Budget("opener, a file sent over http", ratio("upload", opener, tuned), 1.1, tuned),
        Budget("opener, 5,000 URLs in turn", results.across("urls", "get", opener), 1.2, "one URL"),
        Budget("opener by a proxy, 1,000 networks", results.across("networks", "proxy", opener), 1.2, "without them"),
        Budget("Basic, 10,000 passwords", results.across("passwords", "proxy-basic", opener), 1.2, "with one"),
        Budget("httplib, a head of 300 KiB", ratio("long-head", "coda httplib", "http.client"), 1.5, "http.client"),
        Budget("import coda_network", None if package is None else package * 1e3, 5.0, "ms"),
        Budget(
            "import coda_network.urllib2", module / stdlib if module and stdlib else None, 1.1, "import urllib.request"
        ),
        Budget("requests under the patch, GET 128 B", ratio("get", "requests, patched", "requests"), 0.9, "requests"),
        Budget("urllib3 under the patch, GET 128 B", ratio("get", "urllib3, patched", "urllib3"), 1.0, "urllib3"),
        Budget(
            "urllib.request under the patch, GET 128 B",
            ratio("get", "urllib.request, patched", "urllib.request"),
            1.0,
            "urllib.request",
        ),
    ]
