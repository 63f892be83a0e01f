"""``coda-network run``: a program started as ``python`` starts it, patched from its first line.

The program becomes ``__main__`` of this process, and the process ends as it would under ``python``: with the program's
exit code, its traceback (without our frames), by SIGINT after Ctrl-C, after its threads and ``atexit`` functions. A
test compares each of these with ``python`` itself.

What stays different, because this command runs first:

- Python processes that the program starts are patched, unless ``--no-children`` is given: forked ones, those of
  multiprocessing (see ``workers``), and those that are started by a command with the program's environment
  (``subprocess``, ``os.exec*``), in which ``PYTHONPATH`` names a folder more (see ``_patch/children``).
- ``http.client``, ``urllib.request`` and what they import are already loaded, from the standard library: a file of the
  same name beside the script (``email.py``) does not come before them. So is what looks for the configuration file.
- The traceback of ``-c`` shows no source lines (Python 3.13 shows them).
- ``sys.orig_argv`` and the bottom of the stack (``traceback.print_stack``) show this command.
"""

from __future__ import annotations

import builtins
import os
import runpy
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.machinery import BuiltinImporter, SourceFileLoader, SourcelessFileLoader
from io import BytesIO, open_code
from pkgutil import get_importer, read_code
from types import ModuleType, TracebackType
from typing import Any

from coda_network._cli.program import NotOurProgram, program_on_path
from coda_network._cli.run_options import take_options
from coda_network._cli.workers import patch_workers
from coda_network._patch import patch
from coda_network._patch.children import patch_children
from coda_network._settings.inherited import hand_down

__all__ = ["USAGE", "main"]

USAGE = """\
usage: coda-network run [OPTION ...] SCRIPT [ARGUMENT ...]
       coda-network run [OPTION ...] -m MODULE [ARGUMENT ...]
       coda-network run [OPTION ...] -c CODE [ARGUMENT ...]
       coda-network run [OPTION ...] - [ARGUMENT ...]
"""

# What a program that was not imported has in place of the name of a compiled file, which Python 3.15 no longer sets.
NOT_CACHED: dict[str, None] = {"__cached__": None} if sys.version_info < (3, 15) else {}


def main(arguments: Sequence[str]) -> int:
    """Run the program that the arguments name.

    :param arguments: what follows ``coda-network run``
    :returns: the exit code: 0 at the program's end, 1 after an uncaught exception, 2 if it could not be started
    :raises SystemExit: the program raised it
    :raises KeyboardInterrupt: the process is to end by SIGINT
    """
    try:
        options, rest = take_options(arguments)
    except ValueError as error:
        return _refuse(str(error))
    if rest[:1] in (["-h"], ["--help"]):
        _beside_the_path(_help)
        return 0
    _settings.clear()
    _settings["children"] = not options.no_children
    if options.tls_proxy:
        _settings["https_proxies"] = True
    if not rest:
        return _run(rest)
    if (why := _beside_the_path(_settle, options)) is not None:
        return _refuse(why)
    if options.no_children:
        return _run(rest)
    put_back = patch_children()
    handed_down = hand_down(options)
    try:
        return _run(rest)
    finally:
        put_back()
        handed_down.close()


def _run(arguments: list[str]) -> int:
    first, *rest = arguments or [""]
    if first[:2] in ("-m", "-c"):
        option, value = first[:2], first[2:]
        if not value and not rest:
            return _refuse(f"argument expected for {option}")
        value = value or rest.pop(0)
        return _run_module(value, rest) if option == "-m" else _run_code(value, rest)
    if first == "-":
        return _run_stdin(rest)
    if first == "--" and rest:
        first, *rest = rest
    elif not first or first.startswith("-"):
        return _refuse(f"unknown option {first}" if first else "no program given")
    return _run_script(first, rest)


_settings: dict[str, Any] = {}
"""The arguments of ``patch()``."""


def _settle(options: Any) -> str | None:
    """Let the login and the routes of the options and of the configuration file hold; return why that cannot be."""
    from coda_network._settings.options import BAD_SETTINGS
    from coda_network._settings.process import settle

    if options.verbose:
        from coda_network._log import log_to_stderr

        log_to_stderr("info" if options.verbose == 1 else "debug")
    try:
        settle(options)  # to the end of the process
    except BAD_SETTINGS as error:
        return str(error)
    return None


def _help() -> None:
    from coda_network._cli.commands import command_parser

    command_parser("run").print_help()


def _beside_the_path(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that imports modules, without the folder on the path that Python put there for this command."""
    if getattr(sys.flags, "safe_path", False) or sys.flags.isolated:
        return function(*arguments)
    first = sys.path.pop(0)
    try:
        return function(*arguments)
    finally:
        sys.path.insert(0, first)


def _refuse(why: str) -> int:
    sys.stderr.write(f"{USAGE}coda-network run: error: {why}\n")
    return 2


def _run_module(name: str, arguments: list[str]) -> int:
    _become(["-m", *arguments], os.getcwd())
    return _to_the_end(_module_as_main(name))


def _run_code(source: str, arguments: list[str]) -> int:
    namespace = _become(["-c", *arguments], "")
    return _to_the_end(lambda: exec(_compile(source + "\n", "<string>"), namespace))


def _run_stdin(arguments: list[str]) -> int:
    namespace = _become(["-", *arguments], "")
    namespace.update(__file__="<stdin>", **NOT_CACHED)
    source = sys.stdin.buffer.read()
    return _to_the_end(lambda: exec(_compile(source, "<stdin>"), namespace))


def _run_script(script: str, arguments: list[str]) -> int:
    try:
        script = _beside_the_path(program_on_path, script) or script
    except NotOurProgram as error:
        return _refuse(str(error))
    path = _absolute(script)
    if get_importer(path) is not None:
        # A directory or a zip file: its __main__.py runs, with the directory itself on the path, even on a safe one.
        _become([script, *arguments], path, always=True)
        return _to_the_end(_module_as_main("__main__", False))

    try:
        with open_code(path) as stream:
            source = stream.read()  # once: it may be a pipe
    except OSError as error:
        program = sys.orig_argv[0]
        sys.stderr.write(f"{program}: can't open file {path!r}: [Errno {error.errno}] {error.strerror}\n")
        return 2

    code = read_code(BytesIO(source))  # None unless it is compiled already

    # The script's directory is that of the file, not of a link to it.
    folder = os.path.dirname(path if os.name == "nt" else os.path.realpath(path))
    namespace = _become([script, *arguments], folder)
    loader = SourceFileLoader if code is None else SourcelessFileLoader
    namespace.update(__file__=path, __loader__=loader("__main__", path), **NOT_CACHED)
    return _to_the_end(lambda: exec(_compile(source, path) if code is None else code, namespace))


def _absolute(script: str) -> str:
    """Return a script's path as Python makes it: absolute, not normalised (``./x.py`` is ``/here/./x.py``)."""
    if os.name == "nt" or (script == "." and sys.version_info >= (3, 11)):
        return os.path.abspath(script)
    return os.path.join(os.getcwd(), script)


def _compile(source: str | bytes, name: str) -> Any:
    return compile(source, name, "exec", dont_inherit=True)  # without this file's own ``annotations``


def _module_as_main(name: str, alter_argv: bool = True) -> Callable[[], object]:
    # The public run_module() removes its module at the end, while threads and atexit functions may still use it.
    run: Any = runpy._run_module_as_main  # type: ignore[attr-defined]  # what the interpreter itself calls for -m
    return partial(run, name, alter_argv)


def _become(argv: list[str], first_on_path: str, always: bool = False) -> dict[str, Any]:
    """Set up the process as the program expects it, patched.

    :param argv: for ``sys.argv``
    :param first_on_path: for ``sys.path[0]``, in place of what Python put there for this command
    :param always: put it there with ``-P``, ``-I`` and ``PYTHONSAFEPATH`` too
    :returns: the namespace of its ``__main__``
    """
    safe = getattr(sys.flags, "safe_path", False) or sys.flags.isolated  # safe_path: Python 3.11
    if not safe:
        del sys.path[0]
    if _settings.pop("children"):  # main() puts the environment back, as the patch stays to the very end
        patch_workers()
    patch(**_settings)  # with neither our directory nor the program's on the path: it must import from neither
    if always or not safe:
        sys.path.insert(0, first_on_path)
    sys.argv = argv

    module = ModuleType("__main__")
    namespace = vars(module)
    namespace["__loader__"] = BuiltinImporter
    if sys.version_info < (3, 14):  # PEP 649: now made from the module's __annotate__ when somebody asks
        namespace["__annotations__"] = {}
    namespace["__builtins__"] = builtins
    sys.modules["__main__"] = module
    return namespace


def _to_the_end(program: Callable[[], object]) -> int:
    try:
        program()
    except SystemExit:
        raise
    except BaseException as error:
        failure = error
    else:
        return 0
    # Outside the except block: sys.exc_info() is empty while the interpreter calls the hook.
    _report(failure)
    if isinstance(failure, KeyboardInterrupt):
        _leave_by_sigint(failure)
    return 1


def _report(failure: BaseException) -> None:
    """Do what the interpreter does with an exception that nobody caught."""
    _strip(failure)
    kind, traceback = type(failure), failure.__traceback__
    sys.last_type, sys.last_value, sys.last_traceback = kind, failure, traceback
    if sys.version_info >= (3, 12):
        sys.last_exc = failure
    try:
        sys.excepthook(kind, failure, traceback)
    except SystemExit:
        raise
    except BaseException as error:
        in_hook = error
    else:
        return
    _strip(in_hook)
    sys.stderr.write("Error in sys.excepthook:\n")
    sys.__excepthook__(type(in_hook), in_hook, in_hook.__traceback__)
    sys.stderr.write("\nOriginal exception was:\n")
    sys.__excepthook__(kind, failure, traceback)


def _strip(failure: BaseException) -> None:
    """Take our own frames off the beginning of the traceback."""
    traceback: TracebackType | None = failure.__traceback__
    while traceback is not None and traceback.tb_frame.f_globals is globals():
        traceback = traceback.tb_next
    failure.__traceback__ = traceback


def _leave_by_sigint(failure: KeyboardInterrupt) -> None:
    """Raise the exception for the interpreter, which alone can end the process by SIGINT at the very end.

    It also knows what becomes of a subclass: exit code 1, from Python 3.14 on SIGINT.

    A hook that prints nothing keeps it from printing the traceback a second time.
    """
    hook, traceback = sys.excepthook, failure.__traceback__

    def printed_already(*_: object) -> None:
        sys.excepthook = hook
        sys.last_traceback = failure.__traceback__ = traceback

    sys.excepthook = printed_already
    raise failure
