"""Secrets in a container's environment: by name, by value, and where they come from."""

from typing import Any

import pytest
from tests.stubs.docker_facts import WEB, container, engine, variable

from meshguard.targets.docker import ImageConfig
from meshguard.targets.docker_read import known_of
from meshguard.testing import judge
from meshguard.verdict import Verdict
from meshguard_checks.docker import env_secrets


async def said_of(name: str, value: str, image: ImageConfig | None = None, **parameters: Any) -> Verdict:
    config = container(env=(variable(name, value, tests=known_of(value)),))
    return await judge(env_secrets, WEB, engine(config, image=image or ImageConfig(present=True)), **parameters)


@pytest.mark.parametrize(
    "name",
    [
        "DB_PASSWORD",
        "PGPASSWORD",
        "MYSQL_PWD",
        "DB_PASS",
        "dbPassword",
        "spring.datasource.password",
        "PASSWORD1",
        "KEY_PASSPHRASE",
        "CLIENT_SECRET",
        "SECRET_KEY_BASE",
        "VAULT_SECRET_ID",
        "GITHUB_TOKEN",
        "STRIPE_APIKEY",
        "API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "JWT_SIGNING_KEY",
        "GOOGLE_CREDENTIALS",
    ],
)
async def test_a_name_that_says_secret_fails(name: str) -> None:
    assert (await said_of(name, "hunter2")).outcome == "fail"


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "PWD",
        "OLDPWD",
        "DB_PASSWORD_FILE",
        "PASSWORD_MIN_LENGTH",
        "TOKEN_TTL",
        "SECRET_NAME",
        "AWS_ACCESS_KEY_ID",
        "LLM_MAX_TOKENS",
        "COMPASS",
        "AUTH_BYPASS",
        "TOKENIZER",
        "KEYBOARD",
    ],
)
async def test_a_name_that_only_looks_like_it_passes(name: str) -> None:
    assert (await said_of(name, "hunter2")).outcome == "pass"


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        pytest.param("x", "fail", id="one character"),
        pytest.param("12345", "fail", id="a number"),
        pytest.param("/9j4AAQSkZJRgABAQ", "fail", id="base64 that begins with a slash"),
        pytest.param("", "pass", id="empty"),
        pytest.param("/run/secrets/db", "pass", id="the path of a file"),
        pytest.param("true", "pass", id="a switch"),
        pytest.param("arn:aws:secretsmanager:us-east-1:1:secret:db", "pass", id="a reference to a secrets manager"),
        pytest.param("vault:kv/data/db#password", "pass", id="a reference to Vault"),
        pytest.param("vault:hunter2", "fail", id="what only begins like one"),
    ],
)
async def test_a_secret_name_counts_by_its_value(value: str, outcome: str) -> None:
    assert (await said_of("DB_PASSWORD", value)).outcome == outcome


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        pytest.param("postgresql://mesh:hunter2@db:5432/mesh", "fail", id="a password in a URL"),
        pytest.param("redis://:hunter2@cache", "fail", id="a password without a user"),
        pytest.param("postgresql://mesh@db:5432/mesh", "pass", id="a user without a password"),
        pytest.param("http://proxy:3128/?mail=a@b.example", "pass", id="a port and an address in the query"),
        pytest.param("postgresql://mesh:${DB_PASSWORD}@db/mesh", "pass", id="a variable in place of the password"),
        pytest.param("Server=db;User Id=mesh;Password=hunter2;", "fail", id="a connection string"),
        pytest.param("jdbc:postgresql://db/mesh?user=mesh&password=hunter2", "fail", id="a password in a query"),
        pytest.param("Server=db;Password=${DB_PASSWORD};", "pass", id="a variable in a connection string"),
        pytest.param("SELECT 1 WHERE password = ? AND id = ?", "pass", id="a placeholder of SQL"),
        pytest.param("-----BEGIN RSA PRIVATE KEY-----\nMII", "fail", id="a private key"),
        pytest.param("-----BEGIN CERTIFICATE-----\nMII", "pass", id="a certificate"),
        pytest.param("ghp_" + "a1" * 18, "fail", id="the form of a known token"),
        pytest.param("just a text", "pass", id="a text"),
    ],
)
async def test_a_value_may_show_it_whatever_the_name(value: str, outcome: str) -> None:
    assert (await said_of("SETTING", value)).outcome == outcome
    assert (await said_of("SETTING_FILE", value)).outcome == outcome


async def test_the_verdict_says_where_each_secret_comes_from_and_not_what_it_is() -> None:
    baked, changed, given = (
        variable("API_KEY", "baked", alias="a1"),
        variable("TOKEN", "mine", alias="b2"),
        variable("DB_PASSWORD", "hunter2", alias="c3"),
    )
    image = ImageConfig(present=True, env=(baked, variable("TOKEN", "default", alias="b1")))
    said = await judge(env_secrets, WEB, engine(container(env=(baked, changed, given)), image=image))

    assert said.message == (
        "secrets in the environment: API_KEY (hardcoded in the image), TOKEN (injected at start), "
        "DB_PASSWORD (injected at start)"
    )
    assert said.got == "API_KEY, TOKEN, DB_PASSWORD"


@pytest.mark.parametrize(
    ("image", "outcome"),
    [
        pytest.param(ImageConfig(present=True), "pass", id="injected"),
        pytest.param(ImageConfig(present=True, env=(variable("API_KEY", "key"),)), "fail", id="hardcoded"),
        pytest.param(ImageConfig(present=True, env=(variable("API_KEY", "other"),)), "pass", id="set anew at start"),
        pytest.param(ImageConfig(present=False), "not-checked", id="the image is gone"),
    ],
)
async def test_what_is_injected_may_be_allowed(image: ImageConfig, outcome: str) -> None:
    assert (await said_of("API_KEY", "key", image, allow_injected=True)).outcome == outcome


async def test_a_secret_of_an_image_that_is_gone_fails_all_the_same() -> None:
    assert (await said_of("API_KEY", "key", ImageConfig(present=False))).outcome == "fail"


@pytest.mark.parametrize(
    ("parameters", "outcome"),
    [
        pytest.param({"allow": ["PUBLIC_API_KEY"]}, "pass", id="allowed by name"),
        pytest.param({"allow": ["PUBLIC_*"]}, "pass", id="allowed by a glob"),
        pytest.param({"allow": ["public_api_key"]}, "fail", id="another case is another name"),
        pytest.param({"names": ["PASSWORD"]}, "fail", id="other words"),
    ],
)
async def test_parameters(parameters: dict[str, Any], outcome: str) -> None:
    env = (variable("PUBLIC_API_KEY", "key"), *([variable("DB_PASSWORD", "x")] if "names" in parameters else []))
    docker = engine(container(env=env), image=ImageConfig(present=True))
    said = await judge(env_secrets, WEB, docker, **parameters)

    assert said.outcome == outcome
    assert said.got in (None, "PUBLIC_API_KEY", "DB_PASSWORD")


async def test_without_a_secret_the_image_is_not_asked() -> None:
    docker = engine(container(env=(variable("LANG", "C"),)))

    assert (await judge(env_secrets, WEB, docker)).message == "none of its 1 variables looks like a secret"


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzdmMifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("SERVICE", JWT, id="a token by its form"),
        pytest.param("CONFIG", '{"password":"sup3rS3cretValue!"}', id="a password in JSON"),
        pytest.param("JAVA_OPTS", "-Xmx1g -Ddb.password=Zxcv12345", id="a password in options"),
        pytest.param("DSN", "host=db;Password=Zxcv12345", id="a password in a connection string"),
    ],
)
async def test_a_value_that_shows_a_secret_by_itself_fails(name: str, value: str) -> None:
    verdict = await said_of(name, value)
    assert verdict.outcome == "fail"
    assert value not in verdict.message


@pytest.mark.parametrize("value", ['{"passwords": 3}', "-Ddb.password.file=/run/secrets/db", "see password policy"])
async def test_a_value_that_speaks_of_passwords_passes(value: str) -> None:
    assert (await said_of("OPTIONS", value)).outcome == "pass"
