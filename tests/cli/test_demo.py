"""`coda-network demo`: it happens as it is told, and a step that does not happen is noticed."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import coda_network
from coda_network._cli import demo
from coda_network._cli.demo import doors, story
from coda_network.cli import main

PACKAGE_ROOT = Path(coda_network.__file__).resolve().parent.parent
README = Path(__file__).resolve().parent.parent.parent / "README.md"


def normal(transcript: str) -> list[str]:
    """A transcript without what is different each time: ports and the checksum."""
    text = re.sub(r"(localhost|127\.0\.0\.1):\d+", r"\1:PORT", transcript)
    return re.sub(r"[0-9a-f]{64}", "CHECKSUM", text).strip().splitlines()


def test_the_command_prints_what_the_readme_shows() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-m", "coda_network", "demo"],
        env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT), "HTTPS_PROXY": "http://127.0.0.1:1", "no_proxy": "*"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    shown = README.read_text(encoding="utf-8").partition("<!-- transcript: demo -->")[2].split("```")[1]
    assert normal(shown.partition("\n")[2]) == ["$ coda-network demo", *normal(done.stdout)]


@pytest.mark.parametrize("scheme", demo.SCHEMES)
def test_every_scheme_is_told_to_its_end(scheme: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--scheme", scheme]) == 0
    told, complaints = capsys.readouterr()
    assert complaints == ""
    assert told.endswith("\nAll of this was checked.\n")
    assert "TCP connections: 1 at the proxy, 1 at the site, 11 requests" in told
    assert not coda_network.is_patched()


def test_it_leaves_the_environment_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    before = dict(os.environ)
    demo.run("basic")
    assert dict(os.environ) == before


class OpenDoor:
    """A door through which everybody may pass."""

    def __init__(self, account: doors.Account) -> None:
        pass

    def judge(self, authorization: str | None) -> doors.Verdict:
        return doors.Verdict(True, "", "come in")


class ShutDoor(OpenDoor):
    """A door through which nobody may pass."""

    def judge(self, authorization: str | None) -> doors.Verdict:
        return doors.Verdict(False, "NTLM", "go away")


@pytest.mark.parametrize(
    ("door", "failure"),
    [
        (OpenDoor, "a wrong password is refused with 407"),
        (OpenDoor, "one NTLM login was verified"),
        (ShutDoor, "SHA-256 equal"),
    ],
)
def test_a_login_that_is_not_verified_fails_it(
    door: Any, failure: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(doors.DOORS, "ntlm", door)
    assert demo.run("ntlm") == 1
    [last] = capsys.readouterr().out.splitlines()[-1:]
    assert last.startswith("FAILED: ")
    assert failure in last


def test_a_file_that_arrives_changed_fails_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class ChangedSite(story.Site):
        def __init__(self, content: bytes, certificate: Path) -> None:
            super().__init__(content[:-1] + bytes([content[-1] ^ 1]), certificate)

    monkeypatch.setattr(story, "Site", ChangedSite)
    assert demo.run("digest") == 1
    assert "NOT: SHA-256 equal" in capsys.readouterr().out


def test_a_client_without_keep_alive_fails_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The patch changes nothing: urllib.request passes a Basic proxy by itself, with a connection for each request.
    monkeypatch.setattr(coda_network, "patched", contextlib.nullcontext)
    assert demo.run("basic") == 1
    assert "NOT: TCP connections: 11 at the proxy, 11 at the site, 11 requests" in capsys.readouterr().out


def test_an_unknown_scheme_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["demo", "--scheme", "oauth"])
    assert caught.value.code == 2
    assert "invalid choice" in capsys.readouterr().err
