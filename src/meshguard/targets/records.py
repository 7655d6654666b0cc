"""Target `records`: what humans signed, as registers in a folder; nothing is contacted.

KIND.yaml in the folder holds the entries of one kind. Recorded are the fields that checks need: what an entry is
about, who signed it (a name or a role), its days, its document by path and what came of its digest and signature.
Titles, reasons and counts of persons are dropped.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from pydantic import BaseModel, ConfigDict, Field

from meshguard.errors import MeshGuardError, NotObserved
from meshguard.fact import LeftOut, Listing, fact
from meshguard.records.document import Documents, DocumentState
from meshguard.records.kinds import KINDS, EventKind, Kind, StandingKind
from meshguard.records.statement import SignatureState
from meshguard.records.text import Text
from meshguard.target import Target, TargetSettings, in_thread
from meshguard.values import Duration, did_you_mean
from meshguard.yamlfile import LocalPath

if TYPE_CHECKING:
    from meshguard.records.register import LoadedRegister
    from meshguard.records.sign import Keys
    from meshguard.records.statement import Statement

__all__ = [
    "EventKind",
    "Kind",
    "RecordEntry",
    "Records",
    "RecordsSettings",
    "Register",
    "RegisterRef",
    "StandingKind",
]

DEADLINE_S = 60.0
MAX_REASON = 3500
"""Characters of mistakes in one sentence; how many more there are is said."""


class RecordsSettings(TargetSettings):
    """An entry under `targets: records:`."""

    folder: LocalPath = Field(description="The folder of the registers and their documents.")
    public_keys: tuple[LocalPath, ...] = Field((), description="PEM files of the Ed25519 keys whose signatures count.")
    required: dict[Kind, tuple[Text, ...]] = Field(
        default={}, description="Kind -> the items that its register must have, such as `baa: [aws, twilio]`."
    )


class RegisterRef(BaseModel):
    """A register that the folder holds."""

    model_config = ConfigDict(frozen=True)

    kind: str

    def __str__(self) -> str:
        """The kind."""
        return self.kind


class RecordEntry(BaseModel):
    """What is known of one entry, or of the declaration that there is none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    item: str
    where: str
    """`file:line`."""
    signed_by: str
    approver: str | None
    dated: date
    reviewed: date | None
    began: date | None
    """When an event began to call for an answer; None where it is no event."""
    answered: date | None
    valid_until: date | None
    review_every: Duration | None
    risk: str | None
    result: str | None
    document: str | None
    sha256: str | None
    """The digest that the document should have."""
    found: DocumentState
    """What came of the document."""
    signature: SignatureState

    @property
    def newest(self) -> date:
        """The day of its last review, or its own."""
        return self.reviewed or self.dated


class Register(BaseModel):
    """A register as it was read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    where: str
    found: bool
    """Whether there is such a file."""
    entries: tuple[RecordEntry, ...] = ()
    none: RecordEntry | None = None
    """The declaration that there is none."""
    required: tuple[str, ...] = ()
    """Items that the deployment says it must have."""
    keys: tuple[str, ...] = ()
    """Ids of the public keys whose signatures count."""


class Records(Target[RecordsSettings]):
    """A folder of registers."""

    kind = "records"
    Settings = RecordsSettings

    @property
    def subject(self) -> str:
        """The folder."""
        return str(self.settings.folder)

    @fact
    async def registers(self) -> Listing[RegisterRef]:
        """The registers that the folder holds, by kind; other YAML files are left out and counted."""
        names = await in_thread(_names, self.settings.folder)
        known = [name for name in names if name in KINDS]
        other = len(names) - len(known)
        left_out = (LeftOut(filter="no kind of record by its name", count=other),) if other else ()
        return Listing(
            items=tuple(RegisterRef(kind=name) for name in known),
            left_out=left_out,
            fix="write one with `meshguard record KIND`",
        )

    @fact(deadline_s=DEADLINE_S)
    async def register(self, kind: str) -> Register:
        """The register of one kind, its documents hashed and its signatures verified; a missing file is a value.

        Raises:
            NotObserved: the folder, the file or a public key cannot be read, or the file has mistakes: all of them.
        """
        if kind not in KINDS:
            hint = did_you_mean(kind, KINDS, otherwise=f"kinds: {', '.join(get_args(Kind))}")
            raise NotObserved(f"{kind!r} is no kind of record", fix=hint)
        return await in_thread(_register, self.settings, kind)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.stem for path in folder.iterdir() if path.suffix == ".yaml")
    except OSError as fault:
        raise _no_folder(folder, fault) from None


def _register(settings: RecordsSettings, kind: str) -> Register:
    from meshguard.records.register import load_register
    from meshguard.records.sign import Keys

    folder = settings.folder
    _names(folder)
    path = folder / f"{kind}.yaml"
    required = settings.required.get(kind, ())  # type: ignore[call-overload]
    try:
        keys = Keys(settings.public_keys)
        if not path.resolve().is_relative_to(folder.resolve()):
            raise MeshGuardError("it is a link that leads out of the records' folder", where=str(path))
        loaded = load_register(path, kind)
    except (OSError, RuntimeError):
        raise NotObserved(f"{path}: its links go round in a circle", fix="make it a file") from None
    except MeshGuardError as fault:
        raise _mistaken(fault) from None
    found = Register(kind=kind, where=str(path), found=loaded is not None, required=required, keys=keys.ids)
    return found if loaded is None else found.model_copy(update=_filled(loaded, kind, Documents(folder), keys))


def _filled(loaded: LoadedRegister, kind: str, documents: Documents, keys: Keys) -> dict[str, object]:
    entries = tuple(
        _entry(kind, entry, loaded.where(index), documents, keys) for index, entry in enumerate(loaded.file.entries)
    )
    none = loaded.file.none
    absence = none and _entry(kind, none, loaded.document.where(("none",)), documents, keys)
    return {"entries": entries, "none": absence}


def _entry(kind: str, statement: Statement, where: str, documents: Documents, keys: Keys) -> RecordEntry:
    """One statement with what came of its document and its signature."""
    said = {name: getattr(statement, name, None) for name in ("valid_until", "review_every", "risk", "result")}
    days = statement.days()
    return RecordEntry(
        **{"reviewed": None, "began": None, "answered": None, **days},
        **said,
        id=statement.name,
        item=statement.item,
        where=where,
        signed_by=statement.signed_by,
        approver=statement.approver,
        document=statement.document,
        sha256=statement.sha256,
        found=documents.state(statement.document, statement.sha256),
        signature=keys.state(kind, statement),
    )


def _mistaken(fault: MeshGuardError) -> NotObserved:
    """Every mistake of a file in one sentence, as many as it can hold."""
    texts = [str(mistake) for mistake in fault.mistakes]
    kept, length = 0, 0
    while kept < len(texts) and (kept == 0 or length + len(texts[kept]) <= MAX_REASON):
        length += len(texts[kept]) + 2
        kept += 1
    more = f"; and {len(texts) - kept} more" if kept < len(texts) else ""
    return NotObserved("; ".join(texts[:kept]) + more, fix="mend the file; `meshguard ask records register KIND`")


def _no_folder(folder: Path, fault: OSError) -> NotObserved:
    reason = "there is no such folder" if isinstance(fault, FileNotFoundError) else str(fault.strerror)
    return NotObserved(f"the records' folder {folder} cannot be read: {reason}", fix="correct `folder`")
