"""What several tests of faults begin with."""

from __future__ import annotations

import socket
import urllib.request
from typing import Any

import pytest
from support.passwords import write_ntlm_users

from coda_network import urllib2


@pytest.fixture
def users(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Nobody may log in by NTLM; the default timeout stays as it is."""
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", [])))
    monkeypatch.setattr(urllib2, "_opener", None)
    monkeypatch.setattr(urllib.request, "_opener", None)
    before = socket.getdefaulttimeout()
    yield
    socket.setdefaulttimeout(before)
    modules: list[Any] = [urllib2, urllib.request]
    for module in modules:
        if module._opener is not None:
            module._opener.close()
