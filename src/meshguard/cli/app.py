"""The commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from meshguard import __version__

if TYPE_CHECKING:
    from meshguard.scope import Scope

app = typer.Typer(
    name="meshguard",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Audit a real deployment against a hardening guide, and gate the pipeline on the evidence.",
)

EXITS = (
    "Exit status: 0 the gate is open, 1 a control is not satisfied, 2 a file, option or profile is wrong, "
    "3 undetermined or incomplete, 70 MeshGuard failed."
)

Deployment = Annotated[Path, typer.Argument(help="The deployment file.", show_default=True)]
Profiles = Annotated[
    list[str] | None,
    typer.Option("--profile", "-p", help="Profile by name or path, instead of the file's; repeatable."),
]
PhaseOption = Annotated[
    Literal["pre", "post"] | None, typer.Option("--phase", help="Only controls of this phase of a deployment.")
]
Only = Annotated[
    list[str] | None, typer.Option("--only", help="Only this control, check or target; globs; repeatable.")
]
Skip = Annotated[list[str] | None, typer.Option("--skip", help="Leave out this control, check or target; repeatable.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
FILE = Path("meshguard.yaml")
Own = Annotated[
    Path | None, typer.Option("--deployment", "-d", help="A deployment file, whose own checks are known too.")
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"meshguard {__version__}")
        raise typer.Exit


def _scope(
    phase: Literal["pre", "post"] | None, only: list[str] | None, skip: list[str] | None, framework: str
) -> Scope:
    from meshguard.scope import Scope

    return Scope(phase, tuple(only or ()), tuple(skip or ()), framework)


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    del version


@app.command(epilog=EXITS)
def audit(
    deployment: Deployment = FILE,
    profile: Profiles = None,
    phase: PhaseOption = None,
    only: Only = None,
    skip: Skip = None,
    fail_on: Annotated[
        Literal["critical", "high", "medium", "low"] | None,
        typer.Option("--fail-on", help="The gate's threshold, instead of the file's."),
    ] = None,
    advisory: Annotated[bool, typer.Option("--advisory", help="Let controls that are not satisfied through.")] = False,
    active: Annotated[
        str, typer.Option("--active", metavar="NAME", help="Allow checks that change state; NAME is the deployment's.")
    ] = "",
    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output", "-o", metavar="FORMAT=PATH", help="text, json or html to a file (- is stdout); repeatable."
        ),
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option("--evidence", "-e", help="Keep all observations in this file.")
    ] = None,
    framework: Annotated[
        str, typer.Option("--framework", metavar="NAME", help="Only controls that refer to it: hipaa, nist-csf, ...")
    ] = "",
    baseline: Annotated[
        Path | None, typer.Option("--baseline", help="Gate only on what is worse than in this baseline.")
    ] = None,
    replay: Annotated[
        Path | None, typer.Option("--replay", help="Judge this evidence file; nothing is contacted.")
    ] = None,
    preflight: Annotated[
        bool, typer.Option("--preflight", help="Only say which permissions the audit would lack; nothing is judged.")
    ] = False,
    max_calls: Annotated[
        int | None, typer.Option("--max-calls", min=1, help="Most calls to cloud APIs in the whole audit.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the verdict.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also what passes.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours; NO_COLOR does the same.")] = False,
) -> None:
    """Look at the deployment, judge it, report, and answer with the gate's exit code."""
    if preflight:
        from meshguard.cli.permissions import run_preflight

        scope = _scope(phase, only, skip, framework)
        raise typer.Exit(run_preflight(deployment, tuple(profile or ()), scope, max_calls))
    from meshguard.cli.audit import AuditOptions, run

    options = AuditOptions(
        deployment=deployment,
        profiles=tuple(profile or ()),
        phase=phase,
        only=tuple(only or ()),
        skip=tuple(skip or ()),
        fail_on=fail_on,
        advisory=advisory,
        active=active,
        outputs=tuple(output or ()),
        evidence=evidence,
        framework=framework,
        baseline=baseline,
        replay=replay,
        max_calls=max_calls,
        quiet=quiet,
        verbose=verbose,
        no_color=no_color,
    )
    raise typer.Exit(run(options))


@app.command()
def plan(
    deployment: Deployment = FILE,
    profile: Profiles = None,
    phase: PhaseOption = None,
    only: Only = None,
    skip: Skip = None,
    framework: Annotated[str, typer.Option("--framework", metavar="NAME", help="As for audit.")] = "",
    iam_policy: Annotated[
        bool, typer.Option("--iam-policy", help="Only the least AWS IAM policy that the audit needs, as JSON.")
    ] = False,
    json_: Json = False,
) -> None:
    """Show what an audit would run: checks, targets, the facts they ask, with which effect and how many calls."""
    if iam_policy:
        from meshguard.cli.permissions import show_policy

        show_policy(deployment, tuple(profile or ()), _scope(phase, only, skip, framework))
        return
    from meshguard.cli.plan import show_plan

    show_plan(deployment, tuple(profile or ()), phase, tuple(only or ()), tuple(skip or ()), framework, as_json=json_)


@app.command()
def validate(deployment: Deployment = FILE, profile: Profiles = None) -> None:
    """Print every mistake of deployment and profiles with its file and line; exit 2 if there is one."""
    from meshguard.cli.look import show_validation

    show_validation(deployment, tuple(profile or ()))


@app.command()
def checks(
    pattern: Annotated[str, typer.Argument(help="Only checks whose id matches; globs.")] = "*",
    deployment: Own = None,
    json_: Json = False,
) -> None:
    """List the checks that are installed."""
    from meshguard.cli.look import show_checks

    show_checks(pattern, deployment, as_json=json_)


@app.command()
def controls(
    profile: Annotated[str, typer.Argument(help="Profile by name or path; all installed ones without it.")] = "",
    phase: PhaseOption = None,
    priority: Annotated[
        Literal["critical", "high", "medium", "low"] | None, typer.Option("--priority", help="Only this priority.")
    ] = None,
    pending: Annotated[bool, typer.Option("--pending", help="Only those that are not fully verified yet.")] = False,
    json_: Json = False,
) -> None:
    """List the controls of a profile."""
    from meshguard.cli.look import show_controls

    show_controls(profile, phase, priority, only_pending=pending, as_json=json_)


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="Id of a check or of a control.")], deployment: Own = None
) -> None:
    """Explain a check or control: requirement, why, source, parameters, how to fix."""
    from meshguard.cli.look import show_explanation

    show_explanation(name, deployment)


@app.command()
def ask(
    target: Annotated[str, typer.Argument(help="kind:name of a target, or its name.")],
    fact: Annotated[str, typer.Argument(help="Name of a fact; without it, the target's facts are listed.")] = "",
    arguments: Annotated[list[str] | None, typer.Argument(help="The fact's arguments; JSON or plain text.")] = None,
    deployment: Annotated[Path, typer.Option("--deployment", "-d", help="The deployment file.")] = FILE,
    active: Annotated[str, typer.Option("--active", metavar="NAME", help="Allow facts that change state.")] = "",
) -> None:
    """Ask one fact of one target and show its answer as a check would see it."""
    from meshguard.cli.ask import ask_fact

    raise typer.Exit(ask_fact(deployment, target, fact, tuple(arguments or ()), active))


@app.command()
def schema(
    name: Annotated[str, typer.Argument(help="profile, deployment, waivers, results, or record:KIND.")] = "deployment",
) -> None:
    """Print a JSON Schema: for editors (profile, deployment) or for readers of JSON results."""
    from meshguard.cli.look import show_schema

    show_schema(name)


@app.command()
def report(
    results: Annotated[Path, typer.Argument(help="A JSON result.")],
    framework: Annotated[
        str, typer.Option("--framework", metavar="NAME", help="The picture by its requirements: hipaa, nist-csf, ...")
    ] = "",
    output: Annotated[
        list[str] | None, typer.Option("--output", "-o", metavar="FORMAT=PATH", help="As for audit; text without it.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also what passes.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours.")] = False,
) -> None:
    """Render a JSON result again, in any format; the exit code is the one that it holds."""
    from meshguard.cli.report import render_again, show_framework

    if framework:
        raise typer.Exit(show_framework(results, framework, color=not no_color))
    raise typer.Exit(render_again(results, tuple(output or ()), verbose=verbose, no_color=no_color))


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(help="A JSON result.")],
    after: Annotated[Path, typer.Argument(help="A later one, or one of another deployment.")],
    by_resource: Annotated[
        bool, typer.Option("--by-resource", help="Leave names of targets out: staging against production.")
    ] = False,
) -> None:
    """Show what is new, gone, worse, better or changed between two results; exit 1 where something is worse."""
    from meshguard.cli.compare import show_diff

    raise typer.Exit(show_diff(before, after, by_resource=by_resource))


@app.command()
def baseline(
    results: Annotated[Path, typer.Argument(help="The JSON result of a whole audit.")],
    until: Annotated[str, typer.Option("--until", metavar="DATE", help="From this day its failures count again.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the baseline goes.")] = Path("baseline.json"),
) -> None:
    """Make a result a baseline: what failed in it does not count for the gate until a day."""
    from meshguard.cli.compare import make_baseline

    make_baseline(results, until, output)


@app.command()
def record(
    kind: Annotated[str, typer.Argument(help="Kind of record, such as baa or restore-test.")],
    folder: Annotated[Path, typer.Option("--folder", help="Folder of the registers.")] = Path("records"),
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A field of the entry; repeatable.")
    ] = None,
    key: Annotated[str, typer.Option("--key", metavar="file:PEM", help="Sign the entry with this ed25519 key.")] = "",
    none: Annotated[bool, typer.Option("--none", help="Declare that there is none.")] = False,
) -> None:
    """Write an entry into a register of records; asks what is missing and computes the document's hash."""
    from meshguard.cli.record import write_record

    raise typer.Exit(write_record(kind, folder, tuple(settings or ()), key=key, none=none))


@app.command()
def waive(
    file: Annotated[Path, typer.Argument(help="The file of waivers.")] = Path("waivers.yaml"),
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A field of the waiver; repeatable.")
    ] = None,
) -> None:
    """Write a waiver: a failure that is accepted, for one resource, by two people, with a ticket and an end."""
    from meshguard.cli.waive import write_waiver

    write_waiver(file, tuple(settings or ()))


@app.command()
def sbom(
    path: Annotated[Path, typer.Argument(help="The folder of the checkout.")] = Path(),
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where it goes; stdout without it.")] = None,
    format_: Annotated[
        str, typer.Option("--format", help="cyclonedx-json (cyclonedx), cyclonedx-xml, or notice.")
    ] = "cyclonedx",
    environment: Annotated[
        list[Path] | None,
        typer.Option("--environment", help="A Python environment of the build, for licences; repeatable."),
    ] = None,
    reproducible: Annotated[
        bool, typer.Option("--reproducible", help="The same checkout gives the same bytes: no serial number.")
    ] = False,
) -> None:
    """Write the bill of materials of a checkout from its lockfiles, as CycloneDX, or its notices of licences."""
    from meshguard.cli.sbom import write_sbom

    kept = tuple(environment or ())
    raise typer.Exit(write_sbom(path, output, reproducible=reproducible, format=format_, environments=kept))
