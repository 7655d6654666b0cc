"""aws.guardduty, aws.guardduty_findings, aws.securityhub and aws.config_rules."""

from typing import Any

import pytest

from meshguard.api import Denied, Fact, Listing, Verdict
from meshguard.targets.aws import Aws
from meshguard.targets.aws.detection import (
    ConfigRule,
    Delivery,
    Detector,
    FoundThreat,
    Recorder,
    Standard,
    Threats,
)
from meshguard.testing import judge, recorded
from meshguard_checks.aws.detection import config_rules, guardduty, guardduty_findings, securityhub

row = pytest.param
OURS, ADMIN = "111122223333", "999988887777"
PLACE = f"{OURS}/us-east-1"
DENIED = Denied("access denied", fix="allow it")
Facts = dict[Fact[Any, Any, Any], dict[tuple[Any, ...], object]]
NONE: Listing[Detector] = Listing(items=())


def detector(**changes: Any) -> Listing[Detector]:
    good: dict[str, Any] = {
        "arn": f"arn:aws:guardduty:us-east-1:{OURS}:detector/d1",
        "place": PLACE,
        "name": "d1",
        "enabled": True,
        "frequency": "FIFTEEN_MINUTES",
        "features": {"S3_DATA_EVENTS": True, "RDS_LOGIN_EVENTS": False, "RUNTIME_MONITORING": True},
    }
    return Listing(items=(Detector.model_validate({**good, **changes}),))


def told(verdict: Verdict, outcome: str, message: str) -> None:
    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


ECS = "RUNTIME_MONITORING/ECS_FARGATE_AGENT_MANAGEMENT"


@pytest.mark.parametrize(
    ("found", "parameters", "outcome", "message"),
    [
        row(detector(), {}, "pass", "GuardDuty is on", id="on"),
        row(NONE, {}, "fail", "there is no detector", id="never enabled"),
        row(detector(enabled=False), {}, "fail", "suspended", id="suspended"),
        row(DENIED, {}, "error", "access denied", id="denied"),
        row(detector(), {"features": ["S3_DATA_EVENTS"]}, "pass", "is on", id="with a plan that is wanted"),
        row(detector(), {"features": ["RDS_LOGIN_EVENTS"]}, "fail", "RDS_LOGIN_EVENTS", id="with a plan that is off"),
        row(detector(), {"features": ["EKS_AUDIT_LOGS"]}, "fail", "EKS_AUDIT_LOGS", id="with a plan it does not tell"),
        row(detector(), {"features": [ECS]}, "fail", ECS, id="without an option of a plan"),
        row(detector(features={ECS: True}), {"features": [ECS]}, "pass", "is on", id="with an option of a plan"),
        row(detector(frequency="SIX_HOURS"), {}, "pass", "publishes", id="every six hours"),
        row(detector(frequency="SIX_HOURS"), {"publish_every": "1h"}, "fail", "every 6h", id="six hours, one wanted"),
        row(detector(frequency="ONE_HOUR"), {"publish_every": "1h"}, "pass", "publishes", id="one hour, one wanted"),
        row(detector(frequency="ONE_HOUR"), {"publish_every": "15m"}, "fail", "every 1h", id="one hour, 15m wanted"),
        row(detector(frequency=""), {}, "fail", "no known interval", id="it does not say how often"),
    ],
)
async def test_guardduty(found: object, parameters: dict[str, Any], outcome: str, message: str) -> None:
    aws = recorded(Aws, {Aws.detectors_in: {(PLACE,): found}}, region="us-east-1")

    told(await judge(guardduty, PLACE, aws, **parameters), outcome, message)


@pytest.mark.parametrize(
    ("states", "outcome", "message"),
    [
        row(("PUBLISHING",), "pass", "is on", id="exports"),
        row((), "fail", "there is none", id="exports nowhere"),
        row(("UNABLE_TO_PUBLISH_FIX_DESTINATION_PROPERTY",), "fail", "UNABLE_TO", id="can't export"),
        row(("PENDING_VERIFICATION",), "fail", "PENDING", id="not yet"),
        row(("PUBLISHING", "STOPPED"), "pass", "is on", id="one of two"),
        row(DENIED, "error", "access denied", id="denied"),
    ],
)
async def test_guardduty_exports(states: object, outcome: str, message: str) -> None:
    facts: Facts = {Aws.detectors_in: {(PLACE,): detector()}, Aws.detector_exports: {(PLACE, "d1"): states}}

    told(await judge(guardduty, PLACE, recorded(Aws, facts, region="us-east-1"), exported=True), outcome, message)


@pytest.mark.parametrize(
    ("found", "wanted", "outcome", "message"),
    [
        row(ADMIN, ADMIN, "pass", "is on", id="the wanted one"),
        row("", ADMIN, "fail", "its administrator is none", id="none, or not enabled"),
        row("123456789012", ADMIN, "fail", "its administrator is 123456789012", id="another"),
        row(DENIED, ADMIN, "error", "access denied", id="denied"),
        row(DENIED, OURS, "pass", "is on", id="the account itself, which has none"),
    ],
)
async def test_guardduty_administrator(found: object, wanted: str, outcome: str, message: str) -> None:
    facts: Facts = {Aws.detectors_in: {(PLACE,): detector()}, Aws.detector_administrator: {(PLACE, "d1"): found}}
    aws = recorded(Aws, facts, region="us-east-1")

    told(await judge(guardduty, PLACE, aws, administrator=wanted), outcome, message)


def threats(*severities: float) -> Threats:
    shown = tuple(FoundThreat(type="UnauthorizedAccess:EC2/SSHBruteForce", severity=one) for one in severities)
    return Threats(count=len(severities), shown=shown)


@pytest.mark.parametrize(
    ("found", "open_from", "parameters", "outcome", "message"),
    [
        row(detector(), {7: threats()}, {}, "pass", "no finding of severity high or more", id="none"),
        row(detector(), {7: threats(8.0)}, {}, "fail", "open findings: 1, such as Unauth", id="one of 8"),
        row(detector(), {4: threats(5.0)}, {"severity": "medium"}, "fail", "(5)", id="one of 5 where medium counts"),
        row(detector(), {9: threats()}, {"severity": "critical"}, "pass", "critical", id="none of 9"),
        row(detector(), {1: threats(2.0, 1.0)}, {"severity": "low"}, "fail", "findings: 2", id="two of low severity"),
        row(detector(), {7: DENIED}, {}, "error", "access denied", id="findings denied"),
        row(NONE, {}, {}, "not-checked", "no detector", id="no detector"),
        row(detector(enabled=False), {7: threats()}, {}, "not-checked", "suspended", id="suspended, and none"),
        row(DENIED, {}, {}, "error", "access denied", id="detectors denied"),
    ],
)
async def test_findings(
    found: object, open_from: dict[int, object], parameters: dict[str, Any], outcome: str, message: str
) -> None:
    facts: Facts = {
        Aws.detectors_in: {(PLACE,): found},
        Aws.threats: {(PLACE, "d1", at_least): said for at_least, said in open_from.items()},
    }

    told(
        await judge(guardduty_findings, PLACE, recorded(Aws, facts, region="us-east-1"), **parameters), outcome, message
    )


FSBP = "aws-foundational-security-best-practices"
CIS = "cis-aws-foundations-benchmark"


def standard(name: str, status: str = "READY") -> Standard:
    return Standard(arn=f"arn:aws:securityhub:us-east-1::standards/{name}/v/1.0.0", status=status)


OLD_CIS = Standard(arn=f"arn:aws:securityhub:::ruleset/{CIS}/v/1.2.0", status="READY")


@pytest.mark.parametrize(
    ("found", "wanted", "outcome", "message"),
    [
        row((standard(FSBP),), [], "pass", FSBP, id="one that is ready"),
        row(None, [], "fail", "Security Hub is off", id="off"),
        row((), [], "fail", "no standard ready", id="no standard"),
        row((standard(FSBP, "INCOMPLETE"),), [], "fail", "is INCOMPLETE", id="incomplete"),
        row((standard(FSBP, "PENDING"),), [], "fail", "is PENDING", id="not yet"),
        row((standard(FSBP, "DELETING"),), [], "fail", "is DELETING", id="going"),
        row((standard(FSBP, "FAILED"), standard(CIS)), [], "pass", CIS, id="one of two"),
        row((standard(FSBP), standard(CIS)), [FSBP, CIS], "pass", FSBP, id="both that are wanted"),
        row((standard(FSBP),), [FSBP, CIS], "fail", f"with {CIS} not ready", id="one of the wanted is not there"),
        row((standard(FSBP), standard(CIS, "FAILED")), [CIS], "fail", "is FAILED", id="the wanted one is not ready"),
        row((standard(FSBP),), [f"{FSBP}/v/1.0.0"], "pass", FSBP, id="with its version"),
        row((standard(FSBP),), [f"{FSBP}/v/2.0.0"], "fail", "v/2.0.0", id="another version"),
        row((standard(f"{FSBP}-2"),), [FSBP], "fail", "not ready", id="a name that only begins so"),
        row((OLD_CIS,), [CIS], "pass", CIS, id="a ruleset"),
        row(DENIED, [], "error", "access denied", id="denied"),
    ],
)
async def test_securityhub(found: object, wanted: list[str], outcome: str, message: str) -> None:
    aws = recorded(Aws, {Aws.security_standards: {(PLACE,): found}}, region="us-east-1")

    told(await judge(securityhub, PLACE, aws, standards=wanted), outcome, message)


IAM = ("AWS::IAM::Group", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::IAM::User")
EBS = "ENCRYPTED_VOLUMES"
ALL, ONLY, BUT = "ALL_SUPPORTED_RESOURCE_TYPES", "INCLUSION_BY_RESOURCE_TYPES", "EXCLUSION_BY_RESOURCE_TYPES"


def recorder(**changes: Any) -> Recorder:
    good = {"name": "default", "recording": True, "last_status": "success", "strategy": ALL, "global_types": True}
    return Recorder.model_validate({**good, **changes})


def delivery(**last: str) -> Delivery:
    return Delivery(name="default", last=last)


def rule(name: str = "encrypted-volumes", **changes: Any) -> ConfigRule:
    good = {
        "arn": f"arn:aws:config:us-east-1:{OURS}:config-rule/{name}",
        "place": PLACE,
        "name": name,
        "owner": "AWS",
        "identifier": EBS,
        "state": "ACTIVE",
    }
    return ConfigRule.model_validate({**good, **changes})


async def of_config(
    recorders: object = (recorder(),),
    deliveries: object = (delivery(history="success"),),
    rules: object = (rule(),),
    compliance: object = None,
    **parameters: Any,
) -> Verdict:
    facts: Facts = {
        Aws.recorders: {(PLACE,): recorders},
        Aws.config_deliveries: {(PLACE,): deliveries},
        Aws.config_rules_in: {(PLACE,): Listing(items=rules) if isinstance(rules, tuple) else rules},
        Aws.config_compliance: {(PLACE,): {"encrypted-volumes": "COMPLIANT"} if compliance is None else compliance},
    }
    aws = recorded(Aws, facts, region="us-east-1")
    return await judge(config_rules, PLACE, aws, rules=[EBS], **parameters)


@pytest.mark.parametrize(
    ("recorders", "parameters", "outcome", "message"),
    [
        row((recorder(),), {}, "pass", "records all", id="all"),
        row((), {}, "fail", "there is no recorder", id="none"),
        row((recorder(recording=False),), {}, "fail", "is stopped", id="stopped"),
        row((recorder(last_status="failure"),), {}, "fail", "failed last", id="failing"),
        row((recorder(last_status="pending"),), {}, "pass", "records all", id="pending"),
        row((recorder(strategy=ONLY, types=("AWS::EC2::Volume",)),), {}, "fail", "1 kinds", id="some kinds alone"),
        row((recorder(strategy=BUT, types=IAM),), {}, "pass", "records all", id="all but IAM"),
        row((recorder(strategy=BUT, types=IAM),), {"may_exclude": []}, "fail", "leaves out", id="all but IAM, refused"),
        row(
            (recorder(strategy=BUT, types=(*IAM, "AWS::S3::Bucket")),),
            {},
            "fail",
            "leaves out AWS::S3::Bucket",
            id="all but buckets",
        ),
        row((recorder(strategy=BUT),), {}, "pass", "records all", id="all but nothing"),
        row((recorder(global_types=False),), {}, "pass", "records all", id="without IAM"),
        row(
            (recorder(global_types=False),),
            {"global_region": "us-east-1"},
            "fail",
            "leaves out IAM",
            id="without IAM in the region where it is wanted",
        ),
        row(
            (recorder(strategy=BUT, types=IAM),),
            {"global_region": "us-east-1"},
            "fail",
            "leaves out AWS::IAM::Group",
            id="all but IAM in the region where it is wanted",
        ),
        row(
            (recorder(global_types=False),),
            {"global_region": "eu-west-1"},
            "pass",
            "records all",
            id="without IAM in another region",
        ),
        row((recorder(),), {"global_region": "us-east-1"}, "pass", "records all", id="with IAM where it is wanted"),
        row(DENIED, {}, "error", "access denied", id="denied"),
    ],
)
async def test_config_recorder(recorders: object, parameters: dict[str, Any], outcome: str, message: str) -> None:
    told(await of_config(recorders=recorders, **parameters), outcome, message)


@pytest.mark.parametrize(
    ("deliveries", "outcome", "message"),
    [
        row((delivery(history="success"),), "pass", "records all", id="history"),
        row((delivery(stream="success", history="not_applicable"),), "pass", "records all", id="stream"),
        row((), "fail", "no delivery channel", id="no channel"),
        row((delivery(history="failure", stream="success"),), "fail", "history of default", id="history failed"),
        row((delivery(snapshot="failure", history="success"),), "fail", "snapshot", id="snapshot failed"),
        row((delivery(),), "not-checked", "nothing yet", id="a new channel"),
        row((delivery(stream="not_applicable"),), "not-checked", "nothing yet", id="a new channel without a topic"),
        row(DENIED, "error", "access denied", id="denied"),
    ],
)
async def test_config_delivery(deliveries: object, outcome: str, message: str) -> None:
    told(await of_config(deliveries=deliveries), outcome, message)


PACKED = "encrypted-volumes-conformance-pack-a1b2c3d4e"


@pytest.mark.parametrize(
    ("rules", "compliance", "outcome", "message"),
    [
        row((rule(),), {}, "not-checked", "INSUFFICIENT_DATA", id="no answer of compliance"),
        row((rule(),), {"encrypted-volumes": "COMPLIANT"}, "pass", "finds ENCRYPTED_VOLUMES kept", id="kept"),
        row((rule(),), {"encrypted-volumes": "NON_COMPLIANT"}, "fail", "is NON_COMPLIANT", id="broken"),
        row((rule(),), {"encrypted-volumes": "INSUFFICIENT_DATA"}, "not-checked", "INSUFFICIENT_DATA", id="no data"),
        row((rule(),), {"encrypted-volumes": "NOT_APPLICABLE"}, "not-checked", "NOT_APPLICABLE", id="nothing to judge"),
        row((), {}, "fail", "no active rule ENCRYPTED_VOLUMES", id="no rule"),
        row((rule(PACKED),), {PACKED: "COMPLIANT"}, "pass", "kept", id="a conformance pack's"),
        row((rule(state="EVALUATING"),), {"encrypted-volumes": "COMPLIANT"}, "pass", "kept", id="evaluating"),
        row((rule(state="DELETING"),), {"encrypted-volumes": "COMPLIANT"}, "fail", "no active rule", id="going"),
        row((rule(narrowed=True),), {"encrypted-volumes": "COMPLIANT"}, "fail", "no active rule", id="of one resource"),
        row((rule(detective=False),), {"encrypted-volumes": "COMPLIANT"}, "fail", "no active", id="proactive alone"),
        row((rule(owner="CUSTOM_LAMBDA"),), {"encrypted-volumes": "COMPLIANT"}, "fail", "no active", id="custom"),
        row((rule(identifier="EIP_ATTACHED"),), {"encrypted-volumes": "COMPLIANT"}, "fail", "no active", id="by name"),
        row(
            (rule(), rule(PACKED)),
            {"encrypted-volumes": "COMPLIANT", PACKED: "NON_COMPLIANT"},
            "fail",
            "is NON_COMPLIANT",
            id="twice, and broken by one",
        ),
        row(
            (rule(), rule(PACKED)),
            {"encrypted-volumes": "COMPLIANT", PACKED: "INSUFFICIENT_DATA"},
            "pass",
            "kept",
            id="twice, and one without data",
        ),
        row((rule(), rule(PACKED, narrowed=True)), {"encrypted-volumes": "COMPLIANT"}, "pass", "kept", id="one narrow"),
        row(DENIED, {}, "error", "access denied", id="rules denied"),
        row((rule(),), DENIED, "error", "access denied", id="compliance denied"),
    ],
)
async def test_config_compliance(rules: object, compliance: object, outcome: str, message: str) -> None:
    told(await of_config(rules=rules, compliance=compliance), outcome, message)


async def test_config_says_what_is_absent_and_what_is_broken() -> None:
    facts: Facts = {
        Aws.recorders: {(PLACE,): (recorder(),)},
        Aws.config_deliveries: {(PLACE,): (delivery(history="success"),)},
        Aws.config_rules_in: {(PLACE,): Listing(items=(rule(),))},
        Aws.config_compliance: {(PLACE,): {"encrypted-volumes": "NON_COMPLIANT"}},
    }
    verdict = await judge(config_rules, PLACE, recorded(Aws, facts, region="us-east-1"))

    told(verdict, "fail", "no active rule RDS_STORAGE_ENCRYPTED, S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED; ENCRYPTED_V")


async def test_config_without_rules_judges_the_recorder_alone() -> None:
    facts: Facts = {
        Aws.recorders: {(PLACE,): (recorder(),)},
        Aws.config_deliveries: {(PLACE,): (delivery(history="success"),)},
    }

    told(await judge(config_rules, PLACE, recorded(Aws, facts, region="us-east-1"), rules=[]), "pass", "delivers")
