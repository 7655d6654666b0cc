"""Check that the code of others in workflows is pinned, and is none that was compromised."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from meshguard.api import Verdict, check, failed, passed, undetermined
from meshguard.targets.ci import Ci, WorkflowFile
from meshguard.targets.ci.models import Use

SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
TRIVY_VERSIONS = ("0.69.4", "0.69.5", "0.69.6")
"""Published by an attacker in March 2026 (CVE-2026-33634, GHSA-69fq-xp46-6x23)."""
MOVED = {
    "aquasecurity/trivy-action": ("0.35.0", "v0.35.0"),
    "aquasecurity/setup-trivy": (),
}
"""Actions whose tags were moved to malicious commits on 19 March 2026, each with those that were not."""
BAD_COMMITS = {
    "ddb9da4475c1cef7d5389062bdfdfbdbd1394648": "the malicious commit of trivy-action 0.34.2 (CVE-2026-33634)",
    "0e58ed8671d6b60d0890c21b07f8835ace038e67": "the malicious commit of tj-actions/changed-files (CVE-2025-30066)",
}


@check(
    "ci.pinned_actions",
    method="examine",
    over=Ci.files,
    fix="Pin each action to the full SHA of a commit, with its version behind it as a comment "
    "(`uses: actions/checkout@<40 hex> # v4.2.2`); a bot keeps both current.",
)
async def pinned_actions(file: WorkflowFile, ci: Ci, *, trusted: tuple[str, ...] = (), images: bool = False) -> Verdict:
    """Code of others that a workflow runs is named by the hash of its content (OWASP CICD-SEC-3; OSSF Scorecard).

    Actions, called workflows and projects that GitLab includes count by the SHA of a commit, images by their digest.
    Whatever the pin, trivy-action and setup-trivy at a tag that was moved to malicious commits in March 2026, and
    Trivy 0.69.4 to 0.69.6, fail.

    Args:
        trusted: owners or actions (globs such as `actions/*`) that may be named by a tag.
        images: whether images of jobs and services must be named by their digest too.
    """
    found = await ci.uses(file.path)
    for use in found.uses:
        if why := _compromised(use):
            return failed(f"line {use.line}: {use.name} is {why}", got=_shown(use), want="a version that is sound")
    loose = [use for use in found.uses if not _pinned(use, images=images) and not _trusted(use, trusted)]
    if loose:
        named = ", ".join(f"{_shown(use)} (line {use.line})" for use in loose[:5])
        more = f" and {len(loose) - 5} more" if len(loose) > 5 else ""
        return failed(f"not pinned: {named}{more}", got=len(loose), want=0)
    if found.unknown:
        return undetermined(f"what is used is not known beforehand: {found.unknown[0]}", fix="name it in full")
    return passed(f"its {len(found.uses)} uses of code of others are pinned or trusted")


def _compromised(use: Use) -> str:
    if use.ref in BAD_COMMITS:
        return BAD_COMMITS[use.ref]
    name = "/".join(use.name.lower().split("/")[:2])
    if name in MOVED and not SHA.fullmatch(use.ref) and use.ref not in MOVED[name]:
        return "named by a tag or branch that was moved to a malicious commit in March 2026 (CVE-2026-33634)"
    version = use.version or (use.ref.removeprefix("v") if use.kind == "image" and use.name.endswith("/trivy") else "")
    if version in TRIVY_VERSIONS:
        return f"at Trivy {version}, which an attacker published in March 2026 (CVE-2026-33634)"
    return ""


def _pinned(use: Use, *, images: bool) -> bool:
    if use.kind == "image":
        return not images or DIGEST.fullmatch(use.ref) is not None or (not use.ref and use.version != "")
    if use.kind == "include" and use.ref.startswith(("sha256-", "sha384-", "sha512-")):
        return True
    return SHA.fullmatch(use.ref) is not None


def _trusted(use: Use, trusted: tuple[str, ...]) -> bool:
    name = use.name.lower()
    return any(fnmatchcase(name, pattern.lower()) or name.split("/")[0] == pattern.lower() for pattern in trusted)


def _shown(use: Use) -> str:
    return f"{use.name}@{use.ref}" if use.ref else use.name
