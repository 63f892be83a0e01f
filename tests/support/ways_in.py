"""Every public way in, with a password: each goes to a site, or by way of a proxy, at an address."""

from __future__ import annotations

import http.client
import socket
import tempfile
import urllib.request
from collections.abc import Callable
from typing import Any

import requests
import urllib3

import coda_network
from coda_network import connect, httplib, ntlm_auth, urllib2, utilities
from coda_network.filesystem import HTTPFileSystem
from support.accounts import ALICE
from support.leaks import BASIC

LOGIN = ALICE.userinfo
HEADER = {"Authorization": f"Basic {BASIC}"}
PROXY_HEADER = {"Proxy-Authorization": f"Basic {BASIC}"}
SECONDS = 0.15


def opened(opener: Any, url: Any) -> None:
    try:
        with opener.open(url, timeout=SECONDS) as response:
            response.read()
    finally:
        opener.close()


def site_url(netloc: str) -> None:
    opened(urllib2.build_opener(urllib2.ProxyHandler({})), f"http://{LOGIN}@{netloc}/")


def https_site_url(netloc: str) -> None:
    opened(urllib2.build_opener(urllib2.ProxyHandler({})), f"https://{LOGIN}@{netloc}/")


def request_with_header(netloc: str) -> None:
    opened(urllib2.build_opener(urllib2.ProxyHandler({})), urllib2.Request(f"http://{netloc}/", headers=HEADER))


def upload(netloc: str) -> None:
    request = urllib2.Request(f"http://{netloc}/", iter([b"one", b"two"]), HEADER)
    opened(urllib2.build_opener(urllib2.ProxyHandler({})), request)


def proxy_url(netloc: str) -> None:
    opened(urllib2.build_opener(urllib2.ProxyHandler({"http": f"http://{LOGIN}@{netloc}"})), "http://127.0.0.9/")


def tunnel_proxy_url(netloc: str) -> None:
    opened(urllib2.build_opener(urllib2.ProxyHandler({"https": f"http://{LOGIN}@{netloc}"})), "https://127.0.0.9/")


def tunnel_proxy_header(netloc: str) -> None:
    request = urllib2.Request("https://127.0.0.9/", headers=PROXY_HEADER)
    opened(urllib2.build_opener(urllib2.ProxyHandler({"https": f"http://{netloc}"})), request)


def ntlm_handler(netloc: str) -> None:
    handler = ntlm_auth.HTTPNtlmAuthHandler()
    handler.add_password(None, f"http://{netloc}/", ALICE.qualified, ALICE.password)
    opened(urllib2.build_opener(urllib2.ProxyHandler({}), handler), f"http://{netloc}/")


def proxy_ntlm_handler(netloc: str) -> None:
    handler = ntlm_auth.ProxyNtlmAuthHandler()
    handler.add_password(None, netloc, ALICE.qualified, ALICE.password)
    opened(urllib2.build_opener(urllib2.ProxyHandler({"https": f"http://{netloc}"}), handler), "https://127.0.0.9/")


def with_urlopen(netloc: str) -> None:
    urllib2.urlopen(f"http://{LOGIN}@{netloc}/", timeout=SECONDS).close()


def with_urlretrieve(netloc: str) -> None:
    socket.setdefaulttimeout(SECONDS)
    urllib2.urlretrieve(f"http://{LOGIN}@{netloc}/")


def connected(make: Any, netloc: str, act: Callable[[Any], object]) -> None:
    connection = make(netloc, timeout=SECONDS)
    try:
        act(connection)
        connection.getresponse().read()
    finally:
        connection.close()


def by_request(connection: Any) -> None:
    connection.request("GET", "/", headers=HEADER)


def by_steps(connection: Any) -> None:
    connection.putrequest("GET", f"http://{LOGIN}@127.0.0.9/")
    for name, value in (HEADER | PROXY_HEADER).items():
        connection.putheader(name, value)
    connection.endheaders(b"body")


def by_tunnel(connection: Any) -> None:
    connection.set_tunnel("127.0.0.9", 443, PROXY_HEADER)
    connection.request("GET", "/", headers=HEADER)
    if connection.sock is None:
        raise OSError("refused, and no error")


def by_absolute_form(connection: Any) -> None:
    connection.request("GET", "http://127.0.0.9/", headers=PROXY_HEADER)


def httplib_request(netloc: str) -> None:
    connected(httplib.HTTPConnection, netloc, by_request)


def httplib_steps(netloc: str) -> None:
    connected(httplib.HTTPConnection, netloc, by_steps)


def httplib_tunnel(netloc: str) -> None:
    connected(httplib.HTTPSConnection, netloc, by_tunnel)


def httplib_absolute_form(netloc: str) -> None:
    connected(httplib.HTTPConnection, netloc, by_absolute_form)


def plain_socket(netloc: str) -> None:
    connect.create_connection(("127.0.0.9", 9), SECONDS, proxy=f"http://{LOGIN}@{netloc}").close()


def proxy_over_tls(netloc: str) -> None:
    connect.create_connection(("127.0.0.9", 9), SECONDS, proxy=f"https://{LOGIN}@{netloc}").close()


def chain(netloc: str) -> None:
    connect.do_connect_chain([f"http://{LOGIN}@{netloc}"], ("127.0.0.9", 9), SECONDS).close()


def connect_handle(netloc: str) -> None:
    proxies = urllib2.ProxyHandler({"https": f"http://{LOGIN}@{netloc}"})
    connect.create_connect_handle(f"https://{LOGIN}@127.0.0.9:9/", proxies, timeout_sec=SECONDS).connect_sock.close()


def download(netloc: str) -> None:
    code, _ = utilities.do_download(f"http://{LOGIN}@{netloc}/", timeout_sec=SECONDS)
    if code >= 300:
        raise OSError(f"status {code}")


def download_handle(netloc: str) -> None:
    with utilities.create_download_handle(
        "http://127.0.0.9/",
        proxy_handlers=urllib2.ProxyHandler({"http": f"http://{LOGIN}@{netloc}"}),
        headers=HEADER,
        timeout_sec=SECONDS,
    ) as handle:
        handle.read()


def cached_download(netloc: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        code, _ = utilities.do_download(f"http://{LOGIN}@{netloc}/", timeout_sec=SECONDS, cache=folder)
    if code >= 300:
        raise OSError(f"status {code}")


def download_to_file(netloc: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url, place = f"http://{LOGIN}@{netloc}/", f"{folder}/file"
        utilities.download_file(url, place, timeout_sec=SECONDS, cache=f"{folder}/cache", headers=PROXY_HEADER)


def download_in_segments(netloc: str) -> None:
    proxy = urllib2.ProxyHandler({"http": f"http://{LOGIN}@{netloc}"})
    with tempfile.TemporaryDirectory() as folder:
        utilities.download_file("http://127.0.0.9/", f"{folder}/file", proxy, timeout_sec=SECONDS, segments=2)


def download_of_many(netloc: str) -> None:
    credentials = ALICE.user, ALICE.password
    access = utilities.Access(f"http://{netloc}", credentials, credentials)
    with tempfile.TemporaryDirectory() as folder:
        jobs = [("http://127.0.0.9/", f"{folder}/file")]
        for result in utilities.download_many(jobs, access=access, timeout_sec=SECONDS, headers=HEADER):
            result.result()


def file_of_a_site(netloc: str) -> None:
    credentials = ALICE.user, ALICE.password
    site = HTTPFileSystem(f"http://{netloc}", credentials, credentials, timeout_sec=SECONDS, skip_instance_cache=True)
    with site.open("http://127.0.0.9/file") as file:
        file.read()


@coda_network.patched()
def patched_urlopen(netloc: str) -> None:
    urllib.request.urlopen(f"http://{LOGIN}@{netloc}/", timeout=SECONDS).close()


@coda_network.patched()
def patched_urlretrieve(netloc: str) -> None:
    socket.setdefaulttimeout(SECONDS)
    urllib.request.urlretrieve(f"http://{LOGIN}@{netloc}/")


@coda_network.patched(credentials=(ALICE.qualified, ALICE.password))
def patched_http_client(netloc: str) -> None:
    connected(http.client.HTTPConnection, netloc, by_steps)


@coda_network.patched()
def patched_urllib3_pool(netloc: str) -> None:
    with urllib3.PoolManager(retries=False, timeout=SECONDS, headers=HEADER) as pool:
        status = pool.request("GET", f"http://{netloc}/", redirect=False).status
        if status >= 300:
            raise OSError(f"status {status}")


@coda_network.patched()
def patched_requests(netloc: str) -> None:
    with requests.Session() as session:
        proxies = {"http": f"http://{LOGIN}@{netloc}", "https": f"http://{LOGIN}@{netloc}"}
        session.get("https://127.0.0.9/", proxies=proxies, timeout=SECONDS).raise_for_status()


WAYS = (
    site_url,
    https_site_url,
    request_with_header,
    upload,
    proxy_url,
    tunnel_proxy_url,
    tunnel_proxy_header,
    ntlm_handler,
    proxy_ntlm_handler,
    with_urlopen,
    with_urlretrieve,
    httplib_request,
    httplib_steps,
    httplib_tunnel,
    httplib_absolute_form,
    plain_socket,
    proxy_over_tls,
    chain,
    connect_handle,
    download,
    download_handle,
    cached_download,
    download_to_file,
    download_in_segments,
    download_of_many,
    file_of_a_site,
    patched_urlopen,
    patched_urlretrieve,
    patched_http_client,
    patched_urllib3_pool,
    patched_requests,
)
