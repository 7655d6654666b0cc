"""Checks of secrets against the test cloud: a good account, each weakness, and what is denied."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from examples.healthmesh.cloud import secrets
from examples.healthmesh.cloud.builder import Cloud, CloudDefect
from examples.healthmesh.cloud.server import running
from tests.live.aws_identity_help import Outcomes, audit, failing

from meshguard.evidence import Evidence
from meshguard.targets.aws import Aws, AwsSettings
from meshguard_checks.aws.secrets import secret_age, secret_rotation, secrets_manager_in_use

CHECKS = (secret_age, secret_rotation, secrets_manager_in_use)
AGE, ROTATION, IN_USE = (check.id for check in CHECKS)
COMPARED = {AGE: {"compare_values": True}}
HOME = "123456789012/us-east-1"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        with running() as server:
            yield Cloud(server.endpoint)


@pytest.fixture(autouse=True)
def _empty(cloud: Cloud) -> None:
    cloud.control.reset()


def audited(cloud: Cloud, **given: object) -> Outcomes:
    return audit(cloud.endpoint, CHECKS, secrets_named=[secrets.NAMED], **given)


def test_each_resource_gets_the_verdict_that_it_deserves(cloud: Cloud) -> None:
    secrets.good(cloud, 3)
    secrets.bad(cloud, 3)
    assert audited(cloud) == secrets.manifest(cloud, 3)


def test_all_secrets_take_one_call_for_each_hundred(cloud: Cloud) -> None:
    for i in range(120):
        secrets.secret(cloud, f"mg-secret-good-{i}")
    cloud.control.forget_calls()
    outcomes = audit(cloud.endpoint, [secret_age, secret_rotation])
    assert len(outcomes) == 240
    assert set(outcomes.values()) == {"pass"}
    assert {name: n for name, n in cloud.control.counts().items() if name.startswith("secrets")} == {
        "secretsmanager:ListSecrets": 2
    }


@pytest.mark.parametrize("defect", secrets.DEFECTS, ids=lambda defect: defect.name)
def test_a_weakness_trips_its_check_alone(cloud: Cloud, defect: CloudDefect) -> None:
    secrets.good(cloud)
    defect.plant(cloud)
    assert failing(audited(cloud)) == {defect.check, *defect.also}


def test_values_are_compared_where_it_is_asked(cloud: Cloud) -> None:
    secrets.good(cloud)
    same = secrets.secret(cloud, "mg-secret-same", new_value=False)
    assert not failing(audited(cloud))
    outcomes = audited(cloud, parameters=COMPARED)
    assert [resource for (check, resource), said in outcomes.items() if (check, said) == (AGE, "fail")] == [same]


@pytest.mark.parametrize(
    ("operation", "checks"),
    [
        ("secretsmanager:ListSecrets", {AGE, ROTATION, IN_USE}),
        ("secretsmanager:GetSecretValue", {AGE}),
        ("ecs:ListTaskDefinitionFamilies", {IN_USE}),
        ("ecs:ListClusters", {IN_USE}),
        ("ecs:ListServices", {IN_USE}),
        ("ecs:ListTasks", {IN_USE}),
        ("ecs:DescribeServices", {IN_USE}),
        ("ecs:DescribeTaskDefinition", {IN_USE}),
        ("lambda:ListFunctions", {IN_USE}),
        ("ssm:DescribeParameters", {IN_USE}),
        ("ssm:GetParameters", {IN_USE}),
    ],
)
def test_what_is_denied_is_never_a_pass(cloud: Cloud, operation: str, checks: set[str]) -> None:
    secrets.good(cloud)
    cloud.client("ecs").create_service(
        cluster="mg-cluster-secrets", serviceName="mg-service", taskDefinition="mg-task-good-1:1", desiredCount=0
    )
    cloud.control.fault(operation, "denied")
    outcomes = audited(cloud, parameters=COMPARED)
    assert {check for (check, _), outcome in outcomes.items() if outcome in ("error", "unread")} == checks
    assert not failing(outcomes)


def test_a_value_put_by_hand_counts_and_a_new_description_does_not(cloud: Cloud) -> None:
    manager = cloud.client("secretsmanager")
    with secrets.long_ago(cloud, 100):
        put, told = (secrets.secret(cloud, name, every_days=0) for name in ("mg-secret-put", "mg-secret-told"))
    manager.put_secret_value(SecretId=put, SecretString="another")
    manager.update_secret(SecretId=told, Description="seen")
    # moto says now for every version; these dates are AWS's.
    for arn, days in ((put, 0), (told, 100)):
        made = datetime.now(UTC) - timedelta(days=days)
        version = {"VersionId": "v" * 32, "VersionStages": ["AWSCURRENT"], "CreatedDate": made.timestamp()}
        answer = {"ARN": arn, "Versions": [version]}
        cloud.control.answer("secretsmanager:ListSecretVersionIds", answer, match=arn)
    assert audit(cloud.endpoint, [secret_age]) == {(AGE, put): "pass", (AGE, told): "fail"}


async def test_no_value_is_in_the_evidence(cloud: Cloud) -> None:
    value = "Tr0ub4dor-and-3-more"
    secrets.secret(cloud, "mg-secret-read")
    cloud.client("secretsmanager").put_secret_value(SecretId="mg-secret-read", SecretString=value)
    secrets.task(cloud, "mg-task", environment={"DB_PASSWORD": value})
    secrets.function(cloud, "mg-function", {"API_TOKEN": value})
    secrets.parameter(cloud, "/mg/db-password", value)
    evidence = Evidence()
    aws = Aws(AwsSettings.model_validate({"name": "main", "region": "us-east-1", "endpoint": cloud.endpoint}), evidence)
    uses = await aws.secret_uses()
    for one in (await aws.secrets()).items:
        await aws.secret_differs(one.place, one.arn)
    await aws.close()
    held = [one.value for use in uses.items for one in use.variables]
    assert len({one.alias for one in held}) == 1, "equal values are seen as equal"
    assert len(held) == 3
    recorded = json.dumps([one.value for one in evidence.observations.values()])
    assert "mg-secret-read" in recorded
    assert value not in recorded


def test_what_runs_is_no_pass_where_tasks_may_not_be_described(cloud: Cloud) -> None:
    secrets.good(cloud)
    cluster = f"arn:aws:ecs:us-east-1:{cloud.account}:task"
    cloud.control.answer("ecs:ListTasks", {"taskArns": [f"{cluster}/mg-cluster-secrets/0f"]})
    cloud.control.fault("ecs:DescribeTasks", "denied")
    outcomes = audit(cloud.endpoint, [secrets_manager_in_use])
    assert outcomes[IN_USE, f"{HOME}/ecs"] == "unread"
    assert not [name for _, name in outcomes if "task-definition" in name]


def test_a_task_that_runs_an_older_revision_counts(cloud: Cloud) -> None:
    secrets.good(cloud)
    secrets.task(cloud, "mg-task-revised", environment={"DB_PASSWORD": "hunter2"})
    secrets.task(cloud, "mg-task-revised", environment={"LOG_LEVEL": "info"})
    assert not failing(audit(cloud.endpoint, [secrets_manager_in_use]))
    start = f"arn:aws:ecs:us-east-1:{cloud.account}"
    task = {"taskArn": f"{start}:task/c/0f", "taskDefinitionArn": f"{start}:task-definition/mg-task-revised:1"}
    cloud.control.answer("ecs:ListTasks", {"taskArns": [task["taskArn"]]})
    cloud.control.answer("ecs:DescribeTasks", {"tasks": [task], "failures": []})
    outcomes = audit(cloud.endpoint, [secrets_manager_in_use])
    assert [name for (_, name), said in outcomes.items() if said == "fail"] == [task["taskDefinitionArn"]]


def test_a_named_secret_is_not_missing_while_a_region_could_not_be_read(cloud: Cloud) -> None:
    regions = {"region": None, "regions": ["us-east-1", "eu-west-1"], "secrets_named": ["elsewhere"]}
    named = (IN_USE, "secret elsewhere")
    assert audit(cloud.endpoint, [secrets_manager_in_use], **regions)[named] == "fail"
    cloud.control.fault("secretsmanager:ListSecrets", "denied", region="eu-west-1")
    assert audit(cloud.endpoint, [secrets_manager_in_use], **regions)[named] == "not-checked"
    cloud.client("secretsmanager").create_secret(Name="elsewhere", SecretString="x")
    assert audit(cloud.endpoint, [secrets_manager_in_use], **regions)[named] == "pass"
