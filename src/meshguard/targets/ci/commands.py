"""A command as it is asked for, and whether a command of a script is that one and can fail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from meshguard.errors import NotObserved
from meshguard.targets.ci.shell_builtins import SHELLS
from meshguard.targets.ci.shell_words import OPEN

WRAPPERS: dict[str, frozenset[str]] = {
    "sudo": frozenset({"-u", "-g", "-C"}), "doas": frozenset({"-u"}), "time": frozenset({"-o", "-f"}),
    "command": frozenset(), "nohup": frozenset(), "nice": frozenset({"-n"}), "env": frozenset({"-u", "-C"}),
    "timeout": frozenset({"-k", "-s", "--signal", "--kill-after"}), "stdbuf": frozenset({"-i", "-o", "-e"}),
    "npx": frozenset({"-p", "--package", "-c", "--call"}), "bunx": frozenset(), "uvx": frozenset({"--from", "--with"}),
    "xvfb-run": frozenset({"-s"}), "cross-env": frozenset(), "dotenv": frozenset({"-e"}),
}  # fmt: skip
"""Programs that run the one that follows, and those of their options that take a value."""
RUNNERS = (
    ("npm", "exec"), ("npm", "x"), ("pnpm", "exec"), ("pnpm", "dlx"), ("yarn", "exec"), ("yarn", "dlx"), ("bun", "x"),
    ("uv", "run"), ("uv", "tool", "run"), ("poetry", "run"), ("pipenv", "run"), ("pdm", "run"), ("hatch", "run"),
    ("pipx", "run"), ("bundle", "exec"), ("rye", "run"), ("mise", "exec"),
)  # fmt: skip
VALUED = frozenset({
    "--prefix", "-C", "--dir", "--cwd", "-w", "--workspace", "--filter", "-F", "--loglevel", "--registry", "--cache",
    "--userconfig", "--config", "--cache-dir", "--region", "--profile", "--output", "-p", "--package", "--with",
    "--from", "--directory", "--project", "--endpoint-url", "--context", "-n", "--namespace", "--python",
})  # fmt: skip
"""Options before a subcommand that take the next word as their value."""
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_VERSION = re.compile(r"(?<=.)@[\w.^~-]+$")
_PYTHON = re.compile(r"python[\d.]*|py")
OTHERS: dict[tuple[str, ...], frozenset[str]] = {
    ("npm", "audit"): frozenset({"fix", "signatures"}),
    ("pnpm", "audit"): frozenset({"--fix", "signatures"}),
}
"""Words after a command that make it another one."""
HARMLESS = ("--help", "-h", "--version", "--dry-run", "--exit-zero", "--soft-fail", "--no-fail", "--continue-on-error")
NEEDS: dict[str, tuple[str, ...]] = {
    "license-checker": ("--onlyAllow", "--failOn"), "license-checker-rseidelsohn": ("--onlyAllow", "--failOn"),
    "pip-licenses": ("--fail-on", "--allow-only"), "grype": ("--fail-on", "-f"), "trivy": ("--exit-code",),
}  # fmt: skip
"""Scanners that report and end with success unless one of these options is given."""
FAILS_BY = {"trivy": "TRIVY_EXIT_CODE"}
AUDITS = ("npm", "pnpm", "yarn")


@dataclass(frozen=True)
class Pattern:
    """What is asked for: a command, an action, or a job."""

    kind: str
    words: tuple[str, ...]
    options: tuple[tuple[str, str | None], ...] = ()

    def stands_in(self, text: str) -> bool:
        """Whether a text that is not followed may hold it: its words stand there in order, close to one another."""
        near = r"\W.{0,80}?".join(re.escape(word) for word in self.words)
        return self.kind != "job" and re.search(near, text, re.DOTALL) is not None


def pattern(text: str) -> Pattern:
    """`npm audit`, `trivy fs --exit-code 1`, `uses: owner/action`, `job: smoke*`."""
    kind, colon, rest = text.partition(":")
    if colon and kind.strip() in ("uses", "job") and rest.strip():
        return Pattern(kind.strip(), (rest.strip(),))
    said = text.split()
    begin = next((index for index, word in enumerate(said) if word.startswith("-")), len(said))
    if begin == 0:
        raise NotObserved(f"{text!r} names no command", fix="write a program and its words: npm audit")
    options: list[tuple[str, str | None]] = []
    for word in said[begin:]:
        if word.startswith("-"):
            name, equals, value = word.partition("=")
            options.append((name, value if equals else None))
        else:
            options[-1] = (options[-1][0], word)
    return Pattern("command", (program(said[0]), *said[1:begin]), tuple(options))


def program(word: str) -> str:
    """The name of a program without its folder, version and suffix."""
    name = word if word.startswith("@") else word.rsplit("/", 1)[-1]
    return _VERSION.sub("", name).removesuffix(".cmd").removesuffix(".exe")


def unwrapped(said: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The command itself, and the one that it runs for another, and so on."""
    for _ in range(10):
        if not said:
            return
        yield said
        inner = _inner(said)
        if inner is None:
            return
        said = inner


def _inner(said: tuple[str, ...]) -> tuple[str, ...] | None:
    name = program(said[0])
    if name in WRAPPERS:
        rest = _after_options(said[1:], WRAPPERS[name])
        return rest[1:] if name == "timeout" else rest
    if _PYTHON.fullmatch(name) and said[1:2] == ("-m",) and len(said) > 2:
        return (said[2].replace("_", "-"), *said[3:])
    for runner in RUNNERS:
        if (name, *said[1 : len(runner)]) == runner:
            return _after_options(said[len(runner) :], VALUED)
    return None


def _after_options(said: tuple[str, ...], valued: frozenset[str]) -> tuple[str, ...]:
    index = 0
    while index < len(said):
        if said[index] == "--":
            return said[index + 1 :]
        if said[index] in valued:
            index += 2
        elif said[index].startswith("-") or _ASSIGNMENT.fullmatch(said[index]):
            index += 1
        else:
            break
    return said[index:]


def options_of(said: tuple[str, ...]) -> dict[str, str | None]:
    """The options of a command with their values, as far as they show."""
    found: dict[str, str | None] = {}
    for index, word in enumerate(said):
        if word == "--":
            break
        if word.startswith("-"):
            name, equals, value = word.partition("=")
            after = said[index + 1] if index + 1 < len(said) and not said[index + 1].startswith("-") else None
            found[name] = value if equals else after
    return found


def matched(wanted: Pattern, said: tuple[str, ...]) -> tuple[str, ...] | None:
    """The command in `said` that is the wanted one, without what it is wrapped in; None where there is none."""
    for each in unwrapped(said):
        for one in (each, _shell_file(each)):
            if one and _is(wanted, one):
                return one
    return None


def _shell_file(said: tuple[str, ...]) -> tuple[str, ...]:
    """The script that a shell is given as a file, with its arguments."""
    flags = [word for word in said[1:] if word.startswith("-")]
    if program(said[0]) not in SHELLS or any("c" in flag for flag in flags if not flag.startswith("--")):
        return ()
    return _after_options(said[1:], frozenset({"-o", "-eo", "-euo", "-uo", "-xeo", "-euxo", "-exo"}))


def _is(wanted: Pattern, said: tuple[str, ...]) -> bool:
    if program(said[0]) != wanted.words[0]:
        return False
    rest = said[1:]
    for word in wanted.words[1:]:
        rest = _after_options(rest, VALUED)
        if rest[:1] != (word,):
            return False
        rest = rest[1:]
    other = OTHERS.get(wanted.words, frozenset())
    if any(word in other for word in (*_after_options(rest, VALUED)[:1], *(w for w in rest if w.startswith("-")))):
        return False
    given = options_of(said)
    return all(
        name in given and (value is None or given[name] in (value, None) or OPEN in (given[name] or ""))
        for name, value in wanted.options
    )


@dataclass(frozen=True)
class Force:
    """What a command's own arguments say of its failing."""

    swallowed: str = ""
    unsure: str = ""
    severity: str = ""


def force(said: tuple[str, ...], environment: Mapping[str, str], settings: Mapping[str, str]) -> Force:
    """Whether a command can fail as it is called.

    Args:
        said: its words.
        environment: variables that are set for it, as far as they show.
        settings: those of .npmrc.
    """
    given, name = options_of(said), program(said[0])
    if any(_open_option(word) for word in said[1:]):
        return Force(unsure="its arguments hold what is not known beforehand")
    for option in HARMLESS:
        if option in given and given[option] != "false":
            return Force(swallowed=f"it is called with {option}")
    if name in NEEDS:
        return _needs(name, given, environment)
    return _audit(given, environment, settings) if name in AUDITS and "audit" in said else Force()


def _open_option(word: str) -> bool:
    return OPEN in word and (word.startswith((OPEN, "-")))


def _needs(name: str, given: Mapping[str, str | None], environment: Mapping[str, str]) -> Force:
    options = NEEDS[name]
    found = next((option for option in options if option in given), None)
    variable = environment.get(FAILS_BY.get(name, ""))
    value = given[found] if found else variable
    if found is None and variable is None:
        return Force(swallowed=f"{name} ends with success whatever it finds, unless {' or '.join(options)} is given")
    if value is not None and OPEN in value:
        return Force(unsure="the option that makes it fail is not known beforehand")
    return Force(swallowed=f"it is called with {options[0]} 0") if name == "trivy" and value == "0" else Force()


def _audit(given: Mapping[str, str | None], environment: Mapping[str, str], settings: Mapping[str, str]) -> Force:
    lower = {key.lower(): value for key, value in environment.items()}
    said = given.get("--audit-level") or given.get("--level") or given.get("--severity")
    level = said or lower.get("npm_config_audit_level") or settings.get("audit-level") or ""
    if OPEN in level or "${" in level:
        return Force(unsure="the severity from which it fails is not known beforehand")
    if level == "none":
        return Force(swallowed="its audit level is none, so that it never fails")
    return Force(severity=level)


def action_matches(wanted: Pattern, name: str) -> bool:
    """Whether an action is the wanted one; names of GitHub know no case."""
    return wanted.kind == "uses" and fnmatchcase(name.lower(), wanted.words[0].lower())


ACTION_NEEDS: dict[str, tuple[str, frozenset[str | None]]] = {
    "aquasecurity/trivy-action": ("exit-code", frozenset({None, "0", ""})),
    "anchore/scan-action": ("fail-build", frozenset({"false"})),
    "gitleaks/gitleaks-action": ("", frozenset()),
}
"""Actions that report and end with success: the input that says so, and its values that do (None: not given)."""


def action_force(name: str, inputs: Mapping[str, str]) -> Force:
    """Whether an action can fail as it is used."""
    wanted, values = ACTION_NEEDS.get(name.lower(), ("", frozenset[str | None]()))
    if not wanted:
        return Force()
    value = inputs.get(wanted)
    if value is not None and OPEN in value:
        return Force(unsure=f"its input {wanted} is not known beforehand")
    return (
        Force(swallowed=f"it ends with success whatever it finds: {wanted} is {value or 'not given'}")
        if value in values
        else Force()
    )
