"""Cold start: `--version` and `--help` against a bare Typer app with the same commands and options."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from bench.measure import MESHGUARD, Command, Row, compare

GOAL = 1.2
HEAD = """import pathlib, typing
from typing import Annotated
import typer

app = typer.Typer(name="bare", no_args_is_help=True, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"]}, help="A bare app.")

def _version(wanted: bool) -> None:
    if wanted:
        typer.echo("bare 0")
        raise typer.Exit

@app.callback()
def _root(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False) -> None:
    pass
"""


def rows(work: Path, *, quick: bool) -> list[Row]:
    """Both commands, whole process."""
    (work / "bare_app.py").write_text(bare_app())
    bare = (sys.executable, "-c", "from bare_app import app; app(prog_name='bare')")
    runs = 5 if quick else 15
    return [
        compare(
            f"cold start, {option}",
            Command([*bare, option], path=(work,)),
            Command([*MESHGUARD, option]),
            runs=runs,
            goal=GOAL,
        )
        for option in ("--version", "--help")
    ]


def bare_app() -> str:
    """The source of an app with the real one's commands, parameters and help texts, and nothing behind them."""
    from meshguard.cli.app import app

    parts = [HEAD]
    for command in app.registered_commands:
        assert command.callback is not None
        parts.append(_command(command.callback, command.epilog))
    return "\n".join(parts)


def _command(callback: Callable[..., Any], epilog: str | None) -> str:
    hints = get_type_hints(callback, include_extras=True)
    parameters = [
        f"    {parameter.name}: {_annotation(hints[parameter.name])} = {_value(parameter.default)},"
        for parameter in inspect.signature(callback).parameters.values()
        if parameter.default is not inspect.Parameter.empty
    ]
    required = [
        f"    {parameter.name}: {_annotation(hints[parameter.name])},"
        for parameter in inspect.signature(callback).parameters.values()
        if parameter.default is inspect.Parameter.empty
    ]
    lines = [f"@app.command(epilog={epilog!r})", f"def {callback.__name__}(", *required, *parameters, ") -> None:"]
    return "\n".join([*lines, f"    {inspect.getdoc(callback) or ''!r}", ""])


def _annotation(hint: Any) -> str:
    if get_origin(hint) is not Annotated:
        return _type(hint)
    base, info = get_args(hint)
    words = [repr(text) for text in info.param_decls or ()]
    words += [f"{name}={value!r}" for name in ("help", "metavar") if (value := getattr(info, name, None))]
    kind = "Option" if type(info).__name__.startswith("Option") else "Argument"
    return f"Annotated[{_type(base)}, typer.{kind}({', '.join(words)})]"


def _type(hint: Any) -> str:
    return (
        hint.__name__
        if hint in (str, bool, int, float)
        else str(hint).replace("<class 'pathlib.Path'>", "pathlib.Path")
    )


def _value(default: Any) -> str:
    return f"pathlib.Path({str(default)!r})" if isinstance(default, Path) else repr(default)
