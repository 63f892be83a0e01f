"""What a run of the benchmark has found, and what it was found with."""

from __future__ import annotations

import json
import os
import platform
import re
import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from statistics import median

from measure import Figures

BASE = "bare socket loop"
"""The client that all others are compared with."""

_DISTRIBUTIONS = (
    "pycurl",
    "wreq",
    "primp",
    "pyreqwest",
    "urllib3",
    "requests",
    "requests-ntlm",
    "httpx",
    "niquests",
    "aiohttp",
    "pyspnego",
)


@dataclass
class Results:
    """The figures, by kind and client.

    imports: by module
    idle: bytes of memory for each kept connection, by client
    left_out: by client and reason, the kinds for which there are no figures
    """

    passes: int
    large: int
    confined: bool
    kinds: dict[str, dict[str, Figures]] = field(default_factory=dict)
    imports: dict[str, Figures] = field(default_factory=dict)
    idle: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    when: str = field(default_factory=lambda: date.today().strftime("%Y-%m"))
    versions: dict[str, str] = field(default_factory=lambda: _versions())

    def leave_out(self, kind: str, reasons: dict[str, str]) -> None:
        """Note which clients have no figures for a kind, and why."""
        for client, why in reasons.items():
            self.left_out.setdefault(client, {}).setdefault(why, []).append(kind)

    def ratio(self, kind: str, client: str, base: str = BASE) -> float | None:
        """Return how many times the processor time of *base* a client takes; None where one of them is missing."""
        figures = self.kinds.get(kind, {})
        if client not in figures or base not in figures:
            return None
        return figures[client].ratio_to(figures[base])

    def across(self, kind: str, base: str, client: str) -> float | None:
        """Return how many times the processor time of one kind another one takes with the same client."""
        figures, others = self.kinds.get(kind, {}).get(client), self.kinds.get(base, {}).get(client)
        return figures.ratio_to(others) if figures and others else None

    def to_cheapest(self, kind: str, client: str, peers: tuple[str, ...]) -> float | None:
        """Return how many times the processor time of the cheapest of some peers a client takes."""
        return max((ratio for peer in peers if (ratio := self.ratio(kind, client, peer)) is not None), default=None)

    def worst(self, kinds: Sequence[str], client: str, base: str) -> float | None:
        """Return the ratio of the worst of some kinds with one client to the worst with another."""
        costs = []
        for name in (client, base):
            figures = [self.kinds.get(kind, {}).get(name) for kind in kinds]
            costs.append(max((median(each.cpu) for each in figures if each), default=0.0))
        return costs[0] / costs[1] if all(costs) else None

    def import_cpu(self, module: str) -> float | None:
        """Return the seconds of processor time of an import."""
        return median(self.imports[module].cpu) if module in self.imports else None

    def to_json(self) -> str:
        """Return everything, each pass by itself."""
        return json.dumps(asdict(self), indent=1)


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version(), "OpenSSL": ssl.OPENSSL_VERSION.split()[1], "nginx": _nginx()}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    if "pycurl" in found:
        import pycurl

        found["libcurl"] = pycurl.version_info()[1]
    return {**found, "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"}


def _nginx() -> str:
    path = os.environ["PATH"] + os.pathsep + "/usr/sbin"
    said = subprocess.run(["nginx", "-v"], capture_output=True, text=True, env={"PATH": path}).stderr
    found = re.search(r"nginx/(\S+)", said)
    return found[1] if found else "?"
