"""Code as it was written for Python 2's urllib2: only the import, and the bytes of the form, are new.

    python old_urllib2.py URL USER PASSWORD

It sends a form to a site that asks for a login, and prints the status and the page.
"""

from __future__ import annotations

import sys
from urllib.parse import urlencode

from coda_network import urllib2


def main(url: str, user: str, password: str) -> int:
    passwords = urllib2.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, url, user, password)
    urllib2.install_opener(urllib2.build_opener(urllib2.HTTPBasicAuthHandler(passwords)))

    request = urllib2.Request(url)
    request.add_data(urlencode({"name": "value"}).encode("ascii"))
    try:
        page = urllib2.urlopen(request, timeout=30)
    except urllib2.HTTPError as error:
        with error:
            print(error.code, error.reason, "from", request.get_host())
        return 1
    with page:
        print(page.getcode(), page.read().decode())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
