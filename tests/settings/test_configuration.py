"""The configuration file: where it is, its profiles, and what is no setting."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from coda_network._settings.configuration import BadConfiguration, configuration_path, read_configuration

TEXT = """\
proxy = "http://general.example:3128"
no-proxy = [".example", "10.0.0.0/8"]
user = "alice"

[profiles.work]
proxy = ["http://one.example:3128", "http://two.example:3128"]
password_env = "WORK"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_the_environment_names_the_file_else_it_is_among_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CODA_NETWORK_CONFIG", "/somewhere/else.toml")
    assert configuration_path() == "/somewhere/else.toml"
    monkeypatch.delenv("CODA_NETWORK_CONFIG")
    assert configuration_path().endswith("config.toml")
    assert "coda_network" in configuration_path()


def test_without_platformdirs_there_is_a_place_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    assert configuration_path() == str(Path.home() / ".config" / "coda_network" / "config.toml")


def test_a_file_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_configuration(str(tmp_path / "none.toml")) == {}


def test_a_file_that_the_environment_names_has_to_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CODA_NETWORK_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(BadConfiguration, match="CODA_NETWORK_CONFIG names it"):
        read_configuration()


def test_a_profile_comes_before_the_general_settings(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    general, work = read_configuration(str(file)), read_configuration(str(file), "work")
    assert general["proxy"] == ("http://general.example:3128", str(file))
    assert work["proxy"].value == ["http://one.example:3128", "http://two.example:3128"]
    assert work["proxy"].origin == f"{file}, profile work"
    assert work["user"] == general["user"]
    monkeypatch.setenv("CODA_NETWORK_PROFILE", "work")
    assert read_configuration(str(file)) == work


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('proxi = "x"', "proxi is no setting"),
        ("proxy = 3", "the value of proxy has the wrong type"),
        ("port = true", "the value of port has the wrong type"),
        ('password = "hush"', "no password is read from this file"),
        ("proxy = hush", "Invalid value"),
        ("profiles = 3", "profiles are tables"),
        ("[profiles]\nwork = 3", "the profile work is no table"),
        ('[profiles.home]\nuser = "x"', r"there is no profile work \(there are: home\)"),
        ('[profiles.work]\npassword = "hush"', "profile work: no password is read"),
    ],
)
def test_what_is_no_setting_is_named_and_no_secret_is_shown(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadConfiguration, match=why) as caught:
        read_configuration(str(file), "work")
    assert "hush" not in str(caught.value)
    assert str(file) in str(caught.value)
