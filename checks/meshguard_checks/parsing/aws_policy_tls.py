"""Whether a bucket's policy refuses requests without TLS (S3 User Guide, "Bucket policy examples": HTTPS only)."""

from __future__ import annotations

from meshguard_checks.parsing.aws_policy_answer import Answer, Judgement, both, either
from meshguard_checks.parsing.aws_policy_document import Condition, Patterns, Policy, Principal, Statement
from meshguard_checks.parsing.aws_policy_match import covers, covers_action, matches, one_resource
from meshguard_checks.parsing.aws_policy_pins import operator

_S3 = Patterns(("s3:*",))
_TLS = "aws:securetransport"
_BELOW = ("numericlessthan", "numericlessthanequals")


def tls_only(policy: Policy, bucket_arn: str) -> Judgement:
    """Whether every request without TLS, to the bucket and to its objects, is denied to everyone.

    A Deny below a TLS version does not do it: a request without TLS has no such version.
    """
    denies = [(one, _denies_plain(one)) for one in policy.statements if not one.allow]
    answers, missing = [], []
    for target, resource in (("bucket", bucket_arn), ("objects", f"{bucket_arn}/*")):
        answer = either(both((denied, _reaches(one, resource))) for one, denied in denies)
        answers.append(answer)
        missing += [target] if answer is not Answer.YES else []
    answer = both(answers)
    if answer is Answer.YES:
        return Judgement(answer, "s3:* without TLS is denied to everyone, on the bucket and its objects")
    what = " and the ".join(missing)
    word = "surely denies" if answer is Answer.UNDECIDED else "denies"
    return Judgement(answer, f"no statement {word} s3:* without TLS to everyone on the {what}")


def _denies_plain(statement: Statement) -> Answer:
    """Whether it denies everyone every action without TLS, its resources aside."""
    principals = statement.principals
    everyone = principals is not None and not principals.negated and Principal("AWS", "*") in principals.values
    if not everyone or not covers(statement.actions, _S3, covers_action):
        return Answer.NO
    return both(_holds_without_tls(condition) for condition in statement.conditions)


def _reaches(statement: Statement, resource: str) -> Answer:
    patterns = statement.resources
    if patterns is None:
        return Answer.UNDECIDED
    if patterns.negated:
        apart = covers(patterns, Patterns((resource,)), lambda _outer, _inner: False)
        return Answer.YES if apart else Answer.NO
    variables = statement.variables
    return either(one_resource(one, resource, variables=variables, patterned=True) for one in patterns.values)


def _holds_without_tls(condition: Condition) -> Answer:
    """Whether every request without TLS meets a condition."""
    parts = operator(condition)
    if condition.key != _TLS:
        # Whether s3:TlsVersion is missing from a request without TLS is not documented.
        unsure = condition.key == "s3:tlsversion" and (
            parts.base == "null" or (parts.base in _BELOW and parts.if_exists)
        )
        return Answer.UNDECIDED if unsure else Answer.NO
    if parts.base == "null" or not condition.values:
        return Answer.UNDECIDED
    met = _accepts_false(parts.base, condition.values)
    if met is None:
        return Answer.UNDECIDED
    return Answer.YES if met else Answer.NO


def _accepts_false(base: str, values: tuple[str, ...]) -> bool | None:
    """Whether an operator is met by "false"; None where its meaning for such a key is not known."""
    exact, folded = "false" in values, "false" in {value.lower() for value in values}
    like = any(matches(value, "false") for value in values)
    known = {"bool": folded, "stringequals": exact, "stringequalsignorecase": folded, "stringlike": like}
    if base in known:
        return known[base]
    positive = base.replace("not", "")
    return not (known[positive] or folded) if positive in known and positive != base else None
