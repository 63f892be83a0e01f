"""Functions of the standard library that others have wrapped: the wrappers stay, in either order."""

from __future__ import annotations

import functools
import http.client
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
from support.origin import Origin

import coda_network
from coda_network._originals import original

CONNECTION, RESPONSE = http.client.HTTPConnection, http.client.HTTPResponse
PLACES = [
    *(
        (CONNECTION, name)
        for name in ("request", "putrequest", "_send_request", "endheaders", "getresponse", "connect", "send")
    ),
    *((RESPONSE, name) for name in ("begin", "_read_status", "read", "close")),
    (urllib.request.OpenerDirector, "open"),
    (urllib.request.AbstractHTTPHandler, "do_open"),
    (urllib.request.HTTPHandler, "http_open"),
    (urllib.request, "urlopen"),
]
SEEN = ["request", "getresponse", "connect", "send", "begin", "_read_status", "read", "open", "do_open", "http_open"]


class Wrapper:
    """A wrapper that is an object, as wrapt makes them."""

    def __init__(self, found: Callable[..., Any], seen: list[str]) -> None:
        self.__wrapped__ = found
        self.seen = seen

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.seen.append(self.__wrapped__.__name__)
        return self.__wrapped__(*arguments, **options)


class EqualWrapper(Wrapper):
    """One that is equal to what it wraps and says that it is of its class, as those of wrapt are."""

    def __eq__(self, other: object) -> bool:
        return bool(self.__wrapped__ == other)

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)


def closing_over(found: Callable[..., Any], seen: list[str]) -> Callable[..., Any]:
    @functools.wraps(found)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        seen.append(found.__name__)
        return found(*arguments, **options)

    return wrapper


@pytest.fixture(params=[closing_over, Wrapper, EqualWrapper], ids=["closure", "object", "equal"])
def wrap(request: pytest.FixtureRequest) -> Iterator[Callable[[], list[str]]]:
    """Wraps every place; what was there is put back in the end."""
    found = [(owner, name, vars(owner)[name]) for owner, name in PLACES]

    def act() -> list[str]:
        seen: list[str] = []
        for owner, name in PLACES:
            setattr(owner, name, request.param(vars(owner)[name], seen))
        return seen

    yield act
    assert not coda_network.is_patched()
    for owner, name, value in found:
        setattr(owner, name, value)


def opened(origin: Origin) -> list[str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(2):
        with opener.open(origin.url) as response:
            assert type(response) is http.client.HTTPResponse
            response.read()
    if coda_network.is_patched():
        opener.close()
    return []


def test_a_wrapper_that_was_there_before_is_called_and_ours_beneath_it(
    origin: Origin, wrap: Callable[[], list[str]]
) -> None:
    seen = wrap()
    with coda_network.patched():
        opened(origin)
        assert {*SEEN} <= {*seen}
        assert (seen.count("open"), seen.count("request"), seen.count("read")) == (2, 2, 2)
        assert origin.connections == 1  # kept alive: the standard library would have opened two
    origin.reset()
    opened(origin)
    assert origin.connections == 2


def test_a_wrapper_that_came_later_is_called_and_the_standard_librarys_is_beneath_it_afterwards(
    origin: Origin, wrap: Callable[[], list[str]]
) -> None:
    coda_network.patch()
    seen = wrap()
    opened(origin)
    assert {*SEEN} <= {*seen}
    assert origin.connections == 1
    coda_network.unpatch()
    origin.reset()
    seen.clear()
    opened(origin)
    assert {*SEEN} <= {*seen}
    assert origin.connections == 2


@pytest.mark.parametrize("patched_first", [False, True])
def test_a_wrapper_taken_off_while_patched_leaves_ours_and_then_nothing(origin: Origin, patched_first: bool) -> None:
    before = vars(RESPONSE)["read"]
    if patched_first:
        coda_network.patch()
    found = vars(RESPONSE)["read"]
    setattr(RESPONSE, "read", closing_over(found, []))  # noqa: B010  # mypy lets no method be assigned
    if not patched_first:
        coda_network.patch()
    setattr(RESPONSE, "read", found)  # noqa: B010  # likewise
    opened(origin)
    assert origin.connections == 1
    coda_network.unpatch()
    assert vars(RESPONSE)["read"] is before


def test_what_calls_nothing_is_named_and_left_and_ours_is_there_when_it_goes(origin: Origin) -> None:
    with mock.patch.object(RESPONSE, "read", return_value=b"mocked"):
        with pytest.warns(RuntimeWarning, match=r"http\.client\.HTTPResponse\.read was replaced by MagicMock"):
            coda_network.patch()
        with urllib.request.urlopen(origin.url) as response:
            assert response.read() == b"mocked"
    with warnings.catch_warnings():
        opened(origin)
    coda_network.unpatch()


def test_the_function_that_somebody_took_before_the_patch_has_our_behaviour_under_it() -> None:
    taken = CONNECTION.putheader
    connection = CONNECTION("localhost")
    connection.putrequest("GET", "/")
    with coda_network.patched(), pytest.raises(ValueError, match="Invalid header"):
        taken(connection, "Name", "a\0b")
    assert original(CONNECTION, "putheader") is taken


def test_a_step_that_is_replaced_in_one_connection_is_called(origin: Origin) -> None:
    with coda_network.patched():
        connection: Any = CONNECTION(*origin.address)
        connection.putrequest = mock.Mock(wraps=connection.putrequest)
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()
        connection.putrequest.assert_called_once()
        assert type(connection) is CONNECTION


def test_a_class_of_responses_of_a_program_counts_in_openers(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(http.client.HTTPResponse):
        pass

    monkeypatch.setattr(CONNECTION, "response_class", Own)
    with coda_network.patched(), urllib.request.urlopen(origin.url) as response:
        assert type(response) is Own
        assert response.read()


def test_the_lines_of_a_closed_response_are_none(origin: Origin) -> None:
    with coda_network.patched():
        response = urllib.request.urlopen(origin.url)
        response.close()
        assert list(response) == []


@pytest.mark.parametrize("patched_first", [False, True], ids=["behind", "before"])
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        *((CONNECTION, name) for name in ("putrequest", "putheader", "_send_request", "endheaders", "_send_output")),
        *((RESPONSE, name) for name in ("begin", "_read_status", "_safe_read")),
    ],
)
def test_the_short_way_is_left_for_one_wrapper_that_equals_what_it_wraps(
    origin: Origin, owner: Any, name: str, patched_first: bool
) -> None:
    found = vars(owner)[name]
    seen: list[str] = []
    try:
        if patched_first:
            coda_network.patch()
        setattr(owner, name, EqualWrapper(vars(owner)[name], seen))
        if not patched_first:
            coda_network.patch()
        connection = CONNECTION(*origin.address)
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()
        assert name in seen
    finally:
        coda_network.unpatch()
        setattr(owner, name, found)
