"""The proxies of the environment are those that urllib.request finds, however few names are looked at."""

from __future__ import annotations

import os
import urllib.request

import pytest

import coda_network
from coda_network._route.environment import getproxies_environment, names_a_proxy, no_proxy

theirs = urllib.request.getproxies_environment

ENVIRONMENTS: list[dict[str, str]] = [
    {},
    {"PATH": "/bin", "LANG": "C"},
    {"http_proxy": "http://one.example:1"},
    {"HTTP_PROXY": "http://one.example:1"},
    {"HTTP_PROXY": "http://one.example:1", "REQUEST_METHOD": "GET"},
    {"http_proxy": "", "HTTP_PROXY": "http://one.example:1"},
    {"Https_Proxy": "http://one.example:1", "NO_PROXY": "localhost"},
    {"no_proxy": "*", "all_PROXY": "http://one.example:1"},
    {"no_proxy": "a.example"},
    {"NO_PROXY": "b.example"},
    {"No_Proxy": "c.example"},
    {"no_proxy": "a.example", "NO_PROXY": "b.example"},
    {"NO_PROXY": "b.example", "no_proxy": "a.example"},
    {"no_proxy": "", "NO_PROXY": "b.example"},
    {"NO_PROXY": ""},
    {"NO_PROXY": "b.example", "No_Proxy": "c.example"},
    {"NO_PROXY": "b.example", "no_proxy": "a.example", "NO_proxy": "d.example"},
    {"ALSO_NO_PROXY": "d.example", "NO_PROXY": "x\udce9"},
    {"_proxy": "http://one.example:1"},
    {"my_proxy_is": "http://one.example:1"},
    {"N\udce9m": "x\udce9", "ftp_proxy": "http://one.example:1"},
]


@pytest.mark.parametrize("plain", [False, True], ids=["environ", "a dict in its place"])
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_proxies_found_are_those_that_urllib_finds(
    environment: dict[str, str], plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if plain:
        monkeypatch.setattr(os, "environ", dict(environment))
    else:
        for name in list(os.environ):
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
    assert getproxies_environment() == theirs()
    assert names_a_proxy() == any("_proxy" in name.lower() for name in environment)
    assert os.fsdecode(no_proxy()) == theirs().get("no", "")


def test_no_proxy_is_what_a_function_of_the_program_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "a.example")
    monkeypatch.setattr(urllib.request, "getproxies_environment", lambda: {"no": "b.example"})
    assert no_proxy() == "b.example"


def test_the_patch_replaces_every_name_of_the_function() -> None:
    names = [name for name in ("getproxies_environment", "getproxies") if getattr(urllib.request, name) is theirs]
    assert "getproxies_environment" in names
    with coda_network.patched():
        [placed] = {getattr(urllib.request, name) for name in names}
        assert placed.__code__ is getproxies_environment.__code__
    assert {getattr(urllib.request, name) for name in names} == {theirs}
