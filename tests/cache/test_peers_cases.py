"""What httplib2 and hishel test of their caches, by behaviour: the cases that test_rfc9111.py lacks.

``HTTPLIB2`` and ``HISHEL`` have the names of their tests with those of the cases here and there that stand for them;
``NOT_OURS`` has those that do not apply, or where RFC 9111 is read in another way, with the reason.
"""

from __future__ import annotations

import runpy
from contextlib import closing
from pathlib import Path

import pytest
from support.cache_site import AGAIN, FRESH, TAGGED, Site, Step, date
from support.peer import ScriptedPeer, Wire

from coda_network import urllib2
from coda_network._cache.freshness import HEURISTIC_STATUSES

HERE = Path(__file__).parent
OLD = f"Last-Modified: {date(-1000)}"

CASES: dict[str, list[Step]] = {
    # -- freshness
    "max-age=0 is stale": [Step("Cache-Control: max-age=0"), Step(FRESH)],
    "a negative max-age is stale": [Step("Cache-Control: max-age=-100"), Step(FRESH)],
    "max-age without a number is stale": [Step("Cache-Control: max-age="), Step(FRESH)],
    "max-age with two equals signs is stale": [Step("Cache-Control: max-age==60"), Step(FRESH)],
    "must-revalidate alone is stale": [Step("Cache-Control: must-revalidate"), Step(FRESH)],
    "must-revalidate is used while it is fresh": [Step(f"{FRESH}, must-revalidate"), AGAIN],
    "Expires that is no date is in the past": [Step("Expires: soon"), Step(FRESH)],
    "Expires counts from the arrival where Date is none": [
        Step(f"Date: soon|Expires: {date(60)}"), Step(None, later=59), Step(FRESH, later=2),
    ],
    "no-cache comes before Expires": [
        Step(f'Expires: {date(60)}|Cache-Control: no-cache|ETag: "a"'), Step("", status=304, expected=200),
    ],
    "a Date that is none is no age": [Step(f"{FRESH}|Date: soon"), Step(None, later=59), Step(FRESH, later=2)],
    "immutable is as fresh as max-age says": [
        Step(f"{FRESH}, immutable"), Step(None, later=59), Step(FRESH, later=2),
    ],
    "stale-while-revalidate: the server is asked": [
        Step(f"{TAGGED}, stale-while-revalidate=100"), Step("", later=61, status=304, expected=200),
    ],
    # -- how Cache-Control is read
    "spaces around directives and equals signs": [Step("Cache-Control:  private ,  max-age = 60 "), AGAIN],
    "empty directives": [Step("Cache-Control: ,, max-age=60 ,,"), AGAIN],
    "nothing but commas": [Step("Cache-Control: ,,,"), Step(FRESH)],
    "what stands behind a semicolon says nothing": [
        Step("Cache-Control: Max-age=60;post-check=18,pre-check=36"), Step(None, later=59), Step(FRESH, later=2),
    ],
    "a directive inside of quotation marks is none": [Step('Cache-Control: x="a, no-store", max-age=60'), AGAIN],
    "a quotation mark inside of quotation marks": [Step(r'Cache-Control: x="a\", no-store", max-age=60'), AGAIN],
    "unknown directives say nothing": [Step("Cache-Control: x, y=1, max-age=60, z"), AGAIN],
    "min-fresh of a response says nothing": [Step(f"{FRESH}, min-fresh=barney"), AGAIN],
    # -- requests
    "must-revalidate of a request says nothing": [Step(FRESH), Step(None, {"Cache-Control": "must-revalidate"})],
    "min-fresh counts with Expires, too": [
        Step(f"Expires: {date(4)}"), Step(None, {"Cache-Control": "min-fresh=2"}),
        Step(FRESH, {"Cache-Control": "min-fresh=2"}, later=3),
    ],
    "max-stale that is no number is none": [Step(FRESH), Step(FRESH, {"Cache-Control": "max-stale=xyz"}, later=61)],
    "max-stale=0 is none": [Step(FRESH), Step(FRESH, {"Cache-Control": "max-stale=0"}, later=61)],
    "proxy-revalidate is not for a private cache": [
        Step(f"{FRESH}, proxy-revalidate"), Step(None, {"Cache-Control": "max-stale"}, later=61),
    ],
    "no-store of a request goes to the server each time": [
        Step(FRESH), AGAIN, Step(FRESH, {"Cache-Control": "no-store, no-cache"}),
        Step(FRESH, {"Cache-Control": "no-store, no-cache"}),
    ],
    "PUT goes out with the condition of the program": [
        Step(TAGGED), Step("", {"If-Match": '"b"'}, method="PUT", status=412, sent='If-match: "b"'), AGAIN,
    ],
    "a question has the program's own fields, too": [
        Step(TAGGED),
        Step("", {"X-A": "1", "Accept": "b"}, later=61, status=304, expected=200, sent="X-a: 1|Accept: b|If-none"),
    ],
    "ETag and Last-Modified are both asked about": [
        Step(f"{TAGGED}|{OLD}"),
        Step("", later=61, status=304, expected=200, sent=f'If-none-match: "a"|If-modified-since: {date(-1000)}'),
    ],
    # -- what is stored
    **{
        f"{status} is stored by its date": [
            Step(OLD, status=status), Step(None, expected=status, body="" if status == 204 else "body 1"),
        ] for status in sorted(HEURISTIC_STATUSES - {301, 308})
    },
    **{f"{status} with max-age is stored": [Step(FRESH, status=status), Step(None, expected=status, body="body 1")]
       for status in (201, 301, 302, 303, 307, 308)},
    **{f"{status} without a word is not stored": [Step("", status=status), Step(FRESH)] for status in (201, 302, 307)},
    "201 is not stored by its date": [Step(OLD, status=201), Step(FRESH)],
    "s-maxage alone is nothing to a private cache": [Step("Cache-Control: s-maxage=60", status=201), Step(FRESH)],
    "public alone is stored, and asked about": [
        Step('Cache-Control: public|ETag: "a"'), Step("", status=304, expected=200, body="body 1"),
    ],
    "304 to no question is not stored": [Step(FRESH, status=304), Step(FRESH)],
    # -- asking
    "a 304 may make a weak ETag a strong one": [
        Step(f'ETag: W/"a"|{FRESH}'), Step('ETag: "a"', later=61, status=304, expected=200),
    ],
    "a weak ETag of a 304 does no harm beside Last-Modified": [
        Step(f"{OLD}|{FRESH}"), Step(f'ETag: W/"x"|{OLD}', later=61, status=304, expected=200),
    ],
    "203 in place of what was asked about": [
        Step(TAGGED), Step(FRESH, later=61, status=203), Step(None, expected=203, body="body 2"),
    ],
    "301 in place of what was asked about": [
        Step(TAGGED), Step(FRESH, later=61, status=301), Step(None, expected=301, body="body 2"),
    ],
    "206 in place of what was asked about is not stored": [
        Step(TAGGED), Step(FRESH, later=61, status=206), Step("", status=304, expected=200, body="body 1"),
    ],
    **{f"{status} in place of what was asked about changes nothing": [
        Step(TAGGED), Step("Cache-Control: no-store", later=61, status=status),
        Step("", status=304, expected=200, body="body 1")] for status in (500, 502, 503, 504)},
    # -- Vary
    "without Vary other fields do not matter": [Step(FRESH, {"Accept": "a"}), Step(None, {"Accept": "b"})],
    "Vary: a field that neither request has": [Step(f"{FRESH}|Vary: X-Kind", {"Accept": "a"}), AGAIN],
    "Vary: a field that only the first request has": [Step(f"{FRESH}|Vary: Accept", {"Accept": "a"}), Step(FRESH)],
    "Vary: * among others": [Step(f"{FRESH}|Vary: Accept, *", {"Accept": "a"}), Step(FRESH, {"Accept": "a"})],
    "of two that fit the newest counts": [
        Step(f"{FRESH}|Vary: Accept", {"Accept": "a"}),
        Step(FRESH, {"Accept": "a", "Cache-Control": "no-cache"}, later=1),
        Step(None, {"Accept": "a"}, body="body 2"),
    ],
    # -- methods
    "PATCH makes it forgotten": [Step(FRESH), Step("", method="PATCH"), Step(FRESH)],
}  # fmt: skip


@pytest.mark.parametrize("steps", CASES.values(), ids=CASES)
def test_a_cache_does_what_peers_test(stepped: Site, steps: list[Step]) -> None:
    with ScriptedPeer(stepped.serve) as peer, closing(urllib2.build_opener(cache=stepped.cache)) as opener:
        stepped.run(opener, peer.url.rstrip("/"), steps)


FIELDS = {
    # of the response, of the 304 to the next request, and what the stored response has then; None: it is not there
    "what a 304 says replaces what was stored": ("X-A: 1|X-B: 1", "X-A: 2", {"X-A": "2", "X-B": "1"}),
    "the Date of a 304": (f"Date: {date(-5)}", f"Date: {date(61)}", {"Date": date(61)}),
    "what is about the body stays": (
        "Content-Type: text/a|Content-Encoding: x", "Content-Type: text/b|Content-Encoding: y|Content-Range: z",
        {"Content-Type": "text/a", "Content-Encoding": "x", "Content-Range": None, "Content-Length": "4"},
    ),
    "what is about the connection is not stored": (
        "Keep-Alive: x|Proxy-Connection: x|TE: x|Upgrade: x|Proxy-Authenticate: x|Connection: keep-alive, X-A|X-A: 1",
        "Keep-Alive: x|Connection: keep-alive, X-B|X-B: 1|X-C: 1",
        {"Keep-Alive": None, "Proxy-Connection": None, "TE": None, "Upgrade": None, "Proxy-Authenticate": None,
         "X-A": None, "X-B": None, "X-C": "1"},
    ),
    "fields that no-cache names are not stored": (
        'Cache-Control: max-age=60, no-cache="x-a , X-B"|X-A: 1|X-B: 1|X-C: 1',
        'Cache-Control: max-age=60, no-cache="x-a"|X-A: 2',
        {"X-A": None, "X-B": None, "X-C": "1"},
    ),
    "fields that private names are": ('Cache-Control: max-age=60, private="X-A"|X-A: 1', "", {"X-A": "1"}),
    "the age is that since the 304": ("Age: 30", "", {"Age": "0"}),
}  # fmt: skip


@pytest.mark.parametrize(("first", "second", "expected"), FIELDS.values(), ids=FIELDS)
def test_header_fields_of_a_stored_response(
    stepped: Site, first: str, second: str, expected: dict[str, str | None]
) -> None:
    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            is_question = b"if-none-match" in head.lower()
            lines = (second if is_question else first).split("|")
            lines = [line for line in [*lines, 'ETag: "a"'] if line]
            if not any(line.startswith("Cache-Control") for line in lines):
                lines.append(FRESH)
            wire.respond(b"" if is_question else b"body", "304 Same" if is_question else "200 OK", *lines)

    with ScriptedPeer(script) as peer, closing(urllib2.build_opener(cache=stepped.cache)) as opener:
        opener.open(peer.url).read()
        stepped.now += 61
        for later in (0, 0):
            stepped.now += later
            with opener.open(peer.url) as response:
                assert response.read() == b"body"
            assert {name: response.headers.get(name) for name in expected} == expected


@pytest.mark.parametrize(("fields", "age"), [("Age: 30", 50), (f"Date: {date(-30)}", 50), ("", 20)])
def test_age_says_how_old_it_is_now(stepped: Site, fields: str, age: int) -> None:
    with ScriptedPeer(stepped.serve) as peer, closing(urllib2.build_opener(cache=stepped.cache)) as opener:
        stepped.run(opener, peer.url.rstrip("/"), [Step(f"{FRESH}|{fields}")])
        stepped.now += 20
        with opener.open(peer.url) as response:
            assert (response.from_cache, response.headers.get_all("Age")) == (True, [str(age)])


# -- the names of their tests

HTTPLIB2 = {
    "get_only_if_cached_cache_hit": "only-if-cached with something",
    "get_only_if_cached_cache_miss": "only-if-cached with nothing is 504",
    "vary_no": "without Vary other fields do not matter",
    "vary_header_simple": "Vary: a field that only the first request has",
    "vary_header_double": "Vary: several fields",
    "vary_unused_header": "Vary: a field that neither request has",
    "get_cache_control_no_cache": "no-cache asks the server",
    "get_cache_control_pragma_no_cache": "Pragma: no-cache asks the server",
    "get_cache_control_no_store_request": "no-store of the request stores nothing",
    "get_cache_control_no_store_response": "no-store",
    "get_cache_control_no_cache_no_store_request": "no-store of a request goes to the server each time",
    "update_uses_cached_etag_overridden": "PUT goes out with the condition of the program",
    "parse_cache_control": "what stands behind a semicolon says nothing",
    "entry_disposition: min-fresh": "min-fresh counts with Expires, too",
    "entry_disposition: must-revalidate": "must-revalidate alone is stale",
    "entry_disposition: no-cache": "no-cache comes before Expires",
    "entry_disposition: numbers that are none": "max-age that is no number is stale",
    "expiration_model_fresh": "max-age is fresh for so long",
    "expiration_model_date_and_expires": "Expires",
    "get_301_no_redirect": "301 with max-age is stored",
    "get_302": "302 without a word is not stored",
    "get_307": "307 without a word is not stored",
    "etag_used": "must-revalidate of a request says nothing",
    "etag_used: HEAD": "HEAD of what is stored",
    "etag_used: a range": "a range is not taken from what is stored",
    "etag_override": "a program's own condition goes to the server",
    "get_304_end_to_end": "the Date of a 304",
    "get_304_last_modified": "Last-Modified is asked about",
    "get_end2end_headers": "what is about the connection is not stored",
}

HISHEL = {
    "test_cache_miss": "public alone is stored, and asked about",
    "test_cache_miss: heuristically cacheable": "410 is stored by its date",
    "test_cache_miss: not cacheable": "201 is not stored by its date",
    "test_cache_miss: s-maxage": "s-maxage alone is nothing to a private cache",
    "test_cache_miss: 206": "206 is not stored",
    "test_cache_miss: 304": "304 to no question is not stored",
    "test_cache_miss: private": "private is for us",
    "test_idle_client: unsafe methods": "PATCH makes it forgotten",
    "test_idle_client: other URLs": "a query is a part of the URL",
    "test_idle_client: the most recent": "of two that fit the newest counts",
    "test_idle_client: without Date": "a Date that is none is no age",
    "test_idle_client: fresh, then stale": "max-age is no longer fresh when it has passed",
    "test_need_revalidation: strong ETag": "an ETag is asked about",
    "test_need_revalidation: weak ETag": "a weak ETag of a 304 does no harm beside Last-Modified",
    "test_need_revalidation: full responses": "203 in place of what was asked about",
    "test_need_revalidation: 206": "206 in place of what was asked about is not stored",
    "test_need_revalidation: 5xx": "503 in place of what was asked about changes nothing",
    "test_need_revalidation: 301": "301 in place of what was asked about",
    "test_storage_rules: 304 with a strong ETag for a weak one": "a 304 may make a weak ETag a strong one",
    "test_helper_functions: heuristics": "a tenth of the time since it was modified",
    "test_helper_functions: a week": "a week at most",
    "test_helper_functions: Expires": "Expires that is no date is in the past",
    "test_helper_functions: Expires without Date": "Expires counts from the arrival where Date is none",
    "test_helper_functions: a Date in the future": "a Date in the future is none",
    "test_helper_functions: conditional requests": "ETag and Last-Modified are both asked about",
    "test_helper_functions: fields of the request": "a question has the program's own fields, too",
    "test_helper_functions: stale": "must-revalidate forbids max-stale",
    "test_helper_functions: unstorable fields": "what is about the connection is not stored",
    "test_helper_functions: no-cache with fields": "fields that no-cache names are not stored",
    "test_helper_functions: private with fields": "fields that private names are",
    "test_helper_functions: updated fields": "what a 304 says replaces what was stored",
    "test_helper_functions: fields of the body": "what is about the body stays",
    "test_headers: numbers": "a negative max-age is stale",
    "test_headers: overflow": "max-age beyond all numbers is long",
    "test_headers: quoted": "a quotation mark inside of quotation marks",
    "test_headers: spaces": "spaces around directives and equals signs",
    "test_headers: commas": "empty directives",
    "test_headers: case": "the case of directives does not matter",
    "test_headers: extensions": "unknown directives say nothing",
    "test_headers: max-stale": "max-stale that is no number is none",
    "test_headers: proxy-revalidate": "proxy-revalidate is not for a private cache",
    "test_headers: must-understand": "must-understand overrides no-store",
    "test_headers: immutable": "immutable is as fresh as max-age says",
    "test_headers: stale-while-revalidate": "stale-while-revalidate: the server is asked",
    "test_headers: stale-if-error": "stale-if-error",
    "test_headers: duplicates": "the first of two max-age counts",
}

NOT_OURS = {
    "httplib2: only-if-cached without a cache": "there is no cache that could answer; the server gets the directive",
    "httplib2: a DELETE that was refused makes it forgotten": "section 4.4: a response that is no error does",
    "httplib2: PUT with the stored ETag as If-Match": "it is no matter of caches: the program says what it means",
    "httplib2: 301 is stored for ever without a word": "section 4.2.2: no Last-Modified, nothing to reckon with",
    "httplib2: 308 of any method from the cache": "GET and HEAD alone are answered from it",
    "httplib2: ignore_etag, follow_redirects, safename": "its own attributes and names of files",
    "hishel: HEAD is not answered by a stored GET": "section 4: a cache may; so do httplib2's and ours",
    "hishel: private, Authorization and s-maxage in shared caches": "this one is private",
    "hishel: stale responses where an option allows it": "max-stale of the request says so",
    "hishel: several stored ones in one question": "the one that fits is asked about; others keep their variant",
    "hishel: 304 to a request without a condition": "it is no answer to what was asked, and goes to the program",
    "hishel: other Vary fields ask with the ETag of what is stored": "section 4.3.1: a cache may; it is fetched",
    "hishel: the last of two max-age counts": "section 4.2.1: the first one, or stale",
    "hishel: storages, their keys, policies, GraphQL and ttl": "its own interfaces",
}


def test_the_cases_that_stand_for_theirs_are_there() -> None:
    known = set(CASES) | set(FIELDS) | set(runpy.run_path(str(HERE / "test_rfc9111.py"))["CASES"])
    assert {*HTTPLIB2.values(), *HISHEL.values()} <= known
