"""What holds under ``run``, for the Python processes that the program starts: they are told where it is said.

A variable of the environment names the options, and never a password: the child takes that from the same place. One
that was typed in is known to this process only.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

from coda_network._lazy import INHERITED

NAMES = ("proxy", "no_proxy", "pac", "user", "password_file", "password_env", "profile", "login_at")


def hand_down(options: Any) -> ExitStack:
    """Let child processes inherit the options; return what takes that back.

    :param options: as ``settle()`` has left them
    """
    import json

    values = {name: value for name in NAMES if (value := getattr(options, name, None)) is not None}
    undo = ExitStack()
    if values:
        if "password_file" in values:
            values["password_file"] = os.path.abspath(os.path.expanduser(values["password_file"]))
        if INHERITED in os.environ:
            undo.callback(os.environ.__setitem__, INHERITED, os.environ[INHERITED])
        else:
            undo.callback(os.environ.pop, INHERITED, None)
        os.environ[INHERITED] = f"{__name__}:{json.dumps(values)}"
    return undo


def settle_inherited(text: str) -> None:
    """Let the options hold that a parent has handed down, to the end of the process.

    :param text: its ``hand_down()``
    """
    import json
    from types import SimpleNamespace

    from coda_network._settings.passwords import NoPassword
    from coda_network._settings.process import settle

    given = json.loads(text)
    options = SimpleNamespace(**{name: given.get(name) for name in NAMES})
    try:
        settle(options, is_child=True)
    except NoPassword:  # the parent's user has typed it in; nobody is asked again
        options.user = options.password_file = options.password_env = None
        settle(options, is_child=True)
