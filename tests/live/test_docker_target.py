"""The way to a real engine: what an audit asks of it, who may ask, and TLS."""

import asyncio
import ipaddress
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.live.docker_help import Engine, engine_for_tests
from tests.stubs.docker_engine import relay, tls_relay

from meshguard.errors import NotObserved
from meshguard.evidence import Evidence
from meshguard.targets.docker import Docker, DockerSettings
from meshguard.testing import judge
from meshguard_checks import docker as checks

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with engine_for_tests() as made:
        made.container("plain")
        made.container("named", user="mesh", start=False)
        made.client.create_volume(made.name("data"), labels=made.labels)
        for short in ("one", "two"):
            made.container(f"volume-{short}", binds=[f"{made.name('data')}:/data"])
        yield made


@asynccontextmanager
async def connected(host: str, **settings: Any) -> AsyncIterator[Docker]:
    """The target at this address."""
    docker = Docker(DockerSettings.model_validate({"name": "local", "host": host, **settings}), Evidence())
    try:
        yield docker
    finally:
        await docker.close()


# --- what is asked


async def test_a_whole_audit_asks_each_thing_once(engine: Engine, tmp_path: Path) -> None:
    with relay(tmp_path / "e") as passed:
        async with connected(f"unix://{tmp_path / 'e'}", label=engine.label) as docker:
            containers = (await docker.containers()).items
            each = [getattr(checks, name) for name in checks.__all__]
            said = await asyncio.gather(*(judge(check, one, docker) for check in each for one in containers))
        asked = sorted(path.partition("?")[0].removeprefix("/v1.41") for path in passed.asked)

    image = engine.image_id().replace(":", "%3A")
    assert {verdict.outcome for verdict in said} <= {"pass", "fail", "not-checked"}
    assert asked == sorted(
        [
            "/version",
            "/containers/json",
            *(f"/containers/{engine.name(short)}/json" for short in ("plain", "named", "volume-one", "volume-two")),
            f"/images/{image}/json",
            f"/containers/{engine.name('named')}/archive",
            "/volumes",
        ]
    )


# --- who may ask


async def test_a_user_without_permission_is_told_so(engine: Engine, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    code = (
        "import asyncio, os\n"
        "from meshguard.targets.docker import Docker, DockerSettings\n"
        "from meshguard.errors import NotObserved\n"
        "from meshguard.evidence import Evidence\n"
        "import meshguard.targets.docker_client\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "os.environ['HOME'] = '/nonexistent'\n"
        "async def main():\n"
        "    try:\n"
        "        await Docker(DockerSettings(name='local'), Evidence()).containers()\n"
        "    except NotObserved as fault:\n"
        "        print(fault.reason, '|', fault.fix)\n"
        "asyncio.run(main())\n"
    )
    said = subprocess.check_output([sys.executable, "-W", "error", "-c", code], text=True, cwd="/")

    assert said.strip() == (
        "unix:///var/run/docker.sock: no permission to use the engine's socket | "
        "add the user to the group docker or run as root"
    )


# --- TLS


@dataclass(frozen=True)
class Pki:
    """A CA, and a certificate of 127.0.0.1 and of a client."""

    folder: Path

    def file(self, name: str) -> str:
        """The path of a PEM file."""
        return str(self.folder / f"{name}.pem")


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    made = Pki(tmp_path_factory.mktemp("pki"))
    for ca, leaves in (("ca", ("engine", "client")), ("other-ca", ())):
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ca)])
        write(made, ca, key, certificate(issuer, key, issuer, key, is_ca=True))
        for leaf in leaves:
            own = ec.generate_private_key(ec.SECP256R1())
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, leaf)])
            write(made, leaf, own, certificate(name, own, issuer, key, is_ca=False))
    return made


def certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    *,
    is_ca: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
            critical=False,
        )
    )
    if is_ca:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        return builder.add_extension(usage, critical=True).sign(signer, hashes.SHA256())
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    return (
        builder.add_extension(names, critical=False)
        .add_extension(purposes, critical=False)
        .sign(signer, hashes.SHA256())
    )


def write(pki: Pki, name: str, key: ec.EllipticCurvePrivateKey, signed: x509.Certificate) -> None:
    Path(pki.file(name)).write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    Path(pki.file(f"{name}-key")).write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@pytest.fixture
def port(engine: Engine, pki: Pki) -> Iterator[int]:
    """The port of a relay that asks for a client's certificate, as --tlsverify does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.file("engine"), pki.file("engine-key"))
    context.load_verify_locations(pki.file("ca"))
    context.verify_mode = ssl.CERT_REQUIRED
    with tls_relay(context) as (_, number):
        yield number


def client_files(pki: Pki) -> dict[str, str]:
    return {"cert": pki.file("client"), "key": pki.file("client-key")}


@pytest.mark.parametrize("trust", [{"ca": "ca"}, {"verify": False}], ids=["verified", "not verified, as it was asked"])
async def test_an_engine_behind_tls_is_asked_with_the_clients_certificate(
    engine: Engine, pki: Pki, port: int, trust: dict[str, Any]
) -> None:
    given = {"ca": pki.file(trust["ca"])} if "ca" in trust else trust
    async with connected(f"tcp://127.0.0.1:{port}", label=engine.label, **client_files(pki), **given) as docker:
        found = await docker.containers()

    assert engine.name("plain") in [one.name for one in found.items]


@pytest.mark.parametrize(
    ("host", "files", "reason"),
    [
        pytest.param("127.0.0.1", ["ca", "client"], "", id="the CA and the client's certificate"),
        pytest.param("127.0.0.1", ["other-ca", "client"], "no certificate that is trusted", id="another CA"),
        pytest.param("127.0.0.1", ["client"], "no certificate that is trusted", id="no CA"),
        pytest.param("localhost", ["ca", "client"], "no certificate that is trusted", id="another name"),
        pytest.param("127.0.0.1", ["ca"], "no TLS connection|ended the connection", id="no client's certificate"),
        pytest.param("127.0.0.1", [], "ended the connection", id="plain HTTP to a TLS port"),
    ],
)
async def test_a_tls_connection_that_fails_says_why(
    engine: Engine, pki: Pki, port: int, host: str, files: list[str], reason: str
) -> None:
    settings: dict[str, Any] = client_files(pki) if "client" in files else {}
    for name in files:
        settings |= {"ca": pki.file(name)} if name.endswith("ca") else {}
    async with connected(f"tcp://{host}:{port}", **settings) as docker:
        if not reason:
            assert (await docker.version()).api == "1.41"
            return
        with pytest.raises(NotObserved, match=reason) as fault:
            await docker.containers()

    assert fault.value.fix


async def test_an_engine_that_goes_away_between_two_questions(engine: Engine, tmp_path: Path) -> None:
    async with connected(f"unix://{tmp_path / 'e'}", label=engine.label) as docker:
        with relay(tmp_path / "e") as passed:
            names = [one.name for one in (await docker.containers()).items]
            passed.cut()
        with pytest.raises(NotObserved, match=r"ended the connection|refused the connection"):
            await docker.inspect(names[0])
