"""Programs that a tracing library watches: it is turned on before the patch where that comes behind."""

from __future__ import annotations

import urllib.request

from instrumentation import LIBRARIES, Spans
from library_table import has, library

_ends: dict[str, Spans] = {}


def _turn_on(name: str) -> None:
    _ends[name] = LIBRARIES[name][0]()


def _watch(name: str, url: str) -> None:
    """Ask twice; check that each request has its span."""
    known = len(_ends[name]())
    for _ in range(2):
        with urllib.request.urlopen(url + "page.json") as response:
            has(response.read())
    spans = _ends[name]()[known:]
    assert len(spans) >= 2, spans


def turn_on_ddtrace() -> None:
    _turn_on("ddtrace")


@library("ddtrace", first="by_instrumentation:turn_on_ddtrace")
def _(url: str) -> None:
    _watch("ddtrace", url)


def turn_on_newrelic() -> None:
    _turn_on("newrelic")


@library("newrelic", first="by_instrumentation:turn_on_newrelic")
def _(url: str) -> None:
    _watch("newrelic", url)


def turn_on_sentry() -> None:
    _turn_on("sentry-sdk")


@library("sentry-sdk", "sentry_sdk", name="sentry-sdk (integration)", first="by_instrumentation:turn_on_sentry")
def _(url: str) -> None:
    _watch("sentry-sdk", url)
