"""What this package promises about its speed, each promise as a comparison of two measurements."""

from __future__ import annotations

from dataclasses import dataclass

from results import Results


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
    curl_get = ratio("get", "pycurl")
    return [
        Budget("httplib, GET 128 B", ratio("get", "coda httplib"), 1.45, "bare loop"),
        Budget("the same", ratio("get", "coda httplib", "pycurl"), 1.0, _of("pycurl", curl_get)),
        Budget("opener, GET 128 B", ratio("get", "coda urllib2"), 2.2, "bare loop"),
        Budget("opener, GET 128 B over TLS", ratio("get-tls", "coda urllib2", "pycurl"), 1.6, "pycurl"),
        Budget("opener, streaming over http", ratio("blocks", "coda urllib2", "pycurl"), 1.1, "pycurl"),
        Budget("opener, streaming over https", ratio("blocks-tls", "coda urllib2", "pycurl"), 1.4, "pycurl"),
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


def _of(name: str, ratio: float | None) -> str:
    return name if ratio is None else f"{name} ({ratio:.2f} x bare loop)"
