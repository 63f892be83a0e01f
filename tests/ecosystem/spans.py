"""Spans and trace headers of real instrumentation: without the patch, patched before it, patched behind it.

``python tests/ecosystem/spans.py`` prints a table. Each cell is a process of its own: spans, and requests that came
with the header of the library at servers on the loopback interface, http and https. What is not installed is a row that
says so. The two columns of the patch must equal the first, which must have spans and headers; if not, the exit status
is 1.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "patch")]

from comparing import ORDERS, installed, start
from stand_in_program import Responding, Server
from support.certs import Authority

import coda_network

ROUNDS = 2

Count = Callable[[], int]


class Noting(Responding):
    """Responds to every request, and keeps the names of the header fields that came with it."""

    server: NotingServer

    def do_GET(self) -> None:
        self.server.seen.append({name.lower() for name in self.headers})
        super().do_GET()


class NotingServer(Server):
    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Noting)
        self.seen: list[set[str]] = []
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.server_address[1]}/"
        threading.Thread(target=self.serve_forever, daemon=True).start()


# -- the libraries: each is turned on, and returns how its spans are counted


def sentry() -> Count:
    import sentry_sdk

    spans: list[object] = []

    def keep(event: Any, hint: Any) -> None:
        spans.extend(span for span in event["spans"] if span["op"] == "http.client")

    sentry_sdk.init(
        dsn="http://key@127.0.0.1:9/1", traces_sample_rate=1.0, before_send_transaction=keep, default_integrations=True
    )
    transaction = sentry_sdk.start_transaction(name="program")
    transaction.__enter__()

    def count() -> int:
        transaction.__exit__(None, None, None)
        return len(spans)

    return count


def opentelemetry(module: str, name: str) -> Callable[[], Count]:
    def start() -> Count:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        instrumentor = getattr(import_module(f"opentelemetry.instrumentation.{module}"), name)()
        instrumentor.instrument(tracer_provider=provider)
        return lambda: len(exporter.get_finished_spans())

    return start


def datadog() -> Count:
    os.environ.update(DD_INSTRUMENTATION_TELEMETRY_ENABLED="false", DD_REMOTE_CONFIGURATION_ENABLED="false")
    import ddtrace
    from ddtrace.trace import TraceFilter, tracer

    spans: list[object] = []

    class Keep(TraceFilter):
        def process_trace(self, trace: Any) -> None:
            spans.extend(span for span in trace if "request" in span.name)

    tracer.configure(trace_processors=[Keep()])
    ddtrace.patch(httplib=True, urllib3=True, requests=True)
    ddtrace.config.httplib["distributed_tracing"] = True
    return lambda: len(spans)


def xray() -> Count:
    from aws_xray_sdk import core

    # The default threshold of 30 takes subsegments out of the trace, and so out of the count.
    core.xray_recorder.configure(
        context_missing="LOG_ERROR", sampling=False, daemon_address="127.0.0.1:9", streaming_threshold=1000
    )
    core.patch(["httplib"])
    core.xray_recorder.begin_segment("program")
    # Without a subsegment around them the requests get no header.
    around = core.xray_recorder.begin_subsegment("ways")
    return lambda: len(around.subsegments)


def newrelic() -> Count:
    os.environ.update(NEW_RELIC_LICENSE_KEY="0" * 40, NEW_RELIC_APP_NAME="program", NEW_RELIC_DEVELOPER_MODE="true")
    import newrelic.agent

    newrelic.agent.initialize()
    application = newrelic.agent.register_application(timeout=10)
    from newrelic.api.background_task import BackgroundTask

    task = BackgroundTask(application, name="program")
    task.__enter__()
    for name in ("http.client", "urllib.request", "urllib3", "requests"):
        __import__(name)

    def count() -> int:
        # What has ended is a node with its children in the trace that stands at the root.
        waiting = [*task.root_span.children]
        for node in waiting:
            waiting.extend(getattr(node, "children", ()))
        return sum(type(node).__name__ == "ExternalNode" for node in waiting)

    return count


LIBRARIES: dict[str, tuple[Callable[[], Count], str]] = {
    "sentry-sdk": (sentry, "sentry-trace"),
    "opentelemetry-instrumentation-urllib": (opentelemetry("urllib", "URLLibInstrumentor"), "traceparent"),
    "opentelemetry-instrumentation-urllib3": (opentelemetry("urllib3", "URLLib3Instrumentor"), "traceparent"),
    "opentelemetry-instrumentation-requests": (opentelemetry("requests", "RequestsInstrumentor"), "traceparent"),
    "ddtrace": (datadog, "x-datadog-trace-id"),
    "aws-xray-sdk": (xray, "x-amzn-trace-id"),
    "newrelic": (newrelic, "traceparent"),
}


# -- what is instrumented


def by_connection(url: str) -> None:
    scheme, _, netloc, _ = url.split("/")
    make = http.client.HTTPSConnection if scheme == "https:" else http.client.HTTPConnection
    connection = make(netloc)
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.close()


def by_urlopen(url: str) -> None:
    with urllib.request.urlopen(url) as response:
        response.read()


def by_opener(url: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url) as response:
        response.read()


def by_urllib3(url: str) -> None:
    import urllib3

    with urllib3.PoolManager() as pool:
        pool.request("GET", url)


def by_requests(url: str) -> None:
    import requests

    with requests.Session() as session:
        session.get(url)


WAYS = (by_connection, by_urlopen, by_opener, by_urllib3, by_requests)


def child(name: str, order: str) -> None:
    """Run every way under one library, over http and over https; print the counts of spans and of headers."""
    start, field = LIBRARIES[name]
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        os.environ["SSL_CERT_FILE"] = os.environ["REQUESTS_CA_BUNDLE"] = str(authority.bundle)
        servers = NotingServer(), NotingServer(authority.server_context())
        if order == "before":
            coda_network.patch()
        count = start()
        if order == "behind":
            coda_network.patch()
        headers = [[with_header(field, way, server) for way in WAYS] for server in servers]
    print(json.dumps({"spans": count(), "headers": headers}), flush=True)
    os._exit(0)  # what the libraries would send to their servers has nowhere to go


def with_header(field: str, way: Callable[[str], None], server: NotingServer) -> int:
    """Return how many of the requests came with this field."""
    server.seen.clear()
    for _ in range(ROUNDS):
        way(server.url)
    return sum(field in names for names in server.seen)


def run(name: str, order: str) -> dict[str, Any] | str:
    """Return what a child process counted, or the last line of its failure."""
    command = [sys.executable, __file__, name, order]
    environ = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environ)
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines:
        counted: dict[str, Any] = json.loads(lines[-1])
        return counted
    return (done.stderr.strip().splitlines() or ["no output"])[-1]


def main() -> int:
    """Print the table."""
    status = 0
    print(f"| library | version | {' | '.join(ORDERS)} | |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, version in installed(LIBRARIES, columns=6):
        found = [run(name, order) for order in ORDERS]
        cells = [
            one
            if isinstance(one, str)
            else f"{one['spans']} spans, headers {' / '.join('+'.join(map(str, each)) for each in one['headers'])}"
            for one in found
        ]
        first = found[0]
        is_seen = isinstance(first, dict) and first["spans"] > 0 and any(map(any, first["headers"]))
        equal = is_seen and found.count(first) == len(found)
        status |= not equal
        print(f"| {name} | {version} | {' | '.join(cells)} | {'equal' if equal else 'DIFFERS'} |", flush=True)
    print("\nHeaders: " + ", ".join(way.__name__ for way in WAYS) + f"; http / https; {ROUNDS} requests each.")
    return status


if __name__ == "__main__":
    start(child, main)
