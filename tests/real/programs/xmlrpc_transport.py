"""xmlrpc.client with the transport for proxies of its own documentation: the argument is host:port of the server."""

import base64
import http.client
import os
import sys
import xmlrpc.client
from urllib.parse import unquote, urlsplit


class ProxiedTransport(xmlrpc.client.Transport):
    def set_proxy(self, host, port=None, headers=None):
        self.proxy = host, port
        self.proxy_headers = headers

    def make_connection(self, host):
        connection = http.client.HTTPConnection(*self.proxy)
        connection.set_tunnel(host, headers=self.proxy_headers)
        self._connection = host, connection
        return connection


proxy = urlsplit(os.environ["HTTP_PROXY"])
headers = {}
if proxy.username is not None:
    login = f"{unquote(proxy.username)}:{unquote(proxy.password)}".encode()
    headers["Proxy-Authorization"] = f"Basic {base64.b64encode(login).decode()}"
transport = ProxiedTransport()
transport.set_proxy(proxy.hostname, proxy.port, headers)
with xmlrpc.client.ServerProxy(f"http://{sys.argv[1]}", transport=transport) as server:
    assert server.pow(2, 9) == 512
    assert server.pow(2, 10) == 1024
print("done")
