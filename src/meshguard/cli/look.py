"""The commands that look at what is installed and planned, and contact nothing."""

from __future__ import annotations

import json
from collections import Counter
from fnmatch import fnmatchcase
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from meshguard.cli.output import emit
from meshguard.deployment import load_deployment
from meshguard.errors import MeshGuardError, Mistake, Mistakes
from meshguard.plan import Scope, load_plan
from meshguard.plugins import Plugins
from meshguard.profile import ProfileLoader
from meshguard.values import did_you_mean, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshguard.check import Check
    from meshguard.deployment import Deployment
    from meshguard.profile import CheckUse, Control, Phase, Priority, Profile
    from meshguard.records.document import Documents
    from meshguard.records.register import LoadedRegister
    from meshguard.records.statement import Statement


def plugins_of(deployment: Path | None) -> Plugins:
    """What is installed, with the local checks of a deployment file where one is named.

    Raises:
        Mistakes: what is wrong in that file.
    """
    plugins, mistakes = Plugins(), list[Mistake]()
    if deployment is not None:
        load_deployment(deployment, plugins, mistakes, offline=True)
    if mistakes and not plugins.folders:  # what is wrong with its targets does not matter here
        raise Mistakes(mistakes)
    return plugins


def show_checks(pattern: str, deployment: Path | None = None, *, as_json: bool) -> None:
    """List installed checks, and the local ones of a deployment."""
    known = plugins_of(deployment).all_checks()
    found = [check for check_id, check in known.items() if fnmatchcase(check_id, pattern)]
    if not found:
        hint = did_you_mean(pattern, known, otherwise="`meshguard checks` lists all; -d FILE adds a deployment's own")
        raise MeshGuardError(f"no check matches {pattern!r}", fix=hint)
    if as_json:
        emit(as_json_text([_check_json(check) for check in found]))
        return
    emit(columns([(check.id, check.method, check.requirement) for check in found]))


def _check_json(check: Check[Any]) -> dict[str, Any]:
    return {
        "id": check.id,
        "method": check.method,
        "requirement": check.requirement,
        "notes": check.notes,
        "targets": list(check.kinds),
        "over": check.over.name if check.over is not None else None,
        "effect": check.effect,
        "asks": [fact.name for fact in check.asks],
        "calls": list(check.calls),
        "parameters": check.parameters.model_json_schema().get("properties", {}),
        "fix": check.fix,
    }


def show_controls(
    name: str, phase: Phase | None, priority: Priority | None, *, only_pending: bool, as_json: bool
) -> None:
    """List the controls of one profile, or of all that are installed."""
    profiles = _profiles([name] if name else sorted(Plugins().profiles()))
    rows = [
        (profile, control)
        for profile in profiles
        for control in profile.controls.values()
        if (phase is None or phase in control.phase)
        and (priority is None or priority == control.priority)
        and (control.pending or not only_pending)
    ]
    if as_json:
        emit(as_json_text([{"profile": p.id, **c.model_dump(mode="json")} for p, c in rows]))
        return
    emit(columns([(c.id, c.priority, "+".join(c.phase), _mark(c) + c.title) for _, c in rows]))
    pending = sum(bool(control.pending) for _, control in rows)
    emit(f"{len(rows)} controls" + (f", {pending} pending" if pending else "") + "\n")


def _mark(control: Control) -> str:
    return "(pending) " if control.pending else "(off) " if control.off else ""


def _profiles(names: Iterable[str]) -> list[Profile]:
    mistakes: list[Mistake] = []
    loader = ProfileLoader(Plugins(), mistakes)
    found = [loader.load(name, folder=Path(), where="profile") for name in names]
    if mistakes:
        raise Mistakes(mistakes)
    return [profile for profile in found if profile is not None]


def show_explanation(name: str, deployment: Path | None = None) -> None:
    """Explain a check or a control."""
    plugins = plugins_of(deployment)
    check = plugins.check(name) if "." in name else None
    controls = [(p, p.controls[name]) for p in _profiles(sorted(plugins.profiles())) if name in p.controls]
    if check is None and not controls:
        known = [*plugins.all_checks(), *(c for p in _profiles(sorted(plugins.profiles())) for c in p.controls)]
        raise MeshGuardError(f"no check or control is named {name!r}", fix=did_you_mean(name, known))
    parts = [_explain_check(check)] if check is not None else []
    parts += [_explain_control(profile, control) for profile, control in controls]
    emit("\n".join(printable(line) for line in "\n".join(parts).split("\n")))


def _explain_check(check: Check[Any]) -> str:
    where = f", once for each of {check.over.name}" if check.over is not None else ""
    notes = [line for note in check.notes for line in ("", f"  {note}")]
    lines = [f"Check {check.id}", "", f"  {check.requirement}", *notes, ""]
    lines.append(f"  Method      {check.method} (NIST SP 800-53A)")
    lines.append(f"  Looks at    {' and '.join(kind for kind in check.kinds if kind != 'clock')}{where}")
    lines.append(f"  Asks        {', '.join(f'{fact.name} ({fact.effect})' for fact in check.asks)}")
    lines += [f"  Calls       {', '.join(check.calls)}"] if check.calls else []
    lines += [f"  {word:<12}{line}" for word, line in zip_longest(["Fix"], check.fix.split("\n"), fillvalue="")]
    properties = check.parameters.model_json_schema().get("properties", {})
    lines.append("  Parameters" + ("" if properties else "  none"))
    for name, schema in properties.items():
        default = f" [{_plain(schema['default'])}]" if "default" in schema else " (must be given)"
        lines.append(f"    {name}{default}  {schema.get('description', '')}")
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _use(use: CheckUse) -> str:
    return use.check + (f" {json.dumps(use.parameters)}" if use.parameters else "")


def _explain_control(profile: Profile, control: Control) -> str:
    lines = [f"Control {control.id} of {profile.id}", "", f"  {control.title}", ""]
    facts = (
        ("Statement", control.statement),
        ("In the guide", " > ".join(filter(None, (control.section, control.place)))),
        ("Priority", control.priority),
        ("Phase", ", ".join(control.phase)),
        ("Why", control.rationale),
        ("Fix", control.remediation),
        ("Pending", control.pending),
        ("Checks", ", ".join(_use(use) for use in control.checks)),
        ("One of", ", ".join(_use(use) for use in control.any)),
        ("Requires", ", ".join(control.requires)),
        ("References", "; ".join(f"{ref.framework} {ref.version}: {', '.join(ref.ids)}" for ref in control.refs)),
    )
    lines += [f"  {name:<13}{' '.join(text.split())}" for name, text in facts if text]
    return "\n".join(lines) + "\n"


def show_validation(path: Path, profiles: tuple[str, ...]) -> None:
    """Say that all files are right, or raise all mistakes: of deployment, profiles, waivers and records."""
    plan = load_plan(path, Plugins(), Scope(), profiles, look_too=record_mistakes)
    kinds = Counter(kind for kind, targets in plan.deployment.targets.items() for _ in targets)
    emit(
        f"{path}: no mistakes; {len(plan.controls)} controls, {len(plan.tasks)} checks on targets "
        f"({', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items())) or 'no targets'})\n"
    )
    missing = sorted({gap.kind for planned in plan.controls for gap in planned.gaps})
    if missing:
        emit(f"No target of kind {', '.join(missing)}: what needs one will be undetermined\n")


def record_mistakes(deployment: Deployment) -> Iterator[Mistake]:
    """What is wrong in the registers that a deployment names, and in the documents of their entries.

    An audit does not stop for it: there, a register that cannot be read is an error of the checks that need it, and
    all other checks are still judged.
    """
    folders = {settings.folder for settings in deployment.targets.get("records", {}).values()}  # type: ignore[attr-defined]
    for folder in sorted(folders):
        yield from _of_folder(folder)


def _of_folder(folder: Path) -> Iterator[Mistake]:
    from meshguard.records.document import Documents
    from meshguard.records.kinds import KINDS
    from meshguard.records.register import load_register

    documents = Documents(folder)
    for path in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
        kind = path.stem
        if kind not in KINDS:
            near = did_you_mean(kind, KINDS)
            yield from [Mistake(str(path), f"{kind!r} is no kind of record, so it is not read", near)] if near else []
            continue
        try:
            register = load_register(path.with_suffix(".yaml"), kind)
        except MeshGuardError as fault:
            yield from fault.mistakes
            continue
        if register is not None:
            yield from _of_documents(register, documents)


def _of_documents(register: LoadedRegister, documents: Documents) -> Iterator[Mistake]:
    statements: list[tuple[tuple[str | int, ...], Statement]]
    statements = [(("entries", index), entry) for index, entry in enumerate(register.file.entries)]
    statements += [(("none",), register.file.none)] if register.file.none is not None else []
    for at, statement in statements:
        state = documents.state(statement.document, statement.sha256)
        if state in _DOCUMENTS:
            what, fix = _DOCUMENTS[state]
            where = register.document.where((*at, "document"))
            yield Mistake(where, f"the document {statement.document!r} {what}", fix)


_DOCUMENTS = {
    "missing": ("is not there", "paths start in the records' folder"),
    "outside": ("is outside the records' folder", "put it, or a copy, into the folder"),
    "differs": ("has another sha256", "sign it again, or bring back the one that was signed"),
    "not-a-file": ("is no file", "name a file"),
    "too-large": ("is too large to be hashed", "name a smaller one that refers to it"),
    "unreadable": ("cannot be read", "see its permissions"),
}
"""What can be wrong with a document, and what to do."""


def show_schema(name: str) -> None:
    """Print the JSON Schema of a kind of file."""
    emit(as_json_text(schema_of(name)))


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of profile, deployment or results; targets and parameters of what is installed."""
    from meshguard.deployment import DeploymentFile
    from meshguard.profile import ProfileFile
    from meshguard.records.kinds import KINDS
    from meshguard.records.register import record_schema
    from meshguard.results import Results
    from meshguard.waivers import WaiverFile

    models: dict[str, type[BaseModel]] = {
        "profile": ProfileFile,
        "deployment": DeploymentFile,
        "waivers": WaiverFile,
        "results": Results,
    }
    if name.startswith("record:"):
        kind = name.removeprefix("record:")
        if kind not in KINDS:
            raise MeshGuardError(
                f"unknown kind of record {kind!r}", fix=did_you_mean(kind, KINDS, otherwise=", ".join(KINDS))
            )
        return record_schema(kind)
    if name not in models:
        known = [*models, *(f"record:{kind}" for kind in KINDS)]
        raise MeshGuardError(f"no schema is named {name!r}", fix=did_you_mean(name, known, otherwise=", ".join(known)))
    schema: dict[str, Any] = models[name].model_json_schema(mode="serialization" if name == "results" else "validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    if name == "profile":
        _add_checks(schema)
    if name == "deployment":
        _add_targets(schema)
    return schema


def _add_checks(schema: dict[str, Any]) -> None:
    """What may stand under `checks`: a check's id, or its id with its own parameters."""
    checks = Plugins().all_checks()
    uses: list[dict[str, Any]] = [{"enum": sorted(checks)}]
    for check_id, check in checks.items():
        parameters = check.parameters.model_json_schema()
        schema["$defs"] |= parameters.pop("$defs", {})
        parameters["properties"] = {n: _or_setting(p) for n, p in parameters.get("properties", {}).items()}
        properties = {check_id: {"anyOf": [parameters, {"type": "null"}]}}
        uses.append({"type": "object", "properties": properties, "required": [check_id], "additionalProperties": False})
    for part in ("checks", "any"):
        schema["$defs"]["Control"]["properties"][part]["items"] = {"anyOf": uses}
    _or_text(schema["properties"], "extends")
    _or_text(schema["$defs"]["Control"]["properties"], "phase")


def _or_setting(described: dict[str, Any]) -> dict[str, Any]:
    """A parameter, or the name of a setting in its place or in that of an item."""
    if "items" in described:
        described = {**described, "items": {"anyOf": [described["items"], _SETTING]}}
    said = ("title", "description", "default")
    either = [{name: value for name, value in described.items() if name not in said}, _SETTING]
    return {name: described[name] for name in said if name in described} | {"anyOf": either}


_SETTING = {"type": "string", "pattern": r"^\$[^$]", "description": "A setting, as $name."}


def _add_targets(schema: dict[str, Any]) -> None:
    plugins = Plugins()
    kinds: dict[str, Any] = {}
    for kind in plugins.kinds():
        settings = plugins.target(kind).Settings.model_json_schema()
        schema["$defs"] |= settings.pop("$defs", {})
        kinds[kind] = {"type": "array", "items": settings}
    schema["properties"]["targets"] = {"type": "object", "properties": kinds, "additionalProperties": False}
    _or_text(schema["properties"], "profile")


def _or_text(properties: dict[str, Any], name: str) -> None:
    """A list that may be written as its one item."""
    described = properties[name]
    properties[name] = {"anyOf": [described, described["items"]]}


def as_json_text(value: Any) -> str:
    """A value as JSON for people and programs."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def columns(rows: list[tuple[str, ...]]) -> str:
    """Rows as text in columns; the last column is as long as it is."""
    if not rows:
        return ""
    rows = [tuple(printable(" ".join(cell.split())) for cell in row) for row in rows]
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]) - 1)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"
