"""From the engine's answers to what is recorded, field by field.

A field that the Engine API documents as always there must be there: its absence is a failed fact and no default. What
Go leaves out when it is empty (ExposedPorts, Healthcheck, all of an image's Config from API 1.52 on) may be absent.
"""

from __future__ import annotations

import io
import json
import posixpath
import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from meshguard.errors import NotObserved
from meshguard.sketch import Sketch
from meshguard.targets.docker_models import (
    Binding,
    ContainerConfig,
    ContainerRef,
    EngineInfo,
    ImageConfig,
    MountPoint,
    Variable,
    Volume,
)

Sketching = Callable[..., Sketch]

_PROJECT, _SERVICE = "com.docker.compose.project", "com.docker.compose.service"
_SWARM = "com.docker.swarm.task.id"

_URL_PASSWORD = re.compile(r"://[^/\s:@?#]*:(?!\$\{[^}]*\}@)[^/\s@]+@")
_FIELD = re.compile(
    r"(?i)(?:^|[?&;,\s.{\"'-])(?:password|passwd|pwd|accountkey|sharedaccesskey|client_secret)[\"']?\s*[=:]\s*[\"']?"
    r"(?!(?:\$\{[^}]*\}|\?|%s)(?:[&;,\s]|$))[^&;,\s]+"
)
_PATH = re.compile(
    r"/(?:run|var|etc|opt|srv|home|root|mnt|tmp|usr|app|data|secrets?|vault|config|certs?|keys?)(?:/[\w.@-]+)+/?"
)
_FLAG = re.compile(r"(?i)true|false|yes|no|on|off|0|1|enabled|disabled|none|null")
_REFERENCE = re.compile(r"\$\{\w+\}|arn:aws[\w-]*:(?:secretsmanager|ssm):\S+|op://\S+|vault:[\w./-]+#[\w.-]+")
_KNOWN = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bgh[pousr]_\w{36}|\bgithub_pat_\w{22}|\bglpat-[\w-]{20}"
    r"|\bxox[abprs]-[\w-]{10}|\b[sr]k_live_\w{16}"
)


@contextmanager
def documented(what: str) -> Iterator[None]:
    """What is missing or of another form in an answer is why the fact failed."""
    fix = "see that `host` is a Docker engine whose API this version of MeshGuard knows"
    try:
        yield
    except KeyError as fault:
        raise NotObserved(f"the engine's answer about {what} lacks {fault.args[0]}", fix=fix) from None
    except (TypeError, ValueError, AttributeError):
        raise NotObserved(
            f"the engine's answer about {what} has another form than its API documents", fix=fix
        ) from None


def ref_of(entry: dict[str, Any]) -> tuple[ContainerRef, dict[str, str]]:
    """A line of the list, and its labels for the filters alone."""
    labels = entry["Labels"] or {}
    # A legacy link shows as one more name with a second slash: /web/db.
    names = [name for name in (name.lstrip("/") for name in entry["Names"] or ()) if "/" not in name]
    ref = ContainerRef(
        name=names[0] if names else entry["Id"][:12],
        image=entry["Image"],
        state=entry["State"],
        project=labels.get(_PROJECT, ""),
        service=labels.get(_SERVICE, ""),
        swarm=_SWARM in labels,
    )
    return ref, labels


def config_of(answer: dict[str, Any], sketch: Sketching) -> ContainerConfig:
    """One container's inspection."""
    config, host, network, state = (answer[part] for part in ("Config", "HostConfig", "NetworkSettings", "State"))
    policy = host["RestartPolicy"]
    return ContainerConfig(
        image_ref=config["Image"],
        image_id=answer["Image"],
        state=state["Status"],
        user=config["User"],
        env=_variables(config["Env"], sketch),
        health_test=_test(config.get("Healthcheck")),
        health_status=_status(state.get("Health")),
        read_only=host["ReadonlyRootfs"],
        privileged=host["Privileged"],
        memory=host["Memory"],
        memory_swap=host["MemorySwap"],
        nano_cpus=host["NanoCpus"],
        cpu_quota=host["CpuQuota"],
        cpu_shares=host["CpuShares"],
        pids_limit=host["PidsLimit"],
        cap_add=tuple(host["CapAdd"] or ()),
        cap_drop=tuple(host["CapDrop"] or ()),
        security_opt=tuple(_option(option) for option in host["SecurityOpt"] or ()),
        network_mode=host["NetworkMode"],
        networks=tuple(sorted(network["Networks"] or {})),
        port_bindings=_bindings(host["PortBindings"]),
        published=_bindings(network["Ports"]),
        publish_all=host["PublishAllPorts"],
        exposed=tuple(sorted(config.get("ExposedPorts") or {})),
        mounts=tuple(_mount(mount) for mount in answer["Mounts"] or ()),
        restart=policy["Name"] or "no",
        max_retries=policy["MaximumRetryCount"],
    )


def image_of(answer: dict[str, Any], sketch: Sketching) -> ImageConfig:
    """An image's inspection."""
    config = answer["Config"] or {}
    return ImageConfig(
        present=True,
        user=config.get("User") or "",
        env=_variables(config.get("Env"), sketch),
        health_test=_test(config.get("Healthcheck")),
    )


def info_of(answer: dict[str, Any]) -> EngineInfo:
    """The engine's settings."""
    return EngineInfo(
        version=answer["ServerVersion"],
        security_options=tuple(answer["SecurityOptions"] or ()),
        live_restore=answer["LiveRestoreEnabled"],
        logging_driver=answer["LoggingDriver"],
    )


def volume_of(entry: dict[str, Any]) -> Volume:
    """A line of the list of volumes; its options may hold a share's password, so only a bound path is kept."""
    options = entry["Options"] or {}
    modes = {mode.strip() for mode in options.get("o", "").split(",")}
    bound = options.get("device", "") if modes & {"bind", "rbind"} else ""
    return Volume(name=entry["Name"], driver=entry["Driver"], binds=bound)


def _variables(lines: list[str] | None, sketch: Sketching) -> tuple[Variable, ...]:
    pairs = [line.partition("=") for line in lines or ()]
    return tuple(Variable(name=name, value=sketch(value, **known_of(value))) for name, _, value in pairs)


def known_of(value: str) -> dict[str, bool]:
    """What may be known of a variable's value, answered on the value itself."""
    return {
        "url_userinfo": _URL_PASSWORD.search(value) is not None,
        "password_field": _FIELD.search(value) is not None,
        "known_form": _KNOWN.search(value) is not None,
        "is_path": _PATH.fullmatch(value) is not None,
        "is_flag": _FLAG.fullmatch(value) is not None,
        "is_reference": _REFERENCE.fullmatch(value) is not None,
    }


def _test(healthcheck: dict[str, Any] | None) -> str:
    """The kind of test; its command may hold a secret."""
    test = (healthcheck or {}).get("Test") or [""]
    return str(test[0])


def _status(health: dict[str, Any] | None) -> str:
    status = (health or {}).get("Status", "")
    return "" if status == "none" else status


def _option(option: str) -> str:
    """A security option; a seccomp profile is given whole, as JSON, and only its default action is kept."""
    kind, separator, value = option.replace("seccomp:", "seccomp=", 1).partition("=")
    if kind != "seccomp" or not value.lstrip().startswith("{"):
        return option
    action = json.loads(value).get("defaultAction")
    return f"{kind}{separator}profile with default action {action}"


def _bindings(ports: dict[str, list[dict[str, str]] | None] | None) -> tuple[Binding, ...]:
    return tuple(
        Binding(container_port=port, host_ip=bound.get("HostIp", ""), host_port=bound.get("HostPort", ""))
        for port, places in sorted((ports or {}).items())
        for bound in places or ()
    )


def _mount(entry: dict[str, Any]) -> MountPoint:
    return MountPoint(
        type=entry["Type"],
        source=entry.get("Source", ""),
        destination=entry["Destination"],
        volume=entry.get("Name", ""),
        driver=entry.get("Driver", ""),
    )


def passwd_in(archive: bytes) -> tuple[str, str]:
    """The text of the one file in a tar archive, or the absolute path that it links to; ValueError for neither."""
    try:
        return _first_in(archive)
    except (tarfile.TarError, EOFError):
        raise ValueError("no tar archive") from None


def _first_in(archive: bytes) -> tuple[str, str]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
        member = tar.next()
        if member is not None and member.issym():
            return "", posixpath.normpath(posixpath.join("/etc", member.linkname))
        file = tar.extractfile(member) if member is not None else None
        if file is None:
            raise ValueError("no file in the archive")
        return file.read().decode("utf-8", "replace"), ""


def uid_in(passwd: str, user: str) -> int | None:
    """The uid of a user's first line, as the container runtime reads it: a uid that is no number counts as 0."""
    for line in passwd.splitlines():
        name, *rest = line.strip().split(":")
        if name == user:
            uid = rest[1] if len(rest) > 1 else ""
            return int(uid) if re.fullmatch(r"[+-]?[0-9]+", uid) else 0
    return None
