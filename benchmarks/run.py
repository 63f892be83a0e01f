"""Compare this package with other HTTP clients: `python benchmarks/run.py`.

nginx runs on one core and each client in a process of its own on another. All clients of a kind take turns, several
times over, so that what else the machine does meets all of them. Reported are processor time (user and system) and wall
time of one request, the most memory, and the ratio to a bare loop of sendall() and recv() in the same pass.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from clients import missing
from kinds import KINDS
from measure import able, cores, measure_idle, measure_imports, measure_kind, named
from place import LINE
from report import markdown, write_docs
from results import Results
from server import serving

IDLE, IMPORT = "idle", "import"
MIB = 1 << 20


def main() -> None:
    """Measure what the command line asks for, and print it."""
    options = _options()
    every = [kind.name for kind in KINDS if kind.quick or not options.quick]
    chosen = options.only.split(",") if options.only else [*every, IDLE, IMPORT]
    unknown = set(chosen) - {kind.name for kind in KINDS} - {IDLE, IMPORT}
    if unknown:
        sys.exit(f"no such kind: {', '.join(sorted(unknown))}")
    passes = options.passes or (3 if options.quick else 9)
    seconds = 0.05 if options.quick else 0.5
    large = (32 if options.quick else 256) * MIB
    assert large % (1024 * LINE) == 0

    for_clients, for_server = cores()
    results = Results(passes, large, confined=for_clients is not None)
    clients = []
    for client in named(options.clients):
        if lacking := missing(client):
            results.leave_out("everything", {client.name: f"not installed: {', '.join(lacking)}"})
        else:
            clients.append(client)

    with serving(large, for_server) as site:
        for kind in KINDS:
            if kind.name in chosen:
                _say(kind.title)
                figures, failed = measure_kind(kind, able(kind, clients), site, passes, seconds, for_clients)
                results.kinds[kind.name] = figures
                results.leave_out(kind.title, failed)
        if IDLE in chosen:
            _say("kept connections")
            holders = [client for client in clients if hasattr(client, "leave_idle")]
            results.idle, failed = measure_idle(holders, site)
            results.leave_out("kept connections", failed)
        if IMPORT in chosen:
            _say("imports")
            results.imports = measure_imports(passes * (1 if options.quick else 3), for_clients)

    print(markdown(results))
    if options.json:
        options.json.write_text(results.to_json())
    if options.write_docs:
        write_docs(results)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ", ".join([*(kind.name for kind in KINDS), IDLE, IMPORT])
    parser.add_argument(
        "--quick", action="store_true", help="three short passes and 32 MiB, some kinds left out: a first impression"
    )
    parser.add_argument("--only", metavar="KINDS", default="", help=f"of: {names}")
    parser.add_argument("--clients", metavar="WORDS", default="", help="only clients with one of these in their names")
    parser.add_argument("--passes", type=int, metavar="N", help="how often each client has its turn (default 9)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures, pass by pass")
    parser.add_argument("--write-docs", action="store_true", help="put tables and picture into docs/performance.md")
    return parser.parse_args()


def _say(what: str) -> None:
    print(f"{what} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
