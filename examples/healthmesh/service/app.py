"""The Health-Mesh pages, and the plain-http listener that sends everybody to https."""

import hmac
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from examples.healthmesh.secret import DEMO_USER, Secrets

from . import pages, sessions
from .headers import SecurityHeaders
from .settings import Settings

HOSTS = ("localhost", "127.0.0.1", "health-mesh.example")
MAX_FORM_BYTES = 4096


class Clinic:
    """The endpoints, over one set of settings and secrets."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self.settings = settings
        self.key = secrets.session_signing_key.encode()
        self.password = secrets.demo_password.encode()

    async def home(self, _request: Request) -> Response:
        """The front page."""
        return HTMLResponse(pages.HOME)

    async def style(self, _request: Request) -> Response:
        """The one style sheet."""
        return Response(pages.STYLE, media_type="text/css")

    async def login_form(self, _request: Request) -> Response:
        """The form, with the cookie that only this site's own form brings back."""
        response = HTMLResponse(pages.LOGIN)
        sessions.set_cookie(response, self.settings, "pre-session", sessions.issue(self.key, "pre-session", "form"))
        return response

    async def login(self, request: Request) -> Response:
        """A session for the demo user, in exchange for the password."""
        if self._subject(request, "pre-session") is None or not self._knows(await _form(request)):
            return HTMLResponse(pages.REFUSED, status_code=401)
        response = RedirectResponse("/", status_code=303)
        sessions.set_cookie(response, self.settings, "session", sessions.issue(self.key, "session", DEMO_USER))
        return response

    async def patients(self, request: Request) -> Response:
        """The records, for whoever is signed in."""
        if self._subject(request, "session") is None:
            return JSONResponse({"error": "sign in first"}, status_code=401)
        return JSONResponse({"patients": pages.PATIENTS})

    async def health(self, _request: Request) -> Response:
        """Whether the service runs."""
        return JSONResponse({"status": "ok"})

    def _subject(self, request: Request, kind: sessions.Kind) -> str | None:
        value = request.cookies.get(sessions.cookie_name(kind), "")
        return sessions.subject_of(self.key, kind, value)

    def _knows(self, form: dict[str, str]) -> bool:
        right_password = hmac.compare_digest(form.get("password", "").encode(), self.password)
        return form.get("user") == DEMO_USER and right_password


async def _form(request: Request) -> dict[str, str]:
    """The form's fields; nothing when it is larger than a login can be."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return {}
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


async def _not_found(_request: Request, _error: Exception) -> Response:
    return HTMLResponse(pages.NOT_FOUND, status_code=404)


def pages_app(settings: Settings, secrets: Secrets) -> Starlette:
    """The pages, without their headers."""
    clinic = Clinic(settings, secrets)
    routes = [
        Route("/", clinic.home),
        Route("/style.css", clinic.style),
        Route("/login", clinic.login_form, methods=["GET"]),
        Route("/login", clinic.login, methods=["POST"]),
        Route("/api/v1/patients", clinic.patients),
        Route("/health", clinic.health),
    ]
    return Starlette(routes=routes, exception_handlers={404: _not_found})


def secure_app(settings: Settings, secrets: Secrets) -> ASGIApp:
    """What https answers."""
    return SecurityHeaders(pages_app(settings, secrets), settings)


def plain_app(settings: Settings, secrets: Secrets, https_port: int) -> ASGIApp:
    """What plain http answers: the way to https, or the pages where a defect says so."""
    if settings.redirect_status is None:
        return SecurityHeaders(pages_app(settings, secrets), settings, plain_http=True)
    status = settings.redirect_status

    async def to_https(request: Request) -> Response:
        # A Host that is not ours is not repeated: the redirect must not lead away.
        asked = request.url.hostname
        host = asked if asked in HOSTS else HOSTS[0]
        base = settings.redirect_to.format(host=host, port=https_port)
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{base}{request.url.path}{query}", status_code=status)

    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    everything = Route("/{path:path}", to_https, methods=methods)
    return SecurityHeaders(Starlette(routes=[everything]), settings, plain_http=True)
