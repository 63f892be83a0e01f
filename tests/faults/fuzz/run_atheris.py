"""The targets by atheris, which looks for inputs that reach new code:

    python tests/faults/fuzz/run_atheris.py all -runs=100000
    python tests/faults/fuzz/run_atheris.py chunks -max_total_time=3600 corpus/

Behind the name of a target are options of libFuzzer, and a folder in which inputs are kept. The status is the number of
targets that have found something: an error that is not documented, which is shown, or an input that takes too long.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = "--in-this-process"


def fuzz(name: str, options: list[str]) -> None:
    """Run one target; libFuzzer ends the process."""
    import atheris  # type: ignore[import-not-found]  # not on every system

    with atheris.instrument_imports(include=["coda_network", "http"]):
        import targets

        chosen = targets.TARGETS[name]
        targets.attempt(chosen, b"")  # which imports the rest

    def run(data: bytes) -> None:
        targets.attempt(chosen, data)

    atheris.Setup([sys.argv[0], *options], run)
    atheris.Fuzz()


def main(name: str, *options: str) -> int:
    """Run one target, or all in turn, in processes of their own; return how many of them have found something."""
    import targets

    found = 0
    with tempfile.TemporaryDirectory() as folder:
        words = Path(folder, "words")
        words.write_text("".join(f'"{_escaped(piece)}"\n' for piece in targets.PIECES))
        for each in targets.TARGETS if name == "all" else [name]:
            print(f"== {each}", flush=True)
            seeds = Path(folder, each)
            seeds.mkdir()
            for number, seed in enumerate(targets.SEEDS[each]):
                (seeds / str(number)).write_bytes(seed)
            command = [sys.executable, __file__, HERE, each, f"-dict={words}", *options, str(seeds)]
            done = subprocess.run(command, check=False)
            found += done.returncode != 0
    return found


def _escaped(piece: bytes) -> str:
    """Return bytes as a dictionary of libFuzzer has them."""
    return "".join(f"\\x{byte:02x}" for byte in piece)


if __name__ == "__main__":
    if sys.argv[1] == HERE:
        fuzz(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(main(*sys.argv[1:]))
