"""go.sum together with the go.mod beside it.

go.sum alone holds more than is built: hashes of every go.mod that was ever looked at. Since Go 1.17 go.mod names every
module of the build (Go Modules Reference, "go.mod files").
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshguard.targets.repo.lock_draft import Draft
from meshguard.targets.repo.lock_models import Lock
from meshguard.targets.repo.lock_read import Beside, LockError, as_text

_DIRECTIVE = re.compile(r"(?m)^(\w+)[ \t]+(?:\(\s*\n(.*?)^\)|([^(\n]+)$)", re.DOTALL)
_SUM = re.compile(r"(\S+) (\S+?)(/go\.mod)? (h1:\S+)")


def parse_go(path: str, data: bytes, beside: Beside) -> Lock:
    """The modules of a Go build."""
    sums = _sums(as_text(data))
    manifest = beside("go.mod")
    if manifest is None:
        raise LockError("there is no go.mod beside it, which says what of it is built")
    text_ = re.sub(r"(?m)[ \t]*//(?! indirect)[^\n]*$", "", as_text(manifest).replace("\r", ""))
    draft, direct = Draft(path, "golang"), list[str]()
    replaced = dict(_replaced(text_))
    for line in _lines(text_, "require"):
        parts = line.split()
        if len(parts) < 2:
            draft.problem("a line of `require` in go.mod cannot be read")
            continue
        name, version = replaced.get((parts[0], parts[1])) or replaced.get((parts[0], "")) or (parts[0], parts[1])
        local = not version
        found = sums.get((name, version))
        if found is None and not local:
            draft.problem(f"{name} {version} of go.mod has no hash in it")
        purl = draft.add(
            parts[0] if local else name,
            version or parts[1],
            hashes=(found,) if found else (),
            source="path" if local else "registry",
            where=name if local else "",
        )
        if not line.endswith("// indirect"):
            direct.append(purl)
    _check_version(draft, text_)
    return draft.lock("go", direct=direct, name=next(iter(_lines(text_, "module")), "").strip('"'))


def _sums(text_: str) -> dict[tuple[str, str], str]:
    found = {}
    for number, line in enumerate(text_.splitlines(), 1):
        match = _SUM.fullmatch(line.strip())
        if match is None and line.strip():
            raise LockError(f"line {number} is no module, version and hash")
        if match is not None and not match[3]:
            found[match[1], match[2]] = match[4]
    return found


def _lines(text_: str, directive: str) -> Iterator[str]:
    for match in _DIRECTIVE.finditer(text_):
        if match[1] == directive:
            for line in (match[2] or match[3] or "").splitlines():
                if line.strip() and not line.strip().startswith("//"):
                    yield line.strip()


def _replaced(text_: str) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """`replace`: module and version (empty: all) -> what stands for it; a folder has no version."""
    for line in _lines(text_, "replace"):
        before, arrow, after = line.partition("=>")
        old, new = before.split(), after.split()
        if arrow and old and new:
            yield (old[0], old[1] if len(old) > 1 else ""), (new[0], new[1] if len(new) > 1 else "")


def _check_version(draft: Draft, text_: str) -> None:
    said = next(iter(_lines(text_, "go")), "1.16").split(".")
    numbers = [int(part) for part in said[:2] if part.isdecimal()]
    if numbers < [1, 17]:
        draft.problem("its go.mod is of a version before 1.17, which does not name what is needed indirectly")
