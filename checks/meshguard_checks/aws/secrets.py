"""Checks of secrets: how old they are, whether they are rotated, and whether what runs takes them by reference."""

from __future__ import annotations

from datetime import datetime

from meshguard.api import (
    Clock,
    Duration,
    Verdict,
    check,
    days,
    failed,
    judged,
    not_applicable,
    passed,
    undetermined,
)
from meshguard.targets.aws import Aws, account_of
from meshguard.targets.aws.secretsmanager import Secret
from meshguard.targets.aws.workloads import SecretUse
from meshguard_checks.parsing.aws_schedule import pause_of
from meshguard_checks.parsing.aws_secretlike import SECRET_WORDS, looks_secret, names_secret, shown, without

ROTATE = (
    "aws secretsmanager rotate-secret --secret-id NAME --rotation-lambda-arn ARN --rotation-rules "
    "AutomaticallyAfterDays=30\n"
    'Terraform: resource "aws_secretsmanager_secret_rotation" "db" { rotation_rules { automatically_after_days = 30 } }'
)


@check("aws.secret_age", method="examine", over=Aws.secrets, fix=ROTATE)
async def secret_age(
    secret: Secret, aws: Aws, clock: Clock, *, max_age: Duration = days(90), compare_values: bool = False
) -> Verdict:
    """The secret's value is at most `max_age` old (AWS Secrets Manager User Guide, "Rotate Secrets Manager secrets").

    The value is as old as the last rotation, or as the secret if it was never rotated. That anything of it changed
    (LastChangedDate) does not make it younger, since a new tag does that too: where it changed within `max_age` and
    was not rotated, the version in force is asked for its date, so that a value put by hand counts.

    Args:
        max_age: longest accepted age.
        compare_values: whether the value must differ from the one before it; needs secretsmanager:GetSecretValue and
            kms:Decrypt. Neither value is recorded.
    """
    if said := await _not_judged(secret, aws):
        return said
    now = await clock.now()
    since = await _since(secret, aws, now, max_age)
    if since is None:
        return undetermined("Secrets Manager does not say when its value was made")
    age = now - since
    verdict = judged(age <= max_age, "the age of its value", got=days(age.days), want=max_age)
    if age > max_age or not compare_values:
        return verdict
    return await _compared(secret, aws, verdict)


async def _compared(secret: Secret, aws: Aws, young: Verdict) -> Verdict:
    """What a comparison with the value before it adds to a pass."""
    if not secret.previous and secret.rotated is None:
        return young.but(message="its value is the first one that is kept")
    if not secret.previous:
        return undetermined("the value before the current one is not kept, so they could not be compared")
    if await aws.secret_differs(secret.place, secret.arn):
        return young.but(message="its value is young, and differs from the one before it")
    return failed("it was rotated, and its value is the same as before", got="the same value", want="another value")


async def _since(secret: Secret, aws: Aws, now: datetime, max_age: Duration) -> datetime | None:
    """When the value in force was made."""
    known = max((time for time in (secret.rotated, secret.created) if time is not None), default=None)
    if known is not None and (now - known <= max_age or (secret.changed and now - secret.changed > max_age)):
        return known
    version = await aws.secret_version(secret.place, secret.arn)
    return version.created if version is not None else known


@check("aws.secret_rotation", method="examine", over=Aws.secrets, fix=ROTATE)
async def secret_rotation(secret: Secret, aws: Aws, *, max_period: Duration = days(90)) -> Verdict:
    """The secret is rotated automatically, at least every `max_period` (AWS Secrets Manager User Guide, "Rotation
    schedules").

    Managed rotation, as RDS does it, counts as any other. A secret of a service that does not rotate it cannot be
    given a schedule; its age is judged by aws.secret_age all the same.

    Args:
        max_period: longest accepted time between two rotations.
    """
    if said := await _not_judged(secret, aws):
        return said
    if not secret.rotates and secret.owner:
        return not_applicable(f"it belongs to {secret.owner}, and only that service can change it")
    if not secret.rotates:
        return failed("it is not rotated automatically", got="no rotation", want=max_period)
    period, fault = pause_of(secret.every_days, secret.schedule)
    if period is None:
        return undetermined(f"it is rotated, and how often is not clear: {fault}")
    return judged(period <= max_period, "the longest time between two rotations", got=period, want=max_period)


async def _not_judged(secret: Secret, aws: Aws) -> Verdict | None:
    """A secret that ends, or that follows one of another region."""
    if secret.deleted is not None:
        return not_applicable(f"it is scheduled for deletion since {secret.deleted:%Y-%m-%d}")
    if not secret.is_replica:
        return None
    primary = f"{account_of(secret.place)}/{secret.primary_region}"
    if primary in (await aws.places()).items:
        return not_applicable(f"it is a replica, and its primary in {secret.primary_region} is judged")
    return undetermined(
        f"it is a replica, and its primary in {secret.primary_region} is not under audit",
        fix=f"add {secret.primary_region} to `regions`",
    )


@check(
    "aws.secrets_manager_in_use",
    method="examine",
    over=Aws.secret_uses,
    fix='ECS: "secrets": [{"name": "DB_PASSWORD", "valueFrom": "arn:aws:secretsmanager:..."}]; Lambda: fetch it by its '
    "ARN; SSM: type SecureString. A value that stood in the open is burnt: replace it\n"
    'Terraform: resource "aws_secretsmanager_secret" "db" {}, and its arn in container_definitions',
)
async def secrets_manager_in_use(
    use: SecretUse,
    aws: Aws,
    *,
    names: tuple[str, ...] = SECRET_WORDS,
    allow: tuple[str, ...] = (),
    allow_files: bool = False,
) -> Verdict:
    """Secrets are in Secrets Manager, and what runs takes them by reference (AWS Secrets Manager User
    Guide, "Secrets Manager best practices").

    Looked at are the secrets that the deployment names; of ECS the newest active revision of each family and each
    revision that a service or a task has; all versions of Lambda functions; and parameters of SSM that are not
    encrypted. What takes no secret is not judged. A value is one as in docker.env_secrets; the name of a secret or of
    a parameter, an ARN, and what KMS has encrypted are none.

    Args:
        names: words that make a name one of a secret; API_KEY also finds APIKEY and apiKey.
        allow: names of variables and parameters that may hold what they hold (with * and ?), such as a public key.
        allow_files: whether a task may take variables from files in S3, which are not read.
    """
    del aws
    if use.kind == "named":
        return _of_named(use)
    held = without((one for one in use.variables if looks_secret(one, names)), allow)
    if held:
        return failed(f"it holds what looks like secrets: {shown(held)}", got=[one.name for one in held], want="none")
    return _of_references(use, [name for name in use.plain if names_secret(name, names)], allow_files)


def _of_references(use: SecretUse, plain: list[str], allow_files: bool) -> Verdict:
    if plain:
        said = f"secrets come from parameters that are not encrypted: {', '.join(plain)}"
        return failed(said, got=plain, want="Secrets Manager, or a SecureString")
    if use.doubt:
        return undetermined(use.doubt)
    if use.files and not allow_files:
        return undetermined(f"{use.files} of its files of variables stand in S3 and were not read")
    if use.references:
        return passed(f"it takes {len(use.references)} by reference, and none of its variables looks like a secret")
    return not_applicable("it takes no secret")


def _of_named(use: SecretUse) -> Verdict:
    if use.doubt:
        return undetermined(f"it is in none of the places that could be read, and some could not: {use.doubt}")
    if use.state == "there":
        return passed(f"Secrets Manager has it in {use.place}", got="there", want="there")
    said = {
        "empty": "Secrets Manager has it, and it holds no value",
        "deleted": "it is scheduled for deletion",
        "missing": "Secrets Manager does not have it in any of the accounts and regions under audit",
    }
    return failed(said[use.state], got=use.state, want="there")
