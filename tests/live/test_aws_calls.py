"""How often AWS is asked: nothing twice, and for each kind of resource no more calls than its answers need."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from examples.healthmesh.cloud import account
from examples.healthmesh.cloud.builder import Cloud
from examples.healthmesh.cloud.server import running
from tests.live.aws_account import Audited, audited, aws_checks

SCALES = (1, 20)
POLLED = "iam:GenerateCredentialReport"
"""Asked until the report is there; the service has no other way to tell."""
ALIKE = "codedeploy:BatchGetDeployments"
"""Asked once for each deployment group; the builder gives all groups the same deployments."""
ROTATIONS = "kms:ListKeyRotations"
"""Asked besides for keys that are older than a round of their rotation."""
CALLS_A_BUCKET, CALLS_A_KEY = 7, 2


@pytest.fixture(scope="module", params=SCALES, ids=[f"{scale} of each kind" for scale in SCALES])
def cloud(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    with running() as server:
        cloud = Cloud(server.endpoint)
        account.good(cloud, request.param)
        account.bad(cloud, request.param)
        yield cloud


def test_nothing_is_asked_twice(cloud: Cloud, tmp_path: Path) -> None:
    found = audited(cloud, tmp_path)
    asked = Counter((made.name, made.account, made.region, made.parameters) for made in found.calls)
    assert {call: count for call, count in asked.items() if count > 1 and call[0] not in (POLLED, ALIKE)} == {}


def test_a_bucket_takes_seven_calls_at_most(cloud: Cloud, tmp_path: Path) -> None:
    found = audited(cloud, tmp_path, [name for name in aws_checks() if name.startswith("aws.s3_")])
    counts = calls_for(found, "s3", "Bucket")
    assert counts
    assert max(counts.values()) <= CALLS_A_BUCKET
    # What is not about one bucket: the list, the account's own block, trails, and the keys that encrypt.
    assert sum(made.name == "s3:ListBuckets" for made in found.calls) == 1


def test_a_key_takes_two_calls_and_its_policy_a_third(cloud: Cloud, tmp_path: Path) -> None:
    found = audited(cloud, tmp_path / "two", ["aws.kms_rotation", "aws.kms_in_use"])
    counts = calls_for(found, "kms", "KeyId", but=ROTATIONS)
    assert counts
    assert max(counts.values()) <= CALLS_A_KEY
    more = audited(cloud, tmp_path / "three", ["aws.kms_rotation", "aws.kms_in_use", "aws.kms_key_policy"])
    assert max(calls_for(more, "kms", "KeyId", but=ROTATIONS).values()) <= CALLS_A_KEY + 1


def test_all_secrets_take_two_calls_at_most(cloud: Cloud, tmp_path: Path) -> None:
    found = audited(cloud, tmp_path, ["aws.secret_age", "aws.secret_rotation"])
    assert 1 <= sum(made.service == "secretsmanager" for made in found.calls) <= 2


def test_the_accounts_identities_take_four_calls(cloud: Cloud, tmp_path: Path) -> None:
    checks = ["aws.root_account", "aws.user_mfa", "aws.password_policy", "aws.access_key_age"]
    found = audited(cloud, tmp_path, checks)
    asked = [made.name for made in found.calls if made.service == "iam" and made.name != POLLED]
    assert sorted(asked) == ["iam:GetAccountPasswordPolicy", "iam:GetAccountSummary", "iam:GetCredentialReport"]


def calls_for(found: Audited, service: str, parameter: str, *, but: str = "") -> Counter[str]:
    """Calls of a service for each resource that its calls name in a parameter."""
    said = ((made, json.loads(made.parameters)) for made in found.calls if made.service == service)
    return Counter(given[parameter] for made, given in said if parameter in given and made.name != but)
