"""Commands of the shell itself that change how its script goes on."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from meshguard.targets.ci.shell_models import MAX_CALLS, Context, Opaque
from meshguard.targets.ci.shell_words import OPEN

if TYPE_CHECKING:
    from meshguard.targets.ci.shell import Walk

SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "zsh"})


def _set(walk: Walk, said: tuple[str, ...], context: Context) -> None:
    """`set -e`, `set +o pipefail`; where it is not always run, what is set is not known."""
    sure = not context.skips
    flags = list(said[1:])
    for index, flag in enumerate(flags):
        if flag[:1] not in "-+" or not flag:
            continue
        on: bool | None = flag[0] == "-"
        names = [flags[index + 1]] if "o" in flag[1:] and index + 1 < len(flags) else []
        if "e" in flag[1:] or "errexit" in names:
            walk.shell = replace(walk.shell, errexit=on if sure or on == walk.shell.errexit else None)
        if "pipefail" in names:
            walk.shell = replace(walk.shell, pipefail=on if sure or on == walk.shell.pipefail else None)


def _cd(walk: Walk, said: tuple[str, ...], context: Context) -> None:
    place = next((one for one in said[1:] if not one.startswith("-")), OPEN)
    known = walk.shell.cwd is not None and OPEN not in place and not place.startswith(("/", "~")) and not context.skips
    cwd = posixpath.normpath(posixpath.join(walk.shell.cwd or "", place)) if known else None
    walk.shell = replace(walk.shell, cwd="" if cwd == "." else cwd)


def _exit(walk: Walk, said: tuple[str, ...], context: Context) -> None:
    if context.skips:
        if said[1:2] in ((), ("0",)) or OPEN in said[1]:
            walk.skips = (*walk.skips, "an `exit` before it may end the script")
    elif not walk.dead:
        walk.dead = "it is never reached: the script ends before it"


def _trap(walk: Walk, said: tuple[str, ...], context: Context) -> None:
    del context
    if len(said) > 1 and (OPEN in said[1] or "exit" in said[1] or said[1] in walk.functions):
        walk.unsure = (*walk.unsure, "a `trap` may change the status with which the script ends")


def _eval(walk: Walk, said: tuple[str, ...], context: Context) -> None:
    text = " ".join(said[1:])
    if OPEN in text:
        walk.opaque.append(Opaque(context.line or 1, "`eval` runs what is not known beforehand", text))
    elif context.depth < MAX_CALLS:
        walk.script(text, replace(context, depth=context.depth + 1), "the text of `eval`")


def _exec(walk: Walk, said: tuple[str, ...], context: Context) -> None:
    if len(said) > 1:
        walk.ran(said[1:], context.line or 1, replace(context, tail=True), {})
        _exit(walk, ("exit", OPEN), context)


BUILTINS: dict[str, Callable[[Walk, tuple[str, ...], Context], None]] = {
    "set": _set, "cd": _cd, "pushd": _cd, "exit": _exit, "trap": _trap, "eval": _eval, "exec": _exec,
}  # fmt: skip
