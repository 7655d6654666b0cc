"""Whether the value that a condition demands is one that a stranger does not have."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from meshguard_checks.parsing import aws_policy_keys as keys
from meshguard_checks.parsing.aws_policy_answer import Answer, clip
from meshguard_checks.parsing.aws_policy_match import VARIABLE, expanded

ACCOUNT = re.compile(r"[0-9]{12}")
ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
_LITERAL = re.compile(r"\$\{[*?$]\}")
_FORMS = {
    "aws:sourcevpc": re.compile(r"vpc-[0-9a-f]{8,17}"),
    "aws:sourcevpce": re.compile(r"vpce-[0-9a-f]{8,17}"),
    "aws:principalservicename": re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?"),
    "aws:userid": re.compile(r"(A[A-Z0-9]{15,127}|[0-9]{12})(:.+)?"),
}
_ROLE_SESSIONS = re.compile(r"A[A-Z0-9]{15,127}:[^*?]*\*[^*?]*")
_ARN_FIELDS = 6
# "values broader than /8 for IPv4 and /32 for IPv6 (excluding RFC1918 private ranges)" are public: S3 User Guide.
BROADEST_V4 = 8
BROADEST_V6 = 32
_PRIVATE = tuple(ipaddress.IPv4Network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))

V4 = ipaddress.IPv4Network
V6 = ipaddress.IPv6Network


@dataclass(frozen=True)
class Pin:
    """One value that a condition accepts: whether it keeps strangers out, and whose it is where it says so."""

    answer: Answer
    reason: str
    account: str = ""
    organization: str = ""


def value_pin(key: str, value: str, base: str, *, variables: bool) -> Pin:
    """What one value pins; a policy variable in it is filled from the request, so it is a wildcard."""
    text = expanded(value) if variables else value
    problem = _problem(value, text, base, variables=variables)
    if problem:
        return Pin(Answer.UNDECIDED, f"{clip(value)} {problem}")
    if key in keys.ARNS:
        return _arn(text, clip(value), base)
    return _by_form(key, text, clip(value))


def _problem(value: str, text: str, base: str, *, variables: bool) -> str:
    """Why a value is not what it looks like; empty where it is."""
    if _LITERAL.search(value) or "${" in text:
        return "is no value of this key as it stands"
    literal = VARIABLE.sub("", value) if variables else value
    if base in ("stringequals", "stringequalsignorecase") and re.search(r"[*?]", literal):
        return "has a wildcard that this operator takes as text"
    return ""


def _by_form(key: str, text: str, shown: str) -> Pin:
    if key in keys.ACCOUNTS:
        return _plain(text, shown, ACCOUNT, account=text)
    if key in keys.ORGANIZATIONS:
        return _plain(text, shown, ORGANIZATION, organization=text)
    if key in keys.ORGANIZATION_PATHS:
        organization = text.partition("/")[0]
        return _plain(organization, shown, ORGANIZATION, organization=organization)
    if key == "aws:userid" and _ROLE_SESSIONS.fullmatch(text):
        return Pin(Answer.UNDECIDED, f"{shown} is one role with any session, which S3 does not count as fixed")
    return _plain(text, shown, _FORMS[key])


def _plain(text: str, shown: str, form: re.Pattern[str], *, account: str = "", organization: str = "") -> Pin:
    if re.search(r"[*?]", text):
        return Pin(Answer.NO, f"{shown} is not fixed")
    if not form.fullmatch(text):
        return Pin(Answer.UNDECIDED, f"{shown} does not look like a value of this key")
    return Pin(Answer.YES, f"only {shown}", account, organization)


def _arn(text: str, shown: str, base: str) -> Pin:
    parts = text.split(":", _ARN_FIELDS - 1)
    wild = re.search(r"[*?]", text)
    if len(parts) < _ARN_FIELDS:
        open_to_all = wild and not ACCOUNT.search(text)
        return Pin(Answer.NO if open_to_all else Answer.UNDECIDED, f"{shown} is no whole ARN")
    service, account, name = parts[2], parts[4], parts[5]
    if base == "stringlike" and re.search(r"[*?]", ":".join(parts[:4])):
        # In StringLike a wildcard reaches over colons, so that a later part may stand where the account should.
        open_to_all = not ACCOUNT.search(text)
        return Pin(Answer.NO if open_to_all else Answer.UNDECIDED, f"{shown} has a wildcard before its account")
    if service == "s3" and not account:
        return Pin(Answer.NO if re.search(r"[*?]", name.partition("/")[0]) else Answer.YES, f"bucket {shown}")
    if re.search(r"[*?]", account):
        return Pin(Answer.NO, f"{shown} does not fix the account")
    if not account:
        return Pin(Answer.UNDECIDED, f"{shown} names no account")
    return Pin(Answer.YES, f"only {shown}", account if ACCOUNT.fullmatch(account) else "")


def addresses(values: Iterable[str]) -> tuple[Pin, ...]:
    """What each network pins, and one doubt more where all of them together are broader than S3 takes as fixed."""
    networks = {value: _network(value) for value in values}
    pins = [_network_pin(value, network) for value, network in networks.items()]
    found = [network for network in networks.values() if network is not None]
    if all(pin.answer is Answer.YES for pin in pins) and _are_broad_together(found):
        pins.append(Pin(Answer.UNDECIDED, "its networks together are broader than S3 takes as fixed"))
    return tuple(pins)


def _network(text: str) -> V4 | V6 | None:
    _, slash, length = text.partition("/")
    if slash and not re.fullmatch(r"[0-9]{1,3}", length):
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _network_pin(value: str, network: V4 | V6 | None) -> Pin:
    if network is None:
        return Pin(Answer.UNDECIDED, f"{clip(value)} is no address or network")
    if isinstance(network, V6) and network.network_address.ipv4_mapped is not None:
        return Pin(Answer.UNDECIDED, f"{network} is IPv4 written as IPv6")
    limit = BROADEST_V6 if isinstance(network, V6) else BROADEST_V4
    if network.prefixlen < limit:
        return Pin(Answer.NO, f"{network} is broader than /{limit}")
    return Pin(Answer.YES, f"only {network}")


def _are_broad_together(networks: Iterable[V4 | V6]) -> bool:
    """Whether they have more addresses than the broadest fixed network; private ones are not counted, as in S3."""
    outside = [network for network in networks if not _is_private(network)]
    v4 = ipaddress.collapse_addresses(network for network in outside if isinstance(network, V4))
    v6 = ipaddress.collapse_addresses(network for network in outside if isinstance(network, V6))
    # In units of the broadest fixed network; floating point holds them exactly, they are powers of two.
    units_v4 = sum(2.0 ** (BROADEST_V4 - net.prefixlen) for net in v4)
    units_v6 = sum(2.0 ** (BROADEST_V6 - net.prefixlen) for net in v6)
    return max(units_v4, units_v6) > 1


def _is_private(network: V4 | V6) -> bool:
    return isinstance(network, V4) and any(network.subnet_of(private) for private in _PRIVATE)
