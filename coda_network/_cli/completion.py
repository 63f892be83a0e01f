"""What completes this command in a shell, by argcomplete: it asks the command's own parsers."""

from __future__ import annotations

import argparse
import sys
from typing import Any

OK, FAILED = 0, 1


def run(options: Any) -> int:
    """Print the lines for a shell.

    :param options: of the command line
    :returns: the exit code
    """
    try:
        from argcomplete.shell_integration import shellcode
    except ImportError:
        print('coda-network completion: argcomplete is missing: pip install "coda_network[cli]"', file=sys.stderr)
        return FAILED
    print(shellcode(["coda-network"], shell=options.shell))
    return OK


def complete(parser: argparse.ArgumentParser) -> None:
    """Tell the shell that has started this process what may come next, and end the process.

    :param parser: of the whole command line
    """
    try:
        from argcomplete import autocomplete
    except ImportError:
        raise SystemExit(FAILED) from None
    autocomplete(parser)
