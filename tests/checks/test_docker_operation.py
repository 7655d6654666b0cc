"""How a container runs: limits, health, restart."""

from typing import Any

import pytest
from tests.stubs.docker_facts import verdict

from meshguard_checks.docker import healthcheck, resource_limits, restart_policy


@pytest.mark.parametrize(
    ("changed", "parameters", "outcome"),
    [
        pytest.param({}, {}, "pass", id="all are limited"),
        pytest.param({"memory": 1}, {}, "pass", id="one byte is a limit"),
        pytest.param({"memory": 0, "memory_swap": 0}, {}, "fail", id="memory is not"),
        pytest.param({"memory": 0, "memory_swap": 0}, {"memory": False}, "pass", id="memory need not be"),
        pytest.param({"memory_swap": -1}, {}, "fail", id="swap is not"),
        pytest.param({"memory_swap": -1}, {"swap": False}, "pass", id="swap need not be"),
        pytest.param({"memory_swap": 0}, {}, "pass", id="swap has the engine's default"),
        pytest.param({"nano_cpus": 0}, {}, "fail", id="CPU is not"),
        pytest.param({"nano_cpus": 0}, {"cpu": False}, "pass", id="CPU need not be"),
        pytest.param({"nano_cpus": 0, "cpu_quota": 50_000}, {}, "pass", id="CPU by a quota"),
        pytest.param({"nano_cpus": 0, "cpu_quota": -1}, {}, "fail", id="an unlimited quota"),
        pytest.param({"nano_cpus": 0, "cpu_shares": 512}, {}, "fail", id="shares are no limit"),
        pytest.param({"pids_limit": 1}, {}, "pass", id="one process is a limit"),
        pytest.param({"pids_limit": None}, {}, "fail", id="processes are not"),
        pytest.param({"pids_limit": 0}, {}, "fail", id="0 processes is no limit"),
        pytest.param({"pids_limit": -1}, {}, "fail", id="-1 processes is no limit"),
        pytest.param({"pids_limit": None}, {"pids": False}, "pass", id="processes need not be"),
        pytest.param({}, {"memory": False, "cpu": False, "pids": False}, "not-checked", id="nothing is asked for"),
    ],
)
async def test_resource_limits(changed: dict[str, Any], parameters: dict[str, Any], outcome: str) -> None:
    assert (await verdict(resource_limits, parameters, **changed)).outcome == outcome


async def test_every_missing_limit_is_named() -> None:
    said = await verdict(resource_limits, memory=0, nano_cpus=0, pids_limit=None)

    assert said.message == "no memory, no CPU, no process limit"


@pytest.mark.parametrize(
    ("test", "state", "status", "outcome"),
    [
        pytest.param("CMD", "running", "healthy", "pass", id="healthy"),
        pytest.param("CMD-SHELL", "running", "healthy", "pass", id="healthy, by a shell"),
        pytest.param("CMD", "running", "unhealthy", "fail", id="unhealthy"),
        pytest.param("CMD", "running", "starting", "not-checked", id="starting"),
        pytest.param("CMD", "running", "", "not-checked", id="running, and the engine keeps no state"),
        pytest.param("CMD", "restarting", "unhealthy", "not-checked", id="between two starts"),
        pytest.param("CMD", "paused", "healthy", "not-checked", id="paused"),
        pytest.param("CMD", "exited", "unhealthy", "not-checked", id="stopped, and unhealthy in its last run"),
        pytest.param("CMD", "created", "", "not-checked", id="not yet started"),
        pytest.param("NONE", "running", "", "fail", id="switched off"),
        pytest.param("NONE", "exited", "", "fail", id="switched off and stopped"),
        pytest.param("", "running", "", "fail", id="not there"),
    ],
)
async def test_healthcheck(test: str, state: str, status: str, outcome: str) -> None:
    assert (await verdict(healthcheck, health_test=test, state=state, health_status=status)).outcome == outcome


@pytest.mark.parametrize(
    ("test", "outcome"),
    [pytest.param("CMD", "pass", id="defined and failing"), pytest.param("NONE", "fail", id="switched off")],
)
async def test_the_definition_alone_may_be_asked_for(test: str, outcome: str) -> None:
    changed = {"health_test": test, "health_status": "unhealthy"}

    assert (await verdict(healthcheck, {"require_healthy": False}, **changed)).outcome == outcome


@pytest.mark.parametrize(
    ("policy", "retries", "parameters", "outcome"),
    [
        pytest.param("on-failure", 0, {}, "pass", id="on failure, without end"),
        pytest.param("unless-stopped", 0, {}, "pass", id="unless stopped"),
        pytest.param("always", 0, {}, "pass", id="always"),
        pytest.param("no", 0, {}, "fail", id="none"),
        pytest.param("always", 0, {"accepted": ["on-failure"]}, "fail", id="always is not accepted"),
        pytest.param("on-failure", 5, {"max_retries": 5}, "pass", id="as often as may be"),
        pytest.param("on-failure", 6, {"max_retries": 5}, "fail", id="once more"),
        pytest.param("on-failure", 0, {"max_retries": 5}, "fail", id="without end where there is a bound"),
        pytest.param("unless-stopped", 0, {"max_retries": 5}, "pass", id="the bound is on-failure's alone"),
    ],
)
async def test_restart_policy(policy: str, retries: int, parameters: dict[str, Any], outcome: str) -> None:
    assert (await verdict(restart_policy, parameters, restart=policy, max_retries=retries)).outcome == outcome


def test_a_policy_that_docker_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError):
        restart_policy.parameters.model_validate({"accepted": ["sometimes"]})
    with pytest.raises(ValueError):
        restart_policy.parameters.model_validate({"accepted": []})
