"""Where the password of a user comes from, without standing on a command line that everybody can read."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING, Any

from coda_network._auth.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable

SERVICE = "coda_network"
"""The name under which keyrings have our passwords."""


class NoPassword(Exception):
    """No password was found, or its place cannot be trusted; the text says why, and has no secret in it."""


def from_file(path: str) -> str:
    """Return the first line of a file that nobody but its owner may read.

    :raises NoPassword: it cannot be read, is empty, or others may read it
    """
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            state = os.fstat(file.fileno())
            if os.name == "posix" and stat.S_ISREG(state.st_mode) and state.st_mode & 0o077:
                mode = stat.S_IMODE(state.st_mode)
                raise NoPassword(f"{path}: others may read it (mode {mode:03o}); run: chmod 600 {path}")
            password = file.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise NoPassword(f"{path}: {why}") from None
    if not password:
        raise NoPassword(f"{path}: its first line is empty")
    return password


def from_environment(name: str) -> str:
    """Return the value of a variable.

    :raises NoPassword: it is not set, or empty
    """
    password = os.environ.get(name)
    if not password:
        raise NoPassword(f"the environment variable {name} is not set")
    return password


def _keyring() -> Any:
    """Return the module keyring; None where it is not installed."""
    try:
        import keyring
    except ImportError:
        return None
    return keyring


def keyring_name() -> str | None:
    """Return the name of the system's store of passwords; None where there is none."""
    keyring = _keyring()
    if keyring is None:
        return None
    try:
        return str(keyring.get_keyring().name)
    except Exception:  # each backend has errors of its own
        return None


def from_keyring(user: str) -> str | None:
    """Return the password that the system's store has for a user; None where there is no store, or nothing in it."""
    keyring = _keyring()
    if keyring is None:
        return None
    try:
        found: str | None = keyring.get_password(SERVICE, user)
    except Exception:  # each backend has errors of its own, for a store that is locked or not there
        return None
    return found


def to_keyring(user: str, password: str) -> None:
    """Put a password into the system's store.

    :raises NoPassword: there is no store
    """
    keyring = _keyring()
    if keyring is None:
        raise NoPassword('keyring is not installed: pip install "coda_network[keyring]"')
    try:
        keyring.set_password(SERVICE, user, password)
    except Exception as error:
        raise NoPassword(f"the keyring of this system cannot be used: {type(error).__name__}: {error}") from None


def from_keyboard(user: str) -> str:
    """Ask for a password on the terminal, where it is not shown.

    :raises NoPassword: there is no terminal, or nothing was entered
    """
    from getpass import getpass

    if sys.stdin is None or not sys.stdin.isatty():
        return from_nowhere(user)
    password = getpass(f"Password for {user}: ")
    if not password:
        raise NoPassword("no password was entered")
    return password


def from_nowhere(user: str) -> str:
    """Stand in for ``from_keyboard()`` where nobody can be asked.

    :raises NoPassword: in any case
    """
    raise NoPassword(
        f"there is no password for {user}: put it into the keyring (coda-network login), or name a place with "
        "--password-file or --password-env"
    )


def find_credentials(
    user: str | None,
    *,
    password: str | None = None,
    password_file: str | None = None,
    password_env: str | None = None,
    keyring: bool = True,
    ask: Callable[[str], str] = from_keyboard,
) -> Credentials | None:
    """Return a user with the password, from the first place that has it.

    The places are: what is given, the file, the variable, the system's keyring, the keyboard.

    :param keyring: whether the keyring is one of them
    :param ask: asks for a password on the keyboard
    :returns: None where no user is named: then netrc, the URL of the proxy, or a ticket says who logs in
    :raises NoPassword: there is none; or a place of a password is named, and no user
    """
    if user is None:
        if password is not None or password_file is not None or password_env is not None:
            raise NoPassword("a password is for a user: name one with --user")
        return None
    if password is None and password_file is not None:
        password = from_file(password_file)
    if password is None and password_env is not None:
        password = from_environment(password_env)
    if password is None and keyring:
        password = from_keyring(user)
    if password is None:
        password = ask(user)
    return Credentials(user, password)
