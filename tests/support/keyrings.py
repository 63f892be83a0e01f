"""A keyring in memory, in place of the system's: ``memory_keyring`` of conftest puts it there."""

from __future__ import annotations

from keyring.backend import KeyringBackend


class MemoryKeyring(KeyringBackend):
    """Keeps passwords by service and user."""

    priority = 1  # type: ignore[assignment]  # keyring's own is a property of the class
    name = "memory"

    def __init__(self) -> None:
        super().__init__()
        self.passwords: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._unlock()
        return self.passwords.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._unlock()
        self.passwords[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._unlock()
        del self.passwords[service, username]

    def _unlock(self) -> None:
        if self.is_locked:
            raise RuntimeError("it is locked")
