"""The switch, with toy classes: what it replaces, what it puts back, and what it leaves to others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

import pytest
from support.toys import Toys, call_theirs, own_call_rule

from coda_network import _patch
from coda_network._patch.switch import SubclassRule, Switch, Target


class TestTargets:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("call", call_theirs),
            ("attribute", "replaced"),
            ("attribute", None),
            ("static", staticmethod(lambda: "other")),
            ("of_class", classmethod(lambda cls: "other")),
            ("value", property(lambda self: "other")),
            ("inherited", call_theirs),
            ("new", call_theirs),
            ("__init__", lambda self: None),
            ("__repr__", call_theirs),
        ],
    )
    def test_an_attribute_of_a_class_is_replaced_and_put_back_exactly(
        self, toys: Toys, name: str, value: object
    ) -> None:
        before = toys.everything()
        switch = Switch([Target(toys.base, name, value)])
        switch.install()
        assert vars(toys.base)[name] is value
        switch.remove()
        assert toys.everything() == before

    @pytest.mark.parametrize("name", ["function", "new"])
    def test_an_attribute_of_a_module_is_replaced_and_put_back_exactly(self, toys: Toys, name: str) -> None:
        before = toys.everything()
        switch = Switch([Target(toys.module, name, max)])
        switch.install()
        assert getattr(toys.module, name) is max
        switch.remove()
        assert toys.everything() == before

    def test_subclasses_and_instances_made_before_have_the_new_behaviour(self, toys: Toys) -> None:
        instance = toys.earlier()
        switch = Switch([Target(toys.base, "call", call_theirs)])
        assert instance.call() == "original"
        switch.install()
        assert instance.call() == "patched Earlier"
        switch.remove()
        assert instance.call() == "original"

    @pytest.mark.parametrize("owner", ["toy_module:Base", "toy_module.Base"])
    def test_an_owner_may_be_a_dotted_name(self, toys: Toys, toy_module: str, owner: str) -> None:
        switch = Switch([Target(owner, "call", call_theirs), Target(toy_module, "function", max)])
        switch.install()
        assert (toys.base().call(), toys.module.function) == ("patched Base", max)
        switch.remove()
        assert (toys.base().call(), toys.module.function) == ("original", len)

    def test_an_owner_may_be_a_function_called_at_the_first_install_only(self, toys: Toys) -> None:
        find = mock.Mock(return_value=toys.base)
        switch = Switch([Target(find, "call", call_theirs)])
        assert find.call_count == 0
        for _ in range(2):
            switch.install()
            assert toys.base().call() == "patched Base"
            switch.remove()
        assert find.call_count == 1

    def test_two_targets_for_one_attribute_lie_on_top_of_each_other(self, toys: Toys) -> None:
        before = toys.everything()
        switch = Switch([Target(toys.base, "attribute", 1), Target(toys.base, "attribute", 2)])
        switch.install()
        assert toys.base.attribute == 2
        switch.remove()
        assert toys.everything() == before

    def test_a_value_that_is_there_already_stays(self, toys: Toys) -> None:
        original = vars(toys.base)["call"]
        switch = Switch([Target(toys.base, "call", original)])
        switch.install()
        switch.remove()
        assert vars(toys.base)["call"] is original


class TestCounting:
    def test_as_many_removals_are_needed_as_there_were_installations(self, toys: Toys) -> None:
        switch = Switch([Target(toys.base, "call", call_theirs)])
        states = []
        for step in ("install", "install", "remove", "remove", "remove", "install"):
            getattr(switch, step)()
            states.append((switch.installed, toys.base().call() == "patched Base"))
        assert states == [(on, on) for on in (True, True, True, False, False, True)]

    def test_threads_share_one_count(self, toys: Toys) -> None:
        before = toys.everything()
        switch = Switch([Target(toys.base, "call", call_theirs)], [SubclassRule(toys.base, own_call_rule)])
        start = threading.Barrier(4)
        wrong: list[str] = []

        def work() -> None:
            start.wait()
            for _ in range(200):
                switch.install()
                if toys.overriding().call() != "patched Overriding":
                    wrong.append("not replaced while this thread needs it")
                switch.remove()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert not switch.installed
        assert toys.everything() == before


class TestFailure:
    def broken_owner(self) -> object:
        raise ImportError("no such module")

    def broken_rule(self, cls: type[Any]) -> Mapping[str, object]:
        raise RuntimeError("a bug in a rule")

    @pytest.mark.parametrize(
        ("more", "error"),
        [
            (lambda self: ([Target(self.broken_owner, "name", 1)], []), ImportError),
            (lambda self: ([Target("no_such_module_at_all", "name", 1)], []), ImportError),
            (lambda self: ([Target(int, "bit_length", 1)], []), TypeError),
            (lambda self: ([], [SubclassRule("toy_module:Base", self.broken_rule)]), RuntimeError),
        ],
        ids=["owner raises", "module missing", "attribute of C", "rule raises"],
    )
    def test_an_error_on_the_way_in_leaves_everything_as_it_was(
        self, toys: Toys, toy_module: str, more: Callable[[TestFailure], Any], error: type[Exception]
    ) -> None:
        before = toys.everything()
        targets, rules = more(self)
        switch = Switch([Target(toys.base, "call", call_theirs), *targets], rules)
        with pytest.raises(error):
            switch.install()
        assert not switch.installed
        assert toys.everything() == before


class TestOtherPatchers:
    def test_a_replacement_on_top_of_ours_is_left_in_place(self, toys: Toys) -> None:
        switch = Switch([Target(toys.base, "call", call_theirs), Target(toys.base, "attribute", "ours")])
        switch.install()
        toys.base.call = lambda self: "somebody else's"
        switch.remove()
        assert toys.base().call() == "somebody else's"
        assert toys.base.attribute == "plain"

    def test_a_deletion_of_ours_is_left_as_it_is(self, toys: Toys) -> None:
        switch = Switch([Target(toys.base, "call", call_theirs)])
        switch.install()
        del toys.base.call
        switch.remove()
        assert "call" not in vars(toys.base)

    def test_a_mock_inside_the_patch_leaves_no_trace(self, toys: Toys) -> None:
        before = toys.everything()
        switch = Switch([Target(toys.base, "call", call_theirs)])
        switch.install()
        with mock.patch.object(toys.base, "call", return_value="mocked"):
            assert toys.base().call() == "mocked"
        assert toys.base().call() == "patched Base"
        switch.remove()
        assert toys.everything() == before

    def test_a_mock_around_the_patch_is_what_is_put_back(self, toys: Toys) -> None:
        before = toys.everything()
        switch = Switch([Target(toys.base, "call", call_theirs)])
        with mock.patch.object(toys.base, "call", return_value="mocked"):
            switch.install()
            assert toys.base().call() == "patched Base"
            switch.remove()
            assert toys.base().call() == "mocked"
        assert toys.everything() == before

    def test_a_mock_taken_off_too_late_is_mended_by_the_next_removal(self, toys: Toys) -> None:
        before = toys.everything()
        switch = Switch([Target(toys.base, "call", call_theirs)])
        switch.install()
        with mock.patch.object(toys.base, "call", return_value="mocked"):
            switch.remove()
        assert toys.base().call() == "patched Base"
        switch.install()
        switch.remove()
        assert toys.everything() == before


class TestTheFunctions:
    """patch(), unpatch(), patched() and is_patched() over a switch of toys."""

    @pytest.fixture(autouse=True)
    def _toy_switch(self, toys: Toys, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_patch, "_switch", Switch([Target(toys.base, "call", call_theirs)]))

    def state(self, toys: Toys) -> bool:
        replaced = toys.base().call() == "patched Base"
        assert _patch.is_patched() is replaced
        return replaced

    def test_patch_and_unpatch_are_counted(self, toys: Toys) -> None:
        states = [self.state(toys)]
        for step in (_patch.patch, _patch.patch, _patch.unpatch, _patch.unpatch, _patch.unpatch):
            step()
            states.append(self.state(toys))
        assert states == [False, True, True, True, False, False]

    def test_patched_is_a_context_manager_that_nests_and_survives_exceptions(self, toys: Toys) -> None:
        def work() -> None:
            with _patch.patched():
                with _patch.patched():
                    assert self.state(toys)
                assert self.state(toys)
                raise KeyError

        with pytest.raises(KeyError):
            work()
        assert not self.state(toys)

    def test_patched_is_a_decorator_for_any_number_of_calls(self, toys: Toys) -> None:
        @_patch.patched()
        def call(argument: str) -> tuple[str, bool]:
            return argument, self.state(toys)

        for _ in range(2):
            assert not self.state(toys)
            assert call("argument") == ("argument", True)
        assert not self.state(toys)

    def test_nothing_is_loaded_to_say_that_nothing_is_patched(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_patch, "_switch", None)
        assert not _patch.is_patched()
        _patch.unpatch()
        assert _patch._switch is None
