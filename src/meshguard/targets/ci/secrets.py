"""How a file of a CI service comes by its secrets: by name alone, and never by value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from meshguard.targets.ci.files import Files
from meshguard.targets.ci.models import Secrets, SecretUse, Unknown, WorkflowFile
from meshguard.targets.ci.review import mapping, maps, steps
from meshguard.targets.ci.shell_words import OPEN, parse, text_of, word
from meshguard.targets.ci.yaml_read import Map

if TYPE_CHECKING:
    from tree_sitter import Node

SECRETLIKE = re.compile(
    r"(?i)(?:^|[_-])(?:pass(?:word|wd|phrase)?|secrets?|tokens?|api[_-]?keys?|private[_-]?key|credentials?"
    r"|access[_-]?key|auth[_-]?key|signing[_-]?key|encryption[_-]?key|client[_-]?secret)(?:$|[_-](?:base64|b64|\d+|prod|staging|dev|test)$)"
    r"|password$"
)
HARMLESS = frozenset({"", "true", "false", "none", "null", "inherit", "read", "write", "required", "0", "1"})
_STORED = re.compile(r"\bsecrets\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*'([A-Za-z_]\w*)'\s*\])")
_ALL = re.compile(r"(?i)tojson\s*\(\s*secrets\s*\)|\bsecrets\s*\[\s*(?!')")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_VARIABLE = re.compile(r"(?<![\\$])\$\{?([A-Za-z_]\w*)")
MANAGERS = (
    "aws-actions/aws-secretsmanager-get-secrets", "hashicorp/vault-action", "azure/get-keyvault-secrets",
    "google-github-actions/get-secretmanager-secrets", "1password/load-secrets-action",
    "dopplerhq/secrets-fetch-action",
    "infisical/secrets-action", "bitwarden/sm-action",
)  # fmt: skip
FETCHES = re.compile(
    r"\baws\s+secretsmanager\s+(?:get-secret-value|batch-get-secret-value)\b|\baws\s+ssm\s+get-parameters?\b"
    r"|\bvault\s+(?:kv\s+get|read)\b|\bgcloud\s+secrets\s+versions\s+access\b|\baz\s+keyvault\s+secret\s+show\b"
)
ROLE = "aws-actions/configure-aws-credentials"


def secrets(files: Files, one: WorkflowFile) -> Secrets:
    """How a file comes by its secrets."""
    data = mapping(files, one.path)
    text = files.text(one.path)
    found: list[SecretUse] = []
    if one.system == "gitlab":
        found += _gitlab(data)
    else:
        found += _github(data)
        found += _expressions(text)
    found += [
        SecretUse(line=_line(text, match.start()), kind="manager", name=match[0]) for match in FETCHES.finditer(text)
    ]
    unread = [
        Unknown(where=f"{one.path}:{line}", what="a script that is not read")
        for line, script in _scripts(data)
        if parse(script) is None
    ]
    return Secrets(path=one.path, uses=tuple(dict.fromkeys(found)), unknown=tuple(unread))


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _expressions(text: str) -> Iterator[SecretUse]:
    plain = "\n".join("" if line.lstrip().startswith("#") else line for line in text.split("\n"))
    for expression in _EXPRESSION.finditer(plain):
        line = _line(plain, expression.start())
        if _ALL.search(expression[1]):
            yield SecretUse(line=line, kind="all", name="toJSON(secrets) or a name that is computed")
        for match in _STORED.finditer(expression[1]):
            name = match[1] or match[2]
            if name.upper() != "GITHUB_TOKEN":
                yield SecretUse(line=line, kind="stored", name=name[:100])


def _github(data: Map) -> Iterator[SecretUse]:
    parts = [data, *(job for _, job in maps(data.get("jobs"))), *(step.data for step in steps(data))]
    for part in parts:
        for key in ("env", "with"):
            yield from _literals(part.get(key))
        if part.get("secrets") == "inherit":
            yield SecretUse(line=part.at("secrets"), kind="all", name="secrets: inherit")
        elif isinstance(part.get("secrets"), Map):
            yield from _literals(part["secrets"], every=True)
        for container in (part.get("container"), *(item for _, item in maps(part.get("services")))):
            if isinstance(container, Map):
                yield from _literals(container.get("env"))
                yield from _literals(container.get("credentials"))
        yield from _managed(part)
    yield from _in_scripts(data)


def _managed(part: Map) -> Iterator[SecretUse]:
    name = str(part.get("uses", "")).partition("@")[0].lower()
    given = part.get("with")
    role = name == ROLE and isinstance(given, Map) and "role-to-assume" in given and "aws-access-key-id" not in given
    if name in MANAGERS or role:
        yield SecretUse(line=part.at("uses"), kind="manager", name=name)


def _literals(values: Any, *, every: bool = False) -> Iterator[SecretUse]:
    for name, value in values.items() if isinstance(values, Map) else ():
        text = value.get("value") if isinstance(value, Map) else value
        known = isinstance(text, str | int) and not isinstance(text, bool) and _is_literal(str(text))
        if known and (every or SECRETLIKE.search(name)):
            yield SecretUse(line=values.at(name), kind="literal", name=name[:100])


def _is_literal(text: str) -> bool:
    return text.strip().lower() not in HARMLESS and "$" not in text


def _scripts(data: Map) -> Iterator[tuple[int, str]]:
    """The scripts of a file, each with the line where it begins; those for another shell are left out."""
    for step in steps(data):
        if isinstance(step.data.get("run"), str) and str(step.data.get("shell", "bash")) in ("bash", "sh"):
            yield step.data.at("run"), step.data["run"]
    for _, job in maps(data):
        for key in ("before_script", "script", "after_script"):
            lines = job.get(key)
            lines = [lines] if isinstance(lines, str) else lines if isinstance(lines, list) else []
            yield from ((job.at(key), line) for line in lines if isinstance(line, str))


def _in_scripts(data: Map) -> Iterator[SecretUse]:
    for line, script in _scripts(data):
        root = parse(script)
        for assignment in _assignments(root) if root is not None else ():
            name, value = assignment.child_by_field_name("name"), assignment.child_by_field_name("value")
            if name is None or value is None:
                continue
            text = word(value)
            if SECRETLIKE.search(text_of(name)) and OPEN not in text and _is_literal(text):
                yield SecretUse(line=line, kind="literal", name=text_of(name)[:100])


def _assignments(node: Node) -> Iterator[Node]:
    for child in node.named_children:
        if child.type == "variable_assignment":
            yield child
        yield from _assignments(child)


def _gitlab(data: Map) -> Iterator[SecretUse]:
    own: set[str] = set()
    for part in (data, *(job for _, job in maps(data))):
        own |= set(part["variables"]) if isinstance(part.get("variables"), Map) else set()
        yield from _literals(part.get("variables"))
        for name, _ in maps(part.get("secrets")):
            own.add(name)
            yield SecretUse(line=part.at("secrets"), kind="manager", name=name[:100])
    yield from _in_scripts(data)
    for line, script in _scripts(data):
        set_here = set(re.findall(r"\b([A-Za-z_]\w*)=", script))
        own |= set_here
        for match in _VARIABLE.finditer(script):
            name = match[1]
            if SECRETLIKE.search(name) and name not in own and not name.startswith(("CI_", "GITLAB_")):
                yield SecretUse(line=line, kind="stored", name=name[:100])
