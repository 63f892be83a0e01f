"""A Python program by its name alone, as ``pip``: found beside this Python, or on the PATH."""

from __future__ import annotations

import os
import re
import sys

_shebang = re.compile(rb"#!\s*(\S+)(?:[ \t]+(\S+))?").match
# What installers write where the path is too long for the kernel, or has spaces.
_long_shebang = re.compile(rb"#!/bin/sh\n'''exec' ([\"']?)(?P<path>.+?)\1 \"\$0\"").match
_is_python = re.compile(r"(?:python|pypy)(?:3(?:\.\d+)?t?)?(?:\.exe)?").fullmatch


class NotOurProgram(Exception):
    """The name leads to a program that this Python cannot run; the text says what can."""


def program_on_path(name: str) -> str | None:
    """Return the path of the Python program of a name; None where the name is a path, or there is no such program.

    :raises NotOurProgram: it is no program of this Python
    """
    if not name or os.path.dirname(name) or os.path.exists(name):
        return None
    import shutil

    # That of this Python comes first: the environment need not be activated.
    path = shutil.which(name, path=os.path.dirname(sys.executable or "")) or shutil.which(name)
    if path is None:
        return None
    if (why := _why_not(path)) is not None:
        raise NotOurProgram(f"{name} is {path}, {why}")
    return path


def _why_not(path: str) -> str | None:
    """Return why this Python cannot run a program; None where it can."""
    by_with = "run it by: coda-network with -- COMMAND"
    try:
        with open(path, "rb") as file:
            start = file.read(2048)
    except OSError as error:
        return f"which cannot be read: {error.strerror}"
    if os.name == "nt" or path.endswith((".py", ".pyz")) or start.startswith(b"PK"):
        return None  # launchers are zip files with something in front; Python tells of what is none
    if (found := _long_shebang(start)) is not None:
        interpreter = os.fsdecode(found["path"])
    elif (found := _shebang(start)) is not None:
        interpreter = os.fsdecode(found[1])
        if os.path.basename(interpreter) == "env":
            interpreter = os.fsdecode(found[2] or b"")
    else:
        interpreter = ""
    if not _is_python(os.path.basename(interpreter)):
        return f"which is no Python program: {by_with}"
    if os.path.isabs(interpreter) and not _is_this_python(interpreter):
        return f"a program of another Python, {interpreter}: install coda_network there, or {by_with}"
    return None


def _is_this_python(interpreter: str) -> bool:
    folder = os.path.dirname(interpreter)
    if os.path.realpath(folder) == os.path.realpath(os.path.dirname(sys.executable)):
        return True
    # The same Python by another name, unless that name stands in a virtual environment.
    is_virtual = os.path.exists(os.path.join(os.path.dirname(folder), "pyvenv.cfg"))
    is_same = os.path.realpath(interpreter) == os.path.realpath(sys.executable)
    return is_same and not is_virtual and sys.prefix == sys.base_prefix
