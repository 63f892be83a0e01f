"""Programs of libraries that the patch is not meant to reach: they have HTTP of their own."""

from __future__ import annotations

import io
import os

from library_table import context, has, library, proxy_for


@library("httplib2", reached=False)
def _(url: str) -> None:
    import httplib2

    has(httplib2.Http(ca_certs=os.environ.get("SSL_CERT_FILE")).request(url + "page.json")[1])


@library("httpx", reached=False)
def _(url: str) -> None:
    import httpx

    with httpx.Client(verify=context()) as client:
        has(client.get(url + "page.json").text)


@library("aiohttp", reached=False)
def _(url: str) -> None:
    import asyncio

    import aiohttp

    async def ask() -> None:
        connector = aiohttp.TCPConnector(ssl=context())
        async with aiohttp.ClientSession(connector=connector, trust_env=True) as session:
            async with session.get(url + "page.json") as response:
                has(await response.text())

    asyncio.run(ask())


@library("pycurl", reached=False)
def _(url: str) -> None:
    import pycurl

    out = io.BytesIO()
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url + "page.json")
    curl.setopt(pycurl.WRITEDATA, out)
    curl.setopt(pycurl.CAINFO, os.environ["SSL_CERT_FILE"])
    curl.perform()
    curl.close()
    has(out.getvalue())


@library("tornado", reached=False)
def _(url: str) -> None:
    import asyncio

    from tornado.httpclient import AsyncHTTPClient

    async def ask() -> None:
        assert not proxy_for(url), "its own client knows no proxies"
        has((await AsyncHTTPClient().fetch(url + "page.json", ca_certs=os.environ.get("SSL_CERT_FILE"))).body)

    asyncio.run(ask())
