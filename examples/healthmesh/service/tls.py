"""The server's side of TLS."""

import ssl

from examples.healthmesh.files import State

from .settings import Settings

# Reasons for which OpenSSL has an alert ready: the client is to be told, and not just cut off.
TOLD = {"UNSUPPORTED_PROTOCOL", "NO_SHARED_CIPHER", "NO_SUITABLE_SIGNATURE_ALGORITHM"}


class _Connection(ssl.SSLObject):
    """A connection that sends the alert which asyncio would throw away with a failed handshake."""

    _failure: ssl.SSLError | None = None

    def do_handshake(self) -> None:
        """Ask for a round more after a failure; in it the alert leaves, and the next call fails for good."""
        if self._failure is not None:
            raise self._failure
        try:
            super().do_handshake()
        except ssl.SSLError as failure:
            if failure.reason not in TOLD:
                raise
            self._failure = failure
            raise ssl.SSLWantReadError from failure


class _Context(ssl.SSLContext):
    sslobject_class = _Connection


def server_context(state: State, settings: Settings) -> ssl.SSLContext:
    """The certificate, and the versions and suites that the settings say."""
    context = _Context(ssl.PROTOCOL_TLS_SERVER)
    if settings.tls_ciphers is not None:
        context.set_ciphers(settings.tls_ciphers)
    context.minimum_version = settings.tls_minimum
    context.load_cert_chain(state.certificate, state.key)
    return context
