"""What looks like a secret among the variables of AWS workloads and the parameters of SSM."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from meshguard.targets.aws.workload_read import COMMAND, HeldVariable
from meshguard.targets.docker_models import Variable
from meshguard_checks.parsing.docker_environment import SECRET_WORDS, holds_secret, names_secret

__all__ = ["SECRET_WORDS", "looks_secret", "name_of_parameter", "names_secret", "shown", "without"]

_FOLDERS = frozenset(["secret", "secrets", "credential", "credentials", "token", "tokens"])


def looks_secret(held: HeldVariable, words: Iterable[str]) -> bool:
    """Whether a variable, a command or a parameter holds a secret.

    What KMS has encrypted is none, and neither is an ARN. A command is judged by what stands in it, not by a name.
    """
    tests = held.value.tests
    if tests.get("is_ciphertext") or tests.get("is_arn"):
        return False
    if held.name == COMMAND:
        return tests.get("in_argument", False) or holds_secret(Variable(name="", value=held.value), ())
    name = name_of_parameter(held.name) if held.where == "" else held.name
    return holds_secret(Variable(name=name, value=held.value), words)


def name_of_parameter(path: str) -> str:
    """A parameter's path as a name: /prod/secrets/db/host lies among secrets and is none by its name."""
    *folders, last = path.strip("/").split("/")
    return "_".join([*(one for one in folders if one.lower() not in _FOLDERS), last])


def without(held: Iterable[HeldVariable], allow: Iterable[str]) -> list[HeldVariable]:
    """Those whose names are none of the globs."""
    patterns = list(allow)
    return [one for one in held if not any(fnmatchcase(one.name, pattern) for pattern in patterns)]


def shown(held: Iterable[HeldVariable]) -> str:
    """Names, each with the containers or versions that have it."""
    places: dict[str, dict[str, None]] = {}
    for one in held:
        places.setdefault(one.name, {})[one.where] = None
    return ", ".join(f"{name} ({', '.join(where)})" if any(where) else name for name, where in places.items())
