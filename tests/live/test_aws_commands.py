"""What the command line says of permissions and calls, against a server that answers as AWS."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from examples.healthmesh.cloud.control import Control
from examples.healthmesh.cloud.server import running

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_COLOR": "1",
    "COLUMNS": "200",
}
PROFILE = """\
meshguard: 1
id: keys
title: Keys
version: "1"
controls:
  - {id: keys.rotated, title: Keys rotate, priority: high, checks: [aws.kms_rotation]}
  - {id: users.mfa, title: Users have MFA, priority: high, checks: [aws.user_mfa]}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running() as cloud:
        yield cloud.endpoint


@pytest.fixture(autouse=True)
def control(server: str) -> Control:
    control = Control(server)
    control.reset()
    return control


@pytest.fixture
def folder(tmp_path: Path, server: str) -> Path:
    (tmp_path / "profile.yaml").write_text(PROFILE)
    deployment = {
        "name": "account",
        "profile": "./profile.yaml",
        "targets": {"aws": [{"name": "main", "region": "us-east-1", "endpoint": server, "retries": 1}]},
    }
    (tmp_path / "meshguard.yaml").write_text(json.dumps(deployment))
    return tmp_path


def meshguard(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "meshguard", *arguments]
    return subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False
    )


def actions(policy: dict[str, Any]) -> list[str]:
    return [action for statement in policy["Statement"] for action in statement["Action"]]


def test_the_least_policy_names_what_the_checks_call_and_contacts_nothing(folder: Path, control: Control) -> None:
    done = meshguard(folder, "plan", "--iam-policy")
    assert done.returncode == 0, done.stderr
    assert actions(json.loads(done.stdout)) == [
        "iam:GenerateCredentialReport",
        "iam:GetCredentialReport",
        "kms:DescribeKey",
        "kms:GetKeyRotationStatus",
        "kms:ListKeyRotations",
        "kms:ListKeys",
    ]
    assert {s["Effect"] for s in json.loads(done.stdout)["Statement"]} == {"Allow"}
    assert control.counts() == {}


def test_the_policy_is_that_of_the_chosen_checks(folder: Path) -> None:
    done = meshguard(folder, "plan", "--iam-policy", "--only", "users.mfa")
    assert actions(json.loads(done.stdout)) == ["iam:GenerateCredentialReport", "iam:GetCredentialReport"]


def test_the_plan_names_each_call_and_how_often_it_is_made(folder: Path) -> None:
    text = " ".join(meshguard(folder, "plan", "--only", "keys.rotated").stdout.split())
    assert "aws:main keys_in read once for each account and region kms:ListKeys" in text
    assert "aws:main key_rotation read at most once for each of keys kms:GetKeyRotationStatus" in text


def test_a_preflight_says_what_is_missing_and_judges_nothing(folder: Path, control: Control) -> None:
    control.fault("iam:SimulatePrincipalPolicy", "denied")
    control.fault("kms:ListKeys", "denied")
    done = meshguard(folder, "audit", "--preflight")
    assert done.returncode == 1
    first = done.stdout.splitlines()[0]
    assert first == "aws:main: 6 permissions, 1 missing, 3 not settled"
    lines = "  missing: kms:ListKeys\n    kms:ListKeys in us-east-1 of account 123456789012: access denied"
    assert lines in done.stdout
    assert "kms:DescribeKey" not in control.counts()


def test_a_preflight_without_credentials_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ENVIRONMENT, "AWS_ACCESS_KEY_ID")
    done = meshguard(folder, "audit", "--preflight")
    assert done.returncode == 3
    assert "no credentials were found" in done.stdout


def test_an_audit_makes_no_more_calls_than_it_may(folder: Path, control: Control) -> None:
    done = meshguard(folder, "audit", "--max-calls", "1")
    assert done.returncode == 3
    assert "was not called: the bound of 1 call is reached" in " ".join(done.stdout.split())
    assert control.counts().total() == 1


def test_a_wrong_number_of_calls_is_refused(folder: Path) -> None:
    assert meshguard(folder, "audit", "--max-calls", "0").returncode == 2


def test_a_plan_without_aws_has_no_policy(folder: Path) -> None:
    (folder / "meshguard.yaml").write_text("name: none\nprofile: ./profile.yaml\ntargets: {}\n")
    done = meshguard(folder, "plan", "--iam-policy")
    assert done.returncode == 2
    assert "no check of this plan asks AWS" in done.stderr
