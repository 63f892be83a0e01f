"""What several tests of the commands begin with."""

from __future__ import annotations

import pytest
from support.certs import Authority
from support.checked import Check


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, ca: Authority) -> Check:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))
    return Check(capsys)
