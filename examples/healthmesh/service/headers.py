"""Puts the security headers on every answer, the errors too."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .settings import Settings


class SecurityHeaders:
    """An ASGI application around the whole service, so that no answer slips past it."""

    def __init__(self, app: ASGIApp, settings: Settings, *, plain_http: bool = False) -> None:
        self.app = app
        self.settings = settings
        self.plain_http = plain_http

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, with the headers added."""

        async def send_hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                lines = self.settings.lines(status=message["status"], plain_http=self.plain_http)
                message = {**message, "headers": [*message.get("headers", []), *lines]}
            await send(message)

        await self.app(scope, receive, send_hardened)
