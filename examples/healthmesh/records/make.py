"""Writes the records of a day, hardened or with defects; dates rot, so they are made and not kept."""

import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from examples.healthmesh.defect import Mistake, altered, compatible, refuse_clashes
from meshguard.records.register import register_model
from meshguard.records.sign import key_id, signature_of

from .defects import RECORD_DEFECTS
from .hardened import REQUIRED, hardened
from .recordset import Record

PUBLIC_KEY = "compliance.pub.pem"
LEAKY = tuple(defect.name for defect in compatible(RECORD_DEFECTS))
"""As many defects as fit into one set."""


def write(folder: Path, today: date, *, defects: Sequence[str] = ()) -> dict[str, Any]:
    """Write registers, documents and the public key; what `targets: records:` says of them.

    The private key signs what must be signed and is thrown away.
    """
    known = {defect.name: defect for defect in RECORD_DEFECTS}
    if unknown := sorted(set(defects) - set(known)):
        raise Mistake(f"unknown defect {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = [known[name] for name in defects]
    refuse_clashes(chosen)
    said = altered(hardened(today), chosen)
    folder.mkdir(parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / PUBLIC_KEY).write_bytes(public)
    for kind in sorted(said.kinds):
        records = [record for record in said.records.values() if record.kind == kind]
        _write_register(folder, kind, records, key)
    return {
        "name": "records",
        "folder": str(folder),
        "public_keys": [str(folder / PUBLIC_KEY)],
        "required": REQUIRED,
    }


def _write_register(folder: Path, kind: str, records: list[Record], key: Ed25519PrivateKey) -> None:
    written = [_written(folder, record, key) for record in records]
    none = [says for says in written if "id" not in says]
    content: dict[str, Any] = {"kind": kind, "none": none[0]} if none else {"kind": kind, "entries": written}
    (folder / f"{kind}.yaml").write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def _written(folder: Path, record: Record, key: Ed25519PrivateKey) -> dict[str, Any]:
    """What the register says of a record, its document beside it."""
    says = {**_document(folder, record), **record.says}
    if not record.signed:
        return says
    says["key"] = key_id(key.public_key())
    draft = register_model(record.kind).model_validate(
        {"kind": record.kind, "entries": [{**says, "signature": "A" * 86 + "=="}]}
    )
    return {**says, "signature": signature_of(record.kind, draft.entries[0], key), **(record.forged or {})}


def _document(folder: Path, record: Record) -> dict[str, Any]:
    if not record.text:
        return {}
    name = f"documents/{record.kind}-{record.says['id']}.txt"
    if record.kept:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(record.text)
    text = record.text if record.hashed is None else record.hashed
    return {"document": name, "sha256": hashlib.sha256(text.encode()).hexdigest()}
