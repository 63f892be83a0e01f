"""Small programs, one a library, that ask a site for something and say whether it came.

Each is a function that gets the URL of a site (``site_of_everything.py``), which has what they ask for; the files named
``by_`` and ``not_reached.py`` have them. None knows of the package: ``matrix.py`` runs them without it, patched before
their library is imported and behind it, and by ``run``. ``python libraries.py NAME ORDER URL...`` is such a run; it
prints as JSON what became of each URL. The proxy is in the environment; where a library does not look there, its
program hands it on.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pkgutil import resolve_name

from library_table import LIBRARIES

# Each enters its programs into the table, in the order of the page.
for part in ("by_urllib_request", "by_urllib3", "by_requests", "by_instrumentation", "not_reached"):
    import_module(part)


def main(name: str, order: str, *urls: str) -> None:
    """Ask each site; print what became of it: nothing where it came, else the error."""
    row = LIBRARIES[name]
    if order == "before":
        import_module("coda_network").patch(children=row.children)
    if row.first:
        resolve_name(row.first)()
    import_module(row.module)
    if order == "behind":
        import_module("coda_network").patch(children=row.children)
    failed = []
    for url in urls:
        try:
            row.ask(url)
        except (Exception, SystemExit) as error:
            failed.append(f"{type(error).__name__}: {error}"[:300])
        else:
            failed.append("")
    print("\n" + json.dumps(failed), flush=True)
    os._exit(0)  # some leave threads behind that wait for their servers


if __name__ == "__main__":
    main(*sys.argv[1:])
