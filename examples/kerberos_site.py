"""Ask a site that logs people in by Kerberos, with the ticket of whoever is logged in here.

    kinit user@REALM
    python kerberos_site.py https://intranet.example/

It needs ``pip install 'coda_network[kerberos]'`` (not on Windows). A proxy of the environment gets the ticket too,
where it asks for one; a site only because of the handler.
"""

from __future__ import annotations

import sys

from coda_network import negotiate_auth, urllib2


def main(url: str) -> int:
    opener = urllib2.build_opener(negotiate_auth.HTTPNegotiateAuthHandler())
    try:
        with opener.open(url, timeout=30) as response:
            print(response.status, response.read().decode())
    except urllib2.HTTPError as error:
        with error:
            # What became of each scheme, with the library's own words about the ticket.
            print(error.code, error.auth_report)
        return 1
    finally:
        opener.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
