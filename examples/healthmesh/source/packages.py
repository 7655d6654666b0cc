"""The packages of the example's repository: manifests, lockfiles, and the bill of materials that its build makes."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from examples.healthmesh.source.defect import RepoDefect

NAME, VERSION, PRODUCER = "health-mesh-api", "1.4.0", "Health Mesh Clinic"
LOCK = "package-lock.json"
BILL = "artifacts/sbom.cdx.json"
"""Where the build leaves its SBOM; the deployment names it under `sbom`."""
REQUIREMENTS = "worker/requirements.txt"


@dataclass(frozen=True)
class Used:
    """A package of others, as its registry has it."""

    name: str
    version: str
    licence: str
    maker: str
    digest: str
    """SHA-512 of the archive as npm writes it; of Python's packages SHA-256 in hex."""
    needs: tuple[str, ...] = ()
    dev: bool = False


NPM = (
    Used(
        "debug", "4.4.3", "MIT", "Josh Junon",
        "RGwwWnwQvkVfavKVt22FGLw+xYSdzARwm0ru6DhTVA3umU5hZc28V3kO4stgYryrTlLpuvgI9GiijltAjNbcqA==", needs=("ms",),
    ),
    Used(
        "helmet", "8.1.0", "MIT", "Evan Hahn",
        "jOiHyAZsmnr8LqoPGmCjYAaiuWwjAPLgY8ZX2XrmHawt99/u1y6RgrZMTeoPfpUbV96HOalYgz1qzkRbw54Pmg==",
    ),
    Used(
        "ms", "2.1.3", "MIT", "Vercel",
        "6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==",
    ),
    Used(
        "reflect-metadata", "0.2.2", "Apache-2.0", "Ron Buckton",
        "urBwgfrvVP/eAyXx4hluJivBKzuEbSQs9rKWCrCkbSxNv8mxPcUZKeuoF3Uy4mJl3Lwprp6yy5/39VWigZ4K6Q==",
    ),
    Used(
        "typescript", "5.9.3", "Apache-2.0", "Microsoft Corp.",
        "jl1vZzPDinLr9eUt3J/t7V6FgNEw9QjvBPdysz9KfQDD41fQrC2Y4vKQdiaUpFT4bXlb1RHhLpp8wtm6M5TgSw==", dev=True,
    ),
)  # fmt: skip
PYPI = (
    Used(
        "certifi", "2025.11.12", "MPL-2.0", "Kenneth Reitz",
        "97de8790030bbd5c2d96b7ec782fc2f7820ef8dba6db909ccf95449f2d062d4b",
    ),
    Used(
        "idna", "3.11", "BSD-3-Clause", "Kim Davies",
        "771a87f49d9defaf64091e6e6fe9c18d4833f140bd19464795bc32d966ca37ea",
    ),
)  # fmt: skip


def good(folder: Path) -> None:
    """Write what a repository in order has: lockfiles with hashes, and an SBOM that equals them."""
    _write(folder, "package.json", json.dumps(_manifest(), indent=2) + "\n")
    _write(folder, LOCK, json.dumps(_lock(), indent=2) + "\n")
    _write(folder, REQUIREMENTS, "".join(f"{one.name}=={one.version} --hash=sha256:{one.digest}\n" for one in PYPI))
    _write(folder, BILL, json.dumps(_bill(), indent=2) + "\n")


def _write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _manifest() -> dict[str, Any]:
    return {
        "name": NAME,
        "version": VERSION,
        "private": True,
        "license": "UNLICENSED",
        "author": PRODUCER,
        "dependencies": {one.name: one.version for one in NPM if not one.dev},
        "devDependencies": {one.name: one.version for one in NPM if one.dev},
    }


def _lock() -> dict[str, Any]:
    root = {key: value for key, value in _manifest().items() if key not in ("private", "author")}
    return {
        "name": NAME,
        "version": VERSION,
        "lockfileVersion": 3,
        "requires": True,
        "packages": {"": root, **{f"node_modules/{one.name}": _entry(one) for one in NPM}},
    }


def _entry(one: Used) -> dict[str, Any]:
    needs = dict.fromkeys(one.needs, "^2.1.3")
    entry = {"version": one.version, "integrity": f"sha512-{one.digest}", "license": one.licence}
    return {**entry, **({"dependencies": needs} if needs else {}), **({"dev": True} if one.dev else {})}


def _bill() -> dict[str, Any]:
    shipped = [("npm", one) for one in NPM if not one.dev] + [("pypi", one) for one in PYPI]
    refs = {one.name: f"pkg:{kind}/{one.name}@{one.version}" for kind, one in shipped}
    root = f"{NAME}@{VERSION}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [{"type": "application", "name": "health-mesh-build", "version": "1.0.0"}]},
            "authors": [{"name": PRODUCER}],
            "component": {"type": "application", "bom-ref": root, "name": NAME, "version": VERSION},
        },
        "components": [_component(kind, one) for kind, one in shipped],
        "dependencies": [
            {"ref": root, "dependsOn": sorted(refs.values())},
            *({"ref": refs[one.name], "dependsOn": [refs[need] for need in one.needs]} for _, one in shipped),
        ],
    }


def _component(kind: str, one: Used) -> dict[str, Any]:
    hashed = ("SHA-512", base64.b64decode(one.digest).hex()) if kind == "npm" else ("SHA-256", one.digest)
    purl = f"pkg:{kind}/{one.name}@{one.version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": one.name,
        "version": one.version,
        "purl": purl,
        "supplier": {"name": one.maker},
        "hashes": [{"alg": hashed[0], "content": hashed[1]}],
        "licenses": [{"license": {"id": one.licence}}],
    }


def _change(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / name).read_text("utf-8"))
    return found


def _copyleft(folder: Path) -> None:
    """The next release of a package is under another licence."""
    lock = _change(folder, LOCK)
    lock["packages"]["node_modules/debug"]["license"] = "AGPL-3.0-only"
    _write(folder, LOCK, json.dumps(lock, indent=2))


def _stale_bill(folder: Path) -> None:
    """A package was updated after the SBOM was made."""
    lock = _change(folder, LOCK)
    lock["packages"]["node_modules/ms"]["version"] = "2.1.2"
    _write(folder, LOCK, json.dumps(lock, indent=2))


def _poor_bill(folder: Path) -> None:
    """The generator writes names, versions and licences, and no more."""
    bill = _change(folder, BILL)
    for component in bill["components"]:
        for key in ("supplier", "hashes"):
            component.pop(key)
    bill.pop("dependencies")
    _write(folder, BILL, json.dumps(bill, indent=2))


def _no_hashes(folder: Path) -> None:
    """Someone took the hashes out to get a package from elsewhere."""
    lock = _change(folder, LOCK)
    lock["packages"]["node_modules/helmet"].pop("integrity")
    _write(folder, LOCK, json.dumps(lock, indent=2))


DEFECTS: tuple[RepoDefect, ...] = (
    RepoDefect(
        name="repo-copyleft-package",
        check="repo.licenses",
        says="A package is under a licence that the policy does not allow.",
        plant=_copyleft,
    ),
    RepoDefect(
        name="repo-stale-sbom",
        check="repo.sbom_of_build",
        says="The build's SBOM is of another version of a package than the lockfile.",
        plant=_stale_bill,
    ),
    RepoDefect(
        name="repo-poor-sbom",
        check="repo.sbom_valid",
        says="The build's SBOM lacks suppliers, hashes and relations.",
        plant=_poor_bill,
    ),
    RepoDefect(
        name="repo-lockfile-without-hash",
        check="repo.sbom",
        says="A package of the lockfile has no hash.",
        plant=_no_hashes,
    ),
)
