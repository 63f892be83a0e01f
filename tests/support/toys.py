"""Toy classes for the tests of the switch, as another project would have made them."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any


def call_theirs(self: Any) -> str:
    return f"patched {type(self).__name__}"


class Toys:
    """Classes made anew for each test, as another project would have made them."""

    def __init__(self) -> None:
        class Grandparent:
            def inherited(self) -> str:
                return "inherited"

        class Base(Grandparent):
            attribute = "plain"

            def call(self) -> str:
                return "original"

            @staticmethod
            def static() -> str:
                return "static"

            @classmethod
            def of_class(cls) -> str:
                return cls.__name__

            @property
            def value(self) -> str:
                return "property"

        class Earlier(Base):
            """A subclass made before the patch, like urllib3's."""

        class Overriding(Base):
            def call(self) -> str:
                return "overridden"

        self.base: Any = Base
        self.earlier: Any = Earlier
        self.overriding: Any = Overriding
        self.module: Any = ModuleType("toy_module")
        self.module.function = len
        self.module.Base = Base

    def everything(self) -> list[dict[str, object]]:
        return [dict(vars(owner)) for owner in (self.base, self.earlier, self.overriding, self.module)]


def own_call_rule(cls: type[Any]) -> Mapping[str, object]:
    return {"call": call_theirs} if "call" in vars(cls) else {}
