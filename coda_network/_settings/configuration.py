"""The configuration file: TOML, with profiles; and for each setting, where its value comes from."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

FILE_VARIABLE = "CODA_NETWORK_CONFIG"
PROFILE_VARIABLE = "CODA_NETWORK_PROFILE"

KEYS: dict[str, type | tuple[type, ...]] = {
    "proxy": (str, list),
    "no_proxy": (str, list),
    "pac": str,
    "user": str,
    "password_file": str,
    "password_env": str,
    "realm": str,
    "listen_address": str,
    "port": int,
    "allow": (str, list),
    "filter": (str, list),
    "access_log": str,
    "log_level": str,
    "max_clients": int,
    "drain": (int, float),
    "idle": (int, float),
    "total": (int, float),
}
"""The settings, with the types of their values in the file. Each is an option of the command line, too."""


class BadConfiguration(Exception):
    """The configuration file cannot be used; the text names the file and what is wrong with it."""


class Setting(NamedTuple):
    """A value, and where it comes from, in words."""

    value: Any
    origin: str


def configuration_path() -> str:
    """Return the path of the configuration file, which need not exist."""
    if path := os.environ.get(FILE_VARIABLE):
        return path
    try:
        from platformdirs import user_config_dir
    except ImportError:  # a copy of the package without what pip brings beside it
        return os.path.join(os.path.expanduser("~"), ".config", "coda_network", "config.toml")
    return os.path.join(user_config_dir("coda_network", appauthor=False), "config.toml")


def read_configuration(path: str | None = None, profile: str | None = None) -> dict[str, Setting]:
    """Return the settings of the configuration file.

    :param path: None for ``configuration_path()``. A file that is not there is an empty one, unless the environment
        names it
    :param profile: the one whose settings come before the general ones; None for that of the environment, if any
    :raises BadConfiguration: the file cannot be read or has what is no setting, or there is no such profile
    """
    if path is None:
        path = configuration_path()
    profile = profile or os.environ.get(PROFILE_VARIABLE) or None
    document = _load(path)
    profiles = document.pop("profiles", {})
    if not isinstance(profiles, Mapping):
        raise BadConfiguration(f"{path}: profiles are tables: [profiles.NAME]")
    for name, table in profiles.items():
        if not isinstance(table, Mapping):
            raise BadConfiguration(f"{path}: the profile {name} is no table: [profiles.{name}]")
    found = {key: Setting(value, path) for key, value in _checked(document, path).items()}
    if profile is not None:
        if profile not in profiles:
            known = ", ".join(sorted(profiles)) or "none"
            raise BadConfiguration(f"{path}: there is no profile {profile} (there are: {known})")
        table = _checked(profiles[profile], f"{path}, profile {profile}")
        found.update((key, Setting(value, f"{path}, profile {profile}")) for key, value in table.items())
    return found


def _load(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            # Behind open(): who has no file needs nothing that reads one.
            if sys.version_info >= (3, 11):
                import tomllib
            else:
                import tomli as tomllib

            try:
                document: dict[str, Any] = tomllib.load(file)
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise BadConfiguration(f"{path}: {error}") from None
            return document
    except FileNotFoundError:
        if os.environ.get(FILE_VARIABLE) == path:
            raise BadConfiguration(f"{path}: there is no such file, and {FILE_VARIABLE} names it") from None
        return {}
    except OSError as error:
        raise BadConfiguration(f"{path}: {error.strerror}") from None


def _checked(table: Mapping[str, Any], place: str) -> dict[str, Any]:
    found = {}
    for given, value in table.items():
        key = given.replace("-", "_")
        if key == "password":
            raise BadConfiguration(
                f"{place}: no password is read from this file; use the keyring (coda-network login), password_file or "
                "password_env"
            )
        if key not in KEYS:
            raise BadConfiguration(f"{place}: {given} is no setting (there are: {', '.join(KEYS)})")
        if not isinstance(value, KEYS[key]) or isinstance(value, bool):
            raise BadConfiguration(f"{place}: the value of {given} has the wrong type")
        found[key] = value
    return found
