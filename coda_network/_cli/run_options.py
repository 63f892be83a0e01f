"""The options of ``coda-network run``: those before the program. All behind it is the program's.

They are read without argparse, so that the program finds few modules loaded; ``options.for_run()`` has them for the
help.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

FLAGS = {"--tls-proxy": "tls_proxy", "--no-children": "no_children"}

VALUES = {
    "--pac": "pac",
    "--no-proxy": "no_proxy",
    "--user": "user",
    "--password-file": "password_file",
    "--password-env": "password_env",
    "--profile": "profile",
}
"""The options with a value."""

LISTS = {"--proxy": "proxy", "--login-at": "login_at"}
"""Those that may be given several times."""


def take_options(arguments: Sequence[str]) -> tuple[SimpleNamespace, list[str]]:
    """Return the options before the program, and what is behind them.

    :raises ValueError: an option lacks its value
    """
    options = SimpleNamespace(verbose=0, **dict.fromkeys(FLAGS.values(), False))
    for name in (*VALUES.values(), *LISTS.values()):
        setattr(options, name, None)
    rest = list(arguments)
    while rest:
        name, equals, value = rest[0].partition("=")
        if rest[0] in FLAGS:
            setattr(options, FLAGS[name], True)
        elif rest[0] in ("-v", "-vv"):
            options.verbose += len(rest[0]) - 1
        elif name in VALUES or name in LISTS:
            if not equals:
                value = rest.pop(1) if len(rest) > 1 else ""
            if not value:
                raise ValueError(f"argument expected for {name}")
            if name in VALUES:
                setattr(options, VALUES[name], value)
            else:
                setattr(options, LISTS[name], [*(getattr(options, LISTS[name]) or ()), value])
        else:
            break
        del rest[0]
    return options, rest
