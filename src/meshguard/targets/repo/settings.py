"""What an entry under `targets: repo:` may say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from meshguard.target import TargetSettings
from meshguard.yamlfile import LocalPath

TOOLS = ("git", "npm", "pip-audit", "trivy", "gitleaks", "betterleaks", "zizmor")


class ToolSettings(BaseModel):
    """Which program is run for a tool."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field("", description="The program; the first of the tool's name on PATH without it.")
    sha256: str = Field("", pattern=r"^(sha256:)?[0-9a-fA-F]{64}$|^$", description="What its bytes must hash to.")


class RepoSettings(TargetSettings):
    """An entry under `targets: repo:`."""

    path: LocalPath = Field(description="The folder of the checkout.")
    exclude: tuple[str, ...] = Field((), description="Paths that are not looked at, as globs from the folder; counted.")
    history: bool = Field(True, description="Whether the history of all branches and tags is looked at too.")
    rules: LocalPath | None = Field(None, description="A gitleaks file of further rules for secrets.")
    baseline: LocalPath | None = Field(None, description="Secrets that are known and accepted, by hash and path.")
    tools: dict[str, ToolSettings] = Field({}, description=f"Programs of others: {', '.join(TOOLS)}.")
    sources: tuple[str, ...] = Field(
        (),
        description="Sources of vulnerabilities: npm, pip-audit, trivy, osv. Without it those whose data are named.",
    )
    npm_registry: str = Field("", description="The npm registry that is asked; npm's own where `sources` names npm.")
    osv: str = Field("", description="URL of an OSV service; without it, and without `osv_data`, OSV is not asked.")
    osv_data: LocalPath | None = Field(None, description="Folder with OSV's archives, one all.zip for each ecosystem.")
    trivy_cache: LocalPath | None = Field(None, description="Folder with Trivy's database; it is never downloaded.")
    vex: tuple[LocalPath, ...] = Field((), description="VEX documents (OpenVEX, CycloneDX): what does not apply here.")
    kev: LocalPath | None = Field(None, description="CISA's catalogue of exploited vulnerabilities, as JSON.")
    epss: LocalPath | None = Field(None, description="FIRST's EPSS scores, as CSV, gzipped or not.")
    environments: tuple[LocalPath, ...] = Field((), description="Python environments of the build, for licences.")
    sbom: LocalPath | None = Field(None, description="The SBOM that the build made.")
    earlier: LocalPath | None = Field(
        None, description="A JSON result of an earlier audit: since when a finding is known."
    )

    @field_validator("exclude", "vex", "environments", "sources", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("path")
    @classmethod
    def _folder(cls, value: Path) -> Path:
        if not value.is_dir():
            raise ValueError(f"there is no folder {value}")
        return value.absolute()  # programs of others run in a folder of their own

    @field_validator("sources")
    @classmethod
    def _sources(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = ("npm", "pip-audit", "trivy", "osv")
        if unknown := [one for one in value if one not in known]:
            raise ValueError(f"{unknown[0]!r} is no source; write {', '.join(known)}")
        return value

    @field_validator("tools")
    @classmethod
    def _tools(cls, value: dict[str, ToolSettings]) -> dict[str, ToolSettings]:
        if unknown := [name for name in value if name not in TOOLS]:
            raise ValueError(f"{unknown[0]!r} is no tool that is run; write {', '.join(TOOLS)}")
        return value

    @field_validator("npm_registry", "osv")
    @classmethod
    def _url(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and not (parts.scheme in ("http", "https") and parts.hostname):
            raise ValueError(f"{value!r} is no URL")
        if parts.username or parts.password:
            raise ValueError("give no credentials in a URL")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _files(self) -> RepoSettings:
        for name in ("rules", "baseline", "kev", "epss", "sbom", "earlier"):
            path = getattr(self, name)
            if path is not None and not path.is_file():
                raise ValueError(f"`{name}`: there is no file {path}")
        return self

    def derived(self) -> Iterator[tuple[str, TargetSettings]]:
        """The checkout's pipelines, as a target of kind ci."""
        from meshguard.targets.ci.settings import CiSettings

        kept: dict[str, Any] = {"name": self.name, "path": self.path, "stage": self.stage, "exclude": self.exclude}
        kept["zizmor"] = self.tools["zizmor"].path if "zizmor" in self.tools else ""
        yield "ci", CiSettings.model_validate(kept)

    def hosts(self) -> Iterator[tuple[str, int]]:
        """What is asked about packages, where it is named."""
        for url in (self.npm_registry, self.osv):
            parts = urlsplit(url)
            if url:
                yield str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
