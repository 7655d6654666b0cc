"""What a backup plan takes, and for how long it keeps it (AWS Backup Developer Guide, "Assign resources")."""

from __future__ import annotations

import re
from collections.abc import Iterable

from meshguard.targets.aws.backup_models import Plan, PlanRule, Selection
from meshguard_checks.parsing.aws_policy import Answer


def takes(plan: Plan, arn: str) -> Answer:
    """Whether a plan takes a resource; undecided where tags decide, which are not looked at."""
    answers = {_selected(one, arn) for one in plan.selections}
    for answer in (Answer.YES, Answer.UNDECIDED):
        if answer in answers:
            return answer
    return Answer.NO


def _selected(selection: Selection, arn: str) -> Answer:
    """ARNs and ListOfTags are alternatives; NotResources takes away from both, and Conditions narrow both."""
    if _matches(selection.not_arns, arn):
        return Answer.NO
    named = _matches(selection.arns, arn)
    if named and not selection.conditions:
        return Answer.YES
    return Answer.UNDECIDED if named or selection.by_tags else Answer.NO


def _matches(patterns: Iterable[str], arn: str) -> bool:
    return any(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), arn) for pattern in patterns)


def keeps(rule: PlanRule) -> int | None:
    """Days for which what a rule makes is kept, by the copy that is kept longest; None: without an end."""
    lengths = list(rule.copies_days) if rule.only_copies else [rule.delete_days, *rule.copies_days]
    if not lengths:
        return 0
    return None if None in lengths else max(days for days in lengths if days is not None)
