"""The deployment file with which MeshGuard audits an instance."""

import yaml

from .files import State, write_whole

PATHS = ["/", "/login", "/api/v1/patients", "/no-such-page"]


def write(state: State, *, project: str, https_port: int, http_port: int, engine: str | None) -> None:
    """Write the file; containers and their profile are in it only when there is an engine."""
    web: dict[str, object] = {
        "name": "public",
        "url": f"https://localhost:{https_port}",
        "ca": str(state.ca.relative_to(state.folder)),
        "http_url": f"http://localhost:{http_port}",
        "paths": PATHS,
    }
    targets: dict[str, list[dict[str, object]]] = {"web": [web]}
    if engine is not None:
        label = f"com.docker.compose.project={project}"
        targets["docker"] = [{"name": "local", "host": engine, "label": label}]
    profiles = ["web-baseline", "docker-baseline"] if engine is not None else ["web-baseline"]
    said = {
        "name": project,
        "profile": profiles,
        "fail_on": "medium",
        "targets": targets,
    }
    write_whole(state.deployment, yaml.safe_dump(said, sort_keys=False))
