"""What is remembered of a password manager changes no answer of its."""

from __future__ import annotations

import gc
import urllib.request
import weakref
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coda_network._transport import password_entries
from coda_network._transport.password_entries import find_user_password

KINDS = [
    urllib.request.HTTPPasswordMgr,
    urllib.request.HTTPPasswordMgrWithDefaultRealm,
    urllib.request.HTTPPasswordMgrWithPriorAuth,
]
realms = st.sampled_from([None, "one", "two"])
uris = st.sampled_from(["http://site.example/", "http://site.example/a", "site.example", "other.example:80", "x/"])
users = st.sampled_from(["alice", "bob"])
steps = st.one_of(
    st.tuples(st.just("add"), realms, uris, users),
    st.tuples(st.just("find"), realms, uris, users),
    st.tuples(st.just("forget"), realms, uris, users),
)


@pytest.mark.parametrize("kind", KINDS)
@example(
    [
        ("add", None, "site.example", "bob"),
        ("find", None, "http://site.example/", "alice"),
        ("add", None, "http://site.example/", "alice"),  # fits with the default port, which is compared first
    ]
)
@given(st.lists(steps, max_size=25))
def test_each_answer_is_that_of_the_manager(kind: Any, taken: list[tuple[str, str | None, str, str]]) -> None:
    manager = kind()
    for step, realm, uri, user in taken:
        if step == "add":
            manager.add_password(realm, uri, user, "secret")
        elif step == "forget" and realm in manager.passwd:
            for key in list(manager.passwd[realm])[:1]:
                del manager.passwd[realm][key]
        assert find_user_password(manager, realm, uri) == manager.find_user_password(realm, uri)
        assert find_user_password(manager, realm, uri) == manager.find_user_password(realm, uri)


def counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked = []
    original = urllib.request.HTTPPasswordMgr.is_suburi

    def is_suburi(self: Any, base: Any, test: Any) -> bool:
        asked.append(base)
        return original(self, base, test)

    monkeypatch.setattr(urllib.request.HTTPPasswordMgr, "is_suburi", is_suburi)
    kinds = [(kind, password_entries._methods(kind)) for kind in KINDS]
    monkeypatch.setattr(password_entries, "_THEIRS", dict(kinds))
    return asked


@pytest.mark.parametrize("realm", [None, "realm"])
def test_a_long_list_is_walked_once(realm: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = counting(monkeypatch)
    manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    for number in range(500):
        manager.add_password(None, f"host{number}.example", f"user{number}", "secret")
    assert find_user_password(manager, realm, "host499.example") == ("user499", "secret")
    assert len(asked) >= 500
    asked.clear()
    assert find_user_password(manager, realm, "host499.example") == ("user499", "secret")
    assert not asked


def test_a_replaced_method_is_asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    manager: Any = urllib.request.HTTPPasswordMgr()
    manager.add_password("realm", "site.example", "alice", "secret")
    assert find_user_password(manager, "realm", "site.example") == ("alice", "secret")
    answers = iter([("bob", "1"), ("carol", "2")])
    manager.find_user_password = lambda realm, uri: next(answers)
    assert find_user_password(manager, "realm", "site.example") == ("bob", "1")
    assert find_user_password(manager, "realm", "site.example") == ("carol", "2")
    del manager.find_user_password
    monkeypatch.setattr(urllib.request.HTTPPasswordMgr, "is_suburi", lambda self, base, test: False)
    assert find_user_password(manager, "realm", "site.example") == (None, None)


def test_a_manager_of_the_program_is_asked_each_time() -> None:
    class Own(urllib.request.HTTPPasswordMgr):
        def find_user_password(self, realm: Any, authuri: Any) -> Any:
            self.count = getattr(self, "count", 0) + 1
            return f"user{self.count}", "secret"

    manager = Own()
    assert [find_user_password(manager, None, "x")[0] for _ in range(3)] == ["user1", "user2", "user3"]


def test_what_is_remembered_is_bounded_and_keeps_no_manager_alive() -> None:
    manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    manager.add_password(None, "site.example", "alice", "secret")
    for number in range(password_entries.MEMORY * 3):
        find_user_password(manager, f"realm {number}", "site.example")
    assert len(password_entries._entries[weakref.ref(manager)]) <= password_entries.MEMORY
    alive = weakref.ref(manager)
    del manager
    gc.collect()
    assert alive() is None
    assert all(remembered() is not None for remembered in password_entries._entries)
