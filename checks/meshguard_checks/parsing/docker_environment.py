"""Which environment variables hold a secret, by name and by what is known of the value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshguard.targets.docker_models import Variable

SECRET_WORDS = (
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "PWD",
    "SECRET",
    "SECRETS",
    "TOKEN",
    "CREDENTIAL",
    "CREDENTIALS",
    "API_KEY",
    "ACCESS_KEY",
    "ACCOUNT_KEY",
    "AUTH_KEY",
    "ENCRYPTION_KEY",
    "MASTER_KEY",
    "PRIVATE_KEY",
    "SECRET_KEY",
    "SIGNING_KEY",
)
_ABOUT = re.compile(
    r"_(?:FILE|PATH|DIR|NAME|ARN|URL|URI|ENDPOINT|HOST|PORT|USER|TYPE|MODE|FORMAT|PREFIX|HEADER|FIELD|COOKIE|VERSION"
    r"|LENGTH|LEN|MIN|MAX|SIZE|COUNT|LIMIT|ROUNDS|COST|RETRIES|REGEX|PATTERN|POLICY|REQUIRED|ENABLED|DISABLED"
    r"|ALGORITHM|ALG|ISSUER|AUDIENCE|TTL|AGE|LIFETIME|EXPIRY|EXPIRES|EXPIRATION|EXPIRE|TIMEOUT|INTERVAL|ROTATION"
    r"|DAYS|HOURS|MINUTES|SECONDS|MS)$|(?<!SECRET)_ID$"
)
"""Ends of names that tell something about a secret. VAULT_SECRET_ID is one, AWS_ACCESS_KEY_ID is none."""
_NOT_SECRET = frozenset(["PWD", "OLDPWD"])
_SHORT = 4
"""Words up to this length stand alone: COMPASS and BYPASS are no PASS."""


def names_secret(name: str, words: Iterable[str]) -> bool:
    """Whether a variable's name says that its value is a secret: PGPASSWORD, clientSecret, SECRET_KEY_BASE."""
    plain = re.sub(r"[^A-Z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()).strip("_")
    if plain in _NOT_SECRET or _ABOUT.search(plain):
        return False
    return any(_pattern(word).search(plain) for word in words)


@cache
def _pattern(word: str) -> re.Pattern[str]:
    plain = re.sub(r"[^A-Z0-9]+", "_", word.upper()).strip("_")
    start = "(?:^|_)" if len(plain) <= _SHORT else ""
    return re.compile(start + plain.replace("_", "_?") + r"[0-9]*(?:_|$)")


def holds_secret(variable: Variable, words: Iterable[str]) -> bool:
    """Whether it holds a secret: a name that says so and a value that is one, or a value that shows it by itself."""
    value = variable.value
    known = value.tests
    if value.kind == "jwt" or known.get("url_userinfo") or known.get("password_field") or known.get("known_form"):
        return True
    if value.kind == "empty" or known.get("is_path") or known.get("is_flag") or known.get("is_reference"):
        return False
    return names_secret(variable.name, words)


def is_allowed(variable: Variable, allow: Iterable[str]) -> bool:
    """Whether one of the globs is its name."""
    return any(fnmatchcase(variable.name, pattern) for pattern in allow)
