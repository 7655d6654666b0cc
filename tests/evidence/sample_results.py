"""Results for tests of the reports: every status and outcome, hostile text, and large ones; the same at each call."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from meshguard.gate import decide
from meshguard.profile import Phase, Priority, Reference, Weights
from meshguard.results import (
    ControlResult,
    Coverage,
    Declaration,
    Finding,
    LeftOutOf,
    Named,
    ObservationUsed,
    PluginUsed,
    Population,
    Results,
    Run,
    ScopeUsed,
    Status,
    Subject,
    Tool,
    WaiverUsed,
    finding_id,
    status_of,
)
from meshguard.score import formula, score_of
from meshguard.values import Shown
from meshguard.verdict import Outcome

SCRIPT = "</script><script>window.__pwned = 1; alert(1)</script>"
IMAGE = '"><img src=x onerror="window.__pwned = 2; alert(2)">'
STYLE = "</style></title><svg onload=alert(3)><a href='javascript:alert(4)'>{{ 7 * 7 }}</a><!--"
TURNED = "invoice\u202egpj.exe\u2066\u200b"
ZERO = "nul\x00bell\x07escape\x1b[31m"
LONG = "x" * 10_000
UNBROKEN = "sha256:" + "0123456789abcdef" * 16
HOSTILE = (SCRIPT, IMAGE, STYLE, TURNED, ZERO, LONG, UNBROKEN)


@dataclass
class Row:
    """A finding of a control, in short."""

    resource: str
    outcome: str
    message: str
    got: Shown = None
    want: Shown = None
    fix: str = ""
    waiver: str | None = None
    seen: tuple[str, ...] = ()


@dataclass
class Ran:
    """A check of a control: what it was run over, and what came of it."""

    check: str
    target: str
    rows: list[Row]
    method: Literal["test", "examine", ""] = "examine"
    query: str = ""
    left_out: tuple[LeftOutOf, ...] = ()
    parameters: dict[str, object] = field(default_factory=dict)
    complete: bool = True
    note: str = ""


@dataclass
class Made:
    """A control before it is judged."""

    id: str
    title: str
    section: str
    priority: Priority
    ran: list[Ran]
    statement: str = ""
    place: str = ""
    rationale: str = ""
    remediation: str = ""
    refs: tuple[Reference, ...] = ()
    phase: tuple[Phase, ...] = ("pre", "post")
    declared: tuple[str, str] | None = None
    pending: str = ""
    method: str = ""
    requires: tuple[str, ...] = ()
    follows: tuple[Status, str] | None = None
    """What it has from the controls that it requires."""


TRANSPORT, CONTAINERS, SESSIONS, CLOUD, OPERATIONS = (
    "1. Transport",
    "2. Containers",
    "3. Sessions and access",
    "4. Cloud storage",
    "5. Operations",
)
PAGES = ("/", "/login", "/api/v1/patients", "/health", "/static/app.js", "/logout", "/docs", "/metrics", "/admin")
SERVICES = ("gateway", "patients", "billing", "scheduler", "postgres", "redis")
WAIVER = "WVR-12: vendor image needs it until its next release; owner platform, approved by ciso, until 2026-12-31"


def _passes(resources: Iterable[str], message: str, got: Shown, want: Shown = None) -> list[Row]:
    return [Row(resource, "pass", message, got, want) for resource in resources]


def _transport() -> list[Made]:
    hsts = _passes(PAGES, "max-age is 365d", "365d", "365d")
    hsts[7] = Row("/metrics", "fail", "no Strict-Transport-Security header", None, "365d")
    hsts[6] = Row("/docs", "fail", "max-age is 1h, wanted 365d", "1h", "365d")
    unread = Row("/admin", "error", "no answer within 10 s", fix="see that the site answers, or raise `fact_deadline`")
    csp = [Row(p, "fail", "no Content-Security-Policy header", None, "a policy", "Send one.") for p in PAGES[:3]]
    fix = "Send `Strict-Transport-Security: max-age=31536000; includeSubDomains` on every https answer."
    for row in hsts:
        row.fix = fix if row.outcome == "fail" else ""
    return [
        Made(
            "transport.hsts",
            "Browsers are told to use HTTPS",
            TRANSPORT,
            "high",
            [
                Ran(
                    "web.hsts",
                    "web:public",
                    [*hsts[:8], unread],
                    "test",
                    "web:public/pages()",
                    (LeftOutOf(filter="exclude: /static/vendor/*", count=14),),
                    {"min_age": "365d", "include_subdomains": True},
                )
            ],
            "All external endpoints shall send Strict-Transport-Security with a max-age of at least one year.",
            "table 3, row 2",
            "Without it, a first request over http can be answered by anyone on the path.",
            "Set the header at the gateway, for every answer and not for pages alone.",
            (
                Reference(framework="OWASP ASVS", version="5.0", ids=("3.4.1",)),
                Reference(framework="NIST SP 800-53", version="5", ids=("SC-8", "SC-23")),
            ),
        ),
        Made(
            "transport.tls-version",
            "TLS 1.2 is the oldest version offered",
            TRANSPORT,
            "critical",
            [
                Ran(
                    "tls.versions",
                    "tls:public",
                    [Row("-", "pass", "offers TLS 1.2, TLS 1.3", "TLS 1.2, TLS 1.3")],
                    "test",
                )
            ],
            refs=(Reference(framework="NIST SP 800-52", version="2", ids=("3.1",)),),
        ),
        Made(
            "transport.certificate",
            "The certificate is valid for 14 more days",
            TRANSPORT,
            "high",
            [Ran("tls.expiry", "tls:public", [Row("-", "pass", "left is 61d", "61d", "14d")], "test")],
            phase=("post",),
        ),
        Made(
            "transport.csp",
            "Pages carry a Content-Security-Policy",
            TRANSPORT,
            "medium",
            [Ran("web.csp", "web:public", csp)],
        ),
    ]


def _containers() -> list[Made]:
    root = _passes(SERVICES[:4], "runs as uid 10001", 10001, "not 0")
    root.append(Row("postgres", "fail", "runs as uid 0", 0, "not 0", "Set `user:` in compose.yaml."))
    root.append(Row("redis", "not-applicable", "the container has no process: it is stopped"))
    caps = _passes(SERVICES[:5], "no capability was added", "")
    caps.append(Row("redis", "fail", "NET_ADMIN was added", "NET_ADMIN", "none", "Drop it.", WAIVER))
    left = (
        LeftOutOf(filter="label: com.docker.compose.project=health-mesh", count=11),
        LeftOutOf(filter="stopped", count=2),
    )
    return [
        Made(
            "containers.non-root",
            "No container runs as root",
            CONTAINERS,
            "critical",
            [Ran("docker.non_root", "docker:local", root, query="docker:local/containers()", left_out=left)],
            "Containers shall not run their main process as root.",
            "4.1",
            refs=(Reference(framework="CIS Docker", version="1.6", ids=("4.1", "5.31")),),
            remediation="Build the image with `USER 10001`, and set `user:` where the image can't be changed.",
        ),
        Made(
            "containers.capabilities",
            "No container has added capabilities",
            CONTAINERS,
            "high",
            [Ran("docker.capabilities", "docker:local", caps, query="docker:local/containers()", left_out=left)],
        ),
        Made(
            "containers.read-only",
            "Root file systems are read-only",
            CONTAINERS,
            "medium",
            [Ran("docker.read_only", "docker:local", _passes(SERVICES, "is read-only", True, True))],
            phase=("pre",),
        ),
        Made(
            "containers.limits",
            "Memory and process limits are set",
            CONTAINERS,
            "low",
            [
                Ran("docker.memory", "docker:local", _passes(SERVICES, "limit is 512 MiB", 536870912)),
                Ran(
                    "docker.pids",
                    "docker:local",
                    _passes(SERVICES, "limit is 200", 200, "1 to 500"),
                    parameters={"max": 500},
                ),
            ],
        ),
        Made(
            "containers.names",
            f"Names hold no markup {SCRIPT}",
            CONTAINERS,
            "low",
            [
                Ran(
                    "docker.names",
                    "docker:local",
                    [Row(text, "fail", f"the name is {text}", text, IMAGE, f"rename {text}") for text in HOSTILE],
                    note=STYLE,
                    query=f"docker:local/containers({IMAGE})",
                )
            ],
            statement=f"{SCRIPT} {TURNED} {UNBROKEN}",
            rationale=LONG,
            remediation=ZERO,
            place=IMAGE,
            refs=(Reference(framework=IMAGE, version="1", ids=(UNBROKEN,)),),
        ),
    ]


def _sessions() -> list[Made]:
    off = "it changes state, and this audit may only read"
    allow = "set `active: true` in the deployment file and give --active=health-mesh-staging"
    return [
        Made(
            "sessions.lifetime",
            "Access tokens live for 15 minutes at most",
            SESSIONS,
            "high",
            [
                Ran(
                    "auth.token_lifetime",
                    "web:public",
                    [Row("-", "not-checked", f"login was not asked: {off}", fix=allow)],
                    "test",
                )
            ],
            "Access tokens shall expire within 15 minutes.",
        ),
        Made(
            "sessions.lockout",
            "Repeated wrong passwords are slowed down",
            SESSIONS,
            "critical",
            [
                Ran(
                    "auth.lockout",
                    "web:public",
                    [Row("-", "not-checked", f"the burst was not sent: {off}", fix=allow)],
                    "test",
                )
            ],
        ),
        Made(
            "sessions.cookies",
            "Cookies are Secure and HttpOnly",
            SESSIONS,
            "high",
            [
                Ran(
                    "web.cookies",
                    "web:public",
                    _passes(PAGES[:4], "all cookies carry both", "Secure, HttpOnly"),
                    "test",
                )
            ],
        ),
        Made(
            "sessions.mfa",
            "Administrators log in with a second factor",
            SESSIONS,
            "critical",
            [],
            pending="a record of the identity provider's policy",
        ),
        Made(
            "sessions.roles",
            "Roles are reviewed twice a year",
            SESSIONS,
            "medium",
            [Ran("records.fresh", "records:signed", [Row("role-review", "pass", "signed 41d ago", "41d", "183d")])],
        ),
    ]


def _cloud() -> list[Made]:
    buckets = [f"backup-{name}" for name in SERVICES]
    denied = "s3:GetBucketPolicy was denied"
    grant = "grant s3:GetBucketPolicy to the audit role"
    public = [
        *_passes(buckets[:3], "blocks public access", "all four"),
        *(Row(b, "error", denied, fix=grant) for b in buckets[3:]),
    ]
    gap = "no aws target in meshguard.yaml"
    return [
        Made(
            "cloud.public-access",
            "No bucket can be read by the public",
            CLOUD,
            "critical",
            [
                Ran(
                    "aws.public_access",
                    "aws:main",
                    public,
                    query="aws:main/buckets()",
                    complete=False,
                    note="page 2 was throttled",
                )
            ],
        ),
        Made(
            "cloud.encryption",
            "Buckets are encrypted with a managed key",
            CLOUD,
            "high",
            [Ran("aws.encryption", "aws:main", _passes(buckets, "uses aws:kms", "aws:kms"))],
        ),
        Made(
            "cloud.versioning",
            "Backup buckets keep versions",
            CLOUD,
            "medium",
            [Ran("aws.versioning", "aws", [Row("-", "not-checked", gap, fix="add one under `targets: aws:`")])],
        ),
        Made(
            "cloud.replication",
            "Backups are copied to a second region",
            CLOUD,
            "medium",
            [Ran("aws.replication", "aws:main", [Row(b, "fail", "has no rule", 0, 1) for b in buckets[:2]])],
            declared=("one region by contract", "owner ops, approved by ciso, until 2027-06-30"),
        ),
    ]


def _operations() -> list[Made]:
    legacy = [Row(name, "fail", "has no probe", None, "a probe", waiver=WAIVER) for name in SERVICES[:2]]
    return [
        Made(
            "operations.probes",
            "Services have health probes",
            OPERATIONS,
            "medium",
            [Ran("docker.health", "docker:local", legacy)],
        ),
        Made(
            "operations.blue-green",
            "Releases go out blue-green",
            OPERATIONS,
            "low",
            [],
            declared=("one host", "owner ops, approved by ciso, until 2027-06-30"),
        ),
        Made(
            "operations.drill",
            "A restore was drilled this year",
            OPERATIONS,
            "high",
            [
                Ran(
                    "records.drill",
                    "records:signed",
                    [
                        Row(
                            "restore-drill",
                            "fail",
                            "signed 402d ago, wanted 365d",
                            "402d",
                            "365d",
                            "Drill a restore, and sign the record.",
                        )
                    ],
                )
            ],
        ),
        Made(
            "operations.logs",
            "Logs carry no secrets",
            OPERATIONS,
            "high",
            [Ran("docker.logs", "docker:local", _passes(SERVICES, "no secret in 10,000 lines", 0, 0))],
        ),
        Made(
            "operations.clock",
            "Clocks agree within a second",
            OPERATIONS,
            "low",
            [Ran("clock.offset", "web:public", [Row("-", "pass", "offset is 0.4", 0.4, "1s")], "test")],
        ),
        Made(
            "operations.images",
            "Images are pinned by digest",
            OPERATIONS,
            "medium",
            [Ran("docker.pinned", "docker:local", _passes(SERVICES, "is pinned", UNBROKEN))],
        ),
    ]


def _digest(name: str) -> str:
    return "sha256:" + hashlib.sha256(name.encode()).hexdigest()


def _findings(made: Made) -> list[Finding]:
    return [
        Finding(
            id=finding_id(made.id, ran.check, ran.target, row.resource),
            control=made.id,
            check=ran.check,
            method=ran.method,
            target=ran.target,
            resource=row.resource,
            outcome=Outcome(row.outcome),
            message=row.message,
            got=row.got,
            want=row.want,
            fix=row.fix,
            observations=row.seen or _keys(ran, row),
            waiver=row.waiver,
        )
        for ran in made.ran
        for row in ran.rows
    ]


def _keys(ran: Ran, row: Row) -> tuple[str, ...]:
    listed = (ran.query,) if ran.query else ()
    return (*listed, f"{ran.target}/{ran.check.split('.')[0]}({row.resource[:200]!r})")


def _population(ran: Ran, control: str) -> Population:
    return Population(
        controls=(control,),
        check=ran.check,
        target=ran.target,
        parameters=ran.parameters,
        query=ran.query or ran.target,
        listed=len(ran.rows),
        judged=sum(row.outcome in ("pass", "fail") for row in ran.rows),
        left_out=ran.left_out,
        complete=ran.complete,
        note=ran.note,
    )


def _control(made: Made, findings: list[Finding]) -> ControlResult:
    status, reason = status_of(findings, made.pending)
    failed = [finding for finding in findings if finding.outcome is Outcome.FAIL]
    if status is Status.NOT_SATISFIED and all(finding.waiver for finding in failed):
        status, reason = Status.WAIVED, f"{len(failed)} failing resource(s), each with a valid waiver"
    declared = ""
    if made.declared:
        status, (reason, declared) = Status.NOT_APPLICABLE, made.declared
    if made.follows:
        status, reason = made.follows
    return ControlResult(
        method=made.method,
        requires=made.requires,
        derived=bool(made.requires),
        id=made.id,
        title=made.title,
        statement=made.statement,
        section=made.section,
        place=made.place,
        status=status,
        reason=reason,
        priority=made.priority,
        phase=made.phase,
        rationale=made.rationale,
        remediation=made.remediation,
        refs=made.refs,
        declared=declared,
    )


def _results(made: list[Made], *, scope: ScopeUsed, complete: bool | str, run: Run, notes: tuple[str, ...]) -> Results:
    findings = {one.id: _findings(one) for one in made}
    controls = [_control(one, findings[one.id]) for one in made]
    keys = sorted({key for found in findings.values() for finding in found for key in finding.observations})
    failed = {f.observations[-1]: f.message for found in findings.values() for f in found if f.outcome is Outcome.ERROR}
    statuses = [control.status for control in controls]
    return Results(
        schema="meshguard.results/1",
        meshguard=Tool(
            version="0.1.0",
            python="3.12.4",
            plugins=(
                PluginUsed(
                    group="meshguard.checks",
                    name="web",
                    distribution="meshguard",
                    version="0.1.0",
                    digest=_digest("web"),
                ),
                PluginUsed(group="meshguard.targets", name="docker", distribution="meshguard", version="0.1.0"),
            ),
        ),
        run=run,
        scope=scope,
        profiles=(
            Named(name="health-mesh", version="2026.1", digest=_digest("profile")),
            Named(name="web-baseline", version="1.0.0", digest=_digest("base")),
        ),
        deployment=Named(name="health-mesh-staging", digest=_digest("deployment")),
        subjects=(
            Subject(target="web:public", subject="https://health-mesh.example", stage="staging"),
            Subject(target="tls:public", subject="health-mesh.example:443"),
            Subject(target="docker:local", subject=f"engine 20.10.24, host {IMAGE}"),
            Subject(target="aws:main", subject="account 000000000000, us-east-1", stage="staging"),
        ),
        complete=complete,
        gate=decide(controls, fail_on="high", complete=complete),
        score=score_of(controls) if complete is True and scope.kind == "full" else None,
        coverage=Coverage(
            controls=len(controls),
            satisfied=statuses.count(Status.SATISFIED),
            not_satisfied=statuses.count(Status.NOT_SATISFIED),
            undetermined=statuses.count(Status.UNDETERMINED),
            waived=statuses.count(Status.WAIVED),
            not_applicable=statuses.count(Status.NOT_APPLICABLE),
            determined=round(1 - statuses.count(Status.UNDETERMINED) / len(controls), 4) if controls else 0.0,
        ),
        score_formula=formula(Weights()),
        notes=notes,
        controls=tuple(controls),
        findings=tuple(finding for found in findings.values() for finding in found),
        populations=tuple(_population(ran, one.id) for one in made for ran in one.ran if ran.target != "aws"),
        observations=tuple(
            ObservationUsed(key=key, digest=_digest(key), time="2026-10-05T09:30:07.250Z", error=failed.get(key, ""))
            for key in keys
        ),
    )


RUN = Run(
    operator="j.doe",
    host="runner-7.ci.example",
    argv=("meshguard", "audit", "--fail-on", "high", "--html", "out/report of today.html"),
    commit="3f6c1e0b9a7d4c52810e6f4b2a9d7c5e13f08b46",
    ci="https://ci.example/health-mesh/runs/4711",
    started="2026-10-05T09:30:00Z",
    finished="2026-10-05T09:31:42Z",
    clock_offset_s=0.4,
)
FULL = ScopeUsed(kind="full")
REDUCED = ScopeUsed(kind="reduced", phase="post", narrowed_by=("--only transport.*", "--skip transport.csp"))


def sample(*, reduced: bool = False, incomplete: bool = False, replayed: bool = False, hostile: bool = True) -> Results:
    """24 controls in five sections: all statuses, all outcomes, more than sixty findings, and hostile text in them."""
    made = [*_transport(), *_containers(), *_sessions(), *_cloud(), *_operations()]
    made = [one for one in made if hostile or one.id != "containers.names"]
    if reduced:
        made = [one for one in made if one.id.startswith("transport.") and one.id != "transport.csp"]
    return _results(
        made,
        scope=REDUCED if reduced else FULL,
        complete="interrupted by SIGTERM" if incomplete else True,
        run=RUN.model_copy(update={"replayed": _digest("recording")}) if replayed else RUN,
        notes=("the waiver WVR-9 of containers.capabilities expired on 2026-09-30 and does not count",),
    )


PRE, POST = "Pre-Deployment Checklist", "Post-Deployment Checklist"


def _item(name: str, place: str, statement: str, status: Status, reason: str, *requires: str) -> Made:
    """An item of the guide's checklists, which follows from other controls."""
    return Made(
        f"checklist.{name}",
        f"Before release: {statement.lower()}",
        "Security Checklist",
        "high",
        [],
        statement,
        place,
        method="derived",
        requires=requires,
        follows=(status, reason),
    )


def _checklists() -> list[Made]:
    pending = "not fully verified yet: needs"
    return [
        _item("pre.headers", PRE, "Security headers configured", Status.SATISFIED, "1 of 1 holds", "web.hsts"),
        _item(
            "pre.containers",
            PRE,
            "Containers hardened",
            Status.NOT_SATISFIED,
            "docker.root is not satisfied: api: the user is 0:0 (and 1 more)",
            "docker.root",
        ),
        _item(
            "pre.alerts",
            PRE,
            "Alerting tested",
            Status.UNDETERMINED,
            f"alerts.delivered is undetermined: {pending} an alert that arrives",
            "alerts.delivered",
        ),
        _item(
            "post.reports", POST, "Reports generated", Status.WAIVED, "1 accepted failure: unsigned", "records.report"
        ),
        _item("post.rollout", POST, "Both sides switched", Status.NOT_APPLICABLE, "0 of 1", "deploy.blue-green"),
    ]


def _guide_controls() -> list[Made]:
    fix = "Set `user:` in compose.yaml."
    root = [
        Row("api", "error", "the container vanished", fix="run the audit again"),
        Row("db", "fail", "the user is 0:0", True, False, fix),
        Row("worker", "fail", "the user is 0:0", True, False, fix),
        Row("[red]proxy[/red]", "fail", "the user root is uid 0", 0, 10001, fix),
        Row("legacy", "fail", "the user is 0:0", True, False, fix, waiver="HM-9"),
    ]
    late = "report/monthly is not signed; next: report/monthly is due for review in 5 days (2026-10-10)"
    restore = "1 entry holds; next: restore-test/database is due for review (2027-01-02)"
    gap = Row("-", "not-checked", "no aws target in meshguard.yaml", fix="add one under `targets: aws:`")
    unsigned = Row("-", "fail", late, fix="Sign it.", waiver="HM-8")
    hipaa = Reference(framework="HIPAA", version="45 CFR 164", ids=("164.312(a)(1)", "164.312(e)(1)"))
    return [
        Made("web.hsts", "HTTPS is remembered", "Transport", "high", [_hsts()], refs=(hipaa,), method="test"),
        Made("docker.root", "No process is root", "Containers", "critical", [Ran("docker.root", "docker:local", root)]),
        Made("records.report", "The report is signed", "Records", "medium", [_record(unsigned)]),
        Made("records.restore", "A restore succeeded", "Records", "high", [_record(Row("-", "pass", restore))]),
        Made("cloud.keys", "Keys rotate", "Cloud", "critical", [Ran("aws.keys", "aws", [gap])], refs=(hipaa,)),
        Made("alerts.delivered", "Alerts arrive", "Alerts", "medium", [], pending="needs an alert that arrives"),
        *(
            Made(f"api.later-{n}", f"Demand {n}", "API", ("critical", "low")[n % 2 == 0], [], pending=f"needs api.{n}")
            for n in range(1, 9)
        ),
        Made("deploy.blue-green", "Two sides", "Deployment", "low", [], declared=("one host", "owner ops")),
    ]


def _hsts() -> Ran:
    return Ran("web.hsts", "web:public", [Row("/", "pass", "max-age is 365d", "365d", "365d")], "test")


def _record(row: Row) -> Ran:
    return Ran("records.fresh", "records:records", [row])


_DECIDED = {"owner": "Platform team", "approver": "Head of security"}


def _waiver(
    ticket: str, resource: str, state: str, expires: date, findings: int, *, ends_soon: bool = False
) -> WaiverUsed:
    said = {"name": ticket, "ticket": ticket, "resource": resource, "state": state, "expires": expires, **_DECIDED}
    rest = {"target": "*", "control": "docker.root", "reason": "It goes with the next release.", "findings": findings}
    return WaiverUsed.model_validate({**said, **rest, "created": date(2026, 6, 1), "ends_soon": ends_soon})


def _declaration(control: str, state: str) -> Declaration:
    said = {"control": control, "reason": "There is one host.", "state": state, "expires": date(2027, 6, 30)}
    return Declaration.model_validate({**said, **_DECIDED, "ticket": "HM-1"})


def guide() -> Results:
    """What a guide has beside controls: checklists, what waits, what follows, decisions, a baseline, days that come."""
    made = [*_guide_controls(), *_checklists()]
    found = _results(made, scope=FULL, complete=True, run=RUN, notes=())
    known = {"docker.root": "2026-09-01"}
    return found.model_copy(
        update={
            "waivers": (
                _waiver("HM-9", "legacy", "in use", date(2026, 10, 20), 1, ends_soon=True),
                _waiver("HM-8", "-", "in use", date(2027, 3, 1), 1),
                _waiver("HM-7", "gone", "unused", date(2027, 3, 1), 0),
                _waiver("HM-6", "db", "expired", date(2026, 9, 30), 1),
            ),
            "declarations": (
                _declaration("deploy.blue-green", "in use"),
                _declaration("web.hsts", "expired"),
                _declaration("records.report", "contradicted"),
            ),
            "baseline_until": date(2026, 12, 31),
            "controls": tuple(
                control.model_copy(update={"pulled_in": control.id == "cloud.keys", "known": control.id in known})
                for control in found.controls
            ),
            "findings": tuple(
                f.model_copy(update={"known_since": known[f.control]})
                if f.control in known and f.outcome == "fail"
                else f
                for f in found.findings
            ),
        }
    )


def clean() -> Results:
    """Everything is satisfied, and the gate is open."""
    made = [one for one in _operations() if one.id in ("operations.logs", "operations.clock", "operations.images")]
    return _results(made, scope=FULL, complete=True, run=RUN, notes=())


def empty() -> Results:
    """Nothing at all: no control, no target, no observation."""
    run = Run(operator="uid 0", host="localhost", argv=("meshguard",), started="", finished="")
    nothing = _results([], scope=FULL, complete="it ended before it began", run=run, notes=())
    tool = Tool(version="0.1.0", python="3.12.4", plugins=())
    return nothing.model_copy(update={"subjects": (), "profiles": (), "meshguard": tool})


def large(resources: int = 1000, checks: int = 5) -> Results:
    """One control for each check, judged over many containers: one in fifty fails, one in a hundred has no answer."""
    made = []
    for number in range(checks):
        rows = [_one_of_many(f"replica-{index:05}.health-mesh.internal", index + number) for index in range(resources)]
        ran = Ran(f"docker.check_{number}", "docker:local", rows, query="docker:local/containers()")
        made.append(Made(f"containers.check-{number}", f"Demand number {number}", CONTAINERS, "high", [ran]))
    return _results(made, scope=FULL, complete=True, run=RUN, notes=())


def _one_of_many(name: str, index: int) -> Row:
    seen = ("docker:local/containers()", "docker:local/version()", f"docker:local/container({name!r})")
    if index % 100 == 99:
        return Row(name, "error", "the container vanished while it was read", fix="run the audit again", seen=seen)
    if index % 50 == 7:
        return Row(name, "fail", "runs as uid 0", 0, "not 0", "Set `user:` in compose.yaml.", seen=seen)
    return Row(name, "pass", "runs as uid 10001", 10001, "not 0", seen=seen)
