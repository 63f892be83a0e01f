"""``coda-network wheelhouse``: the wheels of this package and of all that it needs, in a folder that can be carried."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from coda_network._version import __version__

OK, FAILED = 0, 1

NAME = "coda_network"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def run(options: Any) -> int:
    """Fill a folder with wheels.

    :param options: of the command line
    :returns: the exit code
    """
    folder = Path(options.folder).absolute()
    if find_spec("pip") is None:
        return _complain(f"this Python has no pip: {sys.executable} -m ensurepip")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return _complain(f"{folder}: {error.strerror}")
    source = _index(options)
    own = [*PIP, "wheel", *_quietly(options), "--no-deps", "--wheel-dir", str(folder), *source]
    if _pip([*own, options.source or f"{NAME}=={__version__}"]) != OK:
        return _complain("pip has made no wheel of this package")
    wheels = sorted(folder.glob(f"{NAME}-*.whl"), key=os.path.getmtime)
    if not wheels:
        return _complain(f"there is no wheel of {NAME} in {folder}")
    extras = f"[{','.join(options.extra)}]" if options.extra else ""
    wanted = f"{NAME}{extras} @ {wheels[-1].as_uri()}"
    if options.platform or options.python_version:
        # Of another machine: nothing can be built for it here.
        target = [argument for tag in options.platform or () for argument in ("--platform", tag)]
        if options.python_version:
            target += ["--python-version", options.python_version]
        collect = ["download", "--only-binary", ":all:", *target, "--dest", str(folder)]
    else:
        collect = ["wheel", "--wheel-dir", str(folder)]
    if _pip([*PIP, *collect, *_quietly(options), *source, "--find-links", str(folder), wanted]) != OK:
        return _complain("pip has not found all that is needed")
    if not options.quiet:
        count = len(list(folder.glob("*.whl")))
        print(f"{count} wheels in {folder}; on the other machine:")
        print(f"  pip install --no-index --find-links {folder.name} '{NAME}{extras}'")
    return OK


def _index(options: Any) -> list[str]:
    found = ["--no-index"] if options.no_index else []
    for folder in options.find_links or ():
        found += ["--find-links", folder]
    return found


def _quietly(options: Any) -> list[str]:
    return ["--quiet"] if options.quiet else []


def _pip(command: list[str]) -> int:
    return subprocess.run(command, check=False).returncode


def _complain(text: str) -> int:
    print(f"coda-network wheelhouse: {text}", file=sys.stderr)
    return FAILED
