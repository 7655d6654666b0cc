"""The target `aws` against a server that answers as AWS: who asks, where, and every way in which no answer comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from examples.healthmesh.cloud.control import Control, Kind
from examples.healthmesh.cloud.server import running

from meshguard.errors import Denied, NotAllowed, NotObserved, Throttled, Unsupported
from meshguard.evidence import Evidence
from meshguard.targets.aws import Aws, AwsSettings
from meshguard.targets.aws.preflight import principal_of

OWN = "123456789012"
HOME = f"{OWN}/us-east-1"
REGIONS = (
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1",
    "eu-north-1", "eu-south-1", "ap-south-1", "ap-east-1", "ap-southeast-1", "ap-northeast-1", "sa-east-1",
    "ca-central-1",
)  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running() as cloud:
        yield cloud.endpoint


@pytest.fixture(autouse=True)
def control(server: str) -> Iterator[Control]:
    control = Control(server)
    control.reset()
    yield control
    control.clear()


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def target(server: str, *, max_calls: int | None = None, **settings: Any) -> Aws:
    given = {"name": "main", "region": "us-east-1", "endpoint": server, "retries": 1, **settings}
    if "regions" in settings:
        del given["region"]
    return Aws(AwsSettings.model_validate(given), Evidence(max_calls=max_calls))


def client(server: str, service: str, region: str = "us-east-1") -> Any:
    import boto3

    session: Any = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name=region)
    return session.client(service, endpoint_url=server)


async def refused(asked: Any) -> NotObserved:
    with pytest.raises(NotObserved) as caught:
        await asked
    return caught.value


async def test_the_caller_is_recorded(server: str, control: Control) -> None:
    aws = target(server)
    identity = await aws.identity()
    assert (identity.account, identity.partition) == (OWN, "aws")
    assert identity.arn.startswith(f"arn:aws:sts::{OWN}:")
    assert [str(account) for account in (await aws.accounts()).items] == [OWN]
    assert (await aws.places()).items == (HOME,)
    assert aws.evidence.observations["aws:main/identity()"].value["account"] == OWN


async def test_credentials_of_another_account_are_not_audited(server: str, control: Control) -> None:
    fault = await refused(target(server, account="999999999999").keys())
    assert fault.reason == f"the credentials belong to account {OWN}, and aws:main names 999999999999"


async def test_each_region_has_its_own_list_and_an_empty_one_is_named(server: str, control: Control) -> None:
    client(server, "kms").create_key()
    aws = target(server, regions=["us-east-1", "eu-west-1"])
    listing = await aws.keys()
    assert [key.place for key in listing.items] == [HOME]
    assert listing.note == f"none in {OWN}/eu-west-1"
    assert not listing.unread


async def test_all_enabled_regions(server: str, control: Control) -> None:
    places = (await target(server, regions="all").places()).items
    assert {f"{OWN}/eu-west-1", HOME, f"{OWN}/ap-southeast-2"} <= set(places)


async def test_a_denied_region_is_a_part_that_could_not_be_read(server: str, control: Control) -> None:
    client(server, "kms").create_key()
    control.fault("kms:ListKeys", "denied", region="eu-west-1")
    listing = await target(server, regions=["us-east-1", "eu-west-1"]).keys()
    assert len(listing.items) == 1
    (part,) = listing.unread
    assert (part.resource, part.kind) == (f"{OWN}/eu-west-1", "denied")
    assert part.reason.startswith(f"kms:ListKeys in eu-west-1 of account {OWN}: access denied (AccessDenied")
    assert part.fix.startswith("allow kms:ListKeys; ")


FAULTS = [
    ("denied", Denied, "access denied"),
    ("throttled", Throttled, "throttled"),
    ("error500", NotObserved, "it answered an error"),
    ("truncated", NotObserved, "the answer could not be read"),
    ("expired", NotObserved, "the credentials have expired"),
    ("disabled-region", NotObserved, "the credentials are not known there"),
    ("optin", Unsupported, "not subscribed"),
    ("html", NotObserved, "the answer could not be read"),
    ("unsupported", Unsupported, "does not know it"),
]


@pytest.mark.parametrize(("kind", "failure", "words"), FAULTS, ids=[row[0] for row in FAULTS])
async def test_a_fault_of_a_list_is_the_reason_for_the_part(
    server: str, control: Control, kind: Kind, failure: type[NotObserved], words: str
) -> None:
    client(server, "kms").create_key()
    control.fault("kms:ListKeys", kind)
    fault = await refused(target(server).keys_in(HOME))
    assert isinstance(fault, failure)
    assert words in fault.reason
    assert "kms:ListKeys" in fault.reason
    assert fault.fix
    listing = await target(server).keys()
    assert not listing.items
    assert [part.resource for part in listing.unread] == [HOME]


async def test_a_page_that_names_itself_as_the_next_one(server: str, control: Control) -> None:
    kms = client(server, "kms")
    for _ in range(3):
        kms.create_key()
    control.fault("kms:ListKeys", "repeat-token")
    fault = await refused(target(server).keys_in(HOME))
    assert "a page named itself as the next one" in fault.reason


async def test_an_answer_that_comes_too_late_ends_with_the_facts_deadline(server: str, control: Control) -> None:
    control.fault("kms:ListKeys", "slow", times=0)
    aws = target(server, limits={"fact_deadline": "1s"})
    await aws.identity()
    fault = await refused(aws.keys_in(HOME))
    assert "had no whole answer within 1 s" in fault.reason


async def test_an_endpoint_that_is_down(control: Control) -> None:
    fault = await refused(target("http://127.0.0.1:9").identity())
    assert "sts:GetCallerIdentity in us-east-1: it was not reached" in fault.reason


async def test_an_endpoint_that_is_not_aws(server: str, control: Control) -> None:
    control.fault("sts:*", "html")
    fault = await refused(target(server).identity())
    assert fault.fix == "see that the endpoint is AWS's, or speaks its API"


async def test_no_credentials(server: str, control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    fault = await refused(target(server).identity())
    assert "no credentials were found" in fault.reason


async def test_a_profile_that_is_not_there(server: str, control: Control) -> None:
    fault = await refused(target(server, profile="audti").identity())
    assert "there is no such profile" in fault.reason
    assert "`profile`" in fault.fix


async def test_a_slip_in_the_name_of_a_region_is_found_before_a_call() -> None:
    aws = target("", region="eu-westt-1")
    fault = await refused(aws.identity())
    assert fault.reason == "the region 'eu-westt-1' is not known"
    assert fault.fix == "did you mean 'eu-west-1'?"


async def test_no_region_at_all(server: str, control: Control) -> None:
    fault = await refused(target(server, region=None).identity())
    assert fault.reason == "no region is named"


async def test_an_endpoint_of_the_environment_is_not_contacted(
    server: str, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # what goes to AWS itself ends here
    fault = await refused(target("").identity())
    assert "not reached" in fault.reason
    assert control.counts() == {}


class TestRoles:
    """Roles to assume first, and in each member account."""

    async def test_a_role_is_assumed_with_the_external_id_and_the_session_name(
        self, server: str, control: Control
    ) -> None:
        trust = {"Version": "2012-10-17", "Statement": []}
        client(server, "iam").create_role(RoleName="audit", AssumeRolePolicyDocument=json.dumps(trust))
        role = f"arn:aws:iam::{OWN}:role/audit"
        aws = target(server, role=role, external_id="not-in-any-file", session_name="before-release")
        assert (await aws.identity()).arn == f"arn:aws:sts::{OWN}:assumed-role/audit/before-release"
        assert control.counts()["sts:AssumeRole"] == 1
        assert "not-in-any-file" not in str(aws.evidence.observations)

    async def test_a_role_that_cannot_be_assumed(self, server: str, control: Control) -> None:
        control.fault("sts:AssumeRole", "denied")
        fault = await refused(target(server, role=f"arn:aws:iam::{OWN}:role/audit").identity())
        assert isinstance(fault, Denied)
        assert "the role could not be assumed (AccessDenied)" in fault.reason
        assert "trust policy" in fault.fix

    async def test_a_web_identity(self, server: str, control: Control, tmp_path: Path) -> None:
        token = tmp_path / "token"
        token.write_text("eyJhbGciOiJub25lIn0.eyJzdWIiOiJjaSJ9.")
        role = f"arn:aws:iam::{OWN}:role/ci"
        aws = target(server, role=role, web_identity_token=token)
        assert (await aws.identity()).arn.startswith(f"arn:aws:sts::{OWN}:assumed-role/ci/")
        assert control.counts()["sts:AssumeRoleWithWebIdentity"] == 1

    async def test_each_named_account_is_asked_in_its_own_name(self, server: str, control: Control) -> None:
        aws = target(server, accounts=[OWN, "111111111111"], member_role="audit")
        places = (await aws.places()).items
        assert places == (HOME, "111111111111/us-east-1")
        listing = await aws.keys()
        assert not listing.unread
        assert control.counts()["sts:AssumeRole"] == 1

    async def test_the_active_accounts_of_an_organisation(self, server: str) -> None:
        organizations = client(server, "organizations")
        organizations.create_organization(FeatureSet="ALL")
        member = organizations.create_account(Email="a@example.org", AccountName="data")["CreateAccountStatus"]
        gone = organizations.create_account(Email="b@example.org", AccountName="old")["CreateAccountStatus"]
        organizations.close_account(AccountId=gone["AccountId"])
        aws = target(server, accounts="organization", member_role="audit")
        listing = await aws.accounts()
        assert {account.id: account.management for account in listing.items} == {OWN: True, member["AccountId"]: False}
        assert listing.left_out[0].count == 1

    async def test_an_account_whose_role_cannot_be_assumed_is_named_and_the_others_are_read(
        self, server: str, control: Control
    ) -> None:
        client(server, "kms").create_key()
        control.fault("sts:AssumeRole", "denied")
        aws = target(server, accounts=[OWN, "111111111111"], member_role="audit")
        listing = await aws.keys()
        assert [key.place for key in listing.items] == [HOME]
        assert [part.resource for part in listing.unread] == ["111111111111/us-east-1"]


class TestCalls:
    """How often AWS is asked."""

    async def test_many_readers_ask_once(self, server: str, control: Control) -> None:
        client(server, "kms").create_key()
        control.forget_calls()
        aws = target(server)
        await asyncio.gather(*(aws.keys() for _ in range(20)))
        assert control.counts() == {"sts:GetCallerIdentity": 1, "kms:ListKeys": 1}
        assert aws.evidence.calls == 2

    async def test_calls_end_with_their_bound(self, server: str, control: Control) -> None:
        aws = target(server, max_calls=2, regions=["us-east-1", "eu-west-1"])
        listing = await aws.keys()
        assert len(listing.unread) == 1
        assert listing.unread[0].kind == NotAllowed.kind
        assert "the bound of 2 calls is reached" in listing.unread[0].reason
        assert control.counts().total() == 2

    async def test_calls_of_a_service_have_a_rate(self, server: str) -> None:
        aws = target(server, rates={"kms": 20})
        await aws.identity()
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.gather(*(aws.keys_in(f"{OWN}/{region}") for region in REGIONS))  # ten at once, then 20 a second
        assert loop.time() - began >= 0.25

    async def test_waiting_for_a_turn_is_no_part_of_the_facts_time(self, server: str) -> None:
        aws = target(server, rates={"kms": 4}, limits={"fact_deadline": "1s"})
        await aws.identity()
        await asyncio.gather(*(aws.keys_in(f"{OWN}/{region}") for region in REGIONS))

    async def test_tags_choose_resources_and_the_others_are_counted(self, server: str) -> None:
        kms = client(server, "kms")
        chosen = kms.create_key(Tags=[{"TagKey": "app", "TagValue": "mesh"}])["KeyMetadata"]["Arn"]
        kms.create_key()
        listing = await target(server, tags={"app": "mesh"}).keys()
        assert [str(key) for key in listing.items] == [chosen]
        assert [(part.filter, part.count) for part in listing.left_out] == [("tags app=mesh", 1)]


class TestPreflight:
    """What is said of permissions before an audit."""

    async def test_the_simulation_answers_for_each_action(self, server: str, control: Control) -> None:
        decisions = [
            {"EvalActionName": "kms:ListKeys", "EvalDecision": "allowed"},
            {"EvalActionName": "kms:DescribeKey", "EvalDecision": "implicitDeny"},
        ]
        members = "".join(
            f"<member>{''.join(f'<{key}>{value}</{key}>' for key, value in one.items())}</member>" for one in decisions
        )
        result = f"<EvaluationResults>{members}</EvaluationResults><IsTruncated>false</IsTruncated>"
        control.answer(
            "iam:SimulatePrincipalPolicy",
            '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
            f"<SimulatePrincipalPolicyResult>{result}</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>",
        )
        aws = target(server)
        said = await aws.preflight([(Aws.keys_in, {}), (Aws.key_or_none, {}), (Aws.key_rotation, {})])
        assert said["kms:ListKeys"] == ""
        assert said["kms:DescribeKey"] == f"implicitDeny in account {OWN}"
        assert said["kms:GetKeyRotationStatus"].startswith("?the simulation did not speak of it")

    async def test_without_the_simulation_lists_are_tried_and_the_rest_stays_open(
        self, server: str, control: Control
    ) -> None:
        control.fault("iam:SimulatePrincipalPolicy", "denied")
        control.fault("kms:ListKeys", "denied")
        said = await target(server).preflight([(Aws.keys_in, {}), (Aws.key_or_none, {})])
        assert "access denied" in said["kms:ListKeys"]
        assert said["kms:DescribeKey"].startswith("?they can only be called for a resource")


@pytest.mark.parametrize(
    ("arn", "principal"),
    [
        ("arn:aws:sts::123456789012:assumed-role/audit/ci-17", "arn:aws:iam::123456789012:role/audit"),
        ("arn:aws:iam::123456789012:user/eva", "arn:aws:iam::123456789012:user/eva"),
    ],
    ids=["a session is simulated as its role", "a user is itself"],
)
def test_the_principal_of_a_caller(arn: str, principal: str) -> None:
    assert principal_of(arn) == principal
