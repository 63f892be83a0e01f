"""What a cache stores, uses again, asks about and forgets: tables after RFC 9111 and RFC 5861, at a scripted peer."""

from __future__ import annotations

import contextlib

import pytest
from support.cache_site import AGAIN, FRESH, TAGGED, Site, Step, date
from support.peer import ScriptedPeer, Wire

from coda_network import urllib2

CASES: dict[str, list[Step]] = {
    # -- freshness (section 4.2)
    "max-age is fresh for so long": [Step(FRESH), Step(None, later=59), Step(FRESH, later=2)],
    "max-age is no longer fresh when it has passed": [Step(FRESH), Step(FRESH, later=60)],
    "the first of two max-age counts": [Step("Cache-Control: max-age=1, max-age=60"), Step(FRESH, later=30)],
    "a quoted argument is one, too": [Step('Cache-Control: max-age="60"'), AGAIN],
    "max-age in two fields": [Step("Cache-Control: private|Cache-Control: max-age=60"), AGAIN],
    "the case of directives does not matter": [Step("cache-control: MAX-AGE=60"), AGAIN],
    "max-age that is no number is stale": [Step("Cache-Control: max-age=soon"), Step(FRESH)],
    "max-age beyond all numbers is long": [Step(f"Cache-Control: max-age={10**15}"), Step(None, later=10**8)],
    "s-maxage is not for a private cache": [Step("Cache-Control: s-maxage=60, max-age=0"), Step(FRESH)],
    "Expires": [Step(f"Expires: {date(60)}"), Step(None, later=59), Step(FRESH, later=1)],
    "max-age comes before Expires": [Step(f"Cache-Control: max-age=60|Expires: {date(-60)}"), AGAIN],
    "Expires: 0 is in the past": [Step("Expires: 0"), Step(FRESH)],
    "Expires counts from Date, not from our clock": [
        Step(f"Date: {date(-5000)}|Expires: {date(-4000)}|Age: 0"), Step(FRESH),
    ],
    "a tenth of the time since it was modified": [
        Step(f"Last-Modified: {date(-1000)}"), Step(None, later=99), Step(FRESH, later=2),
    ],
    "a week at most": [Step(f"Last-Modified: {date(-10**9)}"), Step(None, later=604799), Step(FRESH, later=2)],
    "no heuristic for a status that has none": [
        Step(f"Last-Modified: {date(-1000)}|Cache-Control: private", status=202, expected=202), Step(FRESH),
    ],
    "nothing that says how long is stale at once": [Step(""), Step(FRESH)],
    "Age of a cache on the way counts": [Step(f"{FRESH}|Age: 50"), Step(None, later=9), Step(FRESH, later=2)],
    "Age that is no number counts for nothing": [Step(f"{FRESH}|Age: old"), AGAIN],
    "a Date in the past is an age": [Step(f"{FRESH}|Date: {date(-50)}"), Step(None, later=9), Step(FRESH, later=2)],
    "a Date in the future is none": [Step(f"{FRESH}|Date: {date(500)}"), Step(None, later=59), Step(FRESH, later=2)],
    "a clock that is put back makes nothing stale": [Step(FRESH), Step(None, later=-1000)],
    # -- what the request says (section 5.2.1)
    "no-cache asks the server": [Step(FRESH), Step(FRESH, {"Cache-Control": "no-cache"})],
    "Pragma: no-cache asks the server": [Step(FRESH), Step(FRESH, {"Pragma": "no-cache"})],
    "Pragma does not count beside Cache-Control": [
        Step(FRESH), Step(None, {"Pragma": "no-cache", "Cache-Control": "max-age=10"}),
    ],
    "max-age of the request": [Step(FRESH), Step(None, {"Cache-Control": "max-age=20"}, later=10),
                               Step(FRESH, {"Cache-Control": "max-age=20"}, later=11)],
    "max-age=0 asks the server": [Step(FRESH), Step(FRESH, {"Cache-Control": "max-age=0"}, later=1)],
    "min-fresh": [Step(FRESH), Step(None, {"Cache-Control": "min-fresh=20"}, later=10),
                  Step(FRESH, {"Cache-Control": "min-fresh=20"}, later=31)],
    "max-stale without a limit": [Step(FRESH), Step(None, {"Cache-Control": "max-stale"}, later=1000)],
    "max-stale with a limit": [Step(FRESH), Step(None, {"Cache-Control": "max-stale=30"}, later=80),
                               Step(FRESH, {"Cache-Control": "max-stale=30"}, later=20)],
    "must-revalidate forbids max-stale": [
        Step(f"{FRESH}, must-revalidate"), Step(FRESH, {"Cache-Control": "max-stale"}, later=61),
    ],
    "only-if-cached with nothing is 504": [Step(None, {"Cache-Control": "only-if-cached"}, expected=504)],
    "only-if-cached with something": [Step(FRESH), Step(None, {"Cache-Control": "only-if-cached"})],
    "only-if-cached with what is stale is 504": [
        Step(FRESH), Step(None, {"Cache-Control": "only-if-cached"}, later=61, expected=504),
    ],
    "only-if-cached with max-stale": [
        Step(FRESH), Step(None, {"Cache-Control": "only-if-cached, max-stale"}, later=61),
    ],
    "no-store of the request stores nothing": [Step(FRESH, {"Cache-Control": "no-store"}), Step(FRESH),
                                             Step(None, body="body 2")],
    # -- what may be stored (section 3)
    "no-store": [Step("Cache-Control: no-store, max-age=60"), Step(FRESH)],
    "private is for us": [Step("Cache-Control: private, max-age=60"), AGAIN],
    "no-cache asks each time": [
        Step('Cache-Control: no-cache, max-age=60|ETag: "a"'), Step("", status=304, expected=200),
    ],
    "must-understand overrides no-store": [Step("Cache-Control: must-understand, no-store, max-age=60"), AGAIN],
    "must-understand of what is not understood": [
        Step("Cache-Control: must-understand, max-age=60", status=299), Step(FRESH),
    ],
    "404 is stored": [Step(FRESH, status=404), Step(None, expected=404, body="body 1")],
    "410 is stored by its date": [Step(f"Last-Modified: {date(-1000)}", status=410), Step(None, expected=410)],
    "500 without a word is not stored": [Step("", status=500), Step(FRESH)],
    "500 with max-age is stored": [Step(FRESH, status=500), Step(None, expected=500)],
    "401 is not stored": [Step(FRESH, status=401), Step(FRESH)],
    "206 is not stored": [Step(f"{FRESH}|Content-Range: bytes 0-5/9", {"Range": "bytes=0-5"}, status=206), Step(FRESH)],
    "a range is not taken from what is stored": [Step(FRESH), Step(FRESH, {"Range": "bytes=0-1"})],
    "200 in place of a range is stored": [Step(FRESH, {"Range": "bytes=0-1"}), AGAIN],
    "a program's own condition goes to the server": [
        Step(TAGGED), Step("", {"If-None-Match": '"b"'}, status=304, sent='If-none-match: "b"'), AGAIN,
    ],
    # -- asking whether it is still right (section 4.3)
    "an ETag is asked about": [
        Step(TAGGED), Step(TAGGED, later=61, status=304, expected=200, sent='If-none-match: "a"'), Step(None, later=59),
    ],
    "Last-Modified is asked about": [
        Step(f"Last-Modified: {date(-50)}|{FRESH}"),
        Step(FRESH, later=61, status=304, expected=200, sent=f"If-modified-since: {date(-50)}"), AGAIN,
    ],
    "what cannot be asked about is fetched": [Step(FRESH), Step(FRESH, later=61, unsent="If-")],
    "another one takes its place": [Step(TAGGED), Step(TAGGED, later=61), Step(None, body="body 2")],
    "a weak ETag is compared weakly": [
        Step(f'ETag: W/"a"|{FRESH}'), Step('ETag: W/"a"', later=61, status=304, expected=200),
    ],
    "304 makes it fresh for as long as it says": [
        Step(TAGGED), Step("Cache-Control: max-age=1000", later=61, status=304, expected=200), Step(None, later=900),
    ],
    "the age begins anew with a 304": [
        Step(f"{TAGGED}|Age: 30"), Step("", later=61, status=304, expected=200), Step(None, later=50),
    ],
    "a 404 instead is what comes": [Step(TAGGED), Step("", later=61, status=404)],
    # -- errors (RFC 5861)
    "an error comes through": [Step(TAGGED), Step("", later=61, status=503)],
    "stale-if-error": [
        Step(f"{TAGGED}, stale-if-error=100"), Step("", later=61, status=503, expected=200, body="body 1"),
    ],
    "stale-if-error has a limit": [Step(f"{TAGGED}, stale-if-error=100"), Step("", later=161, status=503)],
    "stale-if-error is no stale-if-missing": [Step(f"{TAGGED}, stale-if-error=100"), Step("", later=61, status=404)],
    "stale-if-error of the request": [
        Step(TAGGED),
        Step("", {"Cache-Control": "stale-if-error=100"}, later=61, status=500, expected=200, body="body 1"),
    ],
    "must-revalidate forbids stale-if-error": [
        Step(f"{TAGGED}, must-revalidate, stale-if-error=100"), Step("", later=61, status=503),
    ],
    "no response at all is an error, too": [
        Step(f"{TAGGED}, stale-if-error=100"), Step("BREAK", later=61, expected=200, body="body 1"),
    ],
    # -- Vary (section 4.1)
    "Vary: the same fields": [Step(f"{FRESH}|Vary: Accept", {"Accept": "a"}), Step(None, {"Accept": "a"})],
    "Vary: other fields": [Step(f"{FRESH}|Vary: Accept", {"Accept": "a"}),
                           Step(f"{FRESH}|Vary: Accept", {"Accept": "b"}),
                           Step(None, {"Accept": "a"}, body="body 1"), Step(None, {"Accept": "b"}, body="body 2")],
    "Vary: a field that is missing": [Step(f"{FRESH}|Vary: X-Kind"), Step(FRESH, {"X-Kind": "a"})],
    "Vary: several fields": [
        Step(f"{FRESH}|Vary: Accept, X-A|vary: X-B", {"X-A": "1", "X-B": "2"}),
        Step(None, {"X-A": "1", "X-B": "2"}), Step(FRESH, {"X-A": "1", "X-B": "3"}),
    ],
    "Vary: * is never used": [Step(f"{FRESH}|Vary: *"), Step(FRESH)],
    # -- methods (sections 4, 4.3.5, 4.4)
    "HEAD of what is stored": [Step(FRESH), Step(None, method="HEAD")],
    "HEAD is not stored for GET": [Step(FRESH, method="HEAD"), Step(FRESH)],
    "HEAD makes fresh what is the same": [
        Step(TAGGED), Step(TAGGED, method="HEAD", later=61), Step(None, later=30),
    ],
    "HEAD of another one makes it forgotten": [
        Step(TAGGED), Step('ETag: "b"|Cache-Control: max-age=60', method="HEAD", later=61), Step(FRESH, unsent="If-"),
    ],
    "POST makes it forgotten": [Step(FRESH), Step("", method="POST"), Step(FRESH)],
    "PUT makes it forgotten": [Step(FRESH), Step("", method="PUT", status=204), Step(FRESH)],
    "DELETE makes it forgotten": [Step(FRESH), Step("", method="DELETE"), Step(FRESH)],
    "an unknown method makes it forgotten": [Step(FRESH), Step("", method="FROB"), Step(FRESH)],
    "a POST that failed changes nothing": [Step(FRESH), Step("", method="POST", status=500), AGAIN],
    "OPTIONS changes nothing": [Step(FRESH), Step("", method="OPTIONS"), AGAIN],
    "POST is not stored": [Step(FRESH, method="POST"), Step(FRESH)],
    "POST makes forgotten what Location names": [
        Step(FRESH, path="/other"), Step("Content-Location: /other", method="POST"), Step(FRESH, path="/other"),
    ],
    "POST changes nothing of another site": [
        Step(FRESH, path="/other"), Step("Location: http://example.org/other", method="POST", status=201),
        Step(None, path="/other"),
    ],
    # -- the key
    "a query is a part of the URL": [
        Step(FRESH, path="/?a"), Step(FRESH, path="/?b"), Step(None, path="/?a", body="body 1"),
    ],
    "a fragment is none": [Step(FRESH, path="/a#x"), Step(None, path="/a#y")],
}  # fmt: skip


@pytest.mark.parametrize("steps", CASES.values(), ids=CASES)
def test_a_cache_does_what_the_rfc_says(stepped: Site, steps: list[Step]) -> None:
    with ScriptedPeer(stepped.serve) as peer:
        opener = urllib2.build_opener(cache=stepped.cache)
        stepped.run(opener, peer.url.rstrip("/"), steps)
        opener.close()


def test_304_of_another_etag_is_asked_for_again_without_a_condition(stepped: Site) -> None:
    heads = []

    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            heads.append(head.lower())
            if len(heads) == 2:
                wire.send(b'HTTP/1.1 304 Not Modified\r\nETag: "b"\r\n\r\n')
            else:
                wire.respond(b"body %d" % len(heads), "200 OK", f'ETag: "{len(heads)}"', "Cache-Control: max-age=60")

    with ScriptedPeer(script) as peer, contextlib.closing(urllib2.build_opener(cache=stepped.cache)) as opener:
        bodies = []
        for later in (0, 61, 0):
            stepped.now += later
            with opener.open(peer.url) as response:
                bodies.append(response.read())
    assert bodies == [b"body 1", b"body 3", b"body 3"]
    assert [b"if-none-match" in head for head in heads] == [False, True, False]
