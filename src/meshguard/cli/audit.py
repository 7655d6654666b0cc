"""`meshguard audit`: from options to an exit code."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from meshguard.assemble import Circumstances, assemble, tell_answers
from meshguard.audit import Audit
from meshguard.cli.compare import load_baseline
from meshguard.cli.output import STDOUT, Output, emit, parse_outputs, same_place, settle, show_report, write_reports
from meshguard.cli.progress import make_progress
from meshguard.cli.report import load_results
from meshguard.errors import MeshGuardError
from meshguard.evidence import Allowed, Evidence
from meshguard.plan import Plan, Scope, load_plan
from meshguard.plugins import Plugins
from meshguard.recording import EvidenceWriter, Recording, read_recording

if TYPE_CHECKING:
    from meshguard.profile import Phase, Priority
    from meshguard.results import Results

ALL_EFFECTS = frozenset({"computed", "local", "read", "write", "lockout"})


@dataclass(frozen=True)
class AuditOptions:
    """What the command line says."""

    deployment: Path
    profiles: tuple[str, ...] = ()
    phase: Phase | None = None
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    fail_on: Priority | None = None
    advisory: bool = False
    active: str = ""
    outputs: tuple[str, ...] = ()
    evidence: Path | None = None
    framework: str = ""
    baseline: Path | None = None
    replay: Path | None = None
    max_calls: int | None = None
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False


def run(options: AuditOptions) -> int:
    """Audit, report, and the exit code.

    Raises:
        Mistakes: something in the options or files is wrong; nothing was looked at.
    """
    started = datetime.now(UTC)
    outputs, recording = _prepare(options)
    scope = Scope(options.phase, options.only, options.skip, options.framework)
    plan = load_plan(options.deployment, Plugins(), scope, options.profiles, offline=recording is not None)
    circumstances = _circumstances(options, plan, started, recording)
    allowed = allowed_effects(plan, options.active)
    writer = _writer(options.evidence, plan, started)
    evidence = Evidence(
        allowed=allowed,
        recorder=writer,
        recorded=recording.observations if recording else None,
        masks=plan.deployment.secrets(),
        max_calls=options.max_calls,
    )
    audit = Audit(plan, evidence, conclude=tell_answers(circumstances))
    # The loop is closed after the reports are written: that waits for threads, such as one that looks a name up.
    with asyncio.Runner() as runner:
        with make_progress(quiet=options.quiet) as audit.on_progress:
            runner.run(_run(audit))
        if evidence.bound_reached and not audit.incomplete:
            audit.incomplete = f"its bound of {options.max_calls} calls was reached"
        if writer is not None:
            writer.finish(audit.incomplete or True)
            if writer.fault and not audit.incomplete:
                audit.incomplete = writer.fault
        results = assemble(audit, circumstances)
        return _report(results, outputs, options)


def _prepare(options: AuditOptions) -> tuple[list[Output], Recording | None]:
    outputs = parse_outputs(options.outputs)
    if options.evidence is not None and options.replay is not None:
        raise MeshGuardError(
            "a replay records nothing", where="--evidence", fix="give --evidence or --replay, not both"
        )
    if options.evidence is not None and not options.evidence.parent.is_dir():
        raise MeshGuardError(f"there is no folder {options.evidence.parent}", where="--evidence", fix="make it first")
    _refuse_overwriting(outputs, options)
    return outputs, read_recording(options.replay) if options.replay else None


def _refuse_overwriting(outputs: list[Output], options: AuditOptions) -> None:
    """Refuse to write a file over one that is read, or that is written too."""
    kept = [path for path in (options.deployment, options.replay, options.evidence) if path is not None]
    written = [("--output", output.path, kept) for output in outputs if output.path != STDOUT]
    if options.evidence is not None:
        written.append(("--evidence", str(options.evidence), kept[:-1]))
    for option, path, others in written:
        if any(same_place(path, other) for other in others):
            raise MeshGuardError(f"{path} is another file of this audit", where=option, fix="give it another name")


def allowed_effects(plan: Plan, active: str) -> Allowed:
    """What the deployment and the command line allow together.

    Raises:
        MeshGuardError: --active names another deployment, or the deployment does not allow it.
    """
    deployment = plan.deployment
    if not active:
        return Allowed()
    if active != deployment.name:
        raise MeshGuardError(
            f"the deployment is {deployment.name!r} and not {active!r}",
            where="--active",
            fix="give the name of the deployment that may be changed, to show that it is the one you mean",
        )
    if not deployment.file.active:
        raise MeshGuardError(
            "this deployment does not allow checks that change state",
            where=deployment.document.where(("name",)),
            fix="set `active: true` there if it may be changed",
        )
    return Allowed(effects=ALL_EFFECTS)


def _writer(path: Path | None, plan: Plan, started: datetime) -> EvidenceWriter | None:
    if path is None:
        return None
    head = {
        "deployment": {"name": plan.deployment.name, "digest": plan.deployment.digest},
        "profiles": [{"name": p.id, "version": p.version, "digest": p.digest} for p in plan.profiles],
        "started": started.isoformat(timespec="seconds"),
    }
    return EvidenceWriter(path, head)


async def _run(audit: Audit) -> None:
    """Run the audit; the first signal ends it in order, and what was found is kept."""
    stop, reason = asyncio.Event(), list[str]()
    loop = asyncio.get_running_loop()

    def on_signal(number: int, _frame: object) -> None:
        if not reason:
            reason.append(f"it was interrupted ({signal.Signals(number).name})")
            loop.call_soon_threadsafe(stop.set)

    # Not the loop's own handlers: those end with the loop, and a second Ctrl-C would find the results unwritten.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    try:
        await audit.run(stop, reason)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def _circumstances(options: AuditOptions, plan: Plan, started: datetime, recording: Recording | None) -> Circumstances:
    notes = []
    recorded = (recording.head.get("deployment") or {}) if recording else {}
    if recording and recorded.get("digest") != plan.deployment.digest:
        notes.append(f"the recording was made for another state of the deployment file ({recorded.get('name')})")
    known: dict[str, str] = {}
    if options.baseline is not None:
        baseline, known = load_baseline(options.baseline, plan.deployment.name, started.date())
        notes.append(_of_baseline(options.baseline, baseline, known))
    return Circumstances(
        argv=("meshguard", *sys.argv[1:]),
        started=started,
        fail_on=options.fail_on or plan.deployment.file.fail_on,
        advisory=options.advisory,
        replayed=recording.digest if recording else "",
        recording_complete=recording.complete if recording else True,
        notes=tuple(notes),
        inherited=load_results(plan.deployment.file.inherit.result) if plan.deployment.file.inherit else None,
        known=known,
    )


def _of_baseline(path: Path, baseline: Results, known: dict[str, str]) -> str:
    until = baseline.baseline_until
    if not known:
        return f"the baseline {path} holds nothing back: it had no failure, or counts no more since {until}"
    return f"{len(known)} failures of the baseline {path} ({baseline.run.started}) do not count until {until}"


def _report(results: Results, outputs: list[Output], options: AuditOptions) -> int:
    problems = write_reports(results, [output for output in outputs if output.path != STDOUT], verbose=options.verbose)
    if streams := [output for output in outputs if output.path == STDOUT]:
        return settle(results, problems + write_reports(results, streams, verbose=options.verbose))
    problems += show_report(results, quiet=options.quiet, verbose=options.verbose, color=not options.no_color)
    written = [f"{output.format}: {output.path}" for output in outputs]
    written += [f"evidence: {options.evidence}"] if options.evidence else []
    if written and not options.quiet and not problems:
        emit("\nWritten  " + "  ".join(written) + "\n")
    return settle(results, problems)
