"""Where passwords come from, in which order, and what is refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from support.keyrings import MemoryKeyring

from coda_network._settings.passwords import (
    NoPassword,
    find_credentials,
    from_environment,
    from_file,
    keyring_name,
    to_keyring,
)


def password_file(folder: Path, text: str = "secret\n", mode: int = 0o600) -> Path:
    file = folder / "password"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


def nobody(user: str) -> str:
    raise AssertionError("nobody is to be asked")


@pytest.mark.parametrize("text", ["secret", "secret\n", "secret\r\nnote\n", "secret\nmore"])
def test_the_first_line_of_a_file_is_the_password(tmp_path: Path, text: str) -> None:
    assert from_file(str(password_file(tmp_path, text))) == "secret"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o610])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = password_file(tmp_path, mode=mode)
    with pytest.raises(NoPassword, match=f"others may read it .mode {mode:03o}.; run: chmod 600") as caught:
        from_file(str(file))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_of_its_owner_alone_is_read(tmp_path: Path, mode: int) -> None:
    assert from_file(str(password_file(tmp_path, mode=mode))) == "secret"


def test_a_pipe_is_read_whatever_its_mode() -> None:
    reader, writer = os.pipe()
    try:
        os.write(writer, b"secret\n")
        os.fchmod(reader, stat.S_IRUSR | stat.S_IRGRP)
        assert from_file(f"/dev/fd/{reader}") == "secret"
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize("data", [b"", b"\nsecret\n", b"\xff\xfe\n"])
def test_a_file_without_a_password_is_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "password"
    file.write_bytes(data)
    file.chmod(0o600)
    with pytest.raises(NoPassword, match=r"first line is empty|no text in UTF-8"):
        from_file(str(file))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoPassword, match="No such file"):
        from_file(str(tmp_path / "none"))


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_refused(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is None:
        monkeypatch.delenv("PLACE", raising=False)
    else:
        monkeypatch.setenv("PLACE", value)
    with pytest.raises(NoPassword, match="PLACE is not set"):
        from_environment("PLACE")


def test_the_first_place_that_has_a_password_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory_keyring: MemoryKeyring
) -> None:
    monkeypatch.setenv("PLACE", "of the variable")
    memory_keyring.passwords["coda_network", "alice"] = "of the keyring"
    file = str(password_file(tmp_path, "of the file"))

    def found(user: str = "alice", **options: Any) -> str:
        credentials = find_credentials(user, ask=lambda name: f"typed by {name}", **options)
        assert credentials is not None
        return credentials.password

    assert found(password="given", password_file=file, password_env="PLACE") == "given"
    assert found(password_file=file, password_env="PLACE") == "of the file"
    assert found(password_env="PLACE") == "of the variable"
    assert found() == "of the keyring"
    assert found("bob") == "typed by bob"


@pytest.mark.parametrize("options", [{"password": "x"}, {"password_file": "x"}, {"password_env": "x"}])
def test_a_password_without_a_user_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(NoPassword, match="name one with --user"):
        find_credentials(None, ask=nobody, **options)


def test_without_a_user_nobody_logs_in() -> None:
    assert find_credentials(None, ask=nobody) is None


def test_a_keyring_that_fails_is_as_one_that_has_nothing(memory_keyring: MemoryKeyring) -> None:
    memory_keyring.is_locked = True
    credentials = find_credentials("alice", ask=lambda name: "typed")
    assert credentials is not None and credentials.password == "typed"
    with pytest.raises(NoPassword, match="the keyring of this system cannot be used: RuntimeError: it is locked"):
        to_keyring("alice", "secret")


def test_the_name_of_the_keyring_is_known(memory_keyring: MemoryKeyring) -> None:
    assert keyring_name() == "memory"
