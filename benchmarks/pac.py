"""Compare the decisions of a PAC file with those of pypac, and count them: `python benchmarks/pac.py`.

Both have the same file, 200 URLs, and the same names: no DNS is asked. The file is one as companies have them: suffixes
of names, networks, patterns, a list of hosts, and a proxy for each kind of site.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent.parent))

from coda_network._route.pac import PAC, parse_result
from coda_network._route.pac_names import Names
from coda_network._route.route import DIRECT

HOSTS = ("intranet", "www.example.com", "cdn.example.net", "files.corp.example", "a.b.corp.example", "10.1.2.3")
HOSTS += ("192.168.7.8", "172.31.0.1", "203.0.113.9", "db.internal", "mail.partner.example", "localhost", "news.test")
ADDRESSES = {"db.internal": "10.9.9.9", "mail.partner.example": "198.51.100.7", "news.test": "203.0.113.80"}
PATHS = ("/", "/index.html", "/video/film.mp4", "/a/b/c?d=e", "/search?q=proxy&page=2")

TEXT = """
var direct = ["files.corp.example", "wiki.corp.example"];
function isListed(host) {
    for (var i = 0; i < direct.length; i++) if (host == direct[i]) return true;
    return false;
}
function FindProxyForURL(url, host) {
    host = host.toLowerCase();
    if (isPlainHostName(host) || host == "127.0.0.1") return "DIRECT";
    if (isListed(host) || dnsDomainIs(host, ".internal.example")) return "DIRECT";
    if (shExpMatch(url, "*/video/*")) return "SOCKS5 media.corp.example:1080; PROXY a.corp.example:3128";
    if (dnsDomainLevels(host) > 2 && localHostOrDomainIs(host, "a.b.corp.example")) return "HTTPS tls.corp.example:443";
    if (/^\\d+\\.\\d+\\.\\d+\\.\\d+$/.test(host)) {
        if (isInNet(host, "10.0.0.0", "255.0.0.0") || isInNet(host, "192.168.0.0", "255.255.0.0")) return "DIRECT";
        if (isInNet(host, "172.16.0.0", "255.240.0.0")) return "PROXY b.corp.example:3128; DIRECT";
    }
    if (isResolvable(host) && isInNet(dnsResolve(host), "10.9.0.0", "255.255.0.0")) return "PROXY c.corp.example:8080";
    if (url.substring(0, 6) == "https:") return "PROXY a.corp.example:3128; PROXY b.corp.example:3128";
    return "PROXY a.corp.example:3128; DIRECT";
}
"""


def urls() -> list[str]:
    """Return 200 URLs: hosts by paths by schemes, some with a port."""
    found = [
        f"{scheme}://{host}{port}{path}"
        for path in PATHS
        for host in HOSTS
        for scheme, port in (("http", ""), ("https", ""), ("http", ":8080"), ("https", ":8443"))
    ]
    return found[:200]


def look_up(host: str) -> str:
    """Return the address of a name, as both of them are told.

    :raises socket.gaierror: there is none
    """
    if host not in ADDRESSES:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")
    return ADDRESSES[host]


def as_browsers_show(url: str) -> str:
    """Return what a file sees of a URL: of https no path."""
    parts = urlsplit(url)
    return f"https://{parts.netloc}/" if parts.scheme == "https" else url


def ours() -> Callable[[str], list[str]]:
    """Return what decides by this package."""
    return PAC(TEXT, Names(lambda host, deadline: [look_up(host)], lambda: ["127.0.0.1"]))


def pypacs() -> Callable[[str], list[str]]:
    """Return what decides by pypac."""
    from pypac.parser import PACFile

    socket.gethostbyname = look_up
    file = PACFile(TEXT)

    def decide(url: str) -> list[str]:
        return [file.find_proxy_for_url(as_browsers_show(url), urlsplit(url).hostname)]

    return decide


def seconds_of(decide: Callable[[str], list[str]], asked: list[str]) -> float:
    """Return the processor time of one decision."""
    begun = time.process_time()
    for url in asked:
        decide(url)
    return (time.process_time() - begun) / len(asked)


def main() -> None:
    """Print whether the decisions are the same, and how many each makes in a second."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=15, metavar="N", help="how often each has its turn (default 15)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    asked = urls()
    deciders = {"coda_network": ours(), "pypac": pypacs()}
    figures: dict[str, list[float]] = {name: [] for name in deciders}
    different = []
    for url in asked:
        mine, [theirs] = (decide(url) for decide in deciders.values())
        routes = parse_result(theirs, "of pypac")
        if mine != [DIRECT if route.is_direct else route.urls[0] for route in routes]:
            different.append((url, mine, theirs))
    for _ in range(options.passes):
        for name, decide in deciders.items():
            figures[name].append(seconds_of(decide, asked))
    rates = {name: round(1 / median(taken)) for name, taken in figures.items()}
    results = {"urls": len(asked), "kinds": len({deciders["pypac"](url)[0] for url in asked}), "different": different}
    if options.json:
        print(json.dumps({**results, "decisions_a_second": rates}))
        return
    print(f"{len(asked)} URLs, {results['kinds']} different results, {len(different)} decided differently")
    for each in different:
        print("   ", *each)
    print("| decides | decisions a second |\n| --- | ---: |")
    for name, rate in rates.items():
        print(f"| {name} | {rate:,} |")


if __name__ == "__main__":
    main()
