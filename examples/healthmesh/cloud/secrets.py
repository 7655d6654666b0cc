"""Secrets of the test cloud's account, and what takes them: tasks of ECS, functions, parameters."""

from __future__ import annotations

import io
import json
import secrets
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .builder import Cloud, CloudDefect

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMED = "mg-secret-named"
"""The secret that the deployment names under `secrets_named`."""
OLD_DAYS = 400
ROLE = "mg-role-functions"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def good(cloud: Cloud, n: int = 1) -> None:
    """`n` rotated secrets, and `n` of each kind that takes them by reference; and the secret that is named."""
    secret(cloud, NAMED)
    cloud.client("ecs").create_cluster(clusterName="mg-cluster-secrets")
    for i in range(1, n + 1):
        arn = secret(cloud, f"mg-secret-good-{i}")
        task(cloud, f"mg-task-good-{i}", secrets={"DB_PASSWORD": arn}, environment={"LOG_LEVEL": "info"})
        function(cloud, f"mg-function-good-{i}", {"DB_SECRET_ARN": arn, "DB_SECRET": f"mg-secret-good-{i}"})
        parameter(cloud, f"/mg-parameter-good-{i}/log-level", "info")
        parameter(cloud, f"/mg-parameter-good-{i}/db-password", _value(), kind="SecureString")


def bad(cloud: Cloud, n: int = 1) -> None:
    """`n` secrets that are old or rotated too seldom, and `n` of each kind that holds one."""
    for i in range(1, n + 1):
        secret(cloud, f"mg-secret-slow-{i}", every_days=91)
        task(cloud, f"mg-task-plain-{i}", environment={"DB_PASSWORD": _value()})
        function(cloud, f"mg-function-plain-{i}", {"API_TOKEN": _value()})
        parameter(cloud, f"/mg-parameter-plain-{i}/db-password", _value())
    with long_ago(cloud, OLD_DAYS):
        for i in range(1, n + 1):
            secret(cloud, f"mg-secret-old-{i}", every_days=0)


def manifest(cloud: Cloud, n: int = 1) -> dict[tuple[str, str], str]:
    """What each check must say of each resource that `good(cloud, n)` and `bad(cloud, n)` made."""
    pages = cloud.client("secretsmanager").get_paginator("list_secrets").paginate()
    arns = {one["Name"]: one["ARN"] for page in pages for one in page["SecretList"]}
    said = {("aws.secrets_manager_in_use", f"secret {NAMED}"): "pass"}
    secrets_said = [(NAMED, "pass", "pass")]
    for i in range(1, n + 1):
        secrets_said += [
            (f"mg-secret-good-{i}", "pass", "pass"),
            (f"mg-secret-slow-{i}", "pass", "fail"),
            (f"mg-secret-old-{i}", "fail", "fail"),
        ]
        said |= {("aws.secrets_manager_in_use", arn): outcome for arn, outcome in _uses(cloud, i)}
    for name, age, rotation in secrets_said:
        said["aws.secret_age", arns[name]] = age
        said["aws.secret_rotation", arns[name]] = rotation
    return said


def _uses(cloud: Cloud, i: int) -> Iterator[tuple[str, str]]:
    def arn(service: str, rest: str) -> str:
        return f"arn:aws:{service}:{cloud.region}:{cloud.account}:{rest}"

    yield arn("ecs", f"task-definition/mg-task-good-{i}:1"), "pass"
    yield arn("ecs", f"task-definition/mg-task-plain-{i}:1"), "fail"
    yield arn("lambda", f"function:mg-function-good-{i}"), "pass"
    yield arn("lambda", f"function:mg-function-plain-{i}"), "fail"
    yield arn("ssm", f"parameter/mg-parameter-good-{i}/log-level"), "not-applicable"
    yield arn("ssm", f"parameter/mg-parameter-plain-{i}/db-password"), "fail"


@contextmanager
def long_ago(cloud: Cloud, days: float) -> Iterator[None]:
    """What is made in the block is `days` old."""
    cloud.control.clock(-days)
    try:
        yield
    finally:
        cloud.control.clock(0)


def secret(cloud: Cloud, name: str, *, every_days: int = 30, new_value: bool = True) -> str:
    """A secret with a value before the current one; `every_days` 0: it is not rotated."""
    manager = cloud.client("secretsmanager")
    arn: str = manager.create_secret(Name=name, SecretString=_json())["ARN"]
    if every_days:
        # Without a function, which moto would call; what it then puts is a version without a value.
        manager.rotate_secret(SecretId=name, RotationRules={"AutomaticallyAfterDays": every_days})
        value = _json()
        manager.put_secret_value(SecretId=name, SecretString=value)
        manager.put_secret_value(SecretId=name, SecretString=_json() if new_value else value)
    return arn


def task(
    cloud: Cloud, family: str, *, environment: dict[str, str] | None = None, secrets: dict[str, str] | None = None
) -> None:
    """A task definition of one container."""
    container = {
        "name": "web",
        "image": "web",
        "memory": 128,
        "environment": [{"name": name, "value": value} for name, value in (environment or {}).items()],
        "secrets": [{"name": name, "valueFrom": source} for name, source in (secrets or {}).items()],
    }
    cloud.client("ecs").register_task_definition(family=family, containerDefinitions=[container])


def function(cloud: Cloud, name: str, variables: dict[str, str]) -> None:
    """A function with variables."""
    cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=_function_role(cloud),
        Handler="main.handle",
        Code={"ZipFile": _code()},
        Environment={"Variables": variables},
    )


def _function_role(cloud: Cloud) -> str:
    iam = cloud.client("iam")
    try:
        found = iam.get_role(RoleName=ROLE)
    except iam.exceptions.NoSuchEntityException:
        found = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=TRUST)
    return str(found["Role"]["Arn"])


def _code() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("main.py", "def handle(event, context):\n    return None\n")
    return file.getvalue()


def parameter(cloud: Cloud, name: str, value: str, *, kind: str = "String") -> None:
    """A parameter of SSM."""
    cloud.client("ssm").put_parameter(Name=name, Value=value, Type=kind)


def _value() -> str:
    return secrets.token_urlsafe(24)


def _json() -> str:
    return json.dumps({"username": "mesh", "password": _value(), "host": "db.internal"})


def _old(cloud: Cloud) -> None:
    """Its rotation is on, and has not worked for 91 days."""
    with long_ago(cloud, 91):
        secret(cloud, "mg-secret-stale")


def _by_hand(cloud: Cloud) -> None:
    secret(cloud, "mg-secret-by-hand", every_days=0)


def _seldom(cloud: Cloud) -> None:
    secret(cloud, "mg-secret-seldom", every_days=91)


def _old_revision(cloud: Cloud) -> None:
    task(cloud, "mg-task-revised", environment={"DB_PASSWORD": _value()})
    cloud.client("ecs").create_service(
        cluster="mg-cluster-secrets", serviceName="mg-service", taskDefinition="mg-task-revised:1", desiredCount=0
    )
    task(cloud, "mg-task-revised", environment={"LOG_LEVEL": "info"})


def _old_version(cloud: Cloud) -> None:
    function(cloud, "mg-function-revised", {"API_TOKEN": _value()})
    client: Any = cloud.client("lambda")
    client.publish_version(FunctionName="mg-function-revised")
    client.update_function_configuration(FunctionName="mg-function-revised", Environment={"Variables": {"A": "b"}})


def _by_plain_parameter(cloud: Cloud) -> None:
    parameter(cloud, "/mg-parameter-p1", _value())
    task(cloud, "mg-task-from-plain", secrets={"DB_PASSWORD": "/mg-parameter-p1"})


IN_USE = "aws.secrets_manager_in_use"
DEFECTS: tuple[CloudDefect, ...] = (
    CloudDefect("aws-secret-old", "aws.secret_age", "A secret was last rotated 91 days ago.", _old),
    CloudDefect(
        "aws-secret-not-rotated",
        "aws.secret_rotation",
        "A secret is not rotated automatically.",
        _by_hand,
    ),
    CloudDefect(
        "aws-secret-seldom-rotated",
        "aws.secret_rotation",
        "A secret is rotated every 91 days.",
        _seldom,
    ),
    CloudDefect(
        "aws-named-secret-deleted",
        IN_USE,
        "A secret that the deployment needs is scheduled for deletion.",
        lambda cloud: cloud.client("secretsmanager").delete_secret(SecretId=NAMED, RecoveryWindowInDays=30),
    ),
    CloudDefect(
        "aws-task-holds-secret",
        IN_USE,
        "A task definition holds a password.",
        lambda cloud: task(cloud, "mg-task-holds", environment={"DB_PASSWORD": _value()}),
    ),
    CloudDefect("aws-old-task-holds-secret", IN_USE, "A service still has a revision with a password.", _old_revision),
    CloudDefect(
        "aws-function-holds-secret",
        IN_USE,
        "A function holds a token.",
        lambda cloud: function(cloud, "mg-function-holds", {"API_TOKEN": _value()}),
    ),
    CloudDefect("aws-old-function-holds-secret", IN_USE, "A function's version holds a token.", _old_version),
    CloudDefect(
        "aws-parameter-holds-secret",
        IN_USE,
        "A parameter that is not encrypted holds a password.",
        lambda cloud: parameter(cloud, "/mg-parameter-holds/db-password", _value()),
    ),
    CloudDefect(
        "aws-task-from-plain-parameter", IN_USE, "A password comes from a plain parameter.", _by_plain_parameter
    ),
)
