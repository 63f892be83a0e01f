"""Rules for the subclasses that programs have made, or make later: what they override is replaced, and put back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from support.toys import Toys, own_call_rule

from coda_network._patch.switch import SubclassRule, Switch


class TestSubclassRules:
    def switch(self, base: Any, rule: Callable[[type[Any]], Mapping[str, object]] = own_call_rule) -> Switch:
        return Switch([], [SubclassRule(base, rule)])

    def test_what_an_earlier_subclass_overrides_is_replaced_in_it_and_put_back(self, toys: Toys) -> None:
        before = toys.everything()
        switch = self.switch(toys.base)
        switch.install()
        assert toys.overriding().call() == "patched Overriding"
        assert toys.earlier().call() == "original"
        switch.remove()
        assert toys.everything() == before

    def test_a_subclass_of_a_subclass_is_found(self, toys: Toys) -> None:
        class Deep(toys.earlier):
            def call(self) -> str:
                return "deep"

        switch = self.switch(toys.base)
        switch.install()
        assert Deep().call() == "patched Deep"
        switch.remove()
        assert Deep().call() == "deep"

    def test_the_base_itself_is_not_looked_at(self, toys: Toys) -> None:
        switch = self.switch(toys.base)
        switch.install()
        assert toys.base().call() == "original"
        switch.remove()

    def test_a_later_subclass_is_complete_when_the_rule_sees_it_and_is_put_back(self, toys: Toys) -> None:
        switch = self.switch(toys.base)
        switch.install()

        class Later(toys.base):
            def call(self) -> str:
                return "later"

        assert Later().call() == "patched Later"
        switch.remove()
        assert Later().call() == "later"

    def test_a_subclass_made_after_the_removal_is_left_alone(self, toys: Toys) -> None:
        switch = self.switch(toys.base)
        switch.install()
        hook = vars(toys.base)["__init_subclass__"]
        switch.remove()
        # Another patcher had saved our hook and puts it back.
        toys.base.__init_subclass__ = hook

        class Later(toys.base):
            def call(self) -> str:
                return "later"

        assert Later().call() == "later"

    def test_an_init_subclass_of_the_base_still_gets_its_arguments(self) -> None:
        class Base:
            made: list[tuple[str, str]] = []

            def __init_subclass__(cls, label: str = "", **arguments: Any) -> None:
                super().__init_subclass__(**arguments)
                Base.made.append((cls.__name__, label))

        before = dict(vars(Base))
        switch = self.switch(Base)
        switch.install()

        class Later(Base, label="x"):
            def call(self) -> str:
                return "later"

        assert Base.made == [("Later", "x")]
        assert Later().call() == "patched Later"
        switch.remove()
        assert dict(vars(Base)) == before

    def test_class_arguments_that_nobody_takes_are_refused_as_without_the_patch(self, toys: Toys) -> None:
        def refusal() -> str:
            with pytest.raises(TypeError) as caught:
                type("Later", (toys.base,), {}, label="x")
            return str(caught.value)

        without = refusal()
        switch = self.switch(toys.base)
        switch.install()
        assert refusal() == without
        switch.remove()

    def test_rules_on_a_class_and_on_its_subclass_both_see_a_later_class(self, toys: Toys) -> None:
        rules = [
            SubclassRule(toys.base, lambda cls: {"one": cls.__name__}),
            SubclassRule(toys.earlier, lambda cls: {"two": cls.__name__}),
            SubclassRule(toys.base, lambda cls: {"three": cls.__name__}),
        ]
        before = toys.everything()
        switch = Switch([], rules)
        switch.install()
        later = type("Later", (toys.earlier,), {})
        assert [vars(later).get(name) for name in ("one", "two", "three")] == ["Later"] * 3
        switch.remove()
        assert not {"one", "two", "three"} & set(vars(later))
        assert toys.everything() == before

    def test_of_two_rules_for_one_attribute_the_first_counts(self, toys: Toys) -> None:
        before = toys.everything()
        rules = [SubclassRule(toys.base, own_call_rule), SubclassRule(toys.base, lambda cls: {"call": None})]
        switch = Switch([], rules)
        switch.install()
        assert toys.overriding().call() == "patched Overriding"
        switch.remove()
        assert toys.everything() == before

    def test_a_class_that_is_reached_on_two_ways_is_changed_once(self, toys: Toys) -> None:
        both = type("Both", (toys.earlier, toys.overriding), {"call": lambda self: "both"})
        original = vars(both)["call"]

        def wrapping(cls: type[Any]) -> Mapping[str, object]:
            inner = vars(cls).get("call")
            return {} if inner is None else {"call": lambda self: f"<{inner(self)}>"}

        switch = self.switch(toys.base, wrapping)
        switch.install()
        assert both().call() == "<both>"
        later = type("Later", (toys.earlier, toys.overriding), {"call": lambda self: "later"})
        assert later().call() == "<later>"
        switch.remove()
        assert vars(both)["call"] is original

    def test_a_hook_wrapped_by_another_patcher_does_not_call_itself(self, toys: Toys) -> None:
        switch = self.switch(toys.base)
        switch.install()
        ours = toys.base.__dict__["__init_subclass__"]

        def theirs(cls: Any, **arguments: Any) -> None:
            ours.__get__(None, cls)(**arguments)

        toys.base.__init_subclass__ = classmethod(theirs)
        switch.remove()
        switch.install()
        later = type("Later", (toys.base,), {"call": lambda self: "later"})
        assert later().call() == "patched Later"
        switch.remove()
        assert later().call() == "later"
        assert toys.base.__dict__["__init_subclass__"].__func__ is theirs

    def test_a_metaclass_with_a_subclasses_method_of_its_own_does_not_hide_them(self) -> None:
        class Meta(type):
            def __subclasses__(cls) -> list[type[Any]]:
                return []

        class Base(metaclass=Meta):
            pass

        class Earlier(Base):
            def call(self) -> str:
                return "earlier"

        switch = self.switch(Base)
        switch.install()
        assert Earlier().call() == "patched Earlier"
        switch.remove()
        assert Earlier().call() == "earlier"
