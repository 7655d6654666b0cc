"""What AWS and its client library may answer instead of an answer, in words and with what to do.

The service's own message is never taken over: it may hold what was sent. Codes are those of the services' API
references ("Common errors") and of the client library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from meshguard.errors import Denied, NotObserved, Throttled, Unsupported

DENIED = frozenset([
    "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError",
    "AuthorizationErrorException",
    "Forbidden", "403", "NotAuthorized", "UnauthorizedException", "AllAccessDisabled", "KMSAccessDeniedException",
])  # fmt: skip
THROTTLED = frozenset([
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
    "RequestLimitExceeded", "TooManyRequestsException", "SlowDown", "PriorRequestNotComplete", "BandwidthLimitExceeded",
    "TransactionInProgressException", "EC2ThrottledException",
])  # fmt: skip
EXPIRED = frozenset(["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"])
UNKNOWN_CALLER = frozenset([
    "UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure", "InvalidAccessKeyId", "InvalidToken",
    "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
])  # fmt: skip
NOT_SUBSCRIBED = frozenset(["OptInRequired", "SubscriptionRequiredException", "InvalidAccessException"])
UNSUPPORTED = frozenset([
    "UnknownOperation", "UnknownOperationException", "InvalidAction", "NotImplemented", "UnsupportedOperation",
    "UnsupportedOperationException", "404", "405", "501", "InvalidOperation", "MethodNotAllowed",
])  # fmt: skip
RENEW = "renew the credentials (such as with `aws sso login`), and run the audit again"


class Answered(NotObserved):
    """The service took the call and answered an error of its own: not one of permissions."""


@dataclass(frozen=True)
class Asked:
    """What was asked, where, and as whom: what each sentence names."""

    operation: str
    permission: str
    region: str
    account: str
    """The account's id; empty where it is not known yet."""

    def __str__(self) -> str:
        """For sentences."""
        return f"{self.operation} in {self.region}" + (f" of account {self.account}" if self.account else "")


def code_of(fault: BaseException) -> str:
    """The error code of a service's answer; empty for what is none."""
    answer: Any = getattr(fault, "response", None)
    code = answer.get("Error", {}).get("Code", "") if isinstance(answer, dict) else ""
    return str(code)[:100]


def explained(fault: Exception, asked: Asked) -> NotObserved:
    """A fault of a call as why a fact has no value."""
    from botocore import exceptions as known

    if isinstance(fault, NotObserved):
        return fault
    if isinstance(fault, known.ClientError):
        return _answered(fault, asked)
    for types, sentence, fix in _library(known):
        if isinstance(fault, types):
            return NotObserved(f"{asked}: {sentence}", fix=fix)
    return NotObserved(
        f"{asked}: the answer could not be read ({type(fault).__name__})",
        fix="see that the endpoint is AWS's, or speaks its API",
    )


def _answered(fault: Exception, asked: Asked) -> NotObserved:
    code = code_of(fault)
    if getattr(fault, "operation_name", "").startswith("AssumeRole") and code not in THROTTLED:
        fix = "see that the role is there, that its trust policy names the caller, and the external id"
        kind = Denied if code in DENIED else NotObserved
        return kind(f"{asked}: the role could not be assumed ({code})", fix=fix)
    if code in DENIED:
        fix = f"allow {asked.permission}; `meshguard plan --iam-policy` prints all that an audit needs"
        return Denied(f"{asked}: access denied ({code})", fix=fix)
    if code in THROTTLED:
        fix = "raise `retries`, lower `rates`, or audit while less else asks"
        return Throttled(f"{asked}: throttled ({code}), also after pauses", fix=fix, again=False)
    for codes, kind, sentence, fix in _KNOWN:
        if code in codes:
            return kind(f"{asked}: {sentence} ({code})", fix=fix)
    status = getattr(fault, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    tail = f"{code}, HTTP {status}" if code else f"HTTP {status}"
    kind = Answered if 400 <= status < 500 else NotObserved
    return kind(f"{asked}: it answered an error ({tail})", fix="see the service's health, and run the audit again")


_KNOWN: tuple[tuple[frozenset[str], type[NotObserved], str, str], ...] = (
    (EXPIRED, NotObserved, "the credentials have expired", RENEW),
    (
        UNKNOWN_CALLER,
        NotObserved,
        "the credentials are not known there",
        "see that the region is enabled for the account, and that the credentials are right",
    ),
    (NOT_SUBSCRIBED, Unsupported, "the account is not subscribed to the service", "enable the service"),
    (UNSUPPORTED, Unsupported, "what answers there does not know it", "see `endpoint` and `regions`"),
)
"""Codes, the kind of failure that they are, the sentence and the remedy."""


def _library(known: Any) -> list[tuple[tuple[type[Exception], ...], str, str]]:
    """Faults of the client library, the nearest first."""
    return [
        ((known.ProfileNotFound,), "there is no such profile in the AWS configuration", "correct `profile`"),
        (
            (known.UnauthorizedSSOTokenError, known.SSOTokenLoadError, known.TokenRetrievalError),
            "the sign-on has expired",
            RENEW,
        ),
        (
            (known.NoCredentialsError, known.PartialCredentialsError, known.CredentialRetrievalError),
            "no credentials were found",
            "set `profile` or `role`, or give credentials as AWS's own tools take them",
        ),
        ((known.NoRegionError,), "no region is named", "set `region`"),
        (
            (known.EndpointConnectionError, known.ConnectTimeoutError),
            "it was not reached",
            "see `endpoint` and `region`",
        ),
        ((known.SSLError,), "its certificate was not accepted", "see `endpoint`, or set AWS_CA_BUNDLE"),
        ((known.ProxyConnectionError,), "the proxy was not reached", "see HTTPS_PROXY"),
        (
            (
                known.ReadTimeoutError,
                known.ConnectionClosedError,
                known.IncompleteReadError,
                known.ResponseStreamingError,
            ),
            "the answer was cut off",
            "run the audit again",
        ),
        (
            (known.PaginationError,),
            "a page named itself as the next one: the list has no end",
            "see that the endpoint is AWS's, or speaks its API",
        ),
        ((known.HTTPClientError,), "the connection broke", "run the audit again"),
        ((known.ParamValidationError,), "the question is not one that the API takes", "report this to the author"),
        ((known.UnknownServiceError, known.UnknownRegionError), "the client library does not know it", "update boto3"),
    ]
