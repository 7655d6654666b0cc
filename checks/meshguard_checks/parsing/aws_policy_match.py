r"""Wildcards of policies: `*` is any text, `?` is one character (IAM User Guide, "IAM JSON policy elements: Resource").

No regular expressions: `*a*a*a*a*b` must not take time that grows with its stars.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from meshguard_checks.parsing.aws_policy_answer import Answer, either, opposite
from meshguard_checks.parsing.aws_policy_document import Patterns, Statement

VARIABLE = re.compile(r"\$\{[^}]*\}")
Covers = Callable[[str, str], bool]
_ARN_FIELDS = 6


def expanded(text: str) -> str:
    """The pattern with each policy variable as what it may become: anything."""
    return VARIABLE.sub("*", text)


def matches(pattern: str, text: str, *, patterned: bool = False) -> bool:
    """Whether the pattern matches the text; `patterned`: whether it surely matches all that `text` matches."""
    at = here = resume = 0
    star = -1
    while here < len(text):
        wanted = pattern[at : at + 1]
        if wanted == "*":
            star, resume = at, here
            at += 1
        elif wanted == text[here] or (wanted == "?" and not (patterned and text[here] == "*")):
            at, here = at + 1, here + 1
        elif star >= 0:
            resume += 1
            at, here = star + 1, resume
        else:
            return False
    return not pattern[at:].strip("*")


def overlap(one: str, other: str) -> bool:
    """Whether some text matches both patterns."""
    row = [not other[:end].strip("*") for end in range(len(other) + 1)]
    for letter in one:
        above, row = row, [row[0] and letter == "*"]
        for end, met in enumerate(other, 1):
            if "*" in (letter, met):
                row.append(above[end] or row[end - 1])
            else:
                row.append(above[end - 1] and (letter == met or "?" in (letter, met)))
    return row[-1]


def action_matches(patterns: Patterns, action: str) -> Answer:
    """Whether an action in lower case is among those of Action or NotAction."""
    found = any(matches(pattern, action) for pattern in patterns.values)
    return Answer.YES if found != patterns.negated else Answer.NO


def resource_matches(statement: Statement, resource: str) -> Answer:
    """Whether a resource is among those of Resource or NotResource."""
    patterns = statement.resources
    if patterns is None:
        return Answer.YES
    found = either(one_resource(pattern, resource, variables=statement.variables) for pattern in patterns.values)
    return opposite(found) if patterns.negated else found


def one_resource(pattern: str, resource: str, *, variables: bool, patterned: bool = False) -> Answer:
    """Whether one pattern matches a resource, or with `patterned` all resources that `resource` matches.

    A wildcard is meant to stay between two colons of an ARN and may reach beyond them only at the end of its part; a
    match that needs more than its own part is undecided, and so is one that hangs on a variable's value.
    """
    wide = expanded(pattern) if variables else pattern
    if pattern and not pattern.strip("*"):
        return Answer.YES
    answer = either(_by_parts(form, resource, patterned=patterned) for form in _forms(wide))
    return Answer.UNDECIDED if answer is Answer.YES and wide != pattern else answer


def _forms(pattern: str) -> tuple[str, str]:
    """A pattern as it stands, and as AWS completes an ARN of fewer than six fields, with wildcards."""
    missing = _ARN_FIELDS - len(pattern.split(":", _ARN_FIELDS - 1))
    return pattern, pattern + ":*" * missing if pattern.startswith("arn:") else pattern


def _by_parts(pattern: str, resource: str, *, patterned: bool) -> Answer:
    if not matches(pattern, resource, patterned=patterned):
        return Answer.NO
    parts, wanted = pattern.split(":", _ARN_FIELDS - 1), resource.split(":", _ARN_FIELDS - 1)
    within = len(parts) == len(wanted) and all(
        matches(part, want, patterned=patterned) for part, want in zip(parts, wanted, strict=True)
    )
    return Answer.YES if within else Answer.UNDECIDED


def covers_action(outer: str, inner: str) -> bool:
    """Whether an action's pattern surely matches all that another one matches."""
    return matches(outer, inner, patterned=True)


def covers_resource(outer: str, inner: str) -> bool:
    """Whether a resource's pattern surely matches all that another one matches, whatever its variables hold."""
    return outer == inner or one_resource(outer, expanded(inner), variables=True, patterned=True) is Answer.YES


def covers(outer: Patterns, inner: Patterns, covered: Covers) -> bool:
    """Whether an element surely matches all that another one matches."""
    if inner.negated:
        if outer.negated:
            return all(any(covered(left, one) for left in inner.values) for one in outer.values)
        return any(covered(one, "*") for one in outer.values)
    if outer.negated:
        left_out = [form for one in outer.values for form in _forms(expanded(one))]
        return not any(overlap(one, expanded(want)) for one in left_out for want in inner.values)
    return all(any(covered(one, want) for one in outer.values) for want in inner.values)
