"""Programs of libraries that use urllib3, or http.client by themselves."""

from __future__ import annotations

import os
from typing import Any

from library_table import has, library, proxy_for


@library("urllib3")
def _(url: str) -> None:
    import urllib3

    proxy = proxy_for(url)
    manager: Any = urllib3.PoolManager()
    if proxy is not None:
        account = urllib3.util.parse_url(proxy).auth
        fields = urllib3.util.make_headers(proxy_basic_auth=_unquoted(account))
        manager = urllib3.ProxyManager(proxy, proxy_headers=fields)
    with manager:
        for _ in range(2):
            has(manager.request("GET", url + "page.json", retries=False).data)


def _unquoted(text: str) -> str:
    from urllib.parse import unquote

    return unquote(text)


@library("botocore")
def _(url: str) -> None:
    import botocore.session

    client = botocore.session.get_session().create_client(
        "s3", "eu-west-1", endpoint_url=url, aws_access_key_id="key", aws_secret_access_key="key"
    )
    has(client.list_buckets())


@library("boto3")
def _(url: str) -> None:
    import boto3

    client = boto3.client("s3", "eu-west-1", endpoint_url=url, aws_access_key_id="key", aws_secret_access_key="key")
    for _ in range(2):
        has(client.list_buckets())


@library("kubernetes")
def _(url: str) -> None:
    from kubernetes import client

    configuration = client.Configuration(host=url.rstrip("/"))
    configuration.proxy = proxy_for(url)
    configuration.ssl_ca_cert = os.environ.get("SSL_CERT_FILE")
    with client.ApiClient(configuration) as api:
        for _ in range(2):
            has(client.VersionApi(api).get_code().git_version)


@library("minio")
def _(url: str) -> None:
    import minio
    import urllib3

    scheme, _, rest = url.partition("://")
    proxy = proxy_for(url)
    pool = urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()
    client = minio.Minio(
        rest.partition("/")[0],
        access_key="key",
        secret_key="key",
        secure=scheme == "https",
        region="eu",
        http_client=pool,
    )
    has([bucket.name for bucket in client.list_buckets()])


@library("influxdb-client", "influxdb_client")
def _(url: str) -> None:
    import influxdb_client

    ca = os.environ.get("SSL_CERT_FILE")
    with influxdb_client.InfluxDBClient(url, "token", proxy=proxy_for(url), ssl_ca_cert=ca) as client:
        assert client.ping()


# Its header has the name as it stands in the URL of the proxy, percent-encoded.
@library("dulwich")
def _(url: str) -> None:
    from dulwich.client import HttpGitClient

    client = HttpGitClient(url)
    _, read = client._http_request(url + "page.html")
    has(read(1000))


@library("sentry-sdk", "sentry_sdk")
def _(url: str) -> None:
    import sentry_sdk

    seen = []
    scheme, _, rest = url.partition("://")
    sentry_sdk.init(dsn=f"{scheme}://key@{rest}1", ca_certs=os.environ.get("SSL_CERT_FILE"), default_integrations=False)
    transport = sentry_sdk.get_client().transport
    pool = transport._pool
    ask = pool.request

    def request(*arguments: Any, **options: Any) -> Any:
        response = ask(*arguments, **options)
        seen.append(response.status)
        return response

    pool.request = request
    sentry_sdk.capture_message("found")
    sentry_sdk.flush(10)
    assert seen == [200], seen


@library("telepot")
def _(url: str) -> None:
    import telepot
    import telepot.api

    if proxy := proxy_for(url):
        telepot.api.set_proxy(proxy)
    api: Any = telepot.api
    api._methodurl = lambda req, **options: url + "page.json"
    has(telepot.Bot("1:token").getMe())
