"""Check programs as users write them, those of the README among them, with mypy --strict and pyright's strict mode.

Each mistake in a program is marked with what has to be reported there; a mark where nothing is reported is an error, so
that a type that became ``Any`` is found.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
README = HERE.parent.parent / "README.md"
VERSIONS = ("3.10", "3.15")

MYPY = ("--strict", "--warn-unused-ignores", "--follow-imports=silent", "--cache-dir", os.devnull)
PYRIGHT = {
    "typeCheckingMode": "strict",
    "enableTypeIgnoreComments": False,  # those are mypy's
    "reportUnnecessaryTypeIgnoreComment": "error",
}


def programs_of_readme() -> dict[str, str]:
    """Return the programs in the README, by a name for each."""
    found = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return {f"readme_{number}.py": text for number, text in enumerate(found, 1)}


def package_path() -> list[str]:
    """Return the folder of the package where it is not installed as users have it; checkers find that by themselves."""
    spec = importlib.util.find_spec("coda_network")
    if spec is None or spec.origin is None:
        raise SystemExit("coda_network is not installed")
    folder = Path(spec.origin).parent.parent
    return [] if folder.name == "site-packages" else [str(folder)]


def main() -> int:
    """Run both checkers for the oldest and the newest Python; return 1 where one of them finds something."""
    path = package_path()
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for program in sorted((HERE / "programs").glob("*.py")):
            shutil.copy(program, folder)
        readme = programs_of_readme()
        for program_name, text in readme.items():
            (folder / program_name).write_text(text, encoding="utf-8")
        files = sorted(file.name for file in folder.glob("*.py"))
        if len(readme) < 2 or len(files) < len(readme) + 3:
            raise SystemExit(f"too few programs to check: {files}")
        environment = {**os.environ, "MYPYPATH": os.pathsep.join(path)}
        for version in VERSIONS:
            settings = {**PYRIGHT, "pythonVersion": version, "extraPaths": path}
            (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
            checkers = (
                ["mypy", *MYPY, "--python-version", version, *files],
                ["pyright", "--pythonpath", sys.executable],
            )
            for command in checkers:
                print(f"{command[0]}, Python {version}:", flush=True)
                module = [sys.executable, "-m", *command]
                failed |= subprocess.run(module, cwd=folder, env=environment, check=False).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
