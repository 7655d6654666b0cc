"""AWS operations: named once, called through, and found again in the code of facts, so that what an audit may call
and which IAM actions that takes is never a list kept by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshguard.reach import members_of, reached

if TYPE_CHECKING:
    from meshguard.fact import Fact

ACTION_PREFIXES = {
    "cloudwatch": "cloudwatch",
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tag",
    "s3control": "s3",
    "stepfunctions": "states",
    "events": "events",
}
"""IAM's prefix of a service's actions, where it is not the client's name (Service Authorization Reference)."""


@dataclass(frozen=True)
class Operation:
    """One operation of one AWS service."""

    service: str
    """The client's name in boto3."""
    name: str
    """As the service's API names it: ListKeys."""
    items: str = ""
    """The key of the answer that holds the list, where it answers one."""
    action: str | None = None
    """The IAM action, where it is not prefix:name; "" where it takes none."""
    when: str = ""
    """The parameter of a check without which it is not called."""
    setting: str = ""
    """The setting of the target without which it is not called."""

    @property
    def method(self) -> str:
        """The client's method: list_keys."""
        return snake(self.name)

    @property
    def permission(self) -> str:
        """The IAM action that a caller must be allowed; empty where none is needed."""
        if self.action is not None:
            return self.action
        return f"{ACTION_PREFIXES.get(self.service, self.service)}:{self.name}"

    def __str__(self) -> str:
        """`service:Operation`."""
        return f"{self.service}:{self.name}"


def snake(name: str) -> str:
    """The method of a client for an operation, as botocore derives it."""
    from botocore import xform_name

    return str(xform_name(name))


def operations_of(fact: Fact[Any, Any, Any], kind: type) -> tuple[Operation, ...]:
    """The operations that a fact itself may call, found in its code; those of facts that it reads are not its own."""
    named = reached(fact, members_of([kind]), into_facts=False)
    found = (one for one in named if isinstance(one, Operation))
    return tuple(dict.fromkeys(found))


def wanted(operations: Iterable[Operation], settings: Any, parameters: Any) -> Iterator[Operation]:
    """Those that the target's settings and the check's parameters do not make needless."""
    for operation in operations:
        if operation.setting and not _said(getattr(settings, operation.setting.partition("=")[0]), operation.setting):
            continue
        if operation.when and not parameters.get(operation.when):
            continue
        yield operation


def _said(value: Any, setting: str) -> bool:
    """Whether a setting is given, or has the value after the sign."""
    _, equals, wanted_value = setting.partition("=")
    return value == wanted_value if equals else bool(value)
