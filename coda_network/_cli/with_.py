"""``coda-network with``: a command, and all that it starts, through a local proxy that only it can use."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from coda_network._auth import defaults
from coda_network._local_proxy.command import routes_of
from coda_network._local_proxy.peer_user import can_tell
from coda_network._local_proxy.process import fit_for_many_clients
from coda_network._local_proxy.proxy import LocalProxy
from coda_network._local_proxy.settings import Settings
from coda_network._local_proxy.wakeups import Wakeups
from coda_network._settings.options import BAD_SETTINGS, Usage, credentials_of, fill_in, log_in_as, log_to_stderr

USAGE, NOT_EXECUTABLE, NOT_FOUND = 2, 126, 127  # the last two as a shell has them

_PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")


def run(options: Any) -> int:
    """Run a command through a local proxy.

    :param options: of the command line
    :returns: the exit code of the command, 128 and the number of the signal that ended it; 2 for a command line that is
        wrong, 126 and 127 for a command that cannot be run or does not exist
    """
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    try:
        if not command:
            raise Usage("no command given")
        fill_in(options)
        with log_to_stderr(options.log_level, options.verbose, options.quiet):
            return _serve(options, command)
    except BAD_SETTINGS as error:
        print(f"coda-network with: {error}", file=sys.stderr)
        return USAGE


def _serve(options: Any, command: Sequence[str]) -> int:
    """Run the command beside a local proxy as the options say."""
    # Whoever does not know the secret gets a 407: other users of this machine could use it otherwise.
    if options.same_user and not can_tell():
        raise Usage("--same-user: this system does not tell whose a connection is")
    settings = Settings(routes_of(options), secret=secrets.token_urlsafe(24), same_user=options.same_user)
    login = log_in_as(credentials_of(options))
    try:
        with fit_for_many_clients():
            proxy = LocalProxy(settings)
            proxy.start()
            try:
                return _run(command, environment_for(proxy.url, os.environ, options.same_user))
            finally:
                proxy.close(0)
    finally:
        if login is not None:
            defaults.remove(login)


def environment_for(url: str, given: Mapping[str, str], same_user: bool = False) -> dict[str, str]:
    """Return an environment in which programs find a proxy.

    ``no_proxy`` stays as it is: what it names is reached without the proxy.

    :param url: of the proxy, with its secret
    :param given: the environment to begin with
    :param same_user: the proxy serves programs that do not give the secret
    """
    environment = dict(given)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        environment[name] = environment[name.upper()] = url
    no_proxy = given.get("no_proxy", given.get("NO_PROXY", ""))
    environment["no_proxy"] = environment["NO_PROXY"] = no_proxy
    # Node's own fetch looks at the variables only when told to; npm and cargo have settings that go before them.
    environment["NODE_USE_ENV_PROXY"] = "1"
    environment["npm_config_proxy"] = environment["npm_config_https_proxy"] = url
    environment["CARGO_HTTP_PROXY"] = url
    # git: a proxy in a file of settings would go before the variables.
    count = int(given.get("GIT_CONFIG_COUNT") or 0) if (given.get("GIT_CONFIG_COUNT") or "0").isdigit() else 0
    environment["GIT_CONFIG_COUNT"] = str(count + 1)
    environment[f"GIT_CONFIG_KEY_{count}"], environment[f"GIT_CONFIG_VALUE_{count}"] = "http.proxy", url
    if same_user:
        # Java takes no password from its settings. What is to be reached without a proxy, ours knows.
        host, _, port = url.rpartition("@")[2].rpartition(":")
        options = [f"-D{name}.proxyHost={host} -D{name}.proxyPort={port}" for name in ("http", "https")]
        before = given.get("JAVA_TOOL_OPTIONS")
        environment["JAVA_TOOL_OPTIONS"] = " ".join([*([before] if before else []), *options, "-Dhttp.nonProxyHosts="])
    return environment


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    """Run a command to its end, with the signals that come for it."""
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []
    # A terminal sends SIGINT to the command as well, and the command decides what becomes of it.
    at_terminal = sys.stdin is not None and sys.stdin.isatty()

    def pass_on(number: int, frame: Any) -> None:
        if number == signal.SIGINT and at_terminal:
            return
        if child is None:
            early.append(number)
        else:
            child.send_signal(number)

    # Before the command begins: a signal in between would end this process and leave the command without its proxy.
    # SIG_IGN would be inherited, a function is not.
    before: dict[int, Any] = {}
    with Wakeups() as wakeups:
        try:
            for name in _PASSED_ON:
                if (number := getattr(signal, name, None)) is not None:
                    before[number] = signal.signal(number, pass_on)
            try:
                child = subprocess.Popen(command, env=environment)
            except FileNotFoundError:
                print(f"coda-network with: {command[0]}: no such command", file=sys.stderr)
                return NOT_FOUND
            except OSError as error:
                print(f"coda-network with: {command[0]}: {error.strerror or error}", file=sys.stderr)
                return NOT_EXECUTABLE
            for number in early:
                child.send_signal(number)
            threading.Thread(target=_wait_for, args=(child, wakeups), daemon=True).start()
            while child.returncode is None:
                wakeups.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    status = child.returncode
    return 128 - status if status < 0 else status


def _wait_for(child: subprocess.Popen[bytes], wakeups: Wakeups) -> None:
    try:
        child.wait()
    finally:
        wakeups.wake()
