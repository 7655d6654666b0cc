"""MeshGuard's own scanner for secrets: in a text, in a folder, in a git history. It contacts nobody.

scanner = Scanner(Rules.load(), salt=secrets.token_bytes(16))
scanner.scan_text(data, "app/settings.py")
scan_tree(Path("."), scanner)
scan_history(Path("."), scanner)
"""

from meshguard.targets.scanning.baseline import Baseline
from meshguard.targets.scanning.findings import (
    Confidence,
    Context,
    Finding,
    ScanResult,
    Skipped,
    Suppressed,
    SuppressedBy,
    Tracking,
)
from meshguard.targets.scanning.history import HistoryFinding, HistoryScan, scan_history
from meshguard.targets.scanning.rules import Rules
from meshguard.targets.scanning.scan import Scanner
from meshguard.targets.scanning.second_source import read_report
from meshguard.targets.scanning.tree import Limits, TreeScan, scan_tree

__all__ = [
    "Baseline",
    "Confidence",
    "Context",
    "Finding",
    "HistoryFinding",
    "HistoryScan",
    "Limits",
    "Rules",
    "ScanResult",
    "Scanner",
    "Skipped",
    "Suppressed",
    "SuppressedBy",
    "Tracking",
    "TreeScan",
    "read_report",
    "scan_history",
    "scan_tree",
]
