"""What a container's processes may do: user, root file system, privileges, capabilities, the engine's socket."""

from typing import Any

import pytest
from tests.stubs.docker_facts import WEB, container, engine, mounted, verdict

from meshguard.api import NotObserved
from meshguard.targets.docker import Docker
from meshguard.targets.docker_models import EngineInfo, Volume
from meshguard.testing import judge, recorded
from meshguard_checks.docker import (
    capabilities,
    no_new_privileges,
    non_root,
    privileged,
    read_only_rootfs,
    socket_mounted,
)

DEFAULTS = [
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"),
    *("NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
]


# --- docker.non_root


@pytest.mark.parametrize(
    ("user", "outcome"),
    [
        pytest.param("10001", "pass", id="a uid"),
        pytest.param("1", "pass", id="the lowest uid that is not root"),
        pytest.param("10001:0", "pass", id="a uid in root's group"),
        pytest.param("", "fail", id="no user is root"),
        pytest.param(":10001", "fail", id="a group alone is root"),
        pytest.param("0", "fail", id="0"),
        pytest.param("0:0", "fail", id="0 with a group"),
        pytest.param("0:10001", "fail", id="0 with another group"),
        pytest.param("00", "fail", id="00"),
        pytest.param("-0", "fail", id="-0"),
        pytest.param("+0", "fail", id="+0"),
    ],
)
async def test_a_numeric_user_is_judged_without_a_look_up(user: str, outcome: str) -> None:
    assert (await verdict(non_root, user=user)).outcome == outcome


@pytest.mark.parametrize(
    ("user", "uid", "outcome"),
    [
        pytest.param("mesh", 10001, "pass", id="a name with a uid"),
        pytest.param("mesh:root", 10001, "pass", id="a name in root's group"),
        pytest.param("root", 0, "fail", id="root"),
        pytest.param("maintainer", 0, "fail", id="another name with uid 0"),
        pytest.param("0x0", 10001, "pass", id="what is no number is a name"),
        pytest.param("ghost", None, "not-checked", id="a name that the container does not know"),
        pytest.param("mesh", NotObserved("no /etc/passwd"), "error", id="a look-up that failed"),
    ],
)
async def test_a_user_by_name_counts_by_its_uid_in_the_container(user: str, uid: Any, outcome: str) -> None:
    docker = engine(container(user=user), uids={user.partition(":")[0]: uid})

    assert (await judge(non_root, WEB, docker)).outcome == outcome


# --- docker.read_only_rootfs


@pytest.mark.parametrize(
    ("read_only", "exceptions", "outcome"),
    [
        pytest.param(True, None, "pass", id="read-only"),
        pytest.param(False, None, "fail", id="writable"),
        pytest.param(False, {"web": "writes its cache"}, "not-applicable", id="its service is excepted"),
        pytest.param(False, {"mesh-*": "writes its cache"}, "not-applicable", id="its name is excepted by a glob"),
        pytest.param(False, {"db": "writes its data"}, "fail", id="another service is excepted"),
        pytest.param(True, {"web": "writes its cache"}, "pass", id="excepted and read-only nevertheless"),
    ],
)
async def test_read_only_rootfs(read_only: bool, exceptions: dict[str, str] | None, outcome: str) -> None:
    assert (await verdict(read_only_rootfs, {"exceptions": exceptions}, read_only=read_only)).outcome == outcome


async def test_an_exception_says_its_reason() -> None:
    said = await verdict(read_only_rootfs, {"exceptions": {"web": "writes its cache"}}, read_only=False)

    assert "writes its cache" in said.message


def test_an_exception_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 3 characters"):
        read_only_rootfs.parameters.model_validate({"exceptions": {"web": ""}})


# --- docker.privileged


@pytest.mark.parametrize(
    ("is_privileged", "state", "outcome"),
    [
        pytest.param(False, "running", "pass", id="not privileged"),
        pytest.param(True, "running", "fail", id="privileged"),
        pytest.param(True, "exited", "fail", id="privileged and stopped"),
    ],
)
async def test_privileged(is_privileged: bool, state: str, outcome: str) -> None:
    assert (await verdict(privileged, privileged=is_privileged, state=state)).outcome == outcome


# --- docker.capabilities


@pytest.mark.parametrize(
    ("drop", "add", "parameters", "outcome"),
    [
        pytest.param(["ALL"], [], {}, "pass", id="ALL is dropped"),
        pytest.param(["all"], [], {}, "pass", id="all in lower case"),
        pytest.param(["CAP_ALL"], [], {}, "pass", id="with the prefix"),
        pytest.param(DEFAULTS, [], {}, "pass", id="the fourteen defaults one by one"),
        pytest.param([f"cap_{name.lower()}" for name in DEFAULTS], [], {}, "pass", id="the same with prefix, lower"),
        pytest.param([n for n in DEFAULTS if n != "NET_RAW"], [], {}, "fail", id="thirteen of the fourteen"),
        pytest.param(
            [n for n in DEFAULTS if n != "NET_BIND_SERVICE"], [], {}, "pass", id="all but the one that is allowed"
        ),
        pytest.param([], [], {}, "fail", id="nothing is dropped"),
        pytest.param(["NET_RAW"], [], {}, "fail", id="one is dropped"),
        pytest.param(["ALL"], ["NET_BIND_SERVICE"], {}, "pass", id="the allowed one is added back"),
        pytest.param(["ALL"], ["net_bind_service"], {}, "pass", id="the allowed one in lower case"),
        pytest.param(["ALL"], ["SYS_ADMIN"], {}, "fail", id="another one is added back"),
        pytest.param(["ALL"], ["CAP_CHOWN"], {"allowed": ["chown"]}, "pass", id="allowed without the prefix"),
        pytest.param(["ALL"], ["NET_BIND_SERVICE"], {"allowed": []}, "fail", id="nothing is allowed"),
        pytest.param(["ALL"], ["ALL"], {}, "fail", id="ALL added wins over ALL dropped"),
        pytest.param(DEFAULTS, ["ALL"], {}, "fail", id="ALL added after the defaults"),
    ],
)
async def test_capabilities(drop: list[str], add: list[str], parameters: dict[str, Any], outcome: str) -> None:
    assert (await verdict(capabilities, parameters, cap_drop=drop, cap_add=add)).outcome == outcome


async def test_a_privileged_container_has_every_capability_whatever_it_drops() -> None:
    assert (await verdict(capabilities, privileged=True)).got == "ALL"
    assert (await verdict(capabilities, privileged=True)).outcome == "fail"


# --- docker.no_new_privileges


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        pytest.param(["no-new-privileges"], "pass", id="the bare word"),
        pytest.param(["no-new-privileges:true"], "pass", id="with a colon"),
        pytest.param(["no-new-privileges=true"], "pass", id="with an equals sign"),
        pytest.param(["no-new-privileges:1"], "pass", id="1 is true"),
        pytest.param(["no-new-privileges:false"], "fail", id="false"),
        pytest.param(["no-new-privileges=0"], "fail", id="0 is false"),
        pytest.param(["no-new-privileges:true", "no-new-privileges:false"], "fail", id="the last one counts"),
        pytest.param(["apparmor=no-new-privileges"], "fail", id="the words as the value of another option"),
        pytest.param([], "fail", id="not set"),
    ],
)
async def test_no_new_privileges(options: list[str], outcome: str) -> None:
    assert (await verdict(no_new_privileges, security_opt=options)).outcome == outcome


@pytest.mark.parametrize(
    ("engine_options", "own", "outcome"),
    [
        pytest.param(["name=seccomp,profile=builtin", "name=no-new-privileges"], [], "pass", id="the engine sets it"),
        pytest.param(["name=seccomp,profile=default"], [], "fail", id="the engine reports no default"),
        pytest.param(["name=no-new-privileges"], ["no-new-privileges:false"], "fail", id="the container opts out"),
    ],
)
async def test_the_engines_default_counts_where_the_profile_says_so(
    engine_options: list[str], own: list[str], outcome: str
) -> None:
    info = EngineInfo(
        version="27.0.0", security_options=tuple(engine_options), live_restore=False, logging_driver="local"
    )
    docker = engine(container(security_opt=own), info=info)

    assert (await judge(no_new_privileges, WEB, docker, engine_default=True)).outcome == outcome


# --- docker.socket_mounted


@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        pytest.param("/srv/mesh/config", "pass", id="a folder of its own"),
        pytest.param("/run/mesh", "pass", id="a folder beside the socket"),
        pytest.param("/run/docker", "pass", id="a folder whose name only begins as the socket's"),
        pytest.param("/var/lib/mesh", "pass", id="a folder under /var"),
        pytest.param("/var/run/docker.sock", "fail", id="the socket by its usual name"),
        pytest.param("/run/docker.sock", "fail", id="the socket by its real name"),
        pytest.param("/run/../run//docker.sock", "fail", id="the socket by a crooked path"),
        pytest.param("/var/run", "fail", id="the folder above it"),
        pytest.param("/run/", "fail", id="the folder with a slash behind"),
        pytest.param("/", "fail", id="the whole host"),
        pytest.param("/proc/1/root/run", "fail", id="the folder by way of a process"),
        pytest.param("/run/user/1000/docker.sock", "fail", id="a rootless engine's socket"),
        pytest.param("/run/podman/podman.sock", "fail", id="podman's socket"),
        pytest.param("/run/containerd", "fail", id="the folder of containerd's socket"),
        pytest.param("\\\\.\\pipe\\docker_engine", "fail", id="the pipe on Windows"),
        pytest.param("/srv/engine", "fail", id="the folder of the socket by which the engine is audited"),
    ],
)
async def test_socket_mounted(source: str, outcome: str) -> None:
    docker = engine(container(mounts=(mounted(source),)), host="unix:///srv/engine/e.sock")

    assert (await judge(socket_mounted, WEB, docker)).outcome == outcome


@pytest.mark.parametrize(
    ("binds", "outcome"),
    [
        pytest.param("", "pass", id="an ordinary volume"),
        pytest.param("/srv/data", "pass", id="a volume that binds another folder"),
        pytest.param("/run", "fail", id="a volume that binds the folder above the socket"),
        pytest.param("/var/run/docker.sock", "fail", id="a volume that binds the socket"),
    ],
)
async def test_a_volume_counts_by_what_it_binds(binds: str, outcome: str) -> None:
    data = "/var/lib/docker/volumes/data/_data"
    mount = mounted(data, type="volume", volume="data", driver="local")
    docker = engine(container(mounts=(mount,)), volumes=(Volume(name="data", driver="local", binds=binds),))

    assert (await judge(socket_mounted, WEB, docker)).outcome == outcome


async def test_a_volume_that_the_engine_does_not_list_is_undetermined() -> None:
    mount = mounted("/var/lib/docker/volumes/data/_data", type="volume", volume="data")

    assert (await judge(socket_mounted, WEB, engine(container(mounts=(mount,)), volumes=()))).outcome == "not-checked"


async def test_without_a_volume_the_list_of_volumes_is_not_asked() -> None:
    assert (await verdict(socket_mounted, mounts=(mounted("/srv/config"),))).outcome == "pass"


async def test_an_own_list_of_sockets_is_looked_for() -> None:
    mount = (mounted("/srv/other"),)
    parameters = {"sockets": ["/srv/other/api"]}

    assert (await verdict(socket_mounted, parameters, mounts=mount)).outcome == "fail"
    assert (await verdict(socket_mounted, mounts=mount)).outcome == "pass"


@pytest.mark.parametrize(
    "check", [non_root, read_only_rootfs, privileged, capabilities, no_new_privileges, socket_mounted]
)
async def test_a_container_that_could_not_be_inspected_is_an_error_and_no_pass(check: Any) -> None:
    docker = recorded(Docker, {Docker.inspect: {("mesh-web-1",): NotObserved("it vanished")}})

    assert (await judge(check, WEB, docker)).outcome == "error"
