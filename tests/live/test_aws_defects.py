"""Each weakness of the cloud trips the check that it is planted for, and no other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from examples.healthmesh.cloud import account
from examples.healthmesh.cloud.builder import Cloud, CloudDefect
from examples.healthmesh.cloud.server import running
from tests.live.aws_account import LARGE, Audited, audited


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with running() as server:
        yield Cloud(server.endpoint)


@pytest.fixture(scope="module")
def good(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """What is said of the account without weaknesses."""
    cloud.control.reset()
    account.good(cloud)
    return audited(cloud, tmp_path_factory.mktemp("good"), keep=True)


def test_without_weaknesses_nothing_fails(good: Audited) -> None:
    wanting = {place: verdict.message for place, verdict in good.verdicts.items() if verdict.outcome not in FINE}
    assert wanting == {}


FINE = ("pass", "not-applicable")


def batches() -> list[list[CloudDefect]]:
    """All weaknesses, in as few accounts as keep apart those that trip the same check."""
    found: list[list[CloudDefect]] = []
    for defect in account.DEFECTS:
        own = {defect.check, *defect.also}
        free = [batch for batch in found if not any(own & {other.check, *other.also} for other in batch)]
        if free:
            free[0].append(defect)
        else:
            found.append([defect])
    return found


@pytest.mark.parametrize("batch", batches(), ids=lambda batch: batch[0].name)
def test_each_weakness_trips_its_own_check(
    cloud: Cloud, good: Audited, tmp_path: Path, batch: list[CloudDefect]
) -> None:
    before, after = worst(good), worst(planted(cloud, tmp_path, batch))
    assert [defect.name for defect in batch if after[defect.check] != "fail"] == []
    expected = {check for defect in batch for check in (defect.check, *defect.also)}
    assert tripped(before, after) - expected == set()


EACH = account.DEFECTS if LARGE in os.environ else account.DEFECTS[::25]
"""With MESHGUARD_LARGE all of them, each in an account of its own: that takes minutes."""


@pytest.mark.parametrize("defect", EACH, ids=lambda defect: defect.name)
def test_a_weakness_trips_no_other_check(cloud: Cloud, good: Audited, tmp_path: Path, defect: CloudDefect) -> None:
    before, after = worst(good), worst(planted(cloud, tmp_path, [defect]))
    assert after[defect.check] == "fail"
    assert tripped(before, after) - {defect.check, *defect.also} == set()


def planted(cloud: Cloud, folder: Path, defects: list[CloudDefect]) -> Audited:
    """The audit of a good account that has these weaknesses."""
    cloud.control.reset()
    account.good(cloud)
    for defect in defects:
        defect.plant(cloud)
    return audited(cloud, folder, keep=True)


def tripped(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Checks that no longer say that all is fine."""
    return {check for check in before | after if after.get(check) not in (*FINE, before.get(check))}


def test_names_of_weaknesses_are_unique() -> None:
    names = [defect.name for defect in account.DEFECTS]
    assert sorted(names) == sorted(set(names))


RANKS = ("fail", "error", "not-checked", "pass", "not-applicable")


def worst(found: Audited) -> dict[str, str]:
    """The worst that each check says."""
    said: dict[str, str] = {}
    for (check, _), outcome in found.outcomes.items():
        said[check] = min(said.get(check, outcome), outcome, key=RANKS.index)
    return said
