"""Check of secrets in a container's environment."""

from __future__ import annotations

from meshguard.api import Verdict, check, failed, passed, undetermined
from meshguard.targets.docker import ContainerRef, Docker
from meshguard_checks.parsing.docker_environment import SECRET_WORDS, holds_secret, is_allowed


@check(
    "docker.env_secrets",
    method="examine",
    over=Docker.containers,
    fix="Compose: `secrets: [db_password]` and `environment: {DB_PASSWORD_FILE: /run/secrets/db_password}`, or let the "
    "service fetch it from the secrets manager. What stands in an image is burnt: replace it.",
)
async def env_secrets(
    container: ContainerRef,
    engine: Docker,
    *,
    names: tuple[str, ...] = SECRET_WORDS,
    allow: tuple[str, ...] = (),
    allow_injected: bool = False,
) -> Verdict:
    """No secret stands in the container's environment (CIS Docker 1.6.0, 4.10, for images).

    A variable holds one where its name says so and its value is not empty, no path, no switch and no reference to a
    secrets manager; and whatever its name, where the value has a password in a URL or in a connection string, a
    private key, or the form of a known token. Names that end as DB_PASSWORD_FILE or PASSWORD_MIN_LENGTH only tell
    something about a secret. A value that the image has too is hardcoded; any other was injected at start.

    Args:
        names: words that make a name one of a secret; API_KEY also finds APIKEY and apiKey.
        allow: names of variables that may hold what they hold (with * and ?), such as a public key.
        allow_injected: whether a secret may be injected at start, so that only hardcoded ones fail.
    """
    config = await engine.inspect(container.name)
    secret = [one for one in config.env if holds_secret(one, names) and not is_allowed(one, allow)]
    if not secret:
        return passed(f"none of its {len(config.env)} variables looks like a secret")
    image = await engine.image(config.image_id)
    hardcoded = {(one.name, one.value.alias) for one in image.env}
    if allow_injected and image.present:
        secret = [one for one in secret if (one.name, one.value.alias) in hardcoded]
        if not secret:
            return passed("its secrets are injected at start, and none stands in the image")
    elif allow_injected:
        return undetermined("its image is gone, so whether its secrets are hardcoded is not known")
    unknown = "injected at start" if image.present else "of an image that is gone, or injected at start"
    found = ", ".join(
        f"{one.name} ({'hardcoded in the image' if (one.name, one.value.alias) in hardcoded else unknown})"
        for one in secret
    )
    return failed(f"secrets in the environment: {found}", got=[one.name for one in secret], want="none")
