"""Instrumentation of tracing libraries: each is turned on, and says what spans it has made.

Nothing is sent anywhere. A span is told as its method, its URL and its status, as far as the library keeps them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

Spans = Callable[[], list[str]]
"""Returns the spans that have ended."""


def told(*parts: object) -> str:
    return " ".join(str(part) for part in parts if part is not None)


def sentry() -> Spans:
    import sentry_sdk

    spans: list[str] = []

    def keep(event: Any, hint: Any) -> None:
        for span in event["spans"]:
            if span["op"] == "http.client":
                spans.append(told(span["description"], span["data"].get("http.response.status_code")))

    sentry_sdk.init(
        dsn="http://key@127.0.0.1:9/1", traces_sample_rate=1.0, before_send_transaction=keep, default_integrations=True
    )
    transaction = sentry_sdk.start_transaction(name="program").__enter__()

    def end() -> list[str]:
        nonlocal transaction
        transaction.__exit__(None, None, None)
        transaction = sentry_sdk.start_transaction(name="program").__enter__()
        return spans

    return end


OTEL = ("http.url", "http.status_code")


def opentelemetry(module: str, name: str) -> Callable[[], Spans]:
    def start() -> Spans:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        instrumentor = getattr(import_module(f"opentelemetry.instrumentation.{module}"), name)()
        instrumentor.instrument(tracer_provider=provider)

        def end() -> list[str]:
            return [told(span.name, *map(span.attributes.get, OTEL)) for span in exporter.get_finished_spans()]

        return end

    return start


DATADOG = ("http.method", "http.url", "http.status_code")


def datadog() -> Spans:
    os.environ.update(DD_INSTRUMENTATION_TELEMETRY_ENABLED="false", DD_REMOTE_CONFIGURATION_ENABLED="false")
    # A socket that is not there: it asks its agent by an HTTP client of its own, through the proxy of the environment.
    os.environ["DD_TRACE_AGENT_URL"] = "unix:///nonexistent/agent.socket"
    import ddtrace
    from ddtrace.trace import TraceFilter, tracer

    spans: list[str] = []

    class Keep(TraceFilter):
        def process_trace(self, trace: Any) -> None:
            spans.extend(told(span.name, *map(span.get_tag, DATADOG)) for span in trace if "request" in span.name)

    tracer.configure(trace_processors=[Keep()])
    ddtrace.patch(httplib=True, urllib3=True, requests=True)
    ddtrace.config.httplib["distributed_tracing"] = True
    return lambda: spans


def xray() -> Spans:
    from aws_xray_sdk import core

    # The default threshold of 30 takes subsegments out of the trace, and so out of the count.
    core.xray_recorder.configure(
        context_missing="LOG_ERROR", sampling=False, daemon_address="127.0.0.1:9", streaming_threshold=1000
    )
    core.patch(["httplib"])
    core.xray_recorder.begin_segment("program")
    # Without a subsegment around them the requests get no header.
    around = core.xray_recorder.begin_subsegment("ways")

    def end() -> list[str]:
        wire = [each.http for each in around.subsegments]
        return [told(*each.get("request", {}).values(), each.get("response", {}).get("status")) for each in wire]

    return end


def newrelic() -> Spans:
    os.environ.update(NEW_RELIC_LICENSE_KEY="0" * 40, NEW_RELIC_APP_NAME="program", NEW_RELIC_DEVELOPER_MODE="true")
    import newrelic.agent

    newrelic.agent.initialize()
    application = newrelic.agent.register_application(timeout=10)
    from newrelic.api.background_task import BackgroundTask

    task = BackgroundTask(application, name="program")
    task.__enter__()
    for name in ("http.client", "urllib.request", "urllib3", "requests"):
        __import__(name)

    def end() -> list[str]:
        # What has ended is a node with its children in the trace that stands at the root.
        waiting = [*task.root_span.children]
        for node in waiting:
            waiting.extend(getattr(node, "children", ()))
        return [
            told(node.library, node.method, node.url, node.params.get("http.statusCode"))
            for node in waiting
            if type(node).__name__ == "ExternalNode"
        ]

    return end


# How each is turned on, and the header field that it puts in requests.
LIBRARIES: dict[str, tuple[Callable[[], Spans], str]] = {
    "sentry-sdk": (sentry, "sentry-trace"),
    "opentelemetry-instrumentation-urllib": (opentelemetry("urllib", "URLLibInstrumentor"), "traceparent"),
    "opentelemetry-instrumentation-urllib3": (opentelemetry("urllib3", "URLLib3Instrumentor"), "traceparent"),
    "opentelemetry-instrumentation-requests": (opentelemetry("requests", "RequestsInstrumentor"), "traceparent"),
    "ddtrace": (datadog, "x-datadog-trace-id"),
    "aws-xray-sdk": (xray, "x-amzn-trace-id"),
    "newrelic": (newrelic, "traceparent"),
}
