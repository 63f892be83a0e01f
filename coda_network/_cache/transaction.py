"""What becomes of one request of an opener with a cache (RFC 9111 section 4)."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urljoin, urlsplit

from coda_network._cache.cache import HTTPCache
from coda_network._cache.directives import of_request, of_response
from coda_network._cache.entry import Entry
from coda_network._cache.folder import EVERYBODY, log
from coda_network._cache.freshness import may_be_used, may_stand_in
from coda_network._cache.key import key_of
from coda_network._cache.storable import fields_to_store, may_be_stored, merged, message
from coda_network._cache.stored_response import gateway_timeout, stored_response
from coda_network._cache.storing import store_while_read
from coda_network._cache.who import who_asks
from coda_network._opener.errors import TunnelRefused

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_OF_A_PART = frozenset({"range", "if-range"})
_CONDITIONS = frozenset({"if-match", "if-none-match", "if-modified-since", "if-unmodified-since"})
_ERRORS = frozenset({500, 502, 503, 504})
"""RFC 5861 section 4."""


def respond(cache: HTTPCache, opener: Any, request: Any, send: Callable[[], Any]) -> Any:
    """Return the response to a request: a stored one where that may be used, else what *send* returns.

    :param opener: whose handlers may log in
    :param request: with all its header fields
    :param send: sends it, and returns the response, whatever its status is
    """
    url = key_of(request.full_url)
    method = request.get_method()
    if method not in ("GET", "HEAD"):
        response = send()
        if method not in _SAFE and 200 <= response.status < 400:
            _invalidate(cache, url, response)
        return response
    if request.data is not None:
        return send()
    transaction = _Transaction(cache, opener, request, send, url, method)
    try:
        return transaction.run()
    finally:
        transaction.close()


class _Transaction:
    """One GET or HEAD."""

    def __init__(
        self, cache: HTTPCache, opener: Any, request: Any, send: Callable[[], Any], url: str, method: str
    ) -> None:
        self._cache = cache
        self._request = request
        self._send_now = send
        self._url = url
        self._method = method
        pairs = [*request.unredirected_hdrs.items(), *request.headers.items()]
        self._fields = {name.lower(): str(value) for name, value in pairs}
        self._wants = of_request(self._fields)
        self._who = who_asks(cache, opener, request, self._fields)
        self._entry: Entry | None = None
        self._requested = 0.0

    def close(self) -> None:
        """Close the file that was found and is not the response."""
        if self._entry is not None:
            self._entry.close()

    def run(self) -> Any:
        """Return the response."""
        asks_for_all = not self._fields.keys() & (_OF_A_PART | _CONDITIONS)
        if asks_for_all and "no-store" not in self._wants:
            self._entry = self._cache.find(self._url, self._who, self._fields)
        entry = self._entry
        if entry is not None:
            age = entry.age(self._cache.clock())
            if may_be_used(age, entry.lifetime, self._wants, entry.says):
                return self._stored(entry, "fresh")
        if "only-if-cached" in self._wants:
            return gateway_timeout(self._method, self._request.full_url)
        conditions = _conditions(entry) if entry is not None and self._method == "GET" else {}
        try:
            response = self._send(conditions)
        except TunnelRefused:
            raise  # a proxy that wants another password is no failure of the site
        except (OSError, HTTPException):
            if entry is not None and self._may_stand_in(entry):
                return self._stored(entry, "in place of no response")
            raise
        if entry is not None:
            if response.status == 304 and conditions:
                if (found := self._unchanged(entry, response)) is not None:
                    return found
                response = self._send({})
            elif response.status in _ERRORS and self._may_stand_in(entry):
                response.close()
                return self._stored(entry, "in place of an error")
        if self._method == "HEAD":
            if entry is not None and response.status == 200:
                self._compare(entry, response)
            return response
        return self._store(response)

    def _may_stand_in(self, entry: Entry) -> bool:
        return may_stand_in(entry.age(self._cache.clock()), entry.lifetime, self._wants, entry.says)

    def _send(self, conditions: dict[str, str]) -> Any:
        """Send the request with further header fields, which it has for this time only."""
        for name, value in conditions.items():
            self._request.add_unredirected_header(name, value)
        self._requested = self._cache.clock()
        try:
            return self._send_now()
        finally:
            for name in conditions:
                self._request.unredirected_hdrs.pop(name, None)

    def _stored(self, entry: Entry, why: str) -> Any:
        log("a stored response is used: %s", why)
        self._cache.used(entry)
        age = entry.age(self._cache.clock())
        return stored_response(entry, self._method, self._request.full_url, age)

    def _unchanged(self, entry: Entry, response: Any) -> Any:
        """Return the stored response after a 304; None where that is of another one (section 4.3.4)."""
        response.read()
        response.close()
        said, known = response.headers.get("ETag"), entry.headers.get("ETag")
        if said is not None and known is not None and _opaque(said) != _opaque(known):
            self._cache.forget(self._url)
            return None
        headers = merged(entry.headers, response.headers)
        self._cache.update(entry, headers, self._requested, self._cache.clock())
        return self._stored(entry, "confirmed by the server")

    def _compare(self, entry: Entry, response: Any) -> None:
        """Freshen what is stored by the response to a HEAD, or forget it (section 4.3.5)."""
        said, known = response.headers, entry.headers
        names = "ETag", "Last-Modified"
        is_same = all(name not in said or said[name] == known.get(name) for name in names)
        length = said.get("Content-Length")
        if is_same and (length is None or "Content-Encoding" in said or length == str(entry.size)):
            self._cache.update(entry, merged(known, said), self._requested, self._cache.clock())
        else:
            self._cache.forget(self._url)

    def _store(self, response: Any) -> Any:
        """Return a response, which is stored while it is read if it may be."""
        if not isinstance(response, HTTPResponse) or getattr(response, "tunnel", False) is True:
            return response
        response.from_cache = False  # type: ignore[attr-defined]  # ours, as httplib2 has it
        headers = response.headers
        if not may_be_stored(self._wants, response.status, headers):
            return response
        if (response.length or 0) > self._cache.max_entry:
            return response
        says = of_response(headers)
        who = EVERYBODY if "public" in says and "set-cookie" not in headers else self._who
        entry = Entry(
            response.status, str(response.reason), message(fields_to_store(headers)), {}, self._requested,
            self._cache.clock(),
        )  # fmt: skip
        try:
            new = self._cache.begin(self._url, who, self._fields, entry)
        except OSError as error:
            log("a response is not stored: %s", error.strerror)
            return response
        store_while_read(response, new)
        return response


def _conditions(entry: Entry) -> dict[str, str]:
    """Return the header fields that ask whether a stored response is still right (section 4.3.1)."""
    names = {"If-none-match": "ETag", "If-modified-since": "Last-Modified"}
    return {name: value for name, field in names.items() if (value := entry.headers.get(field))}


def _opaque(etag: str) -> str:
    return etag.strip().removeprefix("W/").removeprefix("w/")


def _invalidate(cache: HTTPCache, url: str, response: Any) -> None:
    """Forget what an unsafe method has changed (section 4.4)."""
    cache.forget(url)
    origin = urlsplit(url)[:2]
    for name in ("Location", "Content-Location"):
        if named := response.headers.get(name):
            try:
                other = key_of(urljoin(url, named))
            except ValueError:
                continue
            if urlsplit(other)[:2] == origin:
                cache.forget(other)
