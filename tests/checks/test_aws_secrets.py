"""Checks of secrets: their age, their rotation, and who takes them by reference."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meshguard.api import Clock, Fact, Listing, days
from meshguard.errors import Denied
from meshguard.sketch import Sketcher
from meshguard.targets.aws import Aws
from meshguard.targets.aws.secretsmanager import Current, Secret, parts_of
from meshguard.targets.aws.workload_read import Names, in_container, in_functions
from meshguard.targets.aws.workloads import SecretUse
from meshguard.testing import judge, recorded
from meshguard.verdict import Verdict
from meshguard_checks.aws.secrets import secret_age, secret_rotation, secrets_manager_in_use
from meshguard_checks.parsing.aws_schedule import ScheduleError, longest_pause

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PLACE = "123456789012/us-east-1"
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-a1B2c3"
CLOCK = recorded(Clock, {Clock.now: {(): NOW}})
DENIED = Denied("secretsmanager:GetSecretValue in us-east-1: access denied (AccessDenied)")
PLACES: Listing[str] = Listing(items=(PLACE, "123456789012/eu-central-1"))
Facts = dict[Fact[Any, Any, Any], dict[tuple[Any, ...], object]]
YEAR = timedelta(days=365)


def ago(**length: float) -> datetime:
    return NOW - timedelta(**length)


def secret(**given: Any) -> Secret:
    known: dict[str, Any] = {"created": NOW - YEAR, "changed": NOW - YEAR, "current": True, **given}
    return Secret(arn=ARN, place=PLACE, name="db", **known)


async def of_age(said: Secret, *, version: object = None, differs: object = None, **parameters: Any) -> Verdict:
    facts: Facts = {
        Aws.places: {(): PLACES},
        Aws.secret_version: {(PLACE, ARN): version},
        Aws.secret_differs: {(PLACE, ARN): differs if differs is not None else DENIED},
    }
    return await judge(secret_age, said, recorded(Aws, facts), CLOCK, **parameters)


@pytest.mark.parametrize(
    ("said", "parameters", "outcome"),
    [
        pytest.param(secret(rotated=ago(days=90)), {}, "pass", id="rotated exactly 90 days ago"),
        pytest.param(secret(rotated=ago(days=90, seconds=1)), {}, "fail", id="rotated a second before"),
        pytest.param(secret(rotated=ago(days=100)), {"max_age": "100d"}, "pass", id="an older one is accepted"),
        pytest.param(secret(created=ago(days=90)), {}, "pass", id="never rotated, made 90 days ago"),
        pytest.param(secret(created=ago(days=91)), {}, "fail", id="never rotated, made 91 days ago"),
        pytest.param(secret(), {}, "fail", id="made a year ago"),
        pytest.param(secret(owner="rds", rotates=True, rotated=ago(days=6)), {}, "pass", id="RDS rotates it"),
        pytest.param(secret(owner="events"), {}, "fail", id="a service's secret that nobody ever changed"),
        pytest.param(secret(deleted=ago(days=1)), {}, "not-applicable", id="scheduled for deletion"),
        pytest.param(secret(primary_region="us-east-1", rotated=ago(days=1)), {}, "pass", id="a primary with replicas"),
        pytest.param(
            secret(primary_region="eu-central-1"), {}, "not-applicable", id="a replica, its primary is judged"
        ),
        pytest.param(secret(primary_region="eu-west-1"), {}, "not-checked", id="a replica, its primary is not audited"),
    ],
)
async def test_secrets_are_young(said: Secret, parameters: dict[str, Any], outcome: str) -> None:
    assert (await of_age(said, **parameters)).outcome == outcome


@pytest.mark.parametrize(
    ("version", "outcome"),
    [
        pytest.param(Current(created=ago(days=90)), "pass", id="a value was put 90 days ago"),
        pytest.param(Current(created=ago(days=91)), "fail", id="the change was of a tag alone"),
        pytest.param(Current(created=None), "not-checked", id="a version without a date"),
        pytest.param(None, "fail", id="no value in force, so its making counts"),
        pytest.param(DENIED, "error", id="denied"),
    ],
)
async def test_a_later_change_is_looked_into(version: object, outcome: str) -> None:
    assert (await of_age(secret(rotated=ago(days=200), changed=ago(days=3)), version=version)).outcome == outcome


async def test_a_secret_without_dates_settles_nothing() -> None:
    assert (await of_age(secret(created=None, changed=None))).outcome == "not-checked"


@pytest.mark.parametrize(
    ("said", "differs", "outcome"),
    [
        pytest.param(secret(rotated=ago(days=1), previous=True), True, "pass", id="another value"),
        pytest.param(secret(rotated=ago(days=1), previous=True), False, "fail", id="rotated to the same value"),
        pytest.param(secret(rotated=ago(days=1), previous=True), DENIED, "error", id="values may not be read"),
        pytest.param(secret(created=ago(days=1)), DENIED, "pass", id="the first value has none before it"),
        pytest.param(secret(rotated=ago(days=1)), DENIED, "not-checked", id="the value before it is gone"),
        pytest.param(secret(previous=True), True, "fail", id="old, whatever the values are"),
    ],
)
async def test_values_may_be_compared(said: Secret, differs: object, outcome: str) -> None:
    assert (await of_age(said, differs=differs, compare_values=True)).outcome == outcome


@pytest.mark.parametrize(
    ("before", "now", "differ"),
    [
        pytest.param("old", "new", True, id="texts"),
        pytest.param("same", "same", False, id="the same text"),
        pytest.param(b"\x00old", b"\x00new", True, id="bytes"),
        pytest.param('{"password": "a", "host": "x"}', '{"password": "b", "host": "x"}', True, id="another password"),
        pytest.param(
            '{"password": "a", "host": "x"}', '{"password": "a", "host": "y"}', False, id="another host alone"
        ),
        pytest.param('{"password": "a", "n": 1}', '{ "n": 1, "password": "a" }', False, id="another order alone"),
        pytest.param('{"password": "a"}', '{"db_password": "a"}', False, id="another name alone"),
        pytest.param(
            '{"password": "a", "api_key": "k"}', '{"password": "b", "api_key": "k"}', False, id="one of two secrets"
        ),
        pytest.param('{"db": {"password": "a"}}', '{"db": {"password": "b"}}', True, id="a nested password"),
        pytest.param('{"password": "a", "token": ""}', '{"password": "b", "token": ""}', True, id="an empty field"),
        pytest.param(
            '{"password": "a", "masterarn": "m", "secret_arn": "m"}',
            '{"password": "b", "masterarn": "m", "secret_arn": "m"}',
            True,
            id="an ARN is no secret",
        ),
        pytest.param('{"n": 1}', '{"n":1}', False, id="no secret field, spaces alone"),
        pytest.param('{"n": 1}', '{"n": 2}', True, id="no secret field, another value"),
        pytest.param('["a"]', '["b"]', True, id="a list"),
        pytest.param("1" * 5000, "2" * 5000, True, id="digits that are no number to Python"),
    ],
)
def test_what_makes_another_value(before: str | bytes, now: str | bytes, differ: bool) -> None:
    hashes = [{hashlib.sha256(part).digest() for part in parts_of(value)} for value in (before, now)]
    assert hashes[0].isdisjoint(hashes[1]) is differ


@pytest.mark.parametrize(
    ("said", "parameters", "outcome"),
    [
        pytest.param(secret(rotates=True, every_days=90), {}, "pass", id="every 90 days"),
        pytest.param(secret(rotates=True, every_days=91), {}, "fail", id="every 91 days"),
        pytest.param(secret(rotates=True, every_days=91), {"max_period": "91d"}, "pass", id="seldom is accepted"),
        pytest.param(secret(rotates=True, schedule="rate(90 days)"), {}, "pass", id="a rate"),
        pytest.param(secret(rotates=True, schedule="rate(91 days)"), {}, "fail", id="too slow a rate"),
        pytest.param(secret(rotates=True, schedule="cron(0 4 1 * ? *)"), {}, "pass", id="the first of each month"),
        pytest.param(secret(rotates=True, schedule="cron(0 4 1 1 ? *)"), {}, "fail", id="once a year"),
        pytest.param(secret(rotates=True, every_days=30, schedule="rate(91 days)"), {}, "fail", id="the slower of two"),
        pytest.param(secret(rotates=True), {}, "not-checked", id="no schedule"),
        pytest.param(secret(rotates=True, schedule="cron(0 4 1W * ? *)"), {}, "not-checked", id="not understood"),
        pytest.param(secret(), {}, "fail", id="not rotated"),
        pytest.param(secret(every_days=30), {}, "fail", id="a schedule that was switched off"),
        pytest.param(secret(owner="rds", rotates=True, every_days=7), {}, "pass", id="managed rotation"),
        pytest.param(secret(owner="rds", rotates=True, every_days=365), {}, "fail", id="managed rotation, too seldom"),
        pytest.param(secret(owner="events"), {}, "not-applicable", id="a service's secret that cannot be rotated here"),
        pytest.param(secret(deleted=ago(days=1)), {}, "not-applicable", id="scheduled for deletion"),
        pytest.param(secret(primary_region="eu-central-1"), {}, "not-applicable", id="a replica"),
        pytest.param(secret(primary_region="eu-west-1"), {}, "not-checked", id="a replica of what is not audited"),
    ],
)
async def test_secrets_are_rotated(said: Secret, parameters: dict[str, Any], outcome: str) -> None:
    aws = recorded(Aws, {Aws.places: {(): PLACES}})
    assert (await judge(secret_rotation, said, aws, **parameters)).outcome == outcome


@pytest.mark.parametrize(
    ("expression", "pause"),
    [
        ("rate(12 hours)", days(0.5)),
        ("rate(1 day)", days(1)),
        ("cron(0 /12 * * ? *)", days(1)),
        ("cron(0 8 1 * ? *)", days(31)),
        ("cron(0 8 ? * SUN *)", days(7)),
        ("cron(0 8 ? * 2-6 *)", days(3)),
        ("cron(0 8 1 */3 ? *)", days(92)),
        ("cron(0 8 1 JAN,APR,JUL,OCT ? *)", days(92)),
        ("cron(0 8 L * ? *)", days(31)),
        ("cron(0 8 ? * 5L *)", days(35)),
        ("cron(0 8 ? * FRI#2 *)", days(35)),
        ("cron(0 8 29 2 ? *)", days(1461)),
        ("cron(0 8 31 * ? *)", days(61)),
    ],
)
def test_the_longest_pause_of_a_schedule(expression: str, pause: timedelta) -> None:
    assert longest_pause(expression) == pause


@pytest.mark.parametrize(
    "expression",
    ["", "rate(90 weeks)", "cron(0 8 1 * ?)", "cron(0 8 32 * ? *)", "cron(0 8 30 2 ? *)", "cron(0 8 1 * ? 2027)", "x"],
)
def test_a_schedule_that_is_not_understood_is_said_so(expression: str) -> None:
    with pytest.raises(ScheduleError):
        longest_pause(expression)


SKETCH = Sketcher()
NAMES = Names(
    secrets=frozenset(["prod/db"]), encrypted=frozenset(["/app/token"]), plain=frozenset(["/app/p1", "level"])
)
SECRET_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-a1B2c3"


def task(**container: Any) -> SecretUse:
    held = in_container({"name": "web", **container}, NAMES, SKETCH)
    return SecretUse(
        arn="arn:aws:ecs:us-east-1:1:task-definition/web:1",
        place=PLACE,
        kind="task",
        variables=held.variables,
        references=held.references,
        plain=held.plain,
        files=held.files,
    )


def env(**variables: str) -> SecretUse:
    return task(environment=[{"name": name, "value": value} for name, value in variables.items()])


def taken(name: str, source: str) -> SecretUse:
    return task(secrets=[{"name": name, "valueFrom": source}])


def parameter(name: str, value: str) -> SecretUse:
    return SecretUse(arn=name, place=PLACE, kind="parameter", variables=(NAMES.held("", name, value, SKETCH),))


def named(state: Any) -> SecretUse:
    return SecretUse(arn="secret db", place=PLACE, kind="named", state=state)


CIPHERTEXT = "AQICAHh" + "x" * 120
TOKEN = "ghp_" + "a" * 36


@pytest.mark.parametrize(
    ("use", "outcome"),
    [
        pytest.param(named("there"), "pass", id="a named secret"),
        pytest.param(named("empty"), "fail", id="a named secret without a value"),
        pytest.param(named("deleted"), "fail", id="a named secret that ends"),
        pytest.param(named("missing"), "fail", id="a named secret that is nowhere"),
        pytest.param(
            SecretUse(arn="secret db", place="", kind="named", doubt="denied"), "not-checked", id="a region not read"
        ),
        pytest.param(taken("DB_PASSWORD", SECRET_ARN), "pass", id="by ARN of a secret"),
        pytest.param(taken("DB_PASSWORD", f"{SECRET_ARN}:password::"), "pass", id="by a field of a secret"),
        pytest.param(taken("DB_PASSWORD", "/app/token"), "pass", id="by name of a SecureString"),
        pytest.param(taken("DB_PASSWORD", "/app/p1"), "fail", id="by name of a parameter in the open"),
        pytest.param(taken("DB_PASSWORD", "arn:aws:ssm:us-east-1:1:parameter/app/p1"), "fail", id="and by its ARN"),
        pytest.param(taken("DB_PASSWORD", "arn:aws:ssm:us-east-1:1:parameter/level"), "fail", id="without a slash"),
        pytest.param(taken("LOG_LEVEL", "/app/p1"), "not-applicable", id="no secret, from a parameter in the open"),
        pytest.param(env(LOG_LEVEL="info"), "not-applicable", id="no secret at all"),
        pytest.param(task(), "not-applicable", id="no variables"),
        pytest.param(env(DB_PASSWORD="hunter2"), "fail", id="a password"),
        pytest.param(env(DB_PASSWORD=""), "not-applicable", id="an empty password"),
        pytest.param(env(DATABASE_URL="postgres://app:hunter2@db/app"), "fail", id="a password in a URL"),
        pytest.param(env(ANYTHING=TOKEN), "fail", id="a known token under another name"),
        pytest.param(env(DB_PASSWORD=SECRET_ARN), "pass", id="a variable that names a secret by ARN"),
        pytest.param(env(DB_SECRET="prod/db"), "pass", id="a variable that names a secret"),
        pytest.param(env(DB_SECRET="prod/other"), "fail", id="the name of no secret is a value"),
        pytest.param(env(API_TOKEN="/app/token"), "pass", id="a variable that names a SecureString"),
        pytest.param(env(API_TOKEN="/app/p1"), "fail", id="a variable that names a parameter in the open"),
        pytest.param(env(ENCRYPTION_KEY="arn:aws:kms:eu-west-1:1:key/0f"), "not-applicable", id="the ARN of a key"),
        pytest.param(env(ENCRYPTION_KEY="alias/app"), "not-applicable", id="the alias of a key"),
        pytest.param(env(DB_PASSWORD=CIPHERTEXT), "not-applicable", id="encrypted by KMS"),
        pytest.param(env(DB_PASSWORD="AQICAHshort"), "fail", id="too short for a ciphertext"),
        pytest.param(
            task(environment=[{"name": "A_TOKEN", "value": "x1y2"}], secrets=[{"name": "P", "valueFrom": SECRET_ARN}]),
            "fail",
            id="one by reference and one by value",
        ),
        pytest.param(task(environmentFiles=[{"type": "s3", "value": "x"}]), "not-checked", id="variables in a file"),
        pytest.param(task(command=["serve", "--db-password=hunter2"]), "fail", id="a password as an argument"),
        pytest.param(task(command=["serve", "--db-password", "$DB_PASSWORD"]), "not-applicable", id="from a variable"),
        pytest.param(task(command=["serve", "--token-file", "/run/t"]), "not-applicable", id="the path of a token"),
        pytest.param(task(command=["curl", "https://a:b@c.example"]), "fail", id="a URL as an argument"),
        pytest.param(
            task(healthCheck={"command": ["CMD", "pg", "--password", "hunter2"]}), "fail", id="in the health check"
        ),
        pytest.param(
            task(logConfiguration={"logDriver": "splunk", "options": {"splunk-token": "0f-1e"}}),
            "fail",
            id="of the log",
        ),
        pytest.param(
            task(
                logConfiguration={"logDriver": "splunk", "secretOptions": [{"name": "splunk-token", "valueFrom": ARN}]}
            ),
            "pass",
            id="of the log, by reference",
        ),
        pytest.param(
            task(logConfiguration={"logDriver": "awslogs", "options": {"awslogs-group": "x"}}),
            "not-applicable",
            id="logs",
        ),
        pytest.param(parameter("/app/db/password", "hunter2"), "fail", id="a parameter that is a password"),
        pytest.param(parameter("/app/secrets/db-host", "db.internal"), "not-applicable", id="a host among secrets"),
        pytest.param(parameter("/app/password/min-length", "14"), "not-applicable", id="about a password"),
        pytest.param(parameter("/app/log-level", TOKEN), "fail", id="a parameter that holds a token"),
    ],
)
async def test_secrets_are_taken_by_reference(use: SecretUse, outcome: str) -> None:
    assert (await judge(secrets_manager_in_use, use, recorded(Aws, {}))).outcome == outcome


@pytest.mark.parametrize(
    ("use", "parameters", "outcome"),
    [
        pytest.param(env(PUBLIC_TOKEN="x1y2"), {"allow": ["PUBLIC_*"]}, "not-applicable", id="allowed by its name"),
        pytest.param(parameter("/app/db/password", "x"), {"allow": ["/app/*"]}, "not-applicable", id="and by its path"),
        pytest.param(env(PIN="1234"), {"names": ["PIN"]}, "fail", id="another word makes a secret"),
        pytest.param(env(DB_PASSWORD="x"), {"names": ["PIN"]}, "not-applicable", id="and the usual ones no more"),
        pytest.param(
            task(environmentFiles=[{}], secrets=[{"name": "P", "valueFrom": SECRET_ARN}]),
            {"allow_files": True},
            "pass",
            id="files are accepted",
        ),
    ],
)
async def test_what_is_a_secret_may_be_said(use: SecretUse, parameters: dict[str, Any], outcome: str) -> None:
    assert (await judge(secrets_manager_in_use, use, recorded(Aws, {}), **parameters)).outcome == outcome


def function(*versions: dict[str, Any]) -> SecretUse:
    arn = "arn:aws:lambda:us-east-1:1:function:f"
    found = in_functions(({"FunctionArn": f"{arn}:{one['Version']}", **one} for one in versions), NAMES, SKETCH)
    assert list(found) == [arn]
    held = found[arn]
    return SecretUse(
        arn=arn, place=PLACE, kind="function", variables=held.variables, references=held.references, doubt=held.doubt
    )


async def test_all_versions_of_a_function_count() -> None:
    newest = {"Version": "$LATEST", "Environment": {"Variables": {"DB_SECRET": "prod/db"}}}
    older = {"Version": "7", "Environment": {"Variables": {"API_TOKEN": "x1y2"}}}
    verdict = await judge(secrets_manager_in_use, function(newest, older), recorded(Aws, {}))
    assert (verdict.outcome, verdict.got) == ("fail", "API_TOKEN")
    assert "API_TOKEN (7)" in verdict.message
    assert (await judge(secrets_manager_in_use, function(newest), recorded(Aws, {}))).outcome == "pass"


async def test_variables_that_lambda_could_not_decrypt_settle_nothing() -> None:
    unread = {"Version": "$LATEST", "Environment": {"Error": {"ErrorCode": "AccessDeniedException"}}}
    assert (await judge(secrets_manager_in_use, function(unread), recorded(Aws, {}))).outcome == "not-checked"
    older = {"Version": "7", "Environment": {"Variables": {"API_TOKEN": "x1y2"}}}
    assert (await judge(secrets_manager_in_use, function(unread, older), recorded(Aws, {}))).outcome == "fail"
    none = {"Version": "$LATEST"}
    assert (await judge(secrets_manager_in_use, function(none), recorded(Aws, {}))).outcome == "not-applicable"
