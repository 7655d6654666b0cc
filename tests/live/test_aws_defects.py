"""Each weakness of the cloud trips the check that it is planted for, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from examples.healthmesh.cloud import account
from examples.healthmesh.cloud.builder import Cloud, CloudDefect
from examples.healthmesh.cloud.server import running
from tests.live.aws_account import Audited, audited


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


@pytest.mark.parametrize("defect", account.DEFECTS, ids=lambda defect: defect.name)
def test_a_weakness_trips_its_own_check(cloud: Cloud, good: Audited, tmp_path: Path, defect: CloudDefect) -> None:
    cloud.control.reset()
    account.good(cloud)
    defect.plant(cloud)
    found = audited(cloud, tmp_path, keep=True)
    before, after = worst(good), worst(found)
    tripped = {check for check in before | after if after.get(check) not in (*FINE, before.get(check))}
    assert after[defect.check] == "fail"
    assert tripped - {defect.check, *defect.also} == set()


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
