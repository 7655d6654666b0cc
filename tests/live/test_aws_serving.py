"""Checks of what serves requests against the test cloud: a good account, each weakness, what is denied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from examples.healthmesh.cloud import serving
from examples.healthmesh.cloud.builder import Cloud, CloudDefect
from examples.healthmesh.cloud.server import running
from tests.live.aws_account import Audited, audited

CHECKS = ("aws.load_balancer", "aws.waf_rules", "aws.autoscaling_zones", "aws.synthetics")


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with running() as server:
        made = Cloud(server.endpoint)
        serving.good(made)
        yield made


@pytest.fixture(autouse=True)
def _restored(cloud: Cloud) -> Iterator[None]:
    """What a test changed of the server's answers, set back; resources that it added stay, by names of their own."""
    yield
    serving.answers(cloud)


def failing(found: Audited) -> set[tuple[str, str]]:
    return {place for place, outcome in found.outcomes.items() if outcome == "fail"}


def test_a_good_account_passes(cloud: Cloud, tmp_path: Path) -> None:
    found = audited(cloud, tmp_path, CHECKS)

    assert found.outcomes == serving.manifest(cloud)
    assert {check for check, _ in found.outcomes} == set(CHECKS)
    assert found.counts["elbv2:DescribeTargetGroups"] == found.counts["wafv2:GetWebACLForResource"] == 1


def test_what_is_denied_is_never_a_pass(cloud: Cloud, tmp_path: Path) -> None:
    whole = audited(cloud, tmp_path, CHECKS)
    operations = {one for taken in whole.takes.values() for one in taken if not one.startswith("sts:")}
    assert {"elbv2:DescribeRules", "wafv2:GetLoggingConfiguration", "synthetics:DescribeCanaries"} <= operations
    for operation in sorted(operations):
        cloud.control.fault(operation, "denied", times=50)
        rested = {place for place, taken in whole.takes.items() if operation in taken}
        found = audited(cloud, tmp_path, {check for check, _ in rested})
        said = {place: found.outcomes.get(place) for place in rested}
        assert {place: one for place, one in said.items() if one == "pass"} == {}, operation
        assert "fail" not in found.outcomes.values(), operation
        assert "error" in found.outcomes.values(), operation
        cloud.control.clear()
        serving.answers(cloud)


@pytest.mark.parametrize("defect", serving.DEFECTS, ids=lambda defect: defect.name)
def test_a_weakness_trips_its_check_alone(cloud: Cloud, defect: CloudDefect, tmp_path: Path) -> None:
    before = failing(audited(cloud, tmp_path, CHECKS))
    defect.plant(cloud)

    found = failing(audited(cloud, tmp_path, CHECKS)) - before
    assert {check for check, _ in found} == {defect.check}


def test_a_web_acl_behind_a_page_that_names_a_marker_is_seen_once(cloud: Cloud, tmp_path: Path) -> None:
    """AWS WAF names a marker on its last page too; the page after it is empty."""
    acls = cloud.client("wafv2").list_web_acls(Scope="REGIONAL", Limit=100)["WebACLs"]
    cloud.control.answer("wafv2:ListWebACLs", {"WebACLs": acls, "NextMarker": "last"})
    cloud.control.answer("wafv2:ListWebACLs", {"WebACLs": [], "NextMarker": "last"}, match='"NextMarker": "last"')
    cloud.control.answer("wafv2:ListWebACLs", {"WebACLs": []}, match="CLOUDFRONT")

    assert len(audited(cloud, tmp_path, ("aws.waf_rules",)).outcomes) == len(acls)
    cloud.control.clear()
