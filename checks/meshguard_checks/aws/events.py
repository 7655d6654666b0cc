"""Check of the automatic answer to findings: EventBridge rules that start something."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from meshguard.api import Duration, Field, Verdict, check, days, failed, not_applicable, passed, undetermined
from meshguard.targets.aws import Aws, Place, region_of
from meshguard.targets.aws.events import DEFAULT_BUS, EventRule
from meshguard_checks.parsing.aws_event_pattern import matches, narrowed_by, parse_pattern

AUTOMATIONS = re.compile(
    r"arn:[^:]+:(?:lambda:[^:]*:\d*:function:|states:[^:]*:\d*:stateMachine:|ssm:[^:]*:\d*:automation-definition/)"
)
"""Lambda, Step Functions, and Automation of Systems Manager; its Run Command has `document/` there."""
BUS = re.compile(r"arn:[^:]+:events:([^:]+):(\d{12}):event-bus/(.+)")
SEVERITIES: dict[str, tuple[float, ...]] = {
    "low": (1.0, 2.0),
    "medium": (4.0, 5.0),
    "high": (7.0, 8.0),
    "critical": (9.0, 9.5),
}
"""The least number of each severity, and one that GuardDuty gives."""
KEPT_DAYS = 455
"""How long CloudWatch keeps hourly and longer periods."""
Source = Literal["aws.guardduty", "aws.securityhub"]


@dataclass(frozen=True)
class Answering:
    """A rule that takes findings, and what it starts."""

    rule: EventRule
    starts: tuple[str, ...]
    forwards: tuple[str, ...]
    narrowed: tuple[str, ...]

    def __str__(self) -> str:
        """Its name, and what it looks at besides the severity."""
        return f"{self.rule.name} (by {', '.join(self.narrowed)})" if self.narrowed else self.rule.name


@check(
    "aws.event_rules",
    method="test",
    over=Aws.places,
    fix='aws events put-rule --name findings --event-pattern \'{"source":["aws.guardduty"]}\'; aws events put-targets '
    "--rule findings --targets Id=answer,Arn=FUNCTION\n"
    'Terraform: resource "aws_cloudwatch_event_rule" { event_pattern = jsonencode({ source = ["aws.guardduty"] }) }, '
    'resource "aws_cloudwatch_event_target" { arn = aws_lambda_function.answer.arn }',
)
async def event_rules(
    place: Place,
    aws: Aws,
    *,
    severity: Literal["low", "medium", "high", "critical"] = "high",
    sources: Annotated[tuple[Source, ...], Field(min_length=1)] = ("aws.guardduty", "aws.securityhub"),
    window: Duration = days(90),
    region: str = "",
) -> Verdict:
    """Findings start an automatic answer that works (GuardDuty User Guide, "Processing findings with EventBridge").

    An enabled rule takes findings of one of `sources` as they come, and starts a Lambda function, a state machine or
    an Automation; one that only tells people (SNS, a queue) is no answer, and Security Hub's custom actions start
    only when someone clicks. CloudWatch must have seen it start within `window`, and no start that failed. A rule
    that never started has no data there: it is not shown to work, and that is no pass. Events forwarded to the default
    or another bus of a place under audit are followed there.

    Args:
        severity: findings of this severity must be taken.
        sources: where the findings may come from; one is enough.
        window: how far back starts are looked for; CloudWatch keeps 455 days.
        region: the region where findings are gathered, where they are; other regions are then not judged.
    """
    if region and region_of(place) != region:
        return not_applicable(f"findings are gathered in {region}")
    taking = await _taking(aws, place, DEFAULT_BUS, _findings(sources, severity))
    forwarded, unseen = await _forwarded(aws, place, taking, _findings(sources, severity))
    answering = [one for one in (*taking, *forwarded) if one.starts]
    if answering:
        return await _works(aws, answering, min(max(window.days, 1), KEPT_DAYS))
    if unseen:
        return undetermined(
            f"findings go to {unseen[0]}, which is not audited", fix="audit that account and region too"
        )
    if taking:
        return failed(f"{', '.join(str(one) for one in taking)} takes findings and starts nothing that answers")
    return failed("no enabled rule takes findings", want=f"{' or '.join(sources)}, {severity}")


def _findings(sources: Sequence[Source], severity: str) -> list[dict[str, Any]]:
    """Findings of a severity as the services send them; what is not named here may be anything."""
    hub = {"Label": severity.upper(), "Normalized": {"low": 1, "medium": 40, "high": 70, "critical": 90}[severity]}
    # Each of Security Hub's two formats has fields that the other lacks.
    first = {"RecordState": "ACTIVE", "Workflow": {"Status": "NEW"}, "WorkflowState": "NEW", "Severity": hub}
    second = {**dict.fromkeys(first), "severity": severity.capitalize()}
    of_guardduty = [
        {"source": "aws.guardduty", "detail-type": "GuardDuty Finding", "detail": {"severity": number}}
        for number in SEVERITIES[severity]
    ]
    of_hub = [
        {"source": "aws.securityhub", "detail-type": kind, "detail": {"findings": finding}}
        for kind, finding in (
            ("Security Hub Findings - Imported", {**first, "severity": None}),
            ("Findings Imported V2", second),
        )
    ]
    return [one for one in (*of_guardduty, *of_hub) if one["source"] in sources]


async def _taking(aws: Aws, place: Place, bus: str, findings: Sequence[dict[str, Any]]) -> list[Answering]:
    """The enabled rules of a bus that take findings."""
    found = []
    for rule in (await aws.event_rules_in(place, bus)).items:
        pattern = parse_pattern(rule.pattern) if rule.enabled and not rule.managed_by else None
        taken = [one for one in findings if pattern is not None and matches(pattern, one)]
        if pattern is not None and taken:
            targets = await aws.event_targets(place, bus, rule.name)
            found.append(
                Answering(
                    rule,
                    starts=tuple(arn for arn in targets if AUTOMATIONS.match(arn)),
                    forwards=tuple(arn for arn in targets if BUS.fullmatch(arn)),
                    narrowed=tuple(narrowed_by(pattern, taken[0])),
                )
            )
    return found


async def _forwarded(
    aws: Aws, place: Place, taking: Sequence[Answering], findings: Sequence[dict[str, Any]]
) -> tuple[list[Answering], list[str]]:
    """The rules that take findings where they are forwarded to, and the buses that are not under audit."""
    audited = set((await aws.places()).items)
    found: list[Answering] = []
    unseen = []
    for arn in dict.fromkeys(arn for one in taking for arn in one.forwards):
        region, account, bus = BUS.fullmatch(arn).groups()  # type: ignore[union-attr]  # as _taking chose them
        there = f"{account}/{region}"
        if there not in audited:
            unseen.append(arn)
        elif (there, bus) != (place, DEFAULT_BUS):
            found += await _taking(aws, there, bus, findings)
    return found, unseen


async def _works(aws: Aws, answering: Sequence[Answering], window_days: int) -> Verdict:
    """Whether the rules have started what they start, and without a failure."""
    started = []
    for one in answering:
        runs = await aws.event_rule_runs(one.rule.place, one.rule.bus, one.rule.name, window_days)
        if runs.failed:
            return failed(f"{one} failed {runs.failed:g} times in {window_days} days", got=runs.failed, want=0)
        if runs.started:
            started.append(f"{one} started {runs.started:g} times")
    if started:
        return passed(f"{'; '.join(started)} in {window_days} days, and never failed")
    names = ", ".join(str(one) for one in answering)
    return undetermined(
        f"{names} has never started in {window_days} days, so it is not shown to work",
        fix="aws guardduty create-sample-findings --detector-id ID, and audit again; or lengthen `window`",
    )
