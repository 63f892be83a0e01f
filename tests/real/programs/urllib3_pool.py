"""urllib3 with a ProxyManager: arguments are a base URL with http and one with https."""

import os
import sys
from urllib.parse import unquote

import urllib3

proxy = urllib3.util.parse_url(os.environ["HTTPS_PROXY"])
login = urllib3.make_headers(proxy_basic_auth=unquote(proxy.auth)) if proxy.auth else {}
address = f"{proxy.scheme}://{proxy.host}:{proxy.port}"
with urllib3.ProxyManager(address, proxy_headers=login, ca_certs=os.environ["SSL_CERT_FILE"], retries=False) as pool:
    for base in sys.argv[1:]:
        for method, path, body in (
            ("GET", "/small.bin", None),
            ("POST", "/upload", b"body"),
            ("GET", "/text.txt", None),
        ):
            response = pool.request(method, base + path, body=body)
            assert response.status == 200, response.status
            assert response.data
print("done")
