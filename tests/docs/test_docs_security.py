"""Each promise of docs/security.md names the tests that keep it, and these exist."""

from __future__ import annotations

import ast
import functools

import pytest
from support.pages import PROJECT, code_in, table

PROMISES = table("security.md", "promise")


@functools.cache
def functions_of(file: str) -> set[str]:
    module = ast.parse((PROJECT / file).read_text(encoding="utf-8"))
    return {each.name for each in module.body if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")}


@pytest.mark.parametrize(("promise", "kept_by"), PROMISES, ids=[promise[:40] for promise, _ in PROMISES])
def test_a_promise_names_tests_that_exist(promise: str, kept_by: str) -> None:
    named = code_in(kept_by)
    assert named
    for name in named:
        file, _, function = name.partition("::")
        assert function in functions_of(file), name


def test_what_is_promised_is_a_good_part_of_the_threats() -> None:
    assert len(PROMISES) >= 12
