"""Child processes: each Python that the program starts with its environment is patched, too.

Python runs a ``sitecustomize`` that it finds on ``PYTHONPATH``: here the one in ``child_site``. Nothing is written to
the disk.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["patch_children"]

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child_site")
VARIABLE = "CODA_NETWORK_CHILDREN"
# This package, its requirements and those of its extras, and theirs, by the names that are imported.
LOGINS = ("spnego", "cryptography", "cffi", "_cffi_backend", "pycparser", "typing_extensions", "sspilib")
EXTRAS = ("gssapi", "krb5", "decorator", "ntlm3", "des", "python_socks", "quickjs", "_quickjs")
NAMES = ("coda_network", *LOGINS, *EXTRAS)


def patch_children() -> Callable[[], None]:
    """Change ``os.environ`` so that the Pythons started from now on are patched.

    :returns: what puts the environment back. It leaves alone what the program has added meanwhile
    """
    before = os.environ.get("PYTHONPATH")
    entries = before.split(os.pathsep) if before else []
    if FOLDER in entries:
        return lambda: None  # an earlier call or our own parent has done it, and undoes it
    os.environ["PYTHONPATH"] = os.pathsep.join([FOLDER, *entries])
    os.environ[VARIABLE] = os.pathsep.join([sys.implementation.cache_tag or "", *_places()])

    def undo() -> None:
        now = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        rest = os.pathsep.join(entry for entry in now if entry != FOLDER)
        if rest or before is not None:
            os.environ["PYTHONPATH"] = rest
        else:
            os.environ.pop("PYTHONPATH", None)
        os.environ.pop(VARIABLE, None)

    return undo


def _places() -> list[str]:
    """Return ``name=folder`` for each of the names that this process can import."""
    places = []
    for name in NAMES:
        try:
            spec = find_spec(name)
        except (ImportError, ValueError):  # a module that was put together by hand
            continue
        if spec is not None and spec.origin:
            folder = os.path.dirname(os.path.abspath(spec.origin))
            places.append(f"{name}={os.path.dirname(folder) if spec.submodule_search_locations else folder}")
    return [place for place in places if os.pathsep not in place]
