"""The secrets of one demo: made at start, kept in one file that only its owner may read."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from .files import write_private

DEMO_USER = "demo.clinician"


@dataclass(frozen=True, slots=True)
class Secrets:
    """Worth nothing outside the demo, yet no report may ever show one."""

    session_signing_key: str
    demo_password: str
    container_db_password: str
    container_url_password: str


def make(path: Path) -> Secrets:
    """Fresh secrets, written to the file; those that end up in a container are marked as fake."""
    made = Secrets(
        session_signing_key=secrets.token_hex(32),
        demo_password=secrets.token_urlsafe(18),
        container_db_password=f"FAKE-demo-{secrets.token_hex(12)}",
        container_url_password=f"FAKE-demo-{secrets.token_hex(12)}",
    )
    write_private(path, json.dumps(asdict(made), indent=2).encode())
    return made


def load(path: Path) -> Secrets:
    """The secrets that `make` wrote."""
    return Secrets(**json.loads(path.read_text()))
