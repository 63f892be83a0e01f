"""What options and the configuration file say, as what holds for the whole process."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from coda_network._auth import defaults
from coda_network._route import installed
from coda_network._settings.options import credentials_of, fill_in, log_in_as
from coda_network._settings.routes import choice_of


def settle(options: Any, logs_in: bool = True, is_child: bool = False) -> ExitStack:
    """Let the login and the routes of the options hold; return what takes that back.

    :param options: of a command line with the options for logins and routes; the configuration file fills them in
    :param logs_in: False leaves the login to the caller
    :param is_child: the options come from a parent process, with the configuration file in them; nobody is asked for a
        password
    :raises Usage: a proxy, or the PAC file, cannot be used
    :raises BadConfiguration: the file cannot be used
    :raises NoPassword: the user has no password
    """
    if is_child:
        options.origins = {}
    else:
        fill_in(options)
    with ExitStack() as undo:
        choice = choice_of(options)
        if choice is not None:
            settings = installed.Installed(choice)
            installed.install(settings)
            undo.callback(installed.remove, settings)
        login = (
            None
            if not logs_in
            else log_in_as(credentials_of(options, asks=not is_child), sites=getattr(options, "login_at", None))
        )
        if login is not None:
            undo.callback(defaults.remove, login)
        return undo.pop_all()
