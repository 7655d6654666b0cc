"""Checks of how a container runs: its limits, its health check, its restart policy."""

from __future__ import annotations

from typing import Annotated, Literal

from meshguard.api import Field, Verdict, check, failed, passed, undetermined
from meshguard.targets.docker import ContainerConfig, ContainerRef, Docker

Policy = Literal["no", "on-failure", "unless-stopped", "always"]


@check(
    "docker.resource_limits",
    method="examine",
    over=Docker.containers,
    fix="Compose: `mem_limit: 512m`, `cpus: 1.0`, `pids_limit: 200`, or the same under `deploy: resources: limits:`.",
)
async def resource_limits(
    container: ContainerRef,
    engine: Docker,
    *,
    memory: bool = True,
    cpu: bool = True,
    pids: bool = True,
    swap: bool = True,
) -> Verdict:
    """Memory, CPU time and the number of processes of the container are limited (CIS Docker 1.6.0, 5.11, 5.12, 5.29).

    A reservation of memory, CPU shares and a set of CPUs are no limits.

    Args:
        memory: whether memory must be limited.
        cpu: whether CPU time must be limited, by a number of CPUs or by a quota.
        pids: whether the number of processes must be limited.
        swap: whether swap must be limited with memory; where it is not, what memory refuses takes the host's disk.
    """
    config = await engine.inspect(container.name)
    if not (memory or cpu or pids):
        return undetermined("no limit is asked for", fix="set at least one of memory, cpu and pids")
    limits = [
        ("memory", memory, config.memory > 0),
        ("swap", memory and swap and config.memory > 0, config.memory_swap >= 0),
        ("CPU", cpu, config.nano_cpus > 0 or config.cpu_quota > 0),
        ("process", pids, (config.pids_limit or 0) > 0),
    ]
    missing = [name for name, asked, is_limited in limits if asked and not is_limited]
    got = _limits(config)
    if missing:
        return failed(f"no {', no '.join(missing)} limit", got=got, want="a limit of each")
    return passed(f"its limits are {got}", got=got)


def _limits(config: ContainerConfig) -> str:
    cpus = config.nano_cpus / 1e9 if config.nano_cpus > 0 else 0
    parts = [
        f"{config.memory} bytes of memory" if config.memory > 0 else "",
        "unlimited swap" if config.memory > 0 and config.memory_swap < 0 else "",
        f"{cpus:g} CPUs" if cpus else "",
        f"a CPU quota of {config.cpu_quota} us" if config.cpu_quota > 0 else "",
        f"{config.pids_limit} processes" if (config.pids_limit or 0) > 0 else "",
    ]
    return ", ".join(filter(None, parts)) or "none"


@check(
    "docker.healthcheck",
    method="examine",
    over=Docker.containers,
    fix='Dockerfile: `HEALTHCHECK CMD ["/healthcheck"]`; Compose: `healthcheck: {test: ["CMD", "/healthcheck"]}`.',
)
async def healthcheck(container: ContainerRef, engine: Docker, *, require_healthy: bool = True) -> Verdict:
    """The container has a health check, and is healthy while it runs (CIS Docker 1.6.0, 4.6 and 5.27).

    The test NONE switches the image's health check off. What the engine says of a container that does not run is
    left from its last run, so whether a stopped one is healthy is not known.

    Args:
        require_healthy: whether the state of a running container must be healthy.
    """
    config = await engine.inspect(container.name)
    if config.health_test == "NONE":
        return failed("its health check is switched off", got="NONE", want="a health check")
    if not config.health_test:
        return failed("it has no health check", got="none", want="a health check")
    if not require_healthy:
        return passed("it has a health check", got=config.health_test)
    return _health_now(config)


def _health_now(config: ContainerConfig) -> Verdict:
    if config.state not in ("running", "paused", "restarting"):
        return undetermined(
            f"it has a health check, and it is {config.state}: whether it is healthy was not seen",
            fix="start it, or remove it; jobs that are done are left out by `include_stopped: false` of the target",
        )
    if config.state != "running" or config.health_status not in ("healthy", "unhealthy"):
        state = config.state if config.state != "running" else config.health_status or "not known"
        return undetermined(f"its health is not settled: it is {state}", fix="audit again when it is up and settled")
    if config.health_status == "unhealthy":
        fix = "see why the test fails: `docker inspect --format '{{json .State.Health}}' NAME`"
        return failed("its health check fails", got="unhealthy", want="healthy", fix=fix)
    return passed("its health check passes", got="healthy", want="healthy")


@check(
    "docker.restart_policy",
    method="examine",
    over=Docker.containers,
    fix="Compose: `restart: on-failure:5`, or `restart: unless-stopped`.",
)
async def restart_policy(
    container: ContainerRef,
    engine: Docker,
    *,
    accepted: Annotated[tuple[Policy, ...], Field(min_length=1)] = ("on-failure", "unless-stopped", "always"),
    max_retries: Annotated[int, Field(ge=1)] | None = None,
) -> Verdict:
    """The container is started again after a crash, by one of the `accepted` policies (CIS Docker 1.6.0, 5.15).

    Args:
        accepted: policies that may be set; CIS asks for on-failure alone.
        max_retries: most starts that on-failure may try; CIS asks for 5. None: it may try without end.
    """
    config = await engine.inspect(container.name)
    policy, retries = config.restart, config.max_retries
    want = ", ".join(accepted)
    if policy not in accepted:
        return failed(f"its restart policy is {policy}, wanted one of {want}", got=policy, want=want)
    if policy == "on-failure" and max_retries is not None and not 0 < retries <= max_retries:
        tries = f"{retries} times" if retries else "without end"
        return failed(f"it is started again {tries}", got=retries or "without end", want=f"at most {max_retries}")
    return passed(f"its restart policy is {policy}", got=policy, want=want)
