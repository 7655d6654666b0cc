"""The scripts that a command of a workflow runs: files of the checkout, and those of a package.json."""

from __future__ import annotations

import json
import posixpath
import re
from fnmatch import fnmatchcase
from typing import Any

from meshguard.targets.ci.commands import VALUED, options_of, program, unwrapped
from meshguard.targets.ci.files import Files, normal
from meshguard.targets.ci.shell_builtins import SHELLS
from meshguard.targets.ci.shell_models import Called
from meshguard.targets.ci.shell_words import OPEN

MANAGERS = ("npm", "pnpm", "yarn", "bun")
LIFECYCLE = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare")
INSTALLS = frozenset({"install", "i", "ci", "add", "clean-install"})
SHORT = {"test": "test", "t": "test", "tst": "test", "start": "start", "stop": "stop", "restart": "restart"}
TASKS: dict[str, tuple[str, ...]] = {
    "make": ("Makefile", "makefile", "GNUmakefile"), "just": ("justfile", "Justfile"),
    "task": ("Taskfile.yml", "Taskfile.yaml"), "tox": ("tox.ini", "pyproject.toml", "setup.cfg"),
    "nox": ("noxfile.py",), "invoke": ("tasks.py",), "gulp": ("gulpfile.js",), "grunt": ("Gruntfile.js",),
    "rake": ("Rakefile",), "composer": ("composer.json",), "pre-commit": (".pre-commit-config.yaml",),
}  # fmt: skip
"""Programs that run what a file of theirs says; the file is searched and not followed."""
WORKSPACES = frozenset({"nx", "turbo", "lerna", "rush", "wireit", "moon", "ultra"})
INTERPRETERS = re.compile(r"node|deno|tsx|ts-node|python[\d.]*|ruby|perl|pwsh|powershell|php")
SERIES = frozenset({"run-s", "npm-run-all", "run-p", "npm-run-all2"})


class Scripts:
    """Finds what a command runs."""

    def __init__(self, files: Files) -> None:
        self.files = files

    def called(self, said: tuple[str, ...], cwd: str | None) -> list[Called]:
        """The scripts that one command runs, in their order."""
        found: list[Called] = []
        for each in unwrapped(said):
            name = program(each[0])
            if OPEN in each[0]:
                return [Called(None, "", opaque=None, why="the name of a command is not known beforehand")]
            if name in MANAGERS:
                found += self._manager(name, each, cwd)
            elif name in SERIES:
                found += self._series(each, cwd)
            elif name in SHELLS or name in (".", "source"):
                found += self._shell(name, each, cwd)
            else:
                found += self._other(name, each, cwd)
        return found

    def _other(self, name: str, said: tuple[str, ...], cwd: str | None) -> list[Called]:
        if name in TASKS:
            texts = [self.files.find(self._place(file, cwd)) for file in TASKS[name]]
            known = [text for text in texts if text is not None]
            elsewhere = not known or any(option in options_of(said) for option in ("-C", "-f", "--file", "--directory"))
            return [
                Called(
                    None, name, opaque=None if elsewhere else "\n".join(known), why=f"what {name} runs is not followed"
                )
            ]
        if name in WORKSPACES:
            return [Called(None, name, opaque=None, why=f"what {name} runs is not followed")]
        if INTERPRETERS.fullmatch(name):
            file = next((word for word in said[1:] if not word.startswith("-")), "")
            text = self.files.find(self._place(file, cwd)) if file else None
            return [Called(None, file, opaque=text, why=f"{file} is not followed")] if text else []
        if "/" in said[0] and not said[0].startswith(("/", "~", "@")) and "node_modules/" not in said[0]:
            return self._file(said[0], cwd, (), own_shell=True)
        return []

    def _place(self, path: str, cwd: str | None) -> str | None:
        return None if cwd is None or OPEN in path or path.startswith(("/", "~")) else normal(path, cwd)

    def _shell(self, name: str, said: tuple[str, ...], cwd: str | None) -> list[Called]:
        flags = [word for word in said[1:] if word.startswith(("-", "+"))]
        rest = [word for word in said[1:] if not word.startswith(("-", "+")) and word != "pipefail"]
        if not rest:
            return []
        if name in (".", "source"):
            place = self._place(rest[0], cwd)
            text = self.files.find(place)
            return [] if text is None else [Called(text, str(place), own_shell=False, cwd=cwd)]
        short = "".join(flag for flag in flags if not flag.startswith("--"))
        if "c" in short:
            if OPEN in rest[0]:
                return [
                    Called(None, name, opaque=rest[0].replace(OPEN, " "), why=f"the text of `{name} -c` is not known")
                ]
            return [Called(rest[0], f"{name} -c", errexit="e" in short, pipefail="pipefail" in said, cwd=cwd)]
        return self._file(rest[0], cwd, tuple(flags), own_shell=True)

    def _file(self, path: str, cwd: str | None, flags: tuple[str, ...], *, own_shell: bool) -> list[Called]:
        place = self._place(path, cwd)
        text = self.files.find(place)
        if text is None:
            known = path.replace(OPEN, "…")[:100]
            return [
                Called(None, known, opaque=None, why=f"the script {known} is not in the checkout, or cannot be read")
            ]
        first = text.partition("\n")[0]
        shown = f"{place}"
        if first.startswith("#!") and not re.search(r"\b(?:ba|da|a|k|z)?sh\b", first):
            return [Called(None, shown, opaque=text, why=f"{shown} is no script of the shell, and is not followed")]
        errexit = bool(re.search(r"\s-\w*e", first)) or any("e" in flag for flag in flags if not flag.startswith("--"))
        return [Called(text, shown, errexit=errexit, own_shell=own_shell, cwd=cwd)]

    def _manager(self, name: str, said: tuple[str, ...], cwd: str | None) -> list[Called]:
        given = options_of(said)
        place = given.get("--prefix") or given.get("-C") or given.get("--dir") or given.get("--cwd")
        folder = cwd if place is None else self._place(place, cwd)
        plain = _plain(said[1:])
        if plain[:1] and plain[0] in INSTALLS and "--ignore-scripts" not in given:
            return self._named(LIFECYCLE, folder) if len(plain) == 1 else []
        script = _script(name, plain)
        if not script:
            return []
        spread = [
            option
            for option in ("-w", "--workspace", "--workspaces", "-ws", "-r", "--recursive", "--filter", "-F")
            if option in given
        ]
        if spread or OPEN in script:
            return [
                Called(
                    None,
                    script,
                    opaque=None,
                    why=f"the script of `{name} {' '.join(plain[:2])}`".replace(OPEN, "…")
                    + " is one of another folder, or not known",
                )
            ]
        return self._named((f"pre{script}", script, f"post{script}"), folder, needed=script)

    def _named(self, names: tuple[str, ...], folder: str | None, *, needed: str = "") -> list[Called]:
        """The scripts of these names, as far as they are there; a needed one that is not there fails by itself."""
        scripts = self.scripts(folder)
        if scripts is None:
            why = f"the script {needed!r} is in no package.json that can be read"
            return [Called(None, needed, opaque=None, why=why)] if needed else []
        file = posixpath.join(folder or "", "package.json")
        return [Called(scripts[name], f"script {name} of {file}", cwd=folder) for name in names if name in scripts]

    def _series(self, said: tuple[str, ...], cwd: str | None) -> list[Called]:
        scripts = self.scripts(cwd) or {}
        globs = [word.split(" ")[0] for word in said[1:] if not word.startswith("-")]
        names = [name for glob in globs for name in scripts if fnmatchcase(name, glob.replace("**", "*"))]
        if any(option in options_of(said) for option in ("--continue-on-error", "-c", "--race", "-r")):
            texts = "\n".join(scripts[name] for name in names)
            return [Called(None, said[0], opaque=texts, why=f"{program(said[0])} goes on after a failure")]
        return self._named(tuple(names), cwd)

    def scripts(self, folder: str | None) -> dict[str, str] | None:
        """The scripts of a folder's package.json; None where it cannot be read."""
        text = self.files.find(None if folder is None else posixpath.join(folder, "package.json"))
        try:
            data: Any = json.loads(text) if text is not None else None
        except (ValueError, RecursionError):
            return None
        found = data.get("scripts", {}) if isinstance(data, dict) else None
        if not isinstance(found, dict):
            return None
        return {str(key): value for key, value in found.items() if isinstance(value, str)}

    def npmrc(self, folder: str | None) -> dict[str, str]:
        """What the .npmrc of a folder sets; the one of the checkout's root counts too."""
        found: dict[str, str] = {}
        for place in dict.fromkeys((".npmrc", posixpath.join(folder or "", ".npmrc"))):
            for line in (self.files.find(place) or "").splitlines():
                key, equals, value = line.partition("=")
                if equals and not key.strip().startswith(("#", ";")):
                    found[key.strip()] = value.strip().strip("\"'")
        return found


def _plain(said: tuple[str, ...]) -> tuple[str, ...]:
    found, skip = [], False
    for word in said:
        if word == "--":
            break
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in VALUED
        else:
            found.append(word)
    return tuple(found)


OWN = frozenset({
    "audit", "exec", "x", "dlx", "publish", "pack", "config", "cache", "version", "view", "info", "ls", "list", "why",
    "outdated", "login", "logout", "whoami", "link", "remove", "uninstall", "update", "upgrade", "up", "init", "create",
    "set", "workspaces", "workspace", "fetch", "import", "store", "prune", "dedupe", "rebuild", "sbom", "npm", "help",
    "licenses", "deploy", "patch", "self-update", "global", "dist-tag", "owner", "token", "root", "bin", "pkg", "ping",
})  # fmt: skip
"""Words of package managers that are no scripts."""


def _script(name: str, plain: tuple[str, ...]) -> str:
    """The script that a package manager is told to run; empty where it is told something else."""
    if not plain:
        return ""
    if plain[0] in ("run", "run-script", "rum", "urn"):
        return plain[1] if len(plain) > 1 else ""
    if plain[0] in SHORT:
        return SHORT[plain[0]]
    return plain[0] if name in ("pnpm", "yarn") and plain[0] not in OWN | INSTALLS else ""
