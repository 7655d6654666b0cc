"""The test cloud answers boto3 as AWS does: each fault as the exception that arrives, each repair, each recognition."""

from __future__ import annotations

import csv
import http.client
import io
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError
from examples.healthmesh.cloud.control import Control, Kind, Refused
from examples.healthmesh.cloud.requests import Asked, Call, recognise
from examples.healthmesh.cloud.server import Cloud, running

KEY = "AKIAIOSFODNN7EXAMPLE"
QUICK: dict[str, Any] = {"retries": {"total_max_attempts": 1}, "read_timeout": 2, "inject_host_prefix": False}
SESSION: Any = boto3.Session(aws_access_key_id=KEY, aws_secret_access_key="not-a-secret", region_name="us-east-1")

Clients = Callable[..., Any]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("cloud")) as started:
        yield started


@pytest.fixture(scope="module")
def made(shared: Cloud) -> Iterator[dict[tuple[str, str], Any]]:
    clients: dict[tuple[str, str], Any] = {}
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture
def cloud(shared: Cloud) -> Cloud:
    shared.control.reset()
    return shared


@pytest.fixture
def control(cloud: Cloud) -> Control:
    return cloud.control


@pytest.fixture
def client(cloud: Cloud, made: dict[tuple[str, str], Any]) -> Clients:
    def connect(service: str, region: str = "us-east-1") -> Any:
        if (service, region) not in made:
            made[service, region] = SESSION.client(
                service, region_name=region, endpoint_url=cloud.endpoint, config=Config(**QUICK)
            )
        return made[service, region]

    return connect


# Recognition, offline: what boto3 would send for every operation of a service.


class NotSent(Exception):
    """The request was looked at and goes nowhere."""


def minimal(shape: Any, name: str = "") -> Any:
    """The least that botocore accepts for a shape."""
    if shape is None:
        return {}
    if shape.type_name == "structure":
        members = list(shape.members)[:1] if getattr(shape, "is_tagged_union", False) else shape.required_members
        return {member: minimal(shape.members[member], member) for member in members}
    if shape.type_name == "string":
        named = {"accountid": "123456789012", "bucket": "a-bucket"}.get(name.lower())
        return named or (shape.enum or ["a" * max(shape.metadata.get("min", 3), 3)])[0]
    least = max(1, shape.metadata.get("min", 1))
    plain = {"integer": least, "long": least, "float": 1.0, "double": 1.0, "boolean": True, "blob": b"x"}
    if shape.type_name == "list":
        return [minimal(shape.member, name)] * least
    if shape.type_name == "map":
        return {"a": minimal(shape.value, name)}
    return plain.get(shape.type_name, "2026-01-01T00:00:00Z")


def sent(service: str, operation: str, given: dict[str, Any] | None = None) -> Call:
    """What the request that boto3 makes for an operation is recognised as."""
    client = SESSION.client(service, endpoint_url="http://127.0.0.1:9", config=Config(**QUICK))
    return look(client, operation, given)


def look(client: Any, operation: str, given: dict[str, Any] | None = None) -> Call:
    seen: list[Call] = []

    def before_send(request: Any, **_: Any) -> None:
        parts = urlsplit(request.url)
        body = request.body.read() if hasattr(request.body, "read") else request.body or b""
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        seen.append(recognise(Asked(request.method, target, headers, body.encode() if isinstance(body, str) else body)))
        raise NotSent

    client.meta.events.register_first("before-send", before_send, unique_id="look")
    model = client.meta.service_model.operation_model(operation)
    try:
        with pytest.raises(NotSent):
            client._make_api_call(operation, minimal(model.input_shape) if given is None else given)
    finally:
        client.meta.events.unregister("before-send", unique_id="look")
    return seen[0]


SAME_ON_THE_WIRE = {
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
    "ListDirectoryBuckets": "ListBuckets",
}


@pytest.mark.parametrize(
    "service",
    [
        pytest.param("s3", id="rest-xml, all S3 operations with all of a bucket's subresources"),
        pytest.param("backup", id="rest-json: Backup"),
        pytest.param("efs", id="rest-json, signed by another name: EFS"),
        pytest.param("guardduty", id="rest-json: GuardDuty"),
        pytest.param("securityhub", id="rest-json: Security Hub"),
        pytest.param("lambda", id="rest-json, four services sign as this one: Lambda"),
        pytest.param("inspector2", id="rest-json: Inspector"),
        pytest.param("synthetics", id="rest-json: Synthetics"),
        pytest.param("accessanalyzer", id="rest-json, signed by another name: Access Analyzer"),
        pytest.param("route53", id="rest-xml: Route 53"),
        pytest.param("cloudfront", id="rest-xml: CloudFront"),
        pytest.param("kms", id="json: KMS"),
        pytest.param("config", id="json: Config"),
        pytest.param("stepfunctions", id="json, signed by another name: Step Functions"),
        pytest.param("cloudwatch", id="json, once query: CloudWatch"),
        pytest.param("dynamodbstreams", id="json, signed as DynamoDB: its streams"),
        pytest.param("shield", id="json though the model prefers CBOR: Shield"),
        pytest.param("iam", id="query: IAM"),
        pytest.param("rds", id="query: RDS, as which two more services sign"),
        pytest.param("elb", id="query, told by its version: ELB"),
        pytest.param("elbv2", id="query, told by its version: ELBv2"),
        pytest.param("ec2", id="ec2: EC2"),
    ],
)
def test_every_operation_of_a_service_is_recognised(service: str) -> None:
    client = SESSION.client(service, endpoint_url="http://127.0.0.1:9", config=Config(**QUICK))
    operations = client.meta.service_model.operation_names
    found = {operation: look(client, operation) for operation in operations}
    named = {operation: call.name for operation, call in found.items()}
    assert named == {operation: f"{service}:{SAME_ON_THE_WIRE.get(operation, operation)}" for operation in operations}
    assert {(call.region, call.key) for call in found.values()} == {("us-east-1", KEY)}


def test_public_access_block_of_an_account_is_not_an_object_of_that_name() -> None:
    assert sent("s3control", "GetPublicAccessBlock").name == "s3control:GetPublicAccessBlock"


def test_a_key_with_slashes_and_signs_is_an_object() -> None:
    given = {"Bucket": "a-bucket", "Key": "folder/a b?acl&encryption=1/"}
    assert sent("s3", "GetObject", given).name == "s3:GetObject"


def test_an_unsigned_call_has_a_service_and_no_key() -> None:
    call = sent("sts", "AssumeRoleWithSAML")
    assert (call.name, call.key) == ("sts:AssumeRoleWithSAML", "")


def test_a_strangers_request_is_for_s3() -> None:
    call = recognise(Asked("GET", "/a-bucket?policyStatus", {"host": "127.0.0.1"}, b""))
    assert call == Call("s3", "GetBucketPolicyStatus", "rest-xml", "", "")


def test_what_is_nobodys_is_unknown() -> None:
    headers = {"authorization": f"x Credential={KEY}/20261124/us-east-1/backup/aws4_request"}
    assert recognise(Asked("GET", "/no/such/path", headers, b"")).name == "backup:Unknown"


def test_smithy_rpc_is_told_by_its_path() -> None:
    scope = f"AWS4-HMAC-SHA256 Credential={KEY}/20261124/eu-west-1/monitoring/aws4_request, SignedHeaders=host"
    headers = {"authorization": scope, "smithy-protocol": "rpc-v2-cbor"}
    call = recognise(Asked("POST", "/service/GraniteServiceVersion20100801/operation/DescribeAlarms", headers, b"\xa0"))
    assert call == Call("cloudwatch", "DescribeAlarms", "smithy-rpc-v2-cbor", "eu-west-1", KEY)


def test_a_presigned_url_tells_its_scope_in_the_query() -> None:
    client = SESSION.client("s3", endpoint_url="http://127.0.0.1:9", config=Config(signature_version="s3v4"))
    url = urlsplit(client.generate_presigned_url("get_object", Params={"Bucket": "a-bucket", "Key": "k"}))
    call = recognise(Asked("GET", f"{url.path}?{url.query}", {"host": url.netloc}, b""))
    assert (call.name, call.region, call.key) == ("s3:GetObject", "us-east-1", KEY)


def test_a_bucket_may_stand_in_the_host_name() -> None:
    headers = {
        "host": "a-bucket.s3.eu-west-1.amazonaws.com",
        "authorization": "x Credential=K/20261124/eu-west-1/s3/aws4_request",
    }
    assert recognise(Asked("GET", "/?encryption", headers, b"")).name == "s3:GetBucketEncryption"


# The process


def test_it_listens_before_moto_is_loaded_and_ends_when_it_is_told(tmp_path: Path) -> None:
    began = time.monotonic()
    with running(tmp_path) as own:
        took = time.monotonic() - began
        assert own.control.calls() == []
    assert took < 3
    assert own.stop() is False


def test_connections_stay_open(cloud: Cloud) -> None:
    parts = urlsplit(cloud.endpoint)
    with closing(http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=5)) as connection:
        connection.connect()
        first = connection.sock
        for _ in range(2):
            connection.request("POST", "/_control/calls", "{}")
            connection.getresponse().read()
        assert connection.sock is first


def test_calls_are_noted_in_order_with_what_came_of_them(control: Control, client: Clients) -> None:
    control.fault("kms:DescribeKey", "denied")
    client("kms", "eu-west-1").list_keys()
    with pytest.raises(ClientError):
        client("kms").describe_key(KeyId="k")
    common = {"account": "123456789012", "key": KEY}
    assert control.calls() == [
        {"operation": "kms:ListKeys", "region": "eu-west-1", "status": 200, "fault": "", **common},
        {"operation": "kms:DescribeKey", "region": "us-east-1", "status": 403, "fault": "denied", **common},
    ]
    assert control.counts() == {"kms:ListKeys": 1, "kms:DescribeKey": 1}
    control.forget_calls()
    assert control.calls() == []


# Faults: one operation of each protocol

ASKS: dict[str, Callable[[Clients], Any]] = {
    "json": lambda client: client("kms").list_keys(),
    "json, once query": lambda client: client("cloudwatch").describe_alarms(),
    "rest-json": lambda client: client("backup").list_backup_vaults(),
    "query": lambda client: client("iam").list_users(),
    "ec2": lambda client: client("ec2").describe_security_groups(),
    "s3": lambda client: client("s3").list_buckets(),
    "s3, no body": lambda client: client("s3").head_bucket(Bucket="b"),
    "rest-xml": lambda client: client("route53").list_hosted_zones(),
    "sns": lambda client: client("sns").list_topics(),
}


@pytest.mark.parametrize(
    ("kind", "asks", "code", "status"),
    [
        pytest.param("denied", "json", "AccessDeniedException", 403, id="denied by a JSON service"),
        pytest.param("denied", "json, once query", "AccessDenied", 403, id="denied by one that was a query service"),
        pytest.param("denied", "rest-json", "AccessDeniedException", 403, id="denied by a REST service"),
        pytest.param("denied", "query", "AccessDenied", 403, id="denied by a query service"),
        pytest.param("denied", "ec2", "UnauthorizedOperation", 403, id="denied by EC2"),
        pytest.param("denied", "s3", "AccessDenied", 403, id="denied by S3"),
        pytest.param("denied", "s3, no body", "403", 403, id="denied by S3 with no body that says so"),
        pytest.param("denied", "rest-xml", "AccessDenied", 403, id="denied by Route 53"),
        pytest.param("denied", "sns", "AuthorizationError", 403, id="denied by SNS in its own word"),
        pytest.param("throttled", "json", "ThrottlingException", 400, id="throttled by a JSON service"),
        pytest.param("throttled", "rest-json", "ThrottlingException", 400, id="throttled by a REST service"),
        pytest.param("throttled", "query", "Throttling", 400, id="throttled by a query service"),
        pytest.param("throttled", "ec2", "RequestLimitExceeded", 503, id="throttled by EC2"),
        pytest.param("throttled", "s3", "SlowDown", 503, id="throttled by S3"),
        pytest.param("error500", "json", "InternalFailure", 500, id="a JSON service fails"),
        pytest.param("error500", "query", "InternalFailure", 500, id="a query service fails"),
        pytest.param("error500", "ec2", "InternalError", 500, id="EC2 fails"),
        pytest.param("error500", "s3", "InternalError", 500, id="S3 fails"),
        pytest.param("expired", "json", "ExpiredTokenException", 403, id="expired for a JSON service"),
        pytest.param("expired", "query", "ExpiredToken", 403, id="expired for a query service"),
        pytest.param("expired", "ec2", "RequestExpired", 400, id="expired for EC2"),
        pytest.param("expired", "s3", "ExpiredToken", 400, id="expired for S3"),
        pytest.param("disabled-region", "json", "UnrecognizedClientException", 403, id="region off: JSON"),
        pytest.param("disabled-region", "query", "InvalidClientTokenId", 403, id="region off: query"),
        pytest.param("disabled-region", "ec2", "AuthFailure", 401, id="region off: EC2"),
        pytest.param("disabled-region", "s3", "InvalidAccessKeyId", 403, id="region off: S3"),
        pytest.param("optin", "json", "OptInRequired", 403, id="no subscription: JSON"),
        pytest.param("optin", "ec2", "OptInRequired", 401, id="no subscription: EC2"),
        pytest.param("optin", "s3", "NotSignedUp", 403, id="no subscription: S3"),
        pytest.param("unsupported", "json", "UnknownOperationException", 404, id="no such operation: JSON"),
        pytest.param("unsupported", "rest-json", "UnknownOperationException", 404, id="no such operation: REST"),
        pytest.param("unsupported", "query", "InvalidAction", 400, id="no such operation: query"),
        pytest.param("unsupported", "ec2", "InvalidAction", 400, id="no such operation: EC2"),
        pytest.param("unsupported", "s3", "NotImplemented", 501, id="no such operation: S3"),
    ],
)
def test_a_fault_arrives_as_the_services_own_error(
    control: Control, client: Clients, kind: Kind, asks: str, code: str, status: int
) -> None:
    control.fault("*", kind)
    with pytest.raises(ClientError) as caught:
        ASKS[asks](client)
    response = caught.value.response
    assert response["Error"]["Code"] == code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    control.clear()
    if asks != "s3, no body":
        ASKS[asks](client)


def test_a_denial_names_who_and_what(control: Control, client: Clients) -> None:
    control.fault("kms:ListKeys", "denied")
    with pytest.raises(ClientError, match=r"arn:aws:iam::123456789012:user/auditor is not .*: kms:ListKeys"):
        client("kms").list_keys()


def test_smithy_rpc_errors_are_cbor(control: Control, cloud: Cloud) -> None:
    control.fault("cloudwatch:*", "denied")
    parts = urlsplit(cloud.endpoint)
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={KEY}/20261124/us-east-1/monitoring/aws4_request",
        "smithy-protocol": "rpc-v2-cbor",
    }
    with closing(http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=5)) as connection:
        connection.request("POST", "/service/GraniteServiceVersion20100801/operation/DescribeAlarms", b"\xa0", headers)
        response = connection.getresponse()
        body = response.read()
    assert response.headers["smithy-protocol"] == "rpc-v2-cbor"
    assert body.startswith(b"\xa2\x66__type\x75AccessDeniedException\x67message\x78")


# Botocore does not hold a body against its Content-Length, and takes JSON that it cannot read for an answer without
# members: what is cut off, or not AWS at all, arrives as an empty list unless someone looks.


@pytest.mark.parametrize("kind", ["truncated", "html"])
@pytest.mark.parametrize("asks", ["json", "json, once query", "rest-json"])
def test_what_is_not_json_arrives_as_an_answer_without_members(
    control: Control, client: Clients, asks: str, kind: Kind
) -> None:
    control.fault("*", kind, times=1)
    assert set(ASKS[asks](client)) == {"ResponseMetadata"}
    assert set(ASKS[asks](client)) > {"ResponseMetadata"}


def test_a_page_is_told_by_its_type_and_a_cut_body_by_its_length(control: Control, client: Clients) -> None:
    def headers() -> dict[str, str]:
        found: dict[str, str] = client("kms").list_keys()["ResponseMetadata"]["HTTPHeaders"]
        return found

    whole = headers()
    assert whole["content-type"] == "application/x-amz-json-1.1"
    control.fault("kms:*", "truncated")
    assert headers()["content-length"] == whole["content-length"]
    control.fault("kms:*", "html")
    assert headers()["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("kind", ["truncated", "html"])
@pytest.mark.parametrize("asks", ["query", "ec2", "rest-xml"])
def test_what_is_not_xml_is_an_error(control: Control, client: Clients, asks: str, kind: Kind) -> None:
    control.fault("*", kind, times=1)
    with pytest.raises(ResponseParserError):
        ASKS[asks](client)
    ASKS[asks](client)


@pytest.mark.parametrize("kind", ["truncated", "html"])
def test_what_is_not_xml_is_taken_for_a_failure_of_s3(control: Control, client: Clients, kind: Kind) -> None:
    control.fault("*", kind)
    with pytest.raises(ClientError) as caught:
        client("s3").list_buckets()
    assert caught.value.response["Error"]["Code"] == "500"


def test_an_object_that_ends_too_early_is_noticed(control: Control, client: Clients) -> None:
    client("s3").create_bucket(Bucket="a-bucket")
    client("s3").put_object(Bucket="a-bucket", Key="k", Body=b"x" * 100)
    control.fault("s3:GetObject", "truncated")
    with pytest.raises((IncompleteReadError, ResponseStreamingError)):
        client("s3").get_object(Bucket="a-bucket", Key="k")["Body"].read()


@pytest.mark.parametrize(
    ("seconds", "waits"),
    [
        pytest.param(0.3, False, id="an answer that comes in time"),
        pytest.param(3.0, True, id="an answer that comes too late"),
    ],
)
def test_a_slow_answer(control: Control, client: Clients, seconds: float, waits: bool) -> None:
    control.fault("kms:ListKeys", "slow", seconds=seconds)
    began = time.monotonic()
    if waits:
        with pytest.raises(ReadTimeoutError):
            client("kms").list_keys()
    else:
        client("kms").list_keys()
        assert time.monotonic() - began >= seconds


def _seed_pages(client: Clients) -> None:
    client("kms").create_key()
    client("s3").create_bucket(Bucket="a-bucket")
    client("s3").put_object(Bucket="a-bucket", Key="k", Body=b"x")
    client("iam").create_user(UserName="ann")
    client("guardduty").create_detector(Enable=True)


@pytest.mark.parametrize(
    ("service", "method", "given", "token", "said"),
    [
        pytest.param("kms", "list_keys", {}, "Marker", "NextMarker", id="json with a flag"),
        pytest.param("secretsmanager", "list_secrets", {}, "NextToken", "NextToken", id="json"),
        pytest.param("guardduty", "list_detectors", {}, "NextToken", "NextToken", id="rest-json, other wire name"),
        pytest.param("iam", "list_users", {}, "Marker", "Marker", id="query with a flag"),
        pytest.param("ec2", "describe_volumes", {}, "NextToken", "NextToken", id="ec2"),
        pytest.param("s3", "list_buckets", {}, "ContinuationToken", "ContinuationToken", id="S3's buckets"),
        pytest.param(
            "s3",
            "list_objects_v2",
            {"Bucket": "a-bucket"},
            "ContinuationToken",
            "NextContinuationToken",
            id="S3's objects",
        ),
    ],
)
def test_a_list_that_never_ends(
    control: Control, client: Clients, service: str, method: str, given: dict[str, Any], token: str, said: str
) -> None:
    _seed_pages(client)
    ask = getattr(client(service), method)
    whole = ask(**given)
    control.fault(f"{service}:*", "repeat-token")
    first = ask(**given)
    second = ask(**given, **{token: first[said]})
    assert first[said] == second[said]
    is_list = next(name for name, value in first.items() if isinstance(value, list))
    assert first[is_list] == second[is_list] == whole[is_list]
    assert all(page.get("IsTruncated", True) and page.get("Truncated", True) for page in (first, second))


def test_a_paginator_meets_the_list_that_never_ends(control: Control, client: Clients) -> None:
    control.fault("kms:ListKeys", "repeat-token")
    pages = client("kms").get_paginator("list_keys").paginate()
    with pytest.raises(Exception, match="next token was received twice"):
        list(pages)


def test_a_fault_is_for_its_operation_region_and_resource_alone(control: Control, client: Clients) -> None:
    client("s3").create_bucket(Bucket="first")
    client("s3").create_bucket(Bucket="second")
    control.fault("s3:GetBucket*", "denied", match="second")
    control.fault("kms:*", "denied", region="eu-west-1")
    client("s3").get_bucket_acl(Bucket="first")
    with pytest.raises(ClientError):
        client("s3").get_bucket_acl(Bucket="second")
    client("s3").head_bucket(Bucket="second")
    client("kms").list_keys()
    with pytest.raises(ClientError):
        client("kms", "eu-west-1").list_keys()


def test_a_match_is_read_from_the_body_as_it_is_meant(control: Control, client: Clients) -> None:
    arn = "arn:aws:iam::123456789012:role/odd"
    control.fault("iam:ListEntitiesForPolicy", "denied", match=arn)
    with pytest.raises(ClientError, match="AccessDenied"):
        client("iam").list_entities_for_policy(PolicyArn=arn)


def test_a_fault_strikes_as_often_as_it_is_told(control: Control, client: Clients) -> None:
    control.fault("kms:ListKeys", "throttled", times=2)
    for _ in range(2):
        with pytest.raises(ClientError):
            client("kms").list_keys()
    client("kms").list_keys()


def test_the_newest_fault_strikes(control: Control, client: Clients) -> None:
    control.fault("*", "denied")
    control.fault("kms:ListKeys", "throttled")
    with pytest.raises(ClientError, match="Throttling"):
        client("kms").list_keys()


def test_an_unknown_kind_of_fault_is_refused(control: Control) -> None:
    unknown: Any = "tired"
    with pytest.raises(Refused, match="'tired' is no kind of fault"):
        control.fault("*", unknown)


# Answers for what moto lacks

ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/0123456789abcdef"


@pytest.mark.parametrize(
    ("operation", "body", "method", "given"),
    [
        pytest.param(
            "wafv2:ListResourcesForWebACL",
            {"ResourceArns": [ARN]},
            "list_resources_for_web_acl",
            {"WebACLArn": "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/web/1", "ResourceType": "X"},
            id="json: the resources of a web ACL",
        ),
        pytest.param(
            "config:DescribeComplianceByConfigRule",
            {"ComplianceByConfigRules": [{"ConfigRuleName": "r", "Compliance": {"ComplianceType": "COMPLIANT"}}]},
            "describe_compliance_by_config_rule",
            {},
            id="json: the compliance of rules",
        ),
        pytest.param(
            "securityhub:GetEnabledStandards",
            {
                "StandardsSubscriptions": [
                    {"StandardsArn": "arn:aws:securityhub:::standards/x", "StandardsStatus": "READY"}
                ]
            },
            "get_enabled_standards",
            {},
            id="rest-json: the standards of Security Hub",
        ),
        pytest.param(
            "guardduty:ListFindings",
            {"FindingIds": ["f1"], "NextToken": ""},
            "list_findings",
            {"DetectorId": "d" * 32},
            id="rest-json: the findings of GuardDuty",
        ),
        pytest.param(
            "backup:ListBackupSelections",
            {"BackupSelectionsList": [{"SelectionId": "s", "SelectionName": "all"}]},
            "list_backup_selections",
            {"BackupPlanId": "p"},
            id="rest-json: what a plan backs up",
        ),
        pytest.param(
            "backup:ListRecoveryPointsByBackupVault",
            {"RecoveryPoints": [{"RecoveryPointArn": "arn:aws:backup:x", "Status": "COMPLETED", "IsEncrypted": True}]},
            "list_recovery_points_by_backup_vault",
            {"BackupVaultName": "v"},
            id="rest-json: recovery points",
        ),
        pytest.param(
            "backup:ListRestoreJobs",
            {"RestoreJobs": [{"RestoreJobId": "j", "Status": "COMPLETED"}]},
            "list_restore_jobs",
            {},
            id="rest-json: restores",
        ),
        pytest.param(
            "backup:ListBackupJobs",
            {"BackupJobs": [{"BackupJobId": "j", "State": "COMPLETED"}]},
            "list_backup_jobs",
            {},
            id="rest-json: backups",
        ),
        pytest.param(
            "backup:ListProtectedResources",
            {"Results": [{"ResourceArn": ARN, "ResourceType": "RDS"}]},
            "list_protected_resources",
            {},
            id="rest-json: protected resources",
        ),
        pytest.param(
            "ec2:GetEbsDefaultKmsKeyId",
            {"KmsKeyId": "alias/aws/ebs"},
            "get_ebs_default_kms_key_id",
            {},
            id="ec2: the key of new volumes",
        ),
        pytest.param(
            "logs:GetDataProtectionPolicy",
            {"logGroupIdentifier": "g", "policyDocument": "{}"},
            "get_data_protection_policy",
            {"logGroupIdentifier": "g"},
            id="json: the data protection of a log group",
        ),
        pytest.param(
            "rds:DescribeCertificates",
            {"Certificates": [{"CertificateIdentifier": "rds-ca", "CustomerOverride": False}]},
            "describe_certificates",
            {},
            id="query: certificates of RDS",
        ),
        pytest.param(
            "elbv2:DescribeCapacityReservation",
            {"DecreaseRequestsRemaining": 2},
            "describe_capacity_reservation",
            {"LoadBalancerArn": ARN},
            id="query: ELBv2",
        ),
        pytest.param(
            "accessanalyzer:ListAnalyzers",
            {"analyzers": [{"arn": "arn:aws:access-analyzer:x", "name": "a", "status": "ACTIVE"}]},
            "list_analyzers",
            {},
            id="rest-json of a service that moto has not: Access Analyzer",
        ),
        pytest.param(
            "s3:GetBucketAbac",
            {"AbacStatus": {"Status": "Enabled"}},
            "get_bucket_abac",
            {"Bucket": "a-bucket"},
            id="rest-xml with a payload: S3",
        ),
    ],
)
def test_an_answer_that_moto_lacks(
    control: Control, client: Clients, operation: str, body: dict[str, Any], method: str, given: dict[str, Any]
) -> None:
    control.answer(operation, body)
    answer = getattr(client(operation.partition(":")[0]), method)(**given)
    assert {name: answer[name] for name in body} == body
    assert control.counts() == {operation: 1}


def test_times_in_an_answer_arrive_as_times(control: Control, client: Clients) -> None:
    control.answer("guardduty:GetFindings", {"Findings": [{"Id": "f1", "CreatedAt": "2026-01-02T03:04:05Z"}]})
    control.answer("backup:ListBackupJobs", {"BackupJobs": [{"CompletionDate": 1767323045.0}]})
    control.answer("rds:DescribeCertificates", {"Certificates": [{"ValidTill": "2026-01-02T03:04:05Z"}]})
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    found = client("guardduty").get_findings(DetectorId="d" * 32, FindingIds=["f1"])["Findings"][0]
    assert found["CreatedAt"] == "2026-01-02T03:04:05Z", "a string in the model"
    assert client("backup").list_backup_jobs()["BackupJobs"][0]["CompletionDate"] == moment
    assert client("rds").describe_certificates()["Certificates"][0]["ValidTill"] == moment


def test_an_answer_may_be_text_for_one_resource_alone(control: Control, client: Clients) -> None:
    control.answer(
        "s3:GetBucketLocation",
        "<LocationConstraint>mars-1</LocationConstraint>",
        path="/on-mars*",
        content_type="application/xml",
    )
    client("s3").create_bucket(Bucket="on-earth")
    assert client("s3").get_bucket_location(Bucket="on-mars")["LocationConstraint"] == "mars-1"
    assert client("s3").get_bucket_location(Bucket="on-earth")["LocationConstraint"] is None


def test_an_answer_may_be_an_error(control: Control, client: Clients) -> None:
    control.answer("s3:GetBucketPolicy", {"Code": "NoSuchBucketPolicy", "Message": "none"}, status=404)
    control.answer("guardduty:ListFindings", {"Code": "BadRequestException"}, status=400)
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        client("s3").get_bucket_policy(Bucket="b")
    with pytest.raises(client("guardduty").exceptions.BadRequestException):
        client("guardduty").list_findings(DetectorId="d" * 32)


def test_a_fault_goes_before_an_answer(control: Control, client: Clients) -> None:
    control.answer("kms:ListKeys", {"Keys": []})
    control.fault("kms:ListKeys", "denied", times=1)
    with pytest.raises(ClientError):
        client("kms").list_keys()
    assert client("kms").list_keys()["Keys"] == []


@pytest.mark.parametrize(
    ("service", "method", "given"),
    [
        pytest.param("backup", "list_backup_jobs", {}, id="a path that moto does not route"),
        pytest.param("wafv2", "list_api_keys", {"Scope": "REGIONAL"}, id="an operation that moto does not have"),
        pytest.param("ec2", "get_ebs_default_kms_key_id", {}, id="one of EC2"),
        pytest.param("trustedadvisor", "list_checks", {}, id="a service that moto does not have"),
    ],
)
def test_what_moto_lacks_is_an_error_that_says_so(
    control: Control, client: Clients, service: str, method: str, given: dict[str, Any]
) -> None:
    with pytest.raises(ClientError, match="has no answer for") as caught:
        getattr(client(service), method)(**given)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


# The clock


def _secret(client: Clients) -> datetime:
    client("secretsmanager").create_secret(Name="s", SecretString="x")
    found: datetime = client("secretsmanager").describe_secret(SecretId="s")["CreatedDate"]
    return found


def _access_key(client: Clients) -> datetime:
    client("iam").create_user(UserName="ann")
    client("iam").create_access_key(UserName="ann")
    found: datetime = client("iam").list_access_keys(UserName="ann")["AccessKeyMetadata"][0]["CreateDate"]
    return found


def _rds_snapshot(client: Clients) -> datetime:
    client("rds").create_db_instance(
        DBInstanceIdentifier="db",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="u",
        MasterUserPassword="not-a-secret",
    )
    client("rds").create_db_snapshot(DBSnapshotIdentifier="snap", DBInstanceIdentifier="db")
    found: datetime = client("rds").describe_db_snapshots()["DBSnapshots"][0]["SnapshotCreateTime"]
    return found


def _ec2_snapshot(client: Clients) -> datetime:
    volume = client("ec2").create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    client("ec2").create_snapshot(VolumeId=volume)
    found: datetime = client("ec2").describe_snapshots(OwnerIds=["self"])["Snapshots"][0]["StartTime"]
    return found


def _kms_key(client: Clients) -> datetime:
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    found: datetime = client("kms").describe_key(KeyId=key)["KeyMetadata"]["CreationDate"]
    return found


def _s3_object(client: Clients) -> datetime:
    client("s3").create_bucket(Bucket="a-bucket")
    client("s3").put_object(Bucket="a-bucket", Key="k", Body=b"x")
    found: datetime = client("s3").list_objects_v2(Bucket="a-bucket")["Contents"][0]["LastModified"]
    return found


@pytest.mark.parametrize(
    "create",
    [
        pytest.param(_secret, id="a secret"),
        pytest.param(_access_key, id="an access key"),
        pytest.param(_rds_snapshot, id="a snapshot of RDS"),
        pytest.param(_ec2_snapshot, id="a snapshot of EC2"),
        pytest.param(_kms_key, id="a key of KMS"),
        pytest.param(_s3_object, id="an object of S3"),
    ],
)
def test_what_is_created_under_a_shifted_clock_is_old(
    control: Control, client: Clients, create: Callable[[Clients], datetime]
) -> None:
    control.clock(-400)
    created = create(client)
    control.clock(0)
    age = datetime.now(UTC) - created
    assert timedelta(days=399, hours=23) < age < timedelta(days=400, hours=1)


def test_the_clock_is_back_at_zero_and_after_a_reset(control: Control, client: Clients) -> None:
    control.clock(-400)
    control.clock(-10)
    assert timedelta(days=9) < datetime.now(UTC) - _kms_key(client) < timedelta(days=11)
    control.clock(0)
    assert datetime.now(UTC) - _kms_key(client) < timedelta(minutes=1)
    control.clock(-400)
    control.reset()
    assert datetime.now(UTC) - _kms_key(client) < timedelta(minutes=1)


def test_a_reset_empties_the_cloud(control: Control, client: Clients) -> None:
    _seed_pages(client)
    control.fault("*", "denied")
    control.answer("kms:ListKeys", {"Keys": [{"KeyId": "canned"}]})
    control.root(mfa=True)
    control.reset()
    assert control.calls() == []
    assert client("kms").list_keys()["Keys"] == []
    assert client("s3").list_buckets()["Buckets"] == []
    assert client("iam").get_account_summary()["SummaryMap"]["AccountMFAEnabled"] == 0


# Repairs


def _key(client: Clients, **given: Any) -> str:
    return str(client("kms").create_key(**given)["KeyMetadata"]["KeyId"])


def _days_until(moment: datetime) -> int:
    return round((moment - datetime.now(UTC)) / timedelta(days=1))


def test_a_key_that_is_not_rotated_has_no_period(client: Clients) -> None:
    status = client("kms").get_key_rotation_status(KeyId=_key(client))
    assert status["KeyRotationEnabled"] is False
    assert "RotationPeriodInDays" not in status


@pytest.mark.parametrize(
    ("given", "period"),
    [
        pytest.param({}, 365, id="a year when nothing is said"),
        pytest.param({"RotationPeriodInDays": 90}, 90, id="the shortest"),
        pytest.param({"RotationPeriodInDays": 2560}, 2560, id="the longest"),
    ],
)
def test_the_rotation_period_is_kept(client: Clients, given: dict[str, int], period: int) -> None:
    key = _key(client)
    client("kms").enable_key_rotation(KeyId=key, **given)
    status = client("kms").get_key_rotation_status(KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, period)
    assert _days_until(status["NextRotationDate"]) == period
    assert status["KeyId"].endswith(f":key/{key}")


def test_the_next_rotation_counts_from_the_day_rotation_was_enabled(control: Control, client: Clients) -> None:
    control.clock(-400)
    key = _key(client)
    client("kms").enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    control.clock(0)
    assert _days_until(client("kms").get_key_rotation_status(KeyId=key)["NextRotationDate"]) == 50


@pytest.mark.parametrize("period", [89, 2561])
def test_a_rotation_period_out_of_range_is_refused(cloud: Cloud, client: Clients, period: int) -> None:
    key = _key(client)
    careless = SESSION.client("kms", endpoint_url=cloud.endpoint, config=Config(**QUICK, parameter_validation=False))
    with pytest.raises(ClientError, match="ValidationException"):
        careless.enable_key_rotation(KeyId=key, RotationPeriodInDays=period)
    careless.close()


def test_an_asymmetric_key_is_not_rotated(client: Clients) -> None:
    key = _key(client, KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    with pytest.raises(client("kms").exceptions.UnsupportedOperationException):
        client("kms").enable_key_rotation(KeyId=key)
    assert client("kms").get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False


def test_a_key_that_will_be_deleted_is_not_rotated(client: Clients) -> None:
    key = _key(client)
    client("kms").enable_key_rotation(KeyId=key)
    client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert client("kms").get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False


@pytest.mark.parametrize("multi_region", [True, False])
def test_a_key_says_whether_it_is_of_many_regions(client: Clients, multi_region: bool) -> None:
    key = _key(client, MultiRegion=multi_region)
    assert client("kms").describe_key(KeyId=key)["KeyMetadata"]["MultiRegion"] is multi_region


def test_a_managed_key_is_of_aws_and_rotated_every_year(client: Clients) -> None:
    key = client("kms").describe_key(KeyId="alias/aws/rds")["KeyMetadata"]
    assert key["KeyManager"] == "AWS"
    status = client("kms").get_key_rotation_status(KeyId=key["Arn"])
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 365)


@pytest.mark.parametrize(
    ("mfa", "access_keys", "present"),
    [
        pytest.param(True, 0, 0, id="as it should be"),
        pytest.param(False, 1, 1, id="a key and no second factor"),
        pytest.param(True, 2, 1, id="two keys are one flag"),
    ],
)
def test_the_summary_knows_the_root_user(
    control: Control, client: Clients, mfa: bool, access_keys: int, present: int
) -> None:
    control.root(mfa=mfa, access_keys=access_keys)
    summary = client("iam").get_account_summary()["SummaryMap"]
    assert (summary["AccountMFAEnabled"], summary["AccountAccessKeysPresent"]) == (int(mfa), present)


def _report(client: Clients) -> dict[str, dict[str, str]]:
    client("iam").generate_credential_report()
    text = client("iam").get_credential_report()["Content"].decode()
    return {row["user"]: row for row in csv.DictReader(io.StringIO(text), strict=True)}


COLUMNS = [
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation",
    "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region",
    "access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date",
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active",
    "cert_2_last_rotated,additional_credentials_info",
]


def test_the_credential_report_has_all_columns_and_the_root_user(control: Control, client: Clients) -> None:
    control.root(mfa=True, access_keys=1, used_days_ago=3)
    root = _report(client)["<root_account>"]
    assert ",".join(root) == ",".join(COLUMNS)
    assert all(value for value in root.values())
    assert root["arn"] == "arn:aws:iam::123456789012:root"
    assert root["password_enabled"] == "not_supported"
    assert (root["mfa_active"], root["access_key_1_active"], root["access_key_2_active"]) == ("true", "true", "false")
    used = datetime.fromisoformat(root["password_last_used"])
    assert timedelta(days=2, hours=23) < datetime.now(UTC) - used < timedelta(days=3, hours=1)


def test_the_credential_report_of_a_user(control: Control, client: Clients) -> None:
    iam = client("iam")
    iam.update_account_password_policy(MaxPasswordAge=90)
    control.clock(-100)
    iam.create_user(UserName="ann")
    iam.create_access_key(UserName="ann")
    control.clock(-10)
    iam.create_login_profile(UserName="ann", Password="not-a-secret-1!")
    control.clock(0)
    iam.create_user(UserName="robot")
    rows = _report(client)
    ann, robot = rows["ann"], rows["robot"]
    assert _days_until(datetime.fromisoformat(ann["access_key_1_last_rotated"])) == -100
    assert _days_until(datetime.fromisoformat(ann["password_last_changed"])) == -10
    assert _days_until(datetime.fromisoformat(ann["password_next_rotation"])) == 80
    assert (ann["password_enabled"], ann["password_last_used"], ann["access_key_1_last_used_date"]) == (
        "true",
        "no_information",
        "N/A",
    )
    assert (robot["password_enabled"], robot["password_last_used"], robot["access_key_1_active"]) == (
        "false",
        "N/A",
        "false",
    )


def test_a_key_that_was_used_says_where(cloud: Cloud, client: Clients) -> None:
    client("iam").create_user(UserName="ann")
    key = client("iam").create_access_key(UserName="ann")["AccessKey"]
    own = SESSION.client(
        "kms",
        endpoint_url=cloud.endpoint,
        region_name="eu-west-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    own.list_keys()
    own.close()
    ann = _report(client)["ann"]
    assert re.fullmatch(r"\d{4}-.*\+00:00", ann["access_key_1_last_used_date"])
    assert (ann["access_key_1_last_used_region"], ann["access_key_1_last_used_service"]) == ("eu-west-1", "kms")


def test_a_report_is_of_the_time_it_was_made(control: Control, client: Clients) -> None:
    with pytest.raises(client("iam").exceptions.CredentialReportNotPresentException):
        client("iam").get_credential_report()
    control.clock(-1)
    client("iam").generate_credential_report()
    control.clock(0)
    assert _days_until(client("iam").get_credential_report()["GeneratedTime"]) == -1


def test_a_vault_has_a_key_always(client: Clients) -> None:
    own = f"arn:aws:kms:us-east-1:123456789012:key/{_key(client)}"
    client("backup").create_backup_vault(BackupVaultName="own", EncryptionKeyArn=own)
    client("backup").create_backup_vault(BackupVaultName="default")
    keys = {
        vault["BackupVaultName"]: vault["EncryptionKeyArn"]
        for vault in client("backup").list_backup_vaults()["BackupVaultList"]
    }
    assert keys["own"] == own
    assert client("backup").describe_backup_vault(BackupVaultName="default")["EncryptionKeyArn"] == keys["default"]
    managed = client("kms").describe_key(KeyId=keys["default"])["KeyMetadata"]
    assert managed["KeyManager"] == "AWS"


def _algorithm(client: Clients, bucket: str) -> str:
    rules = client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    return str(rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"])


def test_every_bucket_encrypts(client: Clients) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="a-bucket")
    assert _algorithm(client, "a-bucket") == "AES256"
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"}}
    s3.put_bucket_encryption(Bucket="a-bucket", ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert _algorithm(client, "a-bucket") == "aws:kms"
    s3.delete_bucket_encryption(Bucket="a-bucket")
    assert _algorithm(client, "a-bucket") == "AES256"
    assert s3.put_object(Bucket="a-bucket", Key="k", Body=b"x")["ServerSideEncryption"] == "AES256"


def test_buckets_are_listed_in_pages_with_their_region(client: Clients) -> None:
    client("s3").create_bucket(Bucket="in-virginia")
    for name in ("in-ireland-2", "in-ireland-1"):
        client("s3", "eu-west-1").create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
    assert all("BucketRegion" not in bucket for bucket in client("s3").list_buckets()["Buckets"])
    first = client("s3").list_buckets(MaxBuckets=2)
    assert [(bucket["Name"], bucket["BucketRegion"]) for bucket in first["Buckets"]] == [
        ("in-ireland-1", "eu-west-1"),
        ("in-ireland-2", "eu-west-1"),
    ]
    last = client("s3").list_buckets(MaxBuckets=2, ContinuationToken=first["ContinuationToken"])
    assert [bucket["Name"] for bucket in last["Buckets"]] == ["in-virginia"]
    assert "ContinuationToken" not in last
    by_region = client("s3").list_buckets(BucketRegion="us-east-1")
    assert [bucket["Name"] for bucket in by_region["Buckets"]] == ["in-virginia"]


BLOCK = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


def _use_block(s3control: Any) -> None:
    with pytest.raises(ClientError, match="NoSuchPublicAccessBlockConfiguration"):
        s3control.get_public_access_block(AccountId="123456789012")
    s3control.put_public_access_block(AccountId="123456789012", PublicAccessBlockConfiguration=BLOCK)
    found = s3control.get_public_access_block(AccountId="123456789012")
    assert found["PublicAccessBlockConfiguration"] == BLOCK
    s3control.close()


def test_an_accounts_block_is_asked_through_the_server_as_a_proxy(cloud: Cloud, control: Control) -> None:
    config = Config(**QUICK, proxies={"http": cloud.endpoint})
    _use_block(SESSION.client("s3control", endpoint_url=cloud.endpoint, config=config))
    assert control.counts()["s3control:GetPublicAccessBlock"] == 2


def test_an_accounts_block_is_asked_without_the_account_in_the_host_name(cloud: Cloud, control: Control) -> None:
    s3control = SESSION.client("s3control", endpoint_url=cloud.endpoint, config=Config(**QUICK))

    def without_account(request: Any, **_: Any) -> None:
        request.url = request.url.replace("//123456789012.", "//")

    s3control.meta.events.register("before-sign.s3-control", without_account)
    _use_block(s3control)
    assert control.counts()["s3control:PutPublicAccessBlock"] == 1


def test_many_at_once(control: Control, client: Clients) -> None:
    from concurrent.futures import ThreadPoolExecutor

    kms = client("kms")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: kms.create_key(), range(40)))
    assert len(kms.list_keys(Limit=1000)["Keys"]) == 40
    assert control.counts()["kms:CreateKey"] == 40
