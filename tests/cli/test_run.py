"""`coda-network run` against `python` itself: one program, started both ways, leaves the same traces."""

from __future__ import annotations

import os
import py_compile
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.traces import ENVIRONMENT, RUN, same_traces, start, write

# What a program sees of the way in which it was started.
SHOW = """\
for name, value in list(globals().items()):
    print(name, repr(value))
import sys
print(sys.argv, sys.path, sys.modules['__main__'].__dict__ is globals(), sys.exc_info())
"""
SHOW_FILES = {
    "script.py": SHOW,
    "place/__init__.py": "",
    "place/script.py": SHOW,
    "place/module.py": SHOW,
    "place/__main__.py": SHOW,
    "-odd name.py": SHOW,
    "__main__.py": SHOW,
}


@pytest.mark.parametrize(
    "arguments",
    [
        ["script.py"],
        ["script.py", "-m", "--help", "-o", "x y", "", "--", "run"],
        ["./script.py"],
        ["place/script.py"],
        ["place/../script.py"],
        ["place"],
        ["place/", "argument"],
        ["."],
        ["archive.zip", "argument"],
        ["link.py"],
        ["compiled.pyc"],
        ["./-odd name.py"],
        ["-m", "script", "-m", "--help", "x y"],
        ["-mscript"],
        ["-m", "place", "argument"],
        ["-m", "place.module"],
        ["-c", SHOW, "-x", "argument"],
        ["-c" + SHOW],
        ["-", "argument"],
    ],
    ids=repr,
)
def test_a_program_sees_the_same_of_its_start(tmp_path: Path, arguments: list[str]) -> None:
    write(tmp_path, SHOW_FILES)
    (tmp_path / "link.py").symlink_to(Path("place", "script.py"))
    py_compile.compile(str(tmp_path / "script.py"), str(tmp_path / "compiled.pyc"), dfile="script.py")
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("__main__.py", SHOW)

    code, out, err = same_traces(tmp_path, *arguments, stdin=SHOW)
    assert (code, err) == (0, "")
    assert "__name__ '__main__'" in out


if sys.version_info >= (3, 11):

    @pytest.mark.parametrize("arguments", [["script.py"], ["place"], ["-m", "this"], ["-c", SHOW]], ids=repr)
    def test_a_safe_path_stays_safe(tmp_path: Path, arguments: list[str]) -> None:
        write(tmp_path, SHOW_FILES)
        assert same_traces(tmp_path, *arguments, flags=("-P",))[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["missing.py"], 2),
        (["a\u00e9\n.py"], 2),
        (["-m", "missing"], 1),
        (["-m", "place.missing"], 1),
        (["-m", "empty"], 1),
        (["empty"], 1),
    ],
    ids=repr,
)
def test_what_cannot_be_started_is_refused_alike(tmp_path: Path, arguments: list[str], code: int) -> None:
    write(tmp_path, {"place/__init__.py": "", "empty/__init__.py": ""})
    assert same_traces(tmp_path, *arguments)[0] == code


CHAINED = """\
def deep():
    raise KeyError('first')

def middle():
    try:
        deep()
    except KeyError as error:
        raise ValueError('second') from error

try:
    middle()
except ValueError:
    undefined_name
"""
GROUP = """\
def one():
    raise ValueError('one')
errors = []
for number in range(2):
    try:
        one()
    except ValueError as error:
        errors.append(error)
raise ExceptionGroup('several', errors)
"""
HOOK = """\
import sys
def hook(kind, value, traceback):
    print('hook', kind, value, traceback.tb_frame.f_code.co_name, traceback.tb_next, sys.exc_info())
    {}
sys.excepthook = hook
raise ValueError('uncaught')
"""
AT_EXIT = """\
import atexit, sys, threading, time
def last():
    main = sys.modules['__main__']
    print('atexit', main.VALUE, sys.last_value, sys.last_traceback.tb_lineno, sys.excepthook)
atexit.register(last)
def thread():
    threading.main_thread().join()
    print('thread', VALUE)
VALUE = 'the value'
threading.Thread(target=thread).start()
raise {}('uncaught')
"""

HINTS = """\
import sys, typing
class Node:
    following: 'Node'
    value: Number
    def method(self, other: Node) -> 'Number': ...
Number = int
count: Number = 3
main = sys.modules['__main__']
print(typing.get_type_hints(Node), typing.get_type_hints(Node.method), typing.get_type_hints(main))
print(sorted(set(dir(main)) & {'__annotations__', '__annotate__', '__conditional_annotations__'}), main.__annotations__)
"""
if sys.version_info < (3, 14):  # where annotations are evaluated at once
    HINTS = "from __future__ import annotations\n" + HINTS

# A program, its exit code, and a piece of what it shows, so that no row is the same for another reason.
ENDINGS = {
    "exit none": ("import sys; sys.exit()", 0, ""),
    "exit code": ("import sys; sys.exit(7)", 7, ""),
    "exit big code": ("raise SystemExit(256 + 3)", 3, ""),
    "exit message": ("raise SystemExit('the reason')", 1, "the reason"),
    "exit object": ("raise SystemExit([1, 2])", 1, "[1, 2]"),
    "exit subclass": ("class Own(SystemExit): pass\nraise Own(5)", 5, ""),
    "exit by os": ("import os; os._exit(9)", 9, ""),
    "uncaught": ("def function():\n    1 / 0\n\nfunction()", 1, "in function"),
    "base exception": ("raise BaseException('uncaught')", 1, "BaseException: uncaught"),
    "generator exit": ("raise GeneratorExit", 1, "GeneratorExit"),
    "syntax error": ("print('no')\ndef function(:\n    pass\n", 1, "SyntaxError"),
    "indentation error": ("if True:\nprint('no')\n", 1, "IndentationError"),
    "syntax error in an import": ("import broken", 1, "broken.py"),
    "exception in an import": ("import raising", 1, "raising.py"),
    "missing import": ("import no_such_module_at_all", 1, "ModuleNotFoundError"),
    "chained": (CHAINED, 1, "direct cause"),
    "from none": ("try:\n    1 / 0\nexcept Exception:\n    raise KeyError(1) from None", 1, "KeyError"),
    "notes": ("e = ValueError('x')\ne.__notes__ = ['a note']\nraise e", 1, "ValueError: x"),
    "hook": (HOOK.format(""), 1, "hook <class 'ValueError'> uncaught"),
    "hook that raises": (HOOK.format("1 / 0"), 1, "Error in sys.excepthook"),
    "hook that exits": (HOOK.format("sys.exit(4)"), 4, "hook"),
    "hook deleted names": ("import sys; sys.excepthook = print; raise ValueError('x')", 1, "x <traceback"),
    "threads and atexit": (AT_EXIT.format("ValueError"), 1, "thread the value\natexit the value uncaught"),
    "exception in a thread": (
        "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='worker')\nt.start()\nt.join()",
        0,
        "Exception in thread worker",
    ),
    "exception at exit": ("import atexit\natexit.register(lambda: 1 / 0)", 0, "ZeroDivisionError"),
    "warning": ("import warnings\nwarnings.warn('careful', DeprecationWarning)", 0, "careful"),
    "future of its own": ("def f(x: int): ...\nprint(f.__annotations__)", 0, "<class 'int'>"),
    "hints": (HINTS, 0, "{'count': <class 'int'>}"),
    "stdin": ("import sys\nprint(input(), list(sys.stdin))", 0, "line 1 ['line 2"),
    "pickle": (
        "import pickle\nclass Own:\n    pass\nprint(pickle.loads(pickle.dumps(Own())), pickle.dumps(Own))",
        0,
        "__main__.Own",
    ),
}
if sys.version_info >= (3, 11):
    ENDINGS["group"] = (GROUP, 1, "ExceptionGroup: several (2 sub-exceptions)")
if os.name == "posix":
    SIGINT = -2
    INTERRUPTED = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)"
    ENDINGS["interrupt"] = (INTERRUPTED, SIGINT, "KeyboardInterrupt")
    ENDINGS["interrupt raised"] = ("def f():\n    raise KeyboardInterrupt\nf()", SIGINT, "in f")
    ENDINGS["interrupt with atexit"] = (AT_EXIT.format("KeyboardInterrupt"), SIGINT, "atexit the value")
    HOOKED = HOOK.format("").replace("ValueError", "KeyboardInterrupt")
    ENDINGS["interrupt with hook"] = (HOOKED, SIGINT, "hook")
    OWN = "class Own(KeyboardInterrupt): pass\nraise Own"
    ENDINGS["interrupt subclass"] = (OWN, SIGINT if sys.version_info >= (3, 14) else 1, "Own")
    ENDINGS["killed"] = ("import os\nos.kill(os.getpid(), 15)", -15, "")


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Let programs be interrupted, also where a shell that started the tests in the background has SIGINT ignored.

    What is ignored here is ignored by whatever is started from here.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


# Of a module, whose frames and namespace come from runpy: those that show either.
OF_A_MODULE = {"exit code", "uncaught", "syntax error", "chained", "threads and atexit", "hints", "pickle", "interrupt"}
ENDINGS_BY_START = [
    *(pytest.param(ending, ["program.py"], id=f"{ending}-script") for ending in ENDINGS),
    *(pytest.param(ending, ["-m", "program"], id=f"{ending}--m") for ending in ENDINGS if ending in OF_A_MODULE),
]


@pytest.mark.parametrize(("ending", "started_as"), ENDINGS_BY_START)
def test_a_program_ends_as_under_python(tmp_path: Path, ending: str, started_as: list[str]) -> None:
    program, code, piece = ENDINGS[ending]
    broken = "x = (\n"
    raising = "def function():\n    raise RuntimeError('while importing')\nfunction()\n"
    write(tmp_path, {"program.py": program, "broken.py": broken, "raising.py": raising})
    traces = same_traces(tmp_path, *started_as, stdin="line 1\nline 2\n")
    assert traces[0] == code
    assert piece in traces[1] + traces[2]


@pytest.mark.parametrize("arguments", [["place"], ["-m", "place.module"], ["-"]], ids=repr)
def test_other_ways_to_start_show_the_same_traceback(tmp_path: Path, arguments: list[str]) -> None:
    write(tmp_path, {"place/__init__.py": "", "place/__main__.py": CHAINED, "place/module.py": CHAINED})
    code, _, err = same_traces(tmp_path, *arguments, stdin=CHAINED)
    assert code == 1
    assert "direct cause" in err


def test_a_module_whose_package_fails_shows_the_same_traceback(tmp_path: Path) -> None:
    write(tmp_path, {"place/__init__.py": "import sys\nprint(sys.argv)\n1 / 0", "place/module.py": ""})
    assert same_traces(tmp_path, "-m", "place.module", "argument")[1] == "['-m', 'argument']\n"


@pytest.mark.parametrize("command", [(), RUN], ids=["python", "run"])
@pytest.mark.parametrize(
    ("program", "code", "message"),
    [
        ("import sys\nsys.stdin.read()\nprint('lost')", 120, "Exception ignored"),
        ("import sys\nsys.stdin.read()\nprint('lost', flush=True)", 1, "Traceback"),
    ],
    ids=["at exit", "in the program"],
)
def test_a_closed_standard_output_ends_it_as_under_python(
    tmp_path: Path, command: tuple[str, ...], program: str, code: int, message: str
) -> None:
    write(tmp_path, {"program.py": program})
    with subprocess.Popen(
        [sys.executable, *command, "program.py"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.close()
        err = process.stderr.read()
    # A print that fails leaves its text in the buffer: the flush at the end fails once more.
    assert process.returncode in {code, 120}
    assert message in err
    assert "BrokenPipeError" in err
    assert "coda_network" not in err


SOME = {"uncaught", "syntax error", "exit message", "threads and atexit", "interrupt raised"}


@pytest.mark.parametrize("ending", sorted(SOME & set(ENDINGS)))
def test_the_installed_command_is_the_same_as_the_module(tmp_path: Path, ending: str) -> None:
    # The script that an installer writes into bin/ for the entry point.
    command = "import sys\nfrom coda_network.cli import main\nsys.exit(main())\n"
    program, code, _ = ENDINGS[ending]
    write(tmp_path, {"bin/coda-network": command, "program.py": SHOW + program})
    plain = start(tmp_path, "program.py", "argument")
    assert start(tmp_path, "bin/coda-network", "run", "program.py", "argument") == plain
    assert plain[0] == code


class TestThePatch:
    PROGRAM = "import coda_network\nprint(coda_network.is_patched())"

    STARTS = [["program.py"], ["-m", "program"], ["-c", PROGRAM], ["-"], ["."]]

    @pytest.mark.parametrize("arguments", STARTS, ids=repr)
    def test_it_is_on_from_the_first_line(self, tmp_path: Path, arguments: list[str]) -> None:
        write(tmp_path, {"program.py": self.PROGRAM, "__main__.py": self.PROGRAM})
        assert start(tmp_path, *RUN, *arguments, stdin=self.PROGRAM) == (0, "True\n", "")
        assert start(tmp_path, *arguments, stdin=self.PROGRAM) == (0, "False\n", "")

    @pytest.mark.parametrize("folder", [".", "place"])
    def test_what_it_imports_is_not_the_programs(self, tmp_path: Path, folder: str) -> None:
        """A file in the current directory or beside the script is named like one of the standard library."""
        wrong = {f"{folder}/socket.py": "raise SystemExit('the wrong file')"}
        write(tmp_path, {"place/program.py": self.PROGRAM, **wrong})
        assert start(tmp_path, *RUN, "place/program.py") == (0, "True\n", "")


def test_a_program_behind_two_dashes_is_a_program(tmp_path: Path) -> None:
    write(tmp_path, {"-odd.py": "import sys\nprint(sys.argv)"})
    assert start(tmp_path, *RUN, "--", "-odd.py", "x") == (0, "['-odd.py', 'x']\n", "")
