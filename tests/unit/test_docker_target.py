"""The docker target against engines that answer from a table: settings, filters, refusals, and nothing secret kept."""

import asyncio
import io
import json
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.stubs.docker_engine import Answer, as_json, stub_engine

from meshguard.errors import NotObserved, Throttled
from meshguard.evidence import Evidence
from meshguard.targets.docker import Docker, DockerSettings
from meshguard.targets.docker_read import passwd_in, uid_in

LIST = "/v1.41/containers/json?all=1"
INSPECT = "/v1.41/containers/web/json"
PASSWD = "/v1.41/containers/web/archive?path=%2Fetc%2Fpasswd"


def line(name: str, state: str = "running", **labels: str) -> dict[str, Any]:
    """A container in the engine's list."""
    keys = {key.replace("_", "."): value for key, value in labels.items()}
    return {"Id": "4fd2a1b0c9d8e7f6", "Names": [f"/{name}"], "Image": "mesh:1", "State": state, "Labels": keys}


def inspection(**host: Any) -> dict[str, Any]:
    """An engine's whole answer about one container, shortened to what API 1.41 always has."""
    return {
        "Image": "sha256:1f",
        "State": {"Status": "running", "Health": {"Status": "healthy", "Log": [{"Output": "hunter2"}]}},
        "Config": {
            "Image": "mesh:1",
            "User": "",
            "Env": ["DB_PASSWORD=hunter2", "EMPTY="],
            "Healthcheck": {"Test": ["CMD", "curl", "-u", "mesh:hunter2"]},
            "Cmd": ["--password=hunter2"],
            "Labels": {"token": "hunter2"},
        },
        "HostConfig": {
            "ReadonlyRootfs": False,
            "Privileged": False,
            "Memory": 0,
            "MemorySwap": 0,
            "NanoCpus": 0,
            "CpuQuota": 0,
            "CpuShares": 0,
            "PidsLimit": None,
            "CapAdd": None,
            "CapDrop": None,
            "SecurityOpt": None,
            "NetworkMode": "default",
            "PortBindings": {},
            "PublishAllPorts": False,
            "RestartPolicy": {"Name": "", "MaximumRetryCount": 0},
            **host,
        },
        "NetworkSettings": {"Networks": {"bridge": {}}, "Ports": {}},
        "Mounts": [],
    }


def archive(content: bytes = b"", link: str = "") -> Answer:
    """A tar archive of one file or link, as the engine sends it."""
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as tar:
        entry = tarfile.TarInfo("passwd")
        entry.size = len(content)
        if link:
            entry.type, entry.linkname = tarfile.SYMTYPE, link
        tar.addfile(entry, io.BytesIO(content))
    return 200, {"Content-Type": "application/x-tar"}, body.getvalue()


@asynccontextmanager
async def connected(socket_path: Path, **settings: Any) -> Any:
    """The target before this socket."""
    docker = Docker(
        DockerSettings.model_validate({"name": "local", "host": f"unix://{socket_path}", **settings}), Evidence()
    )
    try:
        yield docker
    finally:
        await docker.close()


@contextmanager
def listener(path: Path, *, accept: bool) -> Iterator[None]:
    """A socket that never answers, or that nobody listens on."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        if accept:
            door.listen(16)
        yield


# --- settings


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        pytest.param({}, (), id="every container"),
        pytest.param({"label": "tier"}, ("tier",), id="one label by its key"),
        pytest.param({"label": ["tier", "env=prod", "tier"]}, ("tier", "env=prod"), id="several, each once"),
        pytest.param({"project": "mesh"}, ("com.docker.compose.project=mesh",), id="a Compose project"),
    ],
)
def test_labels(given: dict[str, Any], labels: tuple[str, ...]) -> None:
    assert DockerSettings.model_validate({"name": "local", **given}).labels == labels


@pytest.mark.parametrize(
    ("host", "hosts"),
    [
        ("unix:///var/run/docker.sock", []),
        ("tcp://engine.example:2376", [("engine.example", 2376)]),
        ("tcp://[::1]:2375/", [("::1", 2375)]),
    ],
)
def test_only_an_engine_on_tcp_is_a_host_to_contact(host: str, hosts: list[tuple[str, int]]) -> None:
    assert list(DockerSettings.model_validate({"name": "local", "host": host}).hosts()) == hosts


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"host": "/var/run/docker.sock"}, id="a bare path"),
        pytest.param({"host": "unix://var/run/docker.sock"}, id="two slashes"),
        pytest.param({"host": "unix:///"}, id="no path"),
        pytest.param({"host": "unix:///" + "x" * 107}, id="a path longer than a socket's may be"),
        pytest.param({"host": "tcp://engine.example"}, id="no port"),
        pytest.param({"host": "tcp://engine.example:99999"}, id="a port that is none"),
        pytest.param({"host": "tcp://mesh:hunter2@engine.example:2376"}, id="credentials"),
        pytest.param({"host": "ssh://engine.example"}, id="ssh"),
        pytest.param({"host": "tcp://a:1", "cert": __file__}, id="a certificate without its key"),
        pytest.param({"host": "tcp://a:1", "ca": "/no/such.pem"}, id="a file that is not there"),
        pytest.param({"ca": __file__}, id="TLS on a Unix socket"),
        pytest.param({"label": "=value"}, id="a label without a key"),
        pytest.param({"labels": "tier"}, id="an unknown key"),
    ],
)
def test_wrong_settings_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DockerSettings.model_validate({"name": "local", **given})


def test_the_sdk_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys, meshguard.targets.docker, meshguard_checks.docker\n"
        "print({'docker', 'requests', 'meshguard.targets.docker_client'} & set(sys.modules))"
    )

    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


# --- version


@pytest.mark.parametrize(
    ("newest", "oldest", "spoken"),
    [
        pytest.param("1.41", "1.12", "1.41", id="the engine's newest"),
        pytest.param("1.25", "1.12", "1.25", id="the oldest that is known"),
        pytest.param("1.53", "1.44", "1.51", id="the newest that is known"),
        pytest.param("1.60", "1.55", "1.55", id="the engine's oldest where that is newer"),
    ],
)
async def test_the_newest_version_that_both_know_is_spoken(
    tmp_path: Path, newest: str, oldest: str, spoken: str
) -> None:
    with stub_engine(tmp_path / "e", {}, ApiVersion=newest, MinAPIVersion=oldest):
        async with connected(tmp_path / "e") as docker:
            assert (await docker.version()).api == spoken


async def test_an_engine_that_is_too_old_says_so(tmp_path: Path) -> None:
    with stub_engine(tmp_path / "e", {}, ApiVersion="1.24"):
        async with connected(tmp_path / "e") as docker:
            with pytest.raises(NotObserved, match=r"speaks API 1\.24, older than 1\.25"):
                await docker.containers()


# --- the list


async def test_filters_count_what_they_leave_out(tmp_path: Path) -> None:
    project = {"com_docker_compose_project": "mesh", "com_docker_compose_service": "web"}
    entries = [
        line("mesh-web-2", "exited", **project, tier="front"),
        line("mesh-web-1", **project, tier="front"),
        line("mesh-db-1", **project, tier="back"),
        line("other"),
    ]
    with stub_engine(tmp_path / "e", {LIST: as_json(entries)}) as asked:
        async with connected(tmp_path / "e", project="mesh", label="tier=front", include_stopped=False) as docker:
            found = await docker.containers()

    assert [(str(one), one.service) for one in found.items] == [("mesh-web-1", "web")]
    assert [(part.filter, part.count) for part in found.left_out] == [
        ("label com.docker.compose.project=mesh", 1),
        ("label tier=front", 1),
        ("include_stopped: false", 1),
    ]
    assert asked == ["/version", LIST]


async def test_stopped_containers_count_unless_they_are_left_out(tmp_path: Path) -> None:
    entries = [line("web", state) for state in ("running", "paused", "restarting", "created", "exited", "dead")]
    with stub_engine(tmp_path / "e", {LIST: as_json(entries)}):
        async with connected(tmp_path / "e") as docker:
            assert len((await docker.containers()).items) == 6
        async with connected(tmp_path / "e", include_stopped=False) as docker:
            assert [one.state for one in (await docker.containers()).items] == ["running", "paused", "restarting"]


async def test_a_container_is_named_by_its_own_name(tmp_path: Path) -> None:
    linked = {**line("db"), "Names": ["/web/database", "/db"]}
    nameless = {**line("x"), "Names": None, "Labels": None}
    with stub_engine(tmp_path / "e", {LIST: as_json([linked, nameless])}):
        async with connected(tmp_path / "e") as docker:
            assert [str(one) for one in (await docker.containers()).items] == ["4fd2a1b0c9d8", "db"]


@pytest.mark.parametrize(
    ("entries", "settings", "advice"),
    [
        pytest.param([], {}, "start the deployment", id="no container at all"),
        pytest.param(
            [line("a", com_docker_compose_project="mesh")], {"project": "mehs"}, "did you mean 'mesh'?", id="a typo"
        ),
        pytest.param([line("a")], {"label": "tier"}, "correct `label`", id="another label"),
    ],
)
async def test_an_empty_list_says_what_to_do(tmp_path: Path, entries: Any, settings: Any, advice: str) -> None:
    with stub_engine(tmp_path / "e", {LIST: as_json(entries)}):
        async with connected(tmp_path / "e", **settings) as docker:
            found = await docker.containers()

    assert found.items == ()
    assert advice in found.fix


# --- inspection


async def test_nothing_secret_is_recorded(tmp_path: Path) -> None:
    with stub_engine(tmp_path / "e", {INSPECT: as_json(inspection())}):
        async with connected(tmp_path / "e") as docker:
            found = await docker.inspect("web")
            recorded = json.dumps([one.value for one in docker.evidence.observations.values()])

    assert [(one.name, one.value.kind) for one in found.env] == [("DB_PASSWORD", "text"), ("EMPTY", "empty")]
    assert (found.health_test, found.health_status, found.restart) == ("CMD", "healthy", "no")
    assert "hunter2" not in recorded


async def test_equal_secrets_of_a_container_and_its_image_share_an_alias(tmp_path: Path) -> None:
    image = as_json({"Config": {"Env": ["DB_PASSWORD=hunter2"], "User": None}})
    answers = {INSPECT: as_json(inspection()), "/v1.41/images/sha256%3A1f/json": image}
    with stub_engine(tmp_path / "e", answers):
        async with connected(tmp_path / "e") as docker:
            own, baked = (await docker.inspect("web")).env[0], (await docker.image("sha256:1f")).env[0]

    assert own.value.alias == baked.value.alias


@pytest.mark.parametrize(
    ("given", "recorded"),
    [
        ("seccomp=unconfined", "seccomp=unconfined"),
        ("seccomp:unconfined", "seccomp:unconfined"),
        ('seccomp={"defaultAction":"SCMP_ACT_ALLOW"}', "seccomp=profile with default action SCMP_ACT_ALLOW"),
        ("no-new-privileges:true", "no-new-privileges:true"),
    ],
)
async def test_a_security_option_is_recorded_without_its_profile(tmp_path: Path, given: str, recorded: str) -> None:
    with stub_engine(tmp_path / "e", {INSPECT: as_json(inspection(SecurityOpt=[given]))}):
        async with connected(tmp_path / "e") as docker:
            assert (await docker.inspect("web")).security_opt == (recorded,)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda a: a["HostConfig"].pop("ReadonlyRootfs"), "lacks ReadonlyRootfs", id="a field is missing"),
        pytest.param(lambda a: a.update(HostConfig=None), "another form", id="a part is null"),
        pytest.param(lambda a: a["HostConfig"].update(Memory="hunter2"), "another form", id="a text for a number"),
    ],
)
async def test_a_field_that_was_not_sent_has_no_default(tmp_path: Path, change: Any, reason: str) -> None:
    answer = inspection()
    change(answer)
    with stub_engine(tmp_path / "e", {INSPECT: as_json(answer)}):
        async with connected(tmp_path / "e") as docker:
            with pytest.raises(NotObserved, match=reason) as fault:
                await docker.inspect("web")

    assert "hunter2" not in fault.value.reason


async def test_a_volumes_password_is_not_recorded(tmp_path: Path) -> None:
    entries = [
        {"Name": "run", "Driver": "local", "Options": {"type": "none", "o": "rw, bind", "device": "/run"}},
        {"Name": "share", "Driver": "local", "Options": {"o": "user=a,password=hunter2", "device": "//nas/b"}},
        {"Name": "plain", "Driver": "local", "Options": None},
    ]
    with stub_engine(tmp_path / "e", {"/v1.41/volumes": as_json({"Volumes": entries})}):
        async with connected(tmp_path / "e") as docker:
            assert [(one.name, one.binds) for one in await docker.volumes()] == [
                ("plain", ""),
                ("run", "/run"),
                ("share", ""),
            ]


async def test_the_engines_settings(tmp_path: Path) -> None:
    answer = {
        "ServerVersion": "27.0",
        "SecurityOptions": ["name=userns"],
        "LiveRestoreEnabled": True,
        "LoggingDriver": "local",
    }
    with stub_engine(tmp_path / "e", {"/v1.41/info": as_json(answer)}):
        async with connected(tmp_path / "e") as docker:
            assert (await docker.info()).security_options == ("name=userns",)


async def test_an_image_that_is_gone_is_a_fact(tmp_path: Path) -> None:
    with stub_engine(tmp_path / "e", {}):
        async with connected(tmp_path / "e") as docker:
            assert not (await docker.image("sha256:1f")).present


# --- /etc/passwd


@pytest.mark.parametrize(
    ("passwd", "uid"),
    [
        pytest.param("mesh:x:10001:10001::/:", 10001, id="a line"),
        pytest.param("# mesh\n\n  mesh:x:7:7::/:", 7, id="after a comment, indented"),
        pytest.param("mesh:x:7:7\nmesh:x:0:0", 7, id="the first line counts"),
        pytest.param("mesh:x::", 0, id="no uid is 0"),
        pytest.param("mesh:x:abc:", 0, id="what is no number is 0"),
        pytest.param("mesh", 0, id="no fields"),
        pytest.param("mesh2:x:1:", None, id="only a longer name"),
        pytest.param("", None, id="an empty file"),
    ],
)
def test_a_uid_is_read_as_the_runtime_reads_it(passwd: str, uid: int | None) -> None:
    assert uid_in(passwd, "mesh") == uid


def test_an_archive_without_a_file_is_refused() -> None:
    with pytest.raises(ValueError):
        passwd_in(b"\0" * 1024)


@pytest.mark.parametrize(
    ("answers", "uid"),
    [
        pytest.param({PASSWD: archive(b"mesh:x:7:7::/:\n")}, 7, id="a file"),
        pytest.param({PASSWD: archive(b"root:x:0:0::/:\n")}, None, id="a file without the name"),
        pytest.param(
            {
                PASSWD: archive(link="../usr/passwd"),
                "/v1.41/containers/web/archive?path=%2Fusr%2Fpasswd": archive(b"mesh:x:7:7::/:\n"),
            },
            7,
            id="a link to a file",
        ),
    ],
)
async def test_a_user_is_looked_up_in_the_container(
    tmp_path: Path, answers: dict[str, Answer], uid: int | None
) -> None:
    with stub_engine(tmp_path / "e", answers):
        async with connected(tmp_path / "e") as docker:
            assert await docker.passwd_uid("web", "mesh") == uid


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        pytest.param({}, "there is no /etc/passwd", id="no file"),
        pytest.param({PASSWD: archive(b"x" * 1_000_001)}, "more than the 1000000 bytes", id="a file that is too large"),
        pytest.param({PASSWD: archive(link="passwd")}, "do not end", id="a link to itself"),
        pytest.param({PASSWD: (200, {}, b"hunter2")}, "another form", id="no archive"),
    ],
)
async def test_a_user_that_can_not_be_looked_up(tmp_path: Path, answers: dict[str, Answer], reason: str) -> None:
    with stub_engine(tmp_path / "e", answers):
        async with connected(tmp_path / "e") as docker:
            with pytest.raises(NotObserved, match=reason) as fault:
                await docker.passwd_uid("web", "mesh")

    assert "hunter2" not in fault.value.reason


# --- refusals


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(as_json({"message": "hunter2"}, 500), "status 500: it failed", id="500"),
        pytest.param(as_json({"message": "hunter2"}, 503), "status 503: it failed", id="503"),
        pytest.param(as_json({"message": "hunter2"}, 403), "status 403: it may not be asked", id="a filtering proxy"),
        pytest.param(as_json({"message": "hunter2"}, 404), "vanished between list and inspect", id="404"),
        pytest.param(as_json({}, 302, Location="http://127.0.0.1:1/hunter2"), "status 302", id="a redirect"),
        pytest.param((200, {}, b"hunter2"), "something else than JSON", id="no JSON"),
        pytest.param(
            (200, {"Content_Length": "99", "Connection": "close"}, b"{"), "ended the connection", id="half an answer"
        ),
        pytest.param((0, {}, b""), "ended the connection", id="no answer"),
    ],
)
async def test_a_refusal_says_what_happened_and_not_what_was_sent(tmp_path: Path, answer: Answer, reason: str) -> None:
    with stub_engine(tmp_path / "e", {INSPECT: answer}):
        async with connected(tmp_path / "e", limits={"fact_deadline": "5s"}) as docker:
            with pytest.raises(NotObserved, match=reason) as fault:
                await docker.inspect("web")

    assert "hunter2" not in fault.value.reason + fault.value.fix
    assert fault.value.fix


async def test_an_engine_that_asks_to_slow_down_is_asked_again(tmp_path: Path) -> None:
    with stub_engine(tmp_path / "e", {INSPECT: as_json({}, 429, Retry_After="0")}) as asked:
        async with connected(tmp_path / "e") as docker:
            with pytest.raises(Throttled, match="status 429"):
                await docker.inspect("web")

    assert asked == ["/version", INSPECT, INSPECT, INSPECT]


async def test_a_missing_socket(tmp_path: Path) -> None:
    async with connected(tmp_path / "none") as docker:
        with pytest.raises(NotObserved, match="there is no such socket") as fault:
            await docker.containers()

    assert "docker context inspect" in fault.value.fix


async def test_a_socket_that_nobody_listens_on(tmp_path: Path) -> None:
    with listener(tmp_path / "e", accept=False):
        async with connected(tmp_path / "e") as docker:
            with pytest.raises(NotObserved, match="refused the connection"):
                await docker.containers()


async def test_an_engine_that_hangs_costs_one_deadline(tmp_path: Path) -> None:
    start = time.monotonic()
    with listener(tmp_path / "e", accept=True):
        async with connected(tmp_path / "e", limits={"fact_deadline": "500ms"}) as docker:
            failures = await asyncio.gather(
                docker.containers(), *(docker.inspect(f"n{number}") for number in range(20)), return_exceptions=True
            )

    assert {type(one) for one in failures} == {NotObserved}
    assert "had no whole answer within 0.5 s" in str(failures[0])
    assert time.monotonic() - start < 3


async def test_an_engine_that_stops_on_the_way(tmp_path: Path) -> None:
    async with connected(tmp_path / "e") as docker:
        with stub_engine(tmp_path / "e", {LIST: as_json([line("web")], Connection="close")}):
            assert len((await docker.containers()).items) == 1
        (tmp_path / "e").unlink()
        with pytest.raises(NotObserved, match="there is no such socket"):
            await docker.inspect("web")


async def test_proxies_of_the_environment_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with stub_engine(tmp_path / "e", {LIST: as_json([])}):
        async with connected(tmp_path / "e") as docker:
            assert (await docker.containers()).items == ()


async def test_an_engine_that_the_deployment_does_not_name_is_not_contacted() -> None:
    from meshguard.errors import NotAllowed
    from meshguard.target import Egress

    settings = DockerSettings.model_validate({"name": "far", "host": "tcp://127.0.0.1:9"})
    with pytest.raises(NotAllowed):
        await Docker(settings, Evidence(), egress=Egress([])).containers()


async def test_a_broken_config_of_the_user_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text('{"auths": {"x": {"auth": "hunter2"}}}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    async with connected(tmp_path / "none") as docker:
        with pytest.raises(NotObserved) as fault:
            await docker.containers()

    assert "hunter2" not in fault.value.reason
