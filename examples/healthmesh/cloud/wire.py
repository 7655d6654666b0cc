"""Answers and errors as each protocol writes them."""

from __future__ import annotations

import json
import struct
import uuid
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from .requests import CBOR, UNKNOWN, Call

ACCOUNT = "123456789012"
_HTML = (
    "<!doctype html><html><head><title>Sign in</title></head><body><p>Please sign in to the network.</p></body></html>"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; its length is told with the body unless a header tells another."""

    status: int
    body: bytes
    headers: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Error:
    """One error: the status and code of each family of protocols."""

    json: tuple[int, str]
    query: tuple[int, str]
    ec2: tuple[int, str]
    s3: tuple[int, str]
    message: str


ERRORS = {
    "denied": Error(
        json=(403, "AccessDeniedException"),
        query=(403, "AccessDenied"),
        ec2=(403, "UnauthorizedOperation"),
        s3=(403, "AccessDenied"),
        message="User: arn:aws:iam::{account}:user/auditor is not authorized to perform: {name} "
        "because no identity-based policy allows the {name} action",
    ),
    "throttled": Error(
        json=(400, "ThrottlingException"),
        query=(400, "Throttling"),
        ec2=(503, "RequestLimitExceeded"),
        s3=(503, "SlowDown"),
        message="Rate exceeded",
    ),
    "error500": Error(
        json=(500, "InternalFailure"),
        query=(500, "InternalFailure"),
        ec2=(500, "InternalError"),
        s3=(500, "InternalError"),
        message="We encountered an internal error. Please try again.",
    ),
    "expired": Error(
        json=(403, "ExpiredTokenException"),
        query=(403, "ExpiredToken"),
        ec2=(400, "RequestExpired"),
        s3=(400, "ExpiredToken"),
        message="The security token included in the request is expired",
    ),
    # What a region says that is not enabled for the account, whose keys it does not know.
    "disabled-region": Error(
        json=(403, "UnrecognizedClientException"),
        query=(403, "InvalidClientTokenId"),
        ec2=(401, "AuthFailure"),
        s3=(403, "InvalidAccessKeyId"),
        message="The security token included in the request is invalid.",
    ),
    "optin": Error(
        json=(403, "OptInRequired"),
        query=(403, "OptInRequired"),
        ec2=(401, "OptInRequired"),
        s3=(403, "NotSignedUp"),
        message="The AWS Access Key Id needs a subscription for the service",
    ),
    "unsupported": Error(
        json=(404, "UnknownOperationException"),
        query=(400, "InvalidAction"),
        ec2=(400, "InvalidAction"),
        s3=(501, "NotImplemented"),
        message="The action {name} is not valid for this endpoint.",
    ),
}
_OWN_CODES = {
    # SNS is older than the common errors.
    ("sns", "denied"): "AuthorizationError",
}
_QUERY_COMPATIBLE = ("cloudwatch", "sqs")
"""They left the query protocol and say its error codes in a header still."""


def fault(call: Call, kind: str, account: str = ACCOUNT) -> Answer:
    """The answer of one kind of fault."""
    if kind == "html":
        return Answer(200, _HTML.encode(), [("Content-Type", "text/html; charset=utf-8")])
    known = ERRORS[kind]
    status, code = getattr(known, family(call))
    code = _OWN_CODES.get((call.service, kind), code)
    return error(call, status, code, known.message.format(account=account, name=call.name), query_code=known.query[1])


def family(call: Call) -> str:
    """The column of `Error`: S3 and EC2 have codes of their own, other XML services those of the query protocol."""
    if call.service in ("s3", "ec2"):
        return call.service
    return "query" if call.protocol in ("query", "rest-xml") else "json"


def error(call: Call, status: int, code: str, message: str, *, query_code: str = "") -> Answer:
    """An error in the shape of the call's protocol."""
    if family(call) != "json":
        return Answer(status, _xml_error(call, code, message).encode(), [("Content-Type", "text/xml")])
    said = {"__type": code, "message": message}
    headers = [("X-Amzn-RequestId", str(uuid.uuid4())), ("X-Amzn-ErrorType", code)]
    if call.service in _QUERY_COMPATIBLE:
        headers.append(("x-amzn-query-error", f"{query_code or code};{'Sender' if status < 500 else 'Receiver'}"))
    if call.protocol == CBOR:
        return Answer(status, cbor(said), [*headers, *_CBOR_HEADERS])
    return Answer(status, json.dumps(said).encode(), [*headers, ("Content-Type", _json_type(call))])


def _xml_error(call: Call, code: str, message: str) -> str:
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    request_id = uuid.uuid4()
    if call.service == "s3":
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}<RequestId>{request_id}</RequestId></Error>'
    if call.protocol == "ec2":
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>{inner}</Error></Errors>'
            f"<RequestID>{request_id}</RequestID></Response>"
        )
    return (
        f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )


def canned(call: Call, body: dict[str, Any] | str, status: int, content_type: str) -> Answer:
    """A given answer: a text as it is, a mapping as the protocol writes the operation's output."""
    if isinstance(body, str):
        guessed = "text/xml" if body.lstrip().startswith("<") else _json_type(call)
        return Answer(status, body.encode(), [("Content-Type", content_type or guessed)])
    if status >= 400:
        return error(call, status, str(body.get("Code", "")), str(body.get("Message", "")))
    if family(call) != "json":
        return _xml(call, body, status, content_type)
    said = _on_the_wire(body, _output(call))
    if call.protocol == CBOR:
        return Answer(status, cbor(said), list(_CBOR_HEADERS))
    return Answer(status, json.dumps(said).encode(), [("Content-Type", content_type or _json_type(call))])


def _output(call: Call) -> Any:
    """The shape of an operation's output; None where botocore does not know it."""
    from botocore.exceptions import UnknownServiceError
    from botocore.model import OperationNotFoundError
    from moto.core.utils import get_service_model

    try:
        return get_service_model(call.service).operation_model(call.operation).output_shape
    except (UnknownServiceError, OperationNotFoundError):
        return None


def _on_the_wire(value: Any, shape: Any) -> Any:
    """Members under the names that a JSON service sends: `FindingIds` of GuardDuty is `findingIds` there."""
    kind = getattr(shape, "type_name", "")
    if kind == "structure" and isinstance(value, dict):
        members = shape.members
        return {
            (members[name].serialization.get("name", name) if name in members else name): _on_the_wire(
                item, members.get(name)
            )
            for name, item in value.items()
        }
    if kind == "map" and isinstance(value, dict):
        return {name: _on_the_wire(item, shape.value) for name, item in value.items()}
    if kind == "list" and isinstance(value, list):
        return [_on_the_wire(item, shape.member) for item in value]
    return value


def _xml(call: Call, body: dict[str, Any], status: int, content_type: str) -> Answer:
    """Moto's own writer, fed with the operation's model."""
    from moto.core.serialize import DefaultAttributePicker, get_serializer_class
    from moto.core.utils import get_service_model

    model = get_service_model(call.service).operation_model(call.operation)
    writer = get_serializer_class(call.service, call.protocol)(
        operation_model=model, value_picker=DefaultAttributePicker()
    )
    written = writer.serialize(body)
    text = written["body"]
    headers = {name: str(value) for name, value in written["headers"].items()}
    if content_type:
        headers["Content-Type"] = content_type
    return Answer(status, text if isinstance(text, bytes) else str(text).encode(), list(headers.items()))


def _json_type(call: Call) -> str:
    return "application/json" if call.protocol == "rest-json" else "application/x-amz-json-1.1"


def typed(call: Call, answer: Answer) -> Answer:
    """Moto says `text/html` where AWS names the type of the protocol, by which a page of a proxy is told apart."""
    if call.service == "s3":
        return answer
    own = _json_type(call) if family(call) == "json" else "text/xml"
    headers = [
        (name, own if name.lower() == "content-type" and value.startswith("text/html") else value)
        for name, value in answer.headers
    ]
    return Answer(answer.status, answer.body, headers)


def missing(call: Call) -> Answer:
    """What moto does not have. Not retried by a client (501), and never mistaken for an empty answer."""
    what = call.name if call.operation != UNKNOWN else f"this request to {call.service or 'no known service'}"
    return error(call, 501, "NotImplemented", f"the test cloud has no answer for {what}: give one with Control.answer")


_CBOR_HEADERS = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
_MAJOR = {"unsigned": 0, "negative": 1, "bytes": 2, "text": 3, "list": 4, "map": 5}


def cbor(value: Any) -> bytes:
    """A value of JSON as CBOR (RFC 8949, 3)."""
    if value is None or isinstance(value, bool):
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
    if isinstance(value, int):
        return _head("unsigned", value) if value >= 0 else _head("negative", -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, str):
        return _head("text", len(value.encode())) + value.encode()
    if isinstance(value, dict):
        return _head("map", len(value)) + b"".join(cbor(str(key)) + cbor(item) for key, item in value.items())
    return _head("list", len(value)) + b"".join(map(cbor, value))


def _head(major: str, argument: int) -> bytes:
    if argument < 24:
        return bytes([_MAJOR[major] << 5 | argument])
    size = 0 if argument < 1 << 8 else 1 if argument < 1 << 16 else 2 if argument < 1 << 32 else 3
    return bytes([_MAJOR[major] << 5 | 24 + size]) + argument.to_bytes(1 << size, "big")
