"""What stands in front of moto: names each call, notes it, lets it fail or answers it where a test says so."""

from __future__ import annotations

import fnmatch
import io
import json
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import time_machine
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.iam.models import get_account_id_from
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from . import pages, repairs, repairs_iam, wire
from .control import PREFIX
from .requests import Asked, Call, recognise
from .wire import Answer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_AS_HEADER = ("CONTENT_TYPE", "CONTENT_LENGTH")
_PASS_THROUGH = ("slow", "truncated", "repeat-token")
KINDS = (*wire.ERRORS, *_PASS_THROUGH, "html")


@dataclass(slots=True)
class Rule:
    """Which calls a fault or an answer is for."""

    operation: str
    region: str = ""
    match: str = ""
    path: str = ""

    def fits(self, call: Call, asked: Asked) -> bool:
        """Whether it is for this call."""
        return (
            fnmatch.fnmatchcase(call.name, self.operation)
            and self.region in ("", call.region)
            and (not self.match or self.match in asked.text)
            and (not self.path or fnmatch.fnmatchcase(asked.path, self.path))
        )


@dataclass(slots=True)
class Fault(Rule):
    """A call that goes wrong."""

    kind: str = ""
    times: int = 0
    seconds: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no kind."""
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no kind of fault: {', '.join(KINDS)}")


@dataclass(slots=True)
class Canned(Rule):
    """An answer instead of moto's."""

    body: dict[str, Any] | str = ""
    status: int = 200
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Noted:
    """One call that was answered."""

    operation: str
    region: str
    account: str
    key: str
    status: int
    fault: str


class Front:
    """The WSGI application; one lock guards its lists, and moto is asked outside of it."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._answers: list[Canned] = []
        self._calls: list[Noted] = []
        self._travel: time_machine.travel | None = None
        self._commands: dict[str, Callable[..., object]] = {
            "calls": lambda: [asdict(call) for call in self._calls],
            "forget_calls": self._forget_calls,
            "fault": lambda **given: self._faults.append(Fault(**given)),
            "answer": lambda **given: self._answers.append(Canned(**given)),
            "clear": self._clear,
            "clock": self._clock,
            "root": repairs_iam.set_root,
            "reset": self._reset,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        asked = _asked(environ)
        try:
            answer = self._command(asked) if asked.target.startswith(PREFIX) else self._call(asked, environ)
        except Exception:  # noqa: BLE001 - whoever asks is told, and does not wait
            traceback.print_exc(file=sys.stderr)
            answer = Answer(500, b"the test cloud failed: see its log")
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", answer.headers)
        return [answer.body]

    def _command(self, asked: Asked) -> Answer:
        name = asked.target.removeprefix(PREFIX)
        try:
            with self._lock:
                status, said = 200, self._commands[name](**json.loads(asked.body or b"{}"))
        except (KeyError, TypeError, ValueError) as error:
            status, said = 400, f"{name}: {error}"
        return Answer(status, json.dumps(said).encode(), [("Content-Type", "application/json")])

    def _clear(self) -> None:
        self._faults.clear()
        self._answers.clear()

    def _forget_calls(self) -> None:
        # A new list, so that a slow call of before is noted in the old one.
        self._calls = []

    def _clock(self, days: float) -> None:
        if self._travel is not None:
            self._travel.stop()
            self._travel = None
        if days:
            self._travel = time_machine.travel(timedelta(days=days), tick=True)
            self._travel.start()

    def _reset(self) -> None:
        self._clock(0)
        self._clear()
        self._forget_calls()
        repairs_iam.forget_roots()
        BackendDict.reset()
        reset_model_data()

    def _call(self, asked: Asked, environ: WSGIEnvironment) -> Answer:
        calls, call = self._calls, recognise(asked)
        account = environ.get("HTTP_X_MOTO_ACCOUNT_ID") or get_account_id_from(call.key)
        fault = self._striking(call, asked)
        kind = fault.kind if fault is not None else ""
        if fault is not None and kind not in _PASS_THROUGH:
            answer = wire.fault(call, kind, account)
        else:
            if fault is not None and kind == "slow":
                time.sleep(fault.seconds)
            if kind == "repeat-token":
                asked = pages.first_page(asked, call)
            answer = self._truth(call, asked, environ)
            if kind == "repeat-token":
                answer = pages.with_token(answer, call)
            if kind == "truncated":
                answer = _truncated(answer)
        with self._lock:
            calls.append(Noted(call.name, call.region, account, call.key, answer.status, kind))
        return answer

    def _striking(self, call: Call, asked: Asked) -> Fault | None:
        with self._lock:
            fault = next((fault for fault in reversed(self._faults) if fault.fits(call, asked)), None)
            if fault is not None and fault.times:
                fault.times -= 1
                if not fault.times:
                    self._faults.remove(fault)
            return fault

    def _truth(self, call: Call, asked: Asked, environ: WSGIEnvironment) -> Answer:
        """The canned answer, or moto's."""
        with self._lock:
            canned = next((answer for answer in reversed(self._answers) if answer.fits(call, asked)), None)
        if canned is not None:
            return wire.canned(call, canned.body, canned.status, canned.content_type)
        repairs.apply(call.service)
        try:
            answer = self._ask_moto(asked, environ)
        except NotImplementedError:
            return wire.missing(call)
        except Exception:  # noqa: BLE001 - moto's own mistakes are answered as a service's, and told in the log
            if not self._has_backend(environ):
                return wire.missing(call)
            traceback.print_exc(file=sys.stderr)
            return wire.error(call, 500, "InternalFailure", f"moto failed in {call.name}; see the test cloud's log")
        return wire.missing(call) if _has_no_route(answer) else wire.typed(call, answer)

    def _has_backend(self, environ: WSGIEnvironment) -> bool:
        host = self._moto.infer_service_region_host(environ, str(environ["PATH_INFO"]))
        return bool(self._moto.get_backend_for_host(host))

    def _ask_moto(self, asked: Asked, environ: WSGIEnvironment) -> Answer:
        said: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> Any:
            said[:] = [int(status[:3]), headers]
            return None

        known = {
            **environ,
            "RAW_URI": asked.target,
            "REQUEST_URI": asked.target,
            "QUERY_STRING": asked.query,
            "wsgi.input": io.BytesIO(asked.body),
            "CONTENT_LENGTH": str(len(asked.body)),
        }
        body = b"".join(self._moto(known, start_response))
        return Answer(said[0], body, said[1])


def _asked(environ: WSGIEnvironment) -> Asked:
    """The request; through a proxy its target is a whole URL, of which the path and the query are kept."""
    target = str(environ["RAW_URI"])
    if "://" in target.partition("?")[0]:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in _AS_HEADER
    }
    return Asked(str(environ["REQUEST_METHOD"]), target, headers, environ["wsgi.input"].read())


def _truncated(answer: Answer) -> Answer:
    """Half of the body under the length of the whole; the server closes a connection that owes something."""
    whole = max(len(answer.body), 2)
    headers = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
    return replace(answer, body=answer.body[: whole // 2], headers=[*headers, ("Content-Length", str(whole))])


def _has_no_route(answer: Answer) -> bool:
    """Flask's own page: the backend does not know the path."""
    return answer.status in (404, 405) and answer.body.lstrip().lower().startswith(b"<!doctype html>")
