"""Facts: the questions that a target answers.

    class Web(Target):
        @fact
        async def get(self, path: str) -> Response:
            '''What the site answers to one GET of `path`.'''

`await site.get("/")` asks once in an audit, however many checks ask it at once. A fact's return type is a
pydantic type (its codec), its arguments are JSON values or models, and its key is written from both:
`web:public/get("/")`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from types import SimpleNamespace
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    TypeVar,
    get_type_hints,
    overload,
)

from pydantic import BaseModel, ConfigDict, TypeAdapter

from meshguard.values import canonical_json, shown

if TYPE_CHECKING:
    from meshguard.limits import Limits
    from meshguard.target import Target

Effect = Literal["computed", "local", "read", "write", "lockout"]
"""What asking may do.

computed: from this audit's own results, and never from a recording. local: what the deployment file says, no call.
read: changes nothing. write: changes state, logs in, or sends a body. lockout: a burst after which the caller may be
locked out; runs last.
"""

S = TypeVar("S", bound="Target[Any]")
P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")

MAX_KEY = 400


class LeftOut(BaseModel):
    """Resources that a list left out on purpose."""

    model_config = ConfigDict(frozen=True)

    filter: str
    """What left them out, as the deployment says it."""
    count: int


class Unread(BaseModel):
    """A part of a list that could not be read: a region, an account."""

    model_config = ConfigDict(frozen=True)

    resource: str
    kind: str = "failed"
    """The failure's kind, as `errors.FAILURES` has them."""
    reason: str
    fix: str = ""


class Listing(BaseModel, Generic[Item]):
    """A list of resources and how complete it is: the population that a check is run over."""

    model_config = ConfigDict(frozen=True)

    items: tuple[Item, ...]
    left_out: tuple[LeftOut, ...] = ()
    complete: bool = True
    """False where not all pages could be read; `note` says why."""
    note: str = ""
    fix: str = ""
    """What to do when the list is empty."""
    unread: tuple[Unread, ...] = ()
    """Parts that could not be read; each becomes a verdict of its own, and never a pass."""


@dataclass(frozen=True)
class Call(Generic[T]):
    """One asking of one fact of one target with its arguments."""

    fact: Fact[Any, Any, T]
    target: Target[Any]
    key: str
    collect: Callable[[], Awaitable[T]]

    @property
    def effect(self) -> Effect:
        """What asking may do to the target."""
        return self.fact.effect

    @property
    def limits(self) -> Limits:
        """The target's limits."""
        return self.target.limits

    @property
    def deadline_s(self) -> float:
        """Seconds that the fact may take."""
        return self.fact.deadline_s or self.target.limits.deadline_s

    @property
    def max_bytes(self) -> int:
        """Longest recorded answer; what is larger is reduced inside the fact."""
        return self.target.MAX_VALUE_BYTES

    def encode(self, value: T) -> str:
        """The value as JSON text."""
        return self.fact.codec.dump_json(value).decode()

    def decode(self, value: Any) -> T:
        """The value from recorded JSON; raises ValueError where it does not fit."""
        return self.fact.codec.validate_python(value, strict=False)


class Fact(Generic[S, P, T]):
    """A question to a target, as a descriptor on its class."""

    def __init__(
        self,
        ask: Callable[Concatenate[S, P], Awaitable[T]],
        *,
        effect: Effect = "read",
        version: int = 1,
        deadline_s: float | None = None,
    ) -> None:
        self.ask = ask
        self.name = ask.__name__
        self.effect: Effect = effect
        self.version = version
        self.deadline_s = deadline_s
        self.__doc__ = ask.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner = owner
        self.name = name

    @overload
    def __get__(self, target: None, owner: type) -> Fact[S, P, T]: ...
    @overload
    def __get__(self, target: S, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, target: S | None, owner: type) -> Fact[S, P, T] | Callable[P, Coroutine[Any, Any, T]]:
        return self if target is None else partial(self._read, target)

    async def _read(self, target: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await target.evidence.read(self.call(target, *args, **kwargs))

    def call(self, target: S, /, *args: P.args, **kwargs: P.kwargs) -> Call[T]:
        """One asking; the key is the same for equal arguments however they are given."""
        if kwargs or len(args) != len(self.parameters):
            bound = self._signature.bind(target, *args, **kwargs)
            bound.apply_defaults()
            arguments = list(bound.arguments.values())[1:]
        else:
            arguments = list(args)  # complete and in order, as nearly always; binding would cost ten times as much
        return Call(self, target, self.key(target, arguments), partial(self.ask, target, *args, **kwargs))

    def key(self, target: Target[Any], arguments: list[Any]) -> str:
        """`kind:name/fact(arguments)`; the arguments as canonical JSON, or their digest where that is long."""
        text = ",".join(canonical_json(_plain(argument)) for argument in arguments)
        if len(text) > MAX_KEY:
            text = "sha256:" + sha256(text.encode()).hexdigest()
        version = f"@{self.version}" if self.version != 1 else ""
        return f"{target.kind}:{target.name}/{self.name}{version}({text})"

    @cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self.ask)

    @cached_property
    def codec(self) -> TypeAdapter[T]:
        """Reads and writes the fact's values as JSON."""
        said = SimpleNamespace(__annotations__={"return": self.ask.__annotations__["return"]})
        return TypeAdapter(get_type_hints(said, self.ask.__globals__, include_extras=True)["return"])

    @cached_property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """The fact's own parameters by name, without the target."""
        return dict(list(self._signature.parameters.items())[1:])


def _plain(argument: Any) -> Any:
    if isinstance(argument, BaseModel):
        return argument.model_dump(mode="json")
    if isinstance(argument, tuple | list):
        return [_plain(item) for item in argument]
    if isinstance(argument, dict):
        return {str(key): _plain(value) for key, value in argument.items()}
    return argument if argument is None or isinstance(argument, bool | int | float | str) else shown(argument)


@overload
def fact(ask: Callable[Concatenate[S, P], Awaitable[T]], /) -> Fact[S, P, T]: ...
@overload
def fact(
    *, effect: Effect = "read", version: int = 1, deadline_s: float | None = None
) -> Callable[[Callable[Concatenate[S, P], Awaitable[T]]], Fact[S, P, T]]: ...
def fact(
    ask: Callable[Concatenate[S, P], Awaitable[T]] | None = None,
    /,
    *,
    effect: Effect = "read",
    version: int = 1,
    deadline_s: float | None = None,
) -> Fact[S, P, T] | Callable[[Callable[Concatenate[S, P], Awaitable[T]]], Fact[S, P, T]]:
    """Make an async method of a target a fact.

    Args:
        ask: the method; its return type must be one that pydantic reads and writes as JSON.
        effect: what asking may do to the target.
        version: raise it when the meaning of the answer changes: older recordings then lack the fact.
        deadline_s: seconds it may take, where the target's limit does not suit it.
    """
    if ask is not None:
        return Fact(ask)
    return lambda ask: Fact(ask, effect=effect, version=version, deadline_s=deadline_s)
