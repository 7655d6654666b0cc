"""Condition keys by what they say of a request (IAM User Guide, "AWS global condition context keys").

A key that stands nowhere here is not judged: whether it keeps strangers out is undecided.
"""

from __future__ import annotations

ACCOUNTS = frozenset(
    {"aws:principalaccount", "aws:sourceaccount", "aws:sourceowner", "kms:calleraccount", "s3:dataaccesspointaccount"}
)
ORGANIZATIONS = frozenset({"aws:principalorgid", "aws:sourceorgid"})
ORGANIZATION_PATHS = frozenset({"aws:principalorgpaths", "aws:sourceorgpaths"})
ARNS = frozenset({"aws:principalarn", "aws:sourcearn", "s3:dataaccesspointarn"})
SOURCE_IP = "aws:sourceip"
CALLER_ACCOUNT = "kms:calleraccount"

_CHOSEN = frozenset(
    {
        *("aws:securetransport", "aws:useragent", "aws:referer", "aws:tagkeys", "aws:username", "aws:sourceidentity"),
        *("aws:multifactorauthpresent", "aws:multifactorauthage", "aws:tokenissuetime"),
        *("s3:tlsversion", "s3:prefix", "s3:delimiter", "s3:max-keys", "s3:authtype", "s3:signatureversion"),
        *("s3:signatureage", "s3:x-amz-acl", "s3:x-amz-content-sha256", "s3:x-amz-copy-source"),
        *("s3:x-amz-metadata-directive", "s3:x-amz-server-side-encryption", "s3:x-amz-storage-class"),
        *("sns:protocol",),
    }
)
_CHOSEN_PREFIXES = ("aws:principaltag/", "aws:requesttag/", "s3:requestobjecttag/", "s3:x-amz-grant-")
_OTHER = frozenset({"aws:requestedregion", "aws:resourceaccount", "s3:resourceaccount", "kms:viaservice"})
_OTHER_PREFIXES = ("aws:resourcetag/", "s3:existingobjecttag/")
# An address of a VPC is private: anyone's VPC may use it ("aws:VpcSourceIp").
_ANYONES = frozenset({"aws:vpcsourceip", "aws:resourceorgid", "aws:resourceorgpaths"})

_CALLER = frozenset(
    {
        *("aws:multifactorauthpresent", "aws:multifactorauthage", "aws:tokenissuetime", "aws:sourceidentity"),
        *("aws:sourceip", "aws:vpcsourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:securetransport"),
        *("aws:useragent", "aws:principalorgid", "aws:principalaccount", "aws:principalarn", "aws:userid"),
        *("aws:username",),
    }
)


def is_strangers_choice(key: str) -> bool:
    """Whether whoever asks decides about it: how the request is written, their own tags, their own sign-in."""
    return key in _CHOSEN or key.startswith(_CHOSEN_PREFIXES)


def says_nothing_of_who(key: str) -> bool:
    """Whether strangers can meet any demand on it, because it is theirs to choose or because it is not about them."""
    other = key in _OTHER | _ANYONES or key.startswith(_OTHER_PREFIXES)
    return other or is_strangers_choice(key)


def is_about_the_caller(key: str) -> bool:
    """Whether it says who asks, and from where, and nothing of what is asked for."""
    return key in _CALLER or key.startswith("aws:principaltag/")
