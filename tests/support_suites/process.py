"""One run of a foreign suite, in a process of its own that ends within a given time."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from support_suites.results import Run, read_run

BINDINGS = ("baseline", "before", "after", "swapped")

# Settings of the user's that would change what a suite sees.
_REMOVED = (
    "NETRC",
    "PYTEST_ADDOPTS",
    "PYTEST_PLUGINS",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONWARNINGS",
)


def stage(folder: Path) -> Path:
    """Copy the package and the injected files into `folder`, for a suite's import path, and return it.

    The package is the one that is installed, else the one in this repository.
    """
    shutil.copytree(Path(__file__).parent / "inject", folder, dirs_exist_ok=True)
    spec = importlib.util.find_spec("coda_network")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
    else:
        package = Path(__file__).parents[2] / "coda_network"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, folder / "coda_network", ignore=ignored, dirs_exist_ok=True)
    return folder


def run(
    command: Sequence[str],
    *,
    staged: Path,
    folder: Path,
    binding: str,
    seconds: float,
    setup: str = "coda_network",
    cwd: Path | None = None,
    extra: Mapping[str, str] | None = None,
) -> Run:
    """Run `command` under `binding`, for `seconds` at most, and return the outcomes that its recorder wrote.

    `staged` is what stage() returned; `folder` takes the results and the output, and is the working folder
    unless `cwd` is given; `setup` names the module with the patch(); `extra` goes into the environment.
    """
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / f"{binding}.jsonl"
    results.unlink(missing_ok=True)
    kept = {name: value for name, value in os.environ.items() if not _is_removed(name)}
    environment = {
        **kept,
        "PYTHONPATH": str(staged),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CODA_SUITE_BINDING": binding,
        "CODA_SUITE_RESULTS": str(results),
        "CODA_SUITE_SETUP": setup,
        **(extra or {}),
    }
    output = folder / f"{binding}.out"
    with output.open("wb") as out:
        child = subprocess.Popen(
            command,
            cwd=cwd or folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            # A group of its own, so that servers that the suite started end with it.
            start_new_session=True,
        )
        try:
            status = child.wait(seconds)
            trouble = f"the process was ended by signal {-status}" if status < 0 else ""
        except subprocess.TimeoutExpired:
            trouble = f"not done after {seconds:.0f} seconds"
        finally:
            _end_group(child)
    found = read_run(results, trouble)
    if not found.trouble:
        return found
    tail = output.read_text(encoding="utf-8", errors="replace")[-4000:]
    return Run(found.outcomes, f"{found.trouble}; its output ends with:\n{tail}")


def _is_removed(name: str) -> bool:
    return name in _REMOVED or name.lower().endswith("_proxy") or name.startswith(("COV_", "COVERAGE_"))


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """End `child` and whatever it has started."""
    if hasattr(os, "killpg"):
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    else:
        child.kill()
    child.wait()
