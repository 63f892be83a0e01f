"""A Request whose URL is remembered is the one that urllib.request makes, attribute for attribute."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coda_network import urllib2
from coda_network._opener import request

# Few parts, so that most URLs come again: what is remembered is then what is looked at.
URLS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["http://", "https://", "HTTP://", "ftp://"]),
    st.sampled_from(
        ["here.example", "here.example:8080", "[::1]:80", "%68ere.example", "user:secret@here.example", ""]
    ),
    st.sampled_from(["", "/", "/path", "/path?query", "?query"]),
    st.sampled_from(["", "#part", "#", "#a#b"]),
)
ODD_URLS = st.sampled_from(
    ["<URL:http://here.example/#part>", " http://here.example/", "here.example", "", "http:", "/x"]
)
HEADERS = st.dictionaries(
    st.sampled_from(["Content-length", "CONTENT-LENGTH", "X-Mine", "x-mine", "Host", "User-agent"]),
    st.sampled_from(["1", "", "caf\xe9"]),
    max_size=3,
)
ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "data": st.sampled_from([None, b"", b"data"]),
        "headers": HEADERS,
        "origin_req_host": st.sampled_from([None, "", "elsewhere.example"]),
        "unverifiable": st.booleans(),
        "method": st.sampled_from([None, "", "PUT", "brew"]),
    },
)

# What a program does with a Request once it has it. Each once: a proxy may be set twice here (docs/differences.md).
STEPS: dict[str, Callable[[Any], object]] = {
    "another URL": lambda request: setattr(request, "full_url", "http://other.example/page#place"),
    "no URL": lambda request: delattr(request, "full_url"),
    "data": lambda request: setattr(request, "data", b"other"),
    "no data": lambda request: delattr(request, "data"),
    "proxy": lambda request: request.set_proxy("proxy.example:3128", "http"),
    "header": lambda request: request.add_header("x-mine", "2"),
    "unredirected": lambda request: request.add_unredirected_header("x-mine", "3"),
    "no header": lambda request: request.remove_header("X-mine"),
}


def state(make: Any, url: str, arguments: dict[str, Any], steps: list[str]) -> Any:
    """Return all that there is to see of a Request, or the error that it could not be made."""
    try:
        request = make(url, **arguments)
        for step in steps:
            STEPS[step](request)
        seen = [request.full_url, request.get_method(), request.has_proxy(), request.header_items()]
        return vars(request), [list(request.headers), list(request.unredirected_hdrs)], seen
    except (ValueError, AttributeError, TypeError) as error:
        return type(error), str(error)


@given(
    URLS | ODD_URLS,
    st.lists(ARGUMENTS, min_size=2, max_size=3),
    st.lists(st.sampled_from(sorted(STEPS)), max_size=3, unique=True),
)
def test_a_request_has_the_attributes_that_the_standard_library_gives_it(
    url: str, times: list[dict[str, Any]], steps: list[str]
) -> None:
    # The same URL several times, since from the second time on its parts are remembered.
    for arguments in times:
        ours = state(urllib2.Request, url, arguments, steps)
        assert ours == state(urllib.request.Request, url, arguments, steps)


@pytest.mark.parametrize("time", ["first", "second", "third"])
def test_a_fragment_is_there_each_time_that_its_url_is_asked_for(time: str) -> None:
    url = f"http://here.example/{time}#part"
    for _ in range(["first", "second", "third"].index(time) + 1):
        request = urllib2.Request(url)
    assert (request.fragment, request.full_url, request.selector) == ("part", url, f"/{time}")


def test_a_second_request_for_a_url_says_itself_whether_it_is_unverifiable() -> None:
    url = "http://here.example/unverifiable"
    requests = [urllib2.Request(url, unverifiable=unverifiable) for unverifiable in (False, True, False, True)]
    assert [request.is_unverifiable() for request in requests] == [False, True, False, True]


def test_a_second_request_for_a_url_says_itself_to_which_page_it_belongs() -> None:
    url = "http://here.example/origin"
    requests = [urllib2.Request(url, origin_req_host=host) for host in (None, "elsewhere.example", None)]
    assert [request.get_origin_req_host() for request in requests] == [
        "here.example",
        "elsewhere.example",
        "here.example",
    ]


def test_what_is_done_to_one_request_is_not_done_to_the_next_for_its_url() -> None:
    url = "http://here.example/untouched#part"
    for _ in range(3):
        request = urllib2.Request(url, headers={"X-Mine": "1"})
        assert vars(request) == vars(urllib.request.Request(url, headers={"X-Mine": "1"}))
        request.add_header("X-Other", "2")
        request.add_unredirected_header("Host", "other.example")
        request.set_proxy("proxy.example", "http")
        request.fragment = None


def test_a_subclass_with_a_url_of_its_own_is_asked_for_it() -> None:
    class Prefixed(urllib2.Request):
        @property
        def full_url(self) -> str:
            return "http://prefix.example/"

        @full_url.setter
        def full_url(self, url: str) -> None:
            self.given = url
            urllib2.Request.full_url.fset(self, "http://prefix.example/")

    urllib2.Request("http://here.example/subclass")
    for _ in range(2):
        request = Prefixed("http://here.example/subclass")
        assert (request.given, request.host) == ("http://here.example/subclass", "prefix.example")


def test_what_is_remembered_of_origins_is_bounded_and_has_no_userinfo() -> None:
    for number in range(request.MEMORY * 2):
        urllib2.Request(f"http://host{number}.example/")
        urllib2.Request(f"http://alice:secret@host{number}.example/")
    assert len(request._origins) == request.MEMORY
    assert not any("@" in origin for origin in request._origins)
    urllib2.Request(f"http://{'x' * request.LONGEST}.example/")
    assert not any("xxx" in origin for origin in request._origins)


def test_many_urls_of_one_origin_are_read_by_what_is_known_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    urllib2.Request("http://here.example:8080/first")

    def refuse(*arguments: object) -> None:
        pytest.fail("the URL was parsed")

    monkeypatch.setattr(request, "_stdlib_init", refuse)
    for path in ("", "/", "/first", "/second?query", "/%41/../x"):
        made = urllib2.Request(f"http://here.example:8080{path}")
        assert (made.host, made.selector, made.type) == ("here.example:8080", path, "http")
