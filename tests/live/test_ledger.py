"""Checks of ledgers against the test cloud: real signatures, each way to tamper, what is denied, what is cut off."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from examples.healthmesh.cloud import ledger
from examples.healthmesh.cloud.builder import Cloud, CloudDefect
from examples.healthmesh.cloud.digests import digest_body, ends, log_body, log_entry, put_digest
from examples.healthmesh.cloud.server import running
from tests.live.aws_account import Audited, audited

from meshguard.evidence import Evidence
from meshguard.targets.aws import Aws, AwsSettings

DIGESTS, LOCK = "ledger.cloudtrail_digests", "ledger.immutable"
CHECKS = (DIGESTS, LOCK)
OTHERS: dict[str, list[str]] = {"backup_buckets": [], "data_stores": []}
"""What other topics name, which is not seeded here."""


@pytest.fixture(scope="module")
def server() -> Iterator[Cloud]:
    with running() as started:
        yield Cloud(started.endpoint)


@pytest.fixture
def cloud(server: Cloud) -> Cloud:
    server.control.reset()
    ledger.good(server)
    return server


def audit(cloud: Cloud, folder: Path, *checks: str, **settings: Any) -> Audited:
    return audited(cloud, folder, checks or CHECKS, **{"audit_buckets": [ledger.BUCKET], **OTHERS, **settings})


def said(found: Audited) -> str:
    """The one verdict on the trail, and its sentence."""
    (verdict,) = [verdict for (check, _), verdict in found.verdicts.items() if check == DIGESTS]
    return f"{verdict.outcome}: {verdict.message}"


def test_a_good_account_passes(cloud: Cloud, tmp_path: Path) -> None:
    found = audit(cloud, tmp_path)

    assert found.outcomes == ledger.manifest(cloud)
    assert "24 digest files verify, and 16 log files are unchanged" in said(found)


def test_each_bucket_gets_the_verdict_that_it_deserves(cloud: Cloud, tmp_path: Path) -> None:
    flawed = ledger.flawed(cloud, 1)

    found = audit(cloud, tmp_path, LOCK, audit_buckets=[ledger.BUCKET, *flawed, "mg-nowhere"])
    outcomes = {resource.rsplit(":", 1)[-1]: outcome for (_, resource), outcome in found.outcomes.items()}
    assert outcomes == {ledger.BUCKET: "pass", "mg-nowhere": "fail", **dict.fromkeys(flawed, "fail")}


@pytest.mark.parametrize("defect", ledger.DEFECTS, ids=lambda defect: defect.name)
def test_a_weakness_trips_its_check_alone(cloud: Cloud, defect: CloudDefect, tmp_path: Path) -> None:
    defect.plant(cloud)

    found = audit(cloud, tmp_path)
    assert {check for (check, _), outcome in found.outcomes.items() if outcome == "fail"} == {defect.check}
    assert "error" not in found.outcomes.values()


def test_what_is_denied_is_never_a_pass(cloud: Cloud, tmp_path: Path) -> None:
    whole = audit(cloud, tmp_path)
    operations = {one for taken in whole.takes.values() for one in taken if not one.startswith("sts:")}
    assert {"cloudtrail:ListPublicKeys", "cloudtrail:GetTrail", "s3:GetObject", "s3:GetObjectRetention"} <= operations
    for operation in sorted(operations):
        cloud.control.fault(operation, "denied")
        rested = {place for place, taken in whole.takes.items() if operation in taken}
        found = audit(cloud, tmp_path, *{check for check, _ in rested})
        # Where buckets may not be listed, whose the named ones are is not settled.
        assert {found.outcomes.get(place) for place in rested} <= {None, "error", "not-checked"}, operation
        assert "error" in found.outcomes.values(), operation
        assert not {"pass", "fail"} & set(found.outcomes.values()), operation
        cloud.control.clear()
        ledger.answers(cloud)


@pytest.mark.parametrize("kind", ["truncated", "error500", "throttled"])
def test_a_log_file_that_was_not_read_is_neither_changed_nor_well(cloud: Cloud, kind: str, tmp_path: Path) -> None:
    cloud.control.fault("s3:GetObject", kind, match="/CloudTrail/")  # type: ignore[arg-type]

    found = audit(cloud, tmp_path, DIGESTS)
    assert set(found.outcomes.values()) == {"error"}
    cloud.control.clear()


def test_a_digest_about_late_log_files_has_no_place_in_the_chain(cloud: Cloud, tmp_path: Path) -> None:
    place, end, s3 = ledger.place_of(cloud, ledger.validated_trails(cloud)[0]), ends()[-6], cloud.client("s3")
    body = log_body(place, end, "AssumeRole")
    late = log_entry(place, end, body) | {"s3Object": place.log_key(end).replace("Wq3m", "Late")}
    put_digest(s3, place, digest_body(place, end, [late], None), late=True)
    assert "log-missing" in said(audit(cloud, tmp_path, DIGESTS))

    s3.put_object(Bucket=place.bucket, Key=late["s3Object"], Body=gzip.compress(body))
    assert said(audit(cloud, tmp_path, DIGESTS)) == "pass: 24 digest files verify, and 17 log files are unchanged"


def test_logging_that_was_stopped_for_some_hours_is_a_gap(cloud: Cloud, tmp_path: Path) -> None:
    """After a pause CloudTrail begins a new chain: its first digest names none before it."""
    place, s3 = ledger.place_of(cloud, ledger.validated_trails(cloud)[0]), cloud.client("s3")
    for end in ends()[-6:]:
        s3.delete_object(Bucket=place.bucket, Key=place.digest_key(end))
    before = None
    for end in ends()[-3:]:
        before = put_digest(s3, place, digest_body(place, end, [], before))

    gap = f"from {ends()[-7]:%Y-%m-%d %H:%M} to {ends()[-3] - timedelta(hours=1):%Y-%m-%d %H:%M}"
    assert gap in said(audit(cloud, tmp_path, DIGESTS))


def test_a_chain_that_begins_inside_of_the_window_leaves_the_rest_open(cloud: Cloud, tmp_path: Path) -> None:
    place, s3 = ledger.place_of(cloud, ledger.validated_trails(cloud)[0]), cloud.client("s3")
    for end in ends():
        s3.delete_object(Bucket=place.bucket, Key=place.digest_key(end))
    put_digest(s3, place, digest_body(place, ends()[-1], [], None))

    assert said(audit(cloud, tmp_path, DIGESTS)).startswith("not-checked: in 123456789012/us-east-1 digests begin")


def test_no_digest_at_all_is_no_empty_chain(cloud: Cloud, tmp_path: Path) -> None:
    place, s3 = ledger.place_of(cloud, ledger.validated_trails(cloud)[0]), cloud.client("s3")
    for end in ends():
        s3.delete_object(Bucket=place.bucket, Key=place.digest_key(end))

    assert said(audit(cloud, tmp_path, DIGESTS)) == "fail: 123456789012/us-east-1 has no digest files"


def test_a_trail_of_all_regions_needs_digests_of_each_region_under_audit(cloud: Cloud, tmp_path: Path) -> None:
    found = audit(cloud, tmp_path, DIGESTS, region=None, regions=["us-east-1", "eu-west-1"])
    assert said(found) == "fail: 123456789012/eu-west-1 has no digest files"


async def test_no_event_and_no_signature_is_recorded(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    said = AwsSettings.model_validate({"name": "main", "region": "us-east-1", "endpoint": cloud.endpoint, "retries": 1})
    aws = Aws(said, Evidence())
    place = f"{cloud.account}/{cloud.region}"
    found = await aws.trail_digests(place, ledger.validated_trails(cloud)[0]["TrailARN"], 24, 10, 100)
    await aws.close()

    text = found.model_dump_json()
    assert (found.logs, found.logs_read) == (16, 10)
    assert "GetSecretValue" not in text
    assert "signature" not in text


async def test_bytes_that_may_be_read_are_a_bound(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    said = AwsSettings.model_validate({"name": "main", "region": "us-east-1", "endpoint": cloud.endpoint, "retries": 1})
    aws = Aws(said, Evidence())
    place = f"{cloud.account}/{cloud.region}"
    found = await aws.trail_digests(place, ledger.validated_trails(cloud)[0]["TrailARN"], 24, 100, 0)
    await aws.close()

    assert (found.logs, found.logs_read, found.bytes_read, found.fault_count) == (16, 0, 0, 0)
