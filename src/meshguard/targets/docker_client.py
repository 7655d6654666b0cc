"""The Docker SDK's low-level client as the target uses it, and what its failures mean.

Imported when the first call is made, since importing the SDK costs a seventh of a second. The SDK opens one connection
for each URL and leaves a socket open when nobody answers; the adapter here keeps one pool and closes what it opened.
Redirects are not followed and proxies of the environment are not used: nothing but the engine is ever contacted.
No text of the engine's or of an exception is passed on: it may hold what was sent.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from docker import APIClient
from docker.errors import DockerException
from docker.tls import TLSConfig
from docker.transport.unixconn import UnixHTTPAdapter, UnixHTTPConnection, UnixHTTPConnectionPool

from meshguard import __version__
from meshguard.errors import NotObserved, Throttled
from meshguard.targets.docker_models import Gone

if TYPE_CHECKING:
    from meshguard.targets.docker import DockerSettings

ANY_VERSION = "1.24"
"""The client must be told an API version; each call here names its own."""


class _Connection(UnixHTTPConnection):
    def connect(self) -> None:
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            door.settimeout(self.timeout)
            door.connect(self.unix_socket)
        except OSError:
            door.close()
            raise
        self.sock = door


class _Pool(UnixHTTPConnectionPool):
    def _new_conn(self) -> _Connection:  # type: ignore[override]  # the stubs know the plain connection alone
        return _Connection(self.base_url, self.socket_path, self.timeout)  # type: ignore[arg-type]


class _Adapter(UnixHTTPAdapter):
    """All URLs share one pool, so that a connection is used again."""

    def __init__(self, path: str, timeout_s: float, connections: int) -> None:
        seconds: Any = timeout_s  # the stubs ask for whole seconds; a fraction works
        super().__init__(f"http+unix://{path}", seconds, max_pool_size=connections)
        self._pool = _Pool("http+docker://localhost", path, seconds, maxsize=connections)

    def get_connection(self, url: Any, proxies: Any = None) -> _Pool:  # noqa: ARG002 - one pool for every URL
        return self._pool

    def close(self) -> None:
        self._pool.close()
        super().close()


class EngineClient:
    """GET requests to one engine; made once for an audit and used by several threads."""

    def __init__(self, settings: DockerSettings, *, timeout_s: float, connections: int) -> None:
        """Set the client up; nothing is sent.

        Raises:
            NotObserved: the TLS files or the user's config.json can't be used.
        """
        self._host = settings.host
        self._timeout_s = timeout_s
        self._speaks_tls = settings.tls
        seconds: Any = timeout_s
        try:
            self._client = APIClient(
                base_url=settings.host,
                version=ANY_VERSION,
                timeout=seconds,
                tls=_tls(settings),
            )
        except (DockerException, OSError, ValueError):
            raise NotObserved(
                f"the Docker SDK could not be set up for {settings.host}",
                fix="see `ca`, `cert` and `key`, and that ~/.docker/config.json is valid JSON",
            ) from None
        self._client.trust_env = False
        if settings.path:
            self._client.mount("http+docker://", _Adapter(settings.path, timeout_s, connections))

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def json(self, path: str, params: dict[str, str] | None = None, *, missing: str = "") -> Any:
        """The answer to a GET as JSON.

        Raises:
            NotObserved: no answer, or not one of 200. Gone: 404, where `missing` says what that means.
            TimeoutError: the engine did not answer in time.
        """
        try:
            with self._get(path, params, missing) as answer:
                return answer.json()
        except requests.exceptions.JSONDecodeError:
            raise NotObserved(
                f"{self._host} answered {path} with something else than JSON",
                fix="see that `host` is a Docker engine",
            ) from None
        except requests.RequestException as fault:
            raise self._unreached(fault) from None

    def content(self, path: str, params: dict[str, str], *, missing: str, at_most: int) -> bytes:
        """The answer to a GET as bytes; NotObserved where it has more than `at_most`."""
        body = b""
        try:
            with self._get(path, params, missing) as answer:
                for chunk in answer.iter_content(65_536):
                    body += chunk
                    if len(body) > at_most:
                        raise NotObserved(f"the answer to {path} has more than the {at_most} bytes that are read")
        except requests.RequestException as fault:
            raise self._unreached(fault) from None
        return body

    def _get(self, path: str, params: dict[str, str] | None, missing: str) -> requests.Response:
        # Prepared without the session: it would merge in cookies, netrc and proxies, which takes a fifth of the call.
        headers = {"User-Agent": f"meshguard/{__version__}", "Accept-Encoding": "identity"}
        request = requests.Request("GET", f"{self._client.base_url}{path}", headers=headers, params=params).prepare()
        answer = self._client.send(
            request,
            stream=True,
            timeout=self._timeout_s,
            allow_redirects=False,
            verify=self._client.verify,
            cert=self._client.cert,
            proxies={},
        )
        if answer.status_code != 200:
            answer.close()
            raise self._refused(answer, path, missing)
        return answer

    def _refused(self, answer: requests.Response, path: str, missing: str) -> NotObserved:
        status, said = answer.status_code, f"{self._host} answered {path} with status {answer.status_code}"
        if status == 404 and missing:
            return Gone(missing, fix="audit again when the deployment stands still")
        if status == 429:
            wait = answer.headers.get("Retry-After", "")
            return Throttled(said, retry_after=float(wait) if wait.isascii() and wait.isdecimal() else 0.0)
        if status in (401, 403):
            return NotObserved(f"{said}: it may not be asked", fix="let the proxy or plugin before it allow this GET")
        if status == 400 and self._host.startswith("tcp:") and not self._speaks_tls:
            return NotObserved(said, fix="if it speaks TLS, give `ca`, `cert` and `key`")
        if status >= 500:
            return NotObserved(f"{said}: it failed", fix="see the engine's log: `journalctl -u docker`")
        return NotObserved(said, fix="see that `host` is a Docker engine")

    def _unreached(self, fault: requests.RequestException) -> Exception:
        causes = list(_causes(fault))
        if any(isinstance(cause, requests.Timeout | TimeoutError) for cause in causes):
            return TimeoutError()
        for cause in causes:
            found = _tls_fault(self._host, cause) or _socket_fault(self._host, cause)
            if found is not None:
                return found
        return NotObserved(
            f"{self._host} ended the connection before the answer was whole, or speaks no HTTP",
            fix="see that the engine runs (`systemctl status docker`), and audit again",
        )


def _tls(settings: DockerSettings) -> TLSConfig | bool:
    if not settings.tls:
        return False
    if not settings.verify:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the deployment says it on purpose
    pair = (str(settings.cert), str(settings.key)) if settings.cert and settings.key else None
    ca = str(settings.ca) if settings.ca else None
    return TLSConfig(client_cert=pair, ca_cert=ca, verify=settings.verify)


def _causes(fault: BaseException) -> Iterator[BaseException]:
    """A fault and what led to it, each once."""
    todo, seen = [fault], set[int]()
    while todo:
        cause = todo.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = (cause.__cause__, cause.__context__, *cause.args)
        todo += [one for one in inner if isinstance(one, BaseException)]


def _tls_fault(host: str, cause: BaseException) -> NotObserved | None:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return NotObserved(
            f"{host} has no certificate that is trusted: {cause.verify_message}",
            fix="give the CA of the engine with `ca`, and the name that stands in its certificate with `host`",
        )
    if isinstance(cause, ssl.SSLError):
        return NotObserved(
            f"no TLS connection with {host}: {(cause.reason or 'handshake failed').lower().replace('_', ' ')}",
            fix="give the client's `cert` and `key`, and see that the engine listens with --tlsverify",
        )
    return None


def _socket_fault(host: str, cause: BaseException) -> NotObserved | None:
    if isinstance(cause, FileNotFoundError | NotADirectoryError):
        return NotObserved(
            f"{host}: there is no such socket",
            fix="start the engine, or give as `host` the endpoint that `docker context inspect` shows",
        )
    if isinstance(cause, PermissionError):
        return NotObserved(
            f"{host}: no permission to use the engine's socket", fix="add the user to the group docker or run as root"
        )
    if isinstance(cause, ConnectionRefusedError):
        return NotObserved(f"{host} refused the connection", fix="see that the engine runs: `systemctl status docker`")
    if isinstance(cause, socket.gaierror):
        return NotObserved(f"{host} was not reached: the name does not resolve", fix="see the name")
    if (
        isinstance(cause, OSError)
        and cause.strerror
        and not isinstance(cause, ConnectionError | requests.RequestException)
    ):
        return NotObserved(f"{host} was not reached: {cause.strerror}", fix="see the route and the firewall")
    return None
