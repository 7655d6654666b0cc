"""Checks of what is deployed and how against the test cloud: a good account, each weakness, what is denied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from examples.healthmesh.cloud import deploys
from examples.healthmesh.cloud.builder import Cloud, CloudDefect
from examples.healthmesh.cloud.server import running
from tests.live.aws_account import audited

from meshguard.evidence import Evidence
from meshguard.targets.aws import Aws, AwsSettings
from meshguard.testing import judge
from meshguard_checks.aws.deploys import ecr_scanning

CHECKS = ("aws.ecr_scanning", "aws.codedeploy", "aws.codedeploy_rollback")


@pytest.fixture(scope="module")
def server() -> Iterator[Cloud]:
    with running() as started:
        yield Cloud(started.endpoint)


@pytest.fixture
def cloud(server: Cloud) -> Cloud:
    server.control.reset()
    deploys.good(server)
    return server


def test_each_resource_gets_the_verdict_that_it_deserves(cloud: Cloud, tmp_path: Path) -> None:
    good = audited(cloud, tmp_path, CHECKS)
    assert set(good.outcomes.values()) == {"pass"}
    assert {check for check, _ in good.outcomes} == set(CHECKS)

    deploys.bad(cloud)
    assert audited(cloud, tmp_path, CHECKS).outcomes == deploys.manifest(cloud)


@pytest.mark.parametrize("defect", deploys.DEFECTS, ids=lambda defect: defect.name)
def test_a_weakness_trips_its_check_alone(cloud: Cloud, defect: CloudDefect, tmp_path: Path) -> None:
    defect.plant(cloud)

    found = audited(cloud, tmp_path, CHECKS)
    assert {check for (check, _), outcome in found.outcomes.items() if outcome == "fail"} == {defect.check}


def test_what_is_denied_is_never_a_pass(cloud: Cloud, tmp_path: Path) -> None:
    whole = audited(cloud, tmp_path, CHECKS)
    operations = {one for taken in whole.takes.values() for one in taken if not one.startswith("sts:")}
    assert {"codedeploy:ListDeployments", "ecs:DescribeServices", "ecr:DescribeRepositories"} <= operations
    for operation in sorted(operations):
        cloud.control.fault(operation, "denied", times=50)
        rested = {place for place, taken in whole.takes.items() if operation in taken}
        found = audited(cloud, tmp_path, {check for check, _ in rested})
        kind = "service/" if operation.startswith("ecs:") else "deploymentgroup:"
        unread = {place for place in rested if place[0] == "aws.ecr_scanning" or kind in place[1]}
        assert {found.outcomes.get(place) for place in unread} <= {None, "error"}, operation
        assert "fail" not in found.outcomes.values(), operation
        assert "error" in found.outcomes.values(), operation
        cloud.control.clear()
        deploys.answers(cloud)


@pytest.mark.parametrize(
    ("scanned", "outcome"),
    [
        pytest.param({"MEDIUM": 3}, "pass", id="lesser findings alone"),
        pytest.param({"HIGH": 1, "MEDIUM": 3}, "fail", id="one high finding"),
        pytest.param(None, "not-checked", id="never scanned"),
    ],
)
async def test_the_newest_image_is_no_signature_and_no_index(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, scanned: dict[str, int] | None, outcome: str
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    names = ["older", "newest", "index", "signature", "chart"]
    images: dict[str, dict[str, object]] = {
        name: {"imageDigest": f"sha256:{number:064d}", "imagePushedAt": 1_760_000_000 + number}
        for number, name in enumerate(names)
    }
    images["index"]["imageManifestMediaType"] = "application/vnd.oci.image.index.v1+json"
    images["signature"]["imageTags"] = ["sha256-" + "a" * 64 + ".sig"]
    images["chart"]["artifactMediaType"] = "application/vnd.cncf.helm.config.v1+json"
    cloud.control.answer("ecr:DescribeImages", {"imageDetails": list(images.values())})
    missing = {"Code": "ScanNotFoundException", "Message": "no scan"}
    cloud.control.answer("ecr:DescribeImageScanFindings", missing, status=400)
    if scanned is not None:
        said = {
            "imageScanStatus": {"status": "COMPLETE"},
            "imageScanFindings": {"findingSeverityCounts": scanned, "findings": []},
        }
        cloud.control.answer("ecr:DescribeImageScanFindings", said, match=str(images["newest"]["imageDigest"]))
    settings = {"name": "main", "region": "us-east-1", "endpoint": cloud.endpoint, "retries": 1}
    aws = Aws(AwsSettings.model_validate(settings), Evidence())
    (repository,) = (await aws.repositories()).items
    verdict = await judge(ecr_scanning, repository, aws, findings_below="HIGH")
    await aws.close()

    assert verdict.outcome == outcome, verdict.message
