"""Whose a stored response is: one user does not get what another has got, and no secret is on the disk."""

from __future__ import annotations

import base64
import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.counting_site import FRESH, Counting, files, get
from support.peer import ScriptedPeer

from coda_network import urllib2
from coda_network._auth.defaults import install, remove

BASIC = "Basic " + base64.b64encode(b"alice:secret").decode()
USERS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "Basic": ({"Authorization": BASIC}, {"Authorization": "Basic " + base64.b64encode(b"bob:secret").decode()}),
    "a wrong password": ({"Authorization": BASIC}, {"Authorization": "Basic " + base64.b64encode(b"alice:x").decode()}),
    "Bearer": ({"Authorization": "Bearer one"}, {"Authorization": "Bearer two"}),
    "a cookie": ({"Cookie": "session=1"}, {"Cookie": "session=2"}),
    "a key": ({"X-Api-Key": "1"}, {"X-Api-Key": "2"}),
    "nobody": ({"Authorization": BASIC}, {}),
}


@pytest.mark.parametrize(("one", "other"), USERS.values(), ids=USERS)
def test_one_user_does_not_get_what_another_has_got(folder: Path, site: Any, one: Any, other: Any) -> None:
    with closing(urllib2.build_opener(cache=folder)) as opener:
        mine = get(opener, site.url, **one)
        assert get(opener, site.url, **other) != mine
        assert get(opener, site.url, **one) == mine
    assert site.count() == 2


def with_password(manager_class: Any, realm: str | None, password: str, url: str) -> Any:
    manager = manager_class()
    manager.add_password(realm, url, "alice", password)
    return urllib2.HTTPBasicAuthHandler(manager)


@pytest.mark.parametrize("manager", [urllib2.HTTPPasswordMgr, urllib2.HTTPPasswordMgrWithDefaultRealm])
def test_passwords_of_handlers_tell_users_apart(folder: Path, site: Any, manager: Any) -> None:
    bodies = []
    for password in ("one", "two", "one"):
        with closing(urllib2.build_opener(with_password(manager, "r", password, site.url), cache=folder)) as opener:
            bodies.append(get(opener, site.url))
    assert bodies[0] == bodies[2] != bodies[1]


def test_passwords_in_the_url_tell_users_apart(folder: Path, site: Any) -> None:
    with closing(urllib2.build_opener(cache=folder)) as opener:
        bodies = [
            get(opener, site.url.replace("//", f"//{user}:pw@")) if user else get(opener, site.url)
            for user in ("alice", "bob", "", "alice")
        ]
    assert bodies[0] == bodies[3]
    assert site.count() == 3


def test_passwords_of_the_patch_tell_users_apart(folder: Path, site: Any) -> None:
    with closing(urllib2.build_opener(cache=folder)) as opener:
        bodies = []
        for given in (("alice", "pw"), ("bob", "pw"), ("alice", "pw"), lambda peer, realm: None):
            installed = install(given)  # type: ignore[arg-type]  # any of what patch() takes
            try:
                bodies.append(get(opener, site.url))
            finally:
                remove(installed)
    assert bodies[0] == bodies[2]
    assert site.count() == 3


def test_a_client_certificate_tells_users_apart(folder: Path, ca: Any, client_context: Any) -> None:
    server = Counting()
    with ScriptedPeer(server, tls=ca.server_context()) as peer:
        url = f"https://localhost:{peer.port}/"
        for handler in (
            urllib2.HTTPSHandler(context=ca.client_context()),
            urllib2.HTTPSHandler(context=ca.client_context(), cert=str(ca.client_combined)),
        ):
            with closing(urllib2.build_opener(handler, cache=folder)) as opener:
                get(opener, url)
                get(opener, url)
    assert server.count == 2


def test_what_is_public_is_everybodys(folder: Path) -> None:
    server = Counting("Cache-Control: public, max-age=600")
    with ScriptedPeer(server) as peer, closing(urllib2.build_opener(cache=folder)) as opener:
        assert get(opener, peer.url, Cookie="session=1") == get(opener, peer.url, Cookie="session=2")
    assert server.count == 1


def test_no_secret_is_on_disk(folder: Path) -> None:
    server = Counting(FRESH, "Vary: Cookie, X-Api-Key", "Set-Cookie: session=TOPSECRET")
    with ScriptedPeer(lambda wire: [wire.respond(b"", "200 OK", *server.lines) for _ in wire.read_heads()]) as peer:
        with closing(urllib2.build_opener(cache=folder)) as opener:
            url = f"http://alice:TOPSECRET@{peer.netloc}/?token=TOPSECRET"
            get(opener, url, Cookie="a=TOPSECRET", X_Api_Key="TOPSECRET")
            get(opener, peer.url, Authorization="Bearer TOPSECRET")
    everything = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files(folder)) == 2
    assert not any(b"TOPSECRET" in path.read_bytes() or "TOPSECRET" in str(path) for path in everything)


def test_the_folder_is_for_its_user_alone(folder: Path, site: Any) -> None:
    with closing(urllib2.build_opener(cache=folder)) as opener:
        get(opener, site.url)
    if os.name == "posix":
        assert folder.stat().st_mode & 0o77 == 0
        assert all(path.stat().st_mode & 0o77 == 0 for path in files(folder))
