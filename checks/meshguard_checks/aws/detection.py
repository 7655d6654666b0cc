"""Checks of what watches an account: GuardDuty, Security Hub and AWS Config."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal

from meshguard.api import Duration, Field, Verdict, check, failed, passed, show_duration, undetermined
from meshguard.targets.aws import Aws, Place, account_of, region_of
from meshguard.targets.aws.detection import ConfigRule, Delivery, Detector, Recorder, Standard

FREQUENCIES = {
    "FIFTEEN_MINUTES": timedelta(minutes=15),
    "ONE_HOUR": timedelta(hours=1),
    "SIX_HOURS": timedelta(hours=6),
}
LEVELS = {"low": 1, "medium": 4, "high": 7, "critical": 9}
"""The least number of each severity (GuardDuty User Guide, "Severity levels of GuardDuty findings")."""
Level = Literal["low", "medium", "high", "critical"]
IAM_TYPES = ("AWS::IAM::Group", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::IAM::User")
GUARDDUTY_FIX = (
    "aws guardduty create-detector --enable --finding-publishing-frequency FIFTEEN_MINUTES\n"
    'Terraform: resource "aws_guardduty_detector" { enable = true }'
)
OFF = "GuardDuty is off: there is no detector"


@check("aws.guardduty", method="examine", over=Aws.places, fix=GUARDDUTY_FIX)
async def guardduty(
    place: Place,
    aws: Aws,
    *,
    features: tuple[Annotated[str, Field(pattern=r"^[A-Z0-9_]+(/[A-Z0-9_]+)?$")], ...] = (),
    publish_every: Duration = timedelta(hours=6),
    exported: bool = False,
    administrator: Annotated[str, Field(pattern=r"^(\d{12})?$")] = "",
) -> Verdict:
    """GuardDuty is on in the region and publishes its findings (GuardDuty User Guide, "Getting started").

    A region without a detector, and one whose detector is suspended, are not watched. In an organisation the
    administrator's account holds a detector of its own in each region, and each member another.

    Args:
        features: protection plans that must be on, such as S3_DATA_EVENTS, RDS_LOGIN_EVENTS, or
            RUNTIME_MONITORING/ECS_FARGATE_AGENT_MANAGEMENT.
        publish_every: longest accepted time between updates of a finding to EventBridge; 15m, 1h or 6h.
        exported: whether findings must also be exported to a bucket.
        administrator: the account that must administer the detector; others may then not switch it off.
    """
    detectors = (await aws.detectors_in(place)).items
    detector = next((one for one in detectors if one.enabled), None)
    if detector is None:
        return failed("GuardDuty is suspended" if detectors else OFF)
    problem = _plans(detector, features) or _publishing(detector, publish_every)
    if not problem and exported:
        states = await aws.detector_exports(place, detector.name)
        problem = (
            "" if "PUBLISHING" in states else f"no export of findings works: {', '.join(states) or 'there is none'}"
        )
    if not problem and administrator and account_of(place) != administrator:
        found = await aws.detector_administrator(place, detector.name)
        problem = "" if found == administrator else f"its administrator is {found or 'none'}, wanted {administrator}"
    return failed(problem) if problem else passed("GuardDuty is on and publishes its findings", got=detector.name)


def _plans(detector: Detector, features: Sequence[str]) -> str:
    missing = [name for name in features if not detector.features.get(name)]
    return f"GuardDuty is on without {', '.join(missing)}" if missing else ""


def _publishing(detector: Detector, publish_every: timedelta) -> str:
    every = FREQUENCIES.get(detector.frequency)
    if every is None:
        return f"findings are published {detector.frequency or 'at no known interval'}"
    return f"findings are updated every {show_duration(every)}" if every > publish_every else ""


@check(
    "aws.guardduty_findings",
    method="test",
    over=Aws.places,
    fix="Look into each, and archive it when it is dealt with: aws guardduty archive-findings --detector-id ID "
    "--finding-ids FINDING\nTerraform: nothing to set; findings are answered, not configured.",
)
async def guardduty_findings(place: Place, aws: Aws, *, severity: Level = "high") -> Verdict:
    """No finding of GuardDuty at or above `severity` is open (GuardDuty User Guide, "Managing GuardDuty findings").

    Open is what is not archived; what a suppression rule archives is not open. Without a detector that is on, nothing
    looks for threats, and their absence says nothing.

    Args:
        severity: the least severity that counts: low from 1, medium from 4, high from 7, critical from 9.
    """
    detectors = (await aws.detectors_in(place)).items
    detector = next((one for one in detectors if one.enabled), None)
    if detector is None:
        return undetermined("GuardDuty is suspended" if detectors else OFF, fix=GUARDDUTY_FIX)
    found = await aws.threats(place, detector.name, LEVELS[severity])
    if found.count:
        types = list(dict.fromkeys(f"{one.type} ({one.severity:g})" for one in found.shown))
        more = ", ..." if len(types) > 3 else ""
        return failed(f"open findings: {found.count}, such as {', '.join(types[:3])}{more}", got=found.count, want=0)
    return passed(f"no finding of severity {severity} or more is open", got=0, want=0)


@check(
    "aws.securityhub",
    method="examine",
    over=Aws.places,
    fix="aws securityhub enable-security-hub --enable-default-standards\n"
    'Terraform: resource "aws_securityhub_account" {}, resource "aws_securityhub_standards_subscription" { '
    "standards_arn = ... }",
)
async def securityhub(place: Place, aws: Aws, *, standards: tuple[str, ...] = ()) -> Verdict:
    """Security Hub holds the region against a standard (AWS Security Hub User Guide, "Enabling a security standard").

    A standard counts when it is READY; INCOMPLETE and FAILED most often lack a recorder of AWS Config.

    Args:
        standards: those that must be ready, each as its ARN has it after `standards/` or `ruleset/`, such as
            aws-foundational-security-best-practices or cis-aws-foundations-benchmark/v/5.0.0; none: any one.
    """
    found = await aws.security_standards(place)
    if found is None:
        return failed("Security Hub is off")
    ready = [one for one in found if one.status == "READY"]
    missing = [name for name in standards if not any(_is_named(one, name) for one in ready)]
    if ready and not missing:
        names = [one.arn.partition("/")[2] for one in ready]
        return passed(f"Security Hub is on, with {', '.join(names)}", got=names)
    others = [f"{one.arn.partition('/')[2]} is {one.status}" for one in found if one.status != "READY"]
    lacking = f"{', '.join(missing)} not ready" if missing else "no standard ready"
    return failed(f"Security Hub is on, with {lacking}" + (f": {'; '.join(others)}" if others else ""))


def _is_named(standard: Standard, name: str) -> bool:
    """Whether the ARN's name is this one, with or without its version."""
    return f"{standard.arn.partition('/')[2]}/".startswith(f"{name.strip('/')}/")


@check(
    "aws.config_rules",
    method="examine",
    over=Aws.places,
    fix="aws configservice put-config-rule --config-rule ConfigRuleName=encrypted-volumes,"
    "Source={Owner=AWS,SourceIdentifier=ENCRYPTED_VOLUMES}; encrypt what it names\n"
    'Terraform: resource "aws_config_config_rule" { source { owner = "AWS", '
    'source_identifier = "ENCRYPTED_VOLUMES" } }',
)
async def config_rules(
    place: Place,
    aws: Aws,
    *,
    rules: tuple[Annotated[str, Field(pattern=r"^[A-Z0-9_]+$")], ...] = (
        "ENCRYPTED_VOLUMES",
        "RDS_STORAGE_ENCRYPTED",
        "S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED",
    ),
    may_exclude: tuple[str, ...] = IAM_TYPES,
    global_region: str = "",
) -> Verdict:
    """AWS Config records all, delivers, and finds `rules` kept (AWS Config Developer Guide, "Config Managed Rules").

    The recorder takes every kind of resource that it supports. Rules are known by their identifiers, whatever a
    conformance pack or Security Hub called them. One that looks at a single resource or tag, or only at what is about
    to be deployed, does not count. A rule without data has judged nothing: that is no pass, and where the account
    has no such resource, leave the rule out of `rules`.

    Args:
        rules: identifiers of managed rules; none: the recorder alone is judged.
        may_exclude: types that the recorder may leave out; IAM's are recorded in one region, as AWS advises.
        global_region: the region where IAM's types must be recorded too.
    """
    wants_iam = region_of(place) == global_region
    recorders, deliveries = await aws.recorders(place), await aws.config_deliveries(place)
    trouble = _recorder(recorders, () if wants_iam else may_exclude, wants_iam) or _delivery(deliveries)
    if trouble is not None:
        return trouble
    if not rules:
        return passed("AWS Config records all and delivers")
    return await _kept(place, aws, rules)


def _recorder(recorders: Sequence[Recorder], may_exclude: Sequence[str], wants_iam: bool) -> Verdict | None:
    """Why no recorder records all; None where one does."""
    problems = [_gap(one, may_exclude, wants_iam) for one in recorders]
    if recorders and "" in problems:
        return None
    return failed("; ".join(problems) or "AWS Config is off: there is no recorder")


def _gap(recorder: Recorder, may_exclude: Sequence[str], wants_iam: bool) -> str:
    if not recorder.recording:
        return f"the recorder {recorder.name} is stopped"
    if recorder.last_status == "failure":
        return f"the recorder {recorder.name} failed last"
    if recorder.strategy.startswith("INCLUSION"):
        return f"the recorder {recorder.name} records {len(recorder.types)} kinds of resources alone"
    excluded = sorted(set(recorder.types) - set(may_exclude)) if recorder.strategy.startswith("EXCLUSION") else []
    if excluded:
        return f"the recorder {recorder.name} leaves out {', '.join(excluded)}"
    is_all = recorder.strategy.startswith("ALL")
    return f"the recorder {recorder.name} leaves out IAM" if wants_iam and is_all and not recorder.global_types else ""


def _delivery(deliveries: Sequence[Delivery]) -> Verdict | None:
    """Why nothing is known to be delivered; None where it is."""
    if not deliveries:
        return failed("AWS Config delivers nowhere: there is no delivery channel")
    broken = [f"{kind} of {one.name}" for one in deliveries for kind, last in one.last.items() if last == "failure"]
    if broken:
        return failed(f"AWS Config failed to deliver the {', '.join(broken)}")
    if not any("success" in one.last.values() for one in deliveries):
        return undetermined("AWS Config has delivered nothing yet", fix="it delivers every six hours: audit again")
    return None


async def _kept(place: Place, aws: Aws, rules: Sequence[str]) -> Verdict:
    """What AWS Config says of the rules, the worst first."""
    found = (await aws.config_rules_in(place)).items
    compliance = await aws.config_compliance(place)
    said = {name: [_said(one, compliance) for one in found if _counts(one, name)] for name in rules}
    absent = [name for name, several in said.items() if not several]
    broken = [name for name, several in said.items() if "NON_COMPLIANT" in several]
    if absent or broken:
        parts = [f"no active rule {', '.join(absent)}"] if absent else []
        return failed("; ".join([*parts, *(f"{name} is NON_COMPLIANT" for name in broken)]), want="COMPLIANT")
    silent = {name: several[0] for name, several in said.items() if "COMPLIANT" not in several}
    if silent:
        told = ", ".join(f"{name} says {answer}" for name, answer in silent.items())
        return undetermined(told, fix="leave out the rules that nothing in the account falls under")
    return passed(f"AWS Config records all, and finds {', '.join(rules)} kept", got="COMPLIANT", want="COMPLIANT")


def _counts(rule: ConfigRule, identifier: str) -> bool:
    """Whether it is the managed rule, at work on all that is deployed; EVALUATING is at work just now."""
    is_managed = rule.owner == "AWS" and rule.identifier == identifier
    return is_managed and rule.state in ("ACTIVE", "EVALUATING") and rule.detective and not rule.narrowed


def _said(rule: ConfigRule, compliance: dict[str, str]) -> str:
    return compliance.get(rule.name, "INSUFFICIENT_DATA")
