"""``coda-network config``: what counts and where it comes from, without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.keyrings import MemoryKeyring

from coda_network.cli import main

TEXT = """\
proxy = ["http://alice:hush@one.example:3128", "two.example:3128, socks5h://three.example:80"]
no-proxy = [".example", "10.0.0.0/8"]
user = 'DOMAIN\\alice'
port = 3129

[profiles.work]
password-env = "WORK_PASSWORD"
log-level = "info"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(TEXT, encoding="utf-8")
    monkeypatch.setenv("CODA_NETWORK_CONFIG", str(path))
    return path


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> list[str]:
    assert main(["config", *arguments]) == code
    out, err = capsys.readouterr()
    assert "hush" not in out + err
    return (out if code == 0 else err).splitlines()


def test_each_setting_is_shown_with_its_origin(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys) == [
        f"file: {file}, named by CODA_NETWORK_CONFIG",
        f"proxy: http://one.example:3128 (with a login, hidden), two.example:3128, socks5h://three.example:80 ({file})",
        f"no-proxy: .example, 10.0.0.0/8 ({file})",
        f"user: DOMAIN\\alice ({file})",
        f"port: 3129 ({file})",
        "password: of the keyring null Keyring, or the keyboard",
    ]


def test_a_profile_is_shown_as_what_it_is(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = shown(capsys, "--profile", "work")
    assert lines[1] == "profile: work, named by --profile"
    assert f"log-level: info ({file}, profile work)" in lines
    assert lines[-1] == f"password: the variable WORK_PASSWORD, which is not set ({file}, profile work)"
    monkeypatch.setenv("CODA_NETWORK_PROFILE", "work")
    monkeypatch.setenv("WORK_PASSWORD", "hush")
    lines = shown(capsys)
    assert lines[1] == "profile: work, named by CODA_NETWORK_PROFILE"
    assert lines[-1] == f"password: the variable WORK_PASSWORD ({file}, profile work)"


def test_the_environment_is_shown_without_its_passwords(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://alice:hush@proxy.example:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://alice:hu/sh:hush@proxy.example:port")
    monkeypatch.setenv("no_proxy", "intranet")
    monkeypatch.setenv("CODA_NETWORK_LOG", "info")
    lines = shown(capsys)
    assert "https-proxy: http://proxy.example:3128 (with a login, hidden) (the environment, https_proxy)" in lines
    assert "no-proxy: intranet (the environment, no_proxy)" in lines
    assert "CODA_NETWORK_LOG: info (the environment)" in lines
    assert lines[0].endswith(" (there is none)")


def test_the_keyring_that_would_be_asked_is_named(
    file: Path, capsys: pytest.CaptureFixture[str], memory_keyring: MemoryKeyring
) -> None:
    assert shown(capsys)[-1] == "password: of the keyring memory, or the keyboard"


def test_a_file_that_cannot_be_used_is_2(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("password = 'hush'")
    assert "no password is read from this file" in shown(capsys, code=2)[0]
    assert "there is no profile nowhere" in " ".join(_written(file, capsys))


def _written(file: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    file.write_text(TEXT)
    return shown(capsys, "--profile", "nowhere", code=2)
