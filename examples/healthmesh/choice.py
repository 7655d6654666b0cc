"""Which defects an instance gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from .cloud.account import DEFECTS as CLOUD_DEFECTS
from .cloud.account import TOGETHER
from .cloud.builder import CloudDefect
from .containers.defects import CONTAINER_DEFECTS
from .containers.spec import HARDENED, Spec
from .defect import Defect, Mistake, compatible, refuse_clashes
from .records.defects import RECORD_DEFECTS
from .records.recordset import RecordSet
from .service.defects import WEB_DEFECTS
from .service.settings import Settings
from .source.checkout import DEFECTS as SOURCE_DEFECTS
from .source.checkout import TOGETHER as SOURCE_TOGETHER
from .source.defect import RepoDefect

Mode = Literal["hardened", "leaky"]
MODES = get_args(Mode)
ALL_DEFECTS: tuple[Defect[Any] | CloudDefect | RepoDefect, ...] = (
    *WEB_DEFECTS,
    *CONTAINER_DEFECTS,
    *RECORD_DEFECTS,
    *CLOUD_DEFECTS,
    *SOURCE_DEFECTS,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """The mode, and the defects of each part of the deployment."""

    mode: Mode

    web: tuple[Defect[Settings], ...]
    containers: tuple[Defect[Spec], ...]
    records: tuple[Defect[RecordSet], ...]
    cloud: tuple[CloudDefect, ...] = ()
    source: tuple[RepoDefect, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All their names."""
        parts = (self.web, self.containers, self.records, self.cloud, self.source)
        return tuple(defect.name for part in parts for defect in part)

    def specs(self) -> dict[str, Spec]:
        """The containers to start, by service: the hardened ones, and one for each defect."""
        return {**HARDENED, **{one.name: one.alters.apply(Spec()) for one in self.containers}}


def choose(mode: Mode, names: Sequence[str], *, containers: bool, cloud: bool = False, source: bool = False) -> Choice:
    """The defects of the mode and of these names; a name that is unknown or cannot be had is a Mistake."""
    known = {defect.name for defect in ALL_DEFECTS}
    if unknown := sorted(set(names) - known):
        raise Mistake(f"unknown defect {', '.join(unknown)}; `defects` lists them all")
    web = tuple(defect for defect in WEB_DEFECTS if defect.name in names)
    in_containers = tuple(defect for defect in CONTAINER_DEFECTS if defect.name in names)
    in_records = tuple(defect for defect in RECORD_DEFECTS if defect.name in names)
    in_cloud = tuple(defect for defect in CLOUD_DEFECTS if defect.name in names)
    if in_cloud and not cloud:
        raise Mistake(f"{in_cloud[0].name} is a defect of the cloud account, and there is to be none")
    in_source = tuple(defect for defect in SOURCE_DEFECTS if defect.name in names)
    if in_source and not source:
        raise Mistake(f"{in_source[0].name} is a defect of the source, and there is to be none")
    if in_containers and not containers:
        raise Mistake(f"{in_containers[0].name} is a defect of a container, and there are to be none")
    refuse_clashes(web)
    refuse_clashes(in_records)
    if mode == "leaky":
        # What was asked for by name comes first; the rest joins where it does not clash.
        web = compatible((*web, *WEB_DEFECTS))
        in_records = compatible((*in_records, *RECORD_DEFECTS))
        in_containers = CONTAINER_DEFECTS if containers else ()
        in_cloud = TOGETHER if cloud else ()
        in_source = SOURCE_TOGETHER if source else ()
    return Choice(mode, web, in_containers, in_records, in_cloud, in_source)
