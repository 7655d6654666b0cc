"""Facts of the SBOM that the build made."""

from __future__ import annotations

from pathlib import Path

from meshguard.errors import NotObserved
from meshguard.fact import fact
from meshguard.target import in_thread
from meshguard.targets.repo.packages import PackageFacts
from meshguard.targets.repo.sbom_models import Bill
from meshguard.targets.repo.sbom_read import BillError, read_bill

MAX_BYTES = 64_000_000
FIX = (
    "have the build write one (`npx @cyclonedx/cyclonedx-npm -o sbom.json`, `cyclonedx-py environment -o sbom.json`), "
    "keep it as an artefact, and name the file under `sbom` of the target"
)


class SbomFacts(PackageFacts):
    """The bill of materials that the build made."""

    @fact
    async def bill_of_build(self) -> Bill:
        """The SBOM that the deployment names under `sbom`.

        Raises:
            NotObserved: the deployment names none, or the file is no CycloneDX JSON.
        """
        path = self.settings.sbom
        if path is None:
            raise NotObserved("the deployment names no SBOM of the build", fix=FIX)
        return await in_thread(_bill, path)


def _bill(path: Path) -> Bill:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as fault:
        raise NotObserved(f"{path} cannot be read: {fault.strerror}", fix=FIX) from None
    if len(data) > MAX_BYTES:
        raise NotObserved(f"{path} has more than the {MAX_BYTES} bytes that are read")
    try:
        return read_bill(data)
    except BillError as fault:
        raise NotObserved(f"{path} was not read: {fault}", fix=FIX) from None
