"""``coda-network install``, ``uninstall``, ``status``: the patch for every program of an environment.

Python runs the lines of the ``.pth`` files in its site-packages at each start. Ours installs the lazy patch, and
that lazily, too.
"""

from __future__ import annotations

import os
import site
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

__all__ = ["install", "status", "uninstall"]

NAME = "coda_network_patch.pth"
# It imports nothing of ours before the client is asked for: a start of Python costs the compilation of these lines.
# What goes wrong is not shown: it would be at each start of Python, also behind ``pip uninstall``.
CODE = """\
import sys
class CodaNetwork:
 def find_spec(self, name, path=None, target=None):
  if name in NAMES or name.startswith("coda_network.") and name != "coda_network._lazy":
   try:
    sys.meta_path.remove(self)
    from coda_network import _lazy
    return _lazy.find_spec(name, path, target)
   except Exception: pass
NAMES = "http.client", "urllib.request"
sys.meta_path.insert(0, CodaNetwork())
for name in NAMES:
 if name in sys.modules: CodaNetwork.find_spec(sys.meta_path[0], name); break
"""
# One line, as site has it.
LINE = f"import sys; exec({CODE!r}, {{}})\n"

# What a new process of this Python says: where the package is, and whether the first import of http.client patches.
QUESTION = """\
import sys
try:
    import coda_network, http.client
    print(coda_network.__version__, coda_network.is_patched(), coda_network.__path__[0])
except Exception as error:
    print(f"{type(error).__name__}: {error}", file=sys.stderr)
    sys.exit(1)
"""


def install(options: Any) -> int:
    """Write the file.

    :param options: ``user``, ``prefix`` and ``quiet`` of the command line
    :returns: the exit code
    """
    say = _silent if options.quiet else print
    try:
        file = _folder(options) / NAME
        if _content(file) == LINE:
            say(f"installed already: {file}")
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            _write(file)
            say(f"installed: {file}")
    except (OSError, ValueError) as error:
        return _refuse("install", error)
    return 0


def uninstall(options: Any) -> int:
    """Remove the file.

    :param options: as above
    :returns: the exit code
    """
    say = _silent if options.quiet else print
    try:
        file = _folder(options) / NAME
        try:
            file.unlink()
            say(f"removed: {file}")
        except (FileNotFoundError, NotADirectoryError):
            say(f"not installed: there is no {file}")
    except (OSError, ValueError) as error:
        return _refuse("uninstall", error)
    return 0


def status(options: Any = None) -> int:
    """Print what holds for this Python.

    :param options: of the command line, which has none
    :returns: the exit code
    """
    print(f"Python: {sys.executable} ({sys.version.split()[0]})")
    files = [folder / NAME for folder in _folders() if (folder / NAME).exists()]
    if not files:
        print(f"installed: no, there is no {NAME} in {', '.join(map(str, _folders()))}")
    for file in files:
        print(f"installed: yes, by {file}" + ("" if _content(file) == LINE else " (of another version: install again)"))
    print(f"turned off: {'yes, by CODA_NETWORK=0' if os.environ.get('CODA_NETWORK') == '0' else 'no'}")

    # Elsewhere than here, where the package may lie beside us and is found by this command only.
    done = subprocess.run([sys.executable, "-c", QUESTION], cwd=sys.prefix, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"package: cannot be imported: {' '.join(done.stderr.split())}")
        print("patched: no")
        return 0
    version, patched, place = done.stdout.strip().split(" ", 2)
    print(f"package: {version}, can be imported from {place}")
    print(f"patched: {'yes, when a program imports http.client or urllib.request' if patched == 'True' else 'no'}")
    return 0


def _silent(text: str) -> None:
    pass


def _folder(options: Any) -> Path:
    """Return the site-packages folder that is meant.

    :raises ValueError: Python would not look there
    """
    if options.prefix is not None:
        prefix = Path(options.prefix).absolute()
        if not prefix.is_dir():
            raise ValueError(f"there is no folder {prefix}")
        return _site_packages(prefix)
    if options.user:
        if not site.ENABLE_USER_SITE:
            raise ValueError("this Python does not use the user's site-packages (a virtual environment, or -s)")
        return Path(site.getusersitepackages())
    return Path(sysconfig.get_path("purelib"))


def _site_packages(prefix: Path) -> Path:
    """Return the site-packages folder of another environment: the one that it has, else that of this version."""
    found = [*prefix.glob("lib/python3*/site-packages"), *prefix.glob("Lib/site-packages")]
    scheme = "nt" if os.name == "nt" else "posix_prefix"
    own = Path(sysconfig.get_path("purelib", scheme, {"base": str(prefix), "platbase": str(prefix)}))
    if own in found or not found:
        return own
    if len(found) > 1:
        raise ValueError(f"{prefix} has more than one: {', '.join(map(str, sorted(found)))}")
    return found[0]


def _folders() -> list[Path]:
    """Return the site-packages folders of this Python, each once."""
    folders = [sysconfig.get_path("purelib"), *site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    return [Path(folder) for folder in dict.fromkeys(folders)]


def _content(file: Path) -> str | None:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None


def _write(file: Path) -> None:
    """Write the file at once: a Python that starts meanwhile sees all of it or none."""
    part = file.with_suffix(f".{os.getpid()}.part")
    try:
        part.write_text(LINE, encoding="ascii")
        os.replace(part, file)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _refuse(command: str, error: OSError | ValueError) -> int:
    hint = ""
    if isinstance(error, PermissionError):
        hint = " (no right to write there: --user takes your own site-packages, --prefix another environment)"
    sys.stderr.write(f"coda-network {command}: error: {error}{hint}\n")
    return 1
