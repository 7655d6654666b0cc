"""What a function's code reaches, found without running it."""

from __future__ import annotations

import dis
from types import CodeType, FunctionType
from typing import Any

import pytest

from meshguard import reach
from meshguard.fact import Listing, fact
from meshguard.plugins import Plugins
from meshguard.reach import members_of, reached, steps
from meshguard.target import Target, TargetSettings


class Numbers(Target[TargetSettings]):
    """A target for these tests."""

    kind = "numbers"

    @fact
    async def keys(self) -> Listing[str]:
        """A list whose name dictionaries have too."""
        return Listing(items=(str(await self.one(1)),))

    @fact
    async def one(self, number: int) -> int:
        """One number."""
        return self._twice(number)

    def _twice(self, number: int) -> int:
        return len(CONSTANT) * number


CONSTANT = ("x",)


def helper(target: Numbers) -> Any:
    return target.keys()


def facts(function: Any, *, into_facts: bool = True) -> set[str]:
    found = reached(function, members_of([Numbers]), into_facts=into_facts)
    return {one.name for one in found if one in (Numbers.keys, Numbers.one)}


def test_a_fact_is_reached_by_its_name_on_a_parameter_and_what_it_reads_is_too() -> None:
    async def judge(target: Numbers) -> None:
        await target.keys()

    assert facts(judge) == {"keys", "one"}
    assert facts(judge, into_facts=False) == {"keys"}


def test_an_attribute_of_something_else_is_not_a_fact_of_the_same_name() -> None:
    async def judge(target: Numbers) -> object:
        table = {"a": 1}
        return table.keys(), target.settings.name

    assert facts(judge) == set()


def test_nested_code_sees_the_parameters_around_it() -> None:
    async def judge(target: Numbers) -> object:
        return [await target.one(number) for number in range(3)], (lambda: target.one(4))

    assert facts(judge) == {"one"}


def test_functions_of_the_same_module_are_followed_and_classes_are_seen_through() -> None:
    async def judge(target: Numbers) -> object:
        return helper(target)

    assert facts(judge) == {"keys", "one"}

    async def by_class(target: Numbers) -> object:
        return Numbers.one, target

    assert facts(by_class) == {"one"}


def test_what_a_helper_names_is_reached() -> None:
    assert CONSTANT in list(reached(Numbers.one, members_of([Numbers])))


@pytest.mark.parametrize("function", [reach.reached, reach.steps, Plugins.all_checks, facts, dis.get_instructions])
def test_the_steps_are_those_of_the_standard_library(function: FunctionType) -> None:
    for code in _with_nested(function.__code__):
        assert [step for step in steps(code) if step[0]] == [*_by_dis(code)]


def _with_nested(code: CodeType) -> list[CodeType]:
    nested = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return [code, *(inner for one in nested for inner in _with_nested(one))]


def _by_dis(code: CodeType) -> Any:
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield "global", step.argval
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"):
            yield "attribute", step.argval
        elif step.opname.startswith(("LOAD_FAST", "LOAD_DEREF", "LOAD_CLASSDEREF")):
            yield "local", step.argval[-1] if isinstance(step.argval, tuple) else step.argval
