"""The files of one instance, and how they are written."""

import os
from dataclasses import dataclass
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Write a file that has mode 0600 from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def write_whole(path: Path, content: str) -> None:
    """Write a file that a reader sees whole or not at all."""
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(content)
    draft.replace(path)


@dataclass(frozen=True, slots=True)
class State:
    """The folder of one instance, and where everything is in it."""

    folder: Path

    @property
    def ca(self) -> Path:
        """The authority that signed the server's certificate."""
        return self.folder / "pki" / "ca.pem"

    @property
    def certificate(self) -> Path:
        """The server's certificate."""
        return self.folder / "pki" / "server.pem"

    @property
    def key(self) -> Path:
        """The server's private key."""
        return self.folder / "pki" / "server-key.pem"

    @property
    def secrets(self) -> Path:
        """The demo's secrets."""
        return self.folder / "secrets.json"

    @property
    def instance(self) -> Path:
        """The project's name and its defects."""
        return self.folder / "instance.json"

    @property
    def ports(self) -> Path:
        """The ports that the service listens on; there while it runs."""
        return self.folder / "ports.json"

    @property
    def cloud(self) -> Path:
        """What the cloud's process keeps."""
        return self.folder / "cloud"

    @property
    def github(self) -> Path:
        """What the process keeps that answers as GitHub."""
        return self.folder / "github"

    @property
    def records(self) -> Path:
        """What humans signed."""
        return self.folder / "records"

    @property
    def profile(self) -> Path:
        """The demands that the records are held against."""
        return self.folder / "records-profile.yaml"

    @property
    def waivers(self) -> Path:
        """The failures that are accepted."""
        return self.folder / "waivers.yaml"

    @property
    def guide(self) -> Path:
        """The deployment file that holds the same targets against the whole guide."""
        return self.folder / "health-mesh.yaml"

    @property
    def pid(self) -> Path:
        """The service's process; there while it runs."""
        return self.folder / "service.pid"

    @property
    def log(self) -> Path:
        """What the service printed."""
        return self.folder / "service.log"

    @property
    def deployment(self) -> Path:
        """The deployment file for MeshGuard."""
        return self.folder / "meshguard.yaml"
