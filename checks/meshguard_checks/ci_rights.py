"""Checks of what workflows may do, how they come by secrets, and whose code they run with their rights."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated

from meshguard.api import Field, Verdict, check, failed, not_applicable, passed, undetermined
from meshguard.targets.ci import Ci, WorkflowFile
from meshguard.targets.ci.models import JobPermissions, Permissions

Reason = Annotated[str, Field(min_length=3)]


@check(
    "ci.least_permissions",
    method="examine",
    over=Ci.files,
    fix="Write `permissions: {contents: read}` (or `{}`) at the top of the workflow, and what one job must write at "
    "that job.",
)
async def least_permissions(
    file: WorkflowFile,
    ci: Ci,
    *,
    read_all: bool = False,
    top_writes: tuple[str, ...] = (),
    job_writes: tuple[str, ...] | None = None,
) -> Verdict:
    """Tokens may do only what is said for them, and only single jobs may write (OWASP CICD-SEC-5).

    A job that says nothing has what the workflow says; where that says nothing too, it has the repository's default,
    which may be to write everything.

    Args:
        read_all: whether `read-all` is little enough.
        top_writes: scopes that a whole workflow may write.
        job_writes: scopes that a job may write; any without it.
    """
    if file.system == "gitlab" or file.kind == "action":
        return not_applicable("permissions of a token are said in workflows of GitHub alone")
    found = await ci.tokens(file.path)
    for part in (found.top, *found.jobs):
        allowed = top_writes if not part.job else job_writes
        if why := _too_much(part, allowed, read_all=read_all):
            return failed(f"line {part.line}: {_who(part)} {why}", got=list(part.writes) or part.all, want="no more")
    silent = [part.job for part in found.jobs if not part.said]
    if silent and not found.top.said and not found.called_only:
        problem = f"nothing is said for the job {silent[0]}, which has the repository's default"
        return failed(problem, got="nothing", want="permissions")
    return _judged(found)


def _judged(found: Permissions) -> Verdict:
    open_ = [part for part in (found.top, *found.jobs) if part.unknown]
    if open_:
        return undetermined(f"line {open_[0].line}: the permissions of {_who(open_[0])}: {open_[0].unknown}")
    if not found.jobs:
        return undetermined("it has no jobs that can be read")
    writes = sorted({f"{part.job}: {scope}" for part in found.jobs for scope in part.writes})
    return passed(f"permissions are said for each job; written is {', '.join(writes) or 'nothing'}")


def _who(part: JobPermissions) -> str:
    return f"the job {part.job}" if part.job else "the whole workflow"


def _too_much(part: JobPermissions, allowed: tuple[str, ...] | None, *, read_all: bool) -> str:
    if part.all == "write-all":
        return "may write everything"
    if part.all == "read-all" and not read_all:
        return "may read everything"
    extra = [scope for scope in part.writes if allowed is not None and scope not in allowed]
    return f"may write {', '.join(extra)}" if extra else ""


@check(
    "ci.secrets_from_manager",
    method="examine",
    over=Ci.files,
    fix="Let the job take a role through OIDC (`permissions: {id-token: write}`, configure-aws-credentials with "
    "role-to-assume) and fetch the secret from the manager; delete it from the file and from the service's settings.",
)
async def secrets_from_manager(
    file: WorkflowFile, ci: Ci, *, stored: tuple[str, ...] = (), literals: dict[str, Reason] | None = None
) -> Verdict:
    """A workflow holds no secret, and takes those it needs from a secrets manager (OWASP CICD-SEC-6).

    A secret is known by the name of its variable or input. One that is stored with the CI service has no rotation and
    no log of its own, and `secrets: inherit` or toJSON(secrets) hands on all of them. The job's own token is none.

    Args:
        stored: names (globs) of secrets that may be stored with the CI service.
        literals: names (globs) of variables whose literal value is no secret, each with the reason.
    """
    found = await ci.secrets(file.path)
    for use in found.uses:
        if use.kind == "literal" and not _any(use.name, tuple(literals or ())):
            return failed(f"line {use.line}: the value of {use.name} is in the file", got=use.name, want="no secret")
    for use in found.uses:
        if use.kind == "all":
            return failed(f"line {use.line}: all stored secrets are handed on", got=use.name, want="single ones")
    kept = sorted({use.name for use in found.uses if use.kind == "stored" and not _any(use.name, stored)})
    if kept:
        named = ", ".join(kept[:8])
        return failed(f"stored with the CI service and not in a manager: {named}", got=kept, want=list(stored))
    if found.unknown:
        return undetermined(f"it may hold a secret where it is not read: {found.unknown[0]}")
    managed = sorted({use.name for use in found.uses if use.kind == "manager"})
    return passed(f"it takes secrets from {', '.join(managed)}" if managed else "it holds and takes no secret")


def _any(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@check(
    "ci.pull_request_target",
    method="examine",
    over=Ci.files,
    fix="Use `pull_request`, which has no secrets for strangers; where the rights are needed, check out no code of the "
    "pull request, and hand its words to a script through `env:`.",
)
async def pull_request_target(file: WorkflowFile, ci: Ci, *, refused: tuple[str, ...] = ()) -> Verdict:
    """No workflow that strangers can start with the repository's rights runs their code or words (OWASP CICD-SEC-4).

    Such are pull_request_target, workflow_run and issue_comment. Their code comes by a checkout of the pull request's
    head, their words by an expression in a script. A step under a condition that keeps forks out does not count.

    Args:
        refused: of these events those that may not be used at all.
    """
    if file.system == "gitlab" or file.kind == "action":
        return not_applicable("only workflows of GitHub have such events; what they call is followed from them")
    found = await ci.trusting(file.path)
    if not found.events:
        return passed("no stranger can start it with the repository's rights")
    named = " and ".join(found.events)
    if banned := [event for event in found.events if event in refused]:
        return failed(f"it runs on {banned[0]}", got=banned, want="none of them")
    sure = [danger for danger in found.dangers if danger.kind != "checkout-unknown"]
    if sure:
        got = [danger.what for danger in sure[:5]]
        return failed(f"on {named}, line {sure[0].line}: {sure[0].what}", got=got, want="neither")
    doubts = [f"line {one.line}: {one.what}" for one in found.dangers] + [str(one) for one in found.unknown]
    if doubts:
        return undetermined(f"it runs on {named}, and it is not settled what code it runs: {doubts[0]}")
    return passed(f"it runs on {named}, without code or words of strangers")
