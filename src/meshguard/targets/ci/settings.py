"""What an entry under `targets: ci:` may say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from meshguard.target import TargetSettings
from meshguard.yamlfile import LocalPath


class CiSettings(TargetSettings):
    """An entry under `targets: ci:`."""

    path: LocalPath = Field(description="The folder of the checkout that holds the workflows.")
    exclude: tuple[str, ...] = Field((), description="Paths that are not looked at, as globs from the folder; counted.")
    zizmor: str = Field("", description="The zizmor program; its findings are judged where it is named.")

    @field_validator("exclude", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("path")
    @classmethod
    def _folder(cls, value: Path) -> Path:
        if not value.is_dir():
            raise ValueError(f"there is no folder {value}")
        return value
