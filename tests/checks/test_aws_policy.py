"""What AWS policy documents say: who gets in, what is allowed, whether TLS is enforced."""

from __future__ import annotations

import contextlib
import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshguard_checks.parsing.aws_policy import (
    Answer,
    Policy,
    PolicyError,
    allows,
    foreign_principals,
    full_admin,
    parse,
    public_statements,
    service_admin,
    tls_only,
)
from meshguard_checks.parsing.aws_policy_match import covers_action, matches, overlap

row = pytest.param
YES, NO, UNDECIDED = Answer.YES, Answer.NO, Answer.UNDECIDED
OURS, THEIRS = "111122223333", "999988887777"
ORG = "o-a1b2c3d4e5"
BUCKET = "arn:aws:s3:::records"
ROLE = f"arn:aws:iam::{OURS}:role/app"


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> Policy:
    return parse(json.dumps({"Version": version, "Statement": list(statements)}))


def allow(**elements: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"{BUCKET}/*",
        **elements,
    }


def deny(**elements: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", **elements}


def own(**elements: Any) -> dict[str, Any]:
    """A statement of an identity's policy."""
    return {"Effect": "Allow", "Action": "*", "Resource": "*", **elements}


# -- parse -----------------------------------------------------------------------------------------------------------


def test_single_values_and_lists_are_read_alike() -> None:
    one = {"Effect": "Allow", "Principal": {"AWS": OURS}, "Action": "s3:GetObject", "Resource": BUCKET}
    many = {"Effect": "Allow", "Principal": {"AWS": [OURS]}, "Action": ["S3:getobject"], "Resource": [BUCKET]}
    texts = [json.dumps({"Statement": statement}) for statement in (one, [one], many, [many])]
    assert len({parse(text) for text in texts}) == 1


def test_the_version_without_variables_is_the_default() -> None:
    assert parse('{"Statement": []}').version == "2008-10-17"


def test_operators_and_keys_are_lowered_and_scalars_are_text() -> None:
    condition = {"BOOL": {"AWS:securetransport": False}, "numericlessthan": {"s3:TlsVersion": [1.2, 1]}}
    read = policy(allow(Condition=condition)).statements[0].conditions
    assert [(one.operator, one.key, one.values) for one in read] == [
        ("bool", "aws:securetransport", ("false",)),
        ("numericlessthan", "s3:tlsversion", ("1.2", "1")),
    ]


GOOD = '"Effect": "Allow", "Action": "s3:*", "Resource": "*"'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        row("", "not JSON: Expecting value", id="nothing"),
        row("\ufeff{}", "not JSON: Unexpected UTF-8 BOM", id="a byte order mark"),
        row("%7B%22Version%22", "it looks URL-encoded, decode it first", id="URL-encoded"),
        row('{"Statement": [], "Id": NaN}', "not JSON: NaN", id="NaN, which Python reads"),
        row('{"Id": ' + "9" * 5000 + "}", "not JSON: ", id="a number of 5000 digits"),
        row("[" * 200_000, "the JSON is nested too deep for a policy", id="lists nested deep"),
        row('{"a":' * 200_000, "the JSON is nested too deep for a policy", id="objects nested deep"),
        row("[]", "the policy is a list, not an object", id="a list"),
        row("null", "the policy is null, not an object", id="null"),
        row("{}", "the policy has no Statement", id="no statement"),
        row('{"Version": "2012-10-18", "Statement": []}', "Version is none of", id="another version"),
        row('{"Version": {}, "Statement": []}', "Version is none of", id="a version that is an object"),
        row('{"statement": []}', "element names are case-sensitive: Statement", id="an element in lower case"),
        row('{"Statement": [], "Note": 1}', "unknown element 'Note'", id="an unknown element"),
        row('{"Statement": ["a"]}', "statement 1 is text, not an object", id="a statement that is text"),
        row('{"Statement": [], "Statement": []}', "'Statement' stands twice", id="two Statement"),
        row(f'{{"Statement": {{{GOOD}, "Effect": "Deny"}}}}', "'Effect' stands twice", id="two Effect"),
        row('{"Statement": {"Effect": "allow", "Action": "*"}}', "it is case-sensitive", id="effect in lower case"),
        row('{"Statement": {"Action": "*"}}', "Effect is neither", id="no effect"),
        row('{"Statement": {"Effect": ["Allow"], "Action": "*"}}', "Effect is neither", id="a list of effects"),
        row('{"Statement": {"Effect": "Allow"}}', "has neither Action nor NotAction", id="no action"),
        row(f'{{"Statement": {{{GOOD}, "NotAction": "*"}}}}', "both Action and NotAction", id="both actions"),
        row(f'{{"Statement": {{{GOOD}, "NotResource": "*"}}}}', "both Resource and NotResource", id="both resources"),
        row('{"Statement": {"Effect": "Deny", "Action": 5}}', "Action is or holds a number", id="an action: 5"),
        row('{"Statement": {"Effect": "Deny", "Action": [null]}}', "holds null, not text", id="an action: null"),
        row(f'{{"Statement": {{{GOOD}, "Sid": 7}}}}', "Sid is a number", id="a Sid that is a number"),
        row(f'{{"Statement": {{{GOOD}, "Principal": null}}}}', "Principal is null", id="principal: null"),
        row(f'{{"Statement": {{{GOOD}, "Principal": ["*"]}}}}', "Principal is a list", id="principal: a list"),
        row(f'{{"Statement": {{{GOOD}, "Principal": "{OURS}"}}}}', 'text other than "*"', id="principal: an account"),
        row(f'{{"Statement": {{{GOOD}, "Principal": {{"aws": "*"}}}}}}', "case-sensitive: AWS", id="kind: aws"),
        row(f'{{"Statement": {{{GOOD}, "Principal": {{"SAML": "*"}}}}}}', "element 'SAML'", id="kind: unknown"),
        row(f'{{"Statement": {{{GOOD}, "Condition": []}}}}', "Condition is a list", id="condition: a list"),
        row(f'{{"Statement": {{{GOOD}, "Condition": {{"Bool": "x"}}}}}}', "Bool is text", id="condition: text"),
        row(
            f'{{"Statement": {{{GOOD}, "Condition": {{"Bool": {{"a": {{}}}}}}}}}}',
            "Bool is or holds an object",
            id="condition: an object as a value",
        ),
        row(
            f'{{"Statement": {{{GOOD}, "Condition": {{"Bool": {{"a:b": 1, "A:B": 0}}}}}}}}',
            "Bool A:B stands twice, in two spellings",
            id="a key in two spellings",
        ),
        row(
            f'{{"Statement": {{{GOOD}, "Condition": {{"Bool": {{"a:b": 1}}, "BOOL": {{"a:b": 0}}}}}}}}',
            "BOOL a:b stands twice",
            id="an operator in two spellings",
        ),
    ],
)
def test_what_is_no_policy(text: str, problem: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(text)
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 300


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Statement", "Version", "Effect", "Action", "NotAction", "Principal", "AWS", "Condition", "Sid", "x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.text() | JSON.map(json.dumps))
def test_parse_raises_nothing_but_its_error(text: str) -> None:
    with contextlib.suppress(PolicyError):
        assert isinstance(parse(text), Policy)


def test_stars_do_not_cost_time_beyond_measure() -> None:
    pattern = "*a" * 2000 + "b"
    read = policy(
        own(Action=pattern, Resource=pattern), {"Effect": "Deny", "NotAction": pattern, "NotResource": pattern}
    )
    begun = time.monotonic()
    assert allows(read, "s3:" + "a" * 2000, "a" * 2000) is NO
    assert full_admin(read) == []
    assert public(allow(Action=pattern, Resource=pattern), {**deny(Resource=pattern), "Action": pattern}) is NO
    assert time.monotonic() - begun < 20


# -- public ----------------------------------------------------------------------------------------------------------


def public(statement: dict[str, Any], *others: dict[str, Any], version: str = "2012-10-17") -> Answer:
    return public_statements(policy(statement, *others, version=version))[0].answer


@pytest.mark.parametrize(
    ("principal", "answer"),
    [
        row("*", YES, id="a star"),
        row({"AWS": "*"}, YES, id="any principal of AWS"),
        row({"AWS": ["*"]}, YES, id="a star in a list"),
        row({"AWS": [OURS, "*"], "Service": "s3.amazonaws.com"}, YES, id="a star among others"),
        row({}, NO, id="an empty principal"),
        row({"AWS": []}, NO, id="an empty list"),
        row({"AWS": OURS}, NO, id="an account"),
        row({"AWS": f"arn:aws:iam::{THEIRS}:root"}, NO, id="another account is not public"),
        row({"AWS": f"arn:aws:sts::{OURS}:assumed-role/app/s"}, NO, id="an assumed role"),
        row({"AWS": f"arn:aws:iam::{OURS}:user/J%C3%B6rg/Jörg"}, NO, id="percent and unicode in a name"),
        row({"AWS": f"arn:aws:iam::{OURS}:role/*"}, UNDECIDED, id="a wildcard inside an ARN"),
        row({"AWS": "arn:aws:iam::*:root"}, UNDECIDED, id="a wildcard as the account"),
        row({"AWS": "${aws:PrincipalArn}"}, UNDECIDED, id="a variable as principal"),
        row({"Service": "cloudtrail.amazonaws.com"}, NO, id="a service"),
        row({"Service": "*"}, UNDECIDED, id="every service"),
        row({"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}, NO, id="canonical"),
        row({"Federated": f"arn:aws:iam::{OURS}:saml-provider/idp"}, NO, id="a SAML provider"),
        row({"Federated": "accounts.google.com"}, UNDECIDED, id="a public identity provider"),
    ],
)
def test_public_by_principal(principal: object, answer: Answer) -> None:
    assert public(allow(Principal=principal)) is answer


def test_not_principal_with_allow_is_public() -> None:
    statement = allow(NotPrincipal={"AWS": THEIRS})
    del statement["Principal"]
    assert public(statement) is YES


def test_a_resource_policy_without_principal_is_undecided() -> None:
    assert public(own()) is UNDECIDED
    assert [finding.answer for finding in foreign_principals(policy(own()), {OURS})] == [UNDECIDED]


def test_only_statements_that_allow_are_judged() -> None:
    found = public_statements(policy(deny(), allow(Sid="Öffentlich 100%", Principal={"AWS": OURS}), allow()))
    assert [(one.statement, one.answer) for one in found] == [
        ("statement 2 (Öffentlich 100%)", NO),
        ("statement 3", NO),
    ]


ARN_LIKE = {"aws:SourceArn": f"arn:aws:sns:*:{OURS}:*"}


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        row({}, YES, id="an empty condition"),
        row({"StringEquals": {}}, YES, id="an operator without keys"),
        row({"StringEquals": {"aws:PrincipalOrgID": ORG}}, NO, id="an organization"),
        row({"stringequals": {"AWS:principalorgid": ORG}}, NO, id="an organization in other letters"),
        row({"StringEquals": {"aws:PrincipalOrgID": [ORG, "o-b1b2c3d4e5"]}}, NO, id="two organizations"),
        row({"StringLike": {"aws:PrincipalOrgID": [ORG, "*"]}}, YES, id="one bad value among good ones"),
        row({"StringLike": {"aws:PrincipalOrgID": "o-*"}}, YES, id="any organization"),
        row({"StringEquals": {"aws:PrincipalOrgID": "*"}}, UNDECIDED, id="a star that StringEquals takes as text"),
        row({"StringEquals": {"aws:PrincipalOrgID": "${aws:PrincipalOrgID}"}}, YES, id="the caller's own organization"),
        row({"StringEquals": {"aws:PrincipalOrgID": "${*}"}}, UNDECIDED, id="an escaped star"),
        row({"StringEquals": {"aws:PrincipalOrgID": "${aws:x"}}, UNDECIDED, id="a variable that is not closed"),
        row({"StringEquals": {"aws:PrincipalOrgID": []}}, UNDECIDED, id="no values"),
        row({"StringEquals": {"aws:PrincipalOrgID": ""}}, UNDECIDED, id="an empty value"),
        row({"StringNotEquals": {"aws:PrincipalOrgID": ORG}}, YES, id="all but an organization"),
        row({"StringEqualsIfExists": {"aws:PrincipalOrgID": ORG}}, YES, id="IfExists, and anonymous has no such key"),
        row({"Null": {"aws:PrincipalOrgID": "false"}}, YES, id="any organization, by Null"),
        row(
            {"StringEqualsIfExists": {"aws:PrincipalOrgID": ORG}, "Null": {"aws:PrincipalOrgID": False}},
            NO,
            id="IfExists with the key demanded by Null",
        ),
        row({"NumericEquals": {"aws:PrincipalAccount": OURS}}, UNDECIDED, id="an operator that does not fit"),
        row({"StringSortOf": {"aws:PrincipalAccount": OURS}}, UNDECIDED, id="an operator that is not known"),
        row({"ArnEquals": {"aws:PrincipalAccount": OURS}}, UNDECIDED, id="an ARN's operator on an account"),
        row({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"{ORG}/r-ab12/*"}}, NO, id="paths, ForAnyValue"),
        row({"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": f"{ORG}/*"}}, YES, id="paths, ForAllValues"),
        row(
            {
                "ForAllValues:StringLike": {"aws:PrincipalOrgPaths": f"{ORG}/*"},
                "Null": {"aws:PrincipalOrgPaths": "false"},
            },
            NO,
            id="ForAllValues with the key demanded",
        ),
        row({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "*/r-ab12/*"}}, YES, id="paths of any organization"),
        row({"StringEquals": {"aws:PrincipalAccount": OURS}}, NO, id="an account"),
        row({"StringEquals": {"aws:SourceAccount": int(OURS)}}, NO, id="an account as a number"),
        row({"StringEquals": {"aws:SourceAccount": OURS[:-1]}}, UNDECIDED, id="eleven digits"),
        row({"StringLike": {"aws:SourceAccount": "11112222333?"}}, YES, id="ten accounts"),
        row({"StringEquals": {"s3:DataAccessPointAccount": OURS}}, NO, id="access points of an account"),
        row({"StringEquals": {"AWS:SourceOwner": OURS}}, NO, id="as SNS writes it for a new topic"),
        row({"StringEquals": {"kms:CallerAccount": OURS}}, NO, id="a caller of KMS"),
        row({"StringEqualsIfExists": {"kms:CallerAccount": OURS}}, UNDECIDED, id="a caller of KMS, IfExists"),
        row({"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}, YES, id="anyone through a service"),
        row(
            {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:CallerAccount": OURS}},
            NO,
            id="two keys under one operator are ANDed",
        ),
        row(
            {"ArnLike": {"aws:PrincipalArn": "*"}, "StringEquals": {"aws:PrincipalOrgID": ORG}}, NO, id="a pin and none"
        ),
        row({"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::events"}}, NO, id="a bucket as the source"),
        row({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::events*"}}, YES, id="buckets that anyone may name"),
        row({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:*"}}, YES, id="every bucket"),
        row({"ArnLike": ARN_LIKE}, NO, id="an ARN with its account fixed"),
        row({"StringLike": ARN_LIKE}, UNDECIDED, id="in StringLike a star reaches over colons"),
        row({"StringLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}}, YES, id="StringLike without an account"),
        row({"StringLike": {"aws:PrincipalArn": f"arn:aws:iam::{OURS}:role/*"}}, NO, id="roles of an account"),
        row({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/app"}}, YES, id="a role's name in any account"),
        row({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*"}}, YES, id="half an ARN"),
        row({"StringLike": {"aws:PrincipalArn": f"*:{OURS}:*"}}, UNDECIDED, id="half an ARN with an account"),
        row({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::${aws:PrincipalAccount}:role/a"}}, YES, id="own account"),
        row({"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OURS}:role/${{aws:username}}"}}, NO, id="own name"),
        row({"ArnEquals": {"aws:SourceArn": "arn:aws:sns:us-east-1::t"}}, UNDECIDED, id="an ARN without account"),
        row({"StringEquals": {"aws:SourceVpce": "vpce-0a1b2c3d"}}, NO, id="a VPC endpoint"),
        row({"StringEqualsIfExists": {"aws:SourceVpce": "vpce-0a1b2c3d"}}, YES, id="a VPC endpoint, IfExists"),
        row({"StringLike": {"aws:SourceVpc": "vpc-*"}}, YES, id="any VPC"),
        row({"StringEquals": {"aws:SourceVpc": "vpc-0a1b2c3d"}}, NO, id="a VPC"),
        row({"StringEquals": {"aws:userid": "AIDACKCEVSQ6C2EXAMPLE"}}, NO, id="a user id"),
        row({"StringEquals": {"aws:userid": "anonymous"}}, UNDECIDED, id="the user id of nobody"),
        row({"StringLike": {"aws:userid": "AROACKCEVSQ6C2EXAMPLE:*"}}, UNDECIDED, id="a role with any session"),
        row({"StringLike": {"aws:userid": "*:session"}}, YES, id="any role with a session's name"),
        row({"StringEquals": {"aws:username": "root"}}, YES, id="a user's name, which anyone may take"),
        row({"StringEquals": {"aws:PrincipalTag/team": "app"}}, YES, id="a tag, which anyone may set"),
        row({"Bool": {"aws:SecureTransport": "true"}}, YES, id="TLS"),
        row({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, YES, id="MFA of anyone"),
        row({"StringLike": {"aws:Referer": "https://example.org/*"}}, YES, id="a referer"),
        row({"StringEquals": {"aws:ResourceAccount": OURS}}, YES, id="whose the resource is, not the caller"),
        row({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, UNDECIDED, id="a date"),
        row({"StringEquals": {"example:Unheard": "x"}}, UNDECIDED, id="a key that is not known"),
        row({"StringNotEquals": {"example:Unheard": "x"}}, YES, id="all but a value of such a key"),
        row({"StringEquals": {"example:Unheard": "x", "aws:PrincipalOrgID": ORG}}, NO, id="such a key, and a pin"),
    ],
)
def test_public_by_condition(condition: object, answer: Answer) -> None:
    assert public(allow(Condition=condition)) is answer


@pytest.mark.parametrize(
    ("addresses", "answer"),
    [
        row("203.0.113.5", NO, id="an address"),
        row("203.0.113.5/24", NO, id="a network with host bits"),
        row("12.0.0.0/8", NO, id="/8, the broadest that S3 takes"),
        row("12.0.0.0/7", YES, id="/7 is broader"),
        row("0.0.0.0/0", YES, id="everywhere"),
        row(["203.0.113.0/24", "0.0.0.0/0"], YES, id="everywhere among others"),
        row(["0.0.0.0/1", "128.0.0.0/1"], YES, id="everywhere in two halves"),
        row(["12.0.0.0/8", "13.0.0.0/8"], UNDECIDED, id="two neighbours of /8"),
        row(["12.0.0.0/8", "14.0.0.0/16"], UNDECIDED, id="more than a /8 together"),
        row(["12.0.0.0/9", "12.128.0.0/9"], NO, id="a /8 in two halves"),
        row(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"], NO, id="private networks"),
        row("2001:db8::/32", NO, id="/32, the broadest for IPv6"),
        row("2001:db8::/31", YES, id="/31 is broader"),
        row("::/0", YES, id="everywhere by IPv6"),
        row("::ffff:0:0/96", UNDECIDED, id="all of IPv4 written as IPv6"),
        row("12.0.0.0/255.0.0.0", UNDECIDED, id="a mask"),
        row("203.0.113.*", UNDECIDED, id="a star"),
        row("010.0.0.1", UNDECIDED, id="a leading zero"),
        row("${aws:SourceIp}", UNDECIDED, id="a variable"),
        row([], UNDECIDED, id="no address"),
    ],
)
def test_public_by_address(addresses: object, answer: Answer) -> None:
    assert public(allow(Condition={"IpAddress": {"aws:SourceIp": addresses}})) is answer


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        row({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, YES, id="all but a network"),
        row({"IpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"}}, YES, id="missing through an endpoint of a VPC"),
        row({"StringEquals": {"aws:SourceIp": "203.0.113.5"}}, UNDECIDED, id="an operator for text"),
        row({"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/16"}}, YES, id="a private address of anyone's VPC"),
    ],
)
def test_public_by_another_operator_on_addresses(condition: object, answer: Answer) -> None:
    assert public(allow(Condition=condition)) is answer


def test_a_variable_is_text_in_the_old_version() -> None:
    statement = allow(Condition={"StringEquals": {"aws:PrincipalOrgID": "${aws:PrincipalOrgID}"}})
    assert public(statement, version="2008-10-17") is UNDECIDED
    assert public(statement) is YES


ORG_ONLY = {"StringNotEquals": {"aws:PrincipalOrgID": ORG}}
NO_TLS = {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    ("denies", "answer"),
    [
        row([deny()], NO, id="all is denied to everyone"),
        row([deny(Principal={"AWS": THEIRS})], YES, id="denied to one account"),
        row([deny(Action="S3:getobject", Resource=f"{BUCKET}/*")], NO, id="just that is denied"),
        row([deny(Action="s3:PutObject")], YES, id="another action is denied"),
        row([deny(Resource=f"{BUCKET}/private/*")], YES, id="a part is denied"),
        row([deny(Resource=f"{BUCKET}/?")], YES, id="names of one letter are denied"),
        row([deny(Resource=BUCKET.upper() + "/*")], YES, id="resources are case-sensitive"),
        row([deny(Condition=NO_TLS)], YES, id="TLS takes nothing away"),
        row([deny(Condition=ORG_ONLY)], UNDECIDED, id="denied outside an organization"),
        row([deny(Condition={**ORG_ONLY, **NO_TLS})], YES, id="denied outside an organization, without TLS"),
        row([deny(Condition=ORG_ONLY, Action="s3:Put*")], YES, id="another action is denied outside"),
        row([deny(Principal={"AWS": THEIRS}, Condition=ORG_ONLY)], YES, id="one account is denied outside"),
    ],
)
def test_a_deny_beside_a_public_statement(denies: list[dict[str, Any]], answer: Answer) -> None:
    assert public(allow(), *denies) is answer


def test_a_deny_with_not_principal_may_take_it_away() -> None:
    statement = deny(NotPrincipal={"AWS": ROLE})
    del statement["Principal"]
    assert public(allow(), statement) is UNDECIDED


@pytest.mark.parametrize(
    ("given_actions", "left_out", "answer"),
    [
        row({"Action": "s3:GetObject"}, ["s3:PutObject"], NO, id="NotAction of another action denies it"),
        row({"Action": "s3:GetObject"}, ["s3:Get*"], YES, id="NotAction of it leaves it"),
        row({"Action": "s3:Get*"}, ["s3:*Acl"], YES, id="NotAction of a part leaves that"),
        row({"NotAction": "s3:*"}, ["s3:Get*"], NO, id="NotAction in both, the smaller exception denies"),
        row({"NotAction": "s3:Get*"}, ["s3:*"], YES, id="NotAction in both, the larger exception leaves some"),
    ],
)
def test_a_deny_with_not_action(given_actions: dict[str, Any], left_out: list[str], answer: Answer) -> None:
    statement, denies = allow(), deny(NotAction=left_out)
    del statement["Action"], denies["Action"]
    assert public({**statement, **given_actions}, denies) is answer


def test_two_denies_that_together_cover() -> None:
    both_kinds = allow(Action=["s3:ListBucket", "s3:GetObject"], Resource=[BUCKET, f"{BUCKET}/*"])
    bucket, objects = deny(Resource=BUCKET), deny(Resource=f"{BUCKET}/*")
    assert public(both_kinds, bucket, objects) is NO
    assert public(both_kinds, bucket) is YES
    assert public(both_kinds, bucket, deny(Resource=f"{BUCKET}/*", Condition=ORG_ONLY)) is UNDECIDED
    assert public(both_kinds, bucket, deny(Action="s3:List*", Resource=f"{BUCKET}/*")) is YES


# -- foreign ---------------------------------------------------------------------------------------------------------


def foreign(statement: dict[str, Any], *others: dict[str, Any], orgs: tuple[str, ...] = ()) -> list[tuple[str, Answer]]:
    found = foreign_principals(policy(statement, *others), {OURS}, orgs)
    return [(one.subject, one.answer) for one in found]


CANONICAL = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"


@pytest.mark.parametrize(
    ("principal", "found"),
    [
        row({"AWS": OURS}, [], id="our account"),
        row({"AWS": [ROLE, f"arn:aws:iam::{OURS}:root", f"arn:aws-cn:iam::{OURS}:user/a:b"]}, [], id="ours, by ARN"),
        row({"AWS": THEIRS}, [(THEIRS, YES)], id="another account"),
        row({"AWS": [OURS, f"arn:aws:iam::{THEIRS}:root"]}, [(THEIRS, YES)], id="another account, by ARN"),
        row({"AWS": f"arn:aws:sts::{THEIRS}:assumed-role/{OURS}/x"}, [(THEIRS, YES)], id="our number in their name"),
        row({"AWS": "AROACKCEVSQ6C2EXAMPLE"}, [("AWS AROACKCEVSQ6C2EXAMPLE", UNDECIDED)], id="a unique id"),
        row({"CanonicalUser": CANONICAL}, [(f"CanonicalUser {CANONICAL}", UNDECIDED)], id="a canonical user"),
        row({"Federated": f"arn:aws:iam::{THEIRS}:saml-provider/i"}, [(THEIRS, YES)], id="their identity provider"),
        row({"Service": "sns.amazonaws.com"}, [], id="a service is no account"),
        row("*", [("anyone", YES)], id="anyone"),
        row({"AWS": ["*", THEIRS]}, [(THEIRS, YES), ("anyone", YES)], id="anyone and another account"),
        row({}, [], id="nobody"),
    ],
)
def test_foreign_by_principal(principal: object, found: list[tuple[str, Answer]]) -> None:
    assert foreign(allow(Principal=principal)) == found


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        row({"StringEquals": {"aws:PrincipalAccount": OURS}}, [], id="our account"),
        row({"StringEquals": {"aws:PrincipalAccount": [OURS, THEIRS]}}, [(THEIRS, YES)], id="theirs beside ours"),
        row({"ArnLike": {"aws:SourceArn": f"arn:aws:sns:*:{THEIRS}:*"}}, [(THEIRS, YES)], id="their topics"),
        row({"StringEquals": {"aws:PrincipalOrgID": ORG}}, [], id="our organization"),
        row({"StringEquals": {"aws:PrincipalOrgID": "o-zzzzzzzzzz"}}, [("o-zzzzzzzzzz", YES)], id="their organization"),
        row({"StringEquals": {"aws:SourceVpce": "vpce-0a1b2c3d"}}, [("anyone", UNDECIDED)], id="a VPC endpoint"),
        row({"StringEquals": {"example:Unheard": "x"}}, [("anyone", UNDECIDED)], id="a key that is not known"),
        row(
            {"StringEquals": {"aws:SourceVpce": "vpce-0a1b2c3d", "aws:PrincipalAccount": OURS}},
            [],
            id="a VPC endpoint, and our account",
        ),
        row({"StringLike": {"aws:PrincipalAccount": "*"}}, [("anyone", YES)], id="any account"),
    ],
)
def test_foreign_by_condition(condition: object, found: list[tuple[str, Answer]]) -> None:
    assert foreign(allow(Condition=condition), orgs=(ORG,)) == found


def test_an_organization_of_which_nothing_is_known_is_undecided() -> None:
    assert foreign(allow(Condition={"StringEquals": {"aws:PrincipalOrgID": ORG}})) == [(ORG, UNDECIDED)]


def test_a_deny_beside_a_foreign_principal() -> None:
    theirs = allow(Principal={"AWS": THEIRS})
    assert foreign(theirs, deny()) == []
    assert foreign(theirs, deny(Condition=ORG_ONLY)) == [(THEIRS, UNDECIDED)]
    assert foreign(theirs, deny(Condition=NO_TLS)) == [(THEIRS, YES)]


# -- TLS -------------------------------------------------------------------------------------------------------------


def tls(*statements: dict[str, Any]) -> Answer:
    return tls_only(policy(*statements), BUCKET).answer


def plain(**elements: Any) -> dict[str, Any]:
    return deny(**{"Action": "s3:*", "Resource": [BUCKET, f"{BUCKET}/*"], "Condition": NO_TLS, **elements})


@pytest.mark.parametrize(
    ("elements", "answer"),
    [
        row({}, YES, id="bucket and objects"),
        row({"Action": "*"}, YES, id="every action"),
        row({"Action": "S3:*"}, YES, id="S3 in capitals"),
        row({"Action": "s3:Get*"}, NO, id="only reading"),
        row({"Action": ["s3:Get*", "s3:Put*", "s3:List*", "s3:Delete*"]}, NO, id="actions one by one"),
        row({"Resource": "*"}, YES, id="every resource"),
        row({"Resource": f"{BUCKET}*"}, YES, id="one pattern for both"),
        row({"Resource": "arn:aws:s3:::*"}, YES, id="every bucket"),
        row({"Resource": BUCKET}, NO, id="the bucket without its objects"),
        row({"Resource": f"{BUCKET}/*"}, NO, id="the objects without their bucket"),
        row({"Resource": [BUCKET, f"{BUCKET}/private/*"]}, NO, id="some of the objects"),
        row({"Resource": [BUCKET, f"{BUCKET}/?"]}, NO, id="objects of one letter"),
        row({"Resource": [BUCKET, f"{BUCKET}/${{aws:username}}"]}, UNDECIDED, id="objects by a variable"),
        row({"Resource": [BUCKET.replace("records", "Records"), f"{BUCKET}/*"]}, NO, id="another bucket"),
        row({"Principal": {"AWS": "*"}}, YES, id="any principal of AWS"),
        row({"Principal": {"AWS": OURS}}, NO, id="one account"),
        row({"Principal": {}}, NO, id="nobody"),
        row({"Effect": "Allow"}, NO, id="an Allow denies nothing"),
        row({"Condition": {}}, YES, id="all is denied"),
        row({"Condition": {"Null": {"s3:TlsVersion": "true"}}}, UNDECIDED, id="no TLS version at all"),
        row({"Condition": {"Bool": {"aws:SecureTransport": False}}}, YES, id="a Boolean"),
        row({"Condition": {"bool": {"AWS:SECURETRANSPORT": "False"}}}, YES, id="other letters"),
        row({"Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}}}, YES, id="IfExists"),
        row({"Condition": {"ForAllValues:Bool": {"aws:SecureTransport": "false"}}}, YES, id="ForAllValues"),
        row({"Condition": {"StringEquals": {"aws:SecureTransport": "false"}}}, YES, id="as text"),
        row({"Condition": {"StringEquals": {"aws:SecureTransport": "False"}}}, NO, id="as text in other letters"),
        row({"Condition": {"StringLike": {"aws:SecureTransport": "f*"}}}, YES, id="as a pattern"),
        row({"Condition": {"StringNotEquals": {"aws:SecureTransport": "true"}}}, YES, id="all but true"),
        row({"Condition": {"StringNotEquals": {"aws:SecureTransport": ["true", "false"]}}}, NO, id="neither"),
        row({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, NO, id="TLS itself is denied"),
        row({"Condition": {"Bool": {"aws:SecureTransport": []}}}, UNDECIDED, id="no value"),
        row({"Condition": {"Null": {"aws:SecureTransport": "true"}}}, UNDECIDED, id="Null"),
        row({"Condition": {"NumericEquals": {"aws:SecureTransport": 0}}}, UNDECIDED, id="an odd operator"),
        row({"Condition": {**NO_TLS, "StringEquals": {"aws:PrincipalOrgID": ORG}}}, NO, id="one condition more"),
        row({"Condition": {"Bool": {"aws:SecureTransport": "false", "aws:x": "1"}}}, NO, id="one key more"),
        row({"Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}}, NO, id="only below a TLS version"),
        row({"Condition": {"NumericLessThanIfExists": {"s3:TlsVersion": 1.2}}}, UNDECIDED, id="version, IfExists"),
    ],
)
def test_tls_only(elements: dict[str, Any], answer: Answer) -> None:
    assert tls(plain(**elements)) is answer


def test_two_statements_cover_bucket_and_objects_apart() -> None:
    bucket, objects = plain(Resource=BUCKET), plain(Resource=f"{BUCKET}/*")
    assert tls(bucket, objects) is YES
    assert tls(bucket, plain(Resource=f"{BUCKET}/*", Action="s3:GetObject")) is NO
    found = tls_only(policy(bucket), BUCKET)
    assert found.reason == "no statement denies s3:* without TLS to everyone on the objects"


def test_tls_with_the_not_forms() -> None:
    actions, others, principals = plain(NotAction="ec2:*"), plain(NotAction="s3:GetObject"), plain(NotPrincipal="*")
    resources, some = plain(NotResource=BUCKET + "-logs"), plain(NotResource=f"{BUCKET}/public/*")
    del actions["Action"], others["Action"], principals["Principal"], resources["Resource"], some["Resource"]
    assert [tls(one) for one in (actions, others, principals, resources, some)] == [YES, NO, NO, YES, NO]
    assert tls({**resources, "NotResource": "arn:aws:s3"}) is NO
    assert tls({**resources, "NotResource": "arn:aws:sqs"}) is YES
    assert tls({**resources, "NotResource": f"{BUCKET}/${{aws:username}}"}) is NO


def test_an_empty_policy_enforces_nothing() -> None:
    assert tls() is NO


def test_a_deny_without_resource_is_undecided() -> None:
    statement = plain()
    del statement["Resource"]
    assert tls(statement) is UNDECIDED


# -- allows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        row(own(), YES, id="everything"),
        row(own(Action="S3:GETOBJECT"), YES, id="actions are not case-sensitive"),
        row(own(Action="s3:Get*"), YES, id="a star"),
        row(own(Action="s3:G?tObject"), YES, id="a question mark"),
        row(own(Action="s3:GetObject?"), NO, id="a question mark is one character"),
        row(own(Action="s3:GetObjectAcl"), NO, id="a longer action"),
        row(own(Action="K3:GetObject"), NO, id="another service"),
        row(own(Action="ſ3:GetObject"), NO, id="a letter that folds to s elsewhere"),
        row(own(Action=[]), NO, id="no action"),
        row(own(Resource=f"{BUCKET}/*"), YES, id="the objects"),
        row(own(Resource=f"{BUCKET}/A.txt"), NO, id="resources are case-sensitive"),
        row(own(Resource="arn:aws:s3"), YES, id="an ARN that AWS completes"),
        row(own(Resource="arn:aws:s3:::rec*:x"), NO, id="an ARN that does not match"),
        row(own(Resource="arn:*/a.txt"), UNDECIDED, id="a star over colons"),
        row(own(Resource=f"{BUCKET}/${{aws:username}}"), UNDECIDED, id="a variable"),
        row(own(Condition=NO_TLS), UNDECIDED, id="a condition"),
        row(own(Condition={}), YES, id="an empty condition"),
        row(own(Principal={"AWS": OURS}), UNDECIDED, id="one principal"),
        row(own(Principal="*"), YES, id="everyone"),
        row(own(Principal={}), NO, id="nobody"),
        row(own(NotPrincipal="*"), NO, id="nobody, by NotPrincipal"),
    ],
)
def test_allows(statement: dict[str, Any], answer: Answer) -> None:
    assert allows(policy(statement), "s3:GetObject", f"{BUCKET}/a.txt") is answer


def test_a_variable_in_a_resource_is_text_in_the_old_version() -> None:
    read = policy(own(Resource=f"{BUCKET}/${{aws:username}}"), version="2008-10-17")
    assert allows(read, "s3:GetObject", f"{BUCKET}/a") is NO
    assert allows(read, "s3:GetObject", f"{BUCKET}/${{aws:username}}") is YES


@pytest.mark.parametrize(
    ("action", "resource", "answer"),
    [
        row("s3:getobject", "arn:aws:s3:::x", NO, id="left out by NotAction"),
        row("iam:PassRole", "arn:aws:s3:::x", YES, id="all others"),
        row("iam:PassRole", BUCKET, NO, id="left out by NotResource"),
    ],
)
def test_allows_with_the_not_forms(action: str, resource: str, answer: Answer) -> None:
    read = policy({"Effect": "Allow", "NotAction": "S3:*", "NotResource": [BUCKET, f"{BUCKET}/*"]})
    assert allows(read, action, resource) is answer


def test_a_statement_without_resource_is_about_what_it_is_attached_to() -> None:
    trust = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
    assert allows(policy(trust), "sts:AssumeRole", ROLE) is YES


def test_a_deny_wins() -> None:
    asked = ("s3:GetObject", f"{BUCKET}/a")
    assert allows(policy(own(), own(Effect="Deny", Action="s3:Get*")), *asked) is NO
    assert allows(policy(own(), own(Effect="Deny", Action="s3:Put*")), *asked) is YES
    assert allows(policy(own(), own(Effect="Deny", Condition=NO_TLS)), *asked) is UNDECIDED
    assert allows(policy(own(), deny(Principal={"AWS": OURS})), *asked) is UNDECIDED


def test_one_action_is_asked_for_and_no_pattern() -> None:
    with pytest.raises(ValueError, match="is a pattern"):
        allows(policy(own()), "s3:*", BUCKET)


PATTERNS = st.lists(st.sampled_from(["*", "s3:*", "s3:Get*", "S3:PutObject", "iam:*", "?3:*"]), max_size=3)
PLACES = st.lists(st.sampled_from(["*", BUCKET, f"{BUCKET}/*", "arn:*/x", f"{BUCKET}/${{aws:username}}"]), max_size=3)
STATEMENTS = st.builds(
    lambda effect, actions, places, action, place, extra: {"Effect": effect, action: actions, place: places, **extra},
    st.sampled_from(["Allow", "Deny"]),
    PATTERNS,
    PLACES,
    st.sampled_from(["Action", "NotAction"]),
    st.sampled_from(["Resource", "NotResource"]),
    st.sampled_from([{}, {}, {"Condition": NO_TLS}, {"Principal": "*"}, {"Principal": {"AWS": OURS}}]),
)


@given(
    st.lists(STATEMENTS, max_size=4),
    STATEMENTS,
    st.sampled_from(["s3:GetObject", "s3:PutObject", "iam:PassRole"]),
    st.sampled_from([BUCKET, f"{BUCKET}/x", "arn:aws:iam::111122223333:role/app"]),
)
def test_a_deny_more_never_allows_more(
    statements: list[dict[str, Any]], more: dict[str, Any], action: str, resource: str
) -> None:
    order = {NO: 0, UNDECIDED: 1, YES: 2}
    before = allows(policy(*statements), action, resource)
    after = allows(policy(*statements, {**more, "Effect": "Deny"}), action, resource)
    assert order[after] <= order[before]


@given(st.lists(STATEMENTS, max_size=4), STATEMENTS)
def test_a_deny_more_never_makes_a_policy_more_public(statements: list[dict[str, Any]], more: dict[str, Any]) -> None:
    order = {NO: 0, UNDECIDED: 1, YES: 2}
    before = public_statements(policy(*statements))
    after = public_statements(policy(*statements, {**more, "Effect": "Deny"}))
    assert all(order[late.answer] <= order[early.answer] for early, late in zip(before, after, strict=True))


PATTERN = st.text("ab*?", max_size=6)
TEXT = st.text("ab", max_size=8)


@given(PATTERN, TEXT)
def test_a_pattern_matches_as_a_regular_expression_does(pattern: str, text: str) -> None:
    expression = pattern.replace("*", ".*").replace("?", ".")
    assert matches(pattern, text) == bool(re.fullmatch(expression, text))


@given(PATTERN, PATTERN, TEXT)
def test_what_is_covered_is_matched_and_what_is_matched_by_both_overlaps(one: str, other: str, text: str) -> None:
    if matches(other, text):
        assert matches(one, text) or not covers_action(one, other)
        assert overlap(one, other) or not matches(one, text)


def test_patterns_that_overlap() -> None:
    pairs = [("a*", "*b"), ("a?", "?b"), ("*", ""), ("", ""), ("s3:get*", "s3:*acl")]
    apart = [("a*", "b*"), ("a", ""), ("a?", "b?"), ("?", "**??"), ("s3:*", "ec2:*")]
    assert [overlap(*pair) for pair in pairs] == [True] * 5
    assert [overlap(*pair) for pair in apart] == [False] * 5


# -- administrators --------------------------------------------------------------------------------------------------

BUT_IAM = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
REGION = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}


def admin(*statements: dict[str, Any]) -> list[tuple[str, Answer]]:
    return [(one.subject, one.answer) for one in full_admin(policy(*statements))]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        row(own(), [("everything", YES)], id="star on star"),
        row(own(Action="*:*"), [("everything", YES)], id="star colon star"),
        row(own(Action=["s3:Get*", "*"]), [("everything", YES)], id="a star among others"),
        row(own(Action="**"), [("everything", YES)], id="two stars"),
        row(own(Action="?*"), [("everything", UNDECIDED)], id="an odd way to say it"),
        row(own(Action="s3:*"), [], id="one service"),
        row(own(Resource=f"{BUCKET}/*"), [], id="on one resource"),
        row(own(Resource=[BUCKET, "*"]), [("everything", YES)], id="on a star among others"),
        row(own(Resource="arn:aws:*"), [("everything", UNDECIDED)], id="on every ARN"),
        row(own(Resource="arn:*:*:*:*:*"), [("everything", UNDECIDED)], id="on every ARN, field by field"),
        row(own(Resource="arn:aws:s3:*"), [], id="on every ARN of a service"),
        row(own(Resource="a*"), [("everything", UNDECIDED)], id="on what begins with a"),
        row(own(Resource="?*"), [("everything", UNDECIDED)], id="on what has a letter"),
        row(BUT_IAM, [("all but what is listed", YES)], id="NotAction"),
        row({**BUT_IAM, "NotAction": []}, [("everything", YES)], id="NotAction of nothing"),
        row({**BUT_IAM, "NotAction": ["iam:*", "*"]}, [], id="NotAction of everything"),
        row(
            {"Effect": "Allow", "Action": "*", "NotResource": BUCKET},
            [("all but what is listed", YES)],
            id="NotResource",
        ),
        row({"Effect": "Allow", "Action": "*", "NotResource": "*"}, [], id="NotResource of everything"),
        row({"Effect": "Allow", "Action": "*"}, [], id="no resource"),
        row(own(Condition=MFA), [("everything", YES)], id="with MFA it is an administrator's still"),
        row(own(Condition=REGION), [("everything", UNDECIDED)], id="in a region"),
        row(own(Condition={**MFA, **REGION}), [("everything", UNDECIDED)], id="with MFA in a region"),
        row(own(Effect="Deny"), [], id="a Deny"),
    ],
)
def test_full_admin(statement: dict[str, Any], found: list[tuple[str, Answer]]) -> None:
    assert admin(statement) == found


def test_only_a_deny_of_everything_takes_it_away() -> None:
    assert admin(own(), own(Effect="Deny")) == []
    assert admin(own(), own(Effect="Deny", Action="iam:*")) == [("everything", YES)]
    assert admin(own(), own(Effect="Deny", Condition=MFA)) == [("everything", YES)]


def services(*statements: dict[str, Any]) -> list[tuple[str, Answer]]:
    return [(one.subject, one.answer) for one in service_admin(policy(*statements), ["kms", "IAM"])]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        row(own(Action="kms:*"), [("kms", YES)], id="one service"),
        row(own(Action="KMS:*"), [("kms", YES)], id="one service in capitals"),
        row(own(Action="k*"), [("kms", YES)], id="all that begins with k"),
        row(own(), [("kms", YES), ("iam", YES)], id="everything"),
        row(own(Action=["kms:Decrypt", "iam:Get*"]), [], id="parts of them"),
        row(own(Action="kms:??*"), [("kms", UNDECIDED)], id="all whose names have two letters"),
        row(own(Action="kms:?"), [], id="a name of one letter"),
        row(own(Action="kms:*", Resource="a*"), [("kms", UNDECIDED)], id="on what begins with a"),
        row({"Effect": "Allow", "Action": "kms:*", "NotResource": "arn:aws:kms:*"}, [], id="NotResource of all keys"),
        row(BUT_IAM, [("kms", YES)], id="NotAction of the other one"),
        row({**BUT_IAM, "NotAction": "iam:Delete*"}, [("kms", YES), ("iam", YES)], id="NotAction of a part"),
        row(own(Action="kms:*", Resource=f"arn:aws:kms:us-east-1:{OURS}:key/1"), [], id="on one key"),
        row(own(Action="kms:*", Resource="arn:aws:kms:*"), [("kms", YES)], id="on every key"),
        row(own(Action="kms:*", Resource="arn:aws:s3:::*"), [], id="on another service's resources"),
        row(own(Action="kms:*", Condition=REGION), [("kms", UNDECIDED)], id="in a region"),
        row({"Effect": "Allow", "Action": "kms:*", "NotResource": BUCKET}, [("kms", YES)], id="NotResource"),
        row({"Effect": "Allow", "Action": "kms:*"}, [], id="no resource"),
    ],
)
def test_service_admin(statement: dict[str, Any], found: list[tuple[str, Answer]]) -> None:
    assert services(statement) == found


def test_a_deny_of_the_service_takes_it_away() -> None:
    assert services(own(), own(Effect="Deny", Action="KMS:*")) == [("iam", YES)]
    assert services(own(), own(Effect="Deny", Action="kms:Decrypt")) == [("kms", YES), ("iam", YES)]
