"""Processes that a program under `coda-network run` starts by multiprocessing: as under `python`, and patched."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from support.traces import PACKAGE_ROOT, RUN, same_traces, start, write


def test_classes_of_main_reach_processes_that_multiprocessing_starts(tmp_path: Path) -> None:
    program = """\
import multiprocessing

class Number:
    def __init__(self, value):
        self.value = value

def double(number):
    return number.value * 2, __name__

if __name__ == '__main__':
    # None is the default: "fork" up to Python 3.13, "forkserver" from 3.14 on.
    for method in (None, *multiprocessing.get_all_start_methods()):
        context = multiprocessing.get_context(method)
        with context.Pool(1) as pool:
            print(context.get_start_method(), pool.map(double, [Number(21)]))
"""
    write(tmp_path, {"program.py": program})
    methods = multiprocessing.get_all_start_methods()
    names = {method: "__main__" if method == "fork" else "__mp_main__" for method in methods}
    shown = "".join(f"{method} [(42, '{names[method]}')]\n" for method in (methods[0], *methods))
    assert same_traces(tmp_path, "program.py") == (0, shown, "")
    assert same_traces(tmp_path, "-m", "program") == (0, shown, "")


WORKERS = """\
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

def is_patched(deeper):
    import coda_network
    if deeper:
        context = multiprocessing.get_context(multiprocessing.current_process().method)
        with ProcessPoolExecutor(1, mp_context=context) as executor:
            return coda_network.is_patched(), executor.submit(is_patched, False).result()
    return coda_network.is_patched()

def say_method(method):
    multiprocessing.current_process().method = method

if __name__ == '__main__':
    for method in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context(method)
        with ProcessPoolExecutor(1, mp_context=context, initializer=say_method, initargs=(method,)) as executor:
            print(method, executor.submit(is_patched, True).result())
"""


def test_workers_are_patched_however_they_are_started_and_so_are_theirs(tmp_path: Path) -> None:
    write(tmp_path, {"program.py": WORKERS})
    code, out, err = start(tmp_path, "-W", "error", *RUN, "program.py")
    assert (code, err) == (0, "")
    assert sorted(out.splitlines()) == [f"{m} (True, True)" for m in sorted(multiprocessing.get_all_start_methods())]
    assert "True" not in start(tmp_path, "program.py")[1]


def test_workers_run_unpatched_where_they_would_not_find_the_package(tmp_path: Path) -> None:
    """Started from the folder that has the package, which then makes way for the program's own."""
    program = """\
import multiprocessing, sys

def double(number):
    return number * 2

if __name__ == '__main__':
    sys.path = [entry for entry in sys.path if entry != PACKAGE_ROOT]
    sys.path = [entry for entry in sys.path if 'site-packages' not in entry]
    sys.meta_path = [finder for finder in sys.meta_path if '__editable__' not in str(finder)]
    with multiprocessing.get_context('spawn').Pool(1) as pool:
        print(pool.map(double, [21]))
"""
    write(tmp_path, {"program.py": program.replace("PACKAGE_ROOT", repr(PACKAGE_ROOT))})
    assert start(tmp_path, *RUN, "program.py") == (0, "[42]\n", "")
