"""``pandas.read_parquet()`` of 2 columns of 20, over https: what is transferred, and who gets it right.

``python tests/ecosystem/parquet.py`` prints a table; the exit status is 1 if a value is wrong, or nothing was saved.
``CODA_PARQUET`` (200) is the size of the file in MiB. ``coda+https`` goes through a squid that wants Digest, and has a
row without it; fsspec's own ``https`` goes directly. Each is a process of its own. Bytes are those of TLS, both ways,
at a relay before nginx. Needs Debian's nginx and squid, pandas, pyarrow and aiohttp.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack

from place import MIB, Place, timed
from support.accounts import ALICE
from support.fault_proxy import TO_CLIENT, TO_SERVER, FaultProxy
from support.squid import DigestLogin, Squid

COLUMNS, WANTED = 20, ["c3", "c17"]
GROUPS = 10

MAKE = """
import sys, numpy, pyarrow, pyarrow.parquet
rows, columns, groups = int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
chance = numpy.random.default_rng(16)
table = pyarrow.table({f"c{number}": chance.random(rows) for number in range(columns)})
pyarrow.parquet.write_table(table, sys.argv[1], use_dictionary=False, row_group_size=-(-rows // groups))
print({name: float(table[name].to_numpy().sum()) for name in sys.argv[5:]})
"""
READ = """
import json, sys, pandas
url, options, wanted = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
if url.startswith("https:") and options is not None:  # pandas itself would read all of it, by urllib
    import fsspec
    frame = pandas.read_parquet(url, columns=wanted, filesystem=fsspec.filesystem("https", **options))
else:
    frame = pandas.read_parquet(url, columns=wanted, storage_options=options)
print({name: float(frame[name].to_numpy().sum()) for name in wanted})
"""


def main() -> int:
    size = int(os.environ.get("CODA_PARQUET", "200")) * MIB
    with ExitStack() as stack:
        place = Place(stack)
        digest = stack.enter_context(Squid(place.ca, DigestLogin()))
        relay = stack.enter_context(FaultProxy(("127.0.0.1", place.nginx.https_port)))
        file = place.nginx.directory / "static" / "large.parquet"
        make = place.program(MAKE, file, size // 8 // COLUMNS, COLUMNS, GROUPS, *WANTED)
        expected = subprocess.run(make, check=True, capture_output=True, text=True).stdout
        file.chmod(0o644)
        where = f"localhost:{relay.address[1]}/large.parquet"
        environment = {**place.ways["directly"], "SSL_CERT_FILE": str(place.ca.bundle)}
        through = {"proxy": digest.url, "proxy_credentials": [ALICE.user, ALICE.password]}
        rows = {
            "`coda+https`, squid with Digest": (f"coda+https://{where}", through),
            "`coda+https`, directly": (f"coda+https://{where}", {"proxy": ""}),
            "fsspec's own `https`, directly": (f"https://{where}", {}),
            "the same, `cache_type: none`": (f"https://{where}", {"cache_type": "none"}),
            "pandas' own `https`, directly": (f"https://{where}", None),
        }
        whole = file.stat().st_size
        print(f"| {whole / MIB:.0f} MiB, {len(WANTED)} of {COLUMNS} columns | MiB transferred | requests |", end="")
        print(" connections | time, s | CPU, s | peak memory, MiB | values |\n|" + " --- |" * 8)
        for name, (url, options) in rows.items():
            relay.reset(None)
            output = place.folder / "output"
            command = place.program(READ, url, json.dumps(options), *WANTED)
            with place.nginx.log.watch() as seen:
                code, seconds, cpu, memory = timed(command, environment, place.folder, output)
                time.sleep(0.3)
            moved = relay.passed[TO_CLIENT] + relay.passed[TO_SERVER]
            ours = url.startswith("coda")
            is_right = code == 0 and output.read_text().strip() == expected.strip() and (not ours or moved < whole / 4)
            connections = len({entry["connection"] for entry in seen.entries})
            print(
                f"| {name} | {moved / MIB:.1f} | {len(seen.entries)} | {connections} | {seconds:.1f} | {cpu:.1f} | "
                f"{memory} | {place.check(is_right)} |",
                flush=True,
            )
            if code:
                print(output.read_text(), file=sys.stderr)
        return 1 if place.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
