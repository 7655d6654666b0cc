"""Checks of IAM against the test cloud: a good account, each weakness, and what is denied."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from examples.healthmesh.cloud import identity
from examples.healthmesh.cloud.builder import Cloud, CloudDefect
from examples.healthmesh.cloud.server import running
from tests.live.aws_identity_help import audit, failing

from meshguard_checks.aws.identity import access_key_age, iam_wildcards, password_policy, root_account, user_mfa

CHECKS = (root_account, user_mfa, password_policy, access_key_age, iam_wildcards)
CALLS = {
    "iam:GenerateCredentialReport": {"aws.root_account", "aws.user_mfa", "aws.access_key_age"},
    "iam:GetCredentialReport": {"aws.root_account", "aws.user_mfa", "aws.access_key_age"},
    "iam:GetAccountSummary": {"aws.root_account"},
    "iam:ListVirtualMFADevices": {"aws.root_account"},
    "iam:GetAccountPasswordPolicy": {"aws.password_policy"},
    "iam:GetAccountAuthorizationDetails": {"aws.iam_wildcards"},
}
HARDWARE = {"aws.root_account": {"hardware": True}}


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


def test_each_resource_gets_the_verdict_that_it_deserves(cloud: Cloud) -> None:
    identity.good(cloud, 3)
    identity.bad(cloud, 3)
    assert audit(cloud.endpoint, CHECKS) == identity.manifest(cloud, 3)


def test_an_account_takes_at_most_five_calls_of_iam_whatever_it_holds(cloud: Cloud) -> None:
    identity.good(cloud, 5)
    cloud.control.forget_calls()
    audit(cloud.endpoint, CHECKS)
    counts = cloud.control.counts()
    assert {name for name in counts if name.startswith("iam:")} == CALLS.keys() - {"iam:ListVirtualMFADevices"}
    assert counts.pop("iam:GenerateCredentialReport") <= 2
    assert all(count == 1 for count in counts.values())


@pytest.mark.parametrize("defect", identity.DEFECTS, ids=lambda defect: defect.name)
def test_a_weakness_trips_its_check_alone(cloud: Cloud, defect: CloudDefect) -> None:
    identity.good(cloud)
    defect.plant(cloud)
    assert failing(audit(cloud.endpoint, CHECKS)) == {defect.check, *defect.also}


@pytest.mark.parametrize(("operation", "checks"), CALLS.items(), ids=str)
def test_what_is_denied_is_never_a_pass(cloud: Cloud, operation: str, checks: set[str]) -> None:
    identity.good(cloud)
    cloud.control.fault(operation, "denied")
    outcomes = audit(cloud.endpoint, CHECKS, parameters=HARDWARE)
    assert {check for (check, _), outcome in outcomes.items() if outcome in ("error", "unread")} == checks
    assert not {check for (check, _), outcome in outcomes.items() if outcome == "pass"} & checks
    assert not failing(outcomes)


def test_a_list_whose_pages_never_end_is_no_list(cloud: Cloud) -> None:
    identity.good(cloud)
    cloud.control.fault("iam:GetAccountAuthorizationDetails", "repeat-token")
    assert set(audit(cloud.endpoint, [iam_wildcards]).values()) == {"unread"}


def test_the_pages_of_a_large_account_are_all_read(cloud: Cloud) -> None:
    for i in range(120):
        identity.role(cloud, f"mg-role-{i:03}", inline=identity.READ_SCANS)
    identity.role(cloud, "mg-role-zzz", inline=identity.EVERYTHING)
    outcomes = audit(cloud.endpoint, [iam_wildcards])
    assert len(outcomes) == 121
    assert failing(outcomes)


def test_an_account_without_users_has_nothing_to_look_at(cloud: Cloud) -> None:
    cloud.control.root(mfa=True)
    assert set(audit(cloud.endpoint, [user_mfa, access_key_age, iam_wildcards]).values()) == {"empty"}


def test_a_virtual_device_is_no_hardware(cloud: Cloud) -> None:
    cloud.control.root(mfa=True)
    assert audit(cloud.endpoint, [root_account], parameters=HARDWARE) == {("aws.root_account", cloud.account): "pass"}
    device = {"SerialNumber": f"arn:aws:iam::{cloud.account}:mfa/root-account-mfa-device"}
    cloud.control.answer("iam:ListVirtualMFADevices", {"VirtualMFADevices": [device], "IsTruncated": False})
    assert audit(cloud.endpoint, [root_account], parameters=HARDWARE) == {("aws.root_account", cloud.account): "fail"}
