"""What stands in the place of a class or function of the standard library stays there, with the patch beneath it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import coda_network

PROGRAM = Path(__file__).with_name("stand_in_program.py")
ROOT = str(Path(coda_network.__file__).resolve().parent.parent)

# What passes by each, and how many connections two requests take: a class of no connections is used once.
SEEN = {
    "extending": (["connect"], 1),
    "recording": (["request"], 2),
    "factory": (["factory"], 2),
    "handler": (["http_open"], 1),
    "urlopen": (["urlopen"], 1),
    "request": (["request"], 1),
}


def run(shape: str, order: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), shape, order],
        env={**os.environ, "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.parametrize("order", ["before", "behind"])
@pytest.mark.parametrize("shape", SEEN)
def test_a_stand_in_is_used_and_the_patch_is_beneath_it(shape: str, order: str) -> None:
    report = run(shape, order)
    warned = report.pop("warned")
    seen, connections = SEEN[shape]
    assert report == {
        "seen": seen,
        "ours": True,
        "stays": True,
        "with it": connections,
        "without it": 1,
        "unpatched": 2,
        "as before": True,
    }
    # The class for https that is there leads to none of the standard library's.
    named = "http.client.HTTPSConnection was replaced by __main__.Refusing, which stays"
    assert [text.partition(":")[0] for text in warned] == [named] * (shape == "extending" and order == "before")


def test_a_mock_in_the_place_of_a_class_is_named_and_ours_is_there_when_it_goes() -> None:
    report = run("mock", "before")
    assert report["warned"] == [
        "http.client.HTTPConnection was replaced by MagicMock, which stays: coda_network is not reached through it"
    ]
    assert (report["without it"], report["unpatched"], report["as before"]) == (1, 2, True)
