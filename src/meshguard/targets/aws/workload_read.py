"""From answers of ECS, Lambda and SSM to what is recorded of variables: sketches, references, and no value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from meshguard.sketch import Sketch
from meshguard.targets.aws.models import AwsModel
from meshguard.targets.docker_read import known_of

Sketching = Callable[..., Sketch]
COMMAND = "(command)"
"""In place of a variable's name: what a container is started or checked with."""

_DYNAMIC = re.compile(r"\{\{resolve:(?:secretsmanager|ssm-secure):[^}]+\}\}")
"""CloudFormation's dynamic reference; one that stands in a variable as it is was never resolved, and is no secret."""
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d*:\S+|alias/[\w/-]+")
_CIPHERTEXT = re.compile(r"AQIC[A-Za-z0-9+/]{60,}={0,2}")
"""What KMS answers to Encrypt, as Lambda's console stores it ("Securing Lambda environment variables")."""
_OPTION = re.compile(r"(?i)token|password|secret|credential|api[_-]?key|licen[cs]e|header")
"""Options of log drivers that hold one, such as splunk-token; the others are about files and streams."""
_ARGUMENT = re.compile(
    r"(?i)(?:^|\s)--?[\w-]*(?:password|passwd|secret|token|api-?key)[\s=]+[\"']?(?![$-])(?!\S*(?:/|\$\{))[^\s\"']{4,}"
)
"""`--db-password x` and `--password=x`; $VARIABLE, another option and a path are none."""


class HeldVariable(AwsModel):
    """A variable that is given by value."""

    where: str
    """Of which container, or of which version."""
    name: str
    value: Sketch


@dataclass(frozen=True)
class Held:
    """What a container, or a function, is given."""

    variables: tuple[HeldVariable, ...] = ()
    references: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    files: int = 0
    doubt: str = ""


@dataclass(frozen=True)
class Names:
    """Names of secrets and parameters of one place."""

    secrets: frozenset[str]
    encrypted: frozenset[str]
    """Parameters of SSM of the type SecureString."""
    plain: frozenset[str]
    """Parameters of SSM of other types."""

    def held(self, where: str, name: str, value: str, sketch: Sketching) -> HeldVariable:
        """A variable with what may be known of its value."""
        known = known_of(value)
        known["is_reference"] = known["is_reference"] or _DYNAMIC.fullmatch(value) is not None or self.has(value)
        known["is_arn"] = _ARN.fullmatch(value) is not None
        known["is_ciphertext"] = _CIPHERTEXT.fullmatch(value) is not None
        known["in_argument"] = name == COMMAND and _ARGUMENT.search(value) is not None
        return HeldVariable(where=where, name=name, value=sketch(value, **known))

    def has(self, value: str) -> bool:
        """Whether a value is the name of one of these."""
        return value in self.secrets or value in self.encrypted or value in self.plain

    def is_plain(self, source: str) -> bool:
        """Whether what a container takes comes from a parameter that is not encrypted; `source` is its name or ARN."""
        if source.startswith("arn:"):
            service, name = source.split(":")[2], source.split(":", 5)[-1].removeprefix("parameter/")
            return service == "ssm" and (name in self.plain or f"/{name}" in self.plain)
        return source in self.plain


def in_container(said: Mapping[str, Any], names: Names, sketch: Sketching) -> Held:
    """What a container definition of ECS says of its variables."""
    log = said.get("logConfiguration") or {}
    given = [*(said.get("secrets") or ()), *(log.get("secretOptions") or ())]
    held = _held(said["name"], _pairs(said, log), names, sketch)
    return replace(
        held,
        references=(*held.references, *(one["name"] for one in given if not names.is_plain(one["valueFrom"]))),
        plain=(*held.plain, *(one["name"] for one in given if names.is_plain(one["valueFrom"]))),
        files=len(said.get("environmentFiles") or ()),
    )


def _held(where: str, pairs: Iterable[tuple[str, str]], names: Names, sketch: Sketching) -> Held:
    listed = list(pairs)
    variables = tuple(names.held(where, name, value, sketch) for name, value in listed)
    taken = [name for (name, _), one in zip(listed, variables, strict=True) if one.value.tests["is_reference"]]
    plain = [name for name, value in listed if names.is_plain(value)]
    return Held(variables, references=tuple(name for name in taken if name not in plain), plain=tuple(plain))


def _pairs(said: Mapping[str, Any], log: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one in said.get("environment") or ():
        yield one["name"], one.get("value") or ""
    for name, value in (log.get("options") or {}).items():
        if _OPTION.search(name):
            yield name, value
    health = (said.get("healthCheck") or {}).get("command")
    for words in (said.get("entryPoint"), said.get("command"), health):
        if words:
            yield COMMAND, " ".join(words)


def in_functions(functions: Iterable[Mapping[str, Any]], names: Names, sketch: Sketching) -> dict[str, Held]:
    """What each function's versions are given, by the function's ARN without a version."""
    found: dict[str, Held] = {}
    for said in functions:
        arn = ":".join(said["FunctionArn"].split(":")[:7])
        version, before = said.get("Version") or "$LATEST", found.get(arn, Held())
        environment = said.get("Environment") or {}
        held = _held(version, (environment.get("Variables") or {}).items(), names, sketch)
        doubt = f"the variables of version {version} could not be read" if environment.get("Error") else ""
        found[arn] = Held(
            variables=(*before.variables, *held.variables),
            references=tuple(dict.fromkeys((*before.references, *held.references))),
            plain=tuple(dict.fromkeys((*before.plain, *held.plain))),
            doubt=before.doubt or doubt,
        )
    return found
