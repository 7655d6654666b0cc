"""The clients of one audit of AWS: one session, each client once, credentials that renew themselves.

Start-up is most of a small audit: loading the services' models. They are loaded once (one session, so one loader
cache), under one lock, with the garbage collector paused, which was measured to halve it.
"""

from __future__ import annotations

import gc
import json
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from meshguard.errors import NotObserved
from meshguard.targets.aws.faults import EXPIRED, Asked, code_of, explained
from meshguard.values import did_you_mean

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config

    from meshguard.targets.aws.operation import Operation
    from meshguard.targets.aws.settings import AwsSettings

CONNECT_S, READ_S = 5, 30
OWN = "-"
"""The account of the credentials, before its id is known."""


class Clients:
    """Clients by account, service and region, made when they are first asked; safe in threads."""

    def __init__(
        self, settings: AwsSettings, *, connections: int, before_call: Callable[[str, str], None] | None = None
    ) -> None:
        self.settings = settings
        self._before_call = before_call
        """Told service and operation of each call before it is made, in the thread that makes it; may refuse it."""
        self._connections = connections
        self._lock = threading.RLock()
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._sessions: dict[str, boto3.Session] = {}
        self._expired: set[str] = set()
        """Access keys that have expired, as far as that was found."""
        self._own_account = ""
        self._partition = "aws"

    def own(self, account: str, partition: str) -> None:
        """Tell whose the credentials are: that account's clients take no role of a member."""
        self._own_account, self._partition = account, partition

    def region(self) -> str:
        """The region where accounts, regions and what is global are asked.

        Raises:
            NotObserved: the deployment names none, and the AWS configuration does not either.
        """
        named = self.settings.named_regions
        if named:
            return named[0]
        with self._lock:
            region = self._guarded(lambda: self._session(OWN).region_name, _asked("the session", "", OWN))
        if not region and self.settings.regions == "all":
            return "us-east-1"
        if not region:
            raise NotObserved("no region is named", fix=f"set `region` or `regions` of aws:{self.settings.name}")
        return str(region)

    def known(self, region: str) -> None:
        """Refuse a region that this client library does not know: most likely a slip of the pen."""
        with self._lock:
            session = self._session(OWN)
            regions = [r for p in session.get_available_partitions() for r in session.get_available_regions("ec2", p)]
        if region not in regions:
            hint = did_you_mean(region, regions, otherwise="see the list of regions, or update boto3")
            raise NotObserved(f"the region {region!r} is not known", fix=hint)

    def ask(self, account: str, region: str, operation: Operation, params: dict[str, Any]) -> dict[str, Any]:
        """One call's answer.

        Raises:
            NotObserved: with the reason and the remedy; the client's own exception where the caller names its code.
        """
        used = self._key_of(account)
        try:
            return self._ask(account, region, operation, params)
        except Exception as fault:
            if code_of(fault) in EXPIRED and self._renewed(account, used):
                return self._ask(account, region, operation, params)
            raise

    def _ask(self, account: str, region: str, operation: Operation, params: dict[str, Any]) -> dict[str, Any]:
        answer = getattr(self.client(account, operation.service, region), operation.method)(**params)
        if not isinstance(answer, dict):
            raise TypeError(operation.name)
        return answer

    def pages(
        self, account: str, region: str, operation: Operation, params: dict[str, Any]
    ) -> Iterator[dict[str, Any]] | None:
        """The answer's pages, each asked when it is taken; None where the operation has no pages."""
        client = self.client(account, operation.service, region)
        if not client.can_paginate(operation.method):
            return None
        pages: Iterator[dict[str, Any]] = iter(client.get_paginator(operation.method).paginate(**params))
        return pages

    def client(self, account: str, service: str, region: str) -> Any:
        """The client of a service in a region, as a caller of that account."""
        key = (account, service, region)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = _MAKER.make(lambda: self._make(account, service, region))
            return self._clients[key]

    def _make(self, account: str, service: str, region: str) -> Any:
        session: Any = self._session(account)  # its stubs know no service by a variable name
        client = session.client(
            service, region_name=region, endpoint_url=self.settings.endpoint or None, config=self._config()
        )
        client.meta.events.register("after-call", read_whole)
        if self._before_call is not None:
            client.meta.events.register("before-call", self._tell)
        if self.settings.endpoint and service == "s3control":
            client.meta.events.register("before-sign.s3-control", self._keep_host)
        return client

    def _tell(self, model: Any, **_: Any) -> None:
        assert self._before_call is not None  # noqa: S101 - registered only then
        self._before_call(model.service_model.service_name, model.name)

    def _keep_host(self, request: Any, **_: Any) -> None:
        """S3 Control puts the account before the host, which an endpoint by address does not have."""
        from urllib.parse import urlsplit

        own, sent = urlsplit(self.settings.endpoint), urlsplit(request.url)
        request.url = sent._replace(netloc=own.netloc).geturl()

    def _config(self) -> Config:
        from botocore.config import Config

        known: Any = Config  # its stubs lack the newer options
        config: Config = known(
            retries={"mode": "adaptive", "total_max_attempts": self.settings.retries},
            connect_timeout=CONNECT_S,
            read_timeout=READ_S,
            max_pool_connections=self._connections,
            user_agent_extra="meshguard",
            # Only what the deployment names is contacted: no endpoint from the environment or a configuration file.
            ignore_configured_endpoint_urls=True,
            s3={"addressing_style": "path"} if self.settings.endpoint else {"us_east_1_regional_endpoint": "regional"},
        )
        return config

    def _session(self, account: str) -> boto3.Session:
        """The session of an account: the credentials' own, or of the member role in it."""
        if account in (OWN, self._own_account):
            account = OWN
        if account not in self._sessions:
            self._sessions[account] = self._own_session() if account == OWN else self._member_session(account)
        return self._sessions[account]

    def _own_session(self) -> boto3.Session:
        import boto3

        from meshguard.targets.aws.loading import new_session

        session = boto3.Session(profile_name=self.settings.profile or None, botocore_session=new_session())
        if self.settings.role:
            session = self._assuming(session, self.settings.role)
        return session

    def _member_session(self, account: str) -> boto3.Session:
        arn = f"arn:{self._partition}:iam::{account}:role/{self.settings.member_role}"
        return self._assuming(self._session(OWN), arn)

    def _assuming(self, session: boto3.Session, role: str) -> boto3.Session:
        """A session with the role's credentials, which are fetched at the first call and renewed before they end."""
        import boto3
        from botocore.credentials import DeferredRefreshableCredentials

        from meshguard.targets.aws.loading import new_session

        inner = new_session()
        fetcher = self._fetcher(session, role)
        # The place where botocore keeps a session's credentials; it has no public way to give refreshable ones.
        inner._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")  # type: ignore[attr-defined]
        inner.set_config_variable("region", session.region_name)
        return boto3.Session(botocore_session=inner)

    def _fetcher(self, session: boto3.Session, role: str) -> Any:
        from botocore.credentials import AssumeRoleCredentialFetcher, AssumeRoleWithWebIdentityCredentialFetcher

        region = self.settings.named_regions[0] if self.settings.named_regions else session.region_name or "us-east-1"

        def maker(service: str, **kwargs: Any) -> Any:
            kwargs |= {"region_name": region, "endpoint_url": self.settings.endpoint or None}
            config = kwargs.pop("config", None)
            source: Any = session
            return source.client(service, config=self._config().merge(config) if config else self._config(), **kwargs)

        extra = {"RoleSessionName": self.settings.session_name}
        token = self.settings.web_identity_token
        if token is not None and role == self.settings.role:
            return AssumeRoleWithWebIdentityCredentialFetcher(maker, token.read_text, role, extra_args=extra)
        if self.settings.external_id:
            extra["ExternalId"] = self.settings.external_id
        source = session.get_credentials()
        if source is None:
            raise NotObserved("no credentials were found to assume the role with", fix="set `profile`")
        return AssumeRoleCredentialFetcher(maker, source, role, extra_args=extra)

    def _key_of(self, account: str) -> str:
        with self._lock:
            return _key_of(self._session(account))

    def _renewed(self, account: str, used: str) -> bool:
        """Read the credentials anew after those that were used expired; whether there are other ones now.

        Many calls may find out at once: the first reads them anew, and the others find that they have changed.
        """
        with self._lock:
            if _key_of(self._session(account)) == used and used not in self._expired:
                self._expired.add(used)
                self._sessions.clear()
                self._clients.clear()
            return _key_of(self._session(account)) != used

    @staticmethod
    def _guarded(ask: Callable[[], Any], asked: Asked) -> Any:
        try:
            return ask()
        except Exception as fault:  # noqa: BLE001 - whatever the library says becomes a reason
            raise explained(fault, asked) from None

    def close(self) -> None:
        """End the connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()


def read_whole(http_response: Any, parsed: dict[str, Any], model: Any, **_: Any) -> None:
    """Refuse an answer that only looks empty because its body was none of the API's.

    The client library does not hold a body against its length, and makes a JSON body that was cut off, or a web page,
    into an answer without members. An answer may say nothing, or that all is null; then it is JSON nevertheless.

    Raises:
        ValueError: the body was not read.
    """
    if model.http.get("method") == "HEAD":
        return  # it has no body; the type is that of the page which a GET would get
    kind = http_response.headers.get("content-type", "")
    if "html" in kind:
        http_response.raw.close()
        raise ValueError
    if "xml" not in kind and parsed.keys() <= {"ResponseMetadata"} and not model.has_streaming_output:
        _is_json(http_response.content)


def _is_json(body: bytes) -> None:
    if body and body != EMPTY_CBOR and not isinstance(json.loads(body), dict):
        raise ValueError


EMPTY_CBOR = b"\xa0"


def _asked(what: str, region: str, account: str) -> Asked:
    return Asked(what, "", region or "any region", "" if account == OWN else account)


def _key_of(session: boto3.Session) -> str:
    credentials = session.get_credentials()
    return str(credentials.get_frozen_credentials().access_key) if credentials is not None else ""


class _Maker:
    """Makes clients in one thread, whose memory then lies together: in many threads it was a sixth more.

    The garbage collector is paused meanwhile: models are large, live long and hold no cycles worth a search.
    """

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        self._started = False

    def make(self, function: Callable[[], Any]) -> Any:
        """What the function returns or raises; the caller holds the lock of its clients."""
        if not self._started:
            self._started = True
            threading.Thread(target=self._run, daemon=True, name="meshguard-aws-clients").start()
        done: Future[Any] = Future()
        self._work.put((function, done))
        return done.result()

    def _run(self) -> None:
        while True:
            function, done = self._work.get()
            was_on = gc.isenabled()
            gc.disable()
            try:
                done.set_result(function())
            except BaseException as fault:  # noqa: BLE001 - handed to the caller whole
                done.set_exception(fault)
            finally:
                if was_on:
                    gc.enable()


_MAKER = _Maker()
