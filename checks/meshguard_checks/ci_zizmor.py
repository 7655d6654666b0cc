"""A second opinion on workflows: what zizmor finds, kept apart from what MeshGuard finds itself."""

from __future__ import annotations

from typing import Literal

from meshguard.api import Verdict, check, failed, not_applicable, passed
from meshguard.targets.ci import Ci, WorkflowFile

SEVERITIES = ("informational", "low", "medium", "high")
MAX_NAMED = 5


@check(
    "ci.zizmor",
    method="examine",
    over=Ci.files,
    fix="Correct the workflow as docs.zizmor.sh says of the rule; a finding that is accepted is waived here, since "
    "neither a comment in the file nor a configuration in the repository accepts one.",
)
async def zizmor(
    file: WorkflowFile,
    ci: Ci,
    *,
    min_severity: Literal["informational", "low", "medium", "high"] = "high",
    min_confidence: Literal["low", "medium", "high"] = "medium",
) -> Verdict:
    """Zizmor finds nothing in a workflow or action at or above a severity and confidence (OWASP CICD-SEC-4).

    It is asked only where the deployment names it under `zizmor` of the target, and never online; without it the file
    is undetermined. What needs the network (known vulnerabilities of actions, commits that impostors made) it does not
    look at.

    Args:
        min_severity: how bad a finding must be to fail.
        min_confidence: how sure a finding must be to fail.
    """
    if file.system == "gitlab":
        return not_applicable("zizmor reads files of GitHub alone")
    said = await ci.zizmor(file.path)
    wanted = f"nothing of {min_severity} severity and {min_confidence} confidence or above"
    counted = [
        one
        for one in said.findings
        if SEVERITIES.index(one.severity) >= SEVERITIES.index(min_severity)
        and SEVERITIES.index(one.confidence) >= SEVERITIES.index(min_confidence)
    ]
    if counted:
        named = "; ".join(str(one) for one in counted[:MAX_NAMED])
        more = f"; {len(counted) - MAX_NAMED} more" if len(counted) > MAX_NAMED else ""
        return failed(f"{said.source} finds {named}{more}", got=len(counted), want=wanted)
    below = f", and {len(said.findings)} below" if said.findings else ""
    return passed(f"{said.source} finds {wanted}{below}", got=0, want=wanted)
