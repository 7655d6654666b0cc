"""The control of a running test cloud, for those who seed it and for tests: plain HTTP, standard library only."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

PREFIX = "/_control/"
TIMEOUT_S = 30.0

Kind = Literal[
    "denied",
    "throttled",
    "error500",
    "slow",
    "truncated",
    "expired",
    "disabled-region",
    "optin",
    "html",
    "repeat-token",
    "unsupported",
]


class Refused(Exception):
    """The test cloud did not understand a command."""


@dataclass(frozen=True, slots=True)
class Control:
    """Commands to one test cloud.

    Operations are named as in `kms:ListKeys`: boto3's name of the client, then the API's name. Where a glob is
    taken, `*` stands for anything. `match` restricts to requests whose path, query or body holds this text.
    """

    endpoint: str

    def calls(self) -> list[dict[str, Any]]:
        """Each call since the last `forget_calls`, in order: operation, region, account, key, status, fault."""
        return list(self._command("calls"))

    def counts(self) -> Counter[str]:
        """How often each operation was called."""
        return Counter(call["operation"] for call in self.calls())

    def forget_calls(self) -> None:
        """Start counting anew."""
        self._command("forget_calls")

    def fault(
        self,
        operation: str,
        kind: Kind,
        *,
        region: str = "",
        times: int = 0,
        match: str = "",
        seconds: float = 1.0,
    ) -> None:
        """Let calls fail: the next `times` of them, or all (0). The newest fault that fits is the one that strikes.

        `seconds` is how long a `slow` call waits before it is answered.
        """
        self._command("fault", operation=operation, kind=kind, region=region, times=times, match=match, seconds=seconds)

    def answer(
        self,
        operation: str,
        body: dict[str, Any] | str,
        *,
        status: int = 200,
        content_type: str = "",
        region: str = "",
        match: str = "",
        path: str = "",
    ) -> None:
        """Answer for moto, where it lacks an operation or one of its fields; the newest answer that fits is given.

        A mapping has the members of the operation's output as boto3 names them (a time is ISO 8601 or, for a JSON
        protocol, seconds) and is written in the protocol of the call. With a `status` of 400 or more it is an
        error: `{"Code": ..., "Message": ...}`. A text is sent as it is. `path` is a glob over the request's path.
        """
        self._command(
            "answer",
            operation=operation,
            body=body,
            status=status,
            content_type=content_type,
            region=region,
            match=match,
            path=path,
        )

    def clear(self) -> None:
        """Forget faults and answers; what was seeded stays."""
        self._command("clear")

    def clock(self, days: float) -> None:
        """Shift the server's clock: -400 makes what is created now 400 days old; 0 is the real time."""
        self._command("clock", days=days)

    def root(
        self, *, mfa: bool = True, access_keys: int = 0, used_days_ago: float | None = None, account: str = ""
    ) -> None:
        """What IAM says of the root user, of one account or of all: there is no API that sets it."""
        self._command("root", mfa=mfa, access_keys=access_keys, used_days_ago=used_days_ago, account=account)

    def reset(self) -> None:
        """An empty cloud at the real time, without faults, answers or calls."""
        self._command("reset")

    def _command(self, name: str, **arguments: Any) -> Any:
        parts = urlsplit(self.endpoint)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=TIMEOUT_S)
        with closing(connection):
            connection.request("POST", PREFIX + name, json.dumps(arguments))
            response = connection.getresponse()
            answer = json.loads(response.read())
        if response.status != 200:
            raise Refused(answer)
        return answer
