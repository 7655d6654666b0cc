"""A list that never ends: the same first page and the same token, whichever page is asked for."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_plus, urlencode

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from moto.core.utils import get_service_model

from .requests import UNKNOWN, Asked, Call
from .wire import Answer, family

TOKEN = "the-same-token-again"
_USUAL = ("NextToken", "nextToken", "Marker", "NextMarker", "ContinuationToken", "NextContinuationToken", "position")
_Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paging:
    """The names, on the wire, of what says that there is more."""

    inputs: frozenset[str]
    outputs: tuple[_Path, ...]
    more: _Path
    """The flag beside the token, where there is one."""
    wrapper: str
    """The element that holds the output's members in XML; "" is the outermost."""


@cache
def _pages(service: str) -> dict[str, Any]:
    try:
        pages: dict[str, Any] = Loader().load_service_model(service, "paginators-1")["pagination"]
    except (UnknownServiceError, KeyError):
        return {}
    return pages


def paging(call: Call) -> Paging:
    """From botocore's paginator, or else from the members' usual names."""
    model = get_service_model(call.service).operation_model(call.operation)
    given, said = model.input_shape, model.output_shape
    page = _pages(call.service).get(call.operation, {})
    usual_in = [name for name in _USUAL if given is not None and name in given.members]
    usual_out = [name for name in _USUAL if said is not None and name in said.members]
    # An output may be an expression: the token, or else the last item's name.
    outputs = [token.split(" ||")[0].strip() for token in _list(page.get("output_token", usual_out))]
    more = page.get("more_results", "")
    return Paging(
        inputs=frozenset(_wire(given, name)[-1] for name in _list(page.get("input_token", usual_in))),
        outputs=tuple(_wire(said, name) for name in outputs),
        more=_wire(said, more) if more else (),
        wrapper=(said.serialization.get("resultWrapper", "") if said is not None else ""),
    )


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _wire(shape: Any, expression: str) -> _Path:
    """The wire names along a path of members."""
    names = []
    for name in expression.split("."):
        shape = shape.members.get(name) if shape is not None else None
        names.append(shape.serialization.get("name", name) if shape is not None else name)
    return tuple(names)


def first_page(asked: Asked, call: Call) -> Asked:
    """The request without its token."""
    if call.operation == UNKNOWN:
        return asked
    inputs = paging(call).inputs
    path, _, query = asked.target.partition("?")
    kept = [pair for pair in query.split("&") if pair and unquote_plus(pair.partition("=")[0]) not in inputs]
    return replace(asked, target=f"{path}?{'&'.join(kept)}" if kept else path, body=_without(asked, inputs))


def _without(asked: Asked, inputs: frozenset[str]) -> bytes:
    if "x-www-form-urlencoded" in asked.headers.get("content-type", ""):
        form = parse_qsl(asked.body.decode(), keep_blank_values=True)
        return urlencode([(name, value) for name, value in form if name not in inputs], quote_via=quote).encode()
    if not asked.body.startswith(b"{"):
        return asked.body
    return json.dumps({name: value for name, value in json.loads(asked.body).items() if name not in inputs}).encode()


def with_token(answer: Answer, call: Call) -> Answer:
    """The page with the token in it, and the flag that more follows."""
    if answer.status != 200 or call.operation == UNKNOWN:
        return answer
    known = paging(call)
    write = _in_json if family(call) == "json" else _in_xml
    body = answer.body
    flags: list[tuple[_Path, str | bool]] = [(known.more, True)] if known.more else []
    for place, value in [*((place, TOKEN) for place in known.outputs), *flags]:
        body = write(body, place, value, known.wrapper)
    headers = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
    return Answer(answer.status, body, headers)


def _in_json(body: bytes, place: _Path, value: str | bool, _wrapper: str) -> bytes:
    whole = json.loads(body or b"{}")
    holder = whole
    for name in place[:-1]:
        holder = holder.setdefault(name, {})
    holder[place[-1]] = value
    return json.dumps(whole).encode()


def _in_xml(body: bytes, place: _Path, value: str | bool, wrapper: str) -> bytes:
    name, parent = place[-1], place[-2] if len(place) > 1 else wrapper
    text = re.sub(rf"<{name}>[^<]*</{name}>|<{name}\s*/>", "", body.decode())
    text = re.sub(rf"<{parent}\s*/>", f"<{parent}></{parent}>", text) if parent else text
    at = text.rfind(f"</{parent}>" if parent and f"</{parent}>" in text else "</")
    written = f"<{name}>{'true' if value is True else value}</{name}>"
    return (text[:at] + written + text[at:]).encode()
