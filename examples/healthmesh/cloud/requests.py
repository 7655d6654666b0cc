"""Which operation of which service a request asks for, found from the request alone, as AWS finds it."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, unquote_plus, urlsplit

import botocore

_MODELS = Path(botocore.__file__).parent / "data"
_METADATA_WITHIN = 4096
"""The metadata stands at the head of a model: read alone, all 400 services cost 0.1 s and not 3 s."""
_SCOPE = re.compile(r"Credential=([^/]+)/\d{8}/(?:([^/]+)/)?([^/,&\s]+)/aws4_request")
_RPC_PATH = re.compile(r"/service/([^/]+)/operation/([^/?]+)$")
_BUCKET_HOST = re.compile(r"^(.+)\.s3[.-][^:]*amazonaws\.com")
_LABEL = re.compile(r"(\{[^}]+\})")
_REST = ("rest-json", "rest-xml")
_OF_S3 = {"s3express": "s3", "s3-object-lambda": "s3"}
"""S3 signs some operations with names of their own."""
CBOR = "smithy-rpc-v2-cbor"
UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Asked:
    """One HTTP request; the target is its path and query as they were sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path, still percent-encoded; a bucket in the host name comes first."""
        path = urlsplit("//host" + self.target).path or "/"
        bucket = _BUCKET_HOST.match(self.headers.get("host", ""))
        return f"/{bucket[1]}{path}" if bucket else path

    @property
    def query(self) -> str:
        """The query string."""
        return self.target.partition("?")[2]

    @property
    def text(self) -> str:
        """All that names a resource in a request, as sent and percent-decoded: path, query and body."""
        raw = f"{self.target}\n{self.body.decode(errors='replace')}"
        return f"{raw}\n{unquote_plus(raw)}"


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked; the service is named as boto3 names its client."""

    service: str
    operation: str
    protocol: str
    region: str
    key: str
    """The access key id."""

    @property
    def name(self) -> str:
        """Such as `kms:ListKeys`."""
        return f"{self.service}:{self.operation}"


@dataclass(frozen=True, slots=True)
class Service:
    """What a model's metadata says of a service."""

    name: str
    signing: str
    protocol: str
    prefix: str
    version: str


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of a REST service."""

    operation: str
    method: str
    path: re.Pattern[str]
    literal: int
    """How many characters of the path are not labels."""
    query: tuple[tuple[str, str], ...]
    headers: tuple[str, ...]
    deprecated: bool

    @property
    def weight(self) -> tuple[int, int, bool]:
        """The more a route demands, the more specific it is."""
        return self.literal, len(self.query) + len(self.headers), not self.deprecated

    def fits(self, asked: Asked, query: Mapping[str, list[str]]) -> bool:
        """Whether the request has all that the route demands; a demanded query value of "" means any."""
        return (
            self.method == asked.method
            and self.path.fullmatch(asked.path) is not None
            and all(name in query and value in ("", query[name][0]) for name, value in self.query)
            and all(name in asked.headers for name in self.headers)
        )


def recognise(asked: Asked) -> Call:
    """The operation, from the credential's scope and what each protocol puts where."""
    scope = _SCOPE.search(asked.headers.get("authorization", "")) or _SCOPE.search(unquote(asked.target))
    key, region, signing = (scope[1], scope[2] or "", scope[3]) if scope else ("", "", "")
    service, operation, protocol = (
        _by_target(asked, signing) or _by_action(asked, signing) or _by_route(asked, signing) or _unknown(signing)
    )
    return Call(service, operation, protocol, region, key)


Found = tuple[str, str, str]


def _by_target(asked: Asked, signing: str) -> Found | None:
    """JSON: `X-Amz-Target: TrentService.ListKeys`; Smithy RPC v2: `/service/TrentService/operation/ListKeys`."""
    rpc = _RPC_PATH.search(asked.path) if "smithy-protocol" in asked.headers else None
    prefix, _, operation = asked.headers.get("x-amz-target", "").rpartition(".")
    if rpc:
        prefix, operation = rpc[1], rpc[2]
    if not operation:
        return None
    named = [service.name for service in services() if service.prefix == prefix]
    signed = [service.name for service in _signed(signing)]
    both = [name for name in named if name in signed]
    return (both or named or signed or [signing])[0], operation, CBOR if rpc else "json"


def _by_action(asked: Asked, signing: str) -> Found | None:
    """Query: `Action=ListUsers&Version=2010-05-08` in the form, or in the query of a GET."""
    is_form = asked.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    form = dict(parse_qsl(asked.body.decode(errors="replace") if is_form else asked.query))
    if "Action" not in form:
        return None
    # An unsigned call, such as AssumeRoleWithSAML, is known by its version alone.
    possible = _signed(signing) or [service for service in services() if service.version == form.get("Version")]
    candidates = sorted(possible, key=lambda service: service.version != form.get("Version"))
    name = candidates[0].name if candidates else signing
    return name, form["Action"], "ec2" if name == "ec2" else "query"


def _by_route(asked: Asked, signing: str) -> Found | None:
    """REST: method, path, literal parts of the query, and the query and header members that are required.

    Unsigned it is S3, which alone of the REST services serves strangers.
    """
    query = parse_qs(asked.query, keep_blank_values=True)
    fitting = [
        (route, service)
        for service in _signed(signing or "s3")
        if service.protocol in _REST
        for route in routes(service)
        if route.fits(asked, query)
    ]
    if not fitting:
        return None
    route, service = max(fitting, key=lambda found: found[0].weight)
    return service.name, route.operation, service.protocol


def _unknown(signing: str) -> Found:
    candidates = _signed(signing)
    return (candidates[0].name, UNKNOWN, candidates[0].protocol) if candidates else (signing, UNKNOWN, "json")


@cache
def _signed(signing: str) -> tuple[Service, ...]:
    """The services that sign with this name; one that is itself called so first."""
    signing = _OF_S3.get(signing, signing)
    found = [service for service in services() if service.signing == signing]
    return tuple(sorted(found, key=lambda service: (service.name != signing, service.name)))


@cache
def services() -> tuple[Service, ...]:
    """Every service that botocore knows."""
    return tuple(_services())


def _services() -> Iterator[Service]:
    for folder in sorted(_MODELS.iterdir()):
        # Versions are dates, so the last one is the newest, which is the one that boto3 takes.
        models = sorted(folder.glob("*/service-2.json.gz"))
        if models:
            with gzip.open(models[-1]) as model:
                yield _service(folder.name, model.read(_METADATA_WITHIN).decode(errors="replace"))


def _service(name: str, head: str) -> Service:
    def said(field: str) -> str:
        found = re.search(rf'"{field}"\s*:\s*"([^"]*)"', head)
        return found[1] if found else ""

    return Service(
        name, said("signingName") or said("endpointPrefix"), said("protocol"), said("targetPrefix"), said("apiVersion")
    )


@cache
def routes(service: Service) -> tuple[Route, ...]:
    """The operations of a REST service, read from its model once."""
    newest = sorted((_MODELS / service.name).glob("*/service-2.json.gz"))[-1]
    model = json.loads(gzip.decompress(newest.read_bytes()))
    return tuple(_route(name, operation, model["shapes"]) for name, operation in model["operations"].items())


def _route(name: str, operation: dict[str, Any], shapes: dict[str, Any]) -> Route:
    uri, _, literal_query = operation["http"]["requestUri"].partition("?")
    shape = shapes.get(operation.get("input", {}).get("shape", ""), {})
    needed = [shape["members"][member] for member in shape.get("required", ())]
    query = dict(parse_qsl(literal_query, keep_blank_values=True))
    for member in needed:
        if member.get("location") == "querystring":
            query.setdefault(member["locationName"], "")
    return Route(
        operation=name,
        method=operation["http"]["method"],
        path=_pattern(uri.rstrip("/")),
        literal=len(_LABEL.sub("", uri)),
        query=tuple(query.items()),
        headers=tuple(member["locationName"].lower() for member in needed if member.get("location") == "header"),
        deprecated=bool(operation.get("deprecated")),
    )


def _pattern(uri: str) -> re.Pattern[str]:
    parts = (
        (".+" if part.endswith("+}") else "[^/]+") if _LABEL.fullmatch(part) else re.escape(part)
        for part in _LABEL.split(uri)
    )
    return re.compile("".join(parts) + "/*")
