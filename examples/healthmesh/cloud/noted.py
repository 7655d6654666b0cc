"""What MeshGuard asks of the cloud: each call with its parameters and the fact that makes it."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from meshguard.targets.aws.base import AwsBase
from meshguard.targets.aws.client import Clients


@dataclass(frozen=True, slots=True)
class Made:
    """A call that the product made."""

    service: str
    operation: str
    account: str
    region: str
    parameters: str
    """As JSON."""
    fact: str
    """Key of the fact that made it."""

    @property
    def name(self) -> str:
        """Such as `kms:ListKeys`."""
        return f"{self.service}:{self.operation}"


_last = threading.local()
"""What a thread is about to ask; clients that are kept tell it also to who notes later."""


@contextmanager
def noted() -> Iterator[list[Made]]:
    """Each call that is made meanwhile in this process; retries of the client library are no calls of their own.

    The client library's events tell the parameters; all is done as ever.
    """
    calls: list[Made] = []
    lock = threading.Lock()
    make, on_call = Clients._make, AwsBase._on_call

    def made(self: Clients, account: str, service: str, region: str) -> Any:
        client = make(self, account, service, region)

        def given(params: Mapping[str, Any], **_: Any) -> None:
            _last.said = account, region, json.dumps(copy.deepcopy(params), sort_keys=True, default=str)

        client.meta.events.register("provide-client-params", given)
        return client

    def called(self: AwsBase, service: str, operation: str) -> None:
        fact = self._caller.reader.key if self._caller.reader is not None else ""
        with lock:
            account, region, parameters = _last.said
            calls.append(Made(service, operation, account, region, parameters, fact))
        on_call(self, service, operation)

    with patch.object(Clients, "_make", made), patch.object(AwsBase, "_on_call", called):
        yield calls


@contextmanager
def kept(clients: dict[str, Clients]) -> Iterator[None]:
    """Let audits of one endpoint share their clients, which take longer to make than a small account to read."""
    own = vars(AwsBase)["_clients"].fget

    def shared(self: AwsBase) -> Clients:
        if self._made is None:
            made = own(self)
            self._made = clients.setdefault(self.settings.endpoint, made)
            self._made._before_call = self._on_call
        return self._made

    with patch.object(AwsBase, "_clients", property(shared)), patch.object(Clients, "close", lambda _: None):
        yield
