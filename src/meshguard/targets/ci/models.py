"""What is recorded of workflows: names, places and what was decided, never a script's text."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Event = Literal["push", "pull_request"]
EVENTS: tuple[Event, ...] = ("push", "pull_request")
State = Literal["yes", "no", "maybe"]


class CiModel(BaseModel):
    """Base of all that is recorded of workflows."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class WorkflowFile(CiModel):
    """A file that says what runs: a workflow, an action of the repository, a GitLab configuration."""

    path: str
    system: Literal["github", "gitlab"]
    kind: Literal["workflow", "action"] = "workflow"

    def __str__(self) -> str:
        """Its path."""
        return self.path


class Occasion(CiModel):
    """Whether something runs on an event of the default branch."""

    event: Event
    state: State
    why: str = ""
    """Why not, or what is not known."""
    paths: bool = False
    """Whether a filter skips it where other files changed."""


class Place(CiModel):
    """A place where a command is run, or an action used."""

    where: str
    """`path:line`."""
    workflow: str
    job: str
    """The job's id; one of a called workflow stands after its caller's, with "/" between."""
    order: tuple[int, int]
    """The step, and the command in it."""
    through: str = ""
    """The script that hides the command."""
    occasions: tuple[Occasion, ...] = ()
    swallowed: tuple[str, ...] = ()
    """Why its failure does not fail the job."""
    unsure: tuple[str, ...] = ()
    """What leaves open whether its failure fails the job."""
    skips: tuple[str, ...] = ()
    """Why the shell may not run it."""
    conditional: tuple[str, ...] = ()
    """Conditions of the service under which it is skipped while its job succeeds."""
    after: tuple[str, ...] = ()
    """Jobs that must have succeeded before its own begins."""
    anyway: bool = False
    """Whether it runs although an earlier step of its job has failed."""
    severity: str = ""
    """From which severity an audit of packages fails, where it says so."""


class Unknown(CiModel):
    """What was not looked at, and so may run anything."""

    where: str
    what: str

    def __str__(self) -> str:
        """Place and reason."""
        return f"{self.where}: {self.what}"


class Runs(CiModel):
    """Where a command is run, and what may run it unseen."""

    places: tuple[Place, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    files: tuple[str, ...] = ()
    """The files that were read."""


class Use(CiModel):
    """Code of others that a workflow runs: an action, a workflow, an include, an image."""

    line: int
    kind: Literal["action", "workflow", "image", "include"]
    name: str
    """`owner/repository` with the path in it, an image's name, an include's project or address."""
    ref: str
    """The tag, branch, commit or digest; empty where there is none."""
    version: str = ""
    """The version of Trivy that it is told to install."""


class Uses(CiModel):
    """All code of others that one file runs."""

    path: str
    uses: tuple[Use, ...] = ()
    unknown: tuple[Unknown, ...] = ()


class JobPermissions(CiModel):
    """What the token of a job, or of all jobs, may do."""

    job: str
    """Empty: what holds for all jobs that say nothing."""
    line: int
    said: bool
    """Whether anything is said."""
    all: Literal["", "read-all", "write-all"] = ""
    writes: tuple[str, ...] = ()
    unknown: str = ""


class Permissions(CiModel):
    """The permissions of one workflow."""

    path: str
    top: JobPermissions
    jobs: tuple[JobPermissions, ...] = ()
    called_only: bool = False
    """Whether it runs only where another workflow calls it, with no more than that one may."""


class SecretUse(CiModel):
    """One way in which a workflow comes by a secret."""

    line: int
    kind: Literal["literal", "stored", "all", "manager"]
    """Written in the file; stored with the CI service; all stored ones at once; fetched from a manager."""
    name: str


class Secrets(CiModel):
    """How one file comes by its secrets."""

    path: str
    uses: tuple[SecretUse, ...] = ()
    unknown: tuple[Unknown, ...] = ()


class Danger(CiModel):
    """Something that lets a stranger's pull request run code with the repository's rights."""

    line: int
    kind: Literal["checkout", "injection", "checkout-unknown"]
    what: str


class Trusting(CiModel):
    """What a workflow does on events that a stranger can cause and that have the repository's rights."""

    path: str
    events: tuple[str, ...] = ()
    dangers: tuple[Danger, ...] = ()
    unknown: tuple[Unknown, ...] = ()
