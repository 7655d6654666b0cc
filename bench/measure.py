"""Time two commands in turn, so that what else happens on the machine touches both alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
MESHGUARD = (sys.executable, "-c", "from meshguard.cli import main; main()")
"""What the console script does, without the script."""


@dataclass
class Series:
    """Wall and CPU seconds of each run of one command."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def least(self) -> float:
        """The fastest run: the one that was disturbed least."""
        return min(self.wall)

    @property
    def median(self) -> float:
        """The run in the middle."""
        return statistics.median(self.wall)


@dataclass(frozen=True)
class Row:
    """A measured line of the table, or why it was not measured."""

    name: str
    goal: float | None = None
    floor: Series | None = None
    ours: Series | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times the floor's fastest run MeshGuard's fastest run takes."""
        return self.ours.least / self.floor.least if self.floor and self.ours else None


@dataclass(frozen=True)
class Command:
    """A command to time, with what it may end with."""

    argv: Sequence[str]
    cwd: Path = ROOT
    codes: tuple[int, ...] = (0,)
    path: tuple[Path, ...] = ()
    """Folders put before all others on Python's path."""

    def run(self) -> str:
        """Standard output; raises RuntimeError where it ends otherwise than expected."""
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, self.path)), "NO_COLOR": "1", "COLUMNS": "100"}
        done = subprocess.run(self.argv, cwd=self.cwd, env=env, capture_output=True, text=True, check=False)
        if done.returncode not in self.codes:
            raise RuntimeError(f"{' '.join(self.argv)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        return done.stdout

    def time(self, series: Series) -> None:
        """Run once and note how long it took."""
        before, start = os.times(), time.perf_counter()
        self.run()
        series.wall.append(time.perf_counter() - start)
        after = os.times()
        used = after.children_user - before.children_user + after.children_system - before.children_system
        series.cpu.append(used)


def compare(name: str, floor: Command, ours: Command, *, runs: int, goal: float | None = None, note: str = "") -> Row:
    """Both commands in turn, `runs` times each, after one run of each that fills the caches."""
    floor.run()
    ours.run()
    row = Row(name, goal, Series(), Series(), note)
    assert row.floor is not None
    assert row.ours is not None
    for index in range(runs):
        # Who is first alternates: the second finds the caches as the first left them.
        order = (floor, row.floor), (ours, row.ours)
        for command, series in order if index % 2 == 0 else order[::-1]:
            command.time(series)
    return row


def within(name: str, floor: Callable[[], float], ours: Callable[[], float], *, runs: int, goal: float | None) -> Row:
    """As `compare`, for functions that return the seconds that they measured themselves."""
    row = Row(name, goal, Series(), Series(), "without start and imports")
    assert row.floor is not None
    assert row.ours is not None
    for index in range(runs + 1):
        for function, series in ((floor, row.floor), (ours, row.ours)):
            seconds = function()
            if index:
                series.wall.append(seconds)
    return row


def table(rows: Sequence[Row]) -> str:
    """The rows in columns: fastest run, median in brackets, CPU of the fastest, ratio of the fastest runs."""
    head = ("what", "n", "floor s (median)", "meshguard s (median)", "cpu s", "ratio", "goal")
    cells = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    notes = [f"  {row.name}: {row.note}" for row in rows if row.note]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:], "", *notes]) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    goal = f"{row.goal:.2f}" if row.goal else "-"
    if row.floor is None or row.ours is None or row.ratio is None:
        return (row.name, "0", "not measured", "-", "-", "-", goal)
    cpu = f"{min(row.floor.cpu):.2f} / {min(row.ours.cpu):.2f}" if row.floor.cpu and row.ours.cpu else "-"
    return (
        row.name,
        str(len(row.ours.wall)),
        f"{row.floor.least:.3f} ({row.floor.median:.3f})",
        f"{row.ours.least:.3f} ({row.ours.median:.3f})",
        cpu,
        f"{row.ratio:.2f}",
        goal,
    )
