"""What IAM says of the root user, and the whole credential report: moto knows no root user."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Root:
    """The root user of an account; in a new account it has a password and nothing else."""

    mfa: bool = False
    access_keys: int = 0
    used_days_ago: float | None = None


_roots: dict[str, Root] = {}
CREATED = datetime(2020, 1, 1, tzinfo=UTC)
"""When every account was opened."""


def set_root(*, mfa: bool, access_keys: int, used_days_ago: float | None, account: str) -> None:
    """What IAM says of the root user of an account, or of all (`account` is empty)."""
    if access_keys not in range(3):
        raise ValueError("the root user has at most two access keys")
    _roots[account] = Root(mfa, access_keys, used_days_ago)


def forget_roots() -> None:
    """As in a new account."""
    _roots.clear()


def _root(account: str) -> Root:
    return _roots.get(account) or _roots.get("") or Root()


def patch(owner: type, **methods: object) -> None:
    """Replace methods of one of moto's classes."""
    for name, method in methods.items():
        setattr(owner, name, method)


def patch_iam() -> None:
    """The account's summary and the credential report know the root user, and the report all of its columns."""
    from moto.iam.models import AccountSummary, IAMBackend
    from moto.iam.responses import IamResponse

    summary: Any = AccountSummary.summary_map
    generate, create, update = (
        IAMBackend.generate_report,
        IAMBackend.create_login_profile,
        IAMBackend.update_login_profile,
    )

    def with_root(self: AccountSummary) -> dict[str, Any]:
        root = _root(self._iam_backend.account_id)
        # Both are 0 or 1 (GetAccountSummary).
        present = {"AccountMFAEnabled": int(root.mfa), "AccountAccessKeysPresent": int(root.access_keys > 0)}
        return {**summary.fget(self), **present, "AccountPasswordPresent": 1}

    def generated(self: Any) -> None:
        generate(self)
        self.report_time = datetime.now(UTC)

    def report(self: IAMBackend) -> str:
        return _report(self)

    def get_report(self: IamResponse) -> Any:
        from moto.core.responses import ActionResult

        text = self.backend.get_credential_report()
        return ActionResult(
            {"Content": text, "ReportFormat": "text/csv", "GeneratedTime": vars(self.backend)["report_time"]}
        )

    def created(self: IAMBackend, user_name: str, password: str) -> Any:
        return _changed(create(self, user_name, password))

    def updated(self: IAMBackend, user_name: str, password: str, password_reset_required: bool) -> Any:
        done = update(self, user_name, password, password_reset_required)
        _changed(self.get_user(user_name))
        return done

    patch(AccountSummary, summary_map=property(with_root))
    patch(IAMBackend, generate_report=generated, get_credential_report=report)
    patch(IAMBackend, create_login_profile=created, update_login_profile=updated)
    patch(IamResponse, get_credential_report=get_report)


def _changed(user: Any) -> Any:
    user.password_changed = datetime.now(UTC)
    return user


_KEY = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
COLUMNS = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    *(f"access_key_{number}_{name}" for number in (1, 2) for name in _KEY),
    *(f"cert_{number}_{name}" for number in (1, 2) for name in _KEY[:2]),
    "additional_credentials_info",
)
"""As documented under "Getting credential reports for your AWS account"."""
NA = "N/A"


def _report(backend: Any) -> str:
    from moto.iam.exceptions import ReportNotPresentException

    if not backend.credential_report:
        raise ReportNotPresentException("Credential report not present")
    policy = backend.account_password_policy
    age = policy.max_password_age if policy is not None else None
    rows = [_root_row(backend), *(_user_row(user, age) for user in backend.users.values())]
    return "".join(",".join(row) + "\n" for row in (COLUMNS, *rows))


def _root_row(backend: Any) -> list[str]:
    root = _root(backend.account_id)
    used = "no_information"
    if root.used_days_ago is not None:
        used = _time(datetime.now(UTC) - timedelta(days=root.used_days_ago))
    keys = [
        field
        for number in (1, 2)
        for field in (["true", _time(CREATED), NA, NA, NA] if number <= root.access_keys else ["false", *[NA] * 4])
    ]
    unsupported = ["not_supported"] * 2
    return [
        *("<root_account>", f"arn:aws:iam::{backend.account_id}:root", _time(CREATED), "not_supported", used),
        *(*unsupported, _flag(root.mfa), *keys, "false", NA, "false", NA, NA),
    ]


def _user_row(user: Any, max_age: int | None) -> list[str]:
    password = ["false", NA, NA, NA]
    if user.password:
        changed = getattr(user, "password_changed", user.create_date)
        used = _time(user.password_last_used) if user.password_last_used else "no_information"
        password = ["true", used, _time(changed), _time(changed + timedelta(days=max_age)) if max_age else NA]
    keys = [*user.access_keys, None, None][:2]
    certificates = [*user.signing_certificates.values(), None, None][:2]
    return [
        *(user.name, user.arn, _time(user.create_date), *password, _flag(bool(user.mfa_devices))),
        *(field for key in keys for field in _key_fields(key)),
        *(field for certificate in certificates for field in _certificate_fields(certificate)),
        NA,
    ]


def _key_fields(key: Any) -> Iterable[str]:
    if key is None:
        return ["false", *[NA] * 4]
    used = key.last_used
    last = [_time(used.timestamp), used.region, used.service] if used is not None else [NA] * 3
    return [_flag(key.status == "Active"), _time(key.create_date), *last]


def _certificate_fields(certificate: Any) -> Iterable[str]:
    if certificate is None:
        return ["false", NA]
    return [_flag(certificate.status == "Active"), _time(certificate.upload_date)]


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S+00:00")
