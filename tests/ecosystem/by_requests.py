"""Programs of libraries that use requests."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from contextlib import redirect_stdout
from pathlib import Path

from library_table import context, has, library, proxy_for


@library("requests")
def _(url: str) -> None:
    import requests

    with requests.Session() as session:
        for _ in range(2):
            has(session.get(url + "page.json").text)


@library("pip", "pip")
def _(url: str) -> None:
    from pip._internal.cli.main import main

    out = io.StringIO()
    host = url.split("/")[2]
    options = ["--disable-pip-version-check", "--retries", "0", "--trusted-host", host, "--isolated"]
    proxy = proxy_for(url)
    with redirect_stdout(out):
        status = main(
            [*options, *(["--proxy", proxy] if proxy else []), "index", "versions", "demo", "-i", url + "simple"]
        )
    assert status == 0
    assert "1.0" in out.getvalue(), out.getvalue()


# The index has the backend that builds it: a pip of its own, in a process of its own, fetches that.
@library("pip", "pip", name="pip (build isolation)", children=True)
def _(url: str) -> None:
    from pip._internal.cli.main import main

    for variable in [name for name in os.environ if name.startswith("PIP_")]:
        del os.environ[variable]  # the second pip reads them, too
    os.environ["PIP_CONFIG_FILE"] = os.devnull
    index = ["--index-url", url + "simple", "--trusted-host", url.split("/")[2]]
    options = ["--quiet", "--disable-pip-version-check", "--retries", "0", "--no-cache-dir", *index]
    with tempfile.TemporaryDirectory() as folder:
        assert main(["wheel", *options, "--wheel-dir", folder, "source"]) == 0
        with zipfile.ZipFile(Path(folder) / "source-1.0-py3-none-any.whl") as wheel:
            has(wheel.read("source.py"))


@library("httpie", "httpie")
def _(url: str) -> None:
    from httpie.context import Environment
    from httpie.core import main

    with tempfile.TemporaryFile("w+") as out:
        environment = Environment(stdin=None, stdout=out, stdout_isatty=False, stdin_isatty=False)
        ca = os.environ.get("SSL_CERT_FILE") or "yes"
        main(["http", "--ignore-stdin", "--verify", ca, url + "page.json"], env=environment)
        out.seek(0)
        has(out.read())


@library("PyGithub", "github")
def _(url: str) -> None:
    import github

    client = github.Github(base_url=url.rstrip("/"), retry=None)
    for _ in range(2):
        has(client.requester.requestJsonAndCheck("GET", "/page.json"))


@library("python-gitlab", "gitlab")
def _(url: str) -> None:
    import gitlab

    client = gitlab.Gitlab(url.rstrip("/"))
    has(client.http_get(url + "page.json"))


@library("jira")
def _(url: str) -> None:
    import jira

    client = jira.JIRA(server=url.rstrip("/"), get_server_info=False, max_retries=0)
    has(client._session.get(url + "page.json").text)


@library("stripe")
def _(url: str) -> None:
    import stripe

    stripe.ca_bundle_path = os.environ["SSL_CERT_FILE"]
    client = stripe.StripeClient("key", base_addresses={"api": url.rstrip("/")}, http_client=stripe.RequestsClient())
    has(client.raw_request("get", "/page.json").data)


@library("twilio")
def _(url: str) -> None:
    from twilio.rest import Client

    has(Client("user", "password").http_client.request("GET", url + "page.json").text)


@library("hvac")
def _(url: str) -> None:
    import hvac

    has(hvac.Client(url.rstrip("/")).adapter.get("/page.json"))


@library("azure-core", "azure.core")
def _(url: str) -> None:
    from azure.core import PipelineClient
    from azure.core.rest import HttpRequest

    with PipelineClient(url) as client:
        for _ in range(2):
            has(client.send_request(HttpRequest("GET", url + "page.json")).text())


@library("google-auth", "google.auth")
def _(url: str) -> None:
    from google.auth.transport.requests import Request

    ask = Request()
    for _ in range(2):
        has(ask(url + "page.json").data)


@library("google-cloud-storage", "google.cloud.storage")
def _(url: str) -> None:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    client = storage.Client("project", AnonymousCredentials(), client_options={"api_endpoint": url.rstrip("/")})
    has([bucket.name for bucket in client.list_buckets()])


@library("requests-toolbelt", "requests_toolbelt")
def _(url: str) -> None:
    from requests_toolbelt import sessions

    with sessions.BaseUrlSession(url) as session:
        has(session.get("page.json").text)


@library("requests-oauthlib", "requests_oauthlib")
def _(url: str) -> None:
    from requests_oauthlib import OAuth1Session

    with OAuth1Session("key", "secret") as session:
        has(session.get(url + "page.json").text)


@library("requests-cache", "requests_cache")
def _(url: str) -> None:
    import requests_cache

    with requests_cache.CachedSession(backend="memory") as session:
        has(session.get(url + "page.json").text)


@library("CacheControl", "cachecontrol")
def _(url: str) -> None:
    import cachecontrol
    import requests

    with cachecontrol.CacheControl(requests.Session()) as session:
        has(session.get(url + "page.json").text)


@library("cloudscraper")
def _(url: str) -> None:
    import cloudscraper

    with cloudscraper.create_scraper(ssl_context=context()) as session:
        has(session.get(url + "page.json").text)


@library("zeep")
def _(url: str) -> None:
    import zeep

    has(zeep.Transport().load(url + "page.xml"))


@library("tldextract")
def _(url: str) -> None:
    import tldextract

    extract = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=[url + "suffixes.dat"], fallback_to_snapshot=False)
    has(extract("http://www.example.found").suffix)


@library("smart-open", "smart_open")
def _(url: str) -> None:
    import smart_open

    with smart_open.open(url + "page.html") as file:
        has(file.read())


@library("pooch")
def _(url: str) -> None:
    import pooch

    with tempfile.TemporaryDirectory() as folder:
        has(Path(pooch.retrieve(url + "page.html", None, path=folder)).read_text())


@library("pysolr")
def _(url: str) -> None:
    import pysolr

    has(pysolr.Solr(url).ping(handler="page.json"))


@library("OWSLib", "owslib")
def _(url: str) -> None:
    from owslib.util import openURL

    has(openURL(url + "page.xml").read())


@library("mwclient")
def _(url: str) -> None:
    import mwclient

    scheme, _, rest = url.partition("://")
    site = mwclient.Site(rest.partition("/")[0], scheme=scheme, path="/", do_init=False, max_retries=0)
    has(site.raw_call("api", {}, http_method="GET"))


@library("pyTelegramBotAPI", "telebot")
def _(url: str) -> None:
    import telebot

    telebot.apihelper.API_URL = url + "bot{0}/{1}"
    if proxy := proxy_for(url):
        telebot.apihelper.proxy = {"http": proxy, "https": proxy}
    has(telebot.TeleBot("1:token").get_me().first_name)


@library("apprise")
def _(url: str) -> None:
    import apprise

    scheme, _, rest = url.partition("://")
    assert apprise.Apprise.instantiate({"http": "json", "https": "jsons"}[scheme] + "://" + rest).notify("found")


@library("pywinrm", "winrm")
def _(url: str) -> None:
    from winrm.transport import Transport

    transport = Transport(
        url + "page.xml", username="user", password="password", auth_method="basic", ca_trust_path="legacy_requests"
    )
    has(transport.send_message("<x/>"))


@library("tweepy")
def _(url: str) -> None:
    import tweepy

    rest = url.partition("://")[2]
    api = tweepy.API(host=rest.rstrip("/"), proxy=proxy_for(url))
    response = api.session.get(url + "page.json", proxies=api.proxy)
    has(response.text)


@library("gevent", name="gevent (requests)", first="gevent.monkey:patch_all")
def _(url: str) -> None:
    import gevent
    import requests

    jobs = [gevent.spawn(requests.get, url + "page.json") for _ in range(2)]
    gevent.joinall(jobs, raise_error=True)
    for job in jobs:
        has(job.value.text)


@library("eventlet", name="eventlet (urllib)", first="eventlet:monkey_patch")
def _(url: str) -> None:
    import urllib.request

    import eventlet

    for text in [eventlet.spawn(lambda: urllib.request.urlopen(url + "page.json").read()).wait() for _ in range(2)]:
        has(text)
