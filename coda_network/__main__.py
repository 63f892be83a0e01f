"""``python -m coda_network`` is the command ``coda-network``."""

from __future__ import annotations

import sys

from coda_network.cli import main

if __name__ == "__main__":
    sys.exit(main())
