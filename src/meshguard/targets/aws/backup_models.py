"""What is recorded of backups: snapshots, vaults and what is in them, plans, and what became of their jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from meshguard.targets.aws.models import AwsModel, Resource
from meshguard.targets.aws.s3_models import Owned

BackupKind = Literal["recovery-point", "db-snapshot", "cluster-snapshot", "volume-snapshot", "vault", "bucket"]


class Backup(Resource):
    """Something that holds backups, or is one."""

    kind: BackupKind
    source: str = ""
    """What it was made of, as `data_stores` writes it: rds:patients; empty where that is not known."""
    made: str = ""
    """automated: by RDS itself. manual, awsbackup, or empty."""
    encrypted: bool | None = None
    """None for a bucket: it is asked by itself."""
    key: str = ""
    """The key of KMS; empty where none is named: no encryption, or a key that AWS owns."""
    created: datetime | None = None
    points: int | None = None
    """Recovery points in a vault, where it says how many."""
    owned: Owned = "own"
    """Whose bucket it is."""


class Vault(Resource):
    """A backup vault (ListBackupVaults)."""

    key: str = ""
    points: int | None = None


class RecoveryPoint(Resource):
    """A recovery point (ListRecoveryPointsByBackupVault)."""

    vault: str
    source: str
    """ARN of what was backed up."""
    status: str
    encrypted: bool | None = None
    key: str = ""
    created: datetime


class PlanRule(AwsModel):
    """One rule of a plan. Each has a schedule: daily at 5:00 where none is given (API Reference, BackupRuleInput)."""

    name: str
    vault: str
    delete_days: int | None = None
    """None: kept without an end."""
    copies_days: tuple[int | None, ...] = ()
    """For how many days each copy is kept."""
    copies_to: tuple[str, ...] = ()
    """ARNs of the vaults that it copies to."""
    only_copies: bool = False
    """Whether the backup itself is deleted once it is copied."""


class Selection(AwsModel):
    """What a plan takes: ARNs and wildcards, or what has tags (GetBackupSelection)."""

    arns: tuple[str, ...] = ()
    not_arns: tuple[str, ...] = ()
    by_tags: bool = False
    """Whether tags choose besides the ARNs."""
    conditions: bool = False
    """Whether what the ARNs choose must have, or lack, tags too."""


class Plan(Resource):
    """A backup plan in force."""

    rules: tuple[PlanRule, ...]
    selections: tuple[Selection, ...]

    @property
    def id(self) -> str:
        """As jobs name it."""
        return self.arn.rpartition(":")[2]


class LastJobs(AwsModel):
    """What became of the newest backup jobs of one resource; the service tells of the last 30 days."""

    source: str
    """The resource's ARN."""
    state: str
    """Of the newest job that is over: COMPLETED, COMPLETED with issues, FAILED, ABORTED, EXPIRED, PARTIAL."""
    ended: datetime
    completed: datetime | None = None
    """When the newest job that was completed was begun: what it holds is of then."""
    plan: str = ""
    """Id of the plan that asked for that one; empty where it was asked for by hand."""


class Restored(AwsModel):
    """The newest restore of one resource's backup whose result was validated, or failed."""

    source: str
    """ARN of what was backed up."""
    status: str
    """COMPLETED, FAILED, ABORTED."""
    validation: str
    """SUCCESSFUL, FAILED, TIMED_OUT; empty where nothing validated it."""
    ended: datetime
