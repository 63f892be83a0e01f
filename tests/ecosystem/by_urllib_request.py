"""Programs of libraries that use urllib.request, and of the standard library."""

from __future__ import annotations

import io
import os
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from library_table import FOUND, has, library, proxy_for

# -- the standard library


@library("", "urllib.request", name="urllib.request")
def _(url: str) -> None:
    import urllib.request

    for _ in range(2):
        with urllib.request.urlopen(url + "page.json") as response:
            has(response.read())


@library("", "xmlrpc.client", name="urllib.robotparser")
def _(url: str) -> None:
    import urllib.robotparser

    parser = urllib.robotparser.RobotFileParser(url + "robots.txt")
    parser.read()
    assert not parser.can_fetch("*", url + FOUND)


# -- by urllib.request


@library("pandas")
def _(url: str) -> None:
    import pandas

    for _ in range(2):
        has(pandas.read_csv(url + "table.csv"))


@library("mechanize")
def _(url: str) -> None:
    import mechanize

    browser = mechanize.Browser()
    browser.set_handle_robots(False)
    for _ in range(2):
        has(browser.open(url + "page.html").read())


@library("yt-dlp", "yt_dlp", name="yt-dlp (urllib)")
def _(url: str) -> None:
    import yt_dlp
    from yt_dlp.networking import Request

    options = {"quiet": True, "nocheckcertificate": True, "compat_opts": {"prefer-legacy-http-handler"}}
    with yt_dlp.YoutubeDL(options) as program:
        for _ in range(2):
            has(program.urlopen(Request(url + "page.html")).read())


@library("feedparser")
def _(url: str) -> None:
    import feedparser

    has(feedparser.parse(url + "feed.xml").feed.title)


@library("slack-sdk", "slack_sdk")
def _(url: str) -> None:
    import slack_sdk

    client = slack_sdk.WebClient(token="token", base_url=url)
    for _ in range(2):
        has(client.api_call("page.json"))


@library("suds-community", "suds")
def _(url: str) -> None:
    from suds.transport import Request
    from suds.transport.http import HttpTransport

    transport = HttpTransport(proxy={name: proxy for name in ("http", "https") if (proxy := proxy_for(name))})
    has(transport.open(Request(url + "page.xml")).read())


@library("astropy")
def _(url: str) -> None:
    from astropy.utils.data import download_file

    trust = {"cafile": os.environ.get("SSL_CERT_FILE")}
    has(Path(download_file(url + "page.html", cache=False, show_progress=False, ssl_context=trust)).read_text())


@library("geopy")
def _(url: str) -> None:
    from geopy.adapters import URLLibAdapter
    from geopy.geocoders import Nominatim

    scheme, _, rest = url.partition("://")
    place = Nominatim(
        user_agent="program", scheme=scheme, domain=rest.rstrip("/"), adapter_factory=URLLibAdapter
    ).geocode("anywhere")
    has(place.address)


@library("SPARQLWrapper")
def _(url: str) -> None:
    from SPARQLWrapper import JSON, SPARQLWrapper

    client = SPARQLWrapper(url + "page.json")
    client.setQuery("SELECT * WHERE { ?s ?p ?o }")
    client.setReturnFormat(JSON)
    has(client.query().convert())


@library("rdflib")
def _(url: str) -> None:
    import rdflib

    has(list(rdflib.Graph().parse(url + "graph.ttl", format="turtle")))


@library("ansible-core", "ansible.module_utils.urls")
def _(url: str) -> None:
    from ansible.module_utils.urls import open_url

    for _ in range(2):
        has(open_url(url + "page.json", validate_certs=True, ca_path=os.environ.get("SSL_CERT_FILE")).read())


@library("prometheus-client", "prometheus_client")
def _(url: str) -> None:
    from prometheus_client import CollectorRegistry, Gauge, push_to_gateway

    registry = CollectorRegistry()
    Gauge("found", "what it is", registry=registry).set(1)
    push_to_gateway(url.rstrip("/"), job="program", registry=registry)


@library("wget")
def _(url: str) -> None:
    import wget

    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        has(Path(wget.download(url + "page.html", folder, bar=None)).read_text())


@library("distlib")
def _(url: str) -> None:
    from distlib.locators import SimpleScrapingLocator

    page = SimpleScrapingLocator(url + "simple/").get_page(url + "simple/demo/")
    has(page.data)
