"""What runs and how it takes its secrets: ECS task definitions, Lambda functions, parameters of SSM.

Values of variables, commands and parameters never leave a fact: they are recorded as sketches with tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Literal

from meshguard.errors import NotObserved
from meshguard.fact import Listing, Unread, fact
from meshguard.targets.aws.base import documented, settled
from meshguard.targets.aws.ecs import EcsFacts
from meshguard.targets.aws.models import AwsModel, Place, Resource, account_of
from meshguard.targets.aws.operation import Operation
from meshguard.targets.aws.secretsmanager import SecretFacts
from meshguard.targets.aws.workload_read import HeldVariable, Names, Sketching, in_container, in_functions

LIST_FAMILIES = Operation("ecs", "ListTaskDefinitionFamilies", items="families")
LIST_TASKS = Operation("ecs", "ListTasks", items="taskArns")
DESCRIBE_TASKS = Operation("ecs", "DescribeTasks", items="tasks")
DESCRIBE_DEFINITION = Operation("ecs", "DescribeTaskDefinition")
LIST_FUNCTIONS = Operation("lambda", "ListFunctions", items="Functions")
DESCRIBE_PARAMETERS = Operation("ssm", "DescribeParameters", items="Parameters")
GET_PARAMETERS = Operation("ssm", "GetParameters", items="Parameters")

TASKS_A_CALL, PARAMETERS_A_CALL = 100, 10
"""The APIs' own limits."""


class ParameterName(AwsModel):
    """A parameter of SSM, without its value."""

    name: str
    kind: str
    """String, StringList or SecureString."""


class SecretUse(Resource):
    """A secret that the deployment names, or what may hold or take secrets."""

    kind: Literal["named", "task", "function", "parameter"]
    state: Literal["", "there", "empty", "deleted", "missing"] = ""
    """Of a named secret: whether Secrets Manager has it, and whether it holds a value."""
    doubt: str = ""
    """What of it could not be read."""
    variables: tuple[HeldVariable, ...] = ()
    """What is given by value."""
    references: tuple[str, ...] = ()
    """Names of variables that are given by reference to Secrets Manager or to a SecureString of SSM."""
    plain: tuple[str, ...] = ()
    """Names of variables that come from a parameter of SSM that is not encrypted."""
    files: int = 0
    """Files in S3 that more variables come from; they are not read."""


class WorkloadFacts(SecretFacts, EcsFacts):
    """Facts of what runs."""

    @fact
    async def secret_uses(self) -> Listing[SecretUse]:
        """The secrets that the deployment names, and all that may hold secrets or take them."""
        found = await self.across(self.secret_uses_in)
        named = [await self.named_secret(name) for name in self.settings.secrets_named]
        return found.model_copy(update={"items": (*named, *found.items)})

    @fact
    async def secret_uses_in(self, place: Place) -> Listing[SecretUse]:
        """Task definitions, functions and parameters of one place; a kind that could not be listed is in `unread`."""
        parts = {"ecs": self.task_definitions_in, "lambda": self.functions_in, "ssm": self.parameters_in}
        answers = await asyncio.gather(*(settled(ask(place)) for ask in parts.values()))
        unread: list[Unread] = []
        items: list[SecretUse] = []
        for kind, answer in zip(parts, answers, strict=True):
            if isinstance(answer, NotObserved):
                unread.append(
                    Unread(resource=f"{place}/{kind}", kind=answer.kind, reason=answer.reason, fix=answer.fix)
                )
            else:
                items += answer.items
                unread += answer.unread
        return Listing(items=tuple(sorted(items, key=str)), unread=tuple(unread))

    @fact
    async def named_secret(self, name: str) -> SecretUse:
        """Whether Secrets Manager has a secret of this name or ARN in any of the places, whatever its tags.

        Where it is in none that could be read, and some could not be read, that is its doubt.
        """
        places = await self.places()
        lists = await asyncio.gather(*(settled(self.secrets_in(place)) for place in places.items))
        found = [
            one
            for part in lists
            if not isinstance(part, NotObserved)
            for one in part.items
            if name in (one.name, one.arn)
        ]
        states = {"deleted" if one.deleted else "there" if one.current else "empty": one for one in found}
        for state in ("there", "empty", "deleted"):
            if state in states:
                arn, place = states[state].arn, states[state].place
                return SecretUse(arn=f"secret {name}", place=place, name=arn, kind="named", state=state)
        reasons = [
            *(one.reason for one in places.unread),
            *(one.reason for one in lists if isinstance(one, NotObserved)),
        ]
        if reasons:
            return SecretUse(arn=f"secret {name}", place="", name=name, kind="named", doubt=reasons[0])
        return SecretUse(arn=f"secret {name}", place="", name=name, kind="named", state="missing")

    @fact
    async def task_definitions_in(self, place: Place) -> Listing[SecretUse]:
        """The newest active revision of each family, and each revision that a service or a task has."""
        families, used = await asyncio.gather(
            self.pages(place, LIST_FAMILIES, status="ACTIVE"), self.task_revisions(place)
        )
        newest = await self._definitions(place, families)
        older = await self._definitions(place, sorted(set(used) - {one.arn for one in newest.items}))
        return Listing(items=(*newest.items, *older.items), unread=(*newest.unread, *older.unread))

    async def _definitions(self, place: Place, names: Iterable[str]) -> Listing[SecretUse]:
        names = list(names)
        answers = await asyncio.gather(*(settled(self.task_definition(place, name)) for name in names))
        items = [one for one in answers if not isinstance(one, NotObserved)]
        unread = [
            Unread(resource=f"{place}/ecs/{name}", kind=one.kind, reason=one.reason, fix=one.fix)
            for name, one in zip(names, answers, strict=True)
            if isinstance(one, NotObserved)
        ]
        return Listing(items=tuple(items), unread=tuple(unread))

    @fact
    async def task_definition(self, place: Place, name: str) -> SecretUse:
        """How the containers of one task definition take their variables; of a family, its newest active revision."""
        names = await self._nameable(place)
        answer = await self.call(place, DESCRIBE_DEFINITION, taskDefinition=name)
        with documented(DESCRIBE_DEFINITION):
            said = answer["taskDefinition"]
            parts = [in_container(one, names, self.sketch) for one in said["containerDefinitions"]]
            return SecretUse(
                arn=said["taskDefinitionArn"],
                place=place,
                name=said["family"],
                kind="task",
                variables=tuple(one for part in parts for one in part.variables),
                references=tuple(one for part in parts for one in part.references),
                plain=tuple(one for part in parts for one in part.plain),
                files=sum(part.files for part in parts),
            )

    @fact
    async def task_revisions(self, place: Place) -> tuple[str, ...]:
        """ARNs of the task definitions that services, their deployments, and running tasks have."""
        services = (await self.services_in(place)).items
        running = await asyncio.gather(*(self._running(place, cluster) for cluster in await self.clusters_in(place)))
        return tuple(sorted({arn for one in services for arn in one.revisions}.union(*running)))

    async def _running(self, place: Place, cluster: str) -> set[str]:
        found: set[str] = set()
        for some in _some(await self.pages(place, LIST_TASKS, cluster=cluster), TASKS_A_CALL):
            answer = await self.call(place, DESCRIBE_TASKS, cluster=cluster, tasks=some)
            with documented(DESCRIBE_TASKS):
                found |= {one["taskDefinitionArn"] for one in _all_described(answer, "tasks")}
        return found

    @fact
    async def functions_in(self, place: Place) -> Listing[SecretUse]:
        """The Lambda functions of one place, each with the variables of all versions, which aliases point to."""
        names = await self._nameable(place)
        found = await self.pages(place, LIST_FUNCTIONS, FunctionVersion="ALL")
        with documented(LIST_FUNCTIONS):
            parts = in_functions(found, names, self.sketch)
            items = [
                SecretUse(
                    arn=arn,
                    place=place,
                    name=arn.rsplit(":", 1)[-1],
                    kind="function",
                    variables=part.variables,
                    references=part.references,
                    plain=part.plain,
                    doubt=part.doubt,
                )
                for arn, part in parts.items()
            ]
            return Listing(items=tuple(items))

    @fact
    async def parameter_names(self, place: Place) -> tuple[ParameterName, ...]:
        """Names and types of the parameters of one place."""
        found = await self.pages(place, DESCRIBE_PARAMETERS)
        with documented(DESCRIBE_PARAMETERS):
            return tuple(ParameterName(name=one["Name"], kind=one["Type"]) for one in found)

    @fact
    async def parameters_in(self, place: Place) -> Listing[SecretUse]:
        """The parameters of one place that are not encrypted."""
        names = await self._nameable(place)
        chunks = _some(sorted(names.plain), PARAMETERS_A_CALL)
        answers = await asyncio.gather(
            *(self.call(place, GET_PARAMETERS, Names=some, WithDecryption=False) for some in chunks)
        )
        partition = (await self.identity()).partition
        start = f"arn:{partition}:ssm:{place.partition('/')[2]}:{account_of(place)}:parameter/"
        with documented(GET_PARAMETERS):
            return Listing(
                items=tuple(
                    SecretUse(
                        arn=one.get("ARN") or start + one["Name"].lstrip("/"),
                        place=place,
                        name=one["Name"],
                        kind="parameter",
                        variables=(names.held("", one["Name"], one["Value"], self.sketch),),
                    )
                    for answer in answers
                    for one in answer["Parameters"]
                    if one["Type"] != "SecureString"
                )
            )

    async def _nameable(self, place: Place) -> Names:
        """What a value may name there: a variable that holds a secret's name holds no secret."""
        secrets, parameters = await asyncio.gather(self.secrets_in(place), self.parameter_names(place))
        return Names(
            secrets=frozenset(one.name for one in secrets.items),
            encrypted=frozenset(one.name for one in parameters if one.kind == "SecureString"),
            plain=frozenset(one.name for one in parameters if one.kind != "SecureString"),
        )


def _some(items: list[str], count: int) -> list[list[str]]:
    return [items[start : start + count] for start in range(0, len(items), count)]


def _all_described(answer: dict[str, Any], items: str) -> list[Any]:
    """What was described; what is MISSING has ended since it was listed, any other failure is one."""
    for failure in answer.get("failures") or ():
        if failure.get("reason") != "MISSING":
            raise NotObserved(f"not all {items} of ECS could be described", fix="run the audit again")
    return list(answer[items])


__all__ = ["HeldVariable", "ParameterName", "SecretUse", "Sketching", "WorkloadFacts"]
