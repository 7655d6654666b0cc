"""The Health-Mesh example says what it should, hardened and with each defect, over real TLS."""

import json
import re
import socket
import ssl
import stat
import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from examples.healthmesh import Running, start, status, stop
from examples.healthmesh.choice import ALL_DEFECTS, choose
from examples.healthmesh.defect import Mistake
from examples.healthmesh.secret import DEMO_USER
from examples.healthmesh.service.defects import WEB_DEFECTS
from examples.healthmesh.tables import defect_table

SCRIPT = Path(__file__).parents[2] / "examples" / "healthmesh" / "healthmesh.py"
PAGES = ["/", "/login", "/api/v1/patients", "/health", "/style.css"]
MISSING = "/no-such-page"

HARDENED_HEADERS = {
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "geolocation=(), camera=(), microphone=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "origin-agent-cluster": "?1",
    "x-dns-prefetch-control": "off",
    "x-download-options": "noopen",
    "x-permitted-cross-domain-policies": "none",
    "x-xss-protection": "0",
}


@pytest.fixture(scope="module")
def hardened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with start(tmp_path_factory.mktemp("hardened"), containers=False) as running:
        yield running


def client(running: Running) -> httpx.Client:
    context = ssl.create_default_context(cafile=running.ca)
    return httpx.Client(verify=context, base_url=running.url, trust_env=False)


# --- hardened


@pytest.mark.parametrize("path", [*PAGES, MISSING])
def test_every_answer_carries_every_header_once(hardened: Running, path: str) -> None:
    with client(hardened) as browser:
        headers = browser.get(path).headers

    assert {name: headers.get_list(name) for name in HARDENED_HEADERS} == {
        name: [value] for name, value in HARDENED_HEADERS.items()
    }
    assert "server" not in headers
    assert "x-powered-by" not in headers


def test_an_answer_to_a_wrong_method_carries_the_headers_too(hardened: Running) -> None:
    with client(hardened) as browser:
        answer = browser.delete("/health")

    assert answer.status_code == 405
    assert answer.headers["content-security-policy"] == HARDENED_HEADERS["content-security-policy"]


def test_plain_http_leads_to_https_on_the_same_host_without_hsts(hardened: Running) -> None:
    answer = httpx.get(f"{hardened.http_url}/login?next=%2F", trust_env=False)

    assert (answer.status_code, answer.headers["location"]) == (308, f"{hardened.url}/login?next=%2F")
    assert "strict-transport-security" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_plain_http_does_not_repeat_a_foreign_host(hardened: Running) -> None:
    answer = httpx.get(hardened.http_url, headers={"host": "elsewhere.example"}, trust_env=False)

    assert answer.headers["location"] == f"{hardened.url}/"


def test_the_records_are_for_who_signed_in(hardened: Running) -> None:
    form = {"user": DEMO_USER, "password": secrets_of(hardened)["demo_password"]}
    with client(hardened) as browser:
        assert browser.get("/api/v1/patients").status_code == 401
        assert browser.post("/login", data=form).status_code == 401, "without the form's own cookie"
        browser.get("/login")
        assert browser.post("/login", data={**form, "password": "wrong"}).status_code == 401
        signed_in = browser.post("/login", data=form)
        records = browser.get("/api/v1/patients")

    assert signed_in.status_code == 303
    assert attributes(signed_in, "__Host-session") == ["HttpOnly", "Path=/", "SameSite=Strict", "Secure"]
    assert (records.status_code, len(records.json()["patients"])) == (200, 2)


def test_the_forms_cookie_is_no_session(hardened: Running) -> None:
    with client(hardened) as browser:
        before = browser.get("/login").cookies["__Host-pre-session"]
        answer = browser.get("/api/v1/patients", headers={"cookie": f"__Host-session={before}"})

    assert answer.status_code == 401


def test_a_login_larger_than_a_form_is_refused(hardened: Running) -> None:
    with client(hardened) as browser:
        browser.get("/login")
        answer = browser.post("/login", data={"user": DEMO_USER, "password": "x" * 5000})

    assert answer.status_code == 401


def test_the_certificate_is_a_proper_one_of_90_days(hardened: Running) -> None:
    certificate = certificate_of(hardened)
    extensions = certificate.extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value

    assert names.get_values_for_type(x509.DNSName) == ["localhost", "health-mesh.example"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert (constraints.critical, constraints.value.ca) == (True, False)
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert {"authorityKeyIdentifier", "subjectKeyIdentifier"} <= {one.oid._name for one in extensions}
    assert days_left(certificate) == 90


def test_a_strict_client_trusts_the_certificate(hardened: Running) -> None:
    context = ssl.create_default_context(cafile=hardened.ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT

    with connected(hardened) as plain, context.wrap_socket(plain, server_hostname="localhost") as secure:
        assert secure.version() == "TLSv1.3"


def test_private_files_are_the_owners_alone(hardened: Running) -> None:
    assert mode(hardened.state) == 0o700
    assert mode(hardened.state / "secrets.json") == 0o600
    keys = [path for path in hardened.state.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert [(path.name, mode(path)) for path in keys] == [("server-key.pem", 0o600)]


def test_no_secret_stands_in_any_other_file(hardened: Running) -> None:
    others = [path for path in hardened.state.rglob("*") if path.is_file() and path.name != "secrets.json"]
    text = "".join(path.read_text() for path in others)

    assert len(secrets_of(hardened)) == 4
    assert [name for name, value in secrets_of(hardened).items() if value in text] == []


def test_the_deployment_file_names_the_site_and_no_engine(hardened: Running) -> None:
    assert yaml.safe_load(hardened.deployment.read_text()) == {
        "name": "health-mesh",
        "profile": ["web-baseline", "records-profile.yaml"],
        "fail_on": "medium",
        "waivers": "waivers.yaml",
        "not_applicable": [
            {
                "control": "records.media-disposal",
                "reason": "Health-Mesh runs at a cloud provider and owns no media.",
                "owner": "Platform team",
                "approver": "Chief information security officer",
                "ticket": "HM-77",
                "expires": datetime.now(UTC).date() + timedelta(days=200),
            }
        ],
        "targets": {
            "web": [
                {
                    "name": "public",
                    "url": hardened.url,
                    "ca": "pki/ca.pem",
                    "http_url": hardened.http_url,
                    "paths": ["/", "/login", "/api/v1/patients", "/no-such-page"],
                }
            ],
            "records": [
                {
                    "name": "records",
                    "folder": "records",
                    "public_keys": ["records/compliance.pub.pem"],
                    "required": {
                        "baa": ["aws", "twilio"],
                        "playbook": ["ransomware", "data-breach", "account-takeover"],
                    },
                }
            ],
        },
    }


# --- each defect changes what it says, and nothing else

LEFT_OUT: list[str] = []
CSP = HARDENED_HEADERS["content-security-policy"]


def everywhere(name: str, *lines: str) -> dict[str, object]:
    return {name: [list(lines)], f"{name} on the 404": list(lines)}


def cookie(*kept: str) -> dict[str, object]:
    return {"cookie": sorted(kept)}


CHANGES: dict[str, dict[str, object]] = {
    "hsts-missing": everywhere("strict-transport-security"),
    "hsts-short": everywhere("strict-transport-security", "max-age=86400"),
    "hsts-twice-in-one-line": everywhere(
        "strict-transport-security", "max-age=31536000; includeSubDomains; max-age=31536000"
    ),
    "hsts-first-line-short": everywhere(
        "strict-transport-security", "max-age=300", "max-age=31536000; includeSubDomains"
    ),
    "hsts-missing-on-404": {"strict-transport-security on the 404": LEFT_OUT},
    "csp-missing": everywhere("content-security-policy"),
    "csp-report-only": {
        **everywhere("content-security-policy"),
        **everywhere("content-security-policy-report-only", CSP),
    },
    "csp-unsafe-inline": everywhere(
        "content-security-policy", CSP.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'")
    ),
    "csp-any-script": everywhere("content-security-policy", CSP.replace("script-src 'self'", "script-src *")),
    "csp-missing-on-404": {"content-security-policy on the 404": LEFT_OUT},
    "nosniff-missing": everywhere("x-content-type-options"),
    "nosniff-missing-on-404": {"x-content-type-options on the 404": LEFT_OUT},
    "nosniff-misspelt": everywhere("x-content-type-options", "no-sniff"),
    "frames-allowed": {
        **everywhere("x-frame-options", "ALLOWALL"),
        **everywhere("content-security-policy", CSP.replace("ancestors 'none'", "ancestors 'self'")),
    },
    "frames-same-origin": {
        **everywhere("x-frame-options", "SAMEORIGIN"),
        **everywhere("content-security-policy", CSP.replace("ancestors 'none'", "ancestors 'self'")),
    },
    "referrer-unsafe": everywhere("referrer-policy", "unsafe-url"),
    "referrer-missing": everywhere("referrer-policy"),
    "permissions-missing": everywhere("permissions-policy"),
    "permissions-camera": everywhere("permissions-policy", "geolocation=(), camera=*, microphone=()"),
    "plain-http": {"plain http": (200, None)},
    "redirect-to-http": {"plain http": (301, "http://localhost:PORT/")},
    "redirect-other-host": {"plain http": (301, "https://health-mesh-login.example/")},
    "cookie-no-samesite": cookie("Secure", "HttpOnly", "Path=/"),
    "cookie-samesite-none": cookie("Secure", "HttpOnly", "Path=/", "SameSite=None"),
    "cookie-script-readable": cookie("Secure", "Path=/", "SameSite=Strict"),
    "cookie-not-secure": cookie("HttpOnly", "Path=/", "SameSite=Strict"),
    "server-version": everywhere("server", "nginx/1.18.0 (Ubuntu)"),
    "powered-by": everywhere("x-powered-by", "Express"),
    "opener-missing": everywhere("cross-origin-opener-policy"),
    "resource-policy-missing": everywhere("cross-origin-resource-policy"),
    "tls-old": {"tls": {"TLSv1": "accepted", "TLSv1_1": "accepted", "TLSv1_2": "accepted", "TLSv1_3": "accepted"}},
    "certificate-expiring": {"days left": 5},
}


def test_every_web_defect_is_in_the_table_above() -> None:
    assert sorted(CHANGES) == sorted(defect.name for defect in WEB_DEFECTS)


@pytest.mark.parametrize("name", CHANGES)
def test_a_defect_changes_what_it_says_and_nothing_else(hardened: Running, tmp_path: Path, name: str) -> None:
    with start(tmp_path, defects=[name], containers=False) as defective:
        assert changes(observed(hardened), observed(defective)) == CHANGES[name]


def test_leaky_trips_every_check_of_the_web(hardened: Running, tmp_path: Path) -> None:
    with start(tmp_path, mode="leaky", containers=False) as leaky:
        changed = changes(observed(hardened), observed(leaky))

    wanted = {defect.check for defect in WEB_DEFECTS}
    assert {defect.check for defect in WEB_DEFECTS if defect.name in leaky.defects} == wanted
    expected = [CHANGES[name] for name in leaky.defects if name in CHANGES]
    assert set(changed) == set().union(*expected)


def test_hardened_refuses_old_tls_and_says_so_itself(hardened: Running) -> None:
    assert tls_versions(hardened) == {
        "TLSv1": "refused by the server",
        "TLSv1_1": "refused by the server",
        "TLSv1_2": "refused by the server",
        "TLSv1_3": "accepted",
    }


# --- what is asked for


def test_clashing_defects_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="hsts-missing and hsts-short both alter Strict-Transport-Security"):
        start(tmp_path, defects=["hsts-short", "hsts-missing"], containers=False)


def test_an_unknown_defect_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="unknown defect hsts-mising"):
        start(tmp_path, defects=["hsts-mising"], containers=False)


def test_a_container_defect_without_containers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="root-user is a defect of a container"):
        start(tmp_path, defects=["root-user"], containers=False)


def test_a_defect_asked_for_by_name_displaces_the_one_that_leaky_would_take() -> None:
    chosen = choose("leaky", ["hsts-short"], containers=False)

    assert "hsts-short" in chosen.names
    assert "hsts-missing" not in chosen.names


def test_an_engine_that_does_not_answer_is_named_and_is_no_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with start(tmp_path / "state") as running:
        assert running.no_containers is not None
        assert f"no engine answers at unix://{tmp_path}/none.sock" in running.no_containers
        assert list(yaml.safe_load(running.deployment.read_text())["targets"]) == ["web", "records"]


# --- starting and stopping


def test_the_command_starts_tells_and_stops_twice(tmp_path: Path) -> None:
    parts = ("--no-containers", "--no-cloud", "--no-source")
    started = command("start", *parts, "--defect", "powered-by", "--state", str(tmp_path))
    assert started.returncode == 0, started.stderr
    told = command("status", "--state", str(tmp_path))
    running = status(tmp_path)
    assert running is not None
    with client(running) as browser:
        assert browser.get("/").headers["x-powered-by"] == "Express"

    assert running.url in told.stdout
    assert command("start", "--no-containers", "--state", str(tmp_path)).returncode == 2
    assert command("stop", "--state", str(tmp_path)).stdout == "stopped: service\n"
    assert command("stop", "--state", str(tmp_path)).stdout == "nothing was running\n"
    assert command("status", "--state", str(tmp_path)).returncode == 1


def test_two_instances_run_side_by_side_and_end_apart(hardened: Running, tmp_path: Path) -> None:
    with start(tmp_path, mode="leaky", project="health-mesh-leaky", containers=False) as leaky:
        assert leaky.url != hardened.url
        leaky.stop()
        with client(hardened) as browser:
            assert browser.get("/health").json() == {"status": "ok"}
        assert leaky.stop() == []


def test_stop_leaves_a_process_alone_that_only_has_the_same_id(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        (tmp_path / "service.pid").write_text(f"{other.pid} 1\n")
        assert stop(tmp_path) == []
        assert other.poll() is None
        other.communicate(b"\n")
    assert other.returncode == 0


def test_the_readme_has_the_table_of_defects() -> None:
    assert defect_table() in (SCRIPT.parent / "README.md").read_text()


def test_defect_names_are_unique_and_each_is_one_sentence() -> None:
    names = [defect.name for defect in ALL_DEFECTS]
    assert len(set(names)) == len(names)
    assert [defect.says for defect in ALL_DEFECTS if not re.fullmatch(r"[A-Zm].*\.", defect.says)] == []


# --- what is observed


def observed(running: Running) -> dict[str, object]:
    """Everything that a client can see and a defect may change."""
    with client(running) as browser:
        answers = [browser.get(path) for path in PAGES]
        missing = browser.get(MISSING)
        login = browser.get("/login")
    told = {name for answer in [*answers, missing] for name in answer.headers} | HARDENED_HEADERS.keys()
    said: dict[str, object] = {}
    for name in told - {"date", "content-length", "content-type", "set-cookie"}:
        lines = [answer.headers.get_list(name) for answer in answers]
        said[name] = [one for number, one in enumerate(lines) if one not in lines[:number]]
        said[f"{name} on the 404"] = missing.headers.get_list(name)
    said["cookie"] = attributes(login, "__Host-pre-session")
    said["plain http"] = plain_answer(running)
    said["tls"] = tls_versions(running)
    said["days left"] = days_left(certificate_of(running))
    return said


def changes(before: dict[str, object], after: dict[str, object]) -> dict[str, object]:
    return {name: after.get(name) for name in before | after if after.get(name) != before.get(name)}


def plain_answer(running: Running) -> tuple[int, str | None]:
    with client(running) as browser:
        answer = browser.get(running.http_url)
    location = answer.headers.get("location")
    return answer.status_code, None if location is None else re.sub(r":\d+/", ":PORT/", location)


def attributes(answer: httpx.Response, name: str) -> list[str]:
    [line] = [one for one in answer.headers.get_list("set-cookie") if one.startswith(f"{name}=")]
    return sorted(part.strip() for part in line.split(";")[1:])


def tls_versions(running: Running) -> dict[str, str]:
    names = ("TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3")
    return {name: tls_answer(running, ssl.TLSVersion[name]) for name in names}


def tls_answer(running: Running, version: ssl.TLSVersion) -> str:
    """Asked properly: with every suite on offer, so that a refusal is the server's and not our own."""
    context = ssl.create_default_context(cafile=running.ca)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    try:
        with connected(running) as plain, context.wrap_socket(plain, server_hostname="localhost"):
            return "accepted"
    except ssl.SSLError as error:
        return "refused by the server" if "ALERT_PROTOCOL_VERSION" in str(error.reason) else str(error.reason)


def connected(running: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", httpx.URL(running.url).port or 443), timeout=10)


def certificate_of(running: Running) -> x509.Certificate:
    context = ssl.create_default_context(cafile=running.ca)
    with connected(running) as plain, context.wrap_socket(plain, server_hostname="localhost") as secure:
        received = secure.getpeercert(binary_form=True)
    assert received is not None
    return x509.load_der_x509_certificate(received)


def days_left(certificate: x509.Certificate) -> int:
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    return round(left.total_seconds() / 86400)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def secrets_of(running: Running) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads((running.state / "secrets.json").read_text())
    return kept


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, timeout=120, check=False
    )
