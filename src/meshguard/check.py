"""Checks: small typed functions that judge facts.

    @check("web.hsts", method="test", over=Web.pages, fix="Send Strict-Transport-Security on every answer.")
    async def hsts(page: Page, site: Web, *, min_age: Duration = days(365)) -> Verdict:
        '''Browsers are told to use HTTPS for at least `min_age` (RFC 6797, 6.1).

Args:
            min_age: shortest accepted max-age.
        '''

Positional parameters are the resource (where `over` names the fact that lists them) and the targets, one for each
kind that the check needs; keyword parameters are what a profile may set. A check has no client, clock, file, or try.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Coroutine
from functools import cached_property
from typing import Any, Generic, Literal, ParamSpec, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from meshguard.fact import Fact
from meshguard.reach import members_of, reached
from meshguard.target import Target
from meshguard.values import shown
from meshguard.verdict import Verdict

P = ParamSpec("P")
Method = Literal["test", "examine"]
"""NIST SP 800-53A: test (behaviour was exercised) or examine (configuration or a record was read)."""

CHECK_ID = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)+")


class CheckDefinitionError(TypeError):
    """A check is written wrongly; the message says which and how."""


class Check(Generic[P]):
    """A judgement over facts, with all that explains it."""

    def __init__(
        self,
        check_id: str,
        judge: Callable[P, Coroutine[Any, Any, Verdict]],
        *,
        method: Method,
        over: Fact[Any, Any, Any] | None,
        fix: str,
    ) -> None:
        if not CHECK_ID.fullmatch(check_id):
            raise CheckDefinitionError(f"{check_id!r} is no check id; write topic.state in lower case")
        if not inspect.iscoroutinefunction(judge):
            raise CheckDefinitionError(f"{check_id} is no async function; write `async def`")
        self.id = check_id
        self.judge = judge
        self.method: Method = method
        self.over = over
        self.fix = fix
        self.__doc__ = judge.__doc__
        self.__name__ = judge.__name__
        self.__module__ = judge.__module__
        if not self.requirement:
            raise CheckDefinitionError(f"{check_id} has no docstring; its first sentence is the requirement")

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, Verdict]:
        """Judge; what a test calls with literal facts."""
        return self.judge(*args, **kwargs)

    @property
    def namespace(self) -> str:
        """The topic: what stands before the first dot."""
        return self.id.split(".", 1)[0]

    @cached_property
    def _paragraphs(self) -> list[str]:
        text = inspect.cleandoc(self.__doc__ or "")
        return [" ".join(part.split()) for part in re.split(r"\n\s*\n|\n(?=Args:)", text) if part.strip()]

    @cached_property
    def requirement(self) -> str:
        """The first sentence of the docstring: what is demanded, answerable by true or false."""
        return self._paragraphs[0] if self._paragraphs else ""

    @cached_property
    def notes(self) -> list[str]:
        """The docstring's other paragraphs: reasons, sources, traps."""
        return [part for part in self._paragraphs[1:] if not part.startswith("Args:")]

    @cached_property
    def _argument_docs(self) -> dict[str, str]:
        text = inspect.cleandoc(self.__doc__ or "")
        _, _, args = text.partition("\nArgs:\n")
        found = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", args, re.MULTILINE)
        return {name: " ".join(doc.split()) for name, doc in found}

    @cached_property
    def _hints(self) -> dict[str, Any]:
        try:
            return get_type_hints(self.judge, include_extras=True)
        except (NameError, TypeError) as fault:
            raise CheckDefinitionError(f"{self.id}: its types cannot be read: {fault}") from None

    @cached_property
    def _positional(self) -> list[str]:
        parameters = inspect.signature(self.judge).parameters.values()
        return [p.name for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]

    @cached_property
    def targets(self) -> dict[str, type[Target[Any]]]:
        """Parameter name -> kind of target that it takes."""
        names = self._positional[1:] if self.over is not None else self._positional
        found = {name: self._hints.get(name) for name in names}
        for name, kind in found.items():
            if not (isinstance(kind, type) and issubclass(kind, Target)):
                raise CheckDefinitionError(f"{self.id}: parameter {name!r} is {kind!r}, not a kind of target")
        if not found:
            raise CheckDefinitionError(f"{self.id} takes no target")
        if self.over is not None and not any(self.over in kind.facts().values() for kind in found.values()):  # type: ignore[union-attr]
            raise CheckDefinitionError(f"{self.id} is run over {self.over.name!r}, which no target of its lists")
        return found  # type: ignore[return-value]

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of target that it needs."""
        return tuple(kind.kind for kind in self.targets.values())

    @cached_property
    def parameters(self) -> type[BaseModel]:
        """What a profile may set, as a model made from the keyword parameters."""
        fields: dict[str, Any] = {}
        for parameter in inspect.signature(self.judge).parameters.values():
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                default = ... if parameter.default is inspect.Parameter.empty else parameter.default
                doc = self._argument_docs.get(parameter.name, "")
                extra = None if default is ... else {"default": _json_default(default)}
                field = Field(default, description=doc, json_schema_extra=extra)
                fields[parameter.name] = (self._hints[parameter.name], field)
        config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
        return create_model(self.id, __config__=config, **fields)

    @cached_property
    def asks(self) -> tuple[Fact[Any, Any, Any], ...]:
        """The facts that it may read, found in its code and in the functions it calls."""
        members = members_of(self.targets.values())
        found: dict[str, Fact[Any, Any, Any]] = {self.over.name: self.over} if self.over is not None else {}
        for start in (self.judge, self.over):
            named = (one for one in reached(start, members) if isinstance(one, Fact))
            found.update((fact.name, fact) for fact in named if members.get(fact.name) is fact)
        return tuple(found.values())

    @cached_property
    def calls(self) -> tuple[str, ...]:
        """The calls of services that its facts make, by the services' own names, where a kind names them."""
        found = (call for kind in self.targets.values() for fact in self.asks for call in kind.calls(fact))
        return tuple(sorted(set(found)))

    @property
    def effect(self) -> str:
        """The strongest effect of the facts that it may read."""
        order = ("computed", "local", "read", "write", "lockout")
        return max((fact.effect for fact in self.asks), key=order.index, default="local")


def _json_default(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _json_default(item) for name, item in value.items()}
    return list(value) if isinstance(value, tuple | list | frozenset | set) else shown(value)


def check(
    check_id: str,
    *,
    method: Method,
    fix: str,
    over: Fact[Any, Any, Any] | None = None,
) -> Callable[[Callable[P, Coroutine[Any, Any, Verdict]]], Check[P]]:
    """Make an async function a check.

    Args:
        check_id: `topic.state`, readable after "requires".
        method: test (behaviour is exercised) or examine (configuration is read).
        fix: what to do where it fails; a verdict may say something nearer.
        over: the fact that lists the resources; the check is called once for each. Without it the target is judged.
    """
    return lambda judge: Check(check_id, judge, method=method, over=over, fix=fix)
